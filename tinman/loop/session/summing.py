"""Rounds that left the verbatim window, summed up by a model of their own."""

from __future__ import annotations

import structlog

from tinman.errors import BudgetExhausted, ProviderError
from tinman.loop import context
from tinman.loop.session.parts import Parts
from tinman.loop.state.changes import Summarised
from tinman.loop.state.records import State
from tinman.messages import Request, Usage, say
from tinman.text.cutting import whole

_log = structlog.get_logger(__name__)
SUMMARY_TOKENS = 400
SHOWN_CHARS = 4_000


async def summaries(parts: Parts, state: State) -> Summarised | None:
    """Return what the summarizer says of the rounds that left the window, ``None`` when there is nothing to say.

    Where it fails, or nothing is left to pay it with, the head and tail of the round are kept instead.
    """
    summarizer = parts.summarizer
    leaving = context.left_window(state)
    if summarizer is None or not leaving:
        return None
    texts, usage = [], Usage()
    for record in leaving:
        told = context.told(record, SHOWN_CHARS)
        request = Request(
            messages=(say("system", context.SUMMARY_PROMPT), say("user", told)),
            params={"max_tokens": min(SUMMARY_TOKENS, state.config.max_tokens_per_call)},
            session=state.loop_id,
        )
        try:
            reply = await summarizer.complete(request)
        except (BudgetExhausted, ProviderError) as error:
            _log.warning("loop.summary_failed", error=f"{type(error).__name__}: {error}")
            texts.append(told)
            continue
        usage = usage + reply.usage
        texts.append(parts.redact(whole(reply.message.text)) or told)
    return Summarised(texts=tuple(texts), summarizer=parts.summarizer_name, usage=usage, spent=parts.budget.spent)
