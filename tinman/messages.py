"""The one vocabulary between targets, models, patches and transcripts.

A model call and a turn of a whole system have the same shape: ``Request -> Reply``. Messages are lossless:
what a provider sent and we do not understand is kept as ``Opaque``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Field

from tinman.frozen import alter, frozen, sum_of

Role = Literal["system", "user", "assistant"]
Stop = Literal["end", "length", "tool_calls", "refusal", "other"]


@frozen
class Text:
    """Plain text."""

    text: str
    kind: Literal["text"] = "text"


@frozen
class ToolUse:
    """A call the model wants made; ``malformed`` keeps arguments that were not a JSON object."""

    id: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    malformed: str | None = None
    kind: Literal["tool_use"] = "tool_use"


@frozen
class ToolResult:
    """The answer to one ``ToolUse``."""

    id: str
    name: str
    content: str
    is_error: bool = False
    kind: Literal["tool_result"] = "tool_result"


@frozen
class Opaque:
    """A part only its provider understands (an image, a thinking block, a cache mark), kept as it came."""

    provider: str
    data: dict[str, Any]
    kind: Literal["opaque"] = "opaque"


Part = Annotated[Text | ToolUse | ToolResult | Opaque, Field(discriminator="kind")]


@frozen
class Message:
    """One entry of a conversation. Tool results travel in ``user`` messages, as both wires allow."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """All text parts, joined by line breaks."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def calls(self) -> tuple[ToolUse, ...]:
        """The tool calls in this message."""
        return tuple(part for part in self.parts if isinstance(part, ToolUse))


@frozen
class ToolSpec:
    """A tool as it is offered to a model; ``parameters`` is a JSON schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})


@sum_of
class Usage:
    """What a reply cost: model calls, tokens in and out, and nano-dollars (``None``: price unknown)."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    nano_usd: int | None = 0

    @property
    def usd(self) -> float | None:
        """Dollars, or ``None`` when some part has no known price."""
        return None if self.nano_usd is None else self.nano_usd / 1e9

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            nano_usd=None if self.nano_usd is None or other.nano_usd is None else self.nano_usd + other.nano_usd,
        )


@sum_of
class Answers:
    """What became of the questions to a reasoner. ``lost`` were given no answer: it could not be reached, or not in
    time; ``spared`` were not asked any more, since it had failed too often or used up its share. ``seconds`` and
    ``nano_usd`` are what the questions took."""

    asked: int = 0
    usable: int = 0
    refused: int = 0
    invalid: int = 0
    lost: int = 0
    spared: int = 0
    seconds: float = 0.0
    nano_usd: int = 0

    def __add__(self, other: Answers) -> Answers:
        return Answers(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})

    def __str__(self) -> str:
        counts = {"refused": self.refused, "invalid": self.invalid, "lost": self.lost}
        why = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
        told = f"{self.usable} of {self.asked} answers usable" + (f" ({why})" if why else "")
        return told + (f"; left alone since then, {self.spared} not asked" if self.spared else "")


@frozen
class Request:
    """What is asked: the conversation so far, the tools on offer, parameters (``temperature``, ``max_tokens``,
    ``response_schema``, any field of the SDK), and the dice. ``seed`` is apart from ``session``. ``correlation_id``
    names the turn in the target's own logs; it is never shown to a model. ``once`` forbids our own retries, for
    measuring a fix that itself asks again."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    params: Mapping[str, Any] = Field(default_factory=dict)
    session: str = ""
    seed: int = 0
    correlation_id: str = ""
    once: bool = False


@frozen
class Reply:
    """What came back. Conversation + ``trace`` + ``message`` is the next prefix; ``trace`` holds the tool rounds of
    the turn; ``acted`` the digests of the patches that changed something."""

    message: Message
    trace: tuple[Message, ...] = ()
    usage: Usage = Usage()
    stop: Stop = "end"
    acted: tuple[str, ...] = ()
    extra: dict[str, Any] = Field(default_factory=dict)


FILTERED = "filtered_by_provider"
"""The member of ``Reply.extra`` that holds the words in which a provider's filter stopped a request or its reply."""

Call = Callable[[Request], Awaitable[Reply]]
"""One call of a model, or one turn of a whole system."""

_NOTHING, _SAID = Text(text=""), Message(role="user", parts=())


def say(role: Role, text: str) -> Message:
    """Return a message of one text part."""
    return alter(_SAID, role=role, parts=(alter(_NOTHING, text=text),))
