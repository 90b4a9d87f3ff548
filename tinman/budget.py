"""Ceilings that cannot be overshot: reserve an upper bound before a call, settle with the truth after it.

A reservation that does not fit waits while others are in flight and is refused only when none is. Budgets nest:
a child reserves from its parent first. A ``Ledger`` makes spending durable in blocks, so that after a crash a block
that was not given back counts as spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import anyio

from tinman import clock
from tinman.errors import BudgetExhausted
from tinman.frozen import frozen, sum_of


@sum_of
class Amount:
    """A quantity of the three things a budget counts. Money is whole nano-dollars, so sums are exact."""

    calls: int = 0
    tokens: int = 0
    nano_usd: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            calls=self.calls + other.calls, tokens=self.tokens + other.tokens, nano_usd=self.nano_usd + other.nano_usd
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            calls=self.calls - other.calls, tokens=self.tokens - other.tokens, nano_usd=self.nano_usd - other.nano_usd
        )

    def at_least(self, other: Amount) -> Amount:
        """Return the larger of both, field by field."""
        return Amount(
            calls=max(self.calls, other.calls),
            tokens=max(self.tokens, other.tokens),
            nano_usd=max(self.nano_usd, other.nano_usd),
        )

    def at_most(self, other: Amount) -> Amount:
        """Return the smaller of both, field by field."""
        return Amount(
            calls=min(self.calls, other.calls),
            tokens=min(self.tokens, other.tokens),
            nano_usd=min(self.nano_usd, other.nano_usd),
        )

    def where(self, other: Amount) -> Amount:
        """Return this amount in the fields in which ``other`` is not nothing."""
        return Amount(
            calls=self.calls if other.calls else 0,
            tokens=self.tokens if other.tokens else 0,
            nano_usd=self.nano_usd if other.nano_usd else 0,
        )

    def covers(self, other: Amount) -> bool:
        """Say whether no field of ``other`` is larger."""
        return self.calls >= other.calls and self.tokens >= other.tokens and self.nano_usd >= other.nano_usd


NOTHING = Amount()
_UNBOUNDED = 2**62


@frozen
class Limits:
    """The ceilings; ``None`` leaves one open. ``seconds`` is wall clock from the budget's start."""

    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    seconds: float | None = None

    @property
    def ceiling(self) -> Amount:
        """The three countable ceilings as one amount."""
        return Amount(
            calls=_UNBOUNDED if self.calls is None else self.calls,
            tokens=_UNBOUNDED if self.tokens is None else self.tokens,
            nano_usd=_UNBOUNDED if self.usd is None else round(self.usd * 1e9),
        )


class Ledger(Protocol):
    """Where spending is made durable before it happens."""

    async def spent(self) -> Amount:
        """Return what earlier processes spent, blocks they never gave back included."""
        ...

    async def draw(self, block: Amount) -> None:
        """Write down that ``block`` may be spent from now on; durable when it returns."""
        ...

    async def give_back(self, used: Amount) -> None:
        """Close every block this process drew, with what was really used."""
        ...


@dataclass
class Reservation:
    """One call's upper bound, held inside ``async with`` until it is settled."""

    _budget: Budget
    _bound: Amount
    _is_open: bool = False
    _above: Reservation | None = None

    async def __aenter__(self) -> Self:
        budget = self._budget
        await budget._take(self._bound)
        self._is_open = True
        try:
            await budget._make_durable()
            if budget._parent is not None:
                self._above = await budget._parent.reserve(self._bound).__aenter__()
        except BaseException:
            # Whoever leaves before every parent agreed has started no call: nothing is spent then.
            self.settle(NOTHING)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.settle(self._bound)

    def settle(self, actual: Amount) -> None:
        """Replace the bound by what was used, here and in every parent. Only the first call counts."""
        if self._is_open:
            self._is_open = False
            self._budget._put(self._bound, actual)
            if self._above is not None:
                self._above.settle(actual)


class Budget:
    """What may still be spent, by everything that shares it.

    Not bound to a task: many tasks reserve at once. ``block`` is the size of one durable draw from the ledger,
    ``began`` when its time began to run (monotonic seconds), if not now.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        parent: Budget | None = None,
        ledger: Ledger | None = None,
        block: Amount | None = None,
        began: float | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._ceiling = self.limits.ceiling
        self._parent = parent
        self._ledger = ledger
        self._block = block or Amount(calls=64, tokens=200_000, nano_usd=50_000_000)
        self._drawn = NOTHING
        self._earlier = NOTHING
        self._spent = NOTHING
        self._held = NOTHING
        self._in_flight = 0
        self._changed: anyio.Event | None = None
        self._lock = anyio.Lock()
        self._deadline = None if self.limits.seconds is None else (began or clock.monotonic()) + self.limits.seconds

    async def open(self) -> None:
        """Count what earlier processes spent; call once before the first reservation when there is a ledger."""
        if self._ledger is not None:
            self._earlier = self._spent = self._drawn = await self._ledger.spent()

    async def close(self) -> None:
        """Give unused blocks back to the ledger."""
        if self._ledger is not None:
            await self._ledger.give_back(self._spent - self._earlier)

    @property
    def spent(self) -> Amount:
        """What is settled so far, earlier processes included."""
        return self._spent

    @property
    def held(self) -> Amount:
        """What calls in flight have reserved."""
        return self._held

    @property
    def seconds_left(self) -> float | None:
        """Wall clock left here and in every parent, or ``None`` without a deadline."""
        own = None if self._deadline is None else max(0.0, self._deadline - clock.monotonic())
        above = None if self._parent is None else self._parent.seconds_left
        if own is None or above is None:
            return above if own is None else own
        return min(own, above)

    @property
    def has_usd_ceiling(self) -> bool:
        """Whether money is bounded here or in any parent."""
        return self.limits.usd is not None or (self._parent is not None and self._parent.has_usd_ceiling)

    @property
    def room(self) -> Amount:
        """What a reservation made now could hold, here and in every parent; an open ceiling is a very large number."""
        own = (self._ceiling - self._spent - self._held).at_least(NOTHING)
        return own if self._parent is None else own.at_most(self._parent.room)

    @property
    def is_share(self) -> bool:
        """Whether this budget is part of another one."""
        return self._parent is not None

    def draws_on(self, other: Budget) -> bool:
        """Say whether what is spent here is spent out of ``other`` too."""
        return self is other or (self._parent is not None and self._parent.draws_on(other))

    def carve(self, limits: Limits) -> Budget:
        """Return a child that can spend at most ``limits``, all of it out of this budget."""
        return Budget(limits, parent=self)

    def _refusal(self, bound: Amount) -> BudgetExhausted | None:
        total = self._spent + bound
        for limit, unit, used, ceiling, wanted in (
            ("calls", 1, self._spent.calls, self._ceiling.calls, total.calls),
            ("tokens", 1, self._spent.tokens, self._ceiling.tokens, total.tokens),
            ("usd", 1e9, self._spent.nano_usd, self._ceiling.nano_usd, total.nano_usd),
        ):
            if wanted > ceiling:
                return BudgetExhausted(limit, ceiling=ceiling / unit, used=used / unit, needed=(wanted - used) / unit)
        return None

    def check_deadline(self) -> None:
        """Raise ``BudgetExhausted`` when the wall clock is used up."""
        if self._parent is not None:
            self._parent.check_deadline()
        left = self.seconds_left
        if left is not None and left <= 0:
            raise BudgetExhausted("seconds", ceiling=self.limits.seconds or 0.0, used=self.limits.seconds or 0.0)

    async def _take(self, bound: Amount) -> None:
        while True:
            self.check_deadline()
            if self._ceiling.covers(self._spent + self._held + bound):
                self._held = self._held + bound
                self._in_flight += 1
                return
            refusal = self._refusal(bound)
            if refusal is not None and self._in_flight == 0:
                raise refusal
            changed = self._changed = self._changed or anyio.Event()
            with anyio.move_on_after(self.seconds_left):
                await changed.wait()

    async def _make_durable(self) -> None:
        if self._ledger is None or self._is_durable:
            return
        async with self._lock:
            if not self._is_durable:
                missing = (self._wanted - self._drawn).at_least(NOTHING)
                room = (self._ceiling - self._drawn).at_least(NOTHING)
                block = missing.at_least(self._bounded(self._block).where(missing)).at_most(room)
                with anyio.CancelScope(shield=True):
                    await self._ledger.draw(block)
                self._drawn = self._drawn + block

    @property
    def _wanted(self) -> Amount:
        """What has to be written down: what has a ceiling before it can be spent, the rest once it is."""
        return self._spent + self._bounded(self._held)

    @property
    def _is_durable(self) -> bool:
        is_written = self._drawn.covers(self._bounded(self._spent + self._held))
        return is_written and self._spent.calls - self._drawn.calls < self._block.calls

    def _bounded(self, amount: Amount) -> Amount:
        """Return ``amount`` in the units that have a ceiling: only there may a block count that nobody used."""
        return Amount(
            calls=amount.calls if self.limits.calls is not None else 0,
            tokens=amount.tokens if self.limits.tokens is not None else 0,
            nano_usd=amount.nano_usd if self.limits.usd is not None else 0,
        )

    def _put(self, bound: Amount, actual: Amount) -> None:
        self._held = self._held - bound
        self._in_flight -= 1
        self._spent = self._spent + actual
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    def reserve(self, bound: Amount) -> Reservation:
        """Hold ``bound`` while a call runs; settle inside, or all of it counts as spent when the block is left.

        Entering raises ``BudgetExhausted`` when the bound does not fit and nothing in flight could make room, or when
        the deadline passed. Under cancellation the whole bound counts as spent, since the provider may have billed it.
        """
        return Reservation(self, bound)
