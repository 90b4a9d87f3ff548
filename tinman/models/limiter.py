"""How many calls run at once against one provider endpoint: more while it answers, half when it says 429."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import anyio

from tinman import clock
from tinman.errors import RateLimited

_JITTER = 0.1


@dataclass(slots=True, eq=False)
class Slot:
    """The right to make one call, held inside ``async with``. ``waited_seconds`` is how long it took to get it."""

    limiter: ProviderLimiter
    launched_at: float = 0.0
    waited_seconds: float = 0.0

    async def __aenter__(self) -> Self:
        await self.limiter._take(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.limiter._give_back(self)


class ProviderLimiter:
    """Additive increase, multiplicative decrease (https://doi.org/10.1016/0169-7552(89)90019-6) for one endpoint.

    Shared by everything that calls it: target, reasoner and judge. ``initial`` is the caller's concurrency if it has
    one. Waiting longer than ``max_wait_seconds`` raises ``RateLimited``. A cancelled waiter leaves no trace.
    """

    def __init__(
        self,
        initial: int = 16,
        maximum: int = 64,
        max_wait_seconds: float = 120.0,
        *,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        self.maximum = max(initial, maximum)
        self.max_wait_seconds = max_wait_seconds
        self._limit = float(max(1, initial))
        self._tokens = anyio.CapacityLimiter(self.limit)
        self._resume_at = -math.inf
        self._halved_at = -math.inf
        self._throttles = 0
        self._turns = 0
        self._sleep = sleep
        self._now = now

    @property
    def limit(self) -> int:
        """How many calls may run at once now."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        """How many calls run now."""
        return self._tokens.borrowed_tokens

    def slot(self) -> Slot:
        """Return one of the places, to be held while a call runs; entering raises ``RateLimited`` when none is free in
        time."""
        return Slot(self)

    async def _take(self, slot: Slot) -> None:
        try:
            self._tokens.acquire_on_behalf_of_nowait(slot)
        except anyio.WouldBlock:
            await self._queue(slot)
        if self._resume_at > -math.inf:
            try:
                await self._wait_out_the_pause(slot)
            except BaseException:
                self._give_back(slot)
                raise
        slot.launched_at = self._now()

    def _give_back(self, slot: Slot) -> None:
        self._tokens.release_on_behalf_of(slot)

    async def _queue(self, slot: Slot) -> None:
        asked_at = self._now()
        with anyio.move_on_after(self.max_wait_seconds) as scope:
            await self._tokens.acquire_on_behalf_of(slot)
        slot.waited_seconds = self._now() - asked_at
        if scope.cancelled_caught:
            raise RateLimited(
                f"no free place among {self.limit} within {self.max_wait_seconds:g} s; lower the concurrency"
            )

    async def _wait_out_the_pause(self, slot: Slot) -> None:
        while (pause := self._resume_at - self._now()) > 0:
            if slot.waited_seconds + pause > self.max_wait_seconds:
                raise RateLimited(
                    f"the provider asks for {pause:.0f} s of silence, more than {self.max_wait_seconds:g} s",
                    retry_after_seconds=pause,
                )
            self._turns += 1
            pause *= 1 + _JITTER * clock.chance(self._throttles, f"turn {self._turns}")
            slot.waited_seconds += pause
            await self._sleep(pause)

    def succeeded(self) -> None:
        """Count one good reply: the limit grows by 1/limit, one whole place after a round of good replies."""
        if self._limit < self.maximum:
            before = self.limit
            self._limit = min(float(self.maximum), self._limit + 1 / self._limit)
            if self.limit != before:
                self._tokens.total_tokens = self.limit

    def throttled(self, slot: Slot, pause_seconds: float) -> None:
        """Halve the limit and launch nothing for ``pause_seconds``.

        Calls that were launched before the last halving say nothing new: they lengthen the pause but halve no more.
        """
        now = self._now()
        self._throttles += 1
        self._resume_at = max(self._resume_at, now + pause_seconds)
        if slot.launched_at > self._halved_at:
            self._halved_at = now
            self._limit = max(1.0, self._limit / 2)
            self._tokens.total_tokens = self.limit
