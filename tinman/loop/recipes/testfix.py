"""``TestFixLoop``: mends code until its tests pass, judged by which tests fail and not by how many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tinman.loop.goals import GoalMetric
from tinman.loop.recipes.judged import DEFAULT_COMMAND, JudgedLoop, editing_tools
from tinman.loop.recipes.repository import Repository
from tinman.loop.recipes.suite import Suite, SuiteReport
from tinman.loop.state.records import MetricSnapshot, State

_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_EXIT = re.compile(r"^\[?exit code:? (-?\d+)\b", re.MULTILINE)


class PytestFailureMetric(GoalMetric):
    """Tests mended minus tests broken, by identity, against the first measurement.

    A test that is gone, newly skipped or no longer collected counts as broken; whatever fails that did not fail at the
    start, or the last time, is a regression, and so is a run that broke before it could tell. Success needs an exit
    code 0 that was seen. ``report`` hands over the structured run; without it the observation's own ``FAILED`` lines
    and its line ``exit code N``, ``exit code: N`` or ``[exit code: N]`` are read. ``pins`` says what judges.
    """

    __test__ = False

    def __init__(
        self,
        report: Callable[[], SuiteReport | None] | None = None,
        pins: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        self._report = report
        self._pins = pins

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
            if self._pins is not None:
                detail["pinned"] = dict(self._pins())
            return MetricSnapshot(value=0.0, detail=detail)
        baseline = measured[0].detail
        known = set(baseline["tests"])
        at_first = set(baseline["failing"])
        last = set(measured[-1].detail["failing"]) | set(measured[-1].detail["missing"])
        is_pytest = self._report is None or report.basis == "junit"
        if self._report is None and not report.is_whole:
            # Nothing tells which tests ran: those that failed may fail still.
            is_unknown = report.exit_code is None and not report.failing
            return MetricSnapshot(
                value=measured[-1].value if is_unknown else -1.0,
                regression=not is_unknown,
                detail={**detail, "failing": sorted({*report.failing, *(last if is_unknown else at_first)})},
            )
        gone = known - set(report.tests) if report.basis == baseline["basis"] == "junit" else set()
        hushed = set(report.skipped) - set(baseline["skipped"])
        missing = (gone | (hushed & known)) - set(report.failing)
        failing = set(report.failing) | missing
        broken = failing - at_first
        return MetricSnapshot(
            value=float(len(at_first - failing) - len(broken)),
            regression=bool(broken or failing - last) or (is_pytest and not report.is_whole),
            detail={**detail, "missing": sorted(missing)},
        )

    def is_success(self, snapshot: MetricSnapshot) -> bool:
        """Say whether nothing fails, nothing is missing, and the command itself was seen to succeed."""
        return bool(snapshot.detail["green"]) and not snapshot.detail["missing"]


def _from_text(observation: str) -> SuiteReport:
    found = _EXIT.findall(observation)
    failing = tuple(dict.fromkeys(_FAILED.findall(observation)))
    # Text names no passed test: that a failing one is not named any more is all that can be seen.
    return SuiteReport(
        basis="exit code",
        exit_code=int(found[-1]) if found else None,
        timed_out=False,
        tests=failing,
        failing=failing,
    )


class TestFixLoop(JudgedLoop):
    """A loop that mends the code in ``repo`` until ``test_cmd`` passes.

    A text ``test_cmd`` is run by the shell, a list is not. pytest is judged by its JUnit report, any other command by
    its exit code. Tests, what configures, starts or stands in the way of the test runner, build and services' files
    and secrets are kept from the model: ``may_edit_tests`` lifts it for tests, ``may_edit`` for the paths and patterns
    it names. The suite passes only if it also does in a clean copy of the repository, with all of that as it was at
    the start and nothing left behind by earlier runs; when that run disagrees the result is an ERROR. What code does
    inside the process that tests it, no copy holds back. Everything else is as in ``Loop``; a resume takes ``repo``
    and ``test_cmd``, as before, instead of tools. Raises ``LoopConfigError`` for a command that cannot be run.
    """

    __test__ = False

    def __init__(
        self,
        llm: Any,
        repo: str | Path = ".",
        test_cmd: str | Sequence[str] = DEFAULT_COMMAND,
        test_timeout_s: float = 300.0,
        goal: str | None = None,
        *,
        may_edit_tests: bool = False,
        may_edit: Iterable[str] = (),
        environment: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        repository = Repository(repo, may_edit_tests=may_edit_tests, may_edit=may_edit)
        suite = Suite(repository.folder, test_cmd, test_timeout_s, tuple(environment))
        kwargs.setdefault("goal_metric", PytestFailureMetric(lambda: self.last_report, lambda: self.pins))
        super().__init__(goal or _goal(suite), editing_tools(repository, suite), llm, repository, suite, **kwargs)


def _goal(suite: Suite) -> str:
    return (
        f"Mend the code so that `{suite.command}` passes. Read before you edit, edit whole files, change as little as "
        "possible. Tests, their settings and what builds the project are read-only."
    )
