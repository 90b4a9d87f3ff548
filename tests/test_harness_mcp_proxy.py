"""The proxy hands every byte on, writes every tool call down, and never says "no calls" when it may have missed one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness_targets import scenario
from hypothesis import given
from hypothesis import strategies as st

from tinman.scenarios import run_scenario
from tinman.scenarios.adapters import CommandAppAdapter
from tinman.targets.adapters import mcp_proxy
from tinman.targets.adapters.base import read_traces
from tinman.targets.adapters.mcp_proxy import CallLog, _Lines

SERVER = """
import json, sys
for line in sys.stdin:
    try: asked = json.loads(line)
    except ValueError:
        sys.stdout.write("not json either\\n"); sys.stdout.flush(); continue
    if asked.get("method") == "tools/call":
        name = asked["params"]["name"]
        if name == "crash": sys.exit(7)
        if name == "bad": answer = {"error": {"code": -1, "message": "no such tool"}}
        else: answer = {"result": {"content": [{"type": "text", "text": "found " + name}], "isError": name == "fails"}}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}), flush=True)
    elif "id" in asked: print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {}}), flush=True)
"""


def call(number: Any, name: str, **arguments: Any) -> bytes:
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    return json.dumps(message).encode() + b"\n"


def proxied(folder: Path, said: bytes) -> tuple[int, bytes, Path]:
    """Exit code, what the agent heard, and the trace file."""
    trace = folder / "trace.json"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "TINKERLOOP_TRACE_FILE": str(trace)}
    command = [sys.executable, "-m", "tinman.cli.main", "scenarios", "mcp-proxy", "--", sys.executable, "-c", SERVER]
    done = subprocess.run(command, input=said, env=env, capture_output=True, timeout=30)
    return done.returncode, done.stdout, trace


def test_calls_go_through_and_are_written_down(tmp_path: Path) -> None:
    said = b'{"jsonrpc": "2.0", "id": 0, "method": "initialize"}\n' + call(1, "look", q=1) + b"garbage\n"
    said += call("1", "fails") + call(2, "bad")
    code, heard, trace = proxied(tmp_path, said)
    records = read_traces(trace)

    assert code == 0
    assert b"not json either\n" in heard
    assert len(heard.splitlines()) == 5
    assert [(one.tool_name, one.arguments, one.status) for one in records] == [
        ("look", {"q": 1}, "ok"),
        ("fails", {}, "error"),
        ("bad", {}, "error"),
    ]
    assert records[0].raw_result == "found look"
    assert records[2].raw_result == {"code": -1, "message": "no such tool"}


def test_no_calls_is_said_and_a_server_that_ends_ends_the_proxy(tmp_path: Path) -> None:
    code, _, trace = proxied(tmp_path, b"")
    assert (code, read_traces(trace)) == (0, [])
    trace.unlink()
    code, _, trace = proxied(tmp_path, call(1, "crash"))

    assert code == 7
    assert [(one.tool_name, one.status) for one in read_traces(trace)] == [("crash", None)]


AGENT = """
import json, subprocess, sys
command = [sys.executable, "-m", "tinman.cli.main", "scenarios", "mcp-proxy", "--", sys.executable, "-c", SERVER]
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "look", "arguments": {"q": sys.argv[1]}}}
server.stdin.write(json.dumps(ask) + "\\n"); server.stdin.flush()
print(json.loads(server.stdout.readline())["result"]["content"][0]["text"])
server.stdin.close(); server.wait()
"""


def test_an_agent_behind_a_command_adapter_is_traced_by_the_proxy_alone(tmp_path: Path) -> None:
    program = f"SERVER = {SERVER!r}\n{AGENT}"
    adapter = CommandAppAdapter(
        command_builder=lambda user, text, correlation: [sys.executable, "-c", program, text],
        workdir=tmp_path,
        env_overrides={"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    check = {"type": "tool_call_matches", "tool": "look", "arguments": {"q": "hello"}}
    found = run_scenario(scenario(("hello", check)), adapter=adapter)

    assert found.passed, found.turns
    assert found.turns[0].assistant == "found look"


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_lines_are_found_however_the_bytes_are_cut(chunks: list[bytes]) -> None:
    seen: list[bytes] = []
    lines = _Lines(seen.append, lambda reason: None)
    for chunk in chunks:
        lines.feed(chunk)

    whole = b"".join(chunks)
    assert seen == whole.split(b"\n")[:-1]


@given(st.lists(st.one_of(st.binary(max_size=30), st.builds(call, st.integers(0, 3), st.text(max_size=3))), max_size=6))
def test_no_message_can_break_the_log(messages: list[bytes]) -> None:
    log = CallLog(None)
    for message in messages:
        log.asked(message)
        log.answered(message)

    assert all(set(record) >= {"tool_name", "arguments"} for record in log.records)


def test_what_could_not_be_read_along_spoils_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_proxy, "MAX_LINE", 10)
    log = CallLog(tmp_path / "t.json")
    _Lines(log.asked, log.spoil).feed(b"x" * 11)

    assert json.loads((tmp_path / "t.json").read_text()) == {
        "error": "a message of more than 10 bytes was not read along"
    }


def test_two_proxies_of_one_turn_write_into_one_file(tmp_path: Path) -> None:
    place = tmp_path / "t.json"
    first = CallLog(place)
    first.asked(call(1, "one"))
    second = CallLog(place)
    second.asked(call(1, "two"))
    first.asked(call(2, "three"))
    first.answered(b'{"id": 1, "result": {"structuredContent": {"n": 1}}}')
    found = read_traces(place)

    assert sorted(record.tool_name for record in found) == ["one", "three", "two"]
    assert next(record.raw_result for record in found if record.tool_name == "one") == {"n": 1}
    first.spoil("too long")
    second.asked(call(3, "four"))
    assert "error" in json.loads(place.read_text())
