"""Questions about calls: asked, waited for, answered, asked anew, and the one time an approved call is run."""

from __future__ import annotations

import json

import anyio

from tinman import clock
from tinman.errors import AwaitingApproval
from tinman.frozen import changed
from tinman.loop.approvals import approval
from tinman.loop.policies import DecisionKind
from tinman.loop.result import LoopStatus, Stop
from tinman.loop.session.acting import Acting
from tinman.loop.session.course import Course, stopped
from tinman.loop.session.observing import Observing
from tinman.loop.session.parts import Answer, Look, OutOfTime, Parts
from tinman.loop.state.changes import Acted, Answered, Asked, Forgotten
from tinman.loop.state.records import ActionRecord, Call, Intent, MetricSnapshot, State
from tinman.review import Action
from tinman.text.visible import shorten


class Questions:
    """Puts calls before a reviewer on behalf of a session."""

    def __init__(self, parts: Parts, course: Course) -> None:
        self._p = parts
        self._course = course

    async def ask(self, call_: Call, reason: str) -> Stop | None:
        """Ask about one call; run it, end denied, or end waiting."""
        assert self._course.state.round is not None
        record = self._course.state.round.record
        action = self._action(call_, reason, record.observation_digest, approval.new_nonce())
        token = approval.new_token()
        request = self._request(call_, action, token, reason)
        mark = approval.hashed(token)[:12]
        self._p.trace.tell("approval.requested", tool=call_.tool, token=mark, reason=reason)
        try:
            with anyio.move_on_after(self._p.budget.seconds_left) as deadline:
                decision = await self._p.gate.ask(action, request)
        except AwaitingApproval:
            self._p.trace.tell("approval.decision", token=mark, decision="PENDING", note="")
            return await self._wait_for(action, call_, token, reason, record.metric)
        if deadline.cancelled_caught:
            raise OutOfTime
        told = "APPROVED" if decision.approved else "DENIED"
        self._p.trace.tell("approval.decision", token=mark, decision=told, note=decision.reason)
        if not decision.approved:
            await self._course.close_round()
            return stopped(LoopStatus.APPROVAL_DENIED, f"{call_.tool} was denied: {decision.reason}")
        if reached := self._course.reached(in_round=True):
            self._p.trace.tell("budget.preempt", dropped_action=call_.tool)
            await self._course.close_round()
            return stopped(LoopStatus.BUDGET_EXHAUSTED, reached)
        await self._perform_once(call_, action.digest)
        return None

    def _request(self, call_: Call, action: Action, token: str, reason: str) -> approval.ApprovalRequest:
        return approval.ApprovalRequest(
            token=token,
            tool=call_.tool,
            args=approval.deep_frozen(call_.args),
            reason=reason,
            action_hash=action.digest,
            state_version=self._course.state.state_version,
            created_at=clock.now().timestamp(),
            ttl_s=self._p.ttl_s,
        )

    async def _wait_for(
        self, action: Action, call_: Call, token: str, reason: str, metric: MetricSnapshot | None
    ) -> Stop:
        asked = approval.pending(token, action, call_, self._course.state, metric, reason=reason, ttl_s=self._p.ttl_s)
        await self._course.commit(Asked(pending=asked))
        return Stop(
            status=LoopStatus.AWAITING_APPROVAL,
            reason=f"{call_.tool} waits for an approval: {reason}",
            token=token,
        )

    async def _perform_once(self, call_: Call, action_hash: str) -> None:
        """Run an approved call: its intent is durable first, so that it never runs twice and is never lost."""
        intent = Intent(
            key=f"act:{action_hash}",
            tool=call_.tool,
            args=call_.args,
            action_hash=action_hash,
            begun_at=clock.now().timestamp(),
        )
        await self._course.commit(Answered(intent=intent))
        made: list[ActionRecord] = []

        async def work() -> None:
            made.append(await Acting(self._p).perform(call_, approved_as=action_hash))

        await self._p.store.once(intent, work)
        outcome = (
            made[0] if made else Acting(self._p).unknown(call_, "it happened; its result was lost with the process")
        )
        await self._course.commit(Acted(action=outcome, **self._course.used()))

    # -- what an earlier session left open

    async def resolve(self, intent: Intent, answer: Answer | None) -> Stop | None:
        told = f"{intent.tool}({shorten(json.dumps(intent.args), 200)})"
        happened = await self._p.store.happened(intent)
        if happened is None and answer is not None and answer.resolve is not None:
            happened = answer.resolve == "happened"
            await self._p.store.settle(intent, happened=happened)
        if happened is None:
            return Stop(
                status=LoopStatus.ERROR,
                reason=f"{told} was approved and begun, and nobody knows whether it happened",
                error="Unresolved",
                advice="look, then Loop.resume(..., resolve='happened') or resolve='did not happen'",
            )
        if not happened:
            await self._course.commit(Forgotten())
            return None
        if self._course.state.round is not None:
            call_ = self._course.state.round.calls[len(self._course.state.round.record.actions)]
            record = Acting(self._p).unknown(call_, "it happened; its result was lost with the process")
            await self._course.commit(Acted(action=record, **self._course.used()))
        return None

    async def take_up(self, answer: Answer | None) -> Stop | None:
        """Take up a waiting approval. Whether there is an answer, and a right one, was checked before."""
        asked = self._course.state.pending_approval
        assert asked is not None
        mark = asked.token_hash[:12]
        if is_expired(self._course.state):
            self._p.trace.tell("approval.expired", token=mark)
            await self._course.commit(Answered())
            await self._course.close_round()
            return stopped(LoopStatus.PENDING_EXPIRED, f"nobody answered about {asked.tool} in {asked.ttl_s:g} s")
        open_round = self._course.state.round
        call_ = None if open_round is None else open_round.calls[len(open_round.record.actions)]
        action = None if call_ is None else self._action(call_, asked.reason, asked.observation_digest, asked.nonce)
        is_whole = answer is None or answer.token is None or approval.is_intact(answer.token, asked)
        if call_ is None or action is None or action.digest != asked.action_hash or not is_whole:
            self._p.trace.tell("approval.cancelled", token=mark, reason="altered")
            await self._course.commit(Answered())
            await self._course.close_round()
            return Stop(
                status=LoopStatus.ERROR,
                reason=f"the stored request about {asked.tool} is not the one that was asked; it is void",
                error="ApprovalAltered",
            )
        token = None if answer is None else answer.token
        if token is None or answer is None:
            try:
                decision = await self._p.gate.reask(action)
            except AwaitingApproval:
                return stopped(LoopStatus.AWAITING_APPROVAL, f"{asked.tool} still waits for an approval")
        else:
            decision = await self._p.gate.answer(action, approved=answer.approved, note=answer.note)
        told = "APPROVED" if decision.approved else "DENIED"
        self._p.trace.tell("approval.decision", token=mark, decision=told, note=decision.reason)
        if not decision.approved:
            await self._course.commit(Answered())
            await self._course.close_round()
            return stopped(LoopStatus.APPROVAL_DENIED, f"{asked.tool} was denied: {decision.reason}")
        if reached := self._course.reached(in_round=True):
            self._p.trace.tell("budget.preempt", dropped_action=asked.tool)
            await self._course.commit(Answered())
            await self._course.close_round()
            return stopped(LoopStatus.BUDGET_EXHAUSTED, reached)
        look = await Observing(self._p, self._course.state).look()
        self._course.check_time()
        if self._has_changed(look):
            return await self._asked_anew(call_, look, mark, asked.reason)
        if (stop := await self._forbidden(call_)) is not None:
            return stop
        await self._perform_once(call_, asked.action_hash)
        return None

    def _action(self, call_: Call, reason: str, observation_digest: str, nonce: str) -> Action:
        """Return what is asked about ``call_`` in the state as it is."""
        return approval.action_of(
            self._course.state,
            call_,
            reason=reason,
            mode=self._p.mode,
            observation_digest=observation_digest,
            nonce=nonce,
            state_version=self._course.state.state_version,
        )

    def _has_changed(self, look: Look) -> bool:
        """Say whether the world is another one than when the question was asked: by the metric, else as observed."""
        asked = self._course.state.pending_approval
        assert asked is not None
        if asked.precondition_metric is not None and look.metric is not None:
            return asked.precondition_metric != look.metric
        return asked.observation_digest != look.digest

    async def _asked_anew(self, call_: Call, look: Look, old_mark: str, reason: str) -> Stop:
        """The world changed: the answer is void, the same call is asked about with a fresh token."""
        token = approval.new_token()
        new_mark = approval.hashed(token)[:12]
        why = "what was observed is not what the answer was given for"
        self._p.trace.tell("approval.invalidated", old_token=old_mark, new_token=new_mark, reason=why)
        action = self._action(call_, reason, look.digest, approval.new_nonce())
        await self._p.gate.announce(action, self._request(call_, action, token, reason))
        stop = await self._wait_for(action, call_, token, reason, look.metric)
        return changed(stop, reason=f"{call_.tool} waits for a new approval: {why}")

    async def _forbidden(self, call_: Call) -> Stop | None:
        """Ask the policies for a STOP once more: an approval never overrides one."""
        for policy in self._p.policies:
            decision = self._course.judged(policy, call_)
            if decision.kind is DecisionKind.STOP:
                stop = self._course.policy_stop(policy, decision)
                await self._course.commit(Answered())
                await self._course.close_round()
                return stop
        return None


def is_expired(state: State) -> bool:
    """Say whether the waiting approval is past its time."""
    asked = state.pending_approval
    return asked is not None and clock.now().timestamp() - asked.created_at > asked.ttl_s
