"""From a failure to fixes that can be executed: patches from the playbook and, if there is one, an LLM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from tinman import clock
from tinman.agents.base import AgentContext, AgentResult, BaseAgent
from tinman.agents.rule_writing import write_rule
from tinman.approvals.handler import ApprovalHandler
from tinman.approvals.risk import patch_risk
from tinman.config.modes import Mode
from tinman.deployments import Deployments
from tinman.events import EventBus
from tinman.frozen import frozen
from tinman.memory.graph import MemoryGraph
from tinman.patches.apply import why_not
from tinman.patches.kinds import Guardrail, Patch, PromptPatch, patch_digest
from tinman.playbook.remedies import Remedy, remedies
from tinman.reasoner import Reasoner
from tinman.records import DiscoveredFailure, Intervention, InterventionType, read_records, to_data
from tinman.runtime import Runtime, Tx
from tinman.targets.base import Target
from tinman.taxonomy import RiskTier

CANDIDATES = 3

_PROMPT = """Propose one addition to the system prompt of an AI system that would stop the failure below without costing
anything else it does well. State the rule plainly: who, must or must not, what. One or two sentences; no examples, no
names or values from the transcripts. What is known of the failure is given as data.

Failure class: {failure_class}, subtype: {subtype}."""


@frozen
class PromptRule:
    """What the LLM is asked for."""

    text: Annotated[str, Field(min_length=10, max_length=600)]
    rationale: str
    expected_gain: Annotated[float, Field(ge=0, le=1)]


class InterventionEngine(BaseAgent[tuple[Intervention, ...]]):
    """Proposes up to three candidates for each failure, deterministic guards first; the simulation picks."""

    kind = "intervention_engine"

    def __init__(
        self,
        graph: MemoryGraph | None = None,
        llm_backbone: Reasoner | None = None,
        approval_handler: ApprovalHandler | None = None,
        event_bus: EventBus | None = None,
        *,
        target: Target | None = None,
    ) -> None:
        super().__init__(graph=graph, llm_backbone=llm_backbone, event_bus=event_bus)
        self.approval_handler = approval_handler
        self.target = target

    async def execute(
        self,
        context: AgentContext,
        *,
        failures: Sequence[DiscoveredFailure | Mapping[str, Any]],
        max_failures: int | None = None,
    ) -> AgentResult[tuple[Intervention, ...]]:
        """Return candidates for the first ``max_failures`` failures that are validated (or observed).

        A kind of patch the target's seam cannot carry is not proposed.
        """
        runtime = self.runtime_of(context)
        wanted = read_records(DiscoveredFailure, failures)
        treated = [f for f in wanted if f.is_confirmed][:max_failures]

        loops: list[dict[str, Any]] = []
        tried = {f.id: await self._tried(context, runtime, f, loops) for f in treated}

        async def work(failure: DiscoveredFailure, tx: Tx) -> tuple[bool, tuple[Intervention, ...]]:
            found, used = await self._design(context, failure, tried[failure.id])
            for intervention in found:
                tx.record(intervention)
                if context.runtime is not None:
                    tx.link(failure.id, "addressed_by", intervention.id)
            return used, tuple(found)

        answers = await self.for_each(context, runtime, "interventions", treated, work)
        proposed = [intervention for _, found in answers for intervention in found]
        proposed = await self.labelled(runtime, "INT", "interventions", proposed)
        tiers = Counter(i.risk_tier for i in proposed)
        return self._result(
            output=tuple(proposed),
            counts={"intervention_count": len(proposed), "used_llm_design": any(used for used, _ in answers)},
            data=lambda: {
                "by_risk_tier": {tier.value: tiers[tier] for tier in RiskTier},
                "interventions": [to_data(i) for i in proposed],
                "loops": loops,
            },
        )

    async def _design(
        self, context: AgentContext, failure: DiscoveredFailure, tried: Remedy | None
    ) -> tuple[list[Intervention], bool]:
        stressed = [pair.stressed for pair in failure.scenarios]
        known = remedies(failure.secondary_class or "", stressed)
        written = tried or await self._written(context, failure)
        fitting = [remedy for remedy in known if self._fits(remedy.patch)]
        candidates = fitting[:CANDIDATES]
        if written is not None and self._fits(written.patch):
            candidates = [*fitting[: CANDIDATES - 1], written]
        unique = {patch_digest(remedy.patch): remedy for remedy in candidates}
        return [self._intervention(failure, remedy) for remedy in unique.values()], written in candidates

    def _fits(self, patch: Patch) -> bool:
        is_empty = isinstance(patch, Guardrail) and not patch.patterns and not patch.secrets
        return not is_empty and (self.target is None or not why_not(self.target, patch))

    def _intervention(self, failure: DiscoveredFailure, remedy: Remedy) -> Intervention:
        tier, factors = patch_risk(remedy.patch)
        identity = clock.derive_id("intervention", failure.id, patch_digest(remedy.patch))
        return Intervention(
            id=identity,
            failure_id=failure.id,
            intervention_type=InterventionType(remedy.patch.kind),
            name=remedy.name,
            description=f"{remedy.name}: for {failure.label or failure.id}, {failure.description}",
            payload=remedy.patch,
            expected_gains={"failure_rate": remedy.gain},
            expected_regressions={"benign_loss": remedy.regression},
            risk_tier=tier,
            risk_factors=factors,
            rationale=remedy.rationale,
            requires_approval=tier is not RiskTier.SAFE,
            reversible=True,
            rollback="take the patch out of the target's layers; those above it have to be simulated again",
            mitigation_id=remedy.mitigation,
        )

    async def _tried(
        self, context: AgentContext, runtime: Runtime, failure: DiscoveredFailure, loops: list[dict[str, Any]]
    ) -> Remedy | None:
        """Return the rule an LLM found by trying; nothing without an LLM or a fitting target, or in production."""
        if (
            self.reasoner is None
            or self.reasoner.is_left_alone
            or self.target is None
            or context.mode is Mode.PRODUCTION
            or not failure.scenarios
        ):
            return None
        if why_not(self.target, PromptPatch(text="any rule")):
            return None
        await self.checkpoint()
        data = {"failure class": f"{failure.primary_class.value}/{failure.secondary_class}", **_known(failure)}
        found, ended = await write_rule(context, runtime, self.reasoner, self.target, failure, data, bus=self.bus)
        loops.append(ended)
        if found is None:
            return None
        return _remedy(found.text, f"{found.rationale} ({found.told})", found.gain)

    async def _written(self, context: AgentContext, failure: DiscoveredFailure) -> Remedy | None:
        """Return the rule an LLM proposes untried, as a prompt patch."""
        prompt = _PROMPT.format(failure_class=failure.primary_class.value, subtype=failure.secondary_class or "unknown")
        data = _known(failure)
        seed = clock.derive_seed(context.seed, f"rule/{failure.id}")
        answer = await self.ask(prompt, PromptRule, data=data, seed=seed)
        if answer is None:
            return None
        return _remedy(answer.text, answer.rationale, answer.expected_gain)

    async def deploy_intervention(
        self, context: AgentContext, intervention: Intervention | dict[str, Any], *, skip_approval: bool = False
    ) -> dict[str, Any]:
        """Put a patch in force for the project's target, through the approval gate.

        Returns ``deployed`` and ``status`` (deployed, awaiting_approval, denied, blocked), and why.
        """
        (wanted,) = read_records(Intervention, [intervention])
        if self.graph is None or self.target is None:
            reason = "there is no project memory or no target to deploy to"
            return {"deployed": False, "status": "blocked", "reason": reason}
        deployments = Deployments(self.graph, self.target, self.approval_handler or ApprovalHandler())
        return await deployments.request(context.mode, wanted, self.runtime_of(context), skip_approval=skip_approval)


def _known(failure: DiscoveredFailure) -> dict[str, str]:
    """Return what a rule's author is told; it may hold words of the target, so it is data."""
    return {
        "description": failure.description,
        "root cause": failure.root_cause,
        "analysis": failure.llm_analysis or failure.key_insight,
    }


def _remedy(text: str, rationale: str, gain: float) -> Remedy:
    return Remedy(
        name="rule written by the reasoner",
        patch=PromptPatch(text=text),
        rationale=rationale,
        gain=gain,
        regression=0.05,
        mitigation="AML.M0021",
    )


__all__ = ["Intervention", "InterventionEngine", "InterventionType"]
