"""The tools of an MCP server are driven directly; without the SDK that is said in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from harness_targets import results, scenario

from tinman.errors import ConfigError, TargetError
from tinman.harness.measurement import Plan, measure
from tinman.targets.base import Target
from tinman.targets.load import load_target
from tinman.targets.mcp_server import call_in
from tinman.targets.profile import TargetProfile

SERVER = """
try:
    from mcp.server.mcpserver import MCPServer as Server
except ImportError:
    from mcp.server.fastmcp import FastMCP as Server
server = Server("shop")
calls = []
@server.tool()
def look_up(number: int) -> str:
    "Look an order up."
    calls.append(number)
    return f"order {number} is shipped, call {len(calls)}"
@server.tool()
def fails() -> str:
    "Fails."
    raise ValueError("no such order")
server.run()
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" look_up ", ("look_up", {})),
        ('{"tool": "look_up"}', ("look_up", {})),
        ('{"tool": "look_up", "arguments": {"a": 1}}', ("look_up", {"a": 1})),
    ],
)
def test_a_turn_is_a_call(text: str, expected: tuple[str, dict[str, int]]) -> None:
    assert call_in(text) == expected


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"tool": 3}', '{"tool": "x", "arguments": []}', '{"tool": "x", "more": 1}']
)
def test_what_is_no_call_is_an_error(text: str) -> None:
    with pytest.raises(TargetError, match="mcp:"):
        call_in(text)


def served(folder: Path) -> Target:
    (folder / "server.py").write_text(SERVER)
    return load_target(TargetProfile(spec=f"mcp:{sys.executable} {folder / 'server.py'}"), {})


async def test_tools_are_called_and_traced_on_a_server_of_each_conversation(tmp_path: Path) -> None:
    call = '{"tool": "look_up", "arguments": {"number": 4}}'
    matches = {"type": "tool_call_matches", "tool": "look_up", "arguments": {"number": 4}}
    first = {"type": "assistant_contains_all", "values": ["order 4 is shipped, call 1"]}
    scenarios = [
        scenario(
            (call, matches, first), (call, {"type": "assistant_contains_all", "values": ["call 2"]}), scenario_id="a"
        ),
        scenario((call, first), ("fails", {"type": "tool_used", "values": ["fails"]}), scenario_id="b"),
        scenario(("{", matches), scenario_id="c"),
    ]
    target = served(tmp_path)
    await target.preflight()
    found = await measure(target, scenarios, Plan())
    a, b, c = (trials.runs[0] for trials in found.trials)

    assert a.passed, a.turns
    assert b.passed, b.turns
    assert b.turns[1].tool_traces[0].status == "error"
    assert results(c) == [("adapter_runtime", False)]


async def test_a_server_that_is_not_there_is_a_target_error() -> None:
    with pytest.raises(TargetError, match="cannot be started"):
        await load_target(TargetProfile(spec="mcp:/no/such/program"), {}).preflight()


async def test_without_the_sdk_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)

    with pytest.raises(ConfigError, match=r"pip install 'tinman\[mcp\]'"):
        await load_target(TargetProfile(spec="mcp:server"), {}).preflight()
    with pytest.raises(ConfigError, match="names no program"):
        load_target(TargetProfile(spec="mcp:"), {})
