"""What is known, and the questions asked of it. Every question is a few reads in sets, never one per row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, or_, select, update

from tinman import clock
from tinman.db.engine import Database
from tinman.db.tables import CycleRow, EdgeRow, NodeRow
from tinman.errors import NotFound
from tinman.frozen import frozen
from tinman.memory import rows
from tinman.memory.cycles import Cycles
from tinman.memory.nodes import Batch, Edge, Node, NodeKind, Relation
from tinman.memory.project import Project
from tinman.memory.walk import walk
from tinman.records import Record
from tinman.text.nearest import did_you_mean


@frozen
class Neighbour:
    """A node one edge away; ``direction`` is ``out`` when the edge leads to it."""

    relation: Relation
    direction: Literal["out", "in"]
    node: Node


@frozen
class Lineage:
    """Where a node comes from (``up``) and what came of it (``down``), nearest first, with the edges between them."""

    node: Node
    up: tuple[Node, ...] = ()
    down: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()


@frozen
class Stats:
    """How much is known."""

    nodes: dict[str, int]
    edges: dict[str, int]
    cycles: dict[str, int]


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _matches(name: str, wanted: object) -> ColumnElement[bool]:
    """Return the condition that the data field ``name`` is ``wanted``, or one of ``wanted`` when it is several."""
    field: Any = NodeRow.data[name]
    condition: ColumnElement[bool]
    if wanted is None:
        condition = field.as_string().is_(None)
    elif isinstance(wanted, bool):
        condition = field.as_boolean() == wanted
    elif isinstance(wanted, int):
        condition = field.as_integer() == wanted
    elif isinstance(wanted, float):
        condition = field.as_float() == wanted
    elif isinstance(wanted, str):
        condition = field.as_string() == str(wanted)
    elif isinstance(wanted, Collection):
        condition = field.as_string().in_([str(each) for each in wanted])
    else:
        raise TypeError(f"where: {name} cannot be compared with {type(wanted).__name__}")
    return condition


def _of_kind(kind: NodeKind | None) -> Select[Any]:
    query: Select[Any] = select(*rows.COLUMNS)
    return query if kind is None else query.where(NodeRow.kind == kind)


def _valid_at(time: datetime) -> ColumnElement[bool]:
    return and_(NodeRow.valid_from <= time, or_(NodeRow.valid_to.is_(None), NodeRow.valid_to > time))


class MemoryGraph:
    """The project's memory. Many tasks and processes may use it at once; records go in and come out whole."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.cycles = Cycles(db)
        self.project = Project(db)

    # -- writing

    async def add(self, *records: Record, cycle_id: str = "", at: datetime | None = None) -> None:
        """Store records (and the runs of results) in one transaction. What is stored already is left as it is."""
        batch = Batch(cycle_id)
        for record in records:
            batch.record(record)
        await self.store([batch], at=at)

    async def note(
        self,
        kind: NodeKind,
        node_id: str,
        data: Mapping[str, Any],
        *,
        label: str = "",
        cycle_id: str = "",
        at: datetime | None = None,
    ) -> None:
        """Store an untyped node, such as a deployment or a belief."""
        batch = Batch(cycle_id)
        batch.note(kind, node_id, data, label=label)
        await self.store([batch], at=at)

    async def link(self, source_id: str, relation: Relation, target_id: str) -> None:
        """Store an edge between two stored nodes; raises ``StoreError`` when one is missing."""
        batch = Batch("")
        batch.link(source_id, relation, target_id)
        await self.store([batch])

    async def store(self, batches: Sequence[Batch], *, at: datetime | None = None) -> None:
        """Write batches in one transaction: all of them or, when an error is raised, none."""
        moment = at or clock.now()
        await self.db.write(lambda connection: rows.write(connection, batches, moment))

    async def supersede(
        self, node_id: str, at: datetime | None = None, *, then: Callable[[Connection], None] | None = None
    ) -> None:
        """End a node's validity at ``at`` (now), and do ``then`` in the same transaction. Raises ``NotFound`` when no
        such node is valid."""
        ended = (
            update(NodeRow)
            .where(NodeRow.id == node_id, NodeRow.valid_to.is_(None))
            .values(valid_to=at or clock.now())
            .returning(NodeRow.id)
        )

        def write(connection: Connection) -> None:
            if connection.execute(ended).first() is None:
                raise NotFound(f"memory: no valid node {node_id}")
            if then is not None:
                then(connection)

        await self.db.write(write)

    async def replace(self, node_id: str, batch: Batch) -> None:
        """End a node's validity and write what takes its place, both or neither. Raises ``NotFound`` as above."""
        moment = clock.now()
        await self.supersede(node_id, moment, then=lambda connection: rows.write(connection, [batch], moment))

    # -- reading

    async def _nodes(self, *queries: Select[Any]) -> list[Node]:
        async with self.db.read() as connection:
            return await rows.read(connection, queries)

    async def nodes(self, ids: Collection[str]) -> dict[str, Node]:
        """Return the stored nodes among ``ids``, by id."""
        found = await self._nodes(*(select(*rows.COLUMNS).where(NodeRow.id.in_(some)) for some in rows.in_chunks(ids)))
        return {node.id: node for node in found}

    async def records(self, ids: Collection[str]) -> dict[str, Record]:
        """Return the stored records among ``ids``, by id."""
        return {key: node.record for key, node in (await self.nodes(ids)).items() if node.record is not None}

    async def missing(self, ids: Collection[str]) -> set[str]:
        """Return those of ``ids`` that are not stored."""
        left = set(ids)
        async with self.db.read() as connection:
            for chunk in rows.in_chunks(ids):
                left.difference_update(await connection.scalars(select(NodeRow.id).where(NodeRow.id.in_(chunk))))
        return left

    async def get(self, id_or_label: str) -> Node:
        """Return the node with this id, else with this label, else the only one whose id begins so.

        Raises ``NotFound``, with what may have been meant, when there is none or more than one.
        """
        name = id_or_label.strip()
        prefix = NodeRow.id.like(_like(name) + "%", escape="\\") if name else false()
        exact = or_(NodeRow.id == name, NodeRow.label.in_((name, name.upper()))) if name else false()
        async with self.db.read() as connection:
            found = await rows.read(connection, [select(*rows.COLUMNS).where(exact).limit(6)])
            if not found:
                found = await rows.read(connection, [select(*rows.COLUMNS).where(prefix).order_by(NodeRow.id).limit(6)])
            if not found:
                recent = select(NodeRow.label, NodeRow.id).where(NodeRow.kind != "run")
                pairs = (await connection.execute(recent.order_by(NodeRow.created_at.desc()).limit(5000))).all()
                cycles = await connection.scalars(select(CycleRow.id).order_by(CycleRow.created_at.desc()).limit(5000))
                labels = [pair.label for pair in pairs if pair.label]
                known = list(dict.fromkeys([*labels, *(pair.id for pair in pairs), *cycles]))
        if not found:
            hint = did_you_mean(name, known, "`tinman failures list` tells what there is")
            raise NotFound(f"memory: nothing is called {name!r}; {hint}")
        for node in found:
            if node.id == name:
                return node
        if len(found) > 1:
            meant = ", ".join(node.id for node in found[:5])
            raise NotFound(f"memory: {name!r} names several: {meant}{' ...' if len(found) > 5 else ''}")
        return found[0]

    async def find(
        self,
        kind: NodeKind | None = None,
        *,
        cycle_id: str | None = None,
        where: Mapping[str, object] | None = None,
        since: datetime | None = None,
        limit: int | None = None,
        newest_first: bool = False,
        in_force: bool = False,
    ) -> list[Node]:
        """Return nodes in the order they were stored.

        ``where`` maps a field of ``data`` to the value it has, or to a list of texts it is one of; ``since`` is the
        earliest ``created_at``; ``in_force`` leaves out what was superseded.
        """
        query = _of_kind(kind).where(*(_matches(name, wanted) for name, wanted in (where or {}).items()))
        if cycle_id is not None:
            query = query.where(NodeRow.cycle_id == cycle_id)
        if since is not None:
            query = query.where(NodeRow.created_at >= since)
        if in_force:
            query = query.where(NodeRow.valid_to.is_(None))
        order = (NodeRow.created_at.desc(), NodeRow.id) if newest_first else (NodeRow.created_at, NodeRow.id)
        return await self._nodes(query.order_by(*order).limit(limit))

    async def search(self, text: str, *, kind: NodeKind | None = None, limit: int = 50) -> list[Node]:
        """Return the newest nodes whose id, label or telling fields contain every word of ``text``."""
        words = (NodeRow.search.like(f"%{_like(word)}%", escape="\\") for word in text.lower().split())
        query = _of_kind(kind).where(*words)
        return await self._nodes(query.order_by(NodeRow.created_at.desc(), NodeRow.id).limit(limit))

    async def neighbours(
        self, node_id: str, *, relation: Relation | None = None, direction: Literal["out", "in", "both"] = "both"
    ) -> list[Neighbour]:
        """Return the nodes one edge away from ``node_id``, in the order the edges were stored."""
        ends = {"out": EdgeRow.source == node_id, "in": EdgeRow.target == node_id}
        query = select(EdgeRow.source, EdgeRow.relation, EdgeRow.target).where(
            or_(*ends.values()) if direction == "both" else ends[direction]
        )
        if relation is not None:
            query = query.where(EdgeRow.relation == relation)
        async with self.db.read() as connection:
            edges = (await connection.execute(query.order_by(EdgeRow.created_at))).all()
            others = {edge.target if edge.source == node_id else edge.source for edge in edges}
            chunks = [select(*rows.COLUMNS).where(NodeRow.id.in_(ids)) for ids in rows.in_chunks(others)]
            nodes = {node.id: node for node in await rows.read(connection, chunks)}
        return [
            Neighbour(relation=edge.relation, direction="out", node=nodes[edge.target])
            if edge.source == node_id
            else Neighbour(relation=edge.relation, direction="in", node=nodes[edge.source])
            for edge in edges
        ]

    async def edges(self, ids: Collection[str]) -> list[Edge]:
        """Return the edges both of whose ends are among ``ids``."""
        wanted = set(ids)
        columns = select(EdgeRow.source, EdgeRow.relation, EdgeRow.target)
        async with self.db.read() as connection:
            return [
                Edge(source=row.source, relation=row.relation, target=row.target)
                for chunk in rows.in_chunks(wanted)
                for row in (await connection.execute(columns.where(EdgeRow.source.in_(chunk)))).all()
                if row.target in wanted
            ]

    async def lineage(self, id_or_label: str) -> Lineage:
        """Return everything the node came from and everything that came of it."""
        node = await self.get(id_or_label)
        async with self.db.read() as connection:
            above, edges_above = await walk(connection, node.id, upwards=True)
            below, edges_below = await walk(connection, node.id, upwards=False)
        known = await self.nodes([*above, *below])
        return Lineage(
            node=node,
            up=tuple(known[each] for each in above),
            down=tuple(known[each] for each in below),
            edges=tuple(dict.fromkeys([*edges_above, *edges_below])),
        )

    async def evolution(self, failure_id: str) -> list[Node]:
        """Return a failure with what it evolved from and into, oldest first."""
        node = await self.get(failure_id)
        async with self.db.read() as connection:
            above, _ = await walk(connection, node.id, upwards=True, only="evolved_into")
            below, _ = await walk(connection, node.id, upwards=False, only="evolved_into")
        known = await self.nodes([*above, *below])
        return sorted([node, *known.values()], key=lambda each: (each.created_at, each.id))

    async def snapshot_at(self, time: datetime, *, kind: NodeKind | None = None) -> list[Node]:
        """Return what was known and valid at ``time``, in the order it was stored."""
        query = _of_kind(kind).where(_valid_at(time))
        return await self._nodes(query.order_by(NodeRow.created_at, NodeRow.id))

    async def what_was_deployed_at(self, time: datetime) -> list[Node]:
        """Return the deployments in force at ``time``; a rollback ends one by ``supersede``."""
        return await self.snapshot_at(time, kind="deployment")

    async def labels(self, ids: Collection[str]) -> dict[str, str]:
        """Return the labels of the stored nodes among ``ids``, by id; empty for one without."""
        found: dict[str, str] = {}
        async with self.db.read() as connection:
            for some in rows.in_chunks(ids):
                query = select(NodeRow.id, NodeRow.label).where(NodeRow.id.in_(some))
                found |= {row.id: row.label for row in await connection.execute(query)}
        return found

    async def stats(self) -> Stats:
        """Return how many nodes of each kind, edges of each relation and cycles of each status there are."""
        counts: list[dict[str, int]] = []
        async with self.db.read() as connection:
            for column in (NodeRow.kind, EdgeRow.relation, CycleRow.status):
                query = select(column, func.count()).group_by(column).order_by(column)
                counts.append({row[0]: row[1] for row in await connection.execute(query)})
        return Stats(nodes=counts[0], edges=counts[1], cycles=counts[2])
