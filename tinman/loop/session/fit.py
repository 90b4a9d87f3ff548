"""Whether a stored loop and the code it is given fit one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinman.errors import ArtifactDriftError, PolicyChangedError, SchemaChangedError
from tinman.loop import context
from tinman.loop import policies as rules
from tinman.loop.policies import Policy
from tinman.loop.state.records import State


@dataclass(frozen=True)
class Fit:
    """What a loop is saved with. ``summarizer`` is the name of its model, empty without one."""

    schema_hash: str
    policies: Sequence[Policy]
    summarizer: str
    allow_schema_change: bool
    allow_policy_change: bool
    allow_artifact_drift: bool

    @property
    def policy_fingerprint(self) -> str:
        """What names the policies as they are now."""
        return rules.fingerprint(self.policies)

    def check(self, state: State) -> None:
        """Refuse to go on with other tools, policies or summaries than before, unless that is allowed.

        Raises ``SchemaChangedError``, ``PolicyChangedError``, ``ArtifactDriftError``.
        """
        if state.sessions == 0:
            return
        if state.tool_schema_hash != self.schema_hash and not self.allow_schema_change:
            raise SchemaChangedError(
                f"loop {state.loop_id}: the tools' schemas are not those it was saved with; "
                "give the same tools, or allow_schema_change=True"
            )
        if state.policy_fingerprint != self.policy_fingerprint and not self.allow_policy_change:
            raise PolicyChangedError(
                f"loop {state.loop_id}: the policies are not those it was saved with (now: "
                f"{', '.join(policy.name for policy in self.policies) or 'none'}); give the same policies=, or "
                "allow_policy_change=True"
            )
        stamp = context.stamp(self.summarizer or context.DETERMINISTIC)
        if not self.allow_artifact_drift and any(artifact.stamp != stamp for artifact in state.artifacts):
            raise ArtifactDriftError(
                f"loop {state.loop_id}: its summaries were made by another engine version, summarizer or prompt; "
                "allow_artifact_drift=True uses them as they are"
            )
