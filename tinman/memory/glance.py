"""A glance at what is stored, for commands that only list: no engine, no graph, no second to wait."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

from tinman.db.file import as_text, peek
from tinman.memory.nodes import Node, NodeKind, decode

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
        data = json.loads(text)
        nodes.append(
            Node(
                id=node_id,
                kind=kind,
                cycle_id=cycle,
                label=label,
                created_at=created_at,
                valid_from=valid_from,
                valid_to=valid_to,
                data=data,
                record=decode(kind, data, {}),
            )
        )
    return nodes
