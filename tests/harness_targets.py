"""Adapters that behave as the user's text tells them, well or badly; factories for worker processes among them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tinman.harness.results import ScenarioResult
from tinman.scenarios.adapters import AppAdapter, CommandAppAdapter, PreflightResult, RuntimeSpec, TraceRecorder
from tinman.scenarios.files import read_scenario
from tinman.scenarios.scenario import Scenario


def scenario(*turns: Any, scenario_id: str = "s", **more: Any) -> Scenario:
    """A scenario from texts, or from (text, check, ...) tuples, read as a file would be."""
    told = [{"user": t} if isinstance(t, str) else {"user": t[0], "checks": list(t[1:])} for t in turns or ("hi",)]
    return read_scenario({"scenario_id": scenario_id, "turns": told, **more}, source="test")


def results(result: ScenarioResult, turn: int = 0) -> list[tuple[str, bool]]:
    """The results of one turn: type and whether it passed."""
    return [(check.type, check.passed) for check in result.turns[turn].checks]


class Calls(TraceRecorder):
    """Records what the adapter tells it to."""

    def __init__(self, calls: Any = (), error: str | None = None) -> None:
        super().__init__()
        self.calls = calls
        self.capture_error = error


class Wayward(AppAdapter):
    """Does what the text says. ``turns`` counts the turns this object has seen."""

    def __init__(self) -> None:
        self.turns = 0
        self.chosen: Any = None

    def preflight(self, *, user_id: str) -> PreflightResult:
        return PreflightResult("ready", f"for {user_id}")

    def runtime_spec(self, *, user_id: str) -> RuntimeSpec:
        return RuntimeSpec("Acme", "m1", "test", "high")

    def select_runtime(self, runtime: RuntimeSpec) -> None:
        self.chosen = runtime.model

    def check_state(self, *, user_id: str, name: str, arguments: dict[str, Any]) -> Any:
        if name == "turns":
            return True if arguments["n"] == self.turns else f"there were {self.turns} turns"
        raise KeyError(name)

    def send_user_turn(self, *, user_id: str, user_text: str, correlation_id: str) -> Any:
        self.turns += 1
        word, _, rest = user_text.partition(" ")
        match word:
            case "exit":
                sys.exit(0)
            case "vanish":
                os._exit(0)
            case "hang":
                time.sleep(60)
            case "fork":
                if os.fork() == 0:
                    return "the copy says PASS"
                time.sleep(0.05)
                return "the original"
            case "leave":
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], process_group=0)
                Path(rest).write_text(str(child.pid))
                return "left a child"
            case "none":
                return None
            case "mapping":
                return {"PASS": 1}
            case "raise":
                raise ValueError(f"no good: {rest}")
            case "print":
                sys.stdout.write("on standard output\n")
            case "loop":
                return asyncio.run(self._soon())
        return f"{user_text} | turn {self.turns} | {user_id} | {correlation_id} | {self.chosen}"

    async def _soon(self) -> str:
        return "soon"


class Quiet:
    """The least there can be: one method, no base class, asynchronous."""

    async def send_user_turn(self, *, user_id: str, user_text: str, correlation_id: str) -> str:
        await asyncio.sleep(0)
        return f"quietly: {user_text}"


def wayward() -> Wayward:
    return Wayward()


def quiet() -> Quiet:
    return Quiet()


def nothing() -> None:
    return None


def exits() -> None:
    sys.exit(0)


class Unready(Wayward):
    def preflight(self, *, user_id: str) -> PreflightResult:
        return PreflightResult("Ready", "almost")


class Broken(Wayward):
    def preflight(self, *, user_id: str) -> PreflightResult:
        raise RuntimeError("no preflight today")


class Talkative(Wayward):
    def run_metadata(self) -> dict[str, Any]:
        raise RuntimeError("no metadata today")


class Odd(Wayward):
    def run_metadata(self) -> dict[str, Any]:
        return {"when": object(), "secret": "sk-abcdefghijklmnopqrstuv", "deep": {"api_key": "hunter2"}}


class Unknown(Wayward):
    def runtime_spec(self, *, user_id: str) -> None:  # type: ignore[override]
        return None


class Torn(Unknown):
    def runtime_candidates(self, *, user_id: str) -> list[RuntimeSpec]:
        return [RuntimeSpec("OpenAI", "small", "env", "low", "in .env"), RuntimeSpec("Acme", "big", "code", "low")]


def unready() -> Unready:
    return Unready()


def broken() -> Broken:
    return Broken()


def talkative() -> Talkative:
    return Talkative()


def odd() -> Odd:
    return Odd()


def unknown() -> Unknown:
    return Unknown()


def torn() -> Torn:
    return Torn()


_PROGRAM = """
import json, os, sys, time
word = sys.argv[1].split()[0]
trace = os.environ["TINKERLOOP_TRACE_FILE"]
record = {"tool_name": "look", "arguments": {"q": 1}, "correlation_id": sys.argv[2], "duration_ms": 1, "status": "ok",
          "user_safe_summary": None, "raw_result": {"n": 1}}
if word == "traced": open(trace, "w").write(json.dumps([record, "skipped"]))
if word == "none": open(trace, "w").write("[]")
if word == "list": open(trace, "w").write("{}")
if word == "garbled": open(trace, "w").write("[")
if word == "lacking": open(trace, "w").write(json.dumps([{"tool_name": "look"}]))
if word == "extra": open(trace, "w").write(json.dumps([{**record, "more": 1}]))
if word == "fail":
    open(trace, "w").write(json.dumps([record]))
    print("on its way out", file=sys.stderr)
    sys.exit(3)
if word == "silent": sys.exit(4)
if word == "slow": time.sleep(60)
if word == "env": print(os.environ.get(sys.argv[1].split()[1], "unset")); open(trace, "w").write("[]"); sys.exit()
print("  " + sys.argv[1] + "  ")
"""


def commanding(folder: Path, **more: Any) -> CommandAppAdapter:
    return CommandAppAdapter(
        command_builder=lambda user, text, correlation: [sys.executable, "-c", _PROGRAM, text, correlation],
        workdir=folder,
        **more,
    )


def written(folder: Path, *scenarios: dict[str, Any]) -> Path:
    """A scenario folder of these files."""
    place = folder / "scenarios"
    place.mkdir(exist_ok=True)
    for number, data in enumerate(scenarios):
        (place / f"{number:02}.json").write_text(json.dumps(data), encoding="utf-8")
    return place
