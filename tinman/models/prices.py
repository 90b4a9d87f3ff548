"""What usage costs, in whole nano-dollars, rounded up. An unknown price is ``None``, never 0. Nothing goes online."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tinman import clock
from tinman.frozen import frozen
from tinman.messages import Usage

FREE_PROVIDERS = frozenset({"callable", "local", "sandbox", "scripted"})
_PICO = 1_000_000
_Rates = tuple[int, int, int, int, int]


@frozen
class Rate:
    """Dollars a million tokens, in and out: how a profile prices a model that no public table knows."""

    input_usd: float
    output_usd: float


class _Step(NamedTuple):
    """Pico-dollars a token above ``above`` input tokens: input, cache read, cache write, one-hour write, output."""

    above: int
    rates: _Rates


_FREE = (_Step(-1, (0, 0, 0, 0, 0)),)


def is_loopback(url: str) -> bool:
    """Say whether ``url`` names this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def price(
    provider: str,
    model: str,
    usage: Usage,
    *,
    cache: Mapping[str, int] | None = None,
    overrides: Mapping[str, Rate] | None = None,
) -> int | None:
    """Return what ``usage`` cost, or ``None`` when no price is known.

    ``provider`` is a provider's name or the base URL of its endpoint; this machine's endpoints and callables are free.
    An empty one stands for whoever made the model that has this name.
    ``cache`` says how many of the input tokens were ``read`` from, ``write`` (written) to or ``write_1h`` (written for
    an hour) to the provider's cache. ``overrides`` are keyed ``"provider:model"`` and win over everything.
    """
    ladder = _ladder(provider, model, overrides)
    if ladder is None:
        return None
    rates = ladder[0].rates
    for step in ladder:
        if usage.input_tokens > step.above:
            rates = step.rates
    plain, pico = usage.input_tokens, usage.output_tokens * rates[4]
    if cache:
        for rate, kind in zip(rates[1:4], ("read", "write", "write_1h"), strict=True):
            count = max(0, min(plain, cache.get(kind, 0)))
            plain -= count
            pico += count * rate
    return -(-(pico + plain * rates[0]) // 1000)


def bound(
    provider: str,
    model: str,
    input_tokens: int,
    output_tokens: int,
    *,
    overrides: Mapping[str, Rate] | None = None,
) -> int | None:
    """Return the most that many tokens can cost, on any step of the price ladder, all of them written to a cache."""
    ladder = _ladder(provider, model, overrides)
    if ladder is None:
        return None
    pico = max(
        input_tokens * max(step.rates[:4]) + output_tokens * step.rates[4]
        for step in ladder
        if step.above < max(1, input_tokens)
    )
    return -(-pico // 1000)


def find_seller(provider: str, seller: str, model: str, overrides: Mapping[str, Rate] | None) -> str:
    """Return by whose prices ``model`` is priced; ``provider`` made it, ``seller`` (a name or a base URL) serves it.

    The user's own price for ``provider:model`` comes first, then that for ``seller:model``. This machine's endpoints
    may stand in front of a provider: a model that the provider sells is priced as there.
    """
    own = overrides or {}
    if f"{provider}:{model}" in own:
        return provider
    if f"{seller}:{model}" in own or "://" not in seller or not is_loopback(seller):
        return seller
    return seller if price(provider, model, Usage(calls=1)) is None else provider


def as_of() -> date:
    """Return the day of the newest price in force in the public table, which names no date of its own."""
    from genai_prices.data import providers  # noqa: PLC0415 - loading the table costs a second

    today = clock.now().date()
    days = (
        getattr(price.constraint, "start_date", date.min)
        for provider in providers
        for model in provider.models
        for price in (model.prices if isinstance(model.prices, list) else ())
    )
    return max((day for day in days if day <= today), default=date.min)


def _ladder(provider: str, model: str, overrides: Mapping[str, Rate] | None) -> tuple[_Step, ...] | None:
    rate = overrides.get(f"{provider}:{model}") if overrides else None
    if rate is not None:
        into, out = (round(usd * _PICO) for usd in (rate.input_usd, rate.output_usd))
        return (_Step(-1, (into, into, into, into, out)),)
    if provider in FREE_PROVIDERS:
        return _FREE
    return _public_ladder(provider, model, int(clock.now().timestamp() // 3600))


@lru_cache(maxsize=256)
def _public_ladder(provider: str, model: str, hour: int) -> tuple[_Step, ...] | None:
    """Look the price up once an hour; ``hour`` is part of the key because some prices depend on the time."""
    is_url = "://" in provider
    if is_url and is_loopback(provider):
        return _FREE
    from genai_prices import Usage as Tokens  # noqa: PLC0415 - loading the table costs a second
    from genai_prices import calc_price  # noqa: PLC0415

    where: dict[str, Any] = {"provider_api_url": provider} if is_url else {"provider_id": provider} if provider else {}
    try:
        found = calc_price(Tokens(input_tokens=1, output_tokens=1), model, **where).model_price
    except LookupError:
        return None
    into, out = found.input_mtok, found.output_mtok
    if into is None or out is None:
        return None
    write = found.cache_write_mtok or into
    columns = (into, found.cache_read_mtok or into, write, found.cache_write_1h_mtok or write, out)
    edges = sorted({-1, *(tier.start for column in columns for tier in getattr(column, "tiers", ()))})
    return tuple(_Step(edge, _rates(columns, edge)) for edge in edges)


def _rates(columns: tuple[Any, ...], edge: int) -> _Rates:
    plain, read, write, write_1h, out = (_at(column, edge) for column in columns)
    return plain, read, write, write_1h, out


def _at(column: Any, edge: int) -> int:
    """Return pico-dollars a token of a price (a ``Decimal``, or tiers that hold above a number of input tokens)."""
    value: Decimal = getattr(column, "base", column)
    for tier in getattr(column, "tiers", ()):
        if edge >= tier.start:
            value = tier.price
    return int((value * _PICO).to_integral_value(ROUND_CEILING))
