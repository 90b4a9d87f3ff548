"""``tinman review``: what waits for an answer, and the answer. The decision is taken in the store, once."""

from __future__ import annotations

from tinman.approvals.queue import ApprovalQueue
from tinman.cli.app import UNVERIFIED, App
from tinman.cli.store import memory
from tinman.config.settings import flat
from tinman.errors import ApprovalDenied
from tinman.frozen import dump
from tinman.text.visible import shorten, visible


async def list_(app: App) -> None:
    """List open questions, oldest first."""
    async with memory(app) as graph:
        waiting = await ApprovalQueue(graph.db).pending()
    app.listing(
        waiting,
        lambda one: {"schema": "tinman.approval/1", "kind": one.action.kind, "what": one.action.what, **dump(one)},
        lambda one: (
            f"  {shorten(one.id, 40)}  {shorten(one.cycle_id, 40)}  {one.action.kind} in {one.action.mode},"
            f" {one.action.tier}: {shorten(one.action.what, 40)}  {one.digest}"
        ),
        none="Nothing waits for an answer.",
    )


async def show(app: App, name: str) -> None:
    """Show one question whole: exactly what would be approved, under which digest, until when. Raises ``NotFound``."""
    async with memory(app) as graph:
        one = await ApprovalQueue(graph.db).get(name)
    action = one.action
    figures = flat(dump(action.details))
    app.answer(
        {"schema": "tinman.approval/1", "kind": action.kind, "what": action.what, **dump(one)},
        f"  {one.id}   {one.status}",
        f"  {'what':<12} {visible(action.what)}",
        f"  {'kind':<12} {action.kind}, in {action.mode}, tier {action.tier}",
        f"  {'cycle':<12} {one.cycle_id}",
        *(
            f"  {visible(key):<12} {visible(str(value))}"
            for key, value in figures.items()
            if value not in (None, "", [])
        ),
        f"  {'digest':<12} {one.digest}   (an answer counts for exactly this)",
        f"  {'asked':<12} {one.created_at:%Y-%m-%d %H:%M} UTC",
        f"  {'until':<12} {one.expires_at:%Y-%m-%d %H:%M} UTC; after that it is a no",
        *([f"  {'answered':<12} {visible(one.decided_by)}: {visible(one.reason)}"] if one.decided_at else []),
        said=f"Answer:  {app.command('review', 'approve', name, '--reason', '...')}" if one.status == "pending" else "",
    )


async def approve(app: App, name: str, reason: str) -> None:
    """Approve; of several answers the first counts. Raises ``NotFound``, ``ApprovalDenied``."""
    await _answer(app, name, reason, approved=True)


async def deny(app: App, name: str, reason: str) -> None:
    """Deny; of several answers the first counts. Raises ``NotFound``, ``ApprovalDenied``."""
    await _answer(app, name, reason, approved=False)


async def _answer(app: App, name: str, reason: str, *, approved: bool) -> None:
    verb = "approved" if approved else "denied"
    async with memory(app) as graph:
        queue = ApprovalQueue(graph.db)
        approval = await queue.get(name)
        if not await queue.decide(name, approval.answer(approved=approved, reason=reason, by=UNVERIFIED)):
            now = await queue.get(name)
            raise ApprovalDenied(
                f"the answer to {name}", "it has expired" if now.status == "expired" else f"it is {now.status} already"
            )
        cycle = await graph.cycles.find(approval.cycle_id)
    is_loop = cycle is not None and cycle.kind == "loop"
    resume = f"Loop.resume({approval.cycle_id!r}, db={graph.db.place!r}, ...)"
    following = resume if is_loop else app.command("resume", approval.cycle_id)
    app.answer(
        {"schema": "tinman.answer/1", "approval": name, "status": verb, "cycle_id": approval.cycle_id},
        said=f"{verb}: {name}. Next:  {following}",
    )
