"""From families to cases: base task x probe x wording x opener, in a seeded order that goes round the base tasks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from tinman.clock import rng
from tinman.playbook.families.own import own_families
from tinman.playbook.family import Draft, Family, Slots
from tinman.playbook.probes import FAMILIES, WIDE
from tinman.scenarios.scenario import Scenario, ScenarioPair, Turn
from tinman.stats import PROBE_OKS
from tinman.surface import EMPTY_SURFACE, Surface
from tinman.targets.base import Capabilities
from tinman.targets.world import World, retrieved_texts
from tinman.taxonomy import FailureClass

OPENERS = ("", "Hello! ", "Good morning. ")
SCREENS = PROBE_OKS


Hand = Literal["discovery", "proof"]


@dataclass(frozen=True)
class _Key:
    """Which case of a family: everything that chance decides is drawn from its name."""

    company: str
    probe: str
    wording: int
    opener: int
    hand: Hand

    @property
    def name(self) -> str:
        mark = "p" if self.hand == "proof" else ""
        return f"{self.company.split()[0].lower()}/{self.probe}/{mark}{self.wording}/{self.opener}".replace(" ", "_")


def families_for(surface: Surface, *, is_wide: bool = True) -> tuple[Family, ...]:
    """Return the families to try on a system of which ``surface`` is known, those of its own first.

    Without ``is_wide`` those are left out that a naive program fails without being wrong.
    """
    return (*own_families(surface), *(each for each in FAMILIES if is_wide or each.name not in WIDE))


def family_for(failure_class: FailureClass, stress_type: str, subtype: str = "") -> Family | None:
    """Return the family for a hypothesis: by subtype if one matches, else the first for class and stress type."""
    fitting = [f for f in FAMILIES if f.failure_class == failure_class and f.stress_type == stress_type]
    return next((f for f in fitting if f.subtype == subtype), fitting[0] if fitting else None)


def family_named(name: str, surface: Surface = EMPTY_SURFACE) -> Family | None:
    """Return the family of that name."""
    return next((f for f in families_for(surface) if f.name == name), None)


def _keys(family: Family, probe: str, seed: int, hand: Hand) -> Iterator[_Key]:
    """Yield every case of a probe: one of each base task in turn, the cases of a base task shuffled.

    Each probe begins at another base task, so that a screen of all probes goes through all of them.
    """
    wordings = (family.probes if hand == "discovery" else family.proof_probes).get(probe, ())
    per_task = []
    for setting in family.settings:
        keys = [
            _Key(setting.company, probe, wording, opener, hand)
            for wording, opener in itertools.product(range(len(wordings)), range(len(OPENERS)))
        ]
        rng(seed, f"{family.name}/{probe}/{setting.company}/{hand}").shuffle(keys)
        per_task.append(keys)
    first = list(family.probes).index(probe) % len(per_task)
    turned = per_task[first:] + per_task[:first]
    return (key for round_ in itertools.zip_longest(*turned) for key in round_ if key is not None)


def _paste(world: World, turns: tuple[str, ...]) -> tuple[World, tuple[str, ...]]:
    """Return the world without documents, their text put in front of what the user says first."""
    if not world.documents:
        return world, turns
    texts = "\n\n".join(retrieved_texts(World(documents=world.documents)))
    return replace(world, documents=()), (f"{texts}\n\n{turns[0]}", *turns[1:])


def _scenario(
    draft: Draft, *, is_control: bool, name: str, family: Family, opener: str, capabilities: Capabilities
) -> Scenario:
    world, turns, competence = draft.world, draft.turns, draft.competence
    if is_control:
        world = draft.control_world or world
        turns = draft.control_turns or turns
        competence = competence if draft.control_competence is None else draft.control_competence
    turns = (opener + turns[0], *turns[1:])
    if "documents" not in capabilities.plants:
        world, turns = _paste(world, turns)
    asked = [Turn(user=text) for text in turns[:-1]]
    return Scenario(
        scenario_id=f"{name}-control" if is_control else name,
        description=f"{family.expects} ({'control' if is_control else 'stressed'})",
        tags=(family.failure_class.value, family.subtype, family.stress_type),
        turns=(*asked, Turn(user=turns[-1], checks=draft.violation, competence=competence)),
        world=world,
        control_of=name if is_control else None,
        reference=draft.reference,
        provenance={"family": family.name},
    )


def _pair(family: Family, key: _Key, seed: int, capabilities: Capabilities) -> ScenarioPair:
    task = next(each for each in family.settings if each.company == key.company)
    wordings = family.probes if key.hand == "discovery" else family.proof_probes
    slots = Slots(
        task=task,
        probe=key.probe,
        wording=wordings[key.probe][key.wording],
        variant=key.wording,
        dice=rng(seed, f"{family.name}/{key.name}"),
    )
    draft = family.build(slots)
    name = f"{re.sub(r'[^a-z0-9]+', '-', family.name.lower())}-{key.name}"
    opener = OPENERS[key.opener]
    stressed, control = (
        _scenario(draft, is_control=arm, name=name, family=family, opener=opener, capabilities=capabilities)
        for arm in (False, True)
    )
    return ScenarioPair(case=key.name, base_task=key.company, probe=key.probe, stressed=stressed, control=control)


def why_not(pair: ScenarioPair, capabilities: Capabilities) -> str:
    """Return why a target of these capabilities cannot run ``pair``; empty when it can."""
    scenarios = [each for each in (pair.stressed, pair.control) if each is not None]
    lacking = frozenset[str]().union(*(each.world.plants for each in scenarios)) - capabilities.plants
    if lacking:
        return f"the target cannot be given {', '.join(sorted(lacking))}"
    if not capabilities.multi_turn and any(len(each.turns) > 1 for each in scenarios):
        return "the target does not keep a conversation"
    return ""


def draw(
    family: Family, probe: str, *, seed: int, count: int, capabilities: Capabilities, hand: Hand = "discovery"
) -> tuple[tuple[ScenarioPair, ...], str]:
    """Return up to ``count`` cases of a probe that a target of these capabilities can run; if there are none, why.

    The same arguments give the same cases, and a larger ``count`` begins with those of a smaller one. Documents are
    pasted into the first turn where the target cannot be given any.
    """
    pairs: list[ScenarioPair] = []
    missing = ""
    for key in _keys(family, probe, seed, hand):
        pair = _pair(family, key, seed, capabilities)
        if told := why_not(pair, capabilities):
            missing = missing or told
            if "conversation" not in told:  # what it needs around it is the same in all its cases
                break
            continue
        pairs.append(pair)
        if len(pairs) == count:
            break
    return tuple(pairs), "" if pairs else missing


def screening(family: Family, *, seed: int, capabilities: Capabilities) -> tuple[tuple[ScenarioPair, ...], str]:
    """Return the cases of the screen, one of each probe and then another of each; if there are none, why."""
    drawn, missing = [], ""
    for probe in family.probes:
        pairs, told = draw(family, probe, seed=seed, count=SCREENS, capabilities=capabilities)
        missing = missing or told
        drawn.append(pairs)
    woven = tuple(pair for row in itertools.zip_longest(*drawn) for pair in row if pair is not None)
    return woven, "" if woven else missing


def confirming(
    family: Family, probe: str, *, seed: int, count: int, capabilities: Capabilities
) -> tuple[ScenarioPair, ...]:
    """Return up to ``count`` cases of a probe that the screen has not tried."""
    return draw(family, probe, seed=seed, count=SCREENS + count, capabilities=capabilities)[0][SCREENS:]


def proving(
    family: Family, probe: str, *, seed: int, count: int, after: int, capabilities: Capabilities
) -> tuple[ScenarioPair, ...]:
    """Return up to ``count`` cases of a probe for proofs: in the wordings of another hand, where there are such.

    Where there are none, what the discovery leaves of its own, which are those after the first ``after``.
    """
    fresh, _ = draw(family, probe, seed=seed, count=count, capabilities=capabilities, hand="proof")
    if fresh:
        return fresh
    return draw(family, probe, seed=seed, count=after + count, capabilities=capabilities)[0][after:]
