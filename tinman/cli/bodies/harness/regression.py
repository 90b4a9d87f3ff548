"""``tinman scenarios export|promote|shrink|simulate``: tests made of failures and of conversations."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import click

from tinman import __version__, clock
from tinman.cli.app import App, Exit
from tinman.cli.project import open_target
from tinman.cli.settings import resolve
from tinman.cli.store import expect, memory
from tinman.config.settings import provider_keys
from tinman.errors import DefinitionError, NotFound
from tinman.harness.adapters import ready_adapter
from tinman.harness.measurement import Plan
from tinman.harness.minimise import shrink as shrink_scenario
from tinman.harness.quarantine import Verdict, examine, move, read_counts, release
from tinman.harness.regression import check_clean, export_scenarios, find_fix, remember, slug, with_shrinking
from tinman.harness.simulator import frozen_scenario, read_simulator
from tinman.harness.simulator import simulate as talk
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Node
from tinman.memory.surfaces import surface_at
from tinman.models.load import load_model
from tinman.playbook.holding import spelled_out
from tinman.reasoner import Reasoner
from tinman.records import DiscoveredFailure
from tinman.scenarios.files import files_at, read_file, write_scenario
from tinman.scenarios.scenario import Scenario
from tinman.surface import EMPTY_SURFACE
from tinman.targets.base import Target
from tinman.text.visible import shorten


async def export(
    app: App, names: tuple[str, ...], into: str, form: str, target: str, reference: str, as_it_is: bool
) -> None:
    """Write confirmed failures (all, or the named) as quarantined scenario files. Raises ``NotFound``."""
    async with AsyncExitStack() as stack:
        graph = await stack.enter_async_context(memory(app))
        nodes = (
            [await graph.get(name) for name in names] if names else await graph.find(kind="failure_mode", in_force=True)
        )
        found = [(node, expect(node, DiscoveredFailure, "a failure")) for node in nodes]
        if not names:
            found = [(node, failure) for node, failure in found if failure.is_confirmed]
        if not found:
            raise NotFound("export: there is no confirmed failure; run `tinman research`")
        spec = target or await _spec_of(app, graph, [node for node, _ in found])
        subject = await stack.enter_async_context(open_target(app, spec))
        for node, failure in found:
            cycle = await graph.cycles.get(node.cycle_id) if node.cycle_id else None
            made = export_scenarios(
                failure,
                target=cycle.target if cycle else spec,
                fingerprint=str(cycle.config.get("fingerprint", "")) if cycle else "",
                seed=cycle.seed if cycle else 0,
                cycle_id=node.cycle_id,
                version=__version__,
            )
            if cycle is not None:
                known = await surface_at(graph, cycle.target, cycle.ended_at or clock.now())
                made = tuple(spelled_out(each, known or EMPTY_SURFACE) for each in made)
            if not as_it_is:
                made = await _shrunk(app, graph, failure, made, subject, reference)
            for scenario in made:
                place = Path(into) / f"{slug(scenario.scenario_id)}.{form}"
                write_scenario(place, scenario)
                app.lines([str(place)])
            await remember(graph, failure, made)
            app.say(f"  {failure.label or failure.id}: {shorten(failure.description, 70)}")
    app.say(f"Next:  {app.command('scenarios', 'promote', into, '--target', spec, '--into', 'scenarios')}")


async def _spec_of(app: App, graph: MemoryGraph, nodes: list[Node]) -> str:
    """Return the target that the settings name, or the one that all the failures were found on."""
    resolved = resolve(app)
    if resolved.names_target:
        return str(resolved.settings.target["spec"])
    found = {(await graph.cycles.get(node.cycle_id)).target for node in nodes if node.cycle_id}
    if len(found) != 1:
        raise DefinitionError("export: the failures are of no one target; name it with --target")
    return found.pop()


async def _shrunk(
    app: App,
    graph: MemoryGraph,
    failure: DiscoveredFailure,
    made: tuple[Scenario, ...],
    subject: Target,
    reference: str,
) -> tuple[Scenario, ...]:
    """Return the scenarios as small as they get, each with what was done to it."""
    async with AsyncExitStack() as stack:
        if reference:
            held: Target | None = await stack.enter_async_context(open_target(app, reference))
            named = reference
        else:
            held, named = await find_fix(graph, failure, subject)
        smaller: list[Scenario] = []
        for scenario in made:
            done = await shrink_scenario(scenario, subject, reference=held)
            app.say(f"  {scenario.scenario_id}: {done.tried} candidates tried{f'; {done.note}' if done.note else ''}")
            told = with_shrinking(done.scenario, tried=done.tried, note=done.note, reference=named)
            check_clean(told)
            smaller.append(told)
        return tuple(smaller)


async def shrink(app: App, file: str, target: str, reference: str, seed: int, most_tries: int, output: str) -> int:
    """Make a failing scenario smaller while it still fails; return 1 when it does not fail."""
    scenario = read_file(Path(file))
    async with AsyncExitStack() as stack:
        subject = await stack.enter_async_context(open_target(app, target))
        held = await stack.enter_async_context(open_target(app, reference)) if reference else None
        done = await shrink_scenario(scenario, subject, reference=held, seed=seed, most_tries=most_tries)
    app.say(f"{done.tried} candidates tried{f'; {done.note}' if done.note else ''}")
    if done.scenario == scenario and not done.tried:
        return Exit.INTERNAL
    told = with_shrinking(done.scenario, tried=done.tried, note=done.note, reference=reference)
    write_scenario(Path(output), told)
    app.lines([output])
    return Exit.DONE


def _either(
    app: App, target: str, adapter: str, user_id: str, provider: str, model: str
) -> AbstractAsyncContextManager[Target]:
    if bool(target) is bool(adapter):
        raise click.UsageError("give exactly one of --adapter and --target")
    return open_target(app, target) if target else ready_adapter(adapter, user=user_id, provider=provider, model=model)


async def promote(app: App, place: str, into: str, user_id: str, seed: int, concurrency: int, **which: str) -> int:
    """Move quarantined scenarios into the pack if fresh runs on the unfixed target are red as often as recorded.

    ``which`` says on which target, as ``_either`` takes it. Return 0 when all of them were promoted, 1 when some stay.
    Raises ``DefinitionError`` for a file that is wrong.
    """
    opened = _either(app, user_id=user_id, **which)
    files = files_at(place)
    scenarios = [read_file(file) for file in files]
    waiting = [(f, s) for f, s in zip(files, scenarios, strict=True) if s.provenance.get("status") == "quarantined"]
    for _, scenario in waiting:
        read_counts(scenario)
    told: list[tuple[Verdict, str]] = []
    async with opened as unfixed:
        for file, scenario in waiting:
            found = await examine(scenario, unfixed, Plan(user=user_id, seed=seed, concurrency=concurrency))
            moved = ""
            if found.is_promoted:
                kept = release(scenario, found, target=unfixed.name, fingerprint=unfixed.fingerprint)
                moved = str(move(file, kept, Path(into)))
            told.append((found, moved))
    app.listing(told, _promotion, _promotion_line, none=f"Nothing in {place} is quarantined.")
    return Exit.DONE if all(found.is_promoted for found, _ in told) else Exit.INTERNAL


def _promotion(told: tuple[Verdict, str]) -> dict[str, Any]:
    found, moved = told
    return {
        "schema": "tinman.promotion/1",
        "scenario_id": found.scenario_id,
        "promoted": found.is_promoted,
        "red": found.red,
        "green": found.green,
        "indeterminate": found.indeterminate,
        "p_value": round(found.p_value, 6),
        "reason": found.reason,
        "file": moved,
    }


def _promotion_line(told: tuple[Verdict, str]) -> str:
    found, moved = told
    name = shorten(found.scenario_id, 60)
    if found.is_promoted:
        return f"  {name}: promoted (red {found.red} of {found.red + found.green}, p {found.p_value:.2f}) -> {moved}"
    return f"  {name}: stays in quarantine: {shorten(found.reason, 120)}"


async def simulate(app: App, file: str, user_id: str, user_model: str, seed: int, output: str, **which: str) -> None:
    """Let the file's simulated user talk to the target, and freeze what was said into a plain scenario."""
    opened = _either(app, user_id=user_id, **which)
    template = read_file(Path(file))
    if not template.simulator:
        raise DefinitionError(f"scenario {template.scenario_id!r}: has no simulator to talk")
    simulator = read_simulator(template.simulator, about=template.scenario_id)
    async with AsyncExitStack() as stack:
        subject = await stack.enter_async_context(opened)
        reasoner = None
        if user_model:
            base_url = resolve(app).settings.reasoner_base_url
            player = load_model(user_model, base_url=base_url, keys=provider_keys())
            stack.push_async_callback(player.aclose)
            reasoner = Reasoner(player)
        found = await talk(
            subject,
            simulator,
            world=template.world,
            seed=seed,
            user=user_id,
            about=template.scenario_id,
            reasoner=reasoner,
        )
        made = frozen_scenario(template, found, seed=seed, target=subject.name, backend=simulator.speech.backend)
    check_clean(made)
    write_scenario(Path(output), made)
    app.say(f"{len(made.turns)} turns; {found.ended}")
    app.lines([output])
