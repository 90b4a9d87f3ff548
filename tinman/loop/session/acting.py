"""One call of a tool, within what is left of the wall clock, as the record that is kept of it."""

from __future__ import annotations

import json
from typing import Any

from tinman.frozen import made
from tinman.loop.session.parts import Parts
from tinman.loop.state.records import ActionRecord, Call
from tinman.loop.tools.tools import InvalidArguments, ToolResult
from tinman.text.cutting import head_and_tail, whole

RESULT_CHARS = 16_384
ARGS_CHARS = 1_024


class Acting:
    """Makes calls with a loop's tools."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts

    def unknown(self, call_: Call, told: str) -> ActionRecord:
        return ActionRecord(
            tool=call_.tool, args_excerpt=self._excerpt(call_.args), status="unknown", result_excerpt=told
        )

    async def perform(self, call_: Call, *, approved_as: str = "") -> ActionRecord:
        """Run one call within what is left of the wall clock; its arguments are validated here, once more."""
        tool = self._p.registry.get(call_.tool)
        if tool is None:
            result = ToolResult(status="error", output=f"there is no tool {call_.tool!r}", duration_s=0.0)
        else:
            try:
                values = tool.validate(call_.args)
            except InvalidArguments as error:
                result = ToolResult(status="error", output=f"InvalidArguments: {error}", duration_s=0.0)
            else:
                result = await tool.execute(values, self._p.budget.seconds_left)
        self._p.trace.tell(
            "action.executed", tool=call_.tool, status=result.status, duration_s=round(result.duration_s, 6)
        )
        output = self._p.redact(whole(result.output))
        payload = await self._p.store.keep(output) if len(output) > RESULT_CHARS else ""
        return made(
            ActionRecord,
            tool=call_.tool,
            args_excerpt=self._excerpt(call_.args),
            status=result.status,
            result_excerpt=head_and_tail(output, RESULT_CHARS),
            duration_s=result.duration_s,
            fingerprint=tool.fingerprint(call_.args) if tool is not None else "",
            payload=payload,
            approval=approved_as,
        )

    def _excerpt(self, args: dict[str, Any]) -> str:
        return head_and_tail(self._p.redact(json.dumps(args, sort_keys=True)), ARGS_CHARS)
