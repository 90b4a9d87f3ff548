"""The project's memory, as commands open it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from tinman.cli.app import App
from tinman.cli.settings import resolve
from tinman.db.engine import Database
from tinman.errors import NotFound
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Node
from tinman.records import Record

R = TypeVar("R", bound=Record)


@asynccontextmanager
async def memory(app: App, *, create: bool = False) -> AsyncIterator[MemoryGraph]:
    """Open the project's memory. Raises ``StoreError``."""
    async with await Database.open(resolve(app).settings.db, create=create) as db:
        if db.is_read_only:
            app.say(f"{db.place} cannot be written here; it is read as it is.")
        yield MemoryGraph(db)


def expect(node: Node, wanted: type[R], what: str) -> R:
    """Return the node's record. Raises ``NotFound`` when it is of another kind than ``wanted``, called ``what``."""
    if not isinstance(node.record, wanted):
        raise NotFound(f"{node.label or node.id} is a {node.kind}, not {what}")
    return node.record
