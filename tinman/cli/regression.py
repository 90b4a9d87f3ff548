"""``tinman scenarios export|promote|shrink|simulate|diff``: tests made of failures and conversations, and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinman.cli.app import App, Exit, example

if TYPE_CHECKING:
    from tinman.scenarios.scenario import Scenario
    from tinman.targets.base import Target


@click.command("export", epilog=example("tinman scenarios export F-1 --into scenarios/quarantine"))
@click.argument("names", nargs=-1)
@click.option("--into", default="scenarios/quarantine", show_default=True, help="Folder for the files.")
@click.option("--target", default="", help="The target to shrink on; the settings' own when none is named.")
@click.option("--reference", default="", help="A target that passes: a proven fix stands in when none is named.")
@click.option("--as-it-is", is_flag=True, help="Do not shrink; nothing is run.")
@click.pass_obj
def export(app: App, names: tuple[str, ...], into: str, target: str, reference: str, as_it_is: bool) -> None:
    """Write confirmed failures (all, or the named) as quarantined scenario files, shrunk, with their world."""

    async def work() -> None:
        from tinman import __version__
        from tinman.cli.scenarios import _target
        from tinman.errors import NotFound
        from tinman.harness.regression import export_scenarios, remember, slug
        from tinman.records import DiscoveredFailure
        from tinman.scenarios.files import write_scenario
        from tinman.text.visible import shorten

        spec = target or str(app.resolve().settings.target.get("spec", "sandbox"))
        async with app.graph() as graph, _target(app, spec) as subject:
            nodes = [await graph.get(name) for name in names] if names else await graph.find(kind="failure_mode")
            found = [(node, node.record) for node in nodes if isinstance(node.record, DiscoveredFailure)]
            if len(found) < len(nodes):
                odd = next(node for node in nodes if not isinstance(node.record, DiscoveredFailure))
                raise NotFound(f"{odd.label or odd.id} is a {odd.kind}, not a failure")
            if not names:
                found = [(node, failure) for node, failure in found if failure.is_confirmed]
            if not found:
                raise NotFound("export: there is no confirmed failure; run `tinman research`")
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
                if not as_it_is:
                    made = await _shrunk(app, graph, failure, made, subject, reference)
                for scenario in made:
                    place = Path(into) / f"{slug(scenario.scenario_id)}.json"
                    write_scenario(place, scenario)
                    click.echo(str(place))
                await remember(graph, failure, made)
                app.say(f"  {failure.label or failure.id}: {shorten(failure.description, 70)}")
        app.say(f"Next:  {app.command('scenarios', 'promote', into, '--target', spec, '--into', 'scenarios')}")

    app.run(work)


async def _shrunk(
    app: App, graph: Any, failure: Any, made: tuple[Scenario, ...], subject: Target, reference: str
) -> tuple[Scenario, ...]:
    """Return the scenarios as small as they get, each with what was done to it."""
    from contextlib import AsyncExitStack

    from tinman.cli.scenarios import _target
    from tinman.harness.minimise import shrink
    from tinman.harness.regression import check_clean, find_fix, with_shrinking

    async with AsyncExitStack() as stack:
        if reference:
            held: Target | None = await stack.enter_async_context(_target(app, reference))
            named = reference
        else:
            held, named = await find_fix(graph, failure, subject)
        smaller: list[Scenario] = []
        for scenario in made:
            done = await shrink(scenario, subject, reference=held)
            app.say(f"  {scenario.scenario_id}: {done.tried} candidates tried{f'; {done.note}' if done.note else ''}")
            told = with_shrinking(done.scenario, tried=done.tried, note=done.note, reference=named)
            check_clean(told)
            smaller.append(told)
        return tuple(smaller)


@click.command("promote", epilog=example("tinman scenarios promote scenarios/quarantine --target sandbox"))
@click.argument("place")
@click.option("--into", default="scenarios", show_default=True, help="The regression pack: a folder.")
@click.option("--target", default="", help="The unfixed target, by name.")
@click.option("--adapter", default="", help="The unfixed target's adapter instead.")
@click.option("--user-id", default="tinman", help="The user the scenarios speak as.")
@click.option("--inner-provider", default="", help="Provider of the model inside the target.")
@click.option("--inner-model", default="", help="Model inside the target.")
@click.option("--seed", type=int, default=0, help="The dice of the fresh runs.")
@click.option("--concurrency", type=click.IntRange(0, 1024), default=0, help="Runs side by side.")
@click.pass_obj
def promote(
    app: App,
    place: str,
    into: str,
    target: str,
    adapter: str,
    user_id: str,
    inner_provider: str,
    inner_model: str,
    seed: int,
    concurrency: int,
) -> None:
    """Move quarantined scenarios into the pack if fresh runs on the unfixed target are red as often as recorded.

    Exit 0 when all of them were promoted, 1 when some stay, 2 when a file cannot be read.
    """
    if bool(target) is bool(adapter):
        raise click.UsageError("give exactly one of --adapter and --target")

    async def work() -> int:
        from tinman.harness.measurement import Plan
        from tinman.harness.quarantine import examine, move, read_counts, release
        from tinman.scenarios.files import files_at, read_file

        files = files_at(place)
        scenarios = [read_file(file) for file in files]
        waiting = [(f, s) for f, s in zip(files, scenarios, strict=True) if s.provenance.get("status") == "quarantined"]
        for _, scenario in waiting:
            read_counts(scenario)
        stay = 0
        lines: list[dict[str, Any]] = []
        async with _either(app, target, adapter, user_id, inner_provider, inner_model) as subject:
            for file, scenario in waiting:
                found = await examine(scenario, subject, Plan(user=user_id, seed=seed, concurrency=concurrency))
                moved = ""
                if found.is_promoted:
                    kept = release(scenario, found, target=subject.name, fingerprint=subject.fingerprint)
                    moved = str(move(file, kept, Path(into)))
                else:
                    stay += 1
                lines.append(
                    {
                        "schema": "tinman.promotion/1",
                        "scenario_id": scenario.scenario_id,
                        "promoted": found.is_promoted,
                        "red": found.red,
                        "green": found.green,
                        "indeterminate": found.indeterminate,
                        "p_value": round(found.p_value, 6),
                        "reason": found.reason,
                        "file": moved,
                    }
                )
        _tell(app, lines)
        if not waiting:
            app.say(f"Nothing in {place} is quarantined.")
        return Exit.INTERNAL if stay else Exit.DONE

    raise click.exceptions.Exit(app.run(work))


def _tell(app: App, lines: list[dict[str, Any]]) -> None:
    from tinman.text.visible import shorten

    for line in lines:
        if app.as_json:
            app.document(line)
            continue
        name = shorten(line["scenario_id"], 60)
        counts = f"red {line['red']} of {line['red'] + line['green']}, p {line['p_value']:.2f}"
        if line["promoted"]:
            click.echo(f"  {name}: promoted ({counts}) -> {line['file']}")
        else:
            click.echo(f"  {name}: stays in quarantine: {shorten(line['reason'], 120)}")


@click.command("shrink", epilog=example("tinman scenarios shrink big.json --target sandbox -o small.json"))
@click.argument("file")
@click.option("--target", required=True, help="The target it fails on.")
@click.option("--reference", default="", help="A target that passes it, and has to go on passing it.")
@click.option("--seed", type=int, default=0, help="The dice of the tries.")
@click.option("--most-tries", type=click.IntRange(1, 100_000), default=300, show_default=True, help="Candidates.")
@click.option("-o", "--output", required=True, help="Where to write the smaller one.")
@click.pass_obj
def shrink(app: App, file: str, target: str, reference: str, seed: int, most_tries: int, output: str) -> None:
    """Make a failing scenario smaller while it still fails. Exit 1 when it does not fail."""

    async def work() -> int:
        from contextlib import AsyncExitStack

        from tinman.cli.scenarios import _target
        from tinman.harness.minimise import shrink
        from tinman.harness.regression import with_shrinking
        from tinman.scenarios.files import read_file, write_scenario

        scenario = read_file(Path(file))
        async with AsyncExitStack() as stack:
            subject = await stack.enter_async_context(_target(app, target))
            held = await stack.enter_async_context(_target(app, reference)) if reference else None
            done = await shrink(scenario, subject, reference=held, seed=seed, most_tries=most_tries)
        app.say(f"{done.tried} candidates tried{f'; {done.note}' if done.note else ''}")
        if done.scenario == scenario and not done.tried:
            return Exit.INTERNAL
        told = with_shrinking(done.scenario, tried=done.tried, note=done.note, reference=reference)
        write_scenario(Path(output), told)
        click.echo(output)
        return Exit.DONE

    raise click.exceptions.Exit(app.run(work))


def _either(app: App, target: str, adapter: str, user_id: str, provider: str, model: str) -> Any:
    from tinman.cli.scenarios import _target
    from tinman.harness.adapters import ready_adapter

    return _target(app, target) if target else ready_adapter(adapter, user=user_id, provider=provider, model=model)


@click.command("simulate", epilog=example("tinman scenarios simulate talk.json --target sandbox -o frozen.json"))
@click.argument("file")
@click.option("--target", default="", help="The target by name.")
@click.option("--adapter", default="", help="The target's adapter instead.")
@click.option("--user-id", default="tinman", help="The user the conversation is held as.")
@click.option("--inner-provider", default="", help="Provider of the model inside the target.")
@click.option("--inner-model", default="", help="Model inside the target.")
@click.option("--user-model", default="", help="The model that plays the user, where the simulator wants one.")
@click.option("--seed", type=int, default=0, help="The dice of user and target.")
@click.option("-o", "--output", required=True, help="Where to write the frozen scenario.")
@click.pass_obj
def simulate(
    app: App,
    file: str,
    target: str,
    adapter: str,
    user_id: str,
    inner_provider: str,
    inner_model: str,
    user_model: str,
    seed: int,
    output: str,
) -> None:
    """Let FILE's simulated user talk to the target, and freeze what was said into a plain scenario."""
    if bool(target) is bool(adapter):
        raise click.UsageError("give exactly one of --adapter and --target")

    async def work() -> None:
        from contextlib import AsyncExitStack

        from tinman.config.settings import provider_keys
        from tinman.errors import DefinitionError
        from tinman.harness.regression import check_clean
        from tinman.harness.simulator import frozen_scenario, read_simulator
        from tinman.harness.simulator import simulate as talk
        from tinman.models.load import load_model
        from tinman.reasoner import Reasoner
        from tinman.scenarios.files import read_file, write_scenario

        template = read_file(Path(file))
        if not template.simulator:
            raise DefinitionError(f"scenario {template.scenario_id!r}: has no simulator to talk")
        simulator = read_simulator(template.simulator, about=template.scenario_id)
        async with AsyncExitStack() as stack:
            subject = await stack.enter_async_context(
                _either(app, target, adapter, user_id, inner_provider, inner_model)
            )
            reasoner = None
            if user_model:
                model = load_model(user_model, keys=provider_keys())
                stack.push_async_callback(model.aclose)
                reasoner = Reasoner(model)
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
        click.echo(output)

    app.run(work)


@click.command("diff", epilog=example("tinman scenarios diff before.json after.json -o diff.html"))
@click.argument("before")
@click.argument("after")
@click.option("-o", "--output", help="Write the HTML page here.")
@click.option("--force", is_flag=True, help="Compare reports of unlike conditions, too.")
@click.pass_obj
def diff(app: App, before: str, after: str, output: str | None, force: bool) -> None:
    """Compare two reports. Exit 1 when something fails that did not fail before, 2 when they do not compare."""
    from tinman.errors import DefinitionError
    from tinman.harness.artifacts import read_artifact
    from tinman.harness.compare import differences, newly_failing, page, unlike
    from tinman.scenarios.files import write_text
    from tinman.text.visible import shorten

    old, new = read_artifact(Path(before)), read_artifact(Path(after))
    told = unlike(old, new)
    if told and not force:
        raise DefinitionError(f"diff: the reports differ in {', '.join(told)}; --force compares them all the same")
    found = differences(old, new)
    worse = newly_failing(found)
    if output:
        try:
            write_text(Path(output), page(old, new, names=(before, after)))
        except OSError as error:
            raise DefinitionError(f"diff {output}: cannot be written: {error.strerror or error}") from error
    if app.as_json:
        changes = [{"scenario_id": one.scenario_id, "change": one.change} for one in found]
        app.document({"schema": "tinman.scenario-diff/1", "changes": changes, "newly_failing": worse})
    else:
        for one in found:
            if one.change != "still passing":
                click.echo(f"  {one.change:<14} {shorten(one.scenario_id, 80)}")
        click.echo(f"{len(worse)} newly failing, {sum(one.change == 'cured' for one in found)} cured")
    raise click.exceptions.Exit(Exit.INTERNAL if worse else Exit.DONE)


@click.command(
    "mcp-proxy",
    context_settings={"ignore_unknown_options": True},
    epilog=example("tinman scenarios mcp-proxy -- python my_server.py"),
)
@click.option("--record", default="", help="The trace file; else what TINKERLOOP_TRACE_FILE names.")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def mcp_proxy(app: App, record: str, words: tuple[str, ...]) -> None:
    """Stand between an agent and the MCP server WORDS, and write its tool calls to a trace file."""
    from tinman.config.settings import environment
    from tinman.targets.adapters.base import TRACE_FILE
    from tinman.targets.adapters.mcp_proxy import proxy

    place = record or environment().get(TRACE_FILE, "")

    async def work() -> int:
        return await proxy(words, file=Path(place) if place else None)

    raise click.exceptions.Exit(app.run(work))
