"""Questions about calls: asked, waited for, answered, asked anew, and the one time an approved call is run."""

from __future__ import annotations

import json
from dataclasses import dataclass

import anyio

from tinman import clock
from tinman.config.modes import Mode
from tinman.errors import AwaitingApproval
from tinman.frozen import alter
from tinman.loop.approvals import questions as approval
from tinman.loop.approvals.gate import Gate
from tinman.loop.policies import Rules
from tinman.loop.result import LoopStatus, Stop
from tinman.loop.session.history import History
from tinman.loop.session.start import Answer, is_expired
from tinman.loop.session.world import Caller, Look, Observer
from tinman.loop.state.changes import Answered, Asked, Forgotten
from tinman.loop.state.records import Call, Intent, MetricSnapshot, PendingApproval
from tinman.loop.state.store import Store
from tinman.loop.trace import Trace
from tinman.processes.threads import OutOfTime
from tinman.review import Action, ApprovalRequest, Decision
from tinman.text.visible import shorten


@dataclass(frozen=True)
class Questions:
    """Puts calls before a reviewer, by way of the gate. ``ttl_s`` is how many seconds a question stays open."""

    history: History
    rules: Rules
    observer: Observer
    caller: Caller
    gate: Gate
    store: Store
    trace: Trace
    mode: Mode
    ttl_s: float

    async def ask(self, call: Call, reason: str) -> Stop | None:
        """Ask about one call; run it, end denied, or end waiting. Raises ``OutOfTime``."""
        state = self.history.state
        assert state.round is not None
        record = state.round.record
        action = self._action_about(call, reason, record.observation_digest, approval.new_nonce())
        token = approval.new_token()
        request = ApprovalRequest.of(action, token=token, ttl_s=self.ttl_s)
        mark = approval.hashed(token)[:12]
        self.trace.tell("approval.requested", tool=call.tool, token=mark, reason=reason)
        try:
            with anyio.move_on_after(self.history.budget.seconds_left) as deadline:
                decision = await self.gate.ask(request)
        except AwaitingApproval:
            self.trace.tell("approval.decision", token=mark, decision="PENDING", note="")
            return await self._wait_for(action, call, token, reason, record.metric)
        if deadline.cancelled_caught:
            raise OutOfTime
        if (stop := await self._weigh(decision, mark, call.tool)) is not None:
            return stop
        await self._perform_once(call, action.digest)
        return None

    async def _weigh(self, decision: Decision, mark: str, tool: str) -> Stop | None:
        """Tell of a decision; return how the loop ends, unless it allows the call and the ceilings do as well."""
        word = "APPROVED" if decision.approved else "DENIED"
        self.trace.tell("approval.decision", token=mark, decision=word, note=decision.reason)
        if not decision.approved:
            return await self._end_round(
                Stop(status=LoopStatus.APPROVAL_DENIED, reason=f"{tool} was denied: {decision.reason}")
            )
        if reached := self.history.find_reached_ceiling(in_round=True):
            self.trace.tell("budget.preempt", dropped_action=tool)
            return await self._end_round(Stop(status=LoopStatus.BUDGET_EXHAUSTED, reason=reached))
        return None

    async def _end_round(self, stop: Stop) -> Stop:
        """End the round, and with it the question that waits, if there is one; return ``stop``."""
        if self.history.state.pending_approval is not None:
            await self.history.commit(Answered())
        await self.history.close_round()
        return stop

    async def _wait_for(
        self, action: Action, call: Call, token: str, reason: str, metric: MetricSnapshot | None
    ) -> Stop:
        asked = approval.pending(token, action, call, self.history.state, metric, reason=reason, ttl_s=self.ttl_s)
        await self.history.commit(Asked(pending=asked))
        return Stop(
            status=LoopStatus.AWAITING_APPROVAL,
            reason=f"{call.tool} waits for an approval: {reason}",
            token=token,
        )

    async def _perform_once(self, call: Call, action_hash: str) -> None:
        """Run an approved call: its intent is durable first, so that it never runs twice and is never lost."""
        intent = Intent(
            key=f"act:{action_hash}",
            tool=call.tool,
            args=call.args,
            action_hash=action_hash,
            begun_at=clock.now().timestamp(),
        )
        await self.history.commit(Answered(intent=intent))
        record = await self.store.once(intent, lambda: self.caller.perform(call, approved_as=action_hash))
        await self.history.commit(self.history.change_by(record or self.caller.record_without_result(call)))

    # -- what an earlier session left open

    async def resolve(self, intent: Intent, answer: Answer | None) -> Stop | None:
        """Find out whether an action that was begun has happened, by the store or by ``answer``; end when nobody knows.

        One that happened is recorded without its result, one that did not may be asked about again.
        """
        happened = await self.store.has_happened(intent)
        if happened is None and answer is not None and answer.resolve is not None:
            happened = answer.resolve == "happened"
            await self.store.settle(intent, happened=happened)
        if happened is None:
            what = f"{intent.tool}({shorten(json.dumps(intent.args), 200)})"
            return Stop(
                status=LoopStatus.ERROR,
                reason=f"{what} was approved and begun, and nobody knows whether it happened",
                error="Unresolved",
                advice="look, then Loop.resume(..., resolve='happened') or resolve='did not happen'",
            )
        if not happened:
            await self.history.commit(Forgotten())
        elif (call := self.history.state.next_call) is not None:
            await self.history.commit(self.history.change_by(self.caller.record_without_result(call)))
        return None

    async def take_up(self, answer: Answer | None) -> Stop | None:
        """Take up a waiting approval. Whether there is an answer, and a right one, was checked before."""
        asked = self.history.state.pending_approval
        assert asked is not None
        mark = asked.token_hash[:12]
        if is_expired(self.history.state):
            self.trace.tell("approval.expired", token=mark)
            reason = f"nobody answered about {asked.tool} in {asked.ttl_s:g} s"
            return await self._end_round(Stop(status=LoopStatus.PENDING_EXPIRED, reason=reason))
        call = self.history.state.next_call
        action = None
        if call is not None:
            action = self._action_about(call, asked.reason, asked.observation_digest, asked.nonce)
        is_whole = answer is None or answer.token is None or approval.is_intact(answer.token, asked)
        if call is None or action is None or action.digest != asked.action_hash or not is_whole:
            self.trace.tell("approval.cancelled", token=mark, reason="altered")
            reason = f"the stored request about {asked.tool} is not the one that was asked; it is void"
            return await self._end_round(Stop(status=LoopStatus.ERROR, reason=reason, error="ApprovalAltered"))
        if answer is None or answer.token is None:
            try:
                decision = await self.gate.reask(action)
            except AwaitingApproval:
                reason = f"{asked.tool} still waits for an approval"
                return Stop(status=LoopStatus.AWAITING_APPROVAL, reason=reason)
        else:
            decision = await self.gate.answer(action, approved=answer.approved, note=answer.note)
        if (stop := await self._weigh(decision, mark, asked.tool)) is not None:
            return stop
        look = await self.observer.look(self.history.state)
        self.history.check_time()
        if _has_changed(asked, look):
            return await self._ask_anew(call, look, mark, asked.reason)
        # An approval never overrides a STOP, so the policies are asked for one again.
        if isinstance(forbidden := self.rules.judge(self.history.state, call), Stop):
            return await self._end_round(forbidden)
        await self._perform_once(call, asked.action_hash)
        return None

    def _action_about(self, call: Call, reason: str, seen: str, nonce: str) -> Action:
        """Return what is asked about ``call`` in the state as it is, with the digest of what was ``seen``."""
        state = self.history.state
        return approval.action_of(state, call, reason=reason, mode=self.mode, observation_digest=seen, nonce=nonce)

    async def _ask_anew(self, call: Call, look: Look, old_mark: str, reason: str) -> Stop:
        """The world changed: the answer is void, the same call is asked about with a fresh token."""
        token = approval.new_token()
        new_mark = approval.hashed(token)[:12]
        why = "what was observed is not what the answer was given for"
        self.trace.tell("approval.invalidated", old_token=old_mark, new_token=new_mark, reason=why)
        action = self._action_about(call, reason, look.digest, approval.new_nonce())
        await self.gate.announce(ApprovalRequest.of(action, token=token, ttl_s=self.ttl_s))
        stop = await self._wait_for(action, call, token, reason, look.metric)
        return alter(stop, reason=f"{call.tool} waits for a new approval: {why}")


def _has_changed(asked: PendingApproval, look: Look) -> bool:
    """Say whether the world is another one than when the question was asked: by the metric, else as observed."""
    if asked.precondition_metric is not None and look.metric is not None:
        return asked.precondition_metric != look.metric
    return asked.observation_digest != look.digest
