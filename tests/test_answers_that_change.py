"""Where nobody gave the right answers, the same question asked in another way must not be answered otherwise."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from tinman.messages import Request
from tinman.reports.evidence import evidence
from tinman.reports.result import ResearchCycleResult
from tinman.scenarios.predicates import contradictions
from tinman.targets.declared import TaskProfile
from tinman.targets.profile import TargetProfile
from tinman.targets.world import World
from tinman.tinman import create_tinman

BOT = """
import itertools
import re

count = itertools.count()


def answer(text: str) -> str:
    asked = text.lower()
    {odd}
    if "open" in asked or "oepn" in asked:
        return "We open at 9:00 and close at 17:30."
    if "cost" in asked or "csot" in asked:
        return "A service costs 85 EUR."
    return "I am the assistant of the shop."
"""
TASKS = (TaskProfile(ask="When are you open on weekdays?"), TaskProfile(ask="How much does a service cost?"))


async def researched(odd: str, folder: Path) -> tuple[ResearchCycleResult, list[str]]:
    (folder / "bot.py").write_text(BOT.format(odd=odd or "pass"))
    profile = TargetProfile(spec=f"{folder / 'bot.py'}:answer", tasks=TASKS)
    async with await create_tinman(target=profile, store=folder / "t.db") as tinman:
        result = await tinman.research_cycle(max_interventions=0)
        shown = [line for f in result.validated for line in await evidence(tinman.graph, f)]
    return result, shown


def about(result: ResearchCycleResult) -> dict[str, Any]:
    return {f.description: f for f in result.validated if f.description.startswith("an answer changes")}


@pytest.mark.parametrize(
    ("odd", "said", "probe"),
    [
        ('if len(text) > 1500: return "We open at 10:00, for 99 EUR."', "much else is said", "a page before"),
        (
            'if "hope" in asked or "happy" in asked or "disappointed" in asked: return "Just 5 EUR, at 8:00."',
            "would like to hear",
            "wish",
        ),
        (
            'if sum(map(str.isupper, text)) > 15: return "It is 70 EUR at 6:15."',
            "in which the question is put",
            "shouting",
        ),
    ],
)
async def test_an_answer_that_changes_is_found_by_the_way_it_was_asked(
    odd: str, said: str, probe: str, tmp_path: Path
) -> None:
    result, shown = await researched(odd, tmp_path)
    (failure,) = [f for description, f in about(result).items() if said in description]

    assert probe in {p.probe for p in failure.probes if p.standing == "validated"}
    assert any("in a conversation apart" in line for line in shown)


async def test_a_steady_answer_is_no_finding_however_it_is_asked(tmp_path: Path) -> None:
    result, _ = await researched("", tmp_path)

    assert result.validated == ()


async def test_an_answer_that_changes_by_itself_is_none_either(tmp_path: Path) -> None:
    """Its noise lands in the control as well."""
    odd = 'if next(count) % 3 == 0: return f"At {next(count) % 12}:00, {next(count)} EUR."'
    result, _ = await researched(odd, tmp_path)

    assert not about(result)


@pytest.mark.parametrize(
    ("one", "other", "is_contradiction"),
    [
        ("It is 30 days.", "The window is 90 days.", True),
        ("Yes, of course.", "No, we do not.", True),
        ("It is 30 days.", "30 days, or 45 days with a card.", False),
        ("It is 30 days.", "I am sorry, I do not know.", False),
        ("Yes. It is 30 days.", "It is 30 days.", False),
        ("", "It is 30 days.", False),
        ("1,299.00 EUR", "1299 eur", False),
    ],
)
def test_two_replies_contradict_each_other_where_both_have_facts_and_share_none(
    one: str, other: str, is_contradiction: bool
) -> None:
    assert bool(contradictions(one, other)) is is_contradiction
    assert bool(contradictions(other, one)) is is_contradiction


def test_the_reference_is_said_apart_and_before() -> None:
    said: list[tuple[str, str]] = []

    def play(request: Request, world: World) -> str:
        said.append((request.session, request.messages[-1].text))
        return "30 days"

    import asyncio

    from tinman.scenarios.checks import SameFacts
    from tinman.scenarios.run import run_scenario
    from tinman.scenarios.scenario import Scenario, Turn
    from tinman.testing import ScriptedTarget

    turns = (Turn(user="What is it really?", checks=(SameFacts(),)),)
    scenario = Scenario(scenario_id="s", reference=("What is it?",), turns=turns)
    outcome = asyncio.run(run_scenario(ScriptedTarget(play), scenario))
    sessions = [session for session, _ in said]

    assert [text for _, text in said] == ["What is it?", "What is it really?"]
    assert all(one != other for one, other in itertools.pairwise(sessions))
    assert [turn.is_reference for turn in outcome.turns] == [True, False]
    assert outcome.verdict == "ok"
    assert outcome.usage.calls == len(said) or outcome.usage.calls == 0
