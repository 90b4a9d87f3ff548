"""What phases and agents may use of the engine that runs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, Protocol, TypeVar

from tinman.events import EventBus, EventName
from tinman.memory.nodes import Batch

T = TypeVar("T")
R = TypeVar("R")

State = Literal["done", "intended"]
"""Where a stored step stands: ``intended`` while nobody knows whether its work happened."""


class Tx(Batch):
    """What one step wants stored, and told once it is; its rows are written together with its journal entry.

    A record is never changed: its first content under an id stays. An edge with a missing end fails the step.
    """

    def __init__(self, cycle_id: str) -> None:
        super().__init__(cycle_id)
        self._announced: list[tuple[EventName, dict[str, Any]]] = []

    def announce(self, name: EventName, **data: Any) -> None:
        """Tell watchers of it after the commit; never of a step that fails, nor again when it is resumed."""
        self._announced.append((name, data))

    def tell(self, bus: EventBus) -> None:
        """Publish what was announced; for runtimes, once the rows are stored."""
        for name, data in self._announced:
            bus.publish(name, **data)


Work = Callable[[Tx], Awaitable[T]]


class Runtime(Protocol):
    """The verbs. Keys are unique within a cycle."""

    cycle_id: str

    async def step(self, key: str, work: Work[T], *, inputs: object = None) -> T:
        """Run ``work`` once in the life of the cycle and return its value, now and on every resume.

        The value is a record, JSON, or tuples, lists and dicts of both; records in it must have been recorded, here or
        in an earlier step. Raises ``Diverged`` when the stored step had other ``inputs``, ``Stopped`` when it would
        have to run after a stop. Cancelled before its commit it leaves nothing; a begun commit is completed.
        """

    async def step_once(self, key: str, intend: Callable[[Tx], R], work: Callable[[R], Awaitable[None]]) -> R:
        """Commit the plan that ``intend`` returns, then do it. Raises ``Unresolved`` when it was begun before."""

    async def resolve(self, key: str, happened: bool) -> None:
        """Settle an unresolved ``step_once``: it is taken as done, or may be begun again."""

    async def map(self, items: Sequence[tuple[str, Work[T]]], limit: int) -> list[T]:
        """Run each item as a step, ``limit`` at a time; values in the order given. The first error cancels the rest."""

    async def receive(self, topic: str) -> Any:
        """Return the answer given to ``topic``, the id of an approval, or raise ``AwaitingApproval``."""

    def stored(self, key: str) -> State | None:
        """Return where the step stands, ``None`` when it is not stored."""

    async def value(self, key: str) -> Any:
        """Return a stored step's value, of an intended one its plan. Raises ``NotFound`` when it is not stored."""
