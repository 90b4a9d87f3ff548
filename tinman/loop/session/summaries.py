"""Summaries, by a model of their own, of the rounds that left the verbatim window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from tinman.budget import Budget
from tinman.errors import BudgetExhausted, ProviderError
from tinman.loop import context
from tinman.loop.state.changes import Summarised
from tinman.loop.state.records import State
from tinman.messages import Request, Usage, say
from tinman.models.metered import Metered
from tinman.text.storable import whole

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
