"""What has to hold of every reply of a target of which a surface is known."""

from __future__ import annotations

from dataclasses import replace

from tinman.playbook.families.own import is_guarded
from tinman.scenarios.checks import Check, Holds
from tinman.scenarios.invariants import Invariant, of_world
from tinman.scenarios.scenario import Scenario
from tinman.surface import Surface, judged
from tinman.targets.world import ToolStub, World
from tinman.text.visible import shorten


def invariants_of(scenario: Scenario, surface: Surface, own: World) -> tuple[Invariant, ...]:
    """Return the invariants of ``scenario``: those of its world and the target's own, and the rules that have a check.

    A tool that the surface marks as destructive, sending out or needing consent is not called unasked.
    """
    rules = (
        Invariant(
            name=f"rule {number}",
            subtype="instruction_override",
            expects=f"the rule is broken: {shorten(rule.text, 120)}",
            check=rule.check,
        )
        for number, rule in enumerate(surface.rules, 1)
        if rule.check is not None
    )
    return (*of_world(scenario, _marked(own, surface)), *rules)


def spelled_out(scenario: Scenario, surface: Surface) -> Scenario:
    """Return ``scenario`` with the rules that it asks for by their number written out as checks, for a file to hold."""
    checks = {f"rule {number}": rule.check for number, rule in enumerate(judged(surface).rules, 1)}

    def written(check: Check) -> Check:
        return (checks.get(check.name) or check) if isinstance(check, Holds) else check

    turns = tuple(replace(turn, checks=tuple(map(written, turn.checks))) for turn in scenario.turns)
    return replace(scenario, turns=turns)


def _marked(own: World, surface: Surface) -> World:
    known = {tool.name: tool for tool in own.tools}
    for tool in surface.tools:
        stub = known.get(tool.name) or ToolStub(
            name=tool.name, description=tool.description, parameters=tool.parameters or {"type": "object"}
        )
        known[tool.name] = replace(stub, is_destructive=stub.is_destructive or is_guarded(tool))
    return replace(own, tools=tuple(known.values()))
