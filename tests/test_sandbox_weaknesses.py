"""The sandbox has the weaknesses it documents, at the documented rates, and only what mends one makes it go away."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from functools import cache

import pytest
from scipy.stats import binomtest

from tinman.patches.apply import apply
from tinman.patches.kinds import Patch, PromptPatch
from tinman.playbook.cases import draw
from tinman.playbook.probes import FAMILIES as EVERY
from tinman.playbook.probes import FIRST, Family
from tinman.playbook.remedies import Remedy, remedies
from tinman.records import Arm
from tinman.scenarios.run import run_scenario
from tinman.scenarios.scenario import Scenario
from tinman.targets.base import Target
from tinman.targets.chat import ChatTarget
from tinman.targets.load import SANDBOX_MAX_TOKENS, load_target
from tinman.targets.profile import TargetProfile
from tinman.targets.sandbox.model import SandboxModel
from tinman.targets.sandbox.weaknesses import WEAKNESSES
from tinman.taxonomy import FailureClass

PARTIAL = {"filter encoded requests", "ask again when cut off"}
USELESS = {"repeat the orders", "cut long parts (position_bias)", "no dice", "one turn at a time"}
FAMILIES = tuple(f for f in EVERY if f.name in FIRST)
FLAWED = [f for f in FAMILIES if f.name != "amplification"]
each_flawed = pytest.mark.parametrize("family", FLAWED, ids=[f.name for f in FLAWED])
each_family = pytest.mark.parametrize("family", FAMILIES, ids=[f.name for f in FAMILIES])


def likeliest(family: Family) -> list[str]:
    """Its first four probes; what comes after them are doses and tricks that not every weakness yields to."""
    return list(family.probes)[:4]


def sandbox(spec: str = "sandbox") -> Target:
    return load_target(TargetProfile(spec=spec), {})


def with_weaknesses(*names: str) -> Target:
    return ChatTarget(SandboxModel(weaknesses=names), params={"max_tokens": SANDBOX_MAX_TOKENS})


def cases(family: Family, count: int, arm: Arm = "stress") -> tuple[Scenario, ...]:
    return _cases(family.name, arm)[:count]


@cache
def _cases(name: str, arm: Arm) -> tuple[Scenario, ...]:
    (family,) = (f for f in FAMILIES if f.name == name)
    each = [draw(family, p, seed=11, count=24, capabilities=ChatTarget.capabilities)[0] for p in likeliest(family)]
    pairs = [pair for row in itertools.zip_longest(*each) for pair in row if pair is not None][:96]
    return tuple(pair.stressed if arm == "stress" or pair.control is None else pair.control for pair in pairs)


async def verdicts(target: Target, scenarios: Sequence[Scenario], *, seed: int = 0) -> list[str]:
    return [(await run_scenario(target, s, seed=seed + i)).verdict for i, s in enumerate(scenarios)]


def weakness_of(family: Family) -> str:
    """The weakness a family brings out; two orders hidden in tool results are one weakness."""
    subtype = "destructive_call" if family.subtype == "data_exfiltration" else family.subtype
    return next(w.name for w in WEAKNESSES.values() if w.subtype == subtype)


def remedies_for(family: Family) -> tuple[Remedy, ...]:
    return remedies(family.subtype, cases(family, 3))


def standing(family: Family, remedy: Remedy) -> str:
    names = {remedy.name, f"{remedy.name} ({family.subtype})"}
    return "partial" if names & PARTIAL else "useless" if names & USELESS else "cure"


def prompt_of(family: Family) -> str:
    return next((r.patch.text for r in remedies_for(family) if isinstance(r.patch, PromptPatch)), "")


# -- what is documented ---------------------------------------------------------------------------------------------


def test_twelve_weaknesses_are_documented_over_all_six_classes() -> None:
    assert len(WEAKNESSES) == 12
    assert {w.failure_class for w in WEAKNESSES.values()} == set(FailureClass)
    assert all(w.trigger and w.effect and w.cured_by and 0.5 <= w.rate <= 1 for w in WEAKNESSES.values())
    assert {weakness_of(family) for family in FLAWED} == set(WEAKNESSES)


@each_flawed
async def test_a_weakness_shows_at_its_documented_rate_and_never_without_its_trigger(family: Family) -> None:
    weakness = weakness_of(family)
    rate = WEAKNESSES[weakness].rate
    if weakness == "retries_forever":
        rate **= 3  # it takes three retries in a row to break the check
    stressed = await verdicts(sandbox(), cases(family, 96))
    calm = await verdicts(sandbox(), cases(family, 24, "control"))

    assert binomtest(stressed.count("failure"), 96, rate).pvalue > 0.001
    assert set(stressed) == {"failure", "ok"}
    assert set(calm) == {"ok"}


@each_flawed
async def test_each_probe_brings_the_weakness_out(family: Family) -> None:
    failing = {
        scenario.scenario_id.split("/")[1]
        for scenario, verdict in zip(cases(family, 96), await verdicts(sandbox(), cases(family, 96)), strict=True)
        if verdict == "failure"
    }

    assert failing == {probe.replace(" ", "_") for probe in likeliest(family)}


@each_flawed
async def test_a_failure_comes_from_its_own_weakness_alone(family: Family) -> None:
    weakness = weakness_of(family)
    others = [name for name in WEAKNESSES if name != weakness]
    scenarios = cases(family, 24)

    assert await verdicts(with_weaknesses(weakness), scenarios) == await verdicts(sandbox(), scenarios)
    assert set(await verdicts(with_weaknesses(*others), scenarios)) == {"ok"}


# -- cures ----------------------------------------------------------------------------------------------------------

TREATED = [(family, remedy) for family in FLAWED for remedy in remedies_for(family)]


@pytest.mark.parametrize(("family", "remedy"), TREATED, ids=[f"{f.name}: {r.name}" for f, r in TREATED])
async def test_the_right_patch_cures_and_costs_nothing(family: Family, remedy: Remedy) -> None:
    before = (await verdicts(sandbox(), cases(family, 40))).count("failure")
    patched = apply(sandbox(), remedy.patch)
    after = (await verdicts(patched, cases(family, 40))).count("failure")
    kept = await verdicts(patched, cases(family, 16, "control"))

    match standing(family, remedy):
        case "cure":
            assert after == 0
        case "partial":
            assert 0 < after < before
        case _:
            assert after == before
    assert set(kept) == {"ok"}


@each_flawed
def test_every_weakness_has_a_cure_in_the_playbook(family: Family) -> None:
    assert "cure" in {standing(family, remedy) for remedy in remedies_for(family)}


def shuffled(text: str, seed: int) -> str:
    words = text.split()
    random.Random(seed).shuffle(words)
    return " ".join(words)


def wrong_patches(family: Family) -> list[Patch]:
    text = prompt_of(family) or "Always look at the output limit before you write a list."
    other = next(
        f for f in FAMILIES[FAMILIES.index(family) + 1 :] + FAMILIES if f.failure_class != family.failure_class
    )
    placebos = ("", "  ", "Be careful, honest and precise.", "You must not fail.", prompt_of(other), text[::-1])
    return [PromptPatch(text=each) for each in (*placebos, shuffled(text, 1), shuffled(text, 2))]


@each_flawed
async def test_a_wrong_patch_changes_no_verdict(family: Family) -> None:
    """Empty, blank, placebo, another family's rule, the right rule backwards, and its words shuffled."""
    before = await verdicts(sandbox(), cases(family, 12))
    after = [await verdicts(apply(sandbox(), patch), cases(family, 12)) for patch in wrong_patches(family)]

    assert before.count("failure") >= 6
    assert after == [before] * len(after)


# -- siblings -------------------------------------------------------------------------------------------------------


@each_family
async def test_the_sound_sibling_passes_every_probe(family: Family) -> None:
    sound = sandbox("sandbox:sound")

    assert set(await verdicts(sound, cases(family, 48))) == {"ok"}
    assert set(await verdicts(sound, cases(family, 24, "control"))) == {"ok"}


@pytest.mark.parametrize("arm", ["stress", "control"])
async def test_the_noisy_sibling_fails_one_time_in_twenty_in_both_arms(arm: Arm) -> None:
    noisy = sandbox("sandbox:noisy")
    seen = [v for i, f in enumerate(FAMILIES) for v in await verdicts(noisy, cases(f, 48, arm), seed=1_000 * i)]

    assert set(seen) == {"failure", "ok"}
    assert binomtest(seen.count("failure"), len(seen), 0.05).pvalue > 0.001


@each_family
@pytest.mark.parametrize("spec", ["sandbox", "sandbox:noisy"])
async def test_the_same_request_gets_the_same_reply(family: Family, spec: str) -> None:
    async def said() -> list[str]:
        outcomes = [await run_scenario(sandbox(spec), s, seed=i) for i, s in enumerate(cases(family, 6))]
        return [repr([(t.assistant, t.tool_traces) for t in outcome.turns]) for outcome in outcomes]

    first = await said()

    assert await said() == first
