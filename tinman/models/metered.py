"""``Metered``: budget, retries, deadlines, rate limit, prices and events around any ``Model``.

Each attempt reserves an upper bound of what it can cost before it starts and is settled with what it did cost, so no
ceiling is overshot whatever the concurrency.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import anyio

from tinman.budget import Budget
from tinman.events import EventBus
from tinman.messages import Call, Reply, Request, Usage
from tinman.models import prices
from tinman.models.attempts import Bounded, Priced, Retried, Timed
from tinman.models.base import Model, price_provider_of
from tinman.models.limiter import ProviderLimiter


@dataclass(frozen=True, kw_only=True)
class Metering:
    """How calls are made. ``max_attempts`` counts the first one; ``max_tokens_default`` is sent when a request names
    none; ``price_overrides`` are keyed ``"provider:model"``."""

    limiter: ProviderLimiter = field(default_factory=ProviderLimiter)
    bus: EventBus | None = None
    max_attempts: int = 4
    attempt_timeout_seconds: float = 60.0
    max_tokens_default: int = 1024
    backoff_seconds: float = 0.5
    price_overrides: Mapping[str, prices.Rate] | None = None
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep


class Metered:
    """A ``Model`` around a ``Model``, on ``budget``. ``usage`` is what it used so far."""

    def __init__(self, model: Model, metering: Metering | None = None, *, budget: Budget) -> None:
        how = metering or Metering()
        self.model = model
        self.provider = model.provider
        self.name = model.name
        self.price_provider = price_provider_of(model)
        self.budget = budget
        self.metering = how
        self.usage = Usage()
        self._above: Metered | None = None
        name = f"{self.provider}:{self.name}"
        timed = Timed(model.complete, name, how.attempt_timeout_seconds, budget)
        self._priced = Priced(timed.complete, name, (self.price_provider, self.name), budget, how.price_overrides)
        retried = Retried(
            self._priced.complete,
            how.limiter,
            budget,
            max(1, how.max_attempts),
            how.backoff_seconds,
            how.sleep,
            self._tell,
        )
        self._complete: Call = Bounded(retried.complete, how.max_tokens_default).complete

    @property
    def limiter(self) -> ProviderLimiter:
        """How many calls may run against the provider's endpoint at once."""
        return self.metering.limiter

    def on(self, budget: Budget) -> Metered:
        """Return the same meter on ``budget``, a share of this one's: what it uses is counted here, too.

        For a loop inside a metered cycle. A meter around a meter would try every call again as often as both say.
        """
        share = Metered(self.model, self.metering, budget=budget)
        share._above = self
        return share

    def price(self, usage: Usage) -> int | None:
        """Return what ``usage`` would cost here, in nano-dollars, or ``None`` when no price is known."""
        return self._priced.price(usage)

    async def complete(self, request: Request) -> Reply:
        """Return the model's reply; its usage counts every attempt made and is priced.

        Raises what the last attempt raised, ``BudgetExhausted`` when no attempt fits any more, ``RateLimited`` when no
        place came free in time, and ``ConfigError`` when a dollar ceiling meets a model of unknown price.
        """
        reply = await self._complete(request)
        self._count(reply.usage)
        return reply

    async def aclose(self) -> None:
        """Close the model underneath."""
        await self.model.aclose()

    def _count(self, usage: Usage) -> None:
        self.usage = self.usage + usage
        if self._above is not None:
            self._above._count(usage)

    def _tell(self, name: Literal["model.called", "model.retried", "model.limited"], /, **data: object) -> None:
        if self.metering.bus is not None:
            self.metering.bus.publish(name, model=f"{self.provider}:{self.name}", **data)


def price_of(model: Model, usage: Usage) -> int | None:
    """Return what ``usage`` of ``model`` costs in nano-dollars, ``None`` when no price is known.

    A metered model knows the user's own prices; any other is looked up in the public table.
    """
    if isinstance(model, Metered):
        return model.price(usage)
    return prices.price(price_provider_of(model), model.name, usage)
