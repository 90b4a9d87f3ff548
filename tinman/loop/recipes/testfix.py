"""``TestFixLoop``: mends code until its tests pass, judged by which tests fail and not by how many."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tinman.loop.engine import Loop
from tinman.loop.goals import GoalMetric
from tinman.loop.recipes.repository import Repository
from tinman.loop.recipes.suite import Suite, SuiteReport
from tinman.loop.result import LoopResult, LoopStatus
from tinman.loop.state.records import MetricSnapshot, State
from tinman.loop.tools.tools import Tool, tool
from tinman.processes.threads import in_thread

DEFAULT_COMMAND = "python -m pytest -q -rf --tb=short"
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_EXIT = re.compile(r"^exit code:? (-?\d+)", re.MULTILINE)


class PytestFailureMetric(GoalMetric):
    """Tests mended minus tests broken, by identity, against the first measurement.

    A test that is gone, newly skipped or no longer collected counts as broken; whatever fails that did not fail at the
    start, or the last time, is a regression. ``report`` hands over the structured run; without it the observation's own
    ``FAILED`` lines and its ``exit code N`` line are read.
    """

    __test__ = False

    def __init__(self, report: Callable[[], SuiteReport | None] | None = None) -> None:
        self._report = report

    def measure(self, observation: str, state: State) -> MetricSnapshot:
        """Return the measurement; ``detail`` has ``failing``, ``missing``, ``exit_code``, at first all tests."""
        report = self._report() if self._report is not None else None
        report = report or _from_text(observation)
        measured = [record.metric for record in state.iterations if record.metric is not None]
        detail: dict[str, Any] = {
            "failing": sorted(report.failing),
            "missing": [],
            "exit_code": report.exit_code,
            "green": report.is_green,
            "basis": report.basis,
        }
        if not measured:
            detail |= {"tests": sorted(report.tests), "skipped": sorted(report.skipped)}
            return MetricSnapshot(value=0.0, detail=detail)
        baseline = measured[0].detail
        known = set(baseline["tests"])
        gone = known - set(report.tests) if report.basis == baseline["basis"] == "junit" else set()
        hushed = set(report.skipped) - set(baseline["skipped"])
        missing = (gone | (hushed & known)) - set(report.failing)
        failing = set(report.failing) | missing
        at_first = set(baseline["failing"])
        last = set(measured[-1].detail["failing"]) | set(measured[-1].detail["missing"])
        broken = failing - at_first
        return MetricSnapshot(
            value=float(len(at_first - failing) - len(broken)),
            regression=bool(broken or failing - last),
            detail={**detail, "missing": sorted(missing)},
        )

    def is_success(self, snapshot: MetricSnapshot) -> bool:
        """Say whether nothing fails, nothing is missing, and the command itself succeeded."""
        return bool(snapshot.detail["green"]) and not snapshot.detail["missing"]


def _from_text(observation: str) -> SuiteReport:
    found = _EXIT.findall(observation)
    failing = tuple(dict.fromkeys(_FAILED.findall(observation)))
    code = int(found[-1]) if found else (1 if failing else 0)
    # Text names no passed test: that a failing one is not named any more is all that can be seen.
    return SuiteReport(basis="exit code", exit_code=code, timed_out=False, tests=failing, failing=failing)


class TestFixLoop(Loop):
    """A loop that mends the code in ``repo`` until ``test_cmd`` passes.

    pytest is judged by its JUnit report, any other command by its exit code. Tests and the settings of the test runner
    are read-only unless ``may_edit_tests``. After SUCCESS the suite is run once more, outside the loop; when that run
    disagrees the result is an ERROR. Everything else is as in ``Loop``; a resume takes ``repo`` and ``test_cmd``, as
    before, instead of tools.
    """

    __test__ = False

    def __init__(
        self,
        llm: Any,
        repo: str | Path = ".",
        test_cmd: str = DEFAULT_COMMAND,
        test_timeout_s: float = 300.0,
        goal: str | None = None,
        *,
        may_edit_tests: bool = False,
        **kwargs: Any,
    ) -> None:
        self.repository = Repository(repo, may_edit_tests=may_edit_tests)
        self.suite = Suite(self.repository.folder, test_cmd, timeout_s=test_timeout_s)
        self._last: SuiteReport | None = None
        kwargs.setdefault("observe", self._look_at_tests)
        kwargs.setdefault("goal_metric", PytestFailureMetric(lambda: self._last))
        super().__init__(goal or _goal(self.suite), _tools(self.repository, self.suite), llm, **kwargs)

    def _look_at_tests(self, state: State) -> str:
        self._last = self.suite.run()
        return self._last.text()

    async def arun(self) -> LoopResult:
        """Run to an end, then judge a SUCCESS by one more run of the suite."""
        result = await super().arun()
        if result.status is not LoopStatus.SUCCESS:
            return result
        final = await in_thread(self.suite.run)
        if final.is_green:
            return result
        failing = ", ".join(final.failing[:5]) or f"exit code {final.exit_code}"
        return replace(
            result,
            status=LoopStatus.ERROR,
            reason=f"the suite passed in the loop and not in the final run outside it: {failing}",
            resumable=True,
            recommended_action="look for tests that depend on chance or order, then resume",
            error="FinalRunFailed",
        )


def _goal(suite: Suite) -> str:
    return (
        f"Mend the code so that `{suite.command}` passes. Read before you edit, edit whole files, change as little as "
        "possible. Tests are read-only."
    )


def _tools(repository: Repository, suite: Suite) -> list[Tool]:
    @tool(timeout_s=suite.timeout_s + 30)
    def run_tests() -> str:
        """Run the test suite and return which tests fail, and what was printed."""
        return suite.run().text()

    @tool
    def list_files() -> str:
        """List the files of the repository, one path a line."""
        return repository.files()

    @tool
    def read_file(path: str) -> str:
        """Read a file; the path is relative to the repository."""
        return repository.read(path)

    @tool
    def edit_file(path: str, content: str) -> str:
        """Replace the whole content of a file; the path is relative to the repository."""
        return repository.write(path, content)

    return [run_tests, list_files, read_file, edit_file]
