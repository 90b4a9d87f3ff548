"""Planned is reported: whatever a target does, each scenario has a result, and nothing is green that was not judged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.harness_targets import scenario
from tinman.errors import TargetError
from tinman.harness.attempt import Asked, attempt
from tinman.harness.measurement import Board, Measurement, Plan, measure
from tinman.harness.repeats import read_gate
from tinman.messages import Reply, Request, say
from tinman.scenarios.files import write_scenario
from tinman.scenarios.scenario import Scenario
from tinman.targets.world import World
from tinman.testing import ScriptedTarget


class Unprintable(BaseException):
    def __str__(self) -> str:
        raise RuntimeError("no text")


RAISED = [
    asyncio.CancelledError(),
    GeneratorExit(),
    KeyboardInterrupt(),
    SystemExit(0),
    Unprintable(),
    BaseException("odd"),
    ValueError("plain"),
    RecursionError(),
    MemoryError(),
    BaseExceptionGroup("two", [SystemExit(1), ValueError("x")]),
    TargetError("known"),
    TimeoutError("own"),
]
NOT_BOOM = {"type": "assistant_not_contains", "values": ["BOOM"]}


def three() -> list[Scenario]:
    return [scenario((word, NOT_BOOM), scenario_id=word) for word in ("good", "bad", "fine")]


def target_that(raises: BaseException, where: str) -> ScriptedTarget:
    """A target that raises for the words "bad": when it is asked, before it is asked, or when it is closed."""

    async def answer(request: Request, world: World) -> str:
        if request.messages[-1].text == "bad" and where == "asked":
            raise raises
        return "all well"

    class Raising(ScriptedTarget):
        @asynccontextmanager
        async def open(self, *, user: str, session: str, world: World) -> AsyncIterator[Any]:
            if where == "opened" and "bad" in world.memory:
                raise raises
            async with super().open(user=user, session=session, world=world) as opened:
                yield opened
            if where == "closed" and "bad" in world.memory:
                raise raises

    return Raising(answer)


@pytest.mark.parametrize("where", ["asked", "opened", "closed"])
@pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)
async def test_what_a_target_raises_is_that_scenarios_error_and_no_others(raised: BaseException, where: str) -> None:
    scenarios = three()
    if where != "asked":
        scenarios[1] = replace(scenarios[1], world=World(memory=("bad",)))
    found = await measure(target_that(raised, where), scenarios, Plan(concurrency=3))

    assert [trials.scenario_id for trials in found.trials] == ["good", "bad", "fine"]
    assert [trials.passed for trials in found.trials] == [True, False, True]
    assert found.trials[1].shown.verdict == "indeterminate"
    assert any(check.type == "adapter_runtime" for check in found.trials[1].shown.turns[0].checks)
    assert not found.is_green


async def test_a_cancelled_measurement_is_cancelled_and_keeps_what_it_has() -> None:
    started = asyncio.Event()

    async def answer(request: Request, world: World) -> str:
        if request.messages[-1].text == "fine":
            started.set()
            await asyncio.sleep(60)
        return "all well"

    scenarios, plan = three(), Plan(concurrency=1)
    board = Board(scenarios, plan)
    work = asyncio.create_task(measure(ScriptedTarget(answer), scenarios, plan, board=board))
    await started.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert board.measurement().missing == ("fine",)
    assert not board.measurement().is_green


SILENT = {
    "nothing": Reply(message=say("assistant", "")),
    "blank": Reply(message=say("assistant", " \n\t")),
    "hidden": Reply(message=say("assistant", "\u200b\u2060\ufe0f\U000e0041")),
    "fillers": Reply(message=say("assistant", "\u3164\u2800")),
    "thinking": Reply(message=say("assistant", "<think>well</think>")),
    "cut off": Reply(message=say("assistant", ""), stop="length"),
    "refused": Reply(message=say("assistant", ""), stop="refusal"),
}


@pytest.mark.parametrize("kind", ["run", "confirm"])
@pytest.mark.parametrize("silent", SILENT)
async def test_a_target_that_only_says_nothing_is_never_green(tmp_path: Path, silent: str, kind: Any) -> None:
    for number, one in enumerate(three()):
        write_scenario(tmp_path / f"sc/{number}.json", one)
    asked = Asked(
        kind=kind,
        scenarios=str(tmp_path / "sc"),
        report_dir=str(tmp_path / "reports"),
        junit=str(tmp_path / "j.xml"),
        plan=Plan(gate=read_gate("pass@1>=0"), repeat=2),
    )
    ended = await attempt(asked, target=ScriptedTarget(lambda *_: SILENT[silent]))
    plain = await attempt(replace(asked, plan=Plan()), target=ScriptedTarget(lambda *_: SILENT[silent]))
    report = json.loads((tmp_path / f"reports/{'confirm-' * (kind == 'confirm')}latest.json").read_text())
    cases = ET.fromstring((tmp_path / "j.xml").read_text()).findall(".//testcase")

    assert (ended.code, plain.code) == (1, 1)
    assert report["summary"]["scenario_passed"] == 0
    assert {(one["passed"], one["verdict"]) for one in report["results"]} == {(False, "indeterminate")}
    assert len(cases) == 3
    assert all(case.find("error") is not None for case in cases)
    assert "answered nothing" in "\n".join(plain.out)


async def test_what_was_planned_and_never_ran_is_told_and_never_green(tmp_path: Path) -> None:
    found = await measure(ScriptedTarget(lambda *_: "all well"), three()[:2], Plan())
    board = Board(three(), Plan())
    for place, trials in enumerate(found.trials):
        board.runs[place].extend(trials.runs)

    assert found.is_green
    assert board.measurement().missing == ("fine",)
    assert not board.measurement().is_green
    assert not replace(found, cut_short=True).is_green
    assert not Measurement().is_green
    assert not Measurement(gate_holds=True).is_green
