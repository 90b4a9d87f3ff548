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
    """One turn as it happened."""

    user: str
    assistant: str
    tool_traces: tuple[ToolTrace, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    passed: bool = True
    duration_ms: int = 0

    @property
    def failing(self) -> tuple[CheckResult, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)


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
