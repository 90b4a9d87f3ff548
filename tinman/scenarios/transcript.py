"""A conversation as text."""

from __future__ import annotations

from collections.abc import Iterable

from tinman.scenarios.outcome import TurnRecord
from tinman.text.cutting import two_ends


def transcript_of(turns: Iterable[TurnRecord], limit: int = 2_000) -> str:
    """Return what was said, called and found, each text cut to ``limit`` characters; it is recorded and untrusted."""
    lines: list[str] = []
    for turn in turns:
        lines += ["user:", two_ends(turn.user, limit)]
        lines += [f"tool {t.tool_name} {t.arguments} -> {two_ends(str(t.raw_result), limit)}" for t in turn.tool_traces]
        lines += ["assistant:", two_ends(turn.assistant, limit)]
        lines += [f"{'held' if c.passed else 'BROKEN'}: {c.type}: {c.detail}" for c in turn.checks]
    return "\n".join(lines)
