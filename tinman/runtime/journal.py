"""Steps that are remembered: run once in the life of a cycle, whatever ends the process."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Self, cast, get_args

import anyio
from sqlalchemy import Connection, delete, insert, select, update

from tinman import clock
from tinman.db.prepared import Prepared, moment
from tinman.db.tables import JournalRow
from tinman.errors import AwaitingApproval, Diverged, NotFound, Stopped, StoreCorrupt, Unresolved
from tinman.events import EventBus
from tinman.frozen import digest
from tinman.memory import rows
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Batch, to_json
from tinman.records import Record
from tinman.runtime.commits import Commit, Commits
from tinman.runtime.fanout import run_all
from tinman.runtime.lease import Lease
from tinman.runtime.values import ids_of, pack, unpack
from tinman.runtime.verbs import R, State, T, Tx, Work

_PREFETCH = 1_000
_APPEND = Prepared(insert(JournalRow), "cycle_id", "key", "inputs", "value", "state", "created_at")


@dataclass(slots=True)
class _Entry:
    inputs: str
    value: Any
    state: State


class JournalRuntime:
    """Runs one cycle in this event loop over the database's journal. Use it as ``async with``.

    Entering takes the cycle's lease: ``CycleOwned`` when another live process holds it, ``NotFound`` when there is no
    such cycle. The lease is renewed with every commit and every few seconds; a holder that lost it can commit nothing.
    """

    def __init__(
        self, graph: MemoryGraph, cycle_id: str, *, bus: EventBus | None = None, may_overlap: bool = True
    ) -> None:
        self.cycle_id = cycle_id
        self.graph = graph
        self.stopping = False
        self._bus = bus or EventBus()
        self._lease = Lease(graph.db, cycle_id, may_overlap=may_overlap)
        self._commits = Commits(self._write)
        self._journal: dict[str, _Entry] = {}
        self._position: dict[str, int] = {}  # in the order of storing; what was begun anew keeps its place
        self._cache: dict[str, Record] = {}
        self._stored: set[str] = set()  # ids of records that are known to be in the database,
        self._contents: dict[str, int] = {}  # and of those written here the hash of their JSON: it never changes
        self._running: set[str] = set()
        self._reading = anyio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._lease)
            await self._load()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def read(self) -> None:
        """Read the journal without taking the lease, to look at what is stored; nothing may be run then."""
        self.stopping = True
        await self._load()

    async def _load(self) -> None:
        query = select(JournalRow.key, JournalRow.inputs, JournalRow.value, JournalRow.state)
        async with self.graph.db.read() as connection:
            found = await connection.execute(
                query.where(JournalRow.cycle_id == self.cycle_id).order_by(JournalRow.created_at, JournalRow.key)
            )
            for key, inputs, value, state in found:
                if "value" not in value or state not in get_args(State):
                    raise StoreCorrupt(f"database: table journal, row {self.cycle_id} {key}: it is no step")
                self._remember(key, _Entry(inputs, value["value"], state))

    def _remember(self, key: str, entry: _Entry) -> None:
        self._position.setdefault(key, len(self._position))
        self._journal[key] = entry

    def hold(self, connection: Connection) -> None:
        """Keep the lease inside a transaction; raises ``CycleOwned`` when it was lost, so that nothing is written."""
        self._lease.renew(connection, clock.now())

    def stop(self) -> None:
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
            return cast(T, await self._outcome(key, entry))
        with self._exclusive(key):
            tx = Tx(self.cycle_id)
            return cast(T, await self._finish(key, await work(tx), tx, stamp, "done"))

    async def step_once(self, key: str, intend: Callable[[Tx], R], work: Callable[[R], Awaitable[None]]) -> R:
        """See ``Runtime.step_once``. When ``work`` raises or is cancelled the step stays unresolved."""
        entry = self._journal.get(key)
        if entry is not None:
            return cast(R, await self._outcome(key, entry))
        with self._exclusive(key):
            tx = Tx(self.cycle_id)
            planned = cast(R, await self._finish(key, intend(tx), tx, "", "intended"))
            await work(planned)
            await self._settle(key, happened=True)
            return planned

    async def resolve(self, key: str, happened: bool) -> None:
        """See ``Runtime.resolve``. Raises ``NotFound`` when the step is not open."""
        if self.stored(key) != "intended":
            raise NotFound(f"step {key}: it is not open")
        await self._settle(key, happened=happened)

    async def map(self, items: Sequence[tuple[str, Work[T]]], limit: int) -> list[T]:
        """See ``Runtime.map``. After a stop, ``Stopped`` is raised once what is in flight has been stored."""
        return await run_all(self.step, items, limit)

    async def receive(self, topic: str) -> Any:
        """Raise ``AwaitingApproval``: in one process the cycle ends paused and is resumed when there is an answer."""
        raise AwaitingApproval(topic, f"cycle {self.cycle_id}")

    def stored(self, key: str) -> State | None:
        """See ``Runtime.stored``."""
        entry = self._journal.get(key)
        return None if entry is None else entry.state

    async def value(self, key: str) -> Any:
        """See ``Runtime.value``."""
        entry = self._journal.get(key)
        if entry is None:
            raise NotFound(f"step {key}: it is not stored")
        return await self._rehydrate(key, entry)

    def stored_keys(self) -> list[str]:
        """Return the keys of the stored steps in the order they were stored."""
        return [key for key in self._position if key in self._journal]

    def unresolved(self) -> list[str]:
        """Return the keys of steps that were begun and may or may not have happened."""
        return [key for key in self.stored_keys() if self._journal[key].state == "intended"]

    # -- steps

    @contextmanager
    def _exclusive(self, key: str) -> Iterator[None]:
        if self._lease.lost is not None:
            raise self._lease.lost
        if self.stopping:
            raise Stopped(f"cycle {self.cycle_id}: stopped before step {key}; resume to go on")
        if key in self._running:
            raise ValueError(f"step {key}: it is running already; every step needs a key of its own")
        self._running.add(key)
        try:
            yield
        finally:
            self._running.discard(key)

    async def _finish(self, key: str, value: object, tx: Tx, inputs: str, state: State) -> object:
        """Commit a step and return its value as a resume would return it."""
        packed = pack(key, value, tx)
        await self._check_records(key, tx, packed.records)
        json = to_json({"value": packed.value})
        entry = {"cycle_id": self.cycle_id, "key": key, "inputs": inputs, "value": json, "state": state}
        await self._commits.settle(Commit(tx, entry))
        for record_id, node in tx.nodes.items():
            self._stored.add(record_id)
            self._contents[record_id] = hash(node["data"])
        self._remember(key, _Entry(inputs, packed.value, state))
        tx.tell(self._bus)
        return unpack(packed.value, packed.records)

    async def _check_records(self, key: str, batch: Batch, returned: dict[str, Record]) -> None:
        for record_id, node in batch.nodes.items():
            if self._contents.get(record_id) not in (None, hash(node["data"])):
                raise Diverged(f"step {key}: {record_id} is stored with other content; a record is never changed")
        unknown = [each for each in returned if each not in batch.records and each not in self._stored]
        if unknown and (missing := await self.graph.missing(unknown)):
            raise ValueError(f"step {key}: returned {min(missing)}, which no step has recorded")

    async def _write(self, together: Sequence[Commit]) -> None:
        now = clock.now()
        batches = [commit.batch for commit in together]

        def write(connection: Connection) -> None:
            self._lease.renew(connection, now)
            rows.write(connection, batches, now)
            at = {"created_at": moment(connection, now)}
            _APPEND.run(connection, [commit.entry | at for commit in together])

        await self.graph.db.write(write)

    async def _settle(self, key: str, *, happened: bool) -> None:
        mine = (JournalRow.cycle_id == self.cycle_id, JournalRow.key == key, JournalRow.state == "intended")
        change = update(JournalRow).where(*mine).values(state="done") if happened else delete(JournalRow).where(*mine)

        def write(connection: Connection) -> None:
            self._lease.renew(connection, clock.now())
            connection.execute(change)

        await self.graph.db.write(write)
        if happened:
            self._journal[key].state = "done"
        else:
            del self._journal[key]

    async def _outcome(self, key: str, entry: _Entry) -> object:
        """Return the value of a stored step, or raise ``Unresolved``."""
        value = await self._rehydrate(key, entry)
        if entry.state == "intended":
            raise Unresolved(key, value)
        return value

    async def _rehydrate(self, key: str, entry: _Entry) -> object:
        """Return a stored step's value, reading ahead the records of the steps stored after it."""
        ids = set(ids_of(entry.value))
        if not ids <= self._cache.keys():
            async with self._reading:
                missing = ids - self._cache.keys()
                if missing:
                    await self._prefetch(missing, self._position[key])
        return unpack(entry.value, self._cache)

    async def _prefetch(self, wanted: set[str], position: int) -> None:
        ahead = dict.fromkeys(wanted)
        for key in itertools.islice(self._position, position, None):
            if len(ahead) >= _PREFETCH:
                break
            entry = self._journal.get(key)
            if entry is not None:
                ahead.update(dict.fromkeys(each for each in ids_of(entry.value) if each not in self._cache))
        found = await self.graph.records(ahead)
        if lost := wanted - found.keys():
            raise StoreCorrupt(f"cycle {self.cycle_id}: the journal names {min(lost)}, which is not stored")
        self._cache.update(found)
        self._stored.update(found)
