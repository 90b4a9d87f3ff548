"""``Metered``: budget, retries, deadlines, rate limit, prices and events around any ``Model``.

The only place where a model call is retried. Each attempt reserves an upper bound of what it can cost before it starts
and is settled with what it did cost, so no ceiling is overshot whatever the concurrency.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import asdict
from typing import Literal

import anyio
from pydantic import ValidationError

from tinman import clock
from tinman.budget import Amount, Budget
from tinman.errors import ConfigError, GarbledReply, ProviderError, ProviderTimeout, RateLimited
from tinman.events import EventBus
from tinman.frozen import adapter, changed
from tinman.messages import Reply, Request, Usage
from tinman.models import prices
from tinman.models.base import Model
from tinman.models.limiter import ProviderLimiter, Slot
from tinman.models.sizes import prompt_bound

_UNBILLED = Amount(calls=1)
_LONGEST_BACKOFF_SECONDS = 30.0


class Metered:
    """A ``Model`` around a ``Model``.

    ``max_attempts`` counts the first one. ``max_tokens_default`` is sent when a request names none: without a bound on
    the answer there is no bound on its price. ``price_overrides`` are keyed ``"provider:model"``. Attempts that a
    provider surely did not bill (refused key or request, 429, 5xx, refused connection) count as a call of no tokens;
    timeouts, garbled replies, broken connections and cancelled calls count as all they could have cost.
    """

    def __init__(
        self,
        model: Model,
        *,
        budget: Budget,
        limiter: ProviderLimiter | None = None,
        bus: EventBus | None = None,
        max_attempts: int = 4,
        attempt_timeout_seconds: float = 60.0,
        max_tokens_default: int = 1024,
        backoff_seconds: float = 0.5,
        price_overrides: Mapping[str, prices.Rate] | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.model = model
        self.provider = model.provider
        self.name = model.name
        self.budget = budget
        self.limiter = limiter or ProviderLimiter()
        self._bus = bus
        self._max_attempts = max(1, max_attempts)
        self._attempt_timeout_seconds = attempt_timeout_seconds
        self._max_tokens_default = max_tokens_default
        self._backoff_seconds = backoff_seconds
        self._overrides = price_overrides
        self.price_provider: str = getattr(model, "price_provider", model.provider)
        self._surplus = 0
        self.usage = Usage()
        self._above: Metered | None = None
        self._sleep = sleep

    def on(self, budget: Budget) -> Metered:
        """Return the same meter on ``budget``, a share of this one's: what it uses is counted here, too.

        For a loop inside a metered cycle. A meter around a meter would try every call again as often as both say.
        """
        made = copy(self)
        made.budget, made.usage, made._above = budget, Usage(), self
        return made

    def price(self, usage: Usage) -> int | None:
        """Return what ``usage`` would cost here, in nano-dollars, or ``None`` when no price is known."""
        return prices.price(self.price_provider, self.name, usage, overrides=self._overrides)

    async def aclose(self) -> None:
        """Close the model underneath."""
        await self.model.aclose()

    async def complete(self, request: Request) -> Reply:
        """Return the model's reply; its usage counts every attempt made and is priced.

        Raises what the last attempt raised, ``BudgetExhausted`` when no attempt fits any more, ``RateLimited`` when no
        place came free in time, and ``ConfigError`` when a dollar ceiling meets a model of unknown price.
        """
        output_tokens = _output_bound(request, self._max_tokens_default)
        if "max_tokens" not in request.params and "max_completion_tokens" not in request.params:
            request = changed(request, params={**request.params, "max_tokens": self._max_tokens_default})
        input_tokens = prompt_bound(request)
        attempt = 0
        while True:
            attempt += 1
            async with self.limiter.slot() as slot:
                if slot.waited_seconds:
                    self._tell("model.limited", waited_seconds=slot.waited_seconds, limit=self.limiter.limit)
                try:
                    reply = await self._attempt(request, attempt, self._bound(input_tokens, output_tokens))
                except ProviderError as error:
                    wait = self._wait_after(error, request, attempt, slot)
                    if wait is None:
                        raise
                    kind = type(error).__name__
                else:
                    self.limiter.succeeded()
                    return reply
            self._tell("model.retried", attempt=attempt, error=kind, wait_seconds=wait)
            if wait > 0:
                await self._sleep(wait)

    def _bound(self, input_tokens: int, output_tokens: int) -> Amount:
        input_tokens += self._surplus
        nano_usd = prices.bound(self.price_provider, self.name, input_tokens, output_tokens, overrides=self._overrides)
        if nano_usd is None:
            if self.budget.has_usd_ceiling:
                raise ConfigError(
                    f"{self.provider}:{self.name} has no known price, so the usd ceiling cannot be kept; "
                    "give it one under [prices] (0 for your own hardware) or lift the usd ceiling"
                )
            nano_usd = 0
        return Amount(calls=1, tokens=input_tokens + output_tokens, nano_usd=nano_usd)

    async def _attempt(self, request: Request, attempt: int, bound: Amount) -> Reply:
        async with self.budget.reserve(bound) as reservation:
            started = clock.monotonic()
            left = self.budget.seconds_left
            seconds = self._attempt_timeout_seconds if left is None else min(self._attempt_timeout_seconds, left)
            try:
                with anyio.move_on_after(seconds) as deadline:
                    reply = await self.model.complete(request)
            except ProviderError as error:
                reservation.settle(bound if error.is_billed else _UNBILLED)
                raise
            if deadline.cancelled_caught:
                raise ProviderTimeout(
                    f"{self.provider}:{self.name} gave no reply within {seconds:g} s; raise the timeout or ask for less"
                )
            used = self._checked(reply.usage)
            nano_usd = prices.price(
                self.price_provider,
                self.name,
                used,
                cache=reply.extra.get("cache_tokens"),
                overrides=self._overrides,
            )
            tokens = used.input_tokens + used.output_tokens
            reservation.settle(Amount(calls=1, tokens=tokens, nano_usd=nano_usd or 0))
        if tokens > bound.tokens:
            self._surplus += tokens - bound.tokens
        usage = Usage(
            calls=attempt, input_tokens=used.input_tokens, output_tokens=used.output_tokens, nano_usd=nano_usd
        )
        self._count(usage)
        self._tell(
            "model.called",
            attempts=attempt,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            nano_usd=nano_usd,
            duration_ms=(clock.monotonic() - started) * 1000,
        )
        return changed(reply, usage=usage)

    def _checked(self, usage: Usage) -> Usage:
        """Return what a model says it used, as whole numbers: a model of the user's own may have said anything."""
        if type(usage.input_tokens) is int and type(usage.output_tokens) is int:
            return usage
        try:
            return adapter(Usage).validate_python(asdict(usage))  # type: ignore[no-any-return]
        except ValidationError as error:
            told = f"{self.provider}:{self.name} returned usage that is no count"
            raise GarbledReply(f"{told}: {error.errors()[0]['msg']}") from error

    def _count(self, usage: Usage) -> None:
        self.usage = self.usage + usage
        if self._above is not None:
            self._above._count(usage)

    def _wait_after(self, error: ProviderError, request: Request, attempt: int, slot: Slot) -> float | None:
        """Return the seconds to wait before the next attempt, or ``None`` when there is to be none."""
        asked = getattr(error, "retry_after_seconds", None)
        dice = clock.chance(request.seed, f"{request.session}:{attempt}")
        backoff = min(_LONGEST_BACKOFF_SECONDS, self._backoff_seconds * 2 ** (attempt - 1)) * (0.5 + dice)
        wait = backoff if asked is None else asked
        if isinstance(error, RateLimited):
            self.limiter.throttled(slot, wait)
        left = self.budget.seconds_left
        if (
            not error.is_retryable
            or attempt >= (1 if request.once else self._max_attempts)
            or wait > self.limiter.max_wait_seconds
            or (left is not None and wait >= left)
        ):
            return None
        return 0.0 if isinstance(error, RateLimited) else wait

    def _tell(self, name: Literal["model.called", "model.retried", "model.limited"], **data: object) -> None:
        if self._bus is not None:
            self._bus.publish(name, model=f"{self.provider}:{self.name}", **data)


def _output_bound(request: Request, default: int) -> int:
    """Return the most tokens the reply can have: what is asked for, times the choices asked for."""
    named: list[int] = [request.params[key] for key in ("max_tokens", "max_completion_tokens") if key in request.params]
    choices: int = request.params.get("n", 1)
    numbers = [*named, choices]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        raise ConfigError(f"max_tokens and n must be whole numbers above 0, not {numbers}")
    return max(named, default=default) * choices
