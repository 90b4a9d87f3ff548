"""A project's highest mode: kept in the store, raised one step at a time, on somebody's word."""

from __future__ import annotations

from functools import partial

from tinman.audit import AuditLog, chain
from tinman.config.modes import Mode, check_transition
from tinman.errors import StoreCorrupt, Unproven
from tinman.memory.graph import MemoryGraph

KEY = "highest_mode"


async def highest_mode(graph: MemoryGraph) -> Mode:
    """Return the mode this project was promoted to; lab when nobody did.

    Raises ``Unproven`` when the audit chain knows of no such promotion.
    """
    kept = await graph.project.recall(KEY)
    if kept is None or kept == Mode.LAB:
        return Mode.LAB
    if wrong := why_unproven(await AuditLog(graph.db).trusted(), kept):
        raise Unproven(f"{wrong}; it does not count: see `tinman db check`")
    return Mode(kept)


def why_unproven(known: chain.Chain, kept: str | None) -> str:
    """Return how the mode that is kept differs from what the audit chain says; empty when it does not."""
    if kept is not None and kept not in set(Mode):
        raise StoreCorrupt(f"database: table project, row {KEY}: {kept!r} is no mode")
    line = next((line for line in reversed(known.lines) if line.what == "mode.promoted"), None)
    said = str(line.data.get("to")) if line else Mode.LAB.value
    if (kept or Mode.LAB.value) == said:
        return ""
    return f"project: its row says it was promoted to {kept or Mode.LAB}, the audit chain says {said}"


async def promote(graph: MemoryGraph, mode: Mode | str, *, by: str) -> None:
    """Take the project one mode up or down; ``by`` goes into the audit trail. Raises ``ModeRefused``, ``Unproven``."""
    wanted, reached = Mode(mode), await highest_mode(graph)
    check_transition(reached, wanted)

    told = {"from": reached.value, "to": wanted.value}
    then = partial(chain.extend, actor=by, what="mode.promoted", data=told)
    await graph.project.keep(KEY, wanted.value, then=then)
