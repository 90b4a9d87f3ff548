"""``ReproLoop``: writes a test that fails because of a bug, for the reason described, each time it is run."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tinman.errors import LoopConfigError
from tinman.loop.goals import GoalMetric
from tinman.loop.recipes.baseline import Baseline
from tinman.loop.recipes.judged import DEFAULT_COMMAND, JudgedLoop, reading_tools
from tinman.loop.recipes.repository import Repository
from tinman.loop.recipes.suite import Suite, SuiteReport
from tinman.loop.state.records import MetricSnapshot, State
from tinman.loop.tools.tools import tool
from tinman.text.patterns import Searches, check_pattern

_PLACE = re.compile(r"^(\S[^:\n]*):(\d+): in ", re.MULTILINE)


class Reproduced(GoalMetric):
    """0 for no failing test, 0.5 for one that fails otherwise than described, 1 for the bug."""

    def __init__(self, loop: ReproLoop) -> None:
        self._loop = loop

    def measure(self, observation: str, state: State) -> MetricSnapshot:
        """Return the measurement; ``detail`` says what is ``missing``, and names the ``failing`` tests."""
        report, missing = self._loop.last_report, self._loop.missing
        failing = () if report is None else report.failing
        value = 1.0 if not missing else 0.5 if failing else 0.0
        detail: dict[str, Any] = {"missing": missing, "failing": list(failing)}
        if not any(record.metric for record in state.iterations):
            detail["pinned"] = self._loop.pins
        return MetricSnapshot(value=value, detail=detail)

    def is_success(self, snapshot: MetricSnapshot) -> bool:
        """Say whether nothing is missing."""
        return not snapshot.detail["missing"]


class ReproLoop(JudgedLoop):
    """A loop that writes ``test_path`` in ``repo``, and no other file, until a test in it fails because of ``bug``.

    It does when it is collected, imports the code of the repository, and fails with ``failure`` (a regular expression)
    in what pytest says of it, alike in each of ``repeats`` runs. An exception has to come out of the code: one that the
    test raises itself is none; an ``assert`` has to be about a value. It is run as often again in a clean copy. Whether
    it is the right test is for you to read. ``test_cmd`` is a pytest; the test's path is added to it. Raises
    ``LoopConfigError`` when ``test_path`` is there already, or the command is no pytest.
    """

    def __init__(
        self,
        llm: Any,
        bug: str,
        failure: str,
        repo: str | Path = ".",
        test_path: str = "test_reproduction.py",
        test_cmd: str | Sequence[str] = DEFAULT_COMMAND,
        test_timeout_s: float = 300.0,
        goal: str | None = None,
        *,
        repeats: int = 3,
        environment: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        repository = Repository(repo, may_edit=[test_path])
        adds = ["--tb=short", "-p", "no:cacheprovider", test_path]
        command = f"{test_cmd} {shlex.join(adds)}" if isinstance(test_cmd, str) else [*test_cmd, *adds]
        suite = Suite(repository.folder, command, test_timeout_s, tuple(environment))
        if not suite.is_pytest:
            raise LoopConfigError(f"test_cmd `{suite.command}` is no pytest; write for example 'python -m pytest -q'")
        if repeats < 1:
            raise LoopConfigError(f"repeats: at least 1, not {repeats}")
        self.test_path = PurePosixPath(test_path)
        self.missing = "no test was run yet"
        try:
            self._failure = check_pattern(failure)
        except ValueError as error:
            raise LoopConfigError(f"failure: {error}") from error
        self._repeats = repeats

        @tool
        def write_test(content: str) -> str:
            """Replace the whole content of the test file that is to show the bug."""
            return repository.write(test_path, content)

        kwargs.setdefault("goal_metric", Reproduced(self))
        whole = (
            f"Write a test that fails because of this bug: {bug}\nIt goes to {test_path}, calls the code of the "
            f"repository, and fails each time with: {failure}. Change nothing else, and do not mend the bug."
        )
        super().__init__(goal or whole, [*reading_tools(repository), write_test], llm, repository, suite, **kwargs)

    def _take_baseline(self) -> Baseline:
        if self._is_fresh and (self.repository.folder / self.test_path).exists():
            raise LoopConfigError(f"test_path {self.test_path}: there is such a file already; name another one")
        return super()._take_baseline()

    def _look_at_tests(self, state: State) -> str:
        text = super()._look_at_tests(state)
        assert self.last_report is not None
        self.missing = self._find_missing(self.last_report, self.suite)
        return f"{'reproduced' if not self.missing else f'not yet: {self.missing}'}\n{text}"

    def find_objection(self, final: SuiteReport, copy: Path) -> str:
        """Return what is missing for the bug to be shown in a clean copy; empty for nothing."""
        return self._find_missing(final, self.suite.at(copy))

    def _find_missing(self, report: SuiteReport, suite: Suite) -> str:
        """Return why ``report``, and ``repeats - 1`` more runs, do not show the bug; empty when they do."""
        path = suite.folder / self.test_path
        if not path.is_file():
            return f"there is no {self.test_path}"
        if wrong := self._find_wrong(report, path):
            return wrong
        for _ in range(self._repeats - 1):
            again = suite.run()
            if again.failing != report.failing or self._find_wrong(again, path):
                return "it does not fail alike each time it is run"
        return ""

    def _find_wrong(self, report: SuiteReport, path: Path) -> str:
        if report.exit_code != 1 or report.timed_out or not report.failing:
            return f"no test of it fails (exit code {report.exit_code})"
        try:
            tree = ast.parse(path.read_text("utf-8", "replace"))
        except SyntaxError as error:
            return f"it is no Python: {error.msg}"
        if not self._imports_the_code(tree):
            return "it imports nothing of the repository"
        for name, told in zip(report.failing, report.told, strict=True):
            if told.is_error:
                return f"{name} cannot be run: that is another failure than the bug's"
            if not Searches(10.0).finds(self._failure, told.text):
                return f"{name} fails otherwise than described"
            places = _PLACE.findall(told.text)
            if not places:
                return f"{name} does not say where it fails"
            file, line = places[-1]
            if PurePosixPath(file).name == path.name and not _asserts_a_value(tree, int(line)):
                return f"{name} raises the failure itself; call the code that does"
        return ""

    def _imports_the_code(self, tree: ast.Module) -> bool:
        files = self.repository.files_at_first - {self.test_path}
        known = {part.removesuffix(".py") for path in files if path.suffix == ".py" for part in path.parts}
        named = {
            part
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or "", *(alias.name for alias in node.names)]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for part in name.split(".")
        }
        return bool(named & known)


def _asserts_a_value(tree: ast.Module, line: int) -> bool:
    """Say whether the statement at ``line`` is an ``assert`` about something that was computed."""
    return any(
        isinstance(node, ast.Assert)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
        and any(isinstance(part, ast.Name | ast.Call) for part in ast.walk(node.test))
        for node in ast.walk(tree)
    )
