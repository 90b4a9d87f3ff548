"""Texts cut to a size without losing their end."""

from __future__ import annotations


def head_and_tail(text: str, width: int) -> str:
    """Return at most ``width`` characters of ``text``: a third from its head, the rest from its tail, the cut named.

    What failed and how a command ended stand at the end of its output.
    """
    if len(text) <= width:
        return text
    mark = f"\n[... {len(text) - width} characters and more left out ...]\n"
    if width <= 2 * len(mark):
        return text[: max(0, width - 1)] + "…"[:width]
    room = width - len(mark)
    head = room // 3
    return text[:head] + mark + text[len(text) - (room - head) :]


def two_ends(text: str, limit: int, said: str = "characters") -> str:
    """Return ``text``, or its first and last ``limit // 2`` characters around a line ``[... NUMBER said ...]``."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} {said} ...]\n{text[-half:]}"
