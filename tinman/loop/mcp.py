"""The tools of an MCP server as tools of a loop. Knows the protocol's JSON and no SDK: any client of it will do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from tinman.errors import LoopConfigError, TargetError
from tinman.loop.tools.tools import Tool

MOST_PAGES = 100


class Client(Protocol):
    """What is used of ``mcp.Client`` (or a ``ClientSession`` of the SDK's first version)."""

    async def list_tools(self, *, cursor: Any = None) -> Any: ...
    async def call_tool(self, name: str, arguments: dict[str, Any] | None = None) -> Any: ...


async def mcp_tools(client: Client, *, prefix: str = "", timeout_s: float = 60.0) -> list[Tool]:
    """Return the tools that a connected client's server offers, their names behind ``prefix``.

    Missing and invented arguments are refused here, everything else is checked by the server. The tools live in the
    event loop of the client, so use them with ``await loop.arun()`` there. Raises ``LoopConfigError`` for a server that
    never ends listing.
    """
    tools: list[Tool] = []
    page = await client.list_tools()
    for _ in range(MOST_PAGES):
        listed = _wire(page)
        tools += [_make_tool(client, each, prefix, timeout_s) for each in listed.get("tools", [])]
        cursor = listed.get("nextCursor")
        if not cursor:
            return tools
        page = await client.list_tools(cursor=cursor)
    raise LoopConfigError(f"mcp: the server lists more than {MOST_PAGES} pages of tools; give it fewer")


def _wire(value: Any) -> dict[str, Any]:
    """Return what the SDK's object was on the wire: names differ between its versions, the protocol's do not."""
    data: dict[str, Any] = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    return data


def _make_tool(client: Client, listed: dict[str, Any], prefix: str, timeout_s: float) -> Tool:
    name: str = listed["name"]
    return Tool(
        _caller(client, name),
        name=f"{prefix}{name}",
        description=listed.get("description") or listed.get("title") or name,
        timeout_s=timeout_s,
        input_schema=listed.get("inputSchema") or {"type": "object", "properties": {}},
    )


def _caller(client: Client, name: str) -> Callable[..., Any]:
    async def call(**arguments: Any) -> str:
        answer = _wire(await client.call_tool(name, arguments))
        text = _text(answer)
        if answer.get("isError"):
            raise TargetError(text or "the server says it failed")
        return text

    return call


def _text(answer: dict[str, Any]) -> str:
    """Return an answer's texts; other content is named, structured content stands in for none."""
    parts = [
        part["text"] if part.get("type") == "text" else f"[{part.get('type', 'content')}]"
        for part in answer.get("content", [])
    ]
    if not parts and "structuredContent" in answer:
        return json.dumps(answer["structuredContent"], ensure_ascii=False)
    return "\n".join(parts)
