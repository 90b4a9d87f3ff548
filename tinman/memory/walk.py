"""What a node came from and what came of it: one recursive query, put in order here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import CTE, ColumnElement, and_, case, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from tinman.db.tables import EdgeRow
from tinman.memory.nodes import POINTING_BACK, Edge, Relation


async def walk(
    connection: AsyncConnection, start: str, *, upwards: bool, only: Relation | None = None
) -> tuple[list[str], list[Edge]]:
    """Return the ids reached from ``start`` against or along time, nearest first, and the edges on the way."""
    points_back = EdgeRow.relation.in_(POINTING_BACK)
    near, far = (EdgeRow.target, EdgeRow.source) if upwards else (EdgeRow.source, EdgeRow.target)

    def leads_on(reached: CTE) -> ColumnElement[bool]:
        ends = or_(and_(~points_back, near == reached.c.id), and_(points_back, far == reached.c.id))
        return and_(EdgeRow.relation == only if only else true(), ends)

    first = select(literal(start).label("id")).cte("reached", recursive=True)
    beyond = select(case((points_back, near), else_=far)).join_from(first, EdgeRow, leads_on(first))
    reached = first.union(beyond)  # without duplicates, so a circle of edges ends
    query = select(EdgeRow.source, EdgeRow.relation, EdgeRow.target).join_from(reached, EdgeRow, leads_on(reached))
    found = await connection.execute(query.order_by(EdgeRow.created_at, EdgeRow.target, EdgeRow.source))
    edges = [Edge(source=row.source, relation=row.relation, target=row.target) for row in found]
    return _in_order(start, edges, upwards=upwards)


def _in_order(start: str, edges: Sequence[Edge], *, upwards: bool) -> tuple[list[str], list[Edge]]:
    """Return the nodes that ``edges`` lead to and the edges, both by their distance from ``start``, then as given."""
    leading = defaultdict[str, list[tuple[int, str]]](list)
    for place, edge in enumerate(edges):
        earlier, later = edge.source, edge.target
        if edge.relation in POINTING_BACK:
            earlier, later = later, earlier
        origin, other = (later, earlier) if upwards else (earlier, later)
        leading[origin].append((place, other))
    order, on_the_way, frontier = [start], list[Edge](), [start]
    seen = {start}
    while frontier:
        steps = sorted(step for each in frontier for step in leading[each])
        on_the_way.extend(edges[place] for place, _ in steps)
        frontier = [other for other in dict.fromkeys(other for _, other in steps) if other not in seen]
        seen.update(frontier)
        order.extend(frontier)
    return order[1:], on_the_way
