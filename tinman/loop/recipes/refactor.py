"""``RefactorLoop``: changes the shape of code while its tests stay green, until a number that is measured is better."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tinman.errors import LoopConfigError
from tinman.loop.goals import GoalMetric
from tinman.loop.recipes.judged import DEFAULT_COMMAND, JudgedLoop, editing_tools
from tinman.loop.recipes.repository import Repository
from tinman.loop.recipes.suite import Suite, SuiteReport
from tinman.loop.recipes.testfix import PytestFailureMetric
from tinman.loop.state.records import MetricSnapshot, State
from tinman.text.patterns import Searches, check_pattern

Measure = Callable[[Path], float]


def occurrences(pattern: str, files: str = "**/*.py") -> Measure:
    """Return a measure: how often a regular expression occurs in those files of a folder that a glob names.

    Raises ``LoopConfigError`` for what is no expression; measuring raises ``PatternTooSlow`` after 10 s of searching.
    """
    try:
        check_pattern(pattern)
    except ValueError as error:
        raise LoopConfigError(f"pattern: {error}") from error

    def count(folder: Path) -> float:
        texts = (path.read_text("utf-8", "replace") for path in sorted(folder.glob(files)) if path.is_file())
        searches = Searches(10.0)
        return float(sum(searches.count(pattern, text) for text in texts))

    return count


class RefactorMetric(GoalMetric):
    """How far the measured number fell since the start; whatever breaks a test is worth less than nothing."""

    def __init__(self, tests: PytestFailureMetric, measure: Callable[[], float], target: float | None) -> None:
        self._tests = tests
        self._measure = measure
        self._target = target

    def measure(self, observation: str, state: State) -> MetricSnapshot:
        """Return the measurement; ``detail`` has ``measured`` and ``at_first`` beside what is known of the tests."""
        tests = self._tests.measure(observation, state)
        measured = float(self._measure())
        earlier = [record.metric for record in state.iterations if record.metric is not None]
        at_first = earlier[0].detail["at_first"] if earlier else measured
        last = earlier[-1].detail["measured"] if earlier else measured
        return MetricSnapshot(
            value=at_first - measured if self._tests.is_success(tests) else min(tests.value, 0.0) - 1.0,
            regression=tests.regression or measured > last,
            detail={**tests.detail, "measured": measured, "at_first": at_first},
        )

    def is_success(self, snapshot: MetricSnapshot) -> bool:
        """Say whether the tests are green and the number is where it should be."""
        is_better = find_shortfall(snapshot.detail["measured"], snapshot.detail["at_first"], self._target) == ""
        return is_better and self._tests.is_success(snapshot)


def find_shortfall(measured: float, at_first: float, target: float | None) -> str:
    """Return what is missing for a number to be good enough; empty for nothing."""
    if target is not None:
        return "" if measured <= target else f"measured {measured:g}, wanted at most {target:g}"
    return "" if measured < at_first else f"measured {measured:g}, which is not below {at_first:g}"


class RefactorLoop(JudgedLoop):
    """A loop that changes the code in ``repo`` until ``measure`` is better, with ``test_cmd`` passing all the while.

    ``measure`` takes a folder and returns a number, smaller is better: lines, a linter's findings, ``occurrences`` of
    what is to go. It is good enough at ``target`` or below, without one once it is below what it was. The tests have to
    pass at the start, and what judges is kept from the model as in ``TestFixLoop``; tests and number are judged once
    more in a clean copy. Raises ``LoopConfigError`` for a suite that fails at the start, before a model is asked.
    """

    def __init__(
        self,
        llm: Any,
        measure: Measure,
        repo: str | Path = ".",
        test_cmd: str | Sequence[str] = DEFAULT_COMMAND,
        test_timeout_s: float = 300.0,
        goal: str | None = None,
        *,
        target: float | None = None,
        may_edit_tests: bool = False,
        may_edit: Iterable[str] = (),
        environment: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        repository = Repository(repo, may_edit_tests=may_edit_tests, may_edit=may_edit)
        suite = Suite(repository.folder, test_cmd, test_timeout_s, tuple(environment))
        self._measure = measure
        self._target = target
        tests = PytestFailureMetric(lambda: self.last_report, lambda: self.pins)
        kwargs.setdefault("goal_metric", RefactorMetric(tests, lambda: measure(repository.folder), target))
        whole = f"{goal or 'Make the code simpler.'} `{suite.command}` has to pass all the while; tests are read-only."
        super().__init__(whole, editing_tools(repository, suite), llm, repository, suite, **kwargs)

    def _check_first(self, report: SuiteReport) -> None:
        if not report.is_green:
            failing = ", ".join(report.failing[:5]) or f"exit code {report.exit_code}"
            raise LoopConfigError(f"test_cmd `{self.suite.command}` fails before anything is changed ({failing})")

    def find_objection(self, final: SuiteReport, copy: Path) -> str:
        """Return what the tests or the number have against a success; empty for nothing."""
        first = self.first_measurement
        if first is None:
            return "nothing was measured at the start"
        shortfall = find_shortfall(float(self._measure(copy)), first.detail["at_first"], self._target)
        return super().find_objection(final, copy) or shortfall
