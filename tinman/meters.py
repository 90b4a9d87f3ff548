"""The meters of a cycle: whatever it calls, target or reasoner, is counted on one budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tinman.budget import Amount, Budget, Ledger, Limits
from tinman.events import EventBus
from tinman.messages import Call, Reply, Request, Usage
from tinman.models.base import Model, endpoint_of
from tinman.models.limiter import ProviderLimiter
from tinman.models.metered import Metered, Metering
from tinman.models.prices import Rate
from tinman.options import ResearchOptions

_MOST_CALLS_A_DRAW = 10


def budget_of(options: ResearchOptions, ledger: Ledger | None, *, began: float | None) -> Budget:
    """Return the budget of a cycle, not open yet; ``began`` is the monotonic second from which its time counts.

    What it draws at once is a fiftieth of each ceiling, so that a crash can waste no more than that.
    """
    limits = Limits(
        calls=options.max_calls, tokens=options.max_tokens, usd=options.max_usd, seconds=options.timeout_seconds
    )
    block = Amount(
        calls=max(1, min(_MOST_CALLS_A_DRAW, limits.ceiling.calls // 50)),
        tokens=max(1, min(400_000, limits.ceiling.tokens // 50)),
        nano_usd=max(1, limits.ceiling.nano_usd // 50),
    )
    return Budget(limits, ledger=ledger, block=block, began=began)


@dataclass
class Meters:
    """The meters of one cycle: one budget for all, one limiter for each provider's endpoint."""

    budget: Budget
    bus: EventBus
    concurrency: int
    price_overrides: Mapping[str, Rate] | None
    backoff_seconds: float
    limiters: dict[tuple[str, str], ProviderLimiter] = field(default_factory=dict)
    meters: list[Metered] = field(default_factory=list)
    has_black_box: bool = False
    """Whether something is called whose own spending nobody tells us."""

    @property
    def usage(self) -> Usage:
        """What all models used."""
        return sum((meter.usage for meter in self.meters), Usage(nano_usd=None if self.has_black_box else 0))

    def of_model(self, model: Model, *, retries: int = 3, price: Rate | None = None) -> Metered:
        """Return ``model`` under the budget; models of one endpoint share its limiter. ``price`` is its own."""
        endpoint = endpoint_of(model)
        limiter = self.limiters.get(endpoint)
        if limiter is None:
            limiter = ProviderLimiter(initial=self.concurrency, maximum=max(64, self.concurrency))
            self.limiters[endpoint] = limiter
        own = f"{model.provider}:{model.name}"
        metering = Metering(
            limiter=limiter,
            bus=self.bus,
            price_overrides={**(self.price_overrides or {}), **({own: price} if price else {})},
            backoff_seconds=self.backoff_seconds,
            max_attempts=retries + 1,
        )
        metered = Metered(model, metering, budget=self.budget)
        self.meters.append(metered)
        return metered

    def of_target(self, *, retries: int, price: Rate | None = None) -> TargetMeter:
        """Return what counts a target's calls; a model of its own is tried again ``retries`` times."""
        return TargetMeter(self, retries, price)


@dataclass(frozen=True)
class TargetMeter:
    """The ``Meter`` of one target."""

    meters: Meters
    retries: int
    price: Rate | None = None

    def model(self, model: Model) -> Model:
        """Return ``model`` with every call counted and priced."""
        return self.meters.of_model(model, retries=self.retries, price=self.price)

    def turn(self, call: Call) -> Call:
        """Return ``call`` with each turn counted as one call; what a black box spends inside is its own affair."""
        budget = self.meters.budget
        self.meters.has_black_box = True

        async def counted(request: Request) -> Reply:
            async with budget.reserve(Amount(calls=1)) as reservation:
                try:
                    reply = await call(request)
                finally:
                    reservation.settle(Amount(calls=1))
            return replace(reply, usage=replace(reply.usage, calls=max(1, reply.usage.calls)))

        return counted
