"""A test suite run once: what passed, failed or could not be collected, by identity, from pytest's own report.

Another command than pytest gives no structure: then its exit code is all that is known, and is said to be.
"""

from __future__ import annotations

import os
import shlex
import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tinman.errors import LoopConfigError
from tinman.frozen import frozen
from tinman.processes.commands import run_command
from tinman.text.cutting import head_and_tail

_MAX_REPORT_BYTES = 64_000_000
_SHOWN = 50


@frozen
class SuiteReport:
    """One run of a suite. ``tests`` are all that were reported, ``failing`` and ``skipped`` those among them.

    ``basis`` says what is known: each test, or the exit code alone (``failing`` is then empty or holds the command).
    """

    basis: Literal["junit", "exit code"]
    exit_code: int
    timed_out: bool
    tests: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    output: str = ""

    @property
    def is_green(self) -> bool:
        """Whether it ran to its end, ran something, and nothing failed."""
        ran_some = self.basis == "exit code" or len(self.tests) > len(self.skipped)
        return self.exit_code == 0 and not self.timed_out and not self.failing and ran_some

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
    """A test command in a folder. ``run`` may be called from any thread."""

    folder: Path
    command: str
    timeout_s: float

    def __post_init__(self) -> None:
        try:
            self.words = shlex.split(self.command)
        except ValueError as error:
            raise LoopConfigError(f"test_cmd {self.command!r}: {error}; quote it as for a shell") from error
        if not self.words:
            raise LoopConfigError("test_cmd: it is empty; write for example 'python -m pytest -q'")
        self.is_pytest = any(Path(word).name in {"pytest", "py.test"} for word in self.words[:4])

    def run(self) -> SuiteReport:
        """Run it once, in its folder, within its time."""
        if self.is_pytest:
            with tempfile.TemporaryDirectory(prefix="tinman-suite-", ignore_cleanup_errors=True) as folder:
                report = os.path.join(folder, "report.xml")
                done = run_command([*self.words, f"--junitxml={report}"], self.timeout_s, self.folder)
                tests, failing, skipped = _read(Path(report))
        else:
            done = run_command(self.words, self.timeout_s, self.folder)
            tests, skipped = (self.command,), ()
            failing = () if done.code == 0 and not done.timed_out else tests
        return SuiteReport(
            basis="junit" if self.is_pytest else "exit code",
            exit_code=done.code,
            timed_out=done.timed_out,
            tests=tests,
            failing=failing,
            skipped=skipped,
            output=f"{done.stdout}\n{done.stderr}" if done.stderr.strip() else done.stdout,
        )


def _read(path: Path) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return all, failing and skipped tests of a JUnit file; of one that is missing or broken, nothing."""
    try:
        if path.stat().st_size > _MAX_REPORT_BYTES:
            return (), (), ()
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return (), (), ()
    tests, failing, skipped = {}, {}, {}
    for case in cases:
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        tests[name] = True
        if case.find("failure") is not None or case.find("error") is not None:
            failing[name] = True
        elif case.find("skipped") is not None:
            skipped[name] = True
    skipped = {name: True for name in skipped if name not in failing}
    return tuple(tests), tuple(failing), tuple(skipped)
