"""How a session starts: anew, or from what is stored, with new limits and an answer; and what has to fit for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from tinman import clock
from tinman.errors import ArtifactDriftError, LoopConfigError, PolicyChangedError, SchemaChangedError
from tinman.loop import context
from tinman.loop.approvals.questions import is_token_of
from tinman.loop.fingerprints import fingerprint
from tinman.loop.policies import Policy
from tinman.loop.state.records import LoopConfig, State, extend_config

RESOLUTIONS = ("happened", "did not happen")


@dataclass(frozen=True)
class Answer:
    """What came with a resume: the answer to a waiting approval, or what somebody found out about a begun action."""

    token: str | None = None
    approved: bool = False
    note: str = ""
    resolve: str | None = None


@dataclass(frozen=True)
class Start:
    """How the next session of a loop starts: by default from what is stored, as it is.

    ``limits`` go over the stored settings; ``loop_id`` names the loop in a database.
    """

    is_new: bool = False
    loop_id: str = ""
    goal: str | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    answer: Answer | None = None

    @classmethod
    def resume(
        cls,
        *,
        loop_id: str,
        goal: str | None,
        settings: Mapping[str, Any],
        extend: Mapping[str, Any] | None,
        approval: Mapping[str, Any] | None,
        resolve: str | None,
    ) -> Self:
        """Return the start of a resumed loop. Raises ``LoopConfigError`` for what cannot be understood.

        Of ``settings``, which the loop is made of, those that travel with its state go over the stored ones.
        """
        extend_config(LoopConfig(), dict(extend or {}))
        known = LoopConfig.__dataclass_fields__
        limits = {name: value for name, value in settings.items() if name in known}
        return cls(loop_id=loop_id, goal=goal, limits=limits | dict(extend or {}), answer=_read(approval, resolve))

    def check_answer(self, state: State, *, may_be_asked: bool) -> None:
        """Raise ``LoopConfigError`` for an answer nobody asked for, and a question nobody answers.

        ``may_be_asked`` says that somebody else can be asked whether there is an answer by now.
        """
        answer, asked = self.answer, state.pending_approval
        if answer is not None and answer.resolve is not None and state.intent is None:
            raise LoopConfigError(f"loop {state.loop_id}: no action is unresolved; leave out resolve=")
        token = None if answer is None else answer.token
        if asked is None:
            if token is not None and state.intent is None:  # else the action it allowed was begun, which is said
                raise LoopConfigError(
                    f"loop {state.loop_id}: no approval is waiting; this token was used, is expired or unknown"
                )
        elif is_expired(state):
            return
        elif token is None:
            if not may_be_asked:
                raise LoopConfigError(
                    f"loop {state.loop_id}: {asked.tool} waits for an approval; resume with "
                    "approval={'token': ..., 'approved': True or False}"
                )
        elif not is_token_of(token, asked):
            raise LoopConfigError(f"loop {state.loop_id}: this is not the token of the approval that waits")


def is_expired(state: State) -> bool:
    """Say whether the waiting approval is past its time."""
    asked = state.pending_approval
    return asked is not None and clock.now().timestamp() - asked.created_at > asked.ttl_s


def _read(approval: Mapping[str, Any] | None, resolve: str | None) -> Answer | None:
    if resolve is not None and resolve not in RESOLUTIONS:
        raise LoopConfigError(f"resolve: {resolve!r} is none of {', '.join(map(repr, RESOLUTIONS))}")
    if approval is None:
        return None if resolve is None else Answer(resolve=resolve)
    odd = sorted(set(approval) - {"token", "approved", "note"})
    token, approved = approval.get("token"), approval.get("approved")
    if odd or not isinstance(token, str) or not isinstance(approved, bool):
        raise LoopConfigError("approval: write {'token': '...', 'approved': True or False}")
    return Answer(token=token, approved=approved, note=str(approval.get("note", "")), resolve=resolve)


@dataclass(frozen=True)
class Fit:
    """What a loop is saved with. ``summarizer`` is the name of its model, empty without one."""

    schema_hash: str
    policies: Sequence[Policy]
    summarizer: str
    allow_schema_change: bool
    allow_policy_change: bool
    allow_artifact_drift: bool

    @cached_property
    def _named(self) -> tuple[str, tuple[str, ...]]:
        """Made once: what policies count while the loop runs makes no other policies of them."""
        return fingerprint(self.policies)

    @property
    def policy_fingerprint(self) -> str:
        """What names the policies as they were when the loop was made."""
        return self._named[0]

    def tell_unknown(self, say: Callable[[str], None]) -> None:
        """Say what of the policies cannot be told apart from another of its kind."""
        if unknown := self._named[1]:
            what = f"policies hold what cannot be told apart from another of its kind ({', '.join(unknown)})"
            say(f"{what}: a resume will not notice when that changes")

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
