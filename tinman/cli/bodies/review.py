"""``tinman review``: what waits for an answer, and the answer. The decision is taken in the store, once."""

from __future__ import annotations

from tinman.approvals.queue import ApprovalQueue
from tinman.cli.app import UNVERIFIED, App
from tinman.cli.store import memory
from tinman.errors import ApprovalDenied
from tinman.frozen import dump
from tinman.text.visible import shorten


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
