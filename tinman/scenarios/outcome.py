"""What one run of a scenario ended with."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from tinman.frozen import frozen
from tinman.messages import Usage
from tinman.scenarios.checks import CheckResult, ToolTrace

Verdict = Literal["ok", "failure", "indeterminate"]


@frozen
class TurnRecord:
    """One turn as it happened; one of the reference was said in a conversation apart, to compare with."""

    user: str
    assistant: str
    tool_traces: tuple[ToolTrace, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    passed: bool = True
    duration_ms: int = 0
    is_reference: bool = False

    @property
    def failing(self) -> tuple[CheckResult, ...]:
        """The checks of the verdict that did not pass."""
        return tuple(check for check in self.checks if not check.passed and check.purpose == "violation")

    @property
    def was_served(self) -> bool | None:
        """Whether the request was served; ``None`` where nothing says so, or the turn is undecided."""
        asked = [check for check in self.checks if check.purpose == "competence"]
        return all(check.passed for check in asked) if asked and not any(check.undecided for check in asked) else None


@frozen
class Outcome:
    """The verdict over all turns; ``reason`` explains an indeterminate one; ``acted`` names patches that acted."""

    verdict: Verdict
    reason: str = ""
    turns: tuple[TurnRecord, ...] = ()
    usage: Usage = Usage()
    acted: tuple[str, ...] = ()
    started_at: datetime
    duration_ms: int
