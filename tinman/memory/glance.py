"""A glance at what is stored, for commands that only list: no engine, no graph, no second to wait."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from tinman.db.file import as_text, peek
from tinman.errors import StoreCorrupt
from tinman.memory.nodes import Node, NodeKind, decode
from tinman.text.invalid import first_error

_QUERY = "SELECT id, cycle_id, label, created_at, valid_from, valid_to, data FROM nodes WHERE kind = ?"


def glance(
    place: str, kind: NodeKind, *, cycle_id: str | None = None, since: datetime | None = None
) -> list[Node] | None:
    """Return what ``MemoryGraph.find`` would, of a SQLite store at ``place`` that is up to date; else ``None``.

    Only for kinds whose records stand whole in their node: results refer to their runs.
    """
    if ("://" in place and not re.fullmatch("sqlite:///[^?%]+", place)) or place == ":memory:":
        return None
    query, parameters = _QUERY, list[str]([kind])
    for condition, value in (("cycle_id = ?", cycle_id), ("created_at >= ?", since and as_text(since))):
        if value:
            query, parameters = f"{query} AND {condition}", [*parameters, value]
    rows = peek(Path(place.removeprefix("sqlite:///")), f"{query} ORDER BY created_at, id", parameters)
    if rows is None:
        return None
    nodes: list[Node] = []
    for node_id, cycle, label, created_at, valid_from, valid_to, text in rows:
        try:
            data = json.loads(text)
            node = Node(
                id=node_id,
                kind=kind,
                cycle_id=cycle,
                label=label,
                created_at=created_at,
                valid_from=valid_from,
                valid_to=valid_to,
                data=data,
                record=decode(node_id, kind, data, {}),
            )
        except (ValueError, TypeError, RecursionError) as error:
            wrong = first_error(error) if isinstance(error, ValidationError) else "data is not JSON"
            raise StoreCorrupt(f"database {place}: table nodes, row {node_id}: {wrong}") from error
        nodes.append(node)
    return nodes
