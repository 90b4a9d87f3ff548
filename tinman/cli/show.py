"""Commands that read what is stored: cycles, loops, failures, interventions, explain, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import click

from tinman.cli.app import App, example
from tinman.cli.research import duration

if TYPE_CHECKING:
    from tinman.memory.nodes import Node
    from tinman.records import DiscoveredFailure


@click.group(epilog=example("tinman cycles list"))
def cycles() -> None:
    """List, show, compare and cancel research cycles."""


@cycles.command("list", epilog=example("tinman cycles list"))
@click.option("--json", "json_here", is_flag=True, help="JSON lines.")
@click.pass_obj
def cycles_list(app: App, json_here: bool) -> None:
    """List cycles, newest first."""

    async def work() -> None:
        async with app.graph() as graph:
            for cycle in await graph.cycles.newest():
                if app.as_json or json_here:
                    app.document(
                        {
                            "schema": "tinman.cycle-line/1",
                            "cycle_id": cycle.id,
                            "mode": cycle.mode.value,
                            "target": cycle.target,
                            "status": cycle.status,
                            "phase": cycle.phase,
                            "stopped_reason": cycle.ending.reason if cycle.ending else "",
                            "created_at": cycle.created_at.isoformat(),
                        }
                    )
                else:
                    when = cycle.created_at.strftime("%Y-%m-%d %H:%M")
                    click.echo(f"  {cycle.id}  {when}  {cycle.mode:<10} {cycle.status:<9} {_short(cycle.target, 30)}")

    app.run(work)


@cycles.command("show", epilog=example("tinman cycles show cyc-0001"))
@click.argument("cycle")
@click.option("--json", "json_here", is_flag=True, help="The whole document.")
@click.pass_obj
def cycles_show(app: App, cycle: str, json_here: bool) -> None:
    """Show what CYCLE found."""

    async def work() -> None:
        from tinman.reports.document import document
        from tinman.reports.lines import summary
        from tinman.reports.result import load_result

        async with app.graph() as graph:
            result = await load_result(graph, cycle)
        if app.as_json or json_here:
            app.document(document(result))
        else:
            app.lines(summary(result))

    app.run(work)


@cycles.command("compare", epilog=example("tinman cycles compare cyc-0001 cyc-0002"))
@click.argument("before")
@click.argument("after")
@click.option("--json", "json_here", is_flag=True, help="One JSON document.")
@click.pass_obj
def cycles_compare(app: App, before: str, after: str, json_here: bool) -> None:
    """Say which failures are new, gone or still there from one cycle to another."""

    async def work() -> None:
        from tinman.reports.document import failure_data
        from tinman.reports.lines import findings
        from tinman.reports.result import load_result

        async with app.graph() as graph:
            old, new = await load_result(graph, before), await load_result(graph, after)
        known = {(f.primary_class, f.secondary_class) for f in old.validated}
        now = {(f.primary_class, f.secondary_class) for f in new.validated}
        compared = {
            "new": [f for f in new.validated if (f.primary_class, f.secondary_class) not in known],
            "still there": [f for f in new.validated if (f.primary_class, f.secondary_class) in known],
            "not validated again": [f for f in old.validated if (f.primary_class, f.secondary_class) not in now],
        }
        if app.as_json or json_here:
            lists = {title.replace(" ", "_"): [failure_data(f) for f in shown] for title, shown in compared.items()}
            app.document({"schema": "tinman.comparison/1", "before": before, "after": after, **lists})
            return
        for title, shown in compared.items():
            app.lines([f"{title}: {len(shown)}", *(findings(shown) if shown else [])])

    app.run(work)


@cycles.command("cancel", epilog=example("tinman cycles cancel cyc-0001"))
@click.argument("cycle")
@click.option("--json", "json_here", is_flag=True, help="One JSON document.")
@click.pass_obj
def cycles_cancel(app: App, cycle: str, json_here: bool) -> None:
    """Give up CYCLE, paused or abandoned; what it found stays. Refused while a process runs it."""

    async def work() -> None:
        from tinman.audit import AuditLog
        from tinman.records import Ending
        from tinman.runtime import JournalRuntime

        by = "command line (unverified)"
        async with app.graph() as graph:
            if (await graph.cycles.get(cycle)).kind == "loop":
                raise click.UsageError(f"{cycle} is a loop, no cycle; nothing but its process runs it: stop that one")
            async with JournalRuntime(graph, cycle):  # under its lease: nobody goes on meanwhile
                before = (await graph.cycles.get(cycle)).status
                if before in {"completed", "cancelled"}:
                    raise click.UsageError(
                        f"cycle {cycle} is {before} already; only one that is not done can be cancelled"
                    )
                await graph.cycles.update(
                    cycle, status="cancelled", ending=Ending(kind="CANCELLED", reason="cancelled on the command line")
                )
                await AuditLog(graph.db).append(by, "cycle.cancelled", {"cycle": cycle, "was": before})
        if app.as_json or json_here:
            app.document({"schema": "tinman.cancellation/1", "cycle_id": cycle, "was": before, "status": "cancelled"})
        else:
            app.say(f"cancelled: {cycle}; what it found stays")

    app.run(work)


@click.group(epilog=example("tinman loops list"))
def loops() -> None:
    """List loops that run by themselves."""


@loops.command("list", epilog=example("tinman loops list --json"))
@click.option("--json", "json_here", is_flag=True, help="JSON lines.")
@click.pass_obj
def loops_list(app: App, json_here: bool) -> None:
    """List loops, newest first; `tinman explain LOOP` says why one stopped."""

    async def work() -> None:
        async with app.graph() as graph:
            found = await graph.cycles.newest("loop")
        for loop in found:
            ended = loop.ending.kind if loop.ending else "RUNNING"
            goal = str(loop.config.get("goal", ""))
            if app.as_json or json_here:
                app.document(
                    {
                        "schema": "tinman.loop-line/1",
                        "loop_id": loop.id,
                        "mode": loop.mode.value,
                        "status": ended,
                        "reason": loop.ending.reason if loop.ending else "",
                        "goal": goal,
                        "created_at": loop.created_at.isoformat(),
                    }
                )
            else:
                when = loop.created_at.strftime("%Y-%m-%d %H:%M")
                click.echo(f"  {loop.id}  {when}  {ended:<17} {_short(goal, 30)}")
        if not found:
            app.say("No loop has run by itself.")

    app.run(work)


@click.group(epilog=example("tinman failures list --severity S3"))
def failures() -> None:
    """List, show and export what was found."""


async def _failures(
    app: App,
    cycle: str | None,
    failure_class: str | None,
    severity: str | None,
    since: float | None,
    *,
    suspected: bool,
    novel: bool,
) -> list[DiscoveredFailure]:
    from datetime import timedelta

    from tinman import clock
    from tinman.records import DiscoveredFailure
    from tinman.taxonomy import FailureClass, Severity

    earliest = None if since is None else clock.now() - timedelta(seconds=since)
    async with app.graph() as graph:
        nodes = await graph.find(kind="failure_mode", cycle_id=cycle, since=earliest)
    found = [node.record for node in nodes if isinstance(node.record, DiscoveredFailure)]
    kept = [
        f
        for f in found
        if (suspected or f.is_confirmed)
        and (failure_class is None or f.primary_class is FailureClass(failure_class))
        and (severity is None or f.severity >= Severity(severity))
        and (not novel or f.is_novel)
    ]
    return sorted(kept, key=lambda f: int(f.label.rpartition("-")[2] or 0) if f.label else 0)


_filters = [
    click.option("--cycle", help="Only of this cycle."),
    click.option("--class", "failure_class", help="Only of this class, such as TOOL_USE."),
    click.option("--severity", type=click.Choice(["S0", "S1", "S2", "S3", "S4"]), help="This severity or above."),
    click.option("--since", callback=duration, help="Only those found in this time until now, such as 2h, 7d."),
    click.option("--suspected", is_flag=True, help="Those not confirmed, too."),
    click.option("--novel", is_flag=True, help="Only those not known from earlier cycles."),
]


def _filtered(command: Any) -> Any:
    for option in reversed(_filters):
        command = option(command)
    return command


@failures.command("list", epilog=example("tinman failures list --severity S3 --since 7d"))
@_filtered
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table")
@click.option("--json", "json_here", is_flag=True, help="JSON lines.")
@click.pass_obj
def failures_list(
    app: App,
    cycle: str | None,
    failure_class: str | None,
    severity: str | None,
    since: float | None,
    suspected: bool,
    novel: bool,
    form: str,
    json_here: bool,
) -> None:
    """List failures."""
    _print_failures(
        app, cycle, failure_class, severity, since, suspected, novel, "json" if json_here or app.as_json else form
    )


@failures.command("export", epilog=example("tinman failures export --format csv > failures.csv"))
@_filtered
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json")
@click.pass_obj
def failures_export(
    app: App,
    cycle: str | None,
    failure_class: str | None,
    severity: str | None,
    since: float | None,
    suspected: bool,
    novel: bool,
    form: str,
) -> None:
    """Write failures as JSON lines or CSV to standard output."""
    _print_failures(app, cycle, failure_class, severity, since, suspected, novel, form)


def _print_failures(
    app: App,
    cycle: str | None,
    failure_class: str | None,
    severity: str | None,
    since: float | None,
    suspected: bool,
    novel: bool,
    form: str,
) -> None:
    from tinman.errors import ConfigError
    from tinman.reports.document import failure_data
    from tinman.reports.lines import findings
    from tinman.taxonomy import FailureClass

    if failure_class is not None and failure_class.upper() not in FailureClass.__members__:
        raise ConfigError(f"--class: there is no {failure_class!r}; use one of {', '.join(FailureClass)}")

    async def work() -> None:
        found = await _failures(app, cycle, failure_class, severity, since, suspected=suspected, novel=novel)
        if form == "json":
            for failure in found:
                app.document(failure_data(failure))
        elif form == "csv":
            app.lines(_csv(found))
        else:
            app.lines(findings(found) if found else ["  none; add --suspected for those not confirmed"])

    app.run(work)


def _csv(found: list[DiscoveredFailure]) -> list[str]:
    import csv
    import io

    from tinman.text.visible import visible

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "label", "primary_class", "secondary_class", "severity", "standing", "rate", "description"])
    for f in found:
        row = [f.id, f.label, f.primary_class, f.secondary_class or "", f.severity, f.standing, f.reproducibility]
        text = visible(f.description, keep_newlines=False)
        writer.writerow([*row, f"'{text}" if text.startswith(("=", "+", "-", "@")) else text])
    return out.getvalue().splitlines()


@failures.command("show", epilog=example("tinman failures show F-1 --evidence"))
@click.argument("name")
@click.option("--evidence", is_flag=True, help="With the runs it rests on.")
@click.option("--json", "json_here", is_flag=True, help="The record.")
@click.pass_obj
def failures_show(app: App, name: str, evidence: bool, json_here: bool) -> None:
    """Show failure NAME (a label such as F-9, or an id)."""

    async def work() -> None:
        from tinman.records import DiscoveredFailure, Run
        from tinman.reports.document import failure_data
        from tinman.reports.explain import explain as explained
        from tinman.scenarios.transcript import transcript_of
        from tinman.text.visible import visible

        async with app.graph() as graph:
            node = await graph.get(name)
            record = _expect(node, DiscoveredFailure, "a failure")
            if app.as_json or json_here:
                app.document(failure_data(record))
                return
            app.lines(await explained(graph, node.id))
            if evidence:
                for run in (await graph.nodes(record.run_ids)).values():
                    if isinstance(run.record, Run):
                        app.lines(["", f"{run.id}  {run.record.scenario_id}", visible(transcript_of(run.record.turns))])

    app.run(work)


@failures.command("transcript", epilog=example("tinman failures transcript run-0123abcd"))
@click.argument("run")
@click.option("--json", "json_here", is_flag=True, help="The run as one JSON document.")
@click.pass_obj
def failures_transcript(app: App, run: str, json_here: bool) -> None:
    """Print the transcript of RUN, recorded and untrusted."""

    async def work() -> None:
        from tinman.records import Run, to_data
        from tinman.scenarios.transcript import transcript_of
        from tinman.text.visible import visible

        async with app.graph() as graph:
            record = _expect(await graph.get(run), Run, "a run")
        if app.as_json or json_here:
            app.document({"schema": "tinman.run/1", **to_data(record)})
        else:
            click.echo(visible(transcript_of(record.turns)))

    app.run(work)


@click.group(epilog=example("tinman interventions list --cycle cyc-0001"))
def interventions() -> None:
    """List and show proposed fixes."""


@interventions.command("list", epilog=example("tinman interventions list --cycle cyc-0001"))
@click.option("--cycle", help="Only of this cycle.")
@click.option("--json", "json_here", is_flag=True, help="JSON lines.")
@click.pass_obj
def interventions_list(app: App, cycle: str | None, json_here: bool) -> None:
    """List fixes with what their simulation showed."""

    async def work() -> None:
        from tinman.records import DiscoveredFailure, Intervention, SimulationResult, to_data
        from tinman.reports.lines import fixes

        async with app.graph() as graph:
            found = [n.record for n in await graph.find(kind="intervention", cycle_id=cycle)]
            simulated = [n.record for n in await graph.find(kind="simulation", cycle_id=cycle)]
            failed = [n.record for n in await graph.find(kind="failure_mode", cycle_id=cycle)]
        proposed = sorted((r for r in found if isinstance(r, Intervention)), key=lambda r: (len(r.label), r.label))
        if app.as_json or json_here:
            for each in proposed:
                app.document({"schema": "tinman.intervention/1", **to_data(each)})
            return
        sims = [r for r in simulated if isinstance(r, SimulationResult)]
        app.lines(fixes(proposed, sims, [r for r in failed if isinstance(r, DiscoveredFailure)]))

    app.run(work)


@interventions.command("show", epilog=example("tinman interventions show INT-1"))
@click.argument("name")
@click.option("--json", "json_here", is_flag=True, help="The record.")
@click.pass_obj
def interventions_show(app: App, name: str, json_here: bool) -> None:
    """Show fix NAME: the patch itself, its risk, its proof."""

    async def work() -> None:
        import json

        from tinman.frozen import dump
        from tinman.records import Intervention, to_data
        from tinman.reports.explain import explain as explained
        from tinman.text.visible import visible

        async with app.graph() as graph:
            node = await graph.get(name)
            record = _expect(node, Intervention, "an intervention")
            if app.as_json or json_here:
                app.document({"schema": "tinman.intervention/1", **to_data(record)})
                return
            app.lines(await explained(graph, node.id))
            app.lines(["  patch:", visible(json.dumps(dump(record.payload), indent=2, ensure_ascii=False))])

    app.run(work)


@click.command(epilog=example("tinman explain F-1"))
@click.argument("name")
@click.option(
    "--graph",
    "drawing",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the lineage of NAME here: .graphml, or .json (node-link).",
)
@click.option("--json", "json_here", is_flag=True, help="One JSON document.")
@click.pass_obj
def explain(app: App, name: str, drawing: Path | None, json_here: bool) -> None:
    """Say why: why NAME is a finding, why a fix is (not) recommended, why a cycle or a loop stopped.

    NAME is a label, an id, a cycle, a loop by itself (loop-...) or one inside a cycle, as `tinman explain CYCLE` lists
    them (CYCLE/rule/failure-...).
    """
    form = drawing.suffix if drawing is not None else ".json"
    if form not in {".graphml", ".json"}:
        raise click.UsageError(f"--graph {drawing}: end the name in .graphml or .json")

    async def work() -> None:
        from tinman.memory import lineage
        from tinman.reports.explain import explain as explained

        async with app.graph() as graph:
            found = await explained(graph, name)
            if drawing is not None:
                text = lineage.to_text(await lineage.of(graph, name), "json" if form == ".json" else "graphml")
                await _write(drawing, text, "explain")
        if app.as_json or json_here:
            app.document({"schema": "tinman.explanation/1", "name": name, "lines": found})
        else:
            app.lines(found)

    app.run(work)


@click.command(epilog=example("tinman report cyc-0001 --format md -o report.md"))
@click.argument("cycle", required=False)
@click.option("--format", "form", type=click.Choice(["md", "json"]), default="md")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of standard output."
)
@click.pass_obj
def report(app: App, cycle: str | None, form: str, output: Path | None) -> None:
    """Write the report of CYCLE (the newest when none is named)."""

    async def work() -> None:
        import json

        from tinman.errors import NotFound
        from tinman.reports.document import document
        from tinman.reports.markdown import report as markdown_report
        from tinman.reports.result import load_result

        async with app.graph() as graph:
            newest = [] if cycle else await graph.cycles.newest(limit=1)
            if cycle is None and not newest:
                raise NotFound("report: there is no cycle yet; run `tinman research`")
            result = await load_result(graph, cycle or newest[0].id)
        as_json = form == "json" or app.as_json
        text = json.dumps(document(result), ensure_ascii=False, indent=2) if as_json else markdown_report(result)
        if output is None:
            click.echo(text)
            return
        await _write(output, text, "report")
        app.say(f"Wrote {output}")

    app.run(work)


def _expect(node: Node, wanted: type[Any], what: str) -> Any:
    from tinman.errors import NotFound

    if not isinstance(node.record, wanted):
        raise NotFound(f"{node.label or node.id} is a {node.kind}, not {what}")
    return node.record


def _short(text: str, width: int) -> str:
    from tinman.text.visible import shorten

    return shorten(text, width)


async def _write(path: Path, text: str, command: str) -> None:
    from tinman.errors import StoreError

    try:
        await anyio.Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{command}: cannot write {path}: {error.strerror}; choose another place") from error
