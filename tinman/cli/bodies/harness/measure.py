"""``tinman scenarios run`` and ``confirm``, an attempt at a target, and ``diff``, two of them compared.

Exit codes 0, 1, 2, 3, by what was measured.
"""

from __future__ import annotations

import select
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import click

from tinman import clock
from tinman.cli.app import App, Exit
from tinman.cli.project import check_production, open_target
from tinman.cli.settings import resolve
from tinman.cli.signals import Signals
from tinman.cli.store import expect, memory
from tinman.config.modes import Mode, allows_destructive
from tinman.config.settings import provider_keys
from tinman.errors import DefinitionError, ModeRefused, TinmanError
from tinman.frozen import dump
from tinman.harness.attempt import Asked, Ended, attempt
from tinman.harness.measurement import Plan
from tinman.harness.repeats import read_gate
from tinman.harness.reports.artifacts import read_artifact
from tinman.harness.reports.compare import differences, newly_failing, page, unlike
from tinman.judging.rubric import ReasonerReferee
from tinman.models.load import load_model
from tinman.patches.apply import apply
from tinman.patches.kinds import patch_digest
from tinman.records import Intervention
from tinman.scenarios.files import write_text
from tinman.scenarios.run import Referee
from tinman.targets.base import Target
from tinman.text.visible import shorten, visible


def measure(
    app: App,
    *,
    target: str,
    adapter: str,
    user_id: str,
    allows_destructive: bool,
    gate: str,
    repeat: int | None,
    seed: int,
    concurrency: int,
    turn_timeout: float,
    yes_production: str | None,
    judge: str,
    intervention: str,
    non_interactive: bool,
    **more: Any,
) -> int:
    """Make one attempt of the kind that the command is called, and print it; ``more`` are fields of ``Asked``."""
    kind: Any = click.get_current_context().info_name
    if bool(adapter) is bool(target):
        raise click.UsageError("give exactly one of --adapter and --target")
    if adapter and not user_id.strip():
        raise click.UsageError("--user-id is missing: an adapter needs to know who speaks")
    try:
        needed = read_gate(gate) if gate else None
    except DefinitionError as error:
        raise click.UsageError(str(error)) from error
    plan = Plan(
        user=user_id.strip() or "tinman",
        seed=seed,
        concurrency=concurrency,
        repeat=repeat,
        gate=needed,
        turn_timeout_seconds=turn_timeout,
    )
    asked = Asked(kind=kind, adapter=adapter, allows_destructive=allows_destructive, plan=plan, **more)
    _check_mode(app, asked, target or adapter, yes_production)
    ask = _asker(app, non_interactive=non_interactive)
    ended = anyio.run(_stoppable, partial(_attempt, app, asked, target, judge, intervention, ask))
    if isinstance(ended, int):
        app.tell(f"Stopped. What was measured, if anything was, is in {asked.report_dir}.")
        return ended
    _print(app, asked.kind, ended)
    return ended.code


async def _stoppable(work: Callable[[], Awaitable[Ended]]) -> Ended | int:
    """Return what came of ``work``, or the exit code of the signal that stopped it."""
    found: list[Ended | TinmanError] = []
    async with anyio.create_task_group() as group:
        signals = Signals(group.cancel_scope.cancel)
        group.start_soon(signals.watch)
        try:
            found.append(await work())
        except TinmanError as error:
            found.append(error)  # raised again outside: what leaves a task group comes wrapped
        group.cancel_scope.cancel()
    if signals.exit_code:
        return signals.exit_code
    if isinstance(found[0], TinmanError):
        raise found[0]
    return found[0]


def _print(app: App, kind: str, ended: Ended) -> None:
    trials = ended.measurement.trials if ended.measurement else ()
    app.answer(
        {
            "schema": "tinman.scenarios/1",
            "kind": kind,
            "exit_code": ended.code,
            "report": str(ended.report),
            "scenarios": [
                {"scenario_id": t.scenario_id, "passed": t.passed, "runs": len(t.runs), "successes": t.successes,
                 "flaky": t.is_flaky, "interval": dump(t.interval)}
                for t in trials
            ],
            "problems": list(ended.err) if ended.code == Exit.USAGE else [],
        },
        *ended.out,
    )  # fmt: skip
    for line in ended.err if not app.as_json else ():
        app.tell(line)


def _asker(app: App, *, non_interactive: bool) -> Callable[[str], str] | None:
    """Return how to ask a person, or ``None`` when there is none: both ends have to be a terminal."""
    if non_interactive or not (app.may_ask and sys.stdin.isatty() and sys.stdout.isatty()):
        return None

    def ask(question: str) -> str:
        click.echo(visible(question), err=True, nl=False)
        # Asked in a thread that may be left behind: it must not hold the input's lock while nothing is typed.
        while not select.select([sys.stdin], [], [], 0.2)[0]:
            pass
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    return ask


def _check_mode(app: App, asked: Asked, spec: str, confirmed: str | None) -> None:
    """Raise ``ModeRefused`` for what the operating mode does not allow.

    Destructive scenarios belong in the lab. In production there is no trying out: only a confirm of a target whose name
    somebody has typed.
    """
    resolved = resolve(app, {"target": {"spec": spec}})
    mode = resolved.settings.mode
    if asked.allows_destructive and not allows_destructive(mode, opted_in=True):
        raise ModeRefused(
            f"mode: destructive scenarios run in the lab, and this is {mode}; leave --allow-destructive out"
        )
    if mode is Mode.PRODUCTION:
        if asked.kind == "run":
            raise ModeRefused("mode: in production scenarios are only confirmed; run them in lab or shadow")
        check_production(app, resolved.settings, resolved.origin("mode"), confirmed)


async def _attempt(
    app: App, asked: Asked, target: str, judge: str, intervention: str, ask: Callable[[str], str] | None
) -> Ended:
    async with AsyncExitStack() as stack:
        subject = await stack.enter_async_context(open_target(app, target)) if target else None
        referee = await stack.enter_async_context(_referee(app, judge)) if judge else None
        dress = None
        if intervention:
            dress, patch = await _dress(app, intervention)
            asked = replace(asked, intervention=patch)
        ended = await attempt(asked, target=subject, ask=ask, dress=dress, referee=referee)
        if intervention and asked.kind == "confirm" and ended.measurement is not None:
            await _remember(app, intervention, ended)
        return ended


async def _remember(app: App, intervention: str, ended: Ended) -> None:
    """Store a confirmation of a fix beside it, with the report it is written in."""
    assert ended.report is not None
    metadata = read_artifact(ended.report)["metadata"]
    told = {name: metadata.get(name) for name in ("confirmation_status", "binding", "adapter_path")}
    node_id = clock.derive_id("confirmation", ended.report.name, metadata.get("binding"))
    async with memory(app) as graph:
        node = await graph.get(intervention)
        await graph.note("confirmation", node_id, {**told, "report": str(ended.report), "exit_code": ended.code})
        await graph.link(node.id, "confirmed_by", node_id)


@asynccontextmanager
async def _referee(app: App, name: str) -> AsyncIterator[Referee]:
    model = load_model(name, base_url=resolve(app).settings.reasoner_base_url, keys=provider_keys())
    try:
        yield ReasonerReferee.of(model)
    finally:
        await model.aclose()


async def _dress(app: App, name: str) -> tuple[Callable[[Target], Target], str]:
    """Return how to put the stored fix ``name`` around a target, and the digest of its patch. Raises ``NotFound``."""
    async with memory(app) as graph:
        node = await graph.get(name)
    patch = expect(node, Intervention, "an intervention").payload
    return (lambda target: apply(target, patch)), patch_digest(patch)


def diff(app: App, before: str, after: str, output: str | None, force: bool) -> int:
    """Compare two reports; return 1 when something fails that did not. Raises ``DefinitionError`` for unlike ones."""
    old, new = read_artifact(Path(before)), read_artifact(Path(after))
    told = unlike(old, new)
    if told and not force:
        raise DefinitionError(f"diff: the reports differ in {', '.join(told)}; --force compares them all the same")
    found = differences(old, new)
    worse = newly_failing(found)
    if output:
        try:
            write_text(Path(output), page(old, new, names=(before, after)), mode=0o600)
        except OSError as error:
            raise DefinitionError(f"diff {output}: cannot be written: {error.strerror or error}") from error
    changes = [{"scenario_id": one.scenario_id, "change": one.change} for one in found]
    app.answer(
        {"schema": "tinman.scenario-diff/1", "changes": changes, "newly_failing": worse},
        *(f"  {one.change:<14} {shorten(one.scenario_id, 80)}" for one in found if one.change != "still passing"),
        f"{len(worse)} newly failing, {sum(one.change == 'cured' for one in found)} cured",
    )
    return Exit.INTERNAL if worse else Exit.DONE
