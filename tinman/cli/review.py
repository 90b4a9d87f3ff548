"""``tinman review``: what waits for an answer, and the answer. The decision is taken in the store, once."""

from __future__ import annotations

import click

from tinman.cli.app import App, example


@click.group(epilog=example("tinman review list"))
def review() -> None:
    """List what waits for an approval; approve or deny it."""


@review.command("list", epilog=example("tinman review list"))
@click.option("--json", "json_here", is_flag=True, help="JSON lines.")
@click.pass_obj
def review_list(app: App, json_here: bool) -> None:
    """List open questions, oldest first."""

    async def work() -> None:
        from tinman.approvals.queue import ApprovalQueue
        from tinman.frozen import dump
        from tinman.text.visible import shorten

        async with app.graph() as graph:
            waiting = await ApprovalQueue(graph.db).pending()
        for each in waiting:
            if app.as_json or json_here:
                told = {"kind": each.action.kind, "what": each.action.what}
                app.document({"schema": "tinman.approval/1", **told, **dump(each)})
            else:
                asked = f"{each.action.kind} in {each.action.mode}, {each.action.tier}"
                click.echo(f"  {each.id}  {each.cycle_id}  {asked}: {shorten(each.action.what, 40)}  {each.digest}")
        if not waiting:
            app.say("Nothing waits for an answer.")

    app.run(work)


def _answer(app: App, name: str, reason: str, *, approved: bool) -> None:
    async def work() -> None:
        from tinman.approvals.queue import ApprovalQueue
        from tinman.audit import AuditLog
        from tinman.errors import ApprovalDenied

        by = "command line (unverified)"
        async with app.graph() as graph:
            queue = ApprovalQueue(graph.db)
            approval = await queue.get(name)
            if not await queue.decide(name, approval.answer(approved=approved, reason=reason, by=by)):
                now = await queue.get(name)
                raise ApprovalDenied(f"the answer to {name}", f"it is {now.status} already")
            verb = "approved" if approved else "denied"
            await AuditLog(graph.db).append(by, f"review.{verb}", {"approval": name, "reason": reason})
            cycle = await graph.cycles.find(approval.cycle_id)
        is_loop = cycle is not None and cycle.kind == "loop"
        place = graph.db.place
        following = (
            f"Loop.resume({approval.cycle_id!r}, db={place!r}, ...)"
            if is_loop
            else app.command("resume", approval.cycle_id)
        )
        if app.as_json:
            app.document({"schema": "tinman.answer/1", "approval": name, "status": verb, "cycle_id": approval.cycle_id})
        app.say(f"{verb}: {name}. Next:  {following}")

    app.run(work)


@review.command(
    "approve", epilog=example("tinman review approve approval-0123abcd --reason 'replayed, no benign loss'")
)
@click.argument("name")
@click.option("--reason", required=True, help="Kept in the audit trail.")
@click.pass_obj
def review_approve(app: App, name: str, reason: str) -> None:
    """Approve NAME; of several answers the first counts."""
    _answer(app, name, reason, approved=True)


@review.command("deny", epilog=example("tinman review deny approval-0123abcd --reason 'too broad'"))
@click.argument("name")
@click.option("--reason", required=True, help="Kept in the audit trail.")
@click.pass_obj
def review_deny(app: App, name: str, reason: str) -> None:
    """Deny NAME."""
    _answer(app, name, reason, approved=False)
