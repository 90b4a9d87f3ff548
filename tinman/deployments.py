"""Which patches are in force: put there through the approval gate, read back when a target is opened.

A deployment is a row in the graph; ``live`` lays the active patches around a target, oldest innermost. So a cycle after
a deployment tests, and an application run through ``live`` gets, the very patch that was simulated.
"""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

import structlog

from tinman import clock
from tinman.approvals.grant import Grant
from tinman.approvals.handler import ApprovalHandler
from tinman.approvals.risk import deployment_tier
from tinman.audit import AuditLog, chain
from tinman.config.modes import Mode
from tinman.errors import ApprovalDenied, ApprovalError, AwaitingApproval
from tinman.frozen import digest, dump
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Node
from tinman.patches.apply import apply, why_not
from tinman.patches.kinds import patch_digest
from tinman.records import Deployment, Intervention
from tinman.review import Action, DeploymentDetails
from tinman.runtime import Runtime, Tx
from tinman.targets.base import Target
from tinman.taxonomy import RiskTier

_log = structlog.get_logger(__name__)
T = TypeVar("T", bound=Target)


class Deployments:
    """Asks for, records, ends and reads deployments to a project's own target."""

    def __init__(self, graph: MemoryGraph, target: Target, handler: ApprovalHandler) -> None:
        self._graph = graph
        self._target = target
        self._handler = handler

    async def request(
        self, mode: Mode, intervention: Intervention, runtime: Runtime, *, skip_approval: bool = False
    ) -> dict[str, Any]:
        """Deploy if policy and reviewer allow it. Production needs a ``confirm`` of it, which is not read here yet.

        Returns ``deployed`` and ``status`` (deployed, awaiting_approval, denied, blocked), and why.
        """
        if misfit := why_not(self._target, intervention.payload):
            return _status("blocked", misfit)
        if mode is Mode.PRODUCTION:
            return _status(
                "blocked", "production needs a confirmation of this intervention, and deployments do not read those yet"
            )
        action = await self.action_of(mode, intervention)
        try:
            grant = await self._handler.grant(action, skip_approval=skip_approval)
        except AwaitingApproval as waiting:
            return {**_status("awaiting_approval", str(waiting)), "approval_id": waiting.approval_id}
        except ApprovalDenied as denied:
            return _status("blocked" if action.tier is RiskTier.BLOCK else "denied", denied.reason)
        deployment_id = await self.install(mode, intervention, grant, runtime)
        return {**_status("deployed", grant.reason), "deployment_id": deployment_id}

    async def action_of(self, mode: Mode, intervention: Intervention) -> Action:
        """Return what is asked: this patch, on this target as it is now, with this simulation behind it."""
        evidence = await self._graph.find(
            kind="simulation", where={"intervention_id": intervention.id}, limit=1, newest_first=True
        )
        details = DeploymentDetails(
            patch=patch_digest(intervention.payload),
            seam=self._target.seam,
            beneath=tuple(layer.digest for layer in self._target.layers),
            fingerprint=self._target.fingerprint,
            simulation=evidence[0].id if evidence else "none",
        )
        return Action(
            what=f"{intervention.name} on {self._target.name}",
            mode=mode,
            tier=deployment_tier(mode, intervention.payload, is_own_lab_target=True),
            details=details,
        )

    async def install(self, mode: Mode, intervention: Intervention, grant: Grant, runtime: Runtime) -> str:
        """Put the patch in force and return the deployment's id.

        Raises ``ApprovalDenied`` when the grant is too old, or target, patch or evidence are no longer those that were
        approved.
        """
        grant.check(await self.action_of(mode, intervention))
        deployment_id = clock.derive_id("deployment", intervention.id, grant.digest)
        deployment = Deployment(
            intervention_id=intervention.id,
            patch=intervention.payload,
            target=self._target.name,
            mode=mode.value,
            digest=grant.digest,
            by=grant.by,
        )

        async def work(tx: Tx) -> str:
            tx.note("deployment", deployment_id, dump(deployment))
            tx.link(intervention.id, "deployed_as", deployment_id)
            told = {"deployment": deployment_id, "digest": grant.digest, "content": digest(dump(deployment))}
            tx.audit(grant.by, "deployment.installed", told)
            return deployment_id

        await runtime.step(f"deploy/{intervention.id}/{grant.digest}", work)
        return deployment_id


async def roll_back(graph: MemoryGraph, deployment_id: str, *, by: str, reason: str) -> None:
    """End a deployment now, on ``by``'s word, which goes into the audit trail. Raises ``NotFound``, and
    ``ApprovalError`` for a reason without a letter."""
    if not any(map(str.isalnum, reason)):
        raise ApprovalError(f"deployment {deployment_id}: a decision needs a reason; say why in words")

    told = {"deployment": deployment_id, "reason": reason}
    then = partial(chain.extend, actor=by, what="deployment.rolled_back", data=told)
    await graph.supersede(deployment_id, then=then)


async def live(graph: MemoryGraph, target: T) -> T:
    """Return ``target`` with the patches that are in force for it, oldest innermost.

    What stands in the database and not in the audit chain is left out, and logged. Raises ``Unproven`` when the chain
    itself was altered.
    """
    nodes = await graph.find(kind="deployment", where={"target": target.name})
    active = [node for node in nodes if node.valid_to is None]
    if not active:
        return target
    known = await AuditLog(graph.db).trusted()
    for node in sorted(active, key=lambda n: (n.created_at, n.id)):
        if wrong := why_unproven(known, node):
            _log.warning("deployment.left_out", why=wrong, remedy="see tinman db check")
            continue
        target = apply(target, node.noted(Deployment).patch)
    return target


def why_unproven(known: chain.Chain, node: Node) -> str:
    """Return how a deployment's row differs from what the audit chain says of it; empty when it does not."""
    line = known.last("deployment", node.id)
    if line is None:
        return f"deployment {node.id}: it stands in the database, and nobody approved it"
    if line.data.get("content", digest(node.data)) != digest(node.data):
        return f"deployment {node.id}: its patch is not the one that was approved"
    if (line.what == "deployment.rolled_back") is not (node.valid_to is not None):
        said, row = ("rolled back", "in force") if node.valid_to is None else ("in force", "ended")
        return f"deployment {node.id}: the audit chain says {said}, its row {row}"
    return ""


def _status(status: str, reason: str) -> dict[str, Any]:
    return {"deployed": status == "deployed", "status": status, "reason": reason}
