"""One session of a loop: the cycle, in its normative order, over whatever store keeps its changes."""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import structlog

from tinman import clock
from tinman.errors import AwaitingApproval, BudgetExhausted, LoopConfigError, LoopStateError, ProviderError, StoreError
from tinman.frozen import changed
from tinman.loop import approval, spending
from tinman.loop.acting import Acting
from tinman.loop.changes import (
    Acted,
    Answered,
    Asked,
    Change,
    Closed,
    Ended,
    Forgotten,
    Planned,
    apply,
)
from tinman.loop.observing import Observing
from tinman.loop.parts import Answer, Look, OutOfTime, Parts
from tinman.loop.planning import Planning
from tinman.loop.policies import Decision, DecisionKind, Policy
from tinman.loop.result import RECOMMENDED, LoopResult, LoopStatus, Stop
from tinman.loop.state import (
    ActionRecord,
    Call,
    Ending,
    Intent,
    IterationRecord,
    MetricSnapshot,
    PendingApproval,
    State,
)
from tinman.loop.store import Halted
from tinman.loop.summing import summaries
from tinman.loop.texts import head_and_tail
from tinman.review import Action
from tinman.visible import shorten

_log = structlog.get_logger(__name__)
INVALID_ROUNDS = 2


class Session:
    """Runs the cycle from ``state`` until something ends it. Every change is durable before the next thing happens."""

    def __init__(self, parts: Parts, state: State) -> None:
        self.state = state
        self._p = parts
        self._started = clock.monotonic()
        self._elapsed_before = state.metrics.elapsed_s

    @property
    def elapsed_s(self) -> float:
        """Wall clock of all sessions, this one included."""
        return self._elapsed_before + clock.monotonic() - self._started

    # -- changes

    async def commit(self, change: Change) -> None:
        """Make ``change`` durable and go on from the state it leads to."""
        after = apply(self.state, change)
        await self._p.store.commit(change, after)
        self._go_on_from(after)

    async def perform(self, work: Callable[[], Awaitable[Change]]) -> None:
        """Do ``work``, make the change it comes to durable, and go on from the state it leads to."""
        after: list[State] = []

        def led_to(change: Change) -> State:
            after.append(apply(self.state, change))
            return after[0]

        change = await self._p.store.perform(work, led_to)
        self._go_on_from(after[0] if after else led_to(change))

    def _go_on_from(self, after: State) -> None:
        rounds = len(self.state.iterations)
        self.state = after
        self._p.watch(after)
        if len(after.iterations) > rounds and self._p.trace.is_on:
            record = after.iterations[-1]
            self._p.trace.tell(
                "iteration.end",
                index=record.index,
                trend=record.trend,
                repetition=record.repetition,
                idle=record.idle,
                no_progress_streak=after.no_progress_streak,
                summarized_iterations=max((each.last + 1 for each in after.artifacts), default=0),
                accounting={"tokens": after.total_tokens, "spent_tokens": self._p.budget.spent.tokens},
            )

    # -- the whole

    async def run(self, answer: Answer | None) -> LoopResult:
        """Run to an end and write it down. Nothing but a cancellation leaves it: every failure is an ERROR result."""
        trace = self._p.trace
        try:
            trace.open()
            trace.tell("loop.start", goal=self.state.goal, limits=self._limits())
            stop = await self._rounds(answer)
        except OutOfTime:
            stop = self._stopped(LoopStatus.BUDGET_EXHAUSTED, self._reached() or "wall_clock_s reached")
        except BudgetExhausted as error:
            stop = self._stopped(
                LoopStatus.BUDGET_EXHAUSTED, spending.refused(self.state.config, self.state, self._p.budget, error)
            )
        except Halted:
            trace.close()
            raise
        except Exception as error:  # noqa: BLE001 - the loop's step: whatever fails ends it as ERROR, and is reported
            stop = self._failed(error)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._end(Stop(status=LoopStatus.ERROR, reason="cancelled", error="CancelledError"))
            raise
        if stop.status is LoopStatus.BUDGET_EXHAUSTED:
            stop = await self._last_look(stop)
        return await self._end(stop)

    async def _end(self, stop: Stop) -> LoopResult:
        ending = Ending(status=stop.status, reason=stop.reason, error=stop.error, metric=self.state.last_metric)
        try:
            await self.commit(Ended(ending=ending, elapsed_s=self.elapsed_s, spent=self._p.budget.spent))
        except (LoopStateError, StoreError, OSError) as error:
            _log.error("loop.end_not_stored", error=str(error))
            also = f"; and its end could not be stored: {error}"
            stop = changed(stop, status=LoopStatus.ERROR, reason=stop.reason + also, is_consistent=False)
            self.state = apply(self.state, Ended(ending=ending, elapsed_s=self.elapsed_s, spent=self._p.budget.spent))
            self._p.watch(self.state)
        try:
            self._p.trace.tell(
                "loop.end",
                status=stop.status,
                reason=stop.reason,
                error=stop.error,
                iterations=len(self.state.iterations),
                total_tokens=self.state.total_tokens,
            )
        except LoopStateError as error:
            _log.error("loop.trace_failed", error=str(error))
        finally:
            self._p.trace.close()
        return self._result(stop)

    def _result(self, stop: Stop) -> LoopResult:
        may_resume = stop.status is not LoopStatus.SUCCESS and stop.is_consistent
        return LoopResult(
            status=stop.status,
            reason=stop.reason,
            resumable=may_resume,
            recommended_action=stop.advice or RECOMMENDED[stop.status],
            iterations=len(self.state.iterations),
            metrics=self.state.metrics,
            state_path=self._p.store.path,
            approval_token=stop.token,
            loop_id=self.state.loop_id,
            error=stop.error,
        )

    def _stopped(self, status: LoopStatus, reason: str) -> Stop:
        return Stop(status=status, reason=reason)

    def _failed(self, error: Exception) -> Stop:
        self._report(error)
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        left = self._p.budget.seconds_left
        if isinstance(error, ProviderError | TimeoutError) and left is not None and left <= 0:
            why = f" ({type(error).__name__}: {shorten(str(error), 200)})"
            return self._stopped(LoopStatus.BUDGET_EXHAUSTED, (self._reached() or "wall_clock_s reached") + why)
        return Stop(
            status=LoopStatus.ERROR,
            reason=f"{type(error).__name__}: {shorten(str(error), 400)}",
            error=type(error).__name__,
            is_consistent=not isinstance(error, LoopStateError | StoreError),
        )

    def _report(self, error: Exception) -> None:
        """Write an error with its traceback into the trace; the log gets its class and words, no local values."""
        _log.error("loop.failed", loop_id=self.state.loop_id, error=f"{type(error).__name__}: {error}")
        with suppress(LoopStateError):  # the trace itself may be what failed
            lines = "".join(traceback.format_exception(error))
            self._p.trace.tell("loop.error", error=type(error).__name__, traceback=head_and_tail(lines, 16_384))

    def _limits(self) -> dict[str, Any]:
        config = self.state.config
        return {
            "max_iterations": config.max_iterations,
            "token_limit": config.token_limit,
            "wall_clock_s": config.wall_clock_s,
            "cost_limit_usd": config.cost_limit_usd,
        }

    def _reached(self) -> str:
        return spending.reached(self.state.config, self.state, self._p.budget)

    # -- the cycle

    async def _rounds(self, answer: Answer | None) -> Stop:
        stop = await self._go_on(answer)
        while stop is None:
            stop = await self._round()
        return stop

    async def _round(self) -> Stop | None:
        """Run one round: a ceilings, b policies, c observe, d measure, e event, f success, g plan, h act, j exits."""
        if reached := self._reached():
            return self._stopped(LoopStatus.BUDGET_EXHAUSTED, reached)
        if (stop := self._asked_policies()) is not None:
            return stop
        with self._p.trace.span():
            look = await Observing(self._p, self.state).look()
            self._check_time()
            index = len(self.state.iterations)
            value = None if look.metric is None else look.metric.value
            self._p.trace.tell("iteration.start", index=index, metric=value)
            record = IterationRecord(
                index=index, observation=look.observation, observation_digest=look.digest, metric=look.metric
            )
            if look.is_success:
                await self.commit(Planned(record=record, spent=self._p.budget.spent))
                return self._stopped(LoopStatus.SUCCESS, "the goal metric says success")
            stop = await self._plan(record, look)
            if stop is not None:
                return stop
            if self.state.round is not None:
                stop = await self._act()
            elif self.state.iterations[-1].plan_invalid:
                await self._summarise()
                return None
            await self._summarise()
            return stop or self._asked_exits()

    def _asked_policies(self) -> Stop | None:
        for policy in self._p.policies:
            decision = _decided(policy, policy.before_iteration(self.state))
            if decision.kind is DecisionKind.STOP:
                return self._policy_stop(policy, decision)
        return None

    def _judged(self, policy: Policy, call_: Call) -> Decision:
        """Ask one policy about one call; it gets a copy of the arguments."""
        return _decided(policy, policy.before_action(self.state, call_.tool, json.loads(json.dumps(call_.args))))

    def _policy_stop(self, policy: Policy, decision: Decision) -> Stop:
        self._p.trace.tell("policy.stop", policy=policy.name, reason=decision.reason)
        status = decision.status or LoopStatus.ERROR
        return Stop(
            status=status,
            reason=f"{policy.name}: {decision.reason}",
            error="PolicyStop" if status is LoopStatus.ERROR else "",
        )

    def _asked_exits(self) -> Stop | None:
        for condition in self._p.exits:
            if (hit := condition.evaluate(self.state)) is not None:
                return self._stopped(*hit)
        return None

    def _check_time(self) -> None:
        left = self._p.budget.seconds_left
        if left is not None and left <= 0:
            raise OutOfTime

    # -- observe

    async def _last_look(self, stop: Stop) -> Stop:
        """Look once more when a ceiling ends the loop: what the last round reached must not go unseen."""
        left = self._p.budget.seconds_left
        has_acted = bool(self.state.iterations and self.state.iterations[-1].actions)
        if self._p.metric is None or not has_acted or (left is not None and left <= 0):
            return stop
        try:
            look = await Observing(self._p, self.state).look()
        except OutOfTime:
            return stop
        except Exception as error:  # noqa: BLE001 - the loop ends anyway, for a reason that is known
            _log.warning("loop.last_look_failed", error=f"{type(error).__name__}: {error}")
            return changed(stop, reason=f"{stop.reason}; the last look failed: {type(error).__name__}")
        self.state = changed(self.state, last_metric=look.metric)
        if look.is_success:
            return self._stopped(LoopStatus.SUCCESS, f"the goal metric says success, as the loop ended ({stop.reason})")
        return stop

    # -- plan

    async def _plan(self, record: IterationRecord, look: Look) -> Stop | None:
        """Have a round planned and stored; return why the loop ends, if it does."""
        stops: list[Stop] = []

        async def work() -> Change:
            planned, stop = await Planning(self._p, self.state).planned(record, look)
            stops.extend([stop] if stop is not None else [])
            return planned

        await self.perform(work)
        if stops:
            return stops[0]
        if self.state.round is None and self.state.plan_invalid_streak >= INVALID_ROUNDS:
            errors = "; ".join(self.state.iterations[-1].errors)
            reason = f"{self.state.plan_invalid_streak} rounds in a row without a valid plan: {errors}"
            return self._stopped(LoopStatus.PLAN_FAILED, shorten(reason, 400))
        return None

    # -- act

    async def _act(self) -> Stop | None:
        """Make the calls of the open round that are not made yet: ceilings, gate, execution, each in turn."""
        while (open_round := self.state.round) is not None:
            call_ = open_round.calls[len(open_round.record.actions)]
            if reached := self._reached_in_round():
                self._p.trace.tell("budget.preempt", dropped_action=call_.tool)
                await self._close_round()
                return self._stopped(LoopStatus.BUDGET_EXHAUSTED, reached)
            with self._p.trace.span():
                stop = await self._gated(call_)
            if stop is not None:
                return stop
        return None

    def _reached_in_round(self) -> str:
        return spending.reached(self.state.config, self.state, self._p.budget, in_round=True)

    async def _close_round(self) -> None:
        """End the open round: what ran is recorded, what did not is named."""
        if self.state.round is not None:
            done = len(self.state.round.record.actions)
            await self.commit(Closed(dropped=tuple(call_.tool for call_ in self.state.round.calls[done:])))

    async def _gated(self, call_: Call) -> Stop | None:
        pause: Decision | None = None
        for policy in self._p.policies:
            decision = self._judged(policy, call_)
            if decision.kind is DecisionKind.STOP:
                stop = self._policy_stop(policy, decision)
                await self._close_round()
                return stop
            if decision.kind is DecisionKind.PAUSE:
                pause = pause or decision
        if pause is None:

            async def work() -> Change:
                return Acted(action=await Acting(self._p).perform(call_), **self._used())

            await self.perform(work)
            return None
        return await self._asked(call_, pause.reason)

    async def _asked(self, call_: Call, reason: str) -> Stop | None:
        """Ask about one call; run it, end denied, or end waiting."""
        assert self.state.round is not None
        record = self.state.round.record
        action = approval.action_of(
            self.state,
            call_,
            reason=reason,
            mode=self._p.mode,
            observation_digest=record.observation_digest,
            nonce=approval.new_nonce(),
            state_version=self.state.state_version,
        )
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
            await self._close_round()
            return self._stopped(LoopStatus.APPROVAL_DENIED, f"{call_.tool} was denied: {decision.reason}")
        if reached := self._reached_in_round():
            self._p.trace.tell("budget.preempt", dropped_action=call_.tool)
            await self._close_round()
            return self._stopped(LoopStatus.BUDGET_EXHAUSTED, reached)
        await self._perform_once(call_, action.digest)
        return None

    def _request(self, call_: Call, action: Action, token: str, reason: str) -> approval.ApprovalRequest:
        return approval.ApprovalRequest(
            token=token,
            tool=call_.tool,
            args=approval.deep_frozen(call_.args),
            reason=reason,
            action_hash=action.digest,
            state_version=self.state.state_version,
            created_at=clock.now().timestamp(),
            ttl_s=self._p.ttl_s,
        )

    async def _wait_for(
        self, action: Action, call_: Call, token: str, reason: str, metric: MetricSnapshot | None
    ) -> Stop:
        asked = approval.pending(token, action, call_, self.state, metric, reason=reason, ttl_s=self._p.ttl_s)
        await self.commit(Asked(pending=asked))
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
        await self.commit(Answered(intent=intent))
        made: list[ActionRecord] = []

        async def work() -> None:
            made.append(await Acting(self._p).perform(call_, approved_as=action_hash))

        await self._p.store.once(intent, work)
        outcome = (
            made[0] if made else Acting(self._p).unknown(call_, "it happened; its result was lost with the process")
        )
        await self.commit(Acted(action=outcome, **self._used()))

    def _used(self) -> dict[str, Any]:
        return {"elapsed_s": self.elapsed_s, "spent": self._p.budget.spent}

    # -- going on

    async def _go_on(self, answer: Answer | None) -> Stop | None:
        """Finish what an earlier session left open: an intent, an approval, a plan."""
        if self.state.intent is not None:
            stop = await self._resolved(self.state.intent, answer)
            if stop is not None:
                return stop
        if self.state.pending_approval is not None:
            with self._p.trace.span():
                stop = await self._answered(answer)
            if stop is not None:
                return stop
        if self.state.round is not None:
            stop = await self._act()
            await self._summarise()
            return stop or self._asked_exits()
        return None

    async def _resolved(self, intent: Intent, answer: Answer | None) -> Stop | None:
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
            await self.commit(Forgotten())
            return None
        if self.state.round is not None:
            call_ = self.state.round.calls[len(self.state.round.record.actions)]
            record = Acting(self._p).unknown(call_, "it happened; its result was lost with the process")
            await self.commit(Acted(action=record, **self._used()))
        return None

    async def _answered(self, answer: Answer | None) -> Stop | None:
        """Take up a waiting approval. Whether there is an answer, and a right one, was checked before."""
        asked = self.state.pending_approval
        assert asked is not None
        mark = asked.token_hash[:12]
        if is_expired(self.state):
            self._p.trace.tell("approval.expired", token=mark)
            await self.commit(Answered())
            await self._close_round()
            return self._stopped(LoopStatus.PENDING_EXPIRED, f"nobody answered about {asked.tool} in {asked.ttl_s:g} s")
        open_round = self.state.round
        call_ = None if open_round is None else open_round.calls[len(open_round.record.actions)]
        action = None if call_ is None else self._same_question(asked, call_)
        is_whole = answer is None or answer.token is None or approval.is_intact(answer.token, asked)
        if call_ is None or action is None or action.digest != asked.action_hash or not is_whole:
            self._p.trace.tell("approval.cancelled", token=mark, reason="altered")
            await self.commit(Answered())
            await self._close_round()
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
                return self._stopped(LoopStatus.AWAITING_APPROVAL, f"{asked.tool} still waits for an approval")
        else:
            decision = await self._p.gate.answer(action, approved=answer.approved, note=answer.note)
        told = "APPROVED" if decision.approved else "DENIED"
        self._p.trace.tell("approval.decision", token=mark, decision=told, note=decision.reason)
        if not decision.approved:
            await self.commit(Answered())
            await self._close_round()
            return self._stopped(LoopStatus.APPROVAL_DENIED, f"{asked.tool} was denied: {decision.reason}")
        if reached := self._reached_in_round():
            self._p.trace.tell("budget.preempt", dropped_action=asked.tool)
            await self.commit(Answered())
            await self._close_round()
            return self._stopped(LoopStatus.BUDGET_EXHAUSTED, reached)
        look = await Observing(self._p, self.state).look()
        self._check_time()
        if self._has_changed(look):
            return await self._asked_anew(call_, look, mark, asked.reason)
        if (stop := await self._forbidden(call_)) is not None:
            return stop
        await self._perform_once(call_, asked.action_hash)
        return None

    def _same_question(self, asked: PendingApproval, call_: Call) -> Action:
        return approval.action_of(
            self.state,
            call_,
            reason=asked.reason,
            mode=self._p.mode,
            observation_digest=asked.observation_digest,
            nonce=asked.nonce,
            state_version=self.state.state_version,
        )

    def _has_changed(self, look: Look) -> bool:
        """Say whether the world is another one than when the question was asked: by the metric, else as observed."""
        asked = self.state.pending_approval
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
        action = approval.action_of(
            self.state,
            call_,
            reason=reason,
            mode=self._p.mode,
            observation_digest=look.digest,
            nonce=approval.new_nonce(),
            state_version=self.state.state_version,
        )
        await self._p.gate.announce(action, self._request(call_, action, token, reason))
        stop = await self._wait_for(action, call_, token, reason, look.metric)
        return changed(stop, reason=f"{call_.tool} waits for a new approval: {why}")

    async def _forbidden(self, call_: Call) -> Stop | None:
        """Ask the policies for a STOP once more: an approval never overrides one."""
        for policy in self._p.policies:
            decision = self._judged(policy, call_)
            if decision.kind is DecisionKind.STOP:
                stop = self._policy_stop(policy, decision)
                await self.commit(Answered())
                await self._close_round()
                return stop
        return None

    # -- summaries

    async def _summarise(self) -> None:
        """Have the rounds that left the window summed up, if there is a summarizer."""
        change = await summaries(self._p, self.state)
        if change is not None:
            await self.commit(change)


def _decided(policy: Policy, decision: object) -> Decision:
    if not isinstance(decision, Decision):
        raise LoopConfigError(f"policy {policy.name} returned a {type(decision).__name__}; return a Decision")
    return decision


def is_expired(state: State) -> bool:
    """Say whether the waiting approval is past its time."""
    asked = state.pending_approval
    return asked is not None and clock.now().timestamp() - asked.created_at > asked.ttl_s
