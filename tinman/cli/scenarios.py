"""``tinman scenarios``: validate, list, run and confirm scenario files against a target. Exit codes 0, 1, 2, 3."""

from __future__ import annotations

import select
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import click

from tinman.cli.app import App, Exit, example
from tinman.cli.regression import diff, export, mcp_proxy, promote, shrink, simulate

if TYPE_CHECKING:
    from tinman.harness.attempt import Asked, Ended
    from tinman.scenarios.run import Referee
    from tinman.targets.base import Target

_EPILOG = example("tinman scenarios run --target sandbox --scenarios scenarios")


@click.group(
    epilog=_EPILOG,
    commands=[export, promote, shrink, simulate, diff, mcp_proxy],
    invoke_without_command=True,
    no_args_is_help=False,
)
@click.pass_context
def scenarios(ctx: click.Context) -> None:
    """Run scenario files as regression tests: validate, list, run, confirm, promote."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


# -- looking at files


@scenarios.command("validate", epilog=example("tinman scenarios validate scenarios"))
@click.argument("places", nargs=-1)
@click.option("--scenarios", "place", help="A file, or a folder of *.json.")
@click.option("--schema", is_flag=True, help="Print the JSON schema of scenario files instead.")
@click.pass_obj
def validate(app: App, places: tuple[str, ...], place: str | None, schema: bool) -> None:
    """Read scenario files and say what is wrong with them; nothing is run. Exit 2 when a file is wrong."""
    from tinman.errors import DefinitionError
    from tinman.scenarios.files import load_scenarios, warnings_of
    from tinman.scenarios.schema import file_schema
    from tinman.text.visible import visible

    if schema:
        app.document(file_schema())
        return
    wanted = [*places, *([place] if place else [])]
    if not wanted:
        raise click.UsageError("name a scenario file or a folder of them")
    problems: list[str] = []
    count = 0
    for one in wanted:
        try:
            loaded = load_scenarios(one)
        except DefinitionError as error:
            problems.append(visible(str(error), keep_newlines=False))
            continue
        count += len(loaded)
        for scenario in loaded:
            for warning in warnings_of(scenario):
                app.say(f"warning: {visible(warning, keep_newlines=False)}")
    if app.as_json:
        app.document({"schema": "tinman.validation/1", "scenarios": count, "problems": problems})
    else:
        for problem in problems:
            click.echo(f"tinman: {problem}", err=True)
        click.echo(f"{count} scenarios read, {len(problems)} problems")
    raise click.exceptions.Exit(Exit.USAGE if problems else Exit.DONE)


@scenarios.command("list", epilog=example("tinman scenarios list scenarios --tag smoke"))
@click.argument("place", required=False)
@click.option("--scenarios", "folder", help="A file, or a folder of *.json.")
@click.option("--tag", "tags", multiple=True, help="Only scenarios with one of these tags.")
@click.pass_obj
def list_(app: App, place: str | None, folder: str | None, tags: tuple[str, ...]) -> None:
    """List the scenarios in a file or folder."""
    from tinman.scenarios.files import load_scenarios
    from tinman.text.visible import shorten

    if not (wanted := place or folder):
        raise click.UsageError("name a scenario file or a folder of them")
    for scenario in load_scenarios(wanted):
        if tags and not set(tags) & set(scenario.tags):
            continue
        if app.as_json:
            app.document(
                {
                    "schema": "tinman.scenario-line/1",
                    "scenario_id": scenario.scenario_id,
                    "description": scenario.description,
                    "tags": list(scenario.tags),
                    "destructive": scenario.destructive,
                    "turns": len(scenario.turns),
                    "digest": scenario.digest,
                    "quarantined": scenario.provenance.get("status") == "quarantined",
                }
            )
            continue
        marks = "".join(
            mark
            for mark, is_set in (
                ("  destructive", scenario.destructive),
                ("  quarantined", scenario.provenance.get("status") == "quarantined"),
            )
            if is_set
        )
        named = shorten(scenario.scenario_id, 40)
        tagged = f"  [{shorten(', '.join(scenario.tags), 40)}]" if scenario.tags else ""
        click.echo(f"  {named:<40} {len(scenario.turns)} turns{tagged}{marks}")


# -- measuring


def _measuring(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that ``run`` and ``confirm`` share."""
    options = (
        click.option("--adapter", default="", help="Adapter factory: <module-or-file>:<callable>."),
        click.option("--target", default="", help="A target by name instead: sandbox, openai:MODEL, http://..."),
        click.option("--user-id", default="", help="The user the scenarios speak as."),
        click.option("--scenarios", "place", required=True, help="A file, or a folder of *.json."),
        click.option("--scenario", "ids", multiple=True, help="Only this scenario; may be given again."),
        click.option("--tag", "tags", multiple=True, help="Only scenarios with one of these tags."),
        click.option("--failed-from", default="", help="Also what failed in this report, or folder of reports."),
        click.option("--allow-destructive", is_flag=True, help="Take in scenarios marked destructive."),
        click.option("--report-dir", default="artifacts/reports", show_default=True, help="Where reports go."),
        click.option("--inner-provider", default="", help="Provider of the model inside the target."),
        click.option("--inner-model", default="", help="Model inside the target."),
        click.option("--non-interactive", is_flag=True, help="Never ask which model is inside."),
        click.option("--intervention", default="", help="Put this fix around the target first."),
        click.option("--judge", default="", help="The model that answers judged checks."),
        click.option("--concurrency", type=click.IntRange(0, 1024), default=0, help="Scenarios side by side."),
        click.option("--repeat", type=click.IntRange(1, 10_000), help="Tries of each scenario."),
        click.option("--require", "gate", default="", help="A gate on the tries, such as pass^3>=0.9."),
        click.option("--turn-timeout", type=click.FloatRange(0.01, 86_400), default=120.0, help="Seconds for a turn."),
        click.option("--seed", type=int, default=0, help="The dice of targets that take a seed."),
        click.option("--junit", default="", help="Write JUnit XML to this file, too."),
        click.option("--yes-production", help="The target's name: allows a confirm in production."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@scenarios.command("run", epilog=_EPILOG)
@_measuring
@click.pass_obj
def run(app: App, /, **given: Any) -> None:
    """Measure while repairing. Exit 3 when everything passed (provisional), 1 when not, 2 when nothing was measured."""
    _measure(app, "run", given)


@scenarios.command("confirm", epilog=example("tinman scenarios confirm --target sandbox:sound --scenarios scenarios"))
@_measuring
@click.pass_obj
def confirm(app: App, /, **given: Any) -> None:
    """Measure for acceptance. Exit 0 when everything passed, 3 when that was only a part, 1 when not, 2 as run."""
    _measure(app, "confirm", given)


def _asked(kind: Any, given: dict[str, Any]) -> Asked:
    from tinman.errors import DefinitionError
    from tinman.harness.attempt import Asked
    from tinman.harness.measurement import Plan
    from tinman.harness.repeats import read_gate

    if bool(given["adapter"]) is bool(given["target"]):
        raise click.UsageError("give exactly one of --adapter and --target")
    if given["adapter"] and not given["user_id"].strip():
        raise click.UsageError("--user-id is missing: an adapter needs to know who speaks")
    try:
        gate = read_gate(given["gate"]) if given["gate"] else None
    except DefinitionError as error:
        raise click.UsageError(str(error)) from error
    return Asked(
        kind=kind,
        scenarios=given["place"],
        adapter=given["adapter"],
        report_dir=given["report_dir"],
        ids=given["ids"],
        tags=given["tags"],
        failed_from=given["failed_from"],
        allows_destructive=given["allow_destructive"],
        provider=given["inner_provider"],
        model=given["inner_model"],
        junit=given["junit"],
        plan=Plan(
            user=given["user_id"].strip() or "tinman",
            seed=given["seed"],
            concurrency=given["concurrency"],
            repeat=given["repeat"],
            gate=gate,
            turn_timeout_seconds=given["turn_timeout"],
        ),
    )


def _asker(app: App, *, non_interactive: bool) -> Callable[[str], str] | None:
    """Return how to ask a person, or ``None`` when there is none: both ends have to be a terminal."""
    if non_interactive or not app.may_ask or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None

    def ask(question: str) -> str:
        click.echo(question, err=True, nl=False)
        # Asked in a thread that may be left behind: it must not hold the input's lock while nothing is typed.
        while not select.select([sys.stdin], [], [], 0.2)[0]:
            pass
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    return ask


def _measure(app: App, kind: str, given: dict[str, Any]) -> None:
    from tinman.errors import TinmanError
    from tinman.frozen import dump

    asked = _asked(kind, given)
    _check_mode(app, kind, given)
    received: list[int] = []

    async def work() -> Ended | None:
        import anyio

        found: list[Ended] = []
        raised: list[TinmanError] = []
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                    async for number in signals:
                        received.append(number)
                        group.cancel_scope.cancel()
                        return

            group.start_soon(watch)
            try:
                found.append(await _attempted(app, asked, given))
            except TinmanError as error:
                # Raised again outside: what leaves a task group comes wrapped.
                raised.append(error)
            group.cancel_scope.cancel()
        if raised:
            raise raised[0]
        return found[0] if found and not received else None

    ended = app.run(work)
    if ended is None:
        click.echo(f"Stopped. What was measured, if anything was, is in {asked.report_dir}.", err=True)
        raise click.exceptions.Exit(Exit.TERMINATED if received[0] == signal.SIGTERM else Exit.INTERRUPTED)
    if app.as_json:
        summary = ended.measurement and [
            {"scenario_id": t.scenario_id, "passed": t.passed, "runs": len(t.runs), "successes": t.successes,
             "flaky": t.is_flaky, "interval": dump(t.interval)}
            for t in ended.measurement.trials
        ]  # fmt: skip
        app.document(
            {
                "schema": "tinman.scenarios/1",
                "kind": kind,
                "exit_code": ended.code,
                "report": str(ended.report),
                "scenarios": summary or [],
                "problems": list(ended.err) if ended.code == Exit.USAGE else [],
            }
        )
    else:
        app.lines(ended.out)
    for line in ended.err:
        if not app.as_json:
            click.echo(line, err=True)
    raise click.exceptions.Exit(ended.code)


def _check_mode(app: App, kind: str, given: dict[str, Any]) -> None:
    """Raise ``ModeRefused`` for what the operating mode does not allow.

    Destructive scenarios belong in the lab. In production there is no trying out: only a confirm of a target whose name
    somebody has typed.
    """
    from tinman.cli.research import check_production
    from tinman.config.modes import Mode, allows_destructive
    from tinman.errors import ModeRefused

    resolved = app.resolve({"target": {"spec": given["target"] or given["adapter"]}})
    mode = resolved.settings.mode
    if given["allow_destructive"] and not allows_destructive(mode, opted_in=True):
        raise ModeRefused(
            f"mode: destructive scenarios run in the lab, and this is {mode}; leave --allow-destructive out"
        )
    if mode is Mode.PRODUCTION:
        if kind == "run":
            raise ModeRefused("mode: in production scenarios are only confirmed; run them in lab or shadow")
        check_production(app, resolved.settings, resolved.origin("mode"), given["yes_production"])


async def _attempted(app: App, asked: Asked, given: dict[str, Any]) -> Ended:
    from dataclasses import replace

    from tinman.harness.attempt import attempt

    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(_target(app, given["target"])) if given["target"] else None
        referee = await stack.enter_async_context(_referee(given["judge"])) if given["judge"] else None
        dress = None
        if given["intervention"]:
            dress, patch_digest = await _dress(app, given["intervention"])
            asked = replace(asked, intervention=patch_digest)
        ask = _asker(app, non_interactive=given["non_interactive"])
        ended = await attempt(asked, target=target, ask=ask, dress=dress, referee=referee)
        if given["intervention"] and asked.kind == "confirm" and ended.measurement is not None:
            await _remember(app, given["intervention"], ended)
        return ended


async def _remember(app: App, intervention: str, ended: Ended) -> None:
    """Store a confirmation of a fix beside it, with the report it is written in."""
    from tinman import clock
    from tinman.harness.artifacts import read_artifact

    assert ended.report is not None
    metadata = read_artifact(ended.report)["metadata"]
    told = {name: metadata.get(name) for name in ("confirmation_status", "binding", "adapter_path")}
    node_id = clock.derive_id("confirmation", ended.report.name, metadata.get("binding"))
    async with app.graph() as graph:
        node = await graph.get(intervention)
        await graph.note("confirmation", node_id, {**told, "report": str(ended.report), "exit_code": ended.code})
        await graph.link(node.id, "confirmed_by", node_id)


@asynccontextmanager
async def _target(app: App, name: str) -> AsyncIterator[Target]:
    """Open the target called ``name``, with what the settings know of it. Raises ``ConfigError``."""
    from tinman.config.settings import provider_keys
    from tinman.targets.load import load_target
    from tinman.targets.profile import read_profile

    settings = app.resolve({"target": {"spec": name}}).settings
    target = load_target(read_profile(settings.target), provider_keys())
    try:
        yield target
    finally:
        await target.aclose()


@asynccontextmanager
async def _referee(name: str) -> AsyncIterator[Referee]:
    from tinman.config.settings import provider_keys
    from tinman.models.load import load_model
    from tinman.reasoner import Reasoner
    from tinman.scenarios.judging import ReasonerReferee

    model = load_model(name, keys=provider_keys())
    try:
        yield ReasonerReferee(Reasoner(model))
    finally:
        await model.aclose()


async def _dress(app: App, name: str) -> tuple[Callable[[Target], Target], str]:
    """Return how to put the stored fix ``name`` around a target, and the digest of its patch. Raises ``NotFound``."""
    from tinman.errors import NotFound
    from tinman.patches.apply import apply
    from tinman.patches.kinds import patch_digest
    from tinman.records import Intervention

    async with app.graph() as graph:
        node = await graph.get(name)
    if not isinstance(node.record, Intervention):
        raise NotFound(f"{node.label or node.id} is a {node.kind}, not an intervention")
    patch = node.record.payload
    return (lambda target: apply(target, patch)), patch_digest(patch)
