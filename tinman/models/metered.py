"""``Metered``: budget, retries, deadlines, rate limit, prices and events around any ``Model``.

It is four wrappers around the model's call, each doing one thing: bound the answer, try it again, price it, time it.
Each attempt reserves an upper bound of what it can cost before it starts and is settled with what it did cost, so no
ceiling is overshot whatever the concurrency.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, NamedTuple, Protocol

import anyio

from tinman import clock
from tinman.budget import Amount, Budget, Reservation
from tinman.errors import (
    BudgetExhausted,
    ConfigError,
    FormRefused,
    GarbledReply,
    ProviderError,
    ProviderTimeout,
    RateLimited,
)
from tinman.events import EventBus
from tinman.frozen import alter
from tinman.messages import Call, Reply, Request, Usage
from tinman.models import prices
from tinman.models.base import Model, price_provider_of
from tinman.models.limiter import ProviderLimiter, Slot
from tinman.models.sizes import prompt_bound
from tinman.text.invalid import read_as

_UNBILLED = Amount(calls=1)
_ENOUGH_REPLIES, _LONGER = 8, 4
"""After how many replies it is known how long they are; how much longer a reply must still be allowed to be."""
_MOST_TOKENS = 10**12
_LONGEST_BACKOFF_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Metering:
    """How calls are made. ``max_attempts`` counts the first one; ``max_tokens_default`` is sent when a request names
    none; ``price_overrides`` are keyed ``"provider:model"``; ``prompt_bound`` is the most a prompt can have."""

    limiter: ProviderLimiter = field(default_factory=ProviderLimiter)
    bus: EventBus | None = None
    max_attempts: int = 4
    attempt_timeout_seconds: float = 60.0
    max_tokens_default: int = 1024
    backoff_seconds: float = 0.5
    price_overrides: Mapping[str, prices.Rate] | None = None
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    prompt_bound: Callable[[Request], int] = prompt_bound


@dataclass(frozen=True)
class Bounded:
    """Sends a bound on the answer with every request: without one there is none on its price."""

    inner: Call
    max_tokens: int

    async def complete(self, request: Request) -> Reply:
        """Ask with ``max_tokens`` where the request names none."""
        if "max_tokens" not in request.params and "max_completion_tokens" not in request.params:
            request = alter(request, params={**request.params, "max_tokens": self.max_tokens})
        return await self.inner(request)


@dataclass(frozen=True)
class Timed:
    """Gives one attempt a deadline: its own, or what is left of the budget's time, whichever is less."""

    inner: Call
    name: str
    seconds: float
    budget: Budget

    async def complete(self, request: Request) -> Reply:
        """Ask. Raises ``ProviderTimeout`` when the deadline passes."""
        left = self.budget.seconds_left
        seconds = self.seconds if left is None else min(self.seconds, left)
        with anyio.move_on_after(seconds):
            return await self.inner(request)
        raise ProviderTimeout(f"{self.name} gave no reply within {seconds:g} s; raise the timeout or ask for less")


class _Reserved(NamedTuple):
    """What is asked, the most it can cost, the reservation that holds it, why no more could be asked, if so, and how
    many tokens of the bound are for what the provider adds."""

    asked: Request
    bound: Amount
    reservation: Reservation
    refusal: BudgetExhausted | None
    surplus: int


@dataclass
class Priced:
    """Reserves the most an attempt can cost before it starts, and settles with what it did cost.

    Attempts that a provider surely did not bill (refused key or request, 429, 5xx, refused connection) count as a call
    of no tokens; timeouts, garbled replies, broken connections and cancelled calls count as all they could have cost.
    """

    inner: Call
    name: str
    price_key: tuple[str, str]
    budget: Budget
    overrides: Mapping[str, prices.Rate] | None
    prompt_bound: Callable[[Request], int] = prompt_bound
    surplus: int = 0
    """How many tokens the provider has counted above our bound: it adds something of its own to every prompt."""
    replies: int = 0
    longest: int = 0
    """How many replies there were, and the tokens of the longest."""

    def price(self, usage: Usage, *, cache: Mapping[str, int] | None = None) -> int | None:
        """Return what ``usage`` costs in nano-dollars, or ``None`` when no price is known."""
        return prices.price(*self.price_key, usage, cache=cache, overrides=self.overrides)

    async def complete(self, request: Request) -> Reply:
        """Ask, and return the reply with its usage priced.

        Raises ``BudgetExhausted`` when the attempt does not fit, ``ConfigError`` when a dollar ceiling meets a model of
        unknown price, ``GarbledReply`` for usage that is no count.

        Near a ceiling the longest reply allowed no longer fits, though one as this model gives them would. There the
        reply is allowed what does fit, as long as that is several times the longest so far. One that is cut off by it
        all the same is never returned: the ceiling is reached then.
        """
        asked, bound, reservation, refusal, held = await self._reserved(request)
        try:
            reply = await self.inner(asked)
            used = self._checked(reply.usage)
            nano_usd = self.price(used, cache=reply.extra.get("cache_tokens"))
            tokens = used.input_tokens + used.output_tokens
            reservation.settle(Amount(calls=1, tokens=tokens, nano_usd=nano_usd or 0))
        except ProviderError as error:
            reservation.settle(bound if error.is_billed else _UNBILLED)
            raise
        finally:
            reservation.settle(bound)
        self.surplus = max(self.surplus, held + tokens - bound.tokens)
        if refusal is not None and reply.stop == "length":
            raise refusal
        self.replies, self.longest = self.replies + 1, max(self.longest, used.output_tokens)
        usage = Usage(calls=1, input_tokens=used.input_tokens, output_tokens=used.output_tokens, nano_usd=nano_usd)
        return alter(reply, usage=usage)

    async def _reserved(self, request: Request) -> _Reserved:
        """Hold what ``request`` can cost; where that does not fit, what a shorter reply to it can."""
        refusal: BudgetExhausted | None = None
        while True:
            bound, surplus = self._bound(request), self.surplus
            reservation = self.budget.reserve(bound)
            try:
                return _Reserved(request, bound, await reservation.__aenter__(), refusal, surplus)
            except BudgetExhausted as error:
                shorter = self._shortened(request)
                if shorter is None:
                    raise
                request, refusal = shorter, refusal or error

    def _shortened(self, request: Request) -> Request | None:
        """Return ``request`` with as long a reply as there is room for, ``None`` if one like the others may not fit."""
        if self.replies < _ENOUGH_REPLIES:
            return None
        without = Amount(calls=1, tokens=prompt_bound(request) + self.surplus)
        room, choices = self.budget.room, request.params.get("n", 1)
        fitting = [room.tokens - without.tokens]
        free, million = (self._bound_usd(without.tokens, tokens) for tokens in (0, 1_000_000))
        if million > free:
            fitting.append((room.nano_usd - free) * 1_000_000 // (million - free))
        cap = min(fitting) // choices
        if room.calls < 1 or cap < _LONGER * self.longest or cap >= _output_bound(request) // choices:
            return None
        caps = {key: cap for key in ("max_tokens", "max_completion_tokens") if key in request.params}
        return alter(request, params={**request.params, **caps})

    def _bound_usd(self, input_tokens: int, output_tokens: int) -> int:
        return prices.bound(*self.price_key, input_tokens, output_tokens, overrides=self.overrides) or 0

    def _bound(self, request: Request) -> Amount:
        input_tokens = self.prompt_bound(request) + self.surplus
        output_tokens = _output_bound(request)
        nano_usd = prices.bound(*self.price_key, input_tokens, output_tokens, overrides=self.overrides)
        if (nano_usd is None or not self._is_priced) and self.budget.has_usd_ceiling:
            raise ConfigError(
                f"{self.name} has no known price, so the usd ceiling cannot be kept; "
                f'give it one under [prices."{self.name}"] (0 for your own hardware) or lift the usd ceiling'
            )
        return Amount(calls=1, tokens=input_tokens + output_tokens, nano_usd=nano_usd or 0)

    @property
    def _is_priced(self) -> bool:
        """Whether somebody said the price: an endpoint of this machine may be free, or stand before one that is not."""
        provider, model = self.price_key
        is_said = f"{provider}:{model}" in (self.overrides or {})
        return is_said or "://" not in provider or not prices.is_loopback(provider)

    def _checked(self, usage: Usage) -> Usage:
        """Return what a model says it used, as whole numbers: a model of the user's own may have said anything."""
        counts = (usage.input_tokens, usage.output_tokens)
        if all(type(count) is int for count in counts):
            if not all(0 <= count <= _MOST_TOKENS for count in counts):
                raise GarbledReply(f"{self.name} returned usage that is no count: {counts}")
            return usage
        return read_as(
            Usage, asdict(usage), lambda wrong: GarbledReply(f"{self.name} returned usage that is no count: {wrong}")
        )


class Tell(Protocol):
    """Publishes an event about a model's calls."""

    def __call__(self, name: Literal["model.called", "model.retried", "model.limited"], /, **data: object) -> None: ...


@dataclass(frozen=True)
class Retried:
    """Tries again what may succeed later, in a place of the provider's limiter; the only place where calls are retried.

    The two belong together: what a provider answers decides how many calls may run against it at once.
    """

    inner: Call
    how: Metering
    budget: Budget
    tell: Tell

    async def complete(self, request: Request) -> Reply:
        """Ask, as often as needed and allowed; the reply's usage counts every attempt.

        Raises what the last attempt raised, ``BudgetExhausted`` when no attempt fits any more, ``RateLimited`` when no
        place came free in time.
        """
        attempt, limiter = 0, self.how.limiter
        while True:
            attempt += 1
            async with limiter.slot() as slot:
                if slot.waited_seconds:
                    self.tell("model.limited", waited_seconds=slot.waited_seconds, limit=limiter.limit)
                started = clock.monotonic()
                try:
                    reply = await self.inner(request)
                except ProviderError as error:
                    wait = self._wait_after(error, request, attempt, slot)
                    if wait is None:
                        raise
                    kind = type(error).__name__
                else:
                    limiter.succeeded()
                    usage = reply.usage if attempt == 1 else replace(reply.usage, calls=attempt)
                    self.tell(
                        "model.called",
                        attempts=attempt,
                        input_tokens=usage.input_tokens,
                        output_tokens=usage.output_tokens,
                        nano_usd=usage.nano_usd,
                        duration_ms=(clock.monotonic() - started) * 1000,
                    )
                    return reply if attempt == 1 else alter(reply, usage=usage)
            self.tell("model.retried", attempt=attempt, error=kind, wait_seconds=wait)
            if wait > 0:
                await self.how.sleep(wait)

    def _wait_after(self, error: ProviderError, request: Request, attempt: int, slot: Slot) -> float | None:
        """Return the seconds to wait before the next attempt, or ``None`` when there is to be none."""
        dice = clock.chance(request.seed, f"{request.session}:{attempt}")
        backoff = min(_LONGEST_BACKOFF_SECONDS, self.how.backoff_seconds * 2 ** (attempt - 1)) * (0.5 + dice)
        wait = backoff if error.retry_after_seconds is None else error.retry_after_seconds
        if isinstance(error, RateLimited):
            self.how.limiter.throttled(slot, wait)
        if isinstance(error, FormRefused):
            return 0.0
        left = self.budget.seconds_left
        if (
            not error.is_retryable
            or attempt >= (1 if request.once else self.how.max_attempts)
            or wait > self.how.limiter.max_wait_seconds
            or (left is not None and wait >= left)
        ):
            return None
        return 0.0 if isinstance(error, RateLimited) else wait  # the limiter itself launches nothing for so long


def _output_bound(request: Request) -> int:
    """Return the most tokens the reply can have: what is asked for, times the choices asked for."""
    named: list[int] = [request.params[key] for key in ("max_tokens", "max_completion_tokens") if key in request.params]
    choices: int = request.params.get("n", 1)
    numbers = [*named, choices]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        raise ConfigError(f"max_tokens and n must be whole numbers above 0, not {numbers}")
    return max(named) * choices


class Metered:
    """A ``Model`` around a ``Model``, on ``budget``. ``usage`` is what it used so far."""

    def __init__(self, model: Model, metering: Metering | None = None, *, budget: Budget) -> None:
        how = metering or Metering()
        self.model = model
        self.provider = model.provider
        self.name = model.name
        self.price_provider = prices.find_seller(
            self.provider, price_provider_of(model), self.name, how.price_overrides
        )
        self.budget = budget
        self.metering = how
        self.usage = Usage()
        self._above: Metered | None = None
        name = f"{self.provider}:{self.name}"
        timed = Timed(model.complete, name, how.attempt_timeout_seconds, budget)
        key = self.price_provider, self.name
        self._priced = Priced(timed.complete, name, key, budget, how.price_overrides, how.prompt_bound)
        retried = Retried(self._priced.complete, how, budget, self._tell)
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
    seller = prices.find_seller(model.provider, price_provider_of(model), model.name, None)
    return prices.price(seller, model.name, usage)
