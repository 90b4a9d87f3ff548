"""A project's highest mode: kept in the store, raised one step at a time, on somebody's word."""

from __future__ import annotations

from tinman.audit import AuditLog
from tinman.config.modes import Mode, check_transition
from tinman.memory.graph import MemoryGraph

_KEY = "highest_mode"


async def highest_mode(graph: MemoryGraph) -> Mode:
    """Return the mode this project was promoted to; lab when nobody did."""
    return Mode(await graph.project.recall(_KEY) or Mode.LAB)


async def promote(graph: MemoryGraph, mode: Mode | str, *, by: str) -> None:
    """Take the project one mode up or down; ``by`` goes into the audit trail. Raises ``ModeRefused``."""
    wanted, reached = Mode(mode), await highest_mode(graph)
    check_transition(reached, wanted)
    await graph.project.keep(_KEY, wanted.value)
    await AuditLog(graph.db).append(by, "mode.promoted", {"from": reached.value, "to": wanted.value})
