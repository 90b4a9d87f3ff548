"""Steps without a journal, for an agent that is used alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from tinman.errors import AwaitingApproval, NotFound
from tinman.events import EventBus
from tinman.memory.graph import MemoryGraph
from tinman.runtime.fanout import run_all
from tinman.runtime.values import pack, unpack
from tinman.runtime.verbs import R, T, Tx, Work


class InlineRuntime:
    """Runs every step at once, without a journal; rows go to ``graph`` if there is one, events to ``bus``."""

    def __init__(
        self, graph: MemoryGraph | None = None, *, bus: EventBus | None = None, cycle_id: str = "inline"
    ) -> None:
        self.cycle_id = cycle_id
        self._graph = graph
        self._bus = bus or EventBus()

    async def step(self, key: str, work: Work[T], *, inputs: object = None) -> T:
        """Run ``work``, store its rows, return its value. Nothing is remembered."""
        tx = Tx(self.cycle_id)
        return cast(T, await self._finish(key, await work(tx), tx))

    async def step_once(self, key: str, intend: Callable[[Tx], R], work: Callable[[R], Awaitable[None]]) -> R:
        """Store the plan, then do it."""
        tx = Tx(self.cycle_id)
        planned = cast(R, await self._finish(key, intend(tx), tx))
        await work(planned)
        return planned

    async def _finish(self, key: str, value: object, tx: Tx) -> object:
        packed = pack(key, value, tx)
        if self._graph is not None:
            await self._graph.store([tx])
        tx.tell(self._bus)
        return unpack(packed.value, packed.records)

    async def resolve(self, key: str, happened: bool) -> None:
        """Raise ``NotFound``: nothing is left open here."""
        raise NotFound(f"step {key}: nothing is open in an inline run")

    async def map(self, items: Sequence[tuple[str, Work[T]]], limit: int) -> list[T]:
        """Run each item as a step, ``limit`` at a time."""
        return await run_all(self.step, items, limit)

    async def receive(self, topic: str) -> Any:
        """Raise ``AwaitingApproval``: nobody answers here."""
        raise AwaitingApproval(topic, "the agent")

    def stored(self, key: str) -> None:
        """Return ``None``: nothing is remembered."""
        return

    async def value(self, key: str) -> Any:
        """Raise ``NotFound``: nothing is remembered."""
        raise NotFound(f"step {key}: an inline run remembers none")
