"""``tinman deployments``: which fixes are or were in force, and the way back."""

from __future__ import annotations

from tinman import deployments
from tinman.cli.app import UNVERIFIED, App
from tinman.cli.store import memory
from tinman.errors import NotFound
from tinman.memory.nodes import Node
from tinman.records import Deployment
from tinman.text.visible import shorten


async def list_(app: App) -> None:
    """List deployments, oldest first, with those that were rolled back."""
    async with memory(app) as graph:
        nodes = await graph.find(kind="deployment")
        stored: list[Deployment] = [node.noted(Deployment) for node in nodes]
        fixes = await graph.nodes({each.intervention_id for each in stored})

    def label(deployment: Deployment) -> str:
        fix = fixes.get(deployment.intervention_id)
        return (fix.label if fix else "") or deployment.intervention_id

    def line(found: tuple[Node, Deployment]) -> str:
        node, each = found
        until = f"until {node.valid_to:%Y-%m-%d %H:%M}" if node.valid_to else "in force"
        since = f"since {node.valid_from:%Y-%m-%d %H:%M} {until}"
        who = f"{each.mode}, by {shorten(each.by, 30)}"
        return f"  {node.id}  {label(each):<6} on {shorten(each.target, 30)}  {who}, {since}"

    app.listing(
        list(zip(nodes, stored, strict=True)),
        lambda found: {
            "schema": "tinman.deployment-line/1",
            "id": found[0].id,
            "intervention": label(found[1]),
            "target": found[1].target,
            "mode": found[1].mode,
            "by": found[1].by,
            "since": found[0].valid_from.isoformat(),
            "until": found[0].valid_to.isoformat() if found[0].valid_to else None,
        },
        line,
        none="Nothing was deployed.",
    )


async def roll_back(app: App, name: str, reason: str) -> None:
    """End a deployment now. Raises ``NotFound`` for what is none, or is rolled back already."""
    async with memory(app) as graph:
        node = await graph.get(name)
        if node.kind != "deployment":
            raise NotFound(f"{node.label or node.id} is a {node.kind}, not a deployment; see `tinman deployments list`")
        if node.valid_to is not None:
            raise NotFound(f"{node.id} was rolled back already, at {node.valid_to:%Y-%m-%d %H:%M}")
        await deployments.roll_back(graph, node.id, by=UNVERIFIED, reason=reason)
    app.answer({"schema": "tinman.roll-back/1", "deployment": node.id}, said=f"rolled back: {node.id}")
