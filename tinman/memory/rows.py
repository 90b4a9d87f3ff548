"""How nodes and edges are written and read: the rows beneath the memory graph."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from pydantic import ValidationError
from sqlalchemy import Connection, Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tinman.audit import chain
from tinman.db.prepared import Prepared, insert_new, moment
from tinman.db.tables import EdgeRow, NodeRow
from tinman.errors import StoreCorrupt
from tinman.memory.nodes import LABELLED, Batch, Node, decode, to_json
from tinman.records import Run
from tinman.text.invalid import first_error

COLUMNS = tuple(column for column in NodeRow.__table__.columns if column.name != "search")
_NAMES = tuple(column.name for column in COLUMNS)  # a row's own mapping is made much slower
_CHUNK = 10_000
_ADD_NODES = Prepared(
    insert_new(NodeRow, "sqlite"),
    *("id", "kind", "cycle_id", "label", "search", "data", "created_at", "valid_from"),
    on_postgres=insert_new(NodeRow, "postgresql"),
)
_ADD_EDGES = Prepared(
    insert_new(EdgeRow, "sqlite"),
    *("source", "relation", "target", "created_at"),
    on_postgres=insert_new(EdgeRow, "postgresql"),
)


def in_chunks(ids: Collection[str]) -> Iterator[list[str]]:
    """Yield ``ids``, each once, in lists short enough for one query's parameters."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), _CHUNK):
        yield distinct[start : start + _CHUNK]


def write(connection: Connection, batches: Sequence[Batch], at: datetime) -> None:
    """Write batches, valid from ``at``, inside the caller's transaction. What is stored already is left as it is."""
    kept = moment(connection, at)
    moments = {"created_at": kept, "valid_from": kept}
    _ADD_NODES.run(connection, [row | moments for batch in batches for row in batch.nodes.values()])
    edges = [
        {"source": source, "relation": relation, "target": target, "created_at": kept}
        for batch in batches
        for source, relation, target in batch.edges
    ]
    _ADD_EDGES.run(connection, edges)
    for batch in batches:
        for prefix, ids in batch.numbered:
            _number(connection, prefix, ids)
    for batch in batches:
        for actor, what, data in batch.audited:
            chain.extend(connection, actor, what, data)


def _number(connection: Connection, prefix: str, wanted: Sequence[str]) -> None:
    """Give nodes without a label the next ones; the caller's transaction keeps all others from giving any meanwhile."""
    given = connection.scalars(select(NodeRow.label).where(NodeRow.label.startswith(f"{prefix}-", autoescape=True)))
    tails = [label.rpartition("-")[2] for label in given]
    number = max((int(tail) for tail in tails if tail.isascii() and tail.isdecimal()), default=0)
    place = {node_id: index for index, node_id in enumerate(wanted)}
    for ids in in_chunks(wanted):
        query = select(NodeRow.id, NodeRow.kind, NodeRow.search, NodeRow.data)
        found = connection.execute(query.where(NodeRow.id.in_(ids), NodeRow.label == "")).all()
        for row in sorted(found, key=lambda row: place[row.id]):
            number += 1
            label = f"{prefix}-{number}"
            data = to_json({**row.data, "label": label} if row.kind in LABELLED else row.data)
            changes = {"label": label, "search": f"{label.lower()} {row.search}", "data": data}
            connection.execute(update(NodeRow).where(NodeRow.id == row.id).values(changes))


async def read(connection: AsyncConnection, queries: Iterable[Select[Any]]) -> list[Node]:
    """Return the nodes that ``queries`` for ``COLUMNS`` find, with their records, in the order found."""
    rows = [row for query in queries for row in (await connection.execute(query)).all()]
    runs: dict[str, Run] = {}
    wanted = [run_id for row in rows if row.kind == "result" for run_id in _run_ids(row.data)]
    for ids in in_chunks(wanted):
        query = select(NodeRow.id, NodeRow.data).where(NodeRow.id.in_(ids))
        for row in (await connection.execute(query)).all():
            runs[row.id] = cast(Run, decode(row.id, "run", row.data, {}))
    return [_node(dict(zip(_NAMES, row, strict=True)), runs) for row in rows]


def _run_ids(data: Any) -> list[str]:
    found = data.get("run_ids") if isinstance(data, dict) else None
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _node(values: dict[str, Any], runs: Mapping[str, Run]) -> Node:
    record = decode(values["id"], values["kind"], values["data"], runs)
    try:
        return Node(**values, record=record)
    except ValidationError as error:
        wrong = first_error(error)
        raise StoreCorrupt(f"database: table nodes, row {values['id']}: {wrong}") from error
