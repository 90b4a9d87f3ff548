"""``tinman research`` and ``tinman resume``: run a cycle, show it, stop it well, and exit with what it came to."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio

from tinman.cli import announce
from tinman.cli.app import App, Exit, given
from tinman.cli.display import Display
from tinman.cli.project import check_production, open_project
from tinman.cli.settings import resolve
from tinman.cli.signals import Signals
from tinman.cli.store import memory
from tinman.config.modes import Mode
from tinman.config.settings import Resolved, Settings
from tinman.errors import ConfigError
from tinman.options import ResearchOptions, options_of
from tinman.records import Ending
from tinman.reports.document import document
from tinman.reports.lines import summary
from tinman.reports.result import ResearchCycleResult, load_result
from tinman.targets.profile import from_store
from tinman.taxonomy import Severity
from tinman.text.invalid import read_as
from tinman.text.visible import shorten, visible
from tinman.tinman import Tinman, check_same_target


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What only the command line says: the gate, and the options to repeat, since no cycle stores them."""

    severity: str | None
    rate: float | None
    again: Mapping[str, str | None]

    def resume(self, app: App, cycle_id: str, raised: Mapping[str, str | None] | None = None) -> str:
        """Return the command that goes on with the cycle, with the ceilings in ``raised``."""
        return app.command("resume", cycle_id, options={**self.again, **(raised or {})})


def research(
    app: App,
    *,
    mode: str | None,
    target: str | None,
    base_url: str | None,
    focus: str,
    reasoner: str | None,
    reasoner_base_url: str | None,
    judge: str | None,
    measure: int,
    allow_destructive: bool,
    allow_overlap: bool,
    yes_production: str | None,
    no_reconnaissance: bool,
    wide: bool,
    dry_run: bool,
    fail_on: str | None,
    fail_rate: float | None,
    **limits: float | None,
) -> int:
    """Run a cycle within ``limits`` (fields of ``ResearchOptions``) and return the exit code it came to.

    Raises ``ConfigError``, ``ModeRefused``, ``StoreError`` and, before the first run, ``ProviderError``.
    """
    flags = {
        "mode": mode,
        "reasoner": reasoner,
        "reasoner_base_url": reasoner_base_url,
        "judge": judge,
        "target": _said({"spec": target, "base_url": base_url}) or None,
        "research": _said({**limits, "reconnaissance": False if no_reconnaissance else None, "wide": wide or None})
        or None,
    }
    resolved = resolve(app, _said(flags))
    settings = resolved.settings
    if not resolved.names_target:
        _take_demo(app, resolved)
    if settings.mode is Mode.PRODUCTION:
        check_production(app, settings, resolved.origin("mode"), yes_production)
    options = _options(
        settings, focus=focus, measure=measure, allow_destructive=allow_destructive, allow_overlap=allow_overlap
    )
    asked = _Asked(severity=fail_on, rate=fail_rate, again=given("fail_on", "fail_rate"))
    return anyio.run(_research, app, settings, options, asked, dry_run)


def _take_demo(app: App, resolved: Resolved) -> None:
    """Say that the sandbox is researched as a demo. Raises ``ConfigError`` where somebody meant a target of theirs."""
    about = [f"{origin}: {key}" for key, origin in resolved.origins.items() if key.startswith("target.")]
    if resolved.file is not None or about:
        place = f"config {resolved.file}" if resolved.file is not None else about[0]
        raise ConfigError(
            f"{place}: names no target; write spec under [target], or give --target (--target sandbox is the demo)"
        )
    app.say("Demo: no target was named, so this is the bundled sandbox; give --target for a system of your own.")


async def _research(app: App, settings: Settings, options: ResearchOptions, asked: _Asked, dry_run: bool) -> int:
    async with await open_project(app, settings, settings.target) as tinman:
        if dry_run:
            announce.plan(app, tinman, options)
            return Exit.DONE
        cycle_id = await tinman.create_cycle(options)
        try:
            await tinman.check_free(cycle_id, options)
            announce.announce(app, tinman, cycle_id, options)
            for note in await tinman.preflight(cycle_id, options):
                app.say(f"Target: {visible(note, keep_newlines=False)}")
            return await _run(app, tinman, cycle_id, options, asked)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await tinman.graph.cycles.forget(cycle_id)  # unless it has begun something
            raise


async def resume(
    app: App,
    *,
    cycle: str,
    fail_on: str | None,
    fail_rate: float | None,
    allow_overlap: bool,
    **limits: float | None,
) -> int:
    """Go on with a cycle, with the configuration it was started with but for ``limits``; return the exit code.

    Raises what ``research`` does, and ``NotFound``.
    """
    asked = _Asked(severity=fail_on, rate=fail_rate, again=given(*limits, "fail_on", "fail_rate"))
    async with memory(app) as graph:
        stored = await graph.cycles.get(cycle)
        if stored.kind == "loop":
            raise ConfigError(
                f"resume: {cycle} is a loop, whose tools are code; use tinman fix --resume {cycle}, or Loop.resume"
            )
        if stored.status == "completed":
            app.say(f"{cycle} is complete.")
            return _print(app, await load_result(graph, cycle), options_of(stored.config), asked)
    config = {**stored.config, "target": from_store(stored.config["target"], resolve(app).settings.target)}
    flags = {
        "mode": stored.mode.value,
        "reasoner": config.get("reasoner") or "playbook",
        "reasoner_base_url": config.get("reasoner_base_url"),
        "judge": config.get("judge") or "",
        "target": config["target"],
    }
    settings = resolve(app, _said(flags)).settings
    changes: dict[str, Any] = _said(limits)
    options = replace(options_of(config), **changes, allow_overlap=allow_overlap)
    async with await open_project(app, settings, config["target"]) as tinman:
        check_same_target(tinman.target, stored)
        await tinman.check_free(cycle, options)
        announce.announce(app, tinman, cycle, options)
        await tinman.preflight(cycle, options)
        return await _run(app, tinman, cycle, options, asked)


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _options(settings: Settings, **more: Any) -> ResearchOptions:
    values = {**_said(settings.research.model_dump()), **more}
    return read_as(ResearchOptions, values, lambda wrong: ConfigError(f"config research.{wrong}"))


async def _run(app: App, tinman: Tinman, cycle_id: str, options: ResearchOptions, asked: _Asked) -> int:
    """Run the cycle beside its display and its signals. First signal: launch nothing more. Second: stop at once."""
    # What is loaded by now stays to the end; walking it again and again is a tenth of a long cycle's CPU.
    gc.freeze()
    results: list[ResearchCycleResult] = []
    display = Display(app, cycle_id, resume=asked.resume(app, cycle_id))

    def stop() -> None:
        tinman.stop()
        display.stopping()

    with tinman.bus.subscribe(65_536) as events:
        async with anyio.create_task_group() as group:
            signals = Signals(stop, group.cancel_scope.cancel)

            async def work() -> None:
                results.append(await tinman.run_cycle(cycle_id, options))
                await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()

            group.start_soon(signals.watch)
            group.start_soon(display.follow, events)
            group.start_soon(work)
    display.close()
    if signals.exit_code:
        if not results or results[0].status != "completed":
            app.tell(f"Continue:  {asked.resume(app, cycle_id)}")
        return signals.exit_code
    return _print(app, results[0], options, asked)


_CEILINGS = {"calls": "--max-calls", "tokens": "--max-tokens", "usd": "--budget-usd"}


def _raised(ending: Ending | None, options: ResearchOptions) -> dict[str, str | None]:
    """Return the ceiling that stopped a cycle, doubled: under the same one a resume would stop at its first call."""
    now = {"calls": options.max_calls, "tokens": options.max_tokens, "usd": options.max_usd}
    ceiling = now.get(ending.limit) if ending else None
    return {} if ending is None or ceiling is None else {_CEILINGS[ending.limit]: f"{ceiling * 2}"}


def _print(app: App, result: ResearchCycleResult, options: ResearchOptions, asked: _Asked) -> int:
    """Print what a cycle came to under ``options``, and what to say next; return the exit code."""
    gate = _gate(result, asked)
    code = Exit.FOUND if gate else _code(result)
    if app.as_json:
        app.document({**document(result), "gate": gate})
        return code
    app.lines(summary(result))
    if gate:
        app.tell(f"\nGate: {gate} (exit {code})")
    if result.status != "completed":
        is_waiting = result.ended_as == "AWAITING_APPROVAL"
        answer = f"Answer:    {app.command('review', 'list')}\n" if is_waiting else ""
        resume = asked.resume(app, result.cycle_id, _raised(result.ending, options))
        app.tell(f"\nStopped: {shorten(result.stopped_reason, 600)}\n{answer}Continue:  {resume}")
        return code
    first = next((f for f in result.failures if f.is_confirmed), None)
    app.say("\nNext:")
    if first is not None:
        name = first.label or first.id
        app.say(f"  {app.command('failures', 'show', name, '--evidence')}")
        app.say(f"  {app.command('explain', name)}")
    app.say(f"  {app.command('report', result.cycle_id, '--format', 'md', '-o', 'report.md')}")
    return code


def _gate(result: ResearchCycleResult, asked: _Asked) -> str:
    """Return which gate a finding did not pass, and which finding; empty when all passed, or none was set."""
    for failure in result.failures:
        if not failure.is_confirmed:
            continue
        name, rate = failure.label or failure.id, failure.reproducibility
        if asked.severity is not None and failure.severity >= Severity(asked.severity):
            return f"{name} is {failure.severity}, --fail-on {asked.severity}"
        if asked.rate is not None and rate >= asked.rate:
            return f"{name} happens in {rate:.0%} of its cases, --fail-rate {asked.rate:g}"
    return ""


def _code(result: ResearchCycleResult) -> int:
    """Return the exit code below the gate: a limit, an open approval, an incomplete cycle, done."""
    if result.status == "paused":
        return Exit.AWAITING if result.ended_as == "AWAITING_APPROVAL" else Exit.LIMIT
    beyond = {d.id for d in result.experiments if d.not_runnable}  # what such a target cannot be given is said, no gap
    tried = [r for r in result.results if r.experiment_id not in beyond]
    incomplete = any(r.standing in {"unmeasurable", "not_run", "broken_probe"} for r in tried)
    incomplete = incomplete or bool(result.experiments and not tried)
    # What runs were left for beyond what was asked for is a gift.
    skipped = {d.id for d in result.experiments if d.wave == 1} - {r.experiment_id for r in result.results}
    if result.mode.value == "production" and result.experiments and not result.results:
        return Exit.DENIED
    return Exit.INCOMPLETE if incomplete or skipped else Exit.DONE
