"""The few verbs through which a cycle reaches the world, and the journal that makes it resumable.

A *step* makes its calls first and buffers its rows in a ``Tx``; then one short transaction writes rows and journal
entry together. A key that is there already is rehydrated, not run again, so resuming is running the same coroutine once
more. What must not happen twice is a ``step_once``: its plan is committed first, and a plan without outcome is asked
about.
"""

from __future__ import annotations

import itertools
import os
import platform
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeVar, cast

import anyio
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection

from tinman import clock
from tinman.db.engine import RowRefused, Statement, Unchanged, insertion
from tinman.db.tables import CycleRow, JournalRow, as_text
from tinman.errors import (
    AwaitingApproval,
    BudgetExhausted,
    CycleOwned,
    Diverged,
    NotFound,
    StoreCorrupt,
    StoreError,
    TinmanError,
)
from tinman.events import EventBus, EventName
from tinman.frozen import digest
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Batch, to_json
from tinman.records import (
    DiscoveredFailure,
    ExperimentDesign,
    ExperimentResult,
    Hypothesis,
    Intervention,
    Record,
    Run,
    SimulationResult,
)

T = TypeVar("T")
R = TypeVar("R")

LEASE_SECONDS = 60.0
HEARTBEAT_SECONDS = 15.0
_PREFETCH = 1_000
_RENEW = (
    "UPDATE cycles SET heartbeat_at = :heartbeat_at, lease_expires_at = :lease_expires_at"
    " WHERE id = :id AND owner = :owner"
)
_APPEND = insertion(JournalRow, "cycle_id", "key", "inputs", "value", "state", "created_at")
_RECORDS = (
    Run,
    Hypothesis,
    ExperimentDesign,
    ExperimentResult,
    DiscoveredFailure,
    Intervention,
    SimulationResult,
)
_RECORD, _TUPLE = "$record", "$tuple"


class Stopped(TinmanError):
    """Raised when a stop was asked for and there is work left that is not in the journal."""


class Unresolved(StoreError):
    """Raised when a ``step_once`` was begun before and nobody knows whether it happened.

    ``key`` names the step, ``planned`` is what was about to be done; ``Runtime.resolve`` settles it.
    """

    def __init__(self, key: str, planned: object) -> None:
        name = getattr(planned, "label", "") or getattr(planned, "id", "")
        super().__init__(
            f"step {key}: {name or 'it'} was begun and may or may not have happened; look, then resolve it"
        )
        self.key = key
        self.planned = planned


class Tx:
    """What one step wants stored; written in one short transaction, together with its journal entry."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def record(self, record: Record, *, label: str | None = None) -> None:
        """Store a record (and the runs of a result). A record is never changed: its first content under an id stays.

        Raises ``ValueError`` when it holds NaN.
        """
        self._batch.record(record, label=label)

    def link(self, source_id: str, relation: str, target_id: str) -> None:
        """Store an edge. Raises ``ValueError`` for an unknown relation; a missing end fails the step."""
        self._batch.link(source_id, relation, target_id)

    def relabel(self, record_id: str, label: str) -> None:
        """Give a record another label."""
        self._batch.relabel(record_id, label)

    def note(self, kind: str, node_id: str, data: dict[str, Any]) -> None:
        """Store an untyped node (a belief, a forecast, a deployment); ``data`` is JSON."""
        self._batch.note(kind, node_id, data)


Work = Callable[[Tx], Awaitable[T]]


class Runtime(Protocol):
    """What phases and agents may use of the engine that runs them."""

    cycle_id: str

    async def step(self, key: str, work: Work[T], *, inputs: object = None) -> T:
        """Run ``work`` once in the life of the cycle and return its value, now and on every resume.

        The value is a record, JSON, or tuples, lists and dicts of both; records in it must have been recorded, here or
        in an earlier step. Raises ``Diverged`` when the stored step had other ``inputs``, ``Stopped`` when it would
        have to run after a stop. Cancelled before its commit it leaves nothing; a begun commit is completed.
        """
        ...

    async def step_once(self, key: str, intend: Callable[[Tx], R], work: Callable[[R], Awaitable[None]]) -> R:
        """Commit the plan that ``intend`` returns, then do it. Raises ``Unresolved`` when it was begun before."""
        ...

    async def resolve(self, key: str, happened: bool) -> None:
        """Settle an unresolved ``step_once``: it is taken as done, or may be begun again."""
        ...

    async def map(self, items: Sequence[tuple[str, Work[T]]], limit: int) -> list[T]:
        """Run each item as a step, ``limit`` at a time; values in the order given. The first error cancels the rest."""
        ...

    async def receive(self, topic: str) -> Any:
        """Return the answer given to ``topic``, the id of an approval, or raise ``AwaitingApproval``."""
        ...

    async def announce(self, name: EventName, **data: Any) -> None:
        """Tell watchers; inside a step, after its commit."""
        ...


# -- values of steps, as the journal keeps them


def _pack(value: Any, records: dict[str, Record]) -> Any:
    """Return ``value`` as JSON with records by id, and put the records into ``records``."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, _RECORDS):
        records[value.id] = value
        return {_RECORD: value.id}
    if isinstance(value, tuple):
        return {_TUPLE: [_pack(each, records) for each in value]}
    if isinstance(value, list):
        return [_pack(each, records) for each in value]
    if isinstance(value, dict) and all(isinstance(name, str) and not name.startswith("$") for name in value):
        return {name: _pack(each, records) for name, each in value.items()}
    raise TypeError(f"a step returns records and JSON, not {type(value).__name__}")


def _unpack(packed: Any, records: dict[str, Record]) -> Any:
    if isinstance(packed, list):
        return [_unpack(each, records) for each in packed]
    if not isinstance(packed, dict):
        return packed
    if _RECORD in packed:
        return records[packed[_RECORD]]
    if _TUPLE in packed:
        return tuple(_unpack(each, records) for each in packed[_TUPLE])
    return {name: _unpack(each, records) for name, each in packed.items()}


def _ids(packed: Any) -> Iterator[str]:
    if isinstance(packed, list):
        for each in packed:
            yield from _ids(each)
    elif isinstance(packed, dict):
        if _RECORD in packed:
            yield packed[_RECORD]
        else:
            for each in packed.values():
                yield from _ids(each)


# -- what both runtimes share


class _Announcer:
    """Publishes events; those of a step in progress wait for its commit."""

    def __init__(self, bus: EventBus | None) -> None:
        self._bus = bus
        self._held: ContextVar[list[tuple[EventName, dict[str, Any]]] | None] = ContextVar("held", default=None)

    def publish(self, name: EventName, data: dict[str, Any]) -> None:
        held = self._held.get()
        if held is not None:
            held.append((name, data))
        elif self._bus is not None:
            self._bus.publish(name, **data)

    @contextmanager
    def holding(self) -> Iterator[list[tuple[EventName, dict[str, Any]]]]:
        """Collect what is announced inside, and hand it over to be released after the commit."""
        held: list[tuple[EventName, dict[str, Any]]] = []
        token = self._held.set(held)
        try:
            yield held
        finally:
            self._held.reset(token)

    def release(self, held: Iterable[tuple[EventName, dict[str, Any]]]) -> None:
        if self._bus is not None:
            for name, data in held:
                self._bus.publish(name, **data)


async def _map(
    step: Callable[[str, Work[T]], Awaitable[T]], items: Sequence[tuple[str, Work[T]]], limit: int
) -> list[T]:
    """Run ``step`` over ``items`` with ``limit`` workers; raise the first error as it was."""
    if limit < 1:
        raise ValueError(f"map needs a limit of at least 1, not {limit}")
    results: dict[int, T] = {}
    stopped: list[Stopped | BudgetExhausted] = []
    queue = iter(enumerate(items))

    async def worker() -> None:
        for index, (key, work) in queue:
            try:
                results[index] = await step(key, work)
            except (Stopped, BudgetExhausted) as error:  # what is in flight ends, what is stored is still read
                stopped.append(error)

    error: BaseException | None = None
    try:
        async with anyio.create_task_group() as group:
            for _ in range(min(limit, len(items))):
                group.start_soon(worker)
    except BaseExceptionGroup as several:
        error = _first(several)
    if error is not None:
        raise error
    if stopped:
        raise stopped[0]
    return [results[index] for index in range(len(items))]


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that ended a group."""
    error = several.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


class InlineRuntime:
    """Runs every step at once, without a journal; rows go to ``graph`` if there is one. For an agent used alone."""

    def __init__(
        self, graph: MemoryGraph | None = None, *, bus: EventBus | None = None, cycle_id: str = "inline"
    ) -> None:
        self.cycle_id = cycle_id
        self._graph = graph
        self._announcer = _Announcer(bus)

    async def step(self, key: str, work: Work[T], *, inputs: object = None) -> T:
        """Run ``work``, store its rows, return its value. Nothing is remembered."""
        batch = Batch(self.cycle_id)
        with self._announcer.holding() as held:
            value = await work(Tx(batch))
        packed = _packed(key, value, batch)
        await self._store(batch)
        self._announcer.release(held)
        return cast(T, _unpack(packed.value, packed.records))

    async def step_once(self, key: str, intend: Callable[[Tx], R], work: Callable[[R], Awaitable[None]]) -> R:
        """Store the plan, then do it."""
        batch = Batch(self.cycle_id)
        packed = _packed(key, intend(Tx(batch)), batch)
        planned = cast(R, _unpack(packed.value, packed.records))
        await self._store(batch)
        await work(planned)
        return planned

    async def resolve(self, key: str, happened: bool) -> None:
        """Raise ``NotFound``: nothing is left open here."""
        raise NotFound(f"step {key}: nothing is open in an inline run")

    async def map(self, items: Sequence[tuple[str, Work[T]]], limit: int) -> list[T]:
        """Run each item as a step, ``limit`` at a time."""
        return await _map(self.step, items, limit)

    async def receive(self, topic: str) -> Any:
        """Raise ``AwaitingApproval``: nobody answers here."""
        raise AwaitingApproval(topic, "the agent")

    async def announce(self, name: EventName, **data: Any) -> None:
        """Tell watchers; inside a step, after its commit."""
        self._announcer.publish(name, data)

    async def _store(self, batch: Batch) -> None:
        if self._graph is not None:
            await self._graph.store([batch])


@dataclass(slots=True)
class _Packed:
    value: Any
    records: dict[str, Record]


def _packed(key: str, value: object, batch: Batch) -> _Packed:
    """Pack a step's value; records the step itself stored come as they are stored, labels included."""
    records: dict[str, Record] = {}
    try:
        packed = _pack(value, records)
    except TypeError as error:
        raise TypeError(f"step {key}: {error}") from None
    for record_id in records:
        if record_id in batch.records:
            records[record_id] = batch.records[record_id]
    return _Packed(packed, records)


# -- the journal


@dataclass(slots=True)
class _Entry:
    inputs: str
    value: Any
    state: Literal["done", "intended"]


@dataclass(slots=True)
class _Commit:
    """A finished step on its way into the database."""

    batch: Batch
    row: dict[str, Any]
    is_settled: bool = False
    error: BaseException | None = field(default=None)


_serial = itertools.count(1)


class JournalRuntime:
    """Runs one cycle in this event loop over the database's journal. Use it as ``async with``.

    Entering takes the cycle's lease: ``CycleOwned`` when another live process holds it, ``NotFound`` when there is no
    such cycle. The lease is renewed with every commit and every few seconds; a holder that lost it can commit nothing.
    """

    def __init__(self, graph: MemoryGraph, cycle_id: str, *, bus: EventBus | None = None) -> None:
        self.cycle_id = cycle_id
        self.graph = graph
        self.stopping = False
        self._announcer = _Announcer(bus)
        self._owner = f"{platform.node()}:{os.getpid()}:{clock.now().isoformat()}/{next(_serial)}"
        self._journal: dict[str, _Entry] = {}
        self._order: list[str] = []
        self._position: dict[str, int] = {}
        self._cache: dict[str, Record] = {}
        self._known: dict[str, int | None] = {}
        self._running: set[str] = set()
        self._ready: list[_Commit] = []
        self._lost: CycleOwned | None = None
        self._lock = anyio.Lock(fast_acquire=True)
        self._reading = anyio.Lock()
        self._stack = AsyncExitStack()

    # -- the lease

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._release)  # frees only what this object took
            await self._take()
            await self._load()
            await stack.enter_async_context(_Heart(self._beat))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _take(self) -> None:
        lease = select(CycleRow.owner, CycleRow.lease_expires_at).where(CycleRow.id == self.cycle_id)
        async with self.graph.db.write() as connection:
            row = (await connection.execute(lease)).one_or_none()
            if row is None:
                raise NotFound(f"cycle {self.cycle_id}: there is none")
            if row.owner is not None and _is_alive(row.owner) and (row.lease_expires_at or clock.now()) > clock.now():
                raise self._owned_by(row.owner)
            taken = (
                update(CycleRow)
                .where(CycleRow.id == self.cycle_id, CycleRow.owner.is_not_distinct_from(row.owner))
                .values(owner=self._owner, **_lease())
                .returning(CycleRow.id)
            )
            if (await connection.execute(taken)).first() is None:
                raise CycleOwned(f"cycle {self.cycle_id}: another process has just taken it")

    def _owned_by(self, owner: str) -> CycleOwned:
        host, pid, _ = owner.split(":", 2)
        return CycleOwned(f"cycle {self.cycle_id}: process {pid} on {host} is running it; stop that one, or wait")

    async def _renew(self, connection: AsyncConnection) -> None:
        mine = (CycleRow.id == self.cycle_id, CycleRow.owner == self._owner)
        renewed = update(CycleRow).where(*mine).values(**_lease()).returning(CycleRow.id)
        if (await connection.execute(renewed)).first() is None:
            raise self._lease_lost()

    async def _beat(self) -> None:
        """Keep the lease while a step takes long; what goes wrong shows at the next commit."""
        while True:
            await anyio.sleep(HEARTBEAT_SECONDS)
            try:
                async with self.graph.db.write() as connection:
                    await self._renew(connection)
            except CycleOwned as lost:
                self._lost = lost
                return
            except StoreError:
                continue

    async def _release(self) -> None:
        async def free() -> None:
            freed = update(CycleRow).where(CycleRow.id == self.cycle_id, CycleRow.owner == self._owner)
            with suppress(StoreError):  # a lease that cannot be given back runs out by itself
                async with self.graph.db.write() as connection:
                    await connection.execute(freed.values(owner=None, lease_expires_at=None))

        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as group:  # a native cancellation waits for it, too
                group.start_soon(free)

    async def read(self) -> None:
        """Read the journal without taking the lease, to look at what is stored; nothing may be run then."""
        self.stopping = True
        await self._load()

    async def _load(self) -> None:
        query = select(JournalRow.key, JournalRow.inputs, JournalRow.value, JournalRow.state)
        async with self.graph.db.read() as connection:
            rows = await connection.execute(
                query.where(JournalRow.cycle_id == self.cycle_id).order_by(JournalRow.created_at, JournalRow.key)
            )
            for key, inputs, value, state in rows:
                self._remember(key, _Entry(inputs, value["value"], state))

    def _remember(self, key: str, entry: _Entry) -> None:
        if key not in self._position:
            self._position[key] = len(self._order)
            self._order.append(key)
        self._journal[key] = entry

    # -- stopping

    async def stop(self) -> None:
        """Ask for a graceful stop: what is in flight ends and is stored, nothing new begins."""
        self.stopping = True

    # -- the verbs

    async def step(self, key: str, work: Work[T], *, inputs: object = None) -> T:
        """See ``Runtime.step``. Raises ``CycleOwned`` when the lease was lost meanwhile."""
        stamp = "" if inputs is None else digest(inputs)
        entry = self._journal.get(key)
        if entry is not None:
            if entry.inputs != stamp:
                raise Diverged(f"step {key}: stored with other inputs than it is asked with now; start a new cycle")
            if entry.state == "intended":
                raise Unresolved(key, await self._rehydrate(key, entry))
            return cast(T, await self._rehydrate(key, entry))
        with self._exclusive(key):
            batch = Batch(self.cycle_id)
            with self._announcer.holding() as held:
                value = await work(Tx(batch))
            result = await self._finish(key, value, batch, stamp, "done")
            self._announcer.release(held)
            return cast(T, result)

    async def step_once(self, key: str, intend: Callable[[Tx], R], work: Callable[[R], Awaitable[None]]) -> R:
        """See ``Runtime.step_once``. When ``work`` raises or is cancelled the step stays unresolved."""
        entry = self._journal.get(key)
        if entry is not None:
            planned = cast(R, await self._rehydrate(key, entry))
            if entry.state == "intended":
                raise Unresolved(key, planned)
            return planned
        with self._exclusive(key):
            batch = Batch(self.cycle_id)
            planned = cast(R, await self._finish(key, intend(Tx(batch)), batch, "", "intended"))
            await work(planned)
            await self._settle(key, happened=True)
            return planned

    async def resolve(self, key: str, happened: bool) -> None:
        """See ``Runtime.resolve``. Raises ``NotFound`` when the step is not open."""
        entry = self._journal.get(key)
        if entry is None or entry.state != "intended":
            raise NotFound(f"step {key}: it is not open")
        await self._settle(key, happened=happened)

    async def map(self, items: Sequence[tuple[str, Work[T]]], limit: int) -> list[T]:
        """See ``Runtime.map``. After a stop, ``Stopped`` is raised once what is in flight has been stored."""
        return await _map(self.step, items, limit)

    async def receive(self, topic: str) -> Any:
        """Raise ``AwaitingApproval``: in one process the cycle ends paused and is resumed when there is an answer."""
        raise AwaitingApproval(topic, f"cycle {self.cycle_id}")

    async def announce(self, name: EventName, **data: Any) -> None:
        """Tell watchers; inside a step, after its commit."""
        self._announcer.publish(name, data)

    def stored_keys(self) -> list[str]:
        """Return the keys of the stored steps in the order they were stored."""
        return [key for key in self._order if key in self._journal]

    def unresolved(self) -> list[str]:
        """Return the keys of steps that were begun and may or may not have happened."""
        return [key for key in self._order if key in self._journal and self._journal[key].state == "intended"]

    # -- steps

    @contextmanager
    def _exclusive(self, key: str) -> Iterator[None]:
        if self._lost is not None:
            raise self._lost
        if self.stopping:
            raise Stopped(f"cycle {self.cycle_id}: stopped before step {key}; resume to go on")
        if key in self._running:
            raise ValueError(f"step {key}: it is running already; every step needs a key of its own")
        self._running.add(key)
        try:
            yield
        finally:
            self._running.discard(key)

    async def _finish(
        self, key: str, value: object, batch: Batch, inputs: str, state: Literal["done", "intended"]
    ) -> object:
        """Commit a step and return its value as a resume would return it."""
        packed = _packed(key, value, batch)
        await self._check_records(key, batch, packed.records)
        row = {
            "cycle_id": self.cycle_id,
            "key": key,
            "inputs": inputs,
            "value": to_json({"value": packed.value}),
            "state": state,
        }
        await self._commit(_Commit(batch, row))
        for record_id, node in batch.nodes.items():
            self._known[record_id] = hash(node["data"])
        self._remember(key, _Entry(inputs, packed.value, state))
        return _unpack(packed.value, packed.records)

    async def _check_records(self, key: str, batch: Batch, returned: dict[str, Record]) -> None:
        for record_id, node in batch.nodes.items():
            stored = self._known.get(record_id)
            if stored is not None and stored != hash(node["data"]):
                raise Diverged(f"step {key}: {record_id} is stored with other content; a record is never changed")
        unknown = [each for each in returned if each not in batch.records and each not in self._known]
        if unknown and (missing := await self.graph.missing(unknown)):
            raise ValueError(f"step {key}: returned {min(missing)}, which no step has recorded")

    async def _commit(self, commit: _Commit) -> None:
        """Write a finished step with all others that are ready: whoever gets the lock first writes for everybody."""
        self._ready.append(commit)
        with anyio.CancelScope(shield=True):
            while not commit.is_settled:
                async with self._lock:
                    if commit.is_settled:
                        break
                    together, self._ready = self._ready, []
                    async with anyio.create_task_group() as group:  # a native cancellation waits for it, too
                        group.start_soon(self._write, together)
        if commit.error is not None:
            raise commit.error

    async def _write(self, together: Sequence[_Commit]) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await self._write_whole(together)
        except (RowRefused, StatementError, ValueError) as error:
            if len(together) == 1:
                together[0].error = error
            else:  # one of them is poisoned: the others must not suffer for it
                for commit in together:
                    await self._write([commit])
        except (StoreError, SQLAlchemyError) as error:
            for commit in together:
                commit.error = error
        finally:
            for commit in together:
                commit.is_settled = True

    async def _write_whole(self, together: Sequence[_Commit]) -> None:
        now = clock.now()
        batches = [commit.batch for commit in together]
        rows = [commit.row for commit in together]
        if self.graph.db.is_sqlite and not any(batch.labels for batch in batches):
            await self._write_at_once(batches, rows, now)
            return
        async with self.graph.db.write() as connection:
            await self._renew(connection)
            await self.graph.write(connection, batches, now)
            await connection.execute(insert(JournalRow), [row | {"created_at": now} for row in rows])

    async def _write_at_once(self, batches: Sequence[Batch], rows: Sequence[dict[str, Any]], now: datetime) -> None:
        """Do the same in one hop to a thread: runs and rounds of loops come by the hundred."""
        lease = {name: as_text(moment) for name, moment in _lease(now).items()}
        renewal = Statement(_RENEW, [{**lease, "id": self.cycle_id, "owner": self._owner}], must_change=True)
        at = {"created_at": as_text(now)}
        journal = Statement(_APPEND, [row | at for row in rows])
        try:
            await self.graph.db.write_at_once([renewal, *self.graph.statements(batches, now), journal])
        except Unchanged:
            raise self._lease_lost() from None

    def _lease_lost(self) -> CycleOwned:
        return CycleOwned(f"cycle {self.cycle_id}: the lease was lost, another process runs it now")

    async def _settle(self, key: str, *, happened: bool) -> None:
        mine = (JournalRow.cycle_id == self.cycle_id, JournalRow.key == key, JournalRow.state == "intended")
        async with self.graph.db.write() as connection:
            await self._renew(connection)
            if happened:
                await connection.execute(update(JournalRow).where(*mine).values(state="done"))
            else:
                await connection.execute(delete(JournalRow).where(*mine))
        if happened:
            self._journal[key].state = "done"
        else:
            del self._journal[key]

    async def _rehydrate(self, key: str, entry: _Entry) -> object:
        """Return a stored step's value, reading ahead the records of the steps stored after it."""
        ids = set(_ids(entry.value))
        if not ids <= self._cache.keys():
            async with self._reading:
                missing = ids - self._cache.keys()
                if missing:
                    await self._prefetch(missing, self._position[key])
        return _unpack(entry.value, self._cache)

    async def _prefetch(self, wanted: set[str], position: int) -> None:
        ahead = dict.fromkeys(wanted)
        for key in itertools.islice(self._order, position, None):
            if len(ahead) >= _PREFETCH:
                break
            entry = self._journal.get(key)
            if entry is not None:
                ahead.update(dict.fromkeys(each for each in _ids(entry.value) if each not in self._cache))
        found = await self.graph.records(ahead)
        if lost := wanted - found.keys():
            raise StoreCorrupt(f"cycle {self.cycle_id}: the journal names {min(lost)}, which is not stored")
        self._cache.update(found)
        self._known.update(dict.fromkeys(found, None))


class _Heart:
    """Runs ``beat`` beside the body it wraps, and ends it with the body."""

    def __init__(self, beat: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._beat = beat
        self._group = anyio.create_task_group()

    async def __aenter__(self) -> None:
        await self._group.__aenter__()
        self._group.start_soon(self._beat)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._group.cancel_scope.cancel()
        await self._group.__aexit__(None, None, None)


def _lease(now: datetime | None = None) -> dict[str, Any]:
    now = now or clock.now()
    return {"heartbeat_at": now, "lease_expires_at": now + timedelta(seconds=LEASE_SECONDS)}


def _is_alive(owner: str) -> bool:
    """Say whether the process that took a lease may still live; of another machine nothing is known."""
    host, pid, _ = owner.split(":", 2)
    if host != platform.node():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
