"""One plan: the model asked within the ceilings, its calls checked, its mistakes told to it, three times at most."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tinman import clock
from tinman.errors import BudgetExhausted
from tinman.frozen import changed, made
from tinman.loop import context
from tinman.loop.result import LoopStatus, Stop
from tinman.loop.session import spending
from tinman.loop.session.parts import Look, Parts
from tinman.loop.state.changes import Planned
from tinman.loop.state.records import Call, IterationRecord, State
from tinman.messages import Message, Reply, Request, Usage, say
from tinman.text.cutting import head_and_tail, whole
from tinman.text.visible import shorten

PLAN_CHARS = 16_384
ATTEMPTS = 3


class Planning:
    """Asks the model on behalf of a loop in ``state``."""

    def __init__(self, parts: Parts, state: State) -> None:
        self.state = state
        self._p = parts

    async def planned(self, record: IterationRecord, look: Look) -> tuple[Planned, Stop | None]:
        """Ask for a plan, up to three times; return what came of it, and why the loop ends with it, if it does."""
        messages: tuple[Message, ...] = context.prompt(self.state, look.observation)
        usage = Usage()
        errors: tuple[str, ...] = ()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._p.trace.span():
                    reply = await self._ask(messages, attempt)
            except BudgetExhausted as error:
                if attempt == 1:
                    raise
                stop = Stop(
                    status=LoopStatus.BUDGET_EXHAUSTED,
                    reason=spending.refused(self.state.config, self.state, self._p.budget, error),
                )
                return self._invalid(record, errors, usage), stop
            usage = usage + reply.usage
            record = changed(
                record,
                plan_text=self._p.redact(head_and_tail(whole(reply.message.text), PLAN_CHARS)),
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
            )
            errors = self._mistakes(reply)
            if errors:
                self._p.trace.tell("plan.invalid", attempt=attempt, errors=list(errors))
            if over := spending.overrun(self.state.config, self._p.budget):
                dropped = tuple(use.name for use in reply.message.calls)
                self._p.trace.tell("budget.preempt", dropped_action=", ".join(dropped))
                cut = changed(self._invalid(record, errors, usage).record, dropped=dropped, plan_invalid=bool(errors))
                stop = Stop(status=LoopStatus.BUDGET_EXHAUSTED, reason=over)
                return Planned(record=cut, usage=usage, spent=self._p.budget.spent), stop
            if not errors:
                calls = tuple(
                    made(Call, id=f"{record.index}.{number}", tool=use.name, args=use.arguments)
                    for number, use in enumerate(reply.message.calls)
                )
                record = changed(record, idle=not calls)
                return made(Planned, record=record, calls=calls, usage=usage, spent=self._p.budget.spent), None
            messages = (*messages, say("assistant", _written(reply)), say("user", _correction(errors)))
        return self._invalid(record, errors, usage), None

    def _invalid(self, record: IterationRecord, errors: tuple[str, ...], usage: Usage) -> Planned:
        bad = changed(record, plan_invalid=True, errors=tuple(self._p.redact(each) for each in errors))
        return Planned(record=bad, usage=usage, spent=self._p.budget.spent)

    async def _ask(self, messages: tuple[Message, ...], attempt: int) -> Reply:
        request = made(
            Request,
            params={},
            messages=messages,
            tools=self._p.registry.specs,
            session=self.state.loop_id,
            seed=len(self.state.iterations),
        )
        cap = spending.output_cap(request, self.state.config, self._p.budget, self._p.pricing)
        started = clock.monotonic()
        reply = await self._p.metered.complete(changed(request, params={"max_tokens": cap}))
        self._p.trace.tell(
            "llm.call",
            model=self._p.metered.name,
            provider=self._p.metered.provider,
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
            elif told := self._p.registry.checked(use.name, use.arguments):
                wrong.append(told)
        if reply.stop == "length" and reply.message.calls:
            wrong.append("the reply was cut off at max_tokens; make fewer or shorter calls")
        return tuple(wrong)


def _written(reply: Reply) -> str:
    """Return a reply as the model may be shown it again: its text, or its calls as JSON."""
    calls = [
        {"name": use.name, "arguments": use.arguments if use.malformed is None else use.malformed}
        for use in reply.message.calls
    ]
    text = whole(reply.message.text)
    return head_and_tail(text or json.dumps(calls), PLAN_CHARS)


def _correction(errors: Sequence[str]) -> str:
    lines = "\n".join(f"- {head_and_tail(whole(error), 500)}" for error in errors[:20])
    return f"None of these calls was made:\n{lines}\nSend the whole reply again, mended."
