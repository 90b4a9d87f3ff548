"""The memory as a networkx graph: stories, what rests on a node, files for graph tools.

The only module that loads networkx; import it when it is needed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Literal

import networkx as nx

from tinman.errors import NotFound
from tinman.memory.graph import Lineage, MemoryGraph
from tinman.memory.nodes import POINTING_BACK, Edge, Node, NodeKind


def digraph(nodes: Iterable[Node], edges: Iterable[Edge]) -> nx.MultiDiGraph[str]:
    """Return nodes (attributes ``kind``, ``label``, ``cycle``, ``created_at``) and edges (key: the relation).

    Edges lead along time: an ``observed_in`` or ``caused_by`` edge is turned round.
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for node in nodes:
        at = node.created_at.isoformat()
        graph.add_node(node.id, kind=node.kind, label=node.label, cycle=node.cycle_id, created_at=at)
    for number, edge in enumerate(edges):
        ends = (edge.target, edge.source) if edge.relation in POINTING_BACK else (edge.source, edge.target)
        graph.add_edge(*ends, key=edge.relation, relation=edge.relation, id=f"e{number}")
    return graph


def of_lineage(lineage: Lineage) -> nx.MultiDiGraph[str]:
    """Return one node's lineage as a graph."""
    return digraph((*lineage.up, lineage.node, *lineage.down), lineage.edges)


async def of(memory: MemoryGraph, name: str) -> nx.MultiDiGraph[str]:
    """Return everything one cycle stored, or the lineage of a node. Raises ``NotFound``, for a loop too."""
    cycle = await memory.cycles.find(name.partition("/")[0])
    if cycle is None:
        return of_lineage(await memory.lineage(name))
    if cycle.kind == "loop" or name != cycle.id:
        raise NotFound(f"lineage: {name} is a loop, of which nothing descends; name a cycle, a label or an id")
    nodes = await memory.find(cycle_id=cycle.id)
    return digraph(nodes, await memory.edges([node.id for node in nodes]))


def stories(lineage: Lineage, *, without: NodeKind | None = None) -> list[list[str]]:
    """Return every path through a lineage from a beginning to an end, as ids; shortest first.

    Nodes of the kind ``without`` are stepped over: a story is soon told a hundred times, once for each run. An edge
    that leaves out what a longer path tells (a failure is caused by a hypothesis, through an experiment) is no story.
    """
    graph: nx.DiGraph[str] = nx.DiGraph(of_lineage(lineage))
    for node in [each.id for each in (*lineage.up, lineage.node, *lineage.down) if each.kind == without]:
        graph.add_edges_from((one, other) for one in graph.predecessors(node) for other in graph.successors(node))
        graph.remove_node(node)
    if nx.is_directed_acyclic_graph(graph):
        graph = nx.transitive_reduction(graph)
    starts = [node for node in graph if graph.in_degree(node) == 0]
    ends = [node for node in graph if graph.out_degree(node) == 0]
    paths = [path for start in starts for end in ends for path in nx.all_simple_paths(graph, start, end)]
    return sorted(paths, key=lambda path: (len(path), path))


def blast_radius(graph: nx.MultiDiGraph[str], node_id: str) -> dict[str, int]:
    """Return how much rests on a node, and would fall with it: how many nodes of each kind descend from it."""
    return dict(Counter(graph.nodes[each]["kind"] for each in sorted(nx.descendants(graph, node_id))))


def to_text(graph: nx.MultiDiGraph[str], form: Literal["graphml", "json"]) -> str:
    """Return a graph as GraphML, or as node-link JSON."""
    if form == "json":
        return json.dumps(nx.node_link_data(graph, edges="edges"), indent=2)
    return "\n".join(nx.generate_graphml(graph, edge_id_from_attribute="id"))
