"""The meters of a cycle: whatever it calls, target or reasoner, is counted on one budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tinman.budget import Amount, Budget
from tinman.events import EventBus
from tinman.messages import Reply, Request, Usage
from tinman.models.base import Model
from tinman.models.limiter import ProviderLimiter
from tinman.models.metered import Metered
from tinman.models.prices import Rate
from tinman.targets.base import Call, Target
from tinman.targets.chat import ChatTarget
from tinman.targets.turn import TurnTarget


class Meters:
    """The meters of one cycle: one budget for all, one limiter for each provider's endpoint."""

    def __init__(
        self,
        budget: Budget,
        *,
        bus: EventBus,
        concurrency: int,
        price_overrides: Mapping[str, Rate] | None,
        backoff_seconds: float,
    ) -> None:
        self.budget = budget
        self._bus = bus
        self._concurrency = concurrency
        self._prices = price_overrides
        self._backoff = backoff_seconds
        self._limiters: dict[tuple[str, str], ProviderLimiter] = {}
        self._meters: list[Metered] = []

    @property
    def usage(self) -> Usage:
        """What all models used."""
        return sum((meter.usage for meter in self._meters), Usage())

    def meter(self, model: Model, *, retries: int = 3) -> Metered:
        """Return ``model`` under the budget; models of one endpoint share its limiter."""
        endpoint = (model.provider, str(getattr(model, "base_url", "")))
        limiter = self._limiters.get(endpoint)
        if limiter is None:
            limiter = ProviderLimiter(initial=self._concurrency, maximum=max(64, self._concurrency))
            self._limiters[endpoint] = limiter
        made = Metered(
            model,
            budget=self.budget,
            limiter=limiter,
            bus=self._bus,
            price_overrides=self._prices,
            backoff_seconds=self._backoff,
            max_attempts=retries + 1,
        )
        self._meters.append(made)
        return made

    def around(self, target: Target, *, retries: int) -> Target:
        """Return ``target`` with its calls under the budget; a black box is counted turn by turn."""
        if isinstance(target, ChatTarget):
            return target.with_model(self.meter(target.model, retries=retries))
        if isinstance(target, TurnTarget):
            return target.with_meter(lambda call: _counted(call, self.budget))
        return target


def _counted(call: Call, budget: Budget) -> Call:
    """Return ``call`` with each turn counted as one call; what a black box spends inside is its own affair."""

    async def outer(request: Request) -> Reply:
        async with budget.reserve(Amount(calls=1)) as reservation:
            try:
                reply = await call(request)
            finally:
                reservation.settle(Amount(calls=1))
        return replace(reply, usage=replace(reply.usage, calls=max(1, reply.usage.calls)))

    return outer
