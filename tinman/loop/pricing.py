"""By which prices a loop's model is priced, those given by hand among them, and how old they may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from tinman import clock
from tinman.errors import LoopConfigError
from tinman.loop.state.records import LoopConfig, Metrics
from tinman.messages import Reply, Request
from tinman.models import prices
from tinman.models.base import Model, price_provider_of
from tinman.models.metered import Metered
from tinman.models.prices import Rate

Priced: TypeAlias = "Rate | tuple[float, float] | Mapping[str, float]"
AS_OF = "as_of"
STALE_DAYS = 90
_FORMS = "{'model': Rate(input_usd=3, output_usd=15)}, a pair (3, 15), or {'input': 3, 'output': 15}; USD a million"


class Sold:
    """A model priced under its own name: by the public price of whoever made it, whoever serves it."""

    price_provider = ""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.provider = model.provider
        self.name = model.name

    async def complete(self, request: Request) -> Reply:
        """Ask the model."""
        return await self.model.complete(request)

    async def aclose(self) -> None:
        """Close the model."""
        await self.model.aclose()


def is_own(model: Model) -> bool:
    """Say whether who serves ``model`` has no prices of his own: a function, or an endpoint on this machine."""
    seller = price_provider_of(model)
    return seller == "callable" or ("://" in seller and prices.is_loopback(seller))


def find_seller(model: Model, overrides: Mapping[str, Rate]) -> Model:
    """Return ``model`` so that its usage is priced: by ``overrides``, by its endpoint, by its name, or not at all.

    No price is not a price of nothing: what a function or a server of one's own costs is unknown until it is said.
    """
    if isinstance(model, Metered) or f"{price_provider_of(model)}:{model.name}" in overrides:
        return model
    is_unknown = is_own(model) or Pricing(model, overrides).bound(1, 1) is None
    return Sold(model) if is_unknown else model


@dataclass(frozen=True)
class Pricing:
    """Prices of one model, with those given by hand."""

    model: Model
    overrides: Mapping[str, Rate] | None

    def check(self, config: LoopConfig) -> None:
        """Raise ``LoopConfigError`` when money is limited and the model's price is unknown."""
        if config.cost_limit_usd is not None and self.bound(1, 1) is None:
            name = f"{self.model.provider}:{self.model.name}"
            raise LoopConfigError(
                f"cost_limit_usd: {name} has no known price, so the limit cannot be kept; "
                f"give pricing={{'{self.model.name}': (USD in, USD out a million tokens)}} (0 for your own hardware) "
                "or leave the limit out"
            )

    @property
    def age_days(self) -> int:
        """How old the public table is, when the model is priced by it; 0 when it is not."""
        seller = price_provider_of(self.model)
        if seller in prices.FREE_PROVIDERS or f"{seller}:{self.model.name}" in (self.overrides or {}):
            return 0
        return (clock.now().date() - prices.as_of()).days

    def bound(self, input_tokens: int, output_tokens: int) -> int | None:
        """Return the most that many tokens can cost, in nano-dollars."""
        provider = price_provider_of(self.model)
        return prices.bound(provider, self.model.name, input_tokens, output_tokens, overrides=self.overrides)


def rates_for(pricing: Mapping[str, Any] | None, model: Model) -> dict[str, Rate]:
    """Return ``pricing`` as ``rates`` does; the model's own price is found by its name, provider or endpoint."""
    seller = price_provider_of(model)
    found = rates(pricing, seller)
    for alias in (f"{model.provider}:{model.name}", model.name, f":{model.name}"):
        if alias in found:
            found.setdefault(f"{seller}:{model.name}", found[alias])
    return found


def rates(pricing: Mapping[str, Any] | None, provider: str) -> dict[str, Rate]:
    """Return ``pricing`` keyed ``provider:model``; a key without a provider gets ``provider``.

    Raises ``LoopConfigError`` for a shape it does not know.
    """
    return {
        name if ":" in name else f"{provider}:{name}": _rate(name, given)
        for name, given in (pricing or {}).items()
        if name != AS_OF
    }


def age_days(pricing: Mapping[str, Any] | None) -> int:
    """Return how old a table says it is by its ``as_of`` (``"2026-01-31"``); 0 when it says nothing.

    Raises ``LoopConfigError`` for what is no date.
    """
    said = (pricing or {}).get(AS_OF)
    if said is None:
        return 0
    try:
        day = said if isinstance(said, date) else date.fromisoformat(str(said))
    except ValueError:
        raise LoopConfigError(f"pricing: as_of {said!r} is no date; write '2026-01-31'") from None
    return (clock.now().date() - day).days


def _rate(name: str, given: Any) -> Rate:
    if isinstance(given, Rate):
        return given
    try:
        into, out = (given["input"], given["output"]) if isinstance(given, Mapping) else given
        return Rate(input_usd=float(into), output_usd=float(out))
    except (KeyError, TypeError, ValueError):
        raise LoopConfigError(f"pricing: {name}: write {_FORMS}") from None


def cost_usd(rate: Rate, metrics: Metrics) -> float:
    """Return what the tokens of ``metrics`` cost at ``rate``."""
    return (metrics.input_tokens * rate.input_usd + metrics.output_tokens * rate.output_usd) / 1e6
