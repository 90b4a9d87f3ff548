"""What a loop's models are asked: plans, their mistakes told to the model three times at most, and summaries."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from tinman import clock
from tinman.budget import Budget
from tinman.errors import BudgetExhausted, ProviderError
from tinman.frozen import alter, make
from tinman.loop import context
from tinman.loop.pricing import Pricing
from tinman.loop.result import LoopStatus, Stop
from tinman.loop.session import ceilings
from tinman.loop.session.measured import MeasuredPrompts
from tinman.loop.state.changes import Planned, Summarised
from tinman.loop.state.records import Call, IterationRecord, State
from tinman.loop.tools.tools import ToolRegistry
from tinman.loop.trace import Trace
from tinman.messages import FILTERED, Message, Reply, Request, Usage, say
from tinman.models.metered import Metered
from tinman.text.cutting import head_and_tail
from tinman.text.storable import whole
from tinman.text.visible import shorten

PLAN_CHARS = 16_384
ATTEMPTS = 3


@dataclass(frozen=True)
class Planner:
    """Asks the model what to do next, with the tools of the registry."""

    registry: ToolRegistry
    model: Metered
    pricing: Pricing
    budget: Budget
    trace: Trace
    redact: Callable[[str], str]

    @property
    def has_tools(self) -> bool:
        """Whether the model could have called something."""
        return bool(self.registry.specs)

    async def plan(self, state: State, record: IterationRecord) -> tuple[Planned, Stop | None]:
        """Ask for a plan of the round that ``record`` begins, up to three times.

        Returns the plan, or the invalid round, and why the loop ends with it, if it does. Raises ``BudgetExhausted``
        when not even the first question fits.
        """
        messages: tuple[Message, ...] = context.prompt(state, record.observation)
        usage = Usage()
        errors: tuple[str, ...] = ()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.trace.span():
                    reply = await self._ask(state, messages, attempt)
            except BudgetExhausted as error:
                if attempt == 1:
                    raise
                stop = Stop(
                    status=LoopStatus.BUDGET_EXHAUSTED,
                    reason=ceilings.explain_refusal(state, self.budget, error),
                )
                return self._invalid(record, errors, usage), stop
            usage = usage + reply.usage
            record = alter(
                record,
                plan_text=self.redact(head_and_tail(whole(reply.message.text), PLAN_CHARS)),
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
            )
            errors = self._mistakes(reply)
            if errors:
                self.trace.tell("plan.invalid", attempt=attempt, errors=list(errors))
            if over := ceilings.overrun(state.config, self.budget):
                dropped = tuple(use.name for use in reply.message.calls)
                self.trace.tell("budget.preempt", dropped_action=", ".join(dropped))
                cut = alter(self._invalid(record, errors, usage).record, dropped=dropped, plan_invalid=bool(errors))
                stop = Stop(status=LoopStatus.BUDGET_EXHAUSTED, reason=over)
                return Planned(record=cut, usage=usage, spent=self.budget.spent), stop
            if not errors:
                calls = tuple(
                    make(Call, id=f"{record.index}.{number}", tool=use.name, args=use.arguments)
                    for number, use in enumerate(reply.message.calls)
                )
                record = alter(record, idle=not calls)
                return make(Planned, record=record, calls=calls, usage=usage, spent=self.budget.spent), None
            messages = (*messages, say("assistant", _write_out(reply)), say("user", _ask_again(errors)))
        return self._invalid(record, errors, usage), None

    def _invalid(self, record: IterationRecord, errors: tuple[str, ...], usage: Usage) -> Planned:
        bad = alter(record, plan_invalid=True, errors=tuple(self.redact(each) for each in errors))
        return Planned(record=bad, usage=usage, spent=self.budget.spent)

    async def _ask(self, state: State, messages: tuple[Message, ...], attempt: int) -> Reply:
        request = make(
            Request,
            params={},
            messages=messages,
            tools=self.registry.specs,
            session=state.loop_id,
            seed=len(state.iterations),
        )
        bound = self.model.metering.prompt_bound
        cap = ceilings.output_cap(bound(request), state.config, self.budget, self.pricing)
        started = clock.monotonic()
        reply = await self.model.complete(alter(request, params={"max_tokens": cap}))
        if isinstance(bound, MeasuredPrompts):
            bound.learn(request, reply.usage)
        self.trace.tell(
            "llm.call",
            model=self.model.name,
            provider=self.model.provider,
            duration_s=round(clock.monotonic() - started, 6),
            input_tokens=reply.usage.input_tokens,
            output_tokens=reply.usage.output_tokens,
            attempt=attempt,
        )
        return reply

    def _mistakes(self, reply: Reply) -> tuple[str, ...]:
        wrong = []
        for use in reply.message.calls:
            if use.malformed is not None:
                wrong.append(f"{use.name}: the arguments are not a JSON object: {shorten(use.malformed, 100)}")
            elif mistake := self.registry.find_mistake(use.name, use.arguments):
                wrong.append(mistake)
        if (words := reply.extra.get(FILTERED)) is not None:
            wrong.append(f"the provider's filter stopped the reply: {words}")
        if reply.stop == "length":
            wrong.append("the reply was cut off at max_tokens; make fewer or shorter calls, or say less")
        if reply.stop == "refusal" and FILTERED not in reply.extra:
            wrong.append(f"the model refused: {shorten(reply.message.text, 200) or 'it gave no reason'}")
        return tuple(wrong)


def _write_out(reply: Reply) -> str:
    """Return a reply as the model may be shown it again: its text, or its calls as JSON."""
    calls = [
        {"name": use.name, "arguments": use.arguments if use.malformed is None else use.malformed}
        for use in reply.message.calls
    ]
    text = whole(reply.message.text)
    return head_and_tail(text or json.dumps(calls), PLAN_CHARS)


def _ask_again(errors: Sequence[str]) -> str:
    lines = "\n".join(f"- {head_and_tail(whole(error), 500)}" for error in errors[:20])
    return f"None of these calls was made:\n{lines}\nSend the whole reply again, mended."


_log = structlog.get_logger(__name__)
SUMMARY_TOKENS = 400
SHOWN_CHARS = 4_000


@dataclass(frozen=True)
class Summarizer:
    """Sums up rounds with ``model``; without one there is nothing to say."""

    model: Metered | None
    budget: Budget
    redact: Callable[[str], str]

    async def sum_up(self, state: State) -> Summarised | None:
        """Return the summaries of the rounds that left the window, ``None`` when there are none.

        Where the model fails, or nothing is left to pay it with, the head and tail of the round are kept instead.
        """
        if self.model is None or not (leaving := context.find_leaving(state)):
            return None
        texts, usage = [], Usage()
        for record in leaving:
            shown = context.describe(record, SHOWN_CHARS)
            request = Request(
                messages=(say("system", context.SUMMARY_PROMPT), say("user", shown)),
                params={"max_tokens": min(SUMMARY_TOKENS, state.config.max_tokens_per_call)},
                session=state.loop_id,
            )
            try:
                reply = await self.model.complete(request)
            except (BudgetExhausted, ProviderError) as error:
                _log.warning("loop.summary_failed", error=f"{type(error).__name__}: {error}")
                texts.append(shown)
                continue
            usage = usage + reply.usage
            texts.append(self.redact(whole(reply.message.text)) or shown)
        return Summarised(texts=tuple(texts), summarizer=self.model.name, usage=usage, spent=self.budget.spent)
