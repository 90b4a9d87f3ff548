"""The tools of an MCP server are tools of a loop."""

from __future__ import annotations

from typing import Any

import pytest
from loops import a_loop, playing, says
from pydantic import BaseModel, ConfigDict, Field

from tinman.errors import LoopConfigError
from tinman.loop.mcp import mcp_tools

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Wire(BaseModel):
    """An object of an SDK: its names are its own, its aliases those of the protocol."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)
    next_cursor: str | None = Field(None, alias="nextCursor")
    is_error: bool | None = Field(None, alias="isError")


class FakeClient:
    """A client of a server with two pages of tools; ``weather`` fails for ``nowhere``."""

    def __init__(self, pages: int = 2) -> None:
        self.pages = pages
        self.calls: list[tuple[str, Any]] = []

    async def list_tools(self, *, cursor: Any = None) -> Wire:
        number = int(cursor or 0)
        names = ["weather", "news"]
        tool = {"name": names[number % 2], "description": "Tell.", "inputSchema": SCHEMA}
        following = str(number + 1) if number + 1 < self.pages else None
        return Wire(tools=[tool], next_cursor=following)  # type: ignore[call-arg]

    async def call_tool(self, name: str, arguments: dict[str, Any] | None = None) -> Wire:
        self.calls.append((name, arguments))
        if arguments == {"city": "nowhere"}:
            return Wire(content=[{"type": "text", "text": "no such city"}], is_error=True)  # type: ignore[call-arg]
        return Wire(content=[{"type": "text", "text": "sunny"}, {"type": "image", "data": "x"}])  # type: ignore[call-arg]


async def test_they_are_offered_called_and_their_errors_are_errors() -> None:
    client = FakeClient()
    tools = await mcp_tools(client, prefix="srv_")
    plan = says("", ("srv_weather", {"city": "Rome"}), ("srv_news", {"city": "nowhere"}))
    loop = a_loop(playing(plan), tools, max_iterations=1)
    await loop.arun()
    actions = loop.state.iterations[0].actions

    assert [each.name for each in tools] == ["srv_weather", "srv_news"]
    assert [(a.status, a.result_excerpt) for a in actions] == [
        ("ok", "sunny\n[image]"),
        ("error", "TargetError: no such city"),
    ]
    assert client.calls == [("weather", {"city": "Rome"}), ("news", {"city": "nowhere"})]


@pytest.mark.parametrize("args", [{}, {"city": "Rome", "invented": 1}])
async def test_missing_and_invented_arguments_do_not_reach_the_server(args: dict[str, Any]) -> None:
    client = FakeClient()
    result = await a_loop(playing(says("", ("weather", args))), await mcp_tools(client)).arun()

    assert (result.status, client.calls) == ("PLAN_FAILED", [])


async def test_a_server_that_never_ends_listing_is_refused() -> None:
    with pytest.raises(LoopConfigError, match="pages"):
        await mcp_tools(FakeClient(pages=10**9))


async def test_a_real_server_is_understood() -> None:
    import mcp
    from mcp.server import MCPServer

    server = MCPServer("weather")

    @server.tool()
    def weather(city: str) -> str:
        """Tell the weather."""
        if city == "nowhere":
            raise ValueError("no such city")
        return f"sunny in {city}"

    async with mcp.Client(server) as client:
        tools = await mcp_tools(client)
        plan = says("", ("weather", {"city": "Rome"}), ("weather", {"city": "nowhere"}))
        loop = a_loop(playing(plan), tools, max_iterations=1)
        await loop.arun()

    good, bad = loop.state.iterations[0].actions
    assert (good.status, good.result_excerpt) == ("ok", "sunny in Rome")
    assert bad.status == "error"
    assert "weather" in bad.result_excerpt  # the SDK keeps what the tool raised to itself
