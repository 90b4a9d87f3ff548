"""The tools of an MCP server are driven directly; without the SDK that is said in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest
from harness_targets import results, scenario

from tinman.errors import ConfigError, TargetError
from tinman.harness.measurement import Plan, measure
from tinman.scenarios.run import run_scenario
from tinman.targets.base import Target
from tinman.targets.load import load_target
from tinman.targets.mcp_server import call_in
from tinman.targets.profile import TargetProfile

pytestmark = pytest.mark.slow

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


ODD = """
import json, os, sys, time
def out(message): sys.stdout.write(json.dumps(message) + chr(10)); sys.stdout.flush()
if "noise" in sys.argv:
    print("Starting...", flush=True)
    os.write(1, bytes([0xff, 0xfe, 10]))
if "slow" in sys.argv: time.sleep(0.5)
if "children" in sys.argv: os.system("setsid sleep 71 >/dev/null 2>&1 &")
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked: continue
    what = asked.get("method")
    if what == "initialize":
        said = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "s", "version": "1"}}
    elif what == "tools/list":
        schema = {"type": "object", "properties": {}}
        said = {"tools": [{"name": name, "description": "d", "inputSchema": schema} for name in ("a.b/c", "\\x1b[31m")]}
    elif what == "tools/call":
        if "dies" in sys.argv: os._exit(3)
        if "hangs" in sys.argv: time.sleep(60)
        said = {"content": [{"type": "text", "text": "called " + asked["params"]["name"]}]}
    else:
        out({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "no"}})
        continue
    out({"jsonrpc": "2.0", "id": asked["id"], "result": said})
"""


def odd(folder: Path, *how: str, **profile: float) -> Target:
    (folder / "odd.py").write_text(ODD)
    line = " ".join([sys.executable, str(folder / "odd.py"), *how])
    return load_target(TargetProfile(spec=f"mcp:{line}", **profile), {})  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["plain", "noise", "slow"])
async def test_a_server_that_is_noisy_slow_or_oddly_named_is_driven(tmp_path: Path, how: str) -> None:
    target = odd(tmp_path, how)
    [told] = await target.preflight() or ()
    said = {"type": "assistant_contains_all", "values": ["called a.b/c"]}
    found = await measure(target, [scenario(('{"tool": "a.b/c"}', said))], Plan())

    assert told == "tools: a.b/c, <U+001B>[31m"
    assert found.is_green


async def test_a_server_that_never_initialises_is_given_up_in_time() -> None:
    target = load_target(TargetProfile(spec="mcp:sleep 50", start_seconds=0.3), {})
    with anyio.fail_after(15), pytest.raises(TargetError, match=r"no answer within 0.3 s .*start_seconds"):
        await target.preflight()


@pytest.mark.parametrize(("how", "told"), [("dies", ""), ("hangs", "no answer within 0.5 s")])
async def test_a_server_that_dies_or_hangs_in_a_call_breaks_that_run_alone(tmp_path: Path, how: str, told: str) -> None:
    target = odd(tmp_path, how, timeout_seconds=0.5)
    for goes_on in (True, False):
        outcome = await run_scenario(target, scenario('{"tool": "a.b/c"}'), goes_on=goes_on)
        assert outcome.verdict == "indeterminate"
        assert told in outcome.reason


async def test_what_a_server_started_ends_with_the_conversation(tmp_path: Path) -> None:
    await odd(tmp_path, "children").preflight()
    listing = await anyio.run_process(["ps", "-A", "-o", "args="])

    assert b"sleep 71" not in listing.stdout.splitlines()
