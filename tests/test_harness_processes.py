"""A target in its own process cannot take the harness down, fake a green, or leave anything behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from harness_targets import scenario
from loopback import Reset, Say, Status, serve

from tinman.errors import TargetError
from tinman.harness.adapters import ready_adapter
from tinman.harness.measurement import Plan, measure
from tinman.harness.results import ScenarioResult
from tinman.processes import groups as processes
from tinman.processes.groups import family
from tinman.targets.adapters.target import AdapterProcess, AdapterTarget
from tinman.targets.load import load_target
from tinman.targets.profile import TargetProfile

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
HI = {"type": "assistant_contains_any", "values": ["hi"]}


def at(name: str) -> str:
    return f"{HERE / 'harness_hostile.py'}:{name}"


async def played(name: str, *texts: str, plan: Plan | None = None) -> list[ScenarioResult]:
    """One scenario of two turns for each text."""
    scenarios = [scenario((text, HI), ("and then", HI), scenario_id=f"s{n}") for n, text in enumerate(texts)]
    async with ready_adapter(at(name), user="u") as target:
        found = await measure(target, scenarios, plan or Plan(user="u", turn_timeout_seconds=20))
    return [trials.runs[0] for trials in found.trials]


@pytest.mark.parametrize("word", ["scribble", "close", "group", "deep", "big", "memory"])
async def test_harm_done_to_its_own_process_is_a_broken_turn_and_the_next_scenario_is_untouched(word: str) -> None:
    harmed, sound = await played("hostile", word, "hello")

    assert not harmed.passed
    assert harmed.verdict == "indeterminate"
    assert harmed.turns[0].checks[0].type == "adapter_runtime"
    assert sound.passed
    assert sound.turns[0].assistant == "hi, turn 1"


async def test_an_answer_written_past_the_adapter_is_not_taken_for_a_turn() -> None:
    forged, sound = await played("hostile", "forge", "hello")

    assert [check.type for check in forged.turns[0].checks] == ["adapter_runtime"]
    assert "wrote into the channel" in forged.turns[0].checks[0].detail
    assert sound.passed


async def test_lone_surrogates_in_a_reply_do_no_harm() -> None:
    (found,) = await played("hostile", "surrogate")

    assert found.passed
    assert found.turns[0].assistant == "hi ?"


async def test_a_target_that_ends_the_worker_itself_fails_what_follows_and_nothing_hangs() -> None:
    first, second = await played("hostile", "murder", "hello")

    assert first.turns[0].assistant == "hi"
    assert not second.passed
    assert "process is gone" in second.turns[0].checks[0].detail


async def test_a_copy_made_during_preflight_does_not_answer_for_the_original() -> None:
    with pytest.raises(TargetError, match="not: the original"):
        async with ready_adapter(at("forking"), user="u"):
            pass


async def test_every_scenario_starts_afresh_unless_the_adapter_asks_for_one_process() -> None:
    fresh = await played("hostile", "a", "b")
    shared = await played("shared", "a", "b")

    assert [turn.assistant for found in fresh for turn in found.turns] == ["hi, turn 1", "hi, turn 2"] * 2
    assert [turn.assistant for found in shared for turn in found.turns] == [f"hi, turn {n}" for n in (1, 2, 3, 4)]


async def test_adapters_run_one_at_a_time_and_side_by_side_when_told() -> None:
    started = time.monotonic()
    await played("hostile", "threads", "threads", "threads", "threads", plan=Plan(user="u", concurrency=4))
    together = time.monotonic() - started

    assert AdapterTarget("a", object()).capabilities.side_by_side == 1
    assert together < 0.2 * 4 + 0.5


async def test_nothing_is_left_when_the_target_is_closed_nor_when_it_is_cancelled() -> None:
    process = AdapterProcess(at("hostile"))
    async with process:
        await process.load()
        worker = process._process
        assert worker is not None
        with anyio.move_on_after(0.3) as scope:
            async with process.scenario() as taker:
                await taker.take(user="u", text="hello", correlation_id="c")
                await anyio.sleep_forever()
        assert scope.cancelled_caught
    for _ in range(100):
        if not family(worker.pid):
            break
        await anyio.sleep(0.01)

    assert family(worker.pid) == []
    assert worker.returncode is not None


def test_a_session_is_ended_whole_with_and_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import subprocess, sys, time; subprocess.Popen(['sleep', '60'], process_group=0); time.sleep(60)"
    for proc in (Path("/proc"), Path("/no/such/proc")):
        monkeypatch.setattr(processes, "_PROC", proc)
        with subprocess.Popen([sys.executable, "-c", program], start_new_session=True) as leader:
            for _ in range(200):
                if family(leader.pid):
                    break
                time.sleep(0.02)
            found = family(leader.pid)
            processes.kill_session(leader.pid)
            leader.wait(timeout=10)

        assert len(found) == 1 or not shutil.which("ps")
        assert not [pid for pid in found if _runs(pid)]


def _runs(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except OSError:
            return False
        time.sleep(0.01)
    return True


async def test_file_descriptors_do_not_grow_with_scenarios() -> None:
    async with ready_adapter(at("hostile"), user="u") as target:
        await measure(target, [scenario("x")], Plan())
        before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
        await measure(target, [scenario("x", scenario_id=f"s{n}") for n in range(20)], Plan(concurrency=4))
        after = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0

    assert after <= before


async def test_a_chat_model_over_http_is_a_target_and_its_failures_are_broken_turns() -> None:
    answers: dict[str, Any] = {"fine": Say("hi"), "down": Status(500), "reset": Reset()}

    def script(asked: dict[str, Any]) -> Any:
        return answers[asked["messages"][-1]["content"].split()[0]]

    async with serve(script) as server:
        profile = TargetProfile(spec="openai:m", base_url=server.openai_url)
        target = load_target(profile, {"OPENAI_API_KEY": "k"})
        try:
            scenarios = [scenario((word, HI), ("fine again", HI), scenario_id=word) for word in answers]
            found = await measure(target, scenarios, Plan())
        finally:
            await target.aclose()
    results = {trials.scenario_id: trials.runs[0] for trials in found.trials}

    assert results["fine"].passed
    for word in ("down", "reset"):
        assert [check.type for check in results[word].turns[0].checks] == ["adapter_runtime"]
        assert results[word].turns[1].passed, "the next turn is said all the same"
