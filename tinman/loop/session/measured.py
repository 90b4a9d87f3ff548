"""How many tokens a prompt can have at most, by what the one before it was counted as."""

from __future__ import annotations

from difflib import SequenceMatcher

from tinman.messages import Request, Text, ToolSpec, Usage
from tinman.models.sizes import MESSAGE_TOKENS, prompt_bound, prompt_bytes

_SPLICE_TOKENS = 8
"""By how much the words at one place where texts are joined may be counted otherwise than apart."""
_MOST_BYTES_A_TOKEN = 16


class MeasuredPrompts:
    """Bounds prompts, each by the last one that was counted: what stands in both has no more tokens than it had then.

    What is new counts a token a byte, and so does everything before the first count, or after a count that the text
    cannot have.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._tools: tuple[ToolSpec, ...] = ()
        self._tokens = 0

    def __call__(self, request: Request) -> int:
        """Return more input tokens than ``request`` can have."""
        whole = prompt_bound(request)
        lines = _lines_of(request)
        if not self._tokens or lines is None or request.tools is not self._tools:
            return whole
        added, splices = _compare(self._lines, lines)
        return min(whole, self._tokens + added + _SPLICE_TOKENS * splices)

    def learn(self, request: Request, usage: Usage) -> None:
        """Remember what ``request`` was counted as."""
        lines = _lines_of(request)
        is_likely = usage.input_tokens * _MOST_BYTES_A_TOKEN >= prompt_bytes(request)
        self._tokens = usage.input_tokens if is_likely and lines is not None else 0
        self._lines, self._tools = lines or [], request.tools


def _lines_of(request: Request) -> list[str] | None:
    """Return the lines of all messages, each message begun by its role; ``None`` where there is more than text."""
    lines: list[str] = []
    for message in request.messages:
        if not all(isinstance(part, Text) for part in message.parts):
            return None
        lines += [f"<{message.role}>", *message.text.split("\n")]
    return lines


def _compare(old: list[str], new: list[str]) -> tuple[int, int]:
    """Return how many bytes of ``new`` are not in ``old`` in the same order, and at how many places they stand."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    added = splices = 0
    for kind, _, _, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        splices += 1
        for line in after[first:last]:
            added += len(line.encode("utf-8", "surrogatepass")) + 1
            added += MESSAGE_TOKENS if line.startswith("<") else 0
    return added, splices
