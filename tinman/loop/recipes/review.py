"""``ReviewLoop``: reviews a change, file by file, and leaves comments whose places exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from tinman.errors import LoopConfigError
from tinman.frozen import adapter, frozen
from tinman.loop.engine import Loop
from tinman.loop.goals import GoalMetric
from tinman.loop.recipes import protection
from tinman.loop.recipes.judged import reading_tools
from tinman.loop.recipes.repository import Refused, Repository
from tinman.loop.state.records import MetricSnapshot, State
from tinman.loop.tools.tools import Tool, tool
from tinman.text.cutting import head_and_tail

if TYPE_CHECKING:
    from unidiff.patch import PatchedFile

Severity = Literal["blocker", "major", "minor", "nit"]
Verdict = Literal["fine", "needs work"]
_SHOWN_CHARS = 12_000
_MOST_CHARACTERS = 4_000


@frozen
class ReviewComment:
    """One finding about line ``line`` (from 1) of ``path``, a file of the change.

    The line is one of the file as it is after the change, of a deleted file one that was deleted. ``is_in_change`` says
    whether the change touches or shows it.
    """

    path: str
    line: int
    severity: Severity
    text: str
    is_in_change: bool


@frozen
class _FileVerdict:
    path: str
    verdict: Verdict


class Reviewed(GoalMetric):
    """How many files of the change have a verdict; the goal is all of them."""

    def __init__(self, loop: ReviewLoop) -> None:
        self._loop = loop

    def measure(self, observation: str, state: State) -> MetricSnapshot:
        """Return the measurement; ``detail`` names the files that are ``open``."""
        done = self._loop.verdicts_of(state)
        open_ = [path for path in self._loop.changed if path not in done]
        return MetricSnapshot(value=float(len(self._loop.changed) - len(open_)), detail={"open": open_})

    def is_success(self, snapshot: MetricSnapshot) -> bool:
        """Say whether no file is open."""
        return not snapshot.detail["open"]


class ReviewLoop(Loop):
    """A loop that reviews ``diff``, a unified diff (``git diff main...``) that is applied in ``repo`` already.

    The model reads and changes nothing: it looks at changes and files, comments on lines, and says of each file whether
    it is fine or needs work, which takes a comment. A comment on a file that is not changed, or on a line that is not
    there, is refused and the model is told. ``comments`` and ``verdicts`` are what it left; they are part of the
    loop's state, and there again after a resume, which takes ``repo`` and ``diff`` instead of tools. Files that may
    hold secrets are not shown. Raises ``LoopConfigError`` for a diff that is none, or empty.
    """

    def __init__(self, llm: Any, diff: str, repo: str | Path = ".", goal: str | None = None, **kwargs: Any) -> None:
        self.repository = Repository(repo)
        self.changed = _read(diff)
        kwargs.setdefault("observe", self._look_at_review)
        kwargs.setdefault("goal_metric", Reviewed(self))
        whole = (
            f"{goal or 'Review the change for mistakes, risks and what is missing.'} Look at every changed file, "
            "comment on the lines that need it, and give every file a verdict."
        )
        super().__init__(whole, [*reading_tools(self.repository), *self._tools()], llm, **kwargs)

    @property
    def comments(self) -> tuple[ReviewComment, ...]:
        """What was found so far, in the order it was found."""
        return tuple(adapter(ReviewComment).validate_json(text) for text in _results(self.state, "comment"))

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """The verdict on each file that has one; the last one counts."""
        return self.verdicts_of(self.state)

    def verdicts_of(self, state: State) -> Mapping[str, Verdict]:
        """Return the verdicts that ``state`` holds."""
        given: list[_FileVerdict] = [
            adapter(_FileVerdict).validate_json(text) for text in _results(state, "give_verdict")
        ]
        return {each.path: each.verdict for each in given}

    def _look_at_review(self, state: State) -> str:
        done = self.verdicts_of(state)
        lines = [
            f"{path} (+{file.added} -{file.removed}): {done.get(path, 'open')}" for path, file in self.changed.items()
        ]
        return "\n".join(lines)

    def _find(self, path: str) -> PatchedFile:
        file = self.changed.get(path)
        if file is None:
            raise Refused(f"{path}: it is not changed; there are {', '.join(list(self.changed)[:50])}")
        if protection.is_secret(PurePosixPath(path)):
            raise Refused(f"{path}: it may hold secrets, so it is not shown")
        return file

    def _tools(self) -> list[Tool]:
        @tool
        def show_change(path: str) -> str:
            """Show what changed in one file, with the line numbers of the file as it is after the change."""
            return head_and_tail(_numbered(self._find(path)), _SHOWN_CHARS)

        @tool
        def comment(path: str, line: int, severity: Severity, text: str) -> dict[str, Any]:
            """Comment on one line of a changed file."""
            file = self._find(path)
            in_change = {number for number, _ in _lines(file)}
            if not (line in in_change or self._has_line(path, line)):
                raise Refused(f"{path}:{line}: there is no such line")
            if not text.strip() or len(text) > _MOST_CHARACTERS:
                raise Refused(f"text: 1 to {_MOST_CHARACTERS} characters, not {len(text)}")
            return {"path": path, "line": line, "severity": severity, "text": text, "is_in_change": line in in_change}

        @tool
        def give_verdict(path: str, verdict: Verdict) -> dict[str, Any]:
            """Say of one changed file that it is fine, or that it needs work, which a comment on it has to explain."""
            if path not in self.changed:
                raise Refused(f"{path}: it is not changed; there are {', '.join(list(self.changed)[:50])}")
            if verdict == "needs work" and all(each.path != path for each in self.comments):
                raise Refused(f"{path}: comment on what needs work first")
            return {"path": path, "verdict": verdict}

        return [show_change, comment, give_verdict]

    def _has_line(self, path: str, line: int) -> bool:
        if self.changed[path].is_removed_file:
            return False
        return 1 <= line <= self.repository.count_lines(path)


def _results(state: State, name: str) -> Iterable[str]:
    """Yield what the calls of a tool that went well returned, oldest first, those of the open round too."""
    records = [*state.iterations, *([state.round.record] if state.round is not None else [])]
    for record in records:
        for action in record.actions:
            if action.tool == name and action.status == "ok":
                yield action.result_excerpt


def _read(diff: str) -> dict[str, PatchedFile]:
    from unidiff.errors import UnidiffParseError  # noqa: PLC0415 - loaded by who reviews
    from unidiff.patch import PatchSet  # noqa: PLC0415

    try:
        files = {file.path: file for file in PatchSet(diff)}
    except UnidiffParseError as error:
        raise LoopConfigError(f"diff: it is no unified diff ({error}); give what `git diff` prints") from error
    if not files:
        raise LoopConfigError("diff: nothing is changed in it; give what `git diff` prints")
    return files


def _lines(file: PatchedFile) -> Iterable[tuple[int, str]]:
    """Yield the lines a change shows with their numbers: after the change, of a deleted file before it."""
    for hunk in file:
        for line in hunk:
            number = line.source_line_no if file.is_removed_file else line.target_line_no
            if number is not None:
                yield number, line.value


def _numbered(file: PatchedFile) -> str:
    shown = []
    for hunk in file:
        shown.append(str(hunk).partition("\n")[0])
        for line in hunk:
            number = line.source_line_no if file.is_removed_file else line.target_line_no
            shown.append(f"{'' if number is None else number:>6} {line.line_type}{line.value.rstrip()}")
    return "\n".join(shown) or "(binary, renamed, or without lines)"
