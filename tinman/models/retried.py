"""A model that asks again by itself, for measurements that have no budget to count on."""

from __future__ import annotations

from dataclasses import dataclass, field

from tinman.budget import Budget
from tinman.messages import Call, Reply, Request
from tinman.models.base import Hosted, Model, price_provider_of
from tinman.models.limiter import ProviderLimiter
from tinman.models.metered import Metering, Retried


def _untold(name: str, /, **data: object) -> None:
    """Nobody watches."""


class RetriedModel:
    """``model``, with calls that failed for a while tried again up to ``retries`` times, after the time asked for.

    Nothing is counted, bounded or priced: it is the application's own patience. Raises what the last attempt raised.
    """

    def __init__(self, model: Model, retries: int, *, limiter: ProviderLimiter | None = None) -> None:
        self.model = model
        self.provider = model.provider
        self.name = model.name
        self.price_provider = price_provider_of(model)
        if isinstance(model, Hosted):
            self.base_url = model.base_url
        how = Metering(limiter=limiter or ProviderLimiter(), max_attempts=retries + 1)
        self._complete: Call = Retried(model.complete, how, Budget(), _untold).complete

    async def complete(self, request: Request) -> Reply:
        """Return the model's reply, asking as often as needed and allowed."""
        return await self._complete(request)

    async def aclose(self) -> None:
        """Close the model underneath."""
        await self.model.aclose()


@dataclass(frozen=True)
class Patience:
    """The ``Meter`` that counts nothing, and tries the calls of a target's model again; a black box has its own way."""

    retries: int
    limiter: ProviderLimiter = field(default_factory=ProviderLimiter)

    def model(self, model: Model) -> Model:
        """Return ``model`` with its calls tried again."""
        return RetriedModel(model, self.retries, limiter=self.limiter)

    def turn(self, call: Call) -> Call:
        """Return ``call``."""
        return call
