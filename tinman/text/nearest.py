"""Names that are nearly the one that was asked for, for "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, most: int = 1, likeness: float = 0.6) -> list[str]:
    """Return up to ``most`` of ``known``, the most like ``name`` first; ``likeness``, 0 to 1, is the least."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - 20 ms that only a mistyped name has to wait for

    found = process.extract(name, list(known), scorer=fuzz.ratio, limit=most, score_cutoff=100 * likeness)
    return [close for close, _, _ in found]


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return the hint after a name that nothing has: up to three near ones, or ``otherwise``."""
    close = nearest(name, known, most=3, likeness=0.5)
    return f"did you mean {', '.join(close)}?" if close else otherwise
