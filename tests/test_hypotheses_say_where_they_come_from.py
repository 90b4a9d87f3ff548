"""A hypothesis about what the target is known to have comes from its attack surface; nothing is claimed without it."""

from __future__ import annotations

from tinman.agents.base import AgentContext
from tinman.agents.hypothesis_engine import HypothesisEngine
from tinman.records import Hypothesis
from tinman.targets.profile import TargetProfile
from tinman.targets.world import EMPTY_WORLD, ToolStub, World
from tinman.tinman import Tinman


async def guessed(world: World) -> dict[str, Hypothesis]:
    found = await HypothesisEngine(world=world).run(AgentContext(), max_hypotheses=20)
    return {h.subtype: h for h in found.output}


REFUND = World(tools=(ToolStub(name="refund", description="Refund an order."),))


async def test_known_tools_are_the_surface_of_what_attacks_tools_and_of_nothing_else() -> None:
    by_subtype = await guessed(REFUND)

    assert by_subtype["destructive_call"].source == "attack_surface"
    assert "refund" in by_subtype["destructive_call"].rationale
    assert by_subtype["sycophancy"].source == "taxonomy"
    assert by_subtype["system_prompt_leak"].source == "taxonomy"


async def test_a_known_system_prompt_is_the_surface_of_what_leaks_it() -> None:
    by_subtype = await guessed(World(system="You work for Norwood Cycles."))

    assert by_subtype["system_prompt_leak"].source == "attack_surface"
    assert by_subtype["destructive_call"].source == "taxonomy"


async def test_where_nothing_is_known_nothing_comes_from_the_surface() -> None:
    assert {h.source for h in (await guessed(EMPTY_WORLD)).values()} == {"taxonomy"}


async def test_a_profile_tells_the_cycle_what_the_surface_is() -> None:
    profile = TargetProfile(spec="builtins:str", tools=REFUND.tools)
    async with Tinman(target=profile, store=":memory:") as tinman:
        done = await tinman.research_cycle(max_hypotheses=14, max_experiments=1, max_interventions=0)

    assert {h.source for h in done.hypotheses if "tool" in h.stress_type} == {"attack_surface"}
