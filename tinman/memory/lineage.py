"""The memory as a networkx graph. The only module that loads networkx; import it when it is needed."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from tinman.memory.graph import Lineage, MemoryGraph
from tinman.memory.nodes import POINTING_BACK, Edge, Node


def digraph(nodes: Iterable[Node], edges: Iterable[Edge]) -> nx.MultiDiGraph[str]:
    """Return nodes (attributes ``kind``, ``label``, ``node``) and edges (key: the relation), along time.

    An ``observed_in`` or ``caused_by`` edge is turned round, so that every edge leads from earlier to later.
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for node in nodes:
        graph.add_node(node.id, kind=node.kind, label=node.label, node=node)
    for edge in edges:
        if edge.relation in POINTING_BACK:
            graph.add_edge(edge.target, edge.source, key=edge.relation)
        else:
            graph.add_edge(edge.source, edge.target, key=edge.relation)
    return graph


def of_lineage(lineage: Lineage) -> nx.MultiDiGraph[str]:
    """Return one node's lineage as a graph."""
    return digraph((*lineage.up, lineage.node, *lineage.down), lineage.edges)


async def of_cycle(memory: MemoryGraph, cycle_id: str) -> nx.MultiDiGraph[str]:
    """Return everything one cycle stored as a graph."""
    nodes = await memory.find(cycle_id=cycle_id)
    return digraph(nodes, await memory.edges([node.id for node in nodes]))


def stories(lineage: Lineage) -> list[list[str]]:
    """Return every path through a lineage from a beginning to an end, as ids; shortest first."""
    graph = of_lineage(lineage)
    starts = [node for node in graph if graph.in_degree(node) == 0]
    ends = [node for node in graph if graph.out_degree(node) == 0]
    paths = [path for start in starts for end in ends for path in nx.all_simple_paths(graph, start, end)]
    return sorted({tuple(path): path for path in paths}.values(), key=lambda path: (len(path), path))
