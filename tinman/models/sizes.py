"""Upper bounds in bytes. A token of any byte-level vocabulary covers at least one byte, so bytes bound tokens."""

from __future__ import annotations

from tinman.frozen import canonical_json
from tinman.messages import Message, Opaque, Request, Text, ToolResult, ToolSpec, ToolUse

ENVELOPE_TOKENS = 64
MESSAGE_TOKENS = 8
TOOLS_TOKENS = 640
OPAQUE_TOKENS = 4096
_REMEMBERED = 128
_measured: dict[tuple[int, ...], tuple[tuple[ToolSpec, ...], int]] = {}


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def message_bytes(message: Message) -> int:
    """Return the UTF-8 bytes of everything in ``message`` that a model reads."""
    total = 0
    for part in message.parts:
        match part:
            case Text():
                total += _bytes(part.text)
            case ToolUse():
                arguments = canonical_json(part.arguments) if part.malformed is None else part.malformed
                total += _bytes(part.id) + _bytes(part.name) + _bytes(arguments)
            case ToolResult():
                total += _bytes(part.id) + _bytes(part.name) + _bytes(part.content)
            case Opaque():
                total += _bytes(canonical_json(part.data)) + OPAQUE_TOKENS
    return total


def tools_bytes(tools: tuple[ToolSpec, ...]) -> int:
    """Return the bytes of the tools' JSON plus what providers add to explain tools; remembered by identity."""
    if not tools:
        return 0
    key = tuple(map(id, tools))
    known = _measured.get(key)
    if known is None:
        size = TOOLS_TOKENS + sum(
            _bytes(canonical_json([tool.name, tool.description, tool.parameters])) + MESSAGE_TOKENS for tool in tools
        )
        if len(_measured) >= _REMEMBERED:
            _measured.clear()
        _measured[key] = known = (tools, size)
    return known[1]


def prompt_bytes(request: Request) -> int:
    """Return the UTF-8 bytes of all messages and tools of ``request``."""
    return sum(map(message_bytes, request.messages)) + tools_bytes(request.tools)


def prompt_bound(request: Request) -> int:
    """Return more input tokens than ``request`` can have: its bytes, each message's wrapping, the schema asked for.

    A provider that adds more of its own is noticed when its usage comes in (see ``Metered``).
    """
    schema = request.params.get("response_schema")
    extra = 0 if schema is None else _bytes(canonical_json(schema)) + TOOLS_TOKENS
    return prompt_bytes(request) + MESSAGE_TOKENS * len(request.messages) + ENVELOPE_TOKENS + extra


def reply_bytes(message: Message) -> int:
    """Return the bytes of a reply's message, at least one."""
    return max(1, message_bytes(message))
