"""A test suite run once: what passed, failed or could not be collected, by identity, from pytest's own report.

Another command than pytest gives no structure: then its exit code is all that is known, and is said to be.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

from tinman.config.settings import child_environment
from tinman.errors import LoopConfigError
from tinman.frozen import frozen
from tinman.processes.commands import run_command
from tinman.text.cutting import head_and_tail

NOT_RUN = frozenset({126, 127})
"""Exit codes of a command that is not there, or may not be run."""
_WHOLE = frozenset({0, 1})
_MAX_REPORT_BYTES = 64_000_000
_SHOWN = 50
_OWN_REPORT = re.compile(r"--junit-?xml(?:=|\s+)(?:'[^']*'|\"[^\"]*\"|[^\s;&|<>()]+)")


@frozen
class Told:
    """What is said of a failing test; ``is_error`` when it was not even run: collecting or setting it up failed."""

    text: str
    is_error: bool


@frozen
class SuiteReport:
    """One run of a suite. ``tests`` are all that were reported, ``failing`` and ``skipped`` those among them.

    ``basis`` says what is known: each test, or the exit code alone (``failing`` is then empty or holds the command).
    An ``exit_code`` of ``None`` was not seen. ``modules`` are the dotted names of the files that hold the tests,
    ``told`` is what pytest says of each failing test.
    """

    basis: Literal["junit", "exit code"]
    exit_code: int | None
    timed_out: bool
    tests: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()
    output: str = ""

    @property
    def is_green(self) -> bool:
        """Whether it was seen to succeed, ran something, and nothing failed."""
        ran_some = self.basis == "exit code" or len(self.tests) > len(self.skipped)
        return self.exit_code == 0 and not self.timed_out and not self.failing and ran_some

    @property
    def is_whole(self) -> bool:
        """Whether what is not reported to fail has run: not when collecting broke, or nobody saw it end."""
        return self.exit_code in _WHOLE and not self.timed_out

    def text(self, width: int = 12_000) -> str:
        """Return it for a model: the facts first, then the head and the tail of what was printed."""
        if self.basis == "junit":
            passed = len(self.tests) - len(self.failing) - len(self.skipped)
            facts = f"{passed} passed, {len(self.failing)} failing, {len(self.skipped)} skipped"
        else:
            facts = "judged by the exit code alone, since this is not pytest"
        lines = [f"exit code {self.exit_code}{' (timed out)' if self.timed_out else ''}: {facts}"]
        lines += [f"failing: {name}" for name in self.failing[:_SHOWN] if self.basis == "junit"]
        if len(self.failing) > _SHOWN:
            lines.append(f"and {len(self.failing) - _SHOWN} more")
        head = "\n".join(lines)
        return f"{head}\n\n{head_and_tail(self.output, max(1_000, width - len(head)))}"


@dataclass
class Suite:
    """A test command in a folder: text is run by the shell, a list is not. ``run`` may be called from any thread.

    ``command`` is the text of it, ``words`` its words, operators of the shell among them. What is tested was written by
    a model: it gets the variables of this process without the credentials, but for those in ``environment``.
    """

    folder: Path
    test_cmd: InitVar[str | Sequence[str]]
    timeout_s: float
    environment: tuple[str, ...] = ()

    def __post_init__(self, test_cmd: str | Sequence[str]) -> None:
        self.is_shell = isinstance(test_cmd, str)
        if isinstance(test_cmd, str):
            self.command = test_cmd
            self.words = _words(test_cmd)
        else:
            self.words = [str(word) for word in test_cmd]
            self.command = shlex.join(self.words)
        if not self.words:
            raise LoopConfigError("test_cmd: it is empty; write for example 'python -m pytest -q'")
        # Of several, each would write the same report; what the last one said would be taken for all.
        self.is_pytest = sum(PurePosixPath(word).name in {"pytest", "py.test"} for word in self.words) == 1

    def at(self, folder: Path) -> Suite:
        """Return the same command in a copy of the folder; where it names the folder, it names the copy."""
        here = re.compile(re.escape(str(self.folder)) + r"(?![\w.-])")
        moved = str(folder)
        words = [here.sub(lambda _: moved, word) for word in self.words]
        text = here.sub(lambda _: shlex.quote(moved), self.command)
        return replace(self, folder=folder, test_cmd=text if self.is_shell else words)

    def run(self) -> SuiteReport:
        """Run it once, in its folder, within its time."""
        run = partial(run_command, timeout_s=self.timeout_s, cwd=self.folder, env=child_environment(self.environment))
        if not self.is_pytest:
            done = run(self.command if self.is_shell else self.words)
            is_red = done.code != 0 or done.timed_out
            cases: list[_Case] = [_Case(self.command, "", is_red, False)]
        else:
            with tempfile.TemporaryDirectory(prefix="tinman-suite-", ignore_cleanup_errors=True) as folder:
                report = os.path.join(folder, "report.xml")
                done = run(self._reporting(report))
                cases = _read(Path(report))
        failing = tuple(dict.fromkeys(case.name for case in cases if case.failed))
        hushed = {case.name for case in cases if case.skipped} - set(failing)
        return SuiteReport(
            basis="junit" if self.is_pytest else "exit code",
            exit_code=done.code,
            timed_out=done.timed_out,
            tests=tuple(dict.fromkeys(case.name for case in cases)),
            failing=failing,
            told=tuple(next(case.told for case in cases if case.failed and case.name == name) for name in failing),
            skipped=tuple(case for case in dict.fromkeys(case.name for case in cases) if case in hushed),
            modules=tuple(sorted({case.module for case in cases if case.module and not case.is_doctest})),
            output=f"{done.stdout}\n{done.stderr}" if done.stderr.strip() else done.stdout,
        )

    def _reporting(self, report: str) -> list[str] | str:
        """Return the command so that its pytest, wherever in it, writes its report to ``report``."""
        if not self.is_shell:
            return [*self.words, f"--junitxml={report}"]
        option = f"--junitxml={shlex.quote(report)}"
        if (told := _OWN_REPORT.sub(lambda _: option, self.command)) != self.command:
            return told
        return f'export PYTEST_ADDOPTS="${{PYTEST_ADDOPTS:+$PYTEST_ADDOPTS }}{option}"\n{self.command}'


def _words(command: str) -> list[str]:
    """Return the words of a shell's command. Raises ``LoopConfigError`` for quotes that do not close."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError as error:
        raise LoopConfigError(f"test_cmd {command!r}: {error}; quote it as for a shell") from error


_NOTHING = Told(text="", is_error=False)


def _told(case: ElementTree.Element) -> Told:
    found = [(kind, each) for kind in ("error", "failure") for each in case.findall(kind)]
    text = "\n".join(f"{each.get('message', '')}\n{each.text or ''}" for _, each in found)
    return Told(text=text, is_error=any(kind == "error" for kind, _ in found)) if found else _NOTHING


@dataclass(frozen=True)
class _Case:
    name: str
    module: str
    failed: bool
    skipped: bool
    told: Told = _NOTHING

    @property
    def is_doctest(self) -> bool:
        """Whether it stands in the documentation of the code itself, which has to stay editable."""
        return self.name.partition("::")[2].startswith(self.module)


def _read(path: Path) -> list[_Case]:
    """Return the tests of a JUnit file; of one that is missing or broken, none."""
    try:
        if path.stat().st_size > _MAX_REPORT_BYTES:
            return []
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return []
    return [
        _Case(
            name=f"{case.get('classname', '')}::{case.get('name', '')}",
            module=case.get("classname", ""),
            failed=case.find("failure") is not None or case.find("error") is not None,
            skipped=case.find("skipped") is not None,
            told=_told(case),
        )
        for case in cases
    ]


def find_files(modules: Iterable[str], files: Iterable[PurePosixPath]) -> dict[PurePosixPath, str]:
    """Return the ``files`` that hold tests of ``modules``: dotted names of files, or of classes in them."""
    known = {".".join(path.with_suffix("").parts): path for path in files}
    found: dict[PurePosixPath, str] = {}
    for module in modules:
        parts = module.split(".")
        for length in range(len(parts), 0, -1):
            if (path := known.get(".".join(parts[:length]))) is not None:
                found[path] = module
                break
    return found
