"""From families to cases: base task x probe x wording x opener, in a seeded order that goes round the base tasks."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace

from tinman.clock import rng
from tinman.playbook.base_tasks import SETTINGS
from tinman.playbook.family import Draft, Family, Slots
from tinman.playbook.probes import FAMILIES
from tinman.scenarios.scenario import Scenario, ScenarioPair, Turn
from tinman.targets.base import Capabilities
from tinman.targets.world import World, retrieved_texts
from tinman.taxonomy import FailureClass

OPENERS = ("", "Hello! ", "Good morning. ")


@dataclass(frozen=True)
class _Key:
    setting: int
    probe: str
    wording: int
    opener: int

    @property
    def name(self) -> str:
        company = SETTINGS[self.setting].company.split()[0].lower()
        return f"{company}/{self.probe}/{self.wording}/{self.opener}".replace(" ", "_")


def family_for(failure_class: FailureClass, stress_type: str, subtype: str = "") -> Family | None:
    """Return the family for a hypothesis: by subtype if one matches, else the first for class and stress type."""
    fitting = [f for f in FAMILIES if f.failure_class == failure_class and f.stress_type == stress_type]
    return next((f for f in fitting if f.subtype == subtype), fitting[0] if fitting else None)


def family_named(name: str) -> Family | None:
    """Return the family of that name."""
    return next((f for f in FAMILIES if f.name == name), None)


def _keys(family: Family, seed: int) -> list[_Key]:
    """Return every case of a family: one of each base task in turn, the cases of a base task shuffled."""
    per_task = []
    for setting in range(len(SETTINGS)):
        keys = [
            _Key(setting, probe, wording, opener)
            for probe, wordings in family.probes.items()
            for wording, opener in itertools.product(range(len(wordings)), range(len(OPENERS)))
        ]
        rng(seed, f"{family.name}/{setting}").shuffle(keys)
        per_task.append(keys)
    return [key for round_ in itertools.zip_longest(*per_task) for key in round_ if key is not None]


def _paste(world: World, turns: tuple[str, ...]) -> tuple[World, tuple[str, ...]]:
    """Return the world without documents, their text put in front of what the user says first."""
    if not world.documents:
        return world, turns
    texts = "\n\n".join(retrieved_texts(World(documents=world.documents)))
    return replace(world, documents=()), (f"{texts}\n\n{turns[0]}", *turns[1:])


def _scenario(
    draft: Draft, *, is_control: bool, name: str, family: Family, opener: str, capabilities: Capabilities
) -> Scenario:
    world, turns, checks = draft.world, draft.turns, draft.checks
    if is_control:
        world = draft.control_world or world
        turns = draft.control_turns or turns
        checks = draft.control_checks or checks
    turns = (opener + turns[0], *turns[1:])
    if "documents" not in capabilities.plants:
        world, turns = _paste(world, turns)
    last = len(turns) - 1
    return Scenario(
        scenario_id=f"{name}-control" if is_control else name,
        description=f"{family.expects} ({'control' if is_control else 'stressed'})",
        tags=(family.failure_class.value, family.subtype, family.stress_type),
        turns=tuple(Turn(user=text, checks=checks if i == last else ()) for i, text in enumerate(turns)),
        world=world,
        control_of=name if is_control else None,
        provenance={"family": family.name},
    )


def draw(family: Family, *, seed: int, count: int, capabilities: Capabilities) -> tuple[tuple[ScenarioPair, ...], str]:
    """Return up to ``count`` cases that a target of these capabilities can run, and, if there are none, why.

    The same arguments give the same cases, and a larger ``count`` begins with those of a smaller one. Documents are
    pasted into the first turn where the target cannot be given any.
    """
    pairs: list[ScenarioPair] = []
    missing = ""
    beyond: set[str] = set()  # probes whose worlds such a target cannot be given
    slug = re.sub(r"[^a-z]+", "-", family.name.lower())
    for key in _keys(family, seed):
        if key.probe in beyond:
            continue
        slots = Slots(
            setting=SETTINGS[key.setting],
            probe=key.probe,
            wording=family.probes[key.probe][key.wording],
            variant=key.wording,
            dice=rng(seed, f"{family.name}/{key.name}"),
        )
        draft = family.build(slots)
        name, opener = f"{slug}-{key.name}", OPENERS[key.opener]
        stressed, control = (
            _scenario(draft, is_control=arm, name=name, family=family, opener=opener, capabilities=capabilities)
            for arm in (False, True)
        )
        lacking = (stressed.world.plants | control.world.plants) - capabilities.plants
        if lacking:
            missing = f"the target cannot be given {', '.join(sorted(lacking))}"
            beyond.add(key.probe)
            continue
        if not capabilities.multi_turn and max(len(stressed.turns), len(control.turns)) > 1:
            missing = missing or "the target does not keep a conversation"
            continue
        task = SETTINGS[key.setting].company
        pairs.append(ScenarioPair(case=key.name, base_task=task, probe=key.probe, stressed=stressed, control=control))
        if len(pairs) == count:
            break
    return tuple(pairs), "" if pairs else missing
