"""The models of a loop, metered on its budget, and the money limit that their prices allow."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Literal

import anyio

from tinman.budget import Budget
from tinman.errors import LoopConfigError
from tinman.events import EventBus
from tinman.frozen import changed
from tinman.loop.pricing import STALE_DAYS
from tinman.loop.session.ceilings import Pricing
from tinman.loop.session.voice import Voice
from tinman.loop.state.records import LoopConfig
from tinman.models import prices
from tinman.models.base import Hosted, Model
from tinman.models.metered import Metered, Metering

Staleness = Literal["warn", "token-only", "refuse"]


@dataclass(frozen=True)
class Attempts:
    """How often, how long (seconds) and after which pause a model is asked."""

    timeout_seconds: float
    most: int
    backoff_seconds: float


@dataclass(frozen=True)
class Meters:
    """A loop's model and summarizer. ``prices_age`` is in days."""

    model: Model
    summarizer: Model | None
    overrides: Mapping[str, prices.Rate]
    prices_age: int
    staleness: Staleness
    attempts: Attempts
    bus: EventBus | None
    voice: Voice

    def __post_init__(self) -> None:
        if self.staleness not in {"warn", "token-only", "refuse"}:
            raise LoopConfigError(f"pricing_staleness: {self.staleness!r} is none of warn, token-only, refuse")

    @property
    def pricing(self) -> Pricing:
        """The prices of the loop's model."""
        return Pricing(self.model, self.overrides)

    def limit_money(self, config: LoopConfig) -> LoopConfig:
        """Return ``config`` with a money limit that can be kept: a stale table is refused, told about, or lifts it.

        Raises ``LoopConfigError`` for a refused table and for a model without a price.
        """
        if config.cost_limit_usd is None:
            return config
        if self.prices_age > STALE_DAYS:
            old = f"pricing is {self.prices_age} days old (as_of)"
            if self.staleness == "refuse":
                raise LoopConfigError(f"{old}, more than {STALE_DAYS}; bring it up to date")
            if self.staleness == "token-only":
                self.voice.say(f"{old}: cost_limit_usd is off, tokens alone are limited")
                return changed(config, cost_limit_usd=None)
            self.voice.say(f"{old}: cost_limit_usd is kept by it all the same")
        self.pricing.check(config)
        return config

    def find_parent(self, given: Budget | None) -> Budget | None:
        """Return the budget the loop spends out of: the one it was given, or that of the meter it was given."""
        return self.model.budget if given is None and isinstance(self.model, Metered) else given

    def start(self, budget: Budget, config: LoopConfig, stack: AsyncExitStack) -> tuple[Metered, Metered | None]:
        """Return model and summarizer on ``budget``; ``stack`` closes those with connections of this event loop."""
        for model in (self.model, self.summarizer):
            if model is not None and isinstance(model, Hosted):  # ours
                stack.push_async_callback(_close, model)
        return (
            self._meter(self.model, budget, config),
            None if self.summarizer is None else self._meter(self.summarizer, budget, config),
        )

    def _meter(self, model: Model, budget: Budget, config: LoopConfig) -> Metered:
        if isinstance(model, Metered):
            return model.on(budget)
        metering = Metering(
            bus=self.bus,
            max_attempts=self.attempts.most,
            attempt_timeout_seconds=self.attempts.timeout_seconds,
            max_tokens_default=config.max_tokens_per_call,
            backoff_seconds=self.attempts.backoff_seconds,
            price_overrides=self.overrides,
        )
        return Metered(model, metering, budget=budget)


async def _close(model: Model) -> None:
    with anyio.CancelScope(shield=True):
        await model.aclose()
