"""The history of a loop: the state it is in, and the only way to another one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import InitVar, dataclass
from typing import TypeVar

from tinman import clock
from tinman.budget import Amount, Budget
from tinman.frozen import make
from tinman.loop.session import ceilings
from tinman.loop.state.changes import Acted, Change, Closed, Drawn, apply
from tinman.loop.state.records import ActionRecord, LoopConfig, State
from tinman.loop.state.store import Store
from tinman.loop.trace import Trace
from tinman.processes.threads import OutOfTime

T = TypeVar("T")


@dataclass
class History:
    """Goes from ``state`` to the next by changes, each durable before the next thing happens.

    ``budget`` is what this session may spend: the ceilings of ``config`` less what earlier sessions spent, out of
    ``share``. ``watch`` is called with every new state. It is the ledger of its budget: draws are changes, too.
    """

    state: State
    config: InitVar[LoopConfig]
    store: Store
    trace: Trace
    share: InitVar[Budget | None]
    watch: Callable[[State], None]

    def __post_init__(self, config: LoopConfig, share: Budget | None) -> None:
        self.spent_before = self._drawn = ceilings.spent_before(self.state)
        self.budget = ceilings.budget_of(config, self.state, share, self)
        self._started = clock.monotonic() - self.state.metrics.elapsed_s

    @property
    def elapsed_s(self) -> float:
        """Wall clock of all sessions, this one included."""
        return clock.monotonic() - self._started

    async def commit(self, change: Change) -> None:
        """Make ``change`` durable and go on from the state it leads to."""
        after = apply(self.state, change)
        await self.store.commit(change, after)
        self.go_on_from(after)

    async def perform(self, work: Callable[[], Awaitable[tuple[Change, T]]]) -> T:
        """Do ``work``, make the change it returns durable, go on from there, and return what came beside the change."""
        after, beside = await self.store.perform(work, lambda change: apply(self.state, change))
        self.go_on_from(after)
        return beside

    def go_on_from(self, after: State) -> None:
        """Be in another state from now on; a round that ended with it is told to the trace."""
        rounds = len(self.state.iterations)
        self.state = after
        self.watch(after)
        if len(after.iterations) > rounds and self.trace.is_on:
            record = after.iterations[-1]
            self.trace.tell_of_round(
                "iteration.end",
                index=record.index,
                trend=record.trend,
                repetition=record.repetition,
                idle=record.idle,
                no_progress_streak=after.no_progress_streak,
                summarized_iterations=max((each.last + 1 for each in after.artifacts), default=0),
                accounting={"tokens": after.total_tokens, "spent_tokens": self.budget.spent.tokens},
            )

    async def close_round(self) -> None:
        """End the open round: what ran is recorded, what did not is named."""
        if self.state.round is not None:
            done = len(self.state.round.record.actions)
            await self.commit(Closed(dropped=tuple(call.tool for call in self.state.round.calls[done:])))

    def change_by(self, action: ActionRecord) -> Acted:
        """Return the change that ``action`` makes, with the time and budget used so far."""
        return make(Acted, action=action, elapsed_s=self.elapsed_s, spent=self.budget.spent)

    def find_reached_ceiling(self, *, in_round: bool = False) -> str:
        """Return which ceiling is reached; empty when none is."""
        return ceilings.find_reached(self.state, self.budget, in_round=in_round)

    def check_time(self) -> None:
        """Raise ``OutOfTime`` when the wall clock is used up."""
        left = self.budget.seconds_left
        if left is not None and left <= 0:
            raise OutOfTime

    async def spent(self) -> Amount:
        """Return what earlier sessions spent; of one that was killed, all it had drawn."""
        return self.spent_before

    async def draw(self, block: Amount) -> None:
        """Write down that ``block`` may be spent; durable when it returns."""
        self._drawn = self._drawn + block
        await self.commit(Drawn(total=self._drawn))

    async def give_back(self, used: Amount) -> None:
        """The session's last change says what was used."""
