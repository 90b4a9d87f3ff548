"""Calls of tools: each within what is left of the wall clock, as the record that is kept of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinman.budget import Budget
from tinman.frozen import made
from tinman.loop.state.records import ActionRecord, Call
from tinman.loop.state.store import Store
from tinman.loop.tools.tools import ToolRegistry, ToolResult
from tinman.loop.trace import Trace
from tinman.text.cutting import head_and_tail
from tinman.text.storable import whole

RESULT_CHARS = 16_384
ARGS_CHARS = 1_024
_SORTED = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True)
class Caller:
    """Makes calls with a loop's tools. Results too long for the state are kept whole in ``store``."""

    registry: ToolRegistry
    budget: Budget
    store: Store
    trace: Trace
    redact: Callable[[str], str]

    async def perform(self, call: Call, *, approved_as: str = "") -> ActionRecord:
        """Run one call within what is left of the wall clock; its arguments are validated here, once more."""
        tool = self.registry.get(call.tool)
        if tool is None:
            result = ToolResult(status="error", output=f"there is no tool {call.tool!r}", duration_s=0.0)
        else:
            result = await tool.validate_and_execute(call.args, self.budget.seconds_left)
        self.trace.tell("action.executed", tool=call.tool, status=result.status, duration_s=round(result.duration_s, 6))
        output = self.redact(whole(result.output))
        payload = await self.store.keep(output) if len(output) > RESULT_CHARS else ""
        return made(
            ActionRecord,
            tool=call.tool,
            args_excerpt=self._excerpt(call.args),
            status=result.status,
            result_excerpt=head_and_tail(output, RESULT_CHARS),
            duration_s=result.duration_s,
            fingerprint=tool.fingerprint(call.args) if tool is not None else "",
            payload=payload,
            approval=approved_as,
        )

    def record_without_result(self, call: Call) -> ActionRecord:
        """Return the record of a call that was made by a process which did not live to keep its result."""
        return ActionRecord(
            tool=call.tool,
            args_excerpt=self._excerpt(call.args),
            status="unknown",
            result_excerpt="it happened; its result was lost with the process",
        )

    def _excerpt(self, args: dict[str, Any]) -> str:
        return head_and_tail(self.redact(_SORTED.encode(args)), ARGS_CHARS)
