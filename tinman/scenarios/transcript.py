"""A conversation as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from tinman.scenarios.outcome import TurnRecord
from tinman.text.cutting import two_ends

MARK = "| "
"""Begins every line that was recorded; no line of ours begins so, and no recorded text can leave its own."""
_SAID = {
    "violation": ("BROKEN", "held"),
    "competence": ("not served", "served"),
    "invariant": ("BROKEN, though not tested", "held"),
}
"""How a result is told, by its purpose: when it does not hold, and when it does."""
_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def transcript_of(turns: Iterable[TurnRecord], limit: int = 2_000) -> str:
    """Return what was said, called and found, each text cut to ``limit`` characters; it is recorded and untrusted."""
    lines: list[str] = []
    for turn in turns:
        lines += ["user, in a conversation apart:" if turn.is_reference else "user:", *_quoted(turn.user, limit)]
        for trace in turn.tool_traces:
            called = f"{trace.tool_name} {json.dumps(trace.arguments, ensure_ascii=False, default=str)}"
            lines += ["tool called:", *_quoted(called, limit)]
            lines += ["tool gave:", *_quoted(str(trace.raw_result), limit)]
        lines += ["assistant:", *_quoted(turn.assistant, limit)]
        for check in turn.checks:
            told = _BREAKS.sub(" ", f"{check.type}: {check.detail}")
            said = "undecided" if check.undecided else _SAID[check.purpose][check.passed]
            lines.append(f"{said}: {told}")
    return "\n".join(lines)


def _quoted(text: str, limit: int) -> list[str]:
    return [f"{MARK}{line}" for line in _BREAKS.split(two_ends(text, limit))]
