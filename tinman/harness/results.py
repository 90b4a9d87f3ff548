"""What a measurement brings: one result for each time a scenario ran, and what several of them say together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from tinman.frozen import alter, frozen
from tinman.messages import Usage
from tinman.scenarios.checks import CheckResult, ToolTrace
from tinman.scenarios.outcome import Outcome, TurnRecord, Verdict
from tinman.scenarios.run import BROKEN
from tinman.scenarios.scenario import Scenario
from tinman.stats import Interval, confidence_sequence, wilson
from tinman.text.visible import shorten


@frozen
class ScenarioResult:
    """One run of one scenario. ``started_at`` is in seconds since 1970, ``reason`` explains an indeterminate verdict.

    ``passed`` says that every turn was judged, and passed; what could not be measured has not passed.
    """

    scenario_id: str
    description: str
    destructive: bool = False
    user_id: str
    started_at: int
    duration_ms: int
    passed: bool
    turns: tuple[TurnRecord, ...] = ()
    verdict: Verdict
    reason: str = ""
    usage: Usage = Usage()
    number: int = 1

    @property
    def is_red(self) -> bool:
        """Whether a declared check did not hold, and nothing else went wrong."""
        return self.verdict == "failure"

    @property
    def failed_turns(self) -> list[tuple[int, TurnRecord]]:
        """The turns that did not pass, each with its number from 1."""
        return [(number, turn) for number, turn in enumerate(self.turns, 1) if not turn.passed]


def result_of(scenario: Scenario, outcome: Outcome, *, user: str, number: int = 1) -> ScenarioResult:
    """Return the result of one run.

    One that broke off before its last turn gets a broken turn more, one that broke after it a result more in that turn:
    it says why.
    """
    turns = outcome.turns
    why = CheckResult(type=BROKEN, passed=False, detail=outcome.reason, undecided=True)
    if not turns or (outcome.verdict == "indeterminate" and len(turns) < len(scenario.turns)):
        turns = (*turns, TurnRecord(user=scenario.turns[len(turns)].user, assistant="", checks=(why,), passed=False))
    elif outcome.verdict == "indeterminate" and all(turn.passed for turn in turns):
        turns = (*turns[:-1], alter(turns[-1], checks=(*turns[-1].checks, why), passed=False))
    return ScenarioResult(
        scenario_id=scenario.scenario_id,
        description=scenario.description or scenario.scenario_id,
        destructive=scenario.destructive,
        user_id=user,
        started_at=int(outcome.started_at.timestamp()),
        duration_ms=outcome.duration_ms,
        passed=outcome.verdict == "ok",
        turns=turns,
        verdict=outcome.verdict,
        reason=outcome.reason,
        usage=outcome.usage,
        number=number,
    )


@frozen
class Trials:
    """All runs of one scenario, in order. ``planned`` is how many were asked for."""

    scenario_id: str
    digest: str
    tags: tuple[str, ...] = ()
    planned: int = 1
    runs: tuple[ScenarioResult, ...] = Field(min_length=1)

    @property
    def successes(self) -> int:
        """How many runs passed."""
        return sum(1 for run in self.runs if run.passed)

    @property
    def passed(self) -> bool:
        """Whether every run passed."""
        return self.successes == len(self.runs)

    @property
    def is_flaky(self) -> bool:
        """Whether some runs passed and some did not."""
        return 0 < self.successes < len(self.runs)

    @property
    def shown(self) -> ScenarioResult:
        """The run that stands for all in a report of one result each: the first that did not pass, else the first."""
        return next((run for run in self.runs if not run.passed), self.runs[0])

    @property
    def interval(self) -> Interval:
        """The 95% interval of the pass rate: Wilson's, or the confidence sequence when the runs were cut short."""
        n = len(self.runs)
        return wilson(self.successes, n) if n == self.planned else confidence_sequence(self.successes, n)


def summarize_results(results: Sequence[ScenarioResult], *, confirmation_status: str | None = None) -> str:
    """Return totals, one line for each scenario, and the failing details turn by turn; safe to print."""
    passed = sum(1 for result in results if result.passed)
    lines = [f"Scenarios: {len(results)}, passed: {passed}, failed: {len(results) - passed}"]
    for result in results:
        state = "PASS" if result.passed else "FAIL"
        lines.append(f"- [{state}] {shorten(result.scenario_id, 120)}: {shorten(result.description, 160)}")
        for number, turn in result.failed_turns:
            told = ", ".join(f"{check.type}: {check.detail}" for check in turn.failing)
            lines.append(f"  turn {number}: {shorten(told, 600)}")
    note = provisional_note(confirmation_status) if results and passed == len(results) else ""
    return "\n".join([*lines, *([note] if note else [])])


def provisional_note(confirmation_status: str | None) -> str:
    """Return what a green run has to say about its standing; nothing when it is confirmed, or nobody asked."""
    if confirmation_status in {None, "passing"}:
        return ""
    return (
        f"NOTE: this is provisional (confirmation: {confirmation_status}). "
        "Run `tinman scenarios confirm` before you rely on it."
    )


def plain_turn(turn: TurnRecord) -> dict[str, Any]:
    """Return a turn as reports write it: the members of the v1 schema, and what is ours beside them."""
    calls = [_plain_trace(trace) for trace in turn.tool_traces]
    checks = [plain_check(check) for check in turn.checks]
    own = {name: value for name, value in vars(turn).items() if name != "is_reference"}
    return {**own, "tool_traces": calls, "checks": checks}


def _plain_trace(trace: ToolTrace) -> dict[str, Any]:
    """Return a call with the members of the v1 schema; ours is there only where it says something."""
    return {name: value for name, value in vars(trace).items() if name != "malformed" or value is not None}


def plain_check(check: CheckResult) -> dict[str, Any]:
    """Return a check's result as reports write it."""
    data: dict[str, Any] = {"check_type": check.type, "passed": check.passed, "detail": check.detail}
    if check.undecided:
        data["undecided"] = True
    if check.evidence:
        data["evidence"] = check.evidence
    return data


def plain_result(result: ScenarioResult) -> dict[str, Any]:
    """Return a result as reports write it."""
    left_out = {"usage", "number"}
    told = {name: value for name, value in vars(result).items() if name not in left_out}
    return told | {"turns": [plain_turn(turn) for turn in result.turns]}
