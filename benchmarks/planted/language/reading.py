"""What stands in a request: the parts of a conversation, told apart by where they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.planted.language.words import sentences

_DOCUMENT = re.compile(r"<document(?:\s+name=\"?(?P<name>[^\">]*)\"?)?[^>]*>\s*(?P<text>.*?)\s*</document>", re.DOTALL)
_NOTE = re.compile(r"<memory[^>]*>\s*(?P<text>.*?)\s*</memory>", re.DOTALL)
_ASKING = re.compile(
    r"^(?:[\W_]*)(?:please\b|kindly\b|(?:can|could|would|will) you\b|what|which|who|whom|whose|"
    r"when|where|why|how|is|are|"
    r"was|were|do|does|did|has|have|can|could|may|list|name|tell|give|say|state|show|find|look|call|use|write|"
    r"summari[sz]e|translate|repeat|explain|describe|compute|calculate|add|check|send|delete|remove|cancel|refund|book|"
    r"reply|answer|respond|count|sort|rewrite|create|make|draft|print|output|update|get|fetch|continue|compare|"
    r"recommend|pick|choose|convert|set|order|transfer|pay|schedule|ignore|forget|decode|read|"
    r"run|open|i (?:want|need|would like)|"
    r"let|go ahead|now|then|finally|next|question\b|task\b|by the way)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Source:
    """A text given to be read: ``kind`` is ``document``, ``note``, ``result``, ``user``, ``system`` or ``self``."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True)
class Tool:
    """A tool on offer."""

    name: str
    description: str
    properties: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """A call made in this conversation and what came back; ``result`` is ``None`` where nothing did."""

    name: str
    arguments: Mapping[str, Any]
    result: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether the tool said that it failed."""
        told = (self.result or "").casefold()[:300]
        return bool(
            re.search(
                r"\berror\b|\bfail(?:ed|ure)?\b|exception|timed? ?out|unavailable|denied|refused|not possible|"
                r"there is no tool|could not|cannot|\b(?:4|5)\d\d\b(?=.{0,30}(?:error|service|internal|not found))",
                told,
            )
        ) and not re.search(r"\bno errors?\b|\"error\": ?(?:null|false|\"\")|error: none", told)


@dataclass(frozen=True)
class Turn:
    """What the user said, the steps taken, and what was answered; empty while it is not."""

    user: str
    steps: tuple[Step, ...] = ()
    said: str = ""


@dataclass(frozen=True)
class Heard:
    """A request, read. ``system`` is the assistant's own prompt with the one that was sent."""

    system: str
    own_system: str
    documents: tuple[Source, ...]
    notes: tuple[Source, ...]
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    max_tokens: int = 4096
    nth: int = 1
    in_flight: int = 1
    size: int = field(default=0)

    @property
    def ask(self) -> str:
        """What the user said last, without documents and notes."""
        return self.turns[-1].user if self.turns else ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of this turn."""
        return self.turns[-1].steps if self.turns else ()

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """The steps of all turns."""
        return tuple(step for turn in self.turns for step in turn.steps)

    @property
    def question(self) -> str:
        """The part of the last message that asks for something."""
        return " ".join(asked_in(self.ask))

    @property
    def given_now(self) -> str:
        """The part of the last message that only tells something."""
        asked = set(asked_in(self.ask))
        return "\n".join(s for s in sentences(self.ask) if s not in asked)

    @property
    def results(self) -> tuple[Source, ...]:
        """What tools returned, the newest last."""
        return tuple(Source("result", step.name, step.result) for step in self.all_steps if step.result)

    @property
    def told(self) -> tuple[Source, ...]:
        """What the user told, turn by turn, the newest last."""
        earlier = tuple(Source("user", "", turn.user) for turn in self.turns[:-1])
        return (*earlier, Source("user", "", self.given_now)) if self.given_now else earlier

    @property
    def own_words(self) -> tuple[Source, ...]:
        """What the assistant itself said in this conversation."""
        return tuple(Source("self", "", turn.said) for turn in self.turns if turn.said)

    @property
    def foreign(self) -> tuple[Source, ...]:
        """All that came in as data and is nobody's order: documents, notes, results."""
        return (*self.documents, *self.notes, *self.results)


def asked_in(text: str) -> tuple[str, ...]:
    """Return the sentences that ask for something; the last one where none does."""
    parts = sentences(text)
    asked = tuple(part for part in parts if part.rstrip("\"')* ").endswith("?") or _ASKING.match(part))
    return asked or parts[-1:]


def asks_something(text: str) -> bool:
    """Whether a text asks for something, rather than only telling."""
    return any(
        part.rstrip("\"')* ").endswith("?")
        or _ASKING.match(part)
        or re.search(r"\b(?:please|bitte|s'il vous)\b", part, re.I)
        for part in sentences(text)
    )


def hear(body: Mapping[str, Any], *, own_system: str, nth: int = 1, in_flight: int = 1) -> Heard:
    """Read a chat-completions request. Raises ``ValueError`` when it is none."""
    messages = body.get("messages")
    if not isinstance(messages, Sequence) or not messages:
        raise ValueError("messages: a list with at least one message is needed")
    sent: list[str] = []
    documents: list[Source] = []
    notes: list[Source] = []
    turns: list[Turn] = []
    results = {str(m.get("tool_call_id")): _text(m) for m in messages if m.get("role") == "tool"}
    for message in messages:
        role, text = message.get("role"), _text(message)
        if role in {"system", "developer"}:
            sent.append(text)
        elif role == "user":
            documents += [Source("document", m["name"] or "document", m["text"]) for m in _DOCUMENT.finditer(text)]
            notes += [Source("note", "memory", m["text"]) for m in _NOTE.finditer(text)]
            turns.append(Turn(_NOTE.sub("", _DOCUMENT.sub("", text)).strip()))
        elif role == "assistant" and turns:
            turns[-1] = _answered(turns[-1], message, text, results)
    received = "\n".join(sent)
    system = received if own_system in received else "\n".join(part for part in (own_system, received) if part)
    return Heard(
        system=system,
        own_system=own_system,
        documents=tuple(documents),
        notes=tuple(notes),
        turns=tuple(turns) or (Turn(""),),
        tools=tuple(_tool(tool) for tool in body.get("tools") or ()),
        max_tokens=int(body.get("max_tokens") or body.get("max_completion_tokens") or 4096),
        nth=nth,
        in_flight=in_flight,
        size=sum(len(_text(message)) for message in messages),
    )


def _answered(turn: Turn, message: Mapping[str, Any], text: str, results: Mapping[str, str]) -> Turn:
    steps = tuple(
        Step(str(call["function"]["name"]), _arguments(call["function"].get("arguments")), results.get(str(call["id"])))
        for call in message.get("tool_calls") or ()
    )
    return Turn(turn.user, (*turn.steps, *steps), "" if steps else text)


def _arguments(text: object) -> dict[str, Any]:
    try:
        told = json.loads(str(text or "{}"))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _text(message: Mapping[str, Any]) -> str:
    told = message.get("content")
    if isinstance(told, str):
        return told
    return "\n".join(str(part.get("text", "")) for part in told or () if isinstance(part, Mapping))


def _tool(offered: Mapping[str, Any]) -> Tool:
    function = offered.get("function", offered)
    schema = function.get("parameters") or {}
    return Tool(
        str(function.get("name", "")),
        str(function.get("description", "")),
        schema.get("properties") or {},
        tuple(schema.get("required") or ()),
    )
