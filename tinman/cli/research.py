"""``tinman research`` and ``tinman resume``: run a cycle, show it, stop it well, and exit with what it came to."""

from __future__ import annotations

import gc
import re
import shlex
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from tinman.cli.app import App, Exit, example, given

if TYPE_CHECKING:
    from tinman.config.settings import Settings
    from tinman.options import ResearchOptions
    from tinman.records import Ending
    from tinman.reports.result import ResearchCycleResult
    from tinman.tinman import Tinman


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What only the command line says: the gate, and the options to repeat, since no cycle stores them."""

    severity: str | None
    rate: float | None
    again: Mapping[str, str | None]

    def resume(self, app: App, cycle_id: str, raised: Mapping[str, str | None] | None = None) -> str:
        """Return the command that goes on with the cycle, with the ceilings in ``raised``."""
        return app.command("resume", cycle_id, options={**self.again, **(raised or {})})


_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_LONGEST = 3_650 * 86_400


def duration(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Return seconds for ``90``, ``90s``, ``20m``, ``2h`` or ``7d``."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min|h|d)?", value.strip())
    seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else 0.0
    if not 0 < seconds <= _LONGEST:
        raise click.BadParameter(f"{value!r} is no duration; write 90s, 20m, 2h or 7d")
    return seconds


_ceilings = [
    click.option("--budget-usd", type=click.FloatRange(min=0, min_open=True), help="Most money to spend."),
    click.option("--max-calls", type=click.IntRange(min=1), help="Most model calls."),
    click.option("--max-tokens", type=click.IntRange(min=1), help="Most tokens, in and out."),
    click.option("--timeout", callback=duration, help="Most time, such as 90s, 20m, 2h."),
    click.option("--concurrency", type=click.IntRange(min=1, max=512), help="Runs at once."),
    click.option(
        "--fail-on", type=click.Choice(["S0", "S1", "S2", "S3", "S4"]), help="Exit 10 at this severity or above."
    ),
    click.option(
        "--fail-rate", type=click.FloatRange(0, 1), help="Exit 10 when a validated failure is at least so frequent."
    ),
    click.option("--json", "json_here", is_flag=True, help="Print one JSON document."),
]


def _with_ceilings(command: Any) -> Any:
    for option in reversed(_ceilings):
        command = option(command)
    return command


@click.command(
    epilog=example("tinman research --target openai:gpt-4o-mini --base-url http://localhost:11434/v1 --max-calls 500")
)
@click.option("--mode", type=click.Choice(["lab", "shadow", "production"]), help="How close to users to work.")
@click.option(
    "--target", help="What to test: sandbox, openai:MODEL, anthropic:MODEL, module:callable, command:..., http://..."
)
@click.option("--base-url", help="Endpoint of an OpenAI- or Anthropic-compatible target.")
@click.option("--focus", default="", help="What to look at first.")
@click.option("--reasoner", help="Who thinks: playbook, openai:MODEL, anthropic:MODEL, module:callable.")
@click.option("--reasoner-base-url", help="Endpoint of the reasoner.")
@click.option("--measure", type=click.IntRange(min=0), default=0, help="Fresh runs added per validated failure.")
@click.option("--allow-destructive", is_flag=True, help="Probe what could destroy something on a real system (lab).")
@click.option("--yes-production", metavar="NAME", help="Confirm a production run by the target's name.")
@click.option("--max-hypotheses", type=click.IntRange(min=1), help="Hypotheses to screen (default 10).")
@click.option("--max-experiments", type=click.IntRange(min=1), help="Experiments to confirm (default 5).")
@click.option("--max-interventions", type=click.IntRange(min=0), help="Failures to find fixes for (default 5).")
@click.option("--seed", type=int, help="Fixes all chance (default 0).")
@click.option("--dry-run", is_flag=True, help="Plan and estimate; call nothing.")
@_with_ceilings
@click.pass_obj
def research(
    app: App,
    mode: str | None,
    target: str | None,
    base_url: str | None,
    focus: str,
    reasoner: str | None,
    reasoner_base_url: str | None,
    measure: int,
    allow_destructive: bool,
    yes_production: str | None,
    max_hypotheses: int | None,
    max_experiments: int | None,
    max_interventions: int | None,
    seed: int | None,
    dry_run: bool,
    budget_usd: float | None,
    max_calls: int | None,
    max_tokens: int | None,
    timeout: float | None,
    concurrency: int | None,
    fail_on: str | None,
    fail_rate: float | None,
    json_here: bool,
) -> None:
    """Run a research cycle: guess failures, reproduce them, propose fixes, replay them in pairs."""
    app.as_json = app.as_json or json_here
    limits = {
        "max_hypotheses": max_hypotheses,
        "max_experiments": max_experiments,
        "max_interventions": max_interventions,
        "max_usd": budget_usd,
        "max_calls": max_calls,
        "max_tokens": max_tokens,
        "timeout_seconds": timeout,
        "concurrency": concurrency,
        "seed": seed,
    }
    profile = {"spec": target, "base_url": base_url}
    flags: dict[str, Any] = {
        "mode": mode,
        "reasoner": reasoner,
        "reasoner_base_url": reasoner_base_url,
        "target": {name: value for name, value in profile.items() if value is not None} or None,
        "research": {name: value for name, value in limits.items() if value is not None} or None,
    }
    resolved = app.resolve({name: value for name, value in flags.items() if value is not None})
    settings = resolved.settings
    if settings.mode.value == "production":
        check_production(app, settings, resolved.origin("mode"), yes_production)
    options = _options(settings, focus=focus, measure=measure, allow_destructive=allow_destructive)
    asked = _Asked(severity=fail_on, rate=fail_rate, again=given("fail_on", "fail_rate"))
    raise click.exceptions.Exit(app.run(lambda: _research(app, settings, options, asked, dry_run=dry_run)))


@click.command(epilog=example("tinman resume cyc-0001 --max-calls 20000"))
@click.argument("cycle")
@_with_ceilings
@click.pass_obj
def resume(
    app: App,
    cycle: str,
    budget_usd: float | None,
    max_calls: int | None,
    max_tokens: int | None,
    timeout: float | None,
    concurrency: int | None,
    fail_on: str | None,
    fail_rate: float | None,
    json_here: bool,
) -> None:
    """Go on with CYCLE from its last stored step, with the configuration it was started with."""
    app.as_json = app.as_json or json_here
    limits = {
        "max_usd": budget_usd,
        "max_calls": max_calls,
        "max_tokens": max_tokens,
        "timeout_seconds": timeout,
        "concurrency": concurrency,
    }
    changes = {name: value for name, value in limits.items() if value is not None}
    again = given("budget_usd", "max_calls", "max_tokens", "timeout", "concurrency", "fail_on", "fail_rate")
    asked = _Asked(severity=fail_on, rate=fail_rate, again=again)
    raise click.exceptions.Exit(app.run(lambda: _resume(app, cycle, changes, asked)))


def check_production(app: App, settings: Settings, origin: str, confirmed: str | None) -> None:
    """Refuse a production run that a project file alone asked for, or whose target nobody named."""
    from tinman.errors import ModeRefused

    if origin not in {"flag", "environment"}:
        raise ModeRefused(f"mode: production stands in {origin}; say --mode production on the command line")
    name = str(settings.target.get("spec"))
    if confirmed is None and app.may_ask and app.talks and sys.stdin.isatty():
        confirmed = click.prompt(f"Production run against {name}. Type the target's name", err=True)
    if confirmed != name:
        raise ModeRefused(f"mode: a production run needs the target's name: --yes-production {shlex.quote(name)}")


def _options(settings: Settings, **more: Any) -> ResearchOptions:
    from pydantic import ValidationError

    from tinman.errors import ConfigError
    from tinman.options import ResearchOptions
    from tinman.text.invalid import first_error

    given = {name: value for name, value in settings.research.model_dump().items() if value is not None}
    try:
        return ResearchOptions(**given, **more)
    except ValidationError as error:
        raise ConfigError(f"config research.{first_error(error)}") from error


async def _project(app: App, settings: Settings, target: dict[str, Any]) -> Tinman:
    """Return the open project of these settings. Raises ``ConfigError`` and ``StoreError``."""
    from tinman.approvals.handler import ApprovalHandler, ApprovalMode
    from tinman.approvals.queue import ApprovalQueue
    from tinman.approvals.reviewers import TerminalReviewer
    from tinman.audit import AuditLog
    from tinman.config.settings import provider_keys
    from tinman.models.prices import Rate
    from tinman.targets.profile import read_profile
    from tinman.tinman import create_tinman

    tinman = await create_tinman(
        mode=settings.mode,
        target=read_profile(target),
        reasoner=settings.reasoner,
        reasoner_base_url=settings.reasoner_base_url,
        store=settings.db,
        keys=provider_keys(),
        price_overrides={name: Rate(input_usd=p.input, output_usd=p.output) for name, p in settings.prices.items()}
        or None,
        config={"reasoner": settings.reasoner, "reasoner_base_url": settings.reasoner_base_url},
    )
    db = tinman.graph.db
    interactive = app.may_ask and app.is_animated
    tinman.approval_handler = ApprovalHandler(
        ApprovalMode.INTERACTIVE if interactive else ApprovalMode.ASYNC,
        reviewer=TerminalReviewer() if interactive else None,
        queue=ApprovalQueue(db),
        audit=AuditLog(db),
        bus=tinman.bus,
    )
    return tinman


async def _research(app: App, settings: Settings, options: ResearchOptions, asked: _Asked, *, dry_run: bool) -> int:
    tinman = await _project(app, settings, dict(settings.target))
    async with tinman:
        if dry_run:
            return await _plan(app, tinman, options)
        cycle_id = await tinman.create_cycle(options)
        _announce(app, tinman, cycle_id, options)
        try:
            await tinman.preflight(cycle_id, options)
        except BaseException:
            await tinman.abandon(cycle_id)
            raise
        return await _run(app, tinman, cycle_id, options, asked)


async def _resume(app: App, cycle: str, changes: dict[str, Any], asked: _Asked) -> int:
    from dataclasses import replace

    from tinman.errors import ConfigError
    from tinman.options import options_of
    from tinman.reports.result import load_result

    async with app.graph() as graph:
        stored = await graph.cycles.get(cycle)
        if stored.kind == "loop":
            raise ConfigError(
                f"resume: {cycle} is a loop, whose tools are code; use tinman fix --resume {cycle}, or Loop.resume"
            )
        if stored.status == "completed":
            app.say(f"{cycle} is complete.")
            return _print(app, await load_result(graph, cycle), options_of(stored.config), asked)
    config = stored.config
    flags = {
        "mode": stored.mode.value,
        "reasoner": config.get("reasoner") or "playbook",
        "reasoner_base_url": config.get("reasoner_base_url"),
        "target": config["target"],
    }
    settings = app.resolve({name: value for name, value in flags.items() if value is not None}).settings
    options = replace(options_of(config), **changes)
    async with await _project(app, settings, config["target"]) as tinman:
        tinman.check_same_target(stored)
        _announce(app, tinman, cycle, options)
        return await _run(app, tinman, cycle, options, asked)


def _announce(app: App, tinman: Tinman, cycle_id: str, options: ResearchOptions) -> None:
    """Say what will run, and within which limits, before the first call."""
    from tinman import __version__

    money = "no money ceiling" if options.max_usd is None else f"{options.max_usd:.2f} USD"
    approvals = "no approvals"
    if tinman.mode.value == "production":
        approvals = "every experiment and simulation needs an approval"
    elif options.allow_destructive:
        approvals = "destructive experiments need an approval"
    app.say(f"tinman {__version__}   cycle {cycle_id}   {tinman.mode}")
    app.say()
    app.say(f"  target     {tinman.target.name}   (fingerprint {tinman.target.fingerprint})")
    app.say(f"  reasoner   {tinman.reasoner_name}{_unused_key(tinman)}")
    app.say(
        f"  limits     {options.max_hypotheses} hypotheses · {options.max_experiments} experiments ·"
        f" {options.max_interventions} interventions ·"
        f" {options.most_discovery_runs} + {options.most_simulation_runs} runs   {approvals}"
    )
    if (loops := _loops(tinman, options)) is not None:
        told = f"{loops['adversary_turns']} turns of adversaries · {loops['rule_runs']} runs to try rules"
        app.say(f"  loops      on top: at most {told}")
    app.say(
        f"  budget     {money} · {options.max_calls:,} calls · {options.max_tokens:,} tokens ·"
        f" {options.timeout_seconds / 60:.0f} min   seed {options.seed}"
    )
    app.say(f"  store      {tinman.graph.db.place}")
    if tinman.target.name.startswith("sandbox"):
        app.say("  sandbox    a bundled agent with documented weaknesses: nothing leaves this machine")
    app.say()


def _unused_key(tinman: Tinman) -> str:
    """Return how to reason with the LLM whose key is at hand; which model, and at what price, is never guessed."""
    if tinman.has_reasoner:
        return ""
    from tinman.config.settings import provider_keys

    specs = {"OPENAI_API_KEY": "openai:MODEL", "ANTHROPIC_API_KEY": "anthropic:MODEL"}
    names = [name for name in provider_keys() if name in specs]
    return f"   ({names[0]} is set: --reasoner {specs[names[0]]} uses it)" if names else ""


def _loops(tinman: Tinman, options: ResearchOptions) -> dict[str, int] | None:
    """Return what the reasoner's loops may do to the target at most, on top; ``None`` when there are none."""
    if not tinman.has_reasoner or tinman.mode.value == "production":
        return None
    from tinman.agents import adversary, experiment_architect, rule_writing

    return {
        "adversary_turns": experiment_architect.ADVERSARIES * adversary.ROUNDS,
        "rule_runs": options.max_interventions * rule_writing.ROUNDS * 2 * rule_writing.CASES,
    }


async def _plan(app: App, tinman: Tinman, options: ResearchOptions) -> int:
    """Print what a cycle would do at most; nothing is called or stored."""
    plan = {
        "target": tinman.target.name,
        "reasoner": tinman.reasoner_name,
        "screening_runs": options.max_hypotheses * 6,
        "most_runs": options.most_discovery_runs + options.most_simulation_runs,
        **{f"most_{name}": most for name, most in (_loops(tinman, options) or {}).items()},
        "most_calls": options.max_calls,
        "most_usd": options.max_usd,
        "timeout_seconds": options.timeout_seconds,
    }
    if app.as_json:
        app.document(plan)
    else:
        app.lines(f"  {name:<16} {value}" for name, value in plan.items())
    return Exit.DONE


async def _run(app: App, tinman: Tinman, cycle_id: str, options: ResearchOptions, asked: _Asked) -> int:
    """Run the cycle beside its display and its signals. First signal: launch nothing more. Second: stop at once."""
    import anyio

    from tinman.cli.display import Display

    # What is loaded by now stays to the end; walking it again and again is a tenth of a long cycle's CPU.
    gc.freeze()
    results: list[ResearchCycleResult] = []
    received: list[int] = []
    display = Display(app, cycle_id, resume=asked.resume(app, cycle_id))
    with tinman.bus.subscribe(65_536) as events:
        async with anyio.create_task_group() as group:

            async def watch_signals() -> None:
                with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                    async for number in signals:
                        received.append(number)
                        if len(received) == 1:
                            tinman.stop()
                            display.stopping()
                        else:
                            group.cancel_scope.cancel()
                            return

            async def work() -> None:
                results.append(await tinman.run_cycle(cycle_id, options))
                await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()

            group.start_soon(watch_signals)
            group.start_soon(display.follow, events)
            group.start_soon(work)
    display.close()
    if received:
        if not results or results[0].status != "completed":
            app_echo(f"Continue:  {asked.resume(app, cycle_id)}")
        return Exit.TERMINATED if received[0] == signal.SIGTERM else Exit.INTERRUPTED
    return _print(app, results[0], options, asked)


def app_echo(text: str) -> None:
    """Print a command to copy, which no display may wrap or hide."""
    click.echo(text, err=True)


_CEILINGS = {"calls": "--max-calls", "tokens": "--max-tokens", "usd": "--budget-usd"}


def _raised(ending: Ending | None, options: ResearchOptions) -> dict[str, str | None]:
    """Return the ceiling that stopped a cycle, doubled: under the same one a resume would stop at its first call."""
    now = {"calls": options.max_calls, "tokens": options.max_tokens, "usd": options.max_usd}
    ceiling = now.get(ending.limit) if ending else None
    return {} if ending is None or ceiling is None else {_CEILINGS[ending.limit]: f"{ceiling * 2}"}


def _print(app: App, result: ResearchCycleResult, options: ResearchOptions, asked: _Asked) -> int:
    """Print what a cycle came to under ``options``, and what to say next; return the exit code."""
    from tinman.reports.document import document
    from tinman.reports.lines import summary

    code = _code(result, asked)
    if app.as_json:
        app.document(document(result))
        return code
    app.lines(summary(result))
    if result.status != "completed":
        is_waiting = result.ended_as == "AWAITING_APPROVAL"
        answer = f"Answer:    {app.command('review', 'list')}\n" if is_waiting else ""
        resume = asked.resume(app, result.cycle_id, _raised(result.ending, options))
        app_echo(f"\nStopped: {result.stopped_reason}\n{answer}Continue:  {resume}")
        return code
    first = next((f for f in result.failures if f.is_confirmed), None)
    app.say("\nNext:")
    if first is not None:
        name = first.label or first.id
        app.say(f"  {app.command('failures', 'show', name, '--evidence')}")
        app.say(f"  {app.command('explain', name)}")
    app.say(f"  {app.command('report', result.cycle_id, '--format', 'md', '-o', 'report.md')}")
    return code


def _code(result: ResearchCycleResult, asked: _Asked) -> int:
    """Return the exit code: findings above the gate, a limit, an open approval, an incomplete cycle, done."""
    from tinman.taxonomy import Severity

    severity, rate = asked.severity, asked.rate
    for failure in result.failures:
        if not failure.is_confirmed:
            continue
        if severity is not None and failure.severity >= Severity(severity):
            return Exit.FOUND
        if rate is not None and failure.reproducibility >= rate:
            return Exit.FOUND
    if result.status == "paused":
        return Exit.AWAITING if result.ended_as == "AWAITING_APPROVAL" else Exit.LIMIT
    beyond = {d.id for d in result.experiments if d.not_runnable}  # what such a target cannot be given is said, no gap
    tried = [r for r in result.results if r.experiment_id not in beyond]
    incomplete = any(r.standing in {"unmeasurable", "not_run", "broken_probe"} for r in tried)
    incomplete = incomplete or bool(result.experiments and not tried)
    skipped = {d.id for d in result.experiments} - {r.experiment_id for r in result.results}
    if result.mode.value == "production" and result.experiments and not result.results:
        return Exit.DENIED
    return Exit.INCOMPLETE if incomplete or skipped else Exit.DONE
