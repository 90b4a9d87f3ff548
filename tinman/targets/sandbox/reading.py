"""How the sandbox reads a conversation: who says what, and what is being asked.

Everything is taken from the request; nothing is known beforehand about names, values or wordings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from tinman.messages import Message, Request, Text, ToolResult, ToolSpec, ToolUse
from tinman.targets.sandbox.footers import Order, orders_in
from tinman.targets.sandbox.statements import Fact, facts_in, firmer
from tinman.targets.world import DOCUMENT_TAG, MEMORY_TAG


@dataclass(frozen=True)
class Result:
    """What a tool answered to a call with ``arguments``."""

    tool: str
    content: str
    is_error: bool
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """A request as the sandbox understands it."""

    system: str
    ask: str
    user_texts: tuple[str, ...]
    documents: tuple[str, ...]
    memory: tuple[str, ...]
    tools: tuple[ToolSpec, ...]
    results: tuple[Result, ...]
    earlier_results: tuple[Result, ...]
    chars: int

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Everything stated, most trustworthy source first; among documents those in force before the others."""
        by_rank = sorted(enumerate(self.documents), key=cmp_to_key(_older))
        return (
            *(fact for result in self.results if not result.is_error for fact in facts_in(result.content, "tool")),
            *(fact for place, text in by_rank for fact in facts_in(text, "document", place)),
            *facts_in(self.system, "system"),
            *(fact for text in self.memory for fact in facts_in(text, "memory")),
        )

    @property
    def orders(self) -> tuple[Order, ...]:
        """The standing orders, the system's first."""
        return (*orders_in(self.system, "system"), *(o for text in self.user_texts for o in orders_in(text, "user")))


def _older(one: tuple[int, str], two: tuple[int, str]) -> int:
    return firmer(two[1], one[1])


def _own_words(message: Message) -> str:
    return "\n".join(
        part.text
        for part in message.parts
        if isinstance(part, Text) and not part.text.startswith((DOCUMENT_TAG, MEMORY_TAG))
    )


def _inside(text: str) -> str:
    return text.partition(">\n")[2].rpartition("\n</")[0]


def read(request: Request) -> Reading:
    """Read a request. The turn at hand starts at the last message in the user's own words."""
    messages = [m for m in request.messages if m.role != "system"]
    starts = [i for i, m in enumerate(messages) if m.role == "user" and _own_words(m)]
    start = starts[-1] if starts else 0
    texts = [p.text for m in messages if m.role == "user" for p in m.parts if isinstance(p, Text)]
    uses = {part.id: part for m in messages for part in m.parts if isinstance(part, ToolUse)}

    def results(part_of: list[Message]) -> tuple[Result, ...]:
        return tuple(
            Result(part.name, part.content, part.is_error, dict(uses[part.id].arguments) if part.id in uses else {})
            for message in part_of
            for part in message.parts
            if isinstance(part, ToolResult)
        )

    return Reading(
        system="\n".join(m.text for m in request.messages if m.role == "system"),
        ask=_own_words(messages[start]) if messages else "",
        user_texts=tuple(_own_words(messages[i]) for i in starts),
        documents=tuple(_inside(text) for text in texts if text.startswith(DOCUMENT_TAG)),
        memory=tuple(_inside(text) for text in texts if text.startswith(MEMORY_TAG)),
        tools=request.tools,
        results=results(messages[start:]),
        earlier_results=results(messages[:start]),
        chars=sum(len(m.text) for m in request.messages)
        + sum(len(p.content) for m in request.messages for p in m.parts if isinstance(p, ToolResult)),
    )
