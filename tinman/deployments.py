"""Which patches are in force: put there through the approval gate, read back when a target is opened.

A deployment is a row in the graph; ``live`` lays the active patches around a target, oldest innermost. So a cycle after
a deployment tests, and an application run through ``live`` gets, the very patch that was simulated.
"""

from __future__ import annotations

from typing import Any, TypeVar

from tinman import clock
from tinman.approvals.handler import ApprovalHandler
from tinman.approvals.risk import deployment_tier
from tinman.config.modes import Mode, may_skip_approval
from tinman.errors import AwaitingApproval, ConfigError
from tinman.frozen import adapter, dump
from tinman.memory.graph import MemoryGraph
from tinman.patches.apply import apply, why_not
from tinman.patches.kinds import Patch, patch_digest
from tinman.records import Intervention, SimulationResult
from tinman.review import Action, Decision
from tinman.runtime import Runtime, Tx
from tinman.targets.base import Target
from tinman.taxonomy import RiskTier

T = TypeVar("T", bound=Target)


class Deployments:
    """Asks for, records and reads deployments to a project's own target."""

    def __init__(
        self, graph: MemoryGraph | None, handler: ApprovalHandler | None, target: Target | None = None
    ) -> None:
        self._graph = graph
        self._handler = handler
        self._target = target

    async def request(
        self, mode: Mode, intervention: Intervention, runtime: Runtime, *, skip_approval: bool = False
    ) -> dict[str, Any]:
        """Deploy if policy and reviewer allow it. Production needs a ``confirm`` of it, which is not read here yet."""
        if self._graph is None or self._target is None:
            return _status("blocked", "there is no project memory or no target to deploy to")
        misfit = why_not(self._target, intervention.payload)
        if misfit:
            return _status("blocked", misfit)
        if mode is Mode.PRODUCTION:
            return _status(
                "blocked", "production needs a confirmation of this intervention, and deployments do not read those yet"
            )
        evidence = await self._evidence(intervention)
        action = Action(
            kind="deployment",
            what=f"{intervention.name} on {self._target.name}",
            mode=mode,
            tier=deployment_tier(mode, intervention.payload, is_own_lab_target=True),
            details={
                "patch": patch_digest(intervention.payload),
                "seam": self._target.seam,
                "beneath": [layer.digest for layer in self._target.layers],
                "fingerprint": self._target.fingerprint,
                "simulation": evidence.id if evidence else "none",
            },
        )
        try:
            decision = await self._decide(action, skip=skip_approval and may_skip_approval(mode))
        except AwaitingApproval as waiting:
            return {**_status("awaiting_approval", str(waiting)), "approval_id": waiting.approval_id}
        if not decision.approved:
            status = "blocked" if action.tier is RiskTier.BLOCK else "denied"
            return _status(status, decision.reason)
        deployment_id = clock.derive_id("deployment", intervention.id, action.digest)

        async def work(tx: Tx) -> str:
            tx.note(
                "deployment",
                deployment_id,
                {
                    "intervention_id": intervention.id,
                    "patch": dump(intervention.payload),
                    "target": self._target.name if self._target else "",
                    "mode": mode.value,
                    "digest": action.digest,
                    "by": decision.by,
                },
            )
            tx.link(intervention.id, "deployed_as", deployment_id)
            return deployment_id

        await runtime.step(f"deploy/{intervention.id}/{action.digest}", work)
        return {**_status("deployed", decision.reason), "deployment_id": deployment_id}

    async def _decide(self, action: Action, *, skip: bool) -> Decision:
        if skip and action.tier is not RiskTier.BLOCK:
            return Decision(approved=True, reason="approval skipped outside production", by="caller")
        if self._handler is None:
            safe = action.tier is RiskTier.SAFE
            reason = "safe by policy" if safe else "no handler to ask"
            return Decision(approved=safe, reason=reason, by="policy")
        return await self._handler.decide(action)

    async def _evidence(self, intervention: Intervention) -> SimulationResult | None:
        assert self._graph is not None
        nodes = await self._graph.find(
            kind="simulation", where={"intervention_id": intervention.id}, limit=1, newest_first=True
        )
        return nodes[0].record if nodes and isinstance(nodes[0].record, SimulationResult) else None

    async def roll_back(self, deployment_id: str) -> None:
        """End a deployment now. Raises ``NotFound``."""
        if self._graph is None:
            raise ConfigError("deployments: there is no project memory")
        await self._graph.supersede(deployment_id)


async def live(graph: MemoryGraph, target: T) -> T:
    """Return ``target`` with the patches that are in force for it, oldest innermost."""
    nodes = await graph.find(kind="deployment", where={"target": target.name})
    active = [node for node in nodes if node.valid_to is None]
    for node in sorted(active, key=lambda n: (n.created_at, n.id)):
        patch: Patch = adapter(Patch).validate_python(node.data["patch"])
        target = apply(target, patch)
    return target


def _status(status: str, reason: str) -> dict[str, Any]:
    return {"deployed": status == "deployed", "status": status, "reason": reason}
