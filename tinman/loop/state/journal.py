"""Loops in a database: every change is a step of the journal, and the state is what the steps add up to.

A loop by itself is a row among the cycles, under its own id and lease; a loop inside a research cycle is part of that
cycle's journal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from tinman.approvals.handler import ApprovalHandler, ApprovalMode
from tinman.approvals.queue import ApprovalQueue
from tinman.audit import AuditLog
from tinman.db.engine import Database
from tinman.errors import CycleOwned, LoopOwned, LoopStateError, NotFound, StoreError
from tinman.frozen import adapter
from tinman.loop.approvals.gate import Gate, HandlerGate, ReviewerGate
from tinman.loop.result import LoopStatus
from tinman.loop.state.changes import Began, Change, Drawn, Ended, apply
from tinman.loop.state.records import Intent, LoopConfig, State
from tinman.loop.state.store import Halted, T, Work, name_of
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import CycleStatus
from tinman.records import Ending
from tinman.runtime import JournalRuntime, Runtime, Stopped, Tx, Unresolved
from tinman.text.nearest import did_you_mean

if TYPE_CHECKING:
    from tinman.loop.session.equipment import Place

_log = structlog.get_logger(__name__)
_STATUS: dict[str, CycleStatus] = {
    LoopStatus.SUCCESS: "completed",
    LoopStatus.AWAITING_APPROVAL: "paused",
    LoopStatus.ERROR: "failed",
}


Recording = Callable[[Began | Ended, State], Awaitable[None]]


async def replay(runtime: Runtime, prefix: str) -> tuple[State | None, int]:
    """Return the state that the stored changes under ``prefix`` add up to, and how many there are."""
    state: State | None = None
    count = 0
    while runtime.stored(key := f"{prefix}{count:06d}"):
        text = await runtime.value(key)
        if state is None:
            state = adapter(State).validate_json(text)
        else:
            change: Change = adapter(Change).validate_json(text)
            state = apply(state, change)
        count += 1
    return (None if state is None else await _replay_draws(runtime, prefix, state)), count


async def _replay_draws(runtime: Runtime, prefix: str, state: State) -> State:
    """Return ``state`` with what its last session had drawn."""
    count = 0
    while runtime.stored(key := f"{prefix}drawn/{state.sessions}/{count:06d}"):
        if state.ending is None:
            change: Change = adapter(Change).validate_json(await runtime.value(key))
            state = apply(state, change)
        count += 1
    return state


class JournalStore:
    """Keeps a loop in a runtime's journal, its keys under ``prefix``. ``record`` is facts of the ends of a session."""

    path: str | None = None

    def __init__(self, runtime: Runtime, prefix: str, record: Recording | None = None) -> None:
        self._runtime = runtime
        self._prefix = f"{prefix}/"
        self._record = record
        self._count = 0
        self._draws = 0

    async def open(self, fresh: State | None) -> State:
        """Return what the journal holds; begin with ``fresh`` when it holds nothing."""
        state, self._count = await replay(self._runtime, self._prefix)
        if state is not None:
            return state
        if fresh is None:
            raise LoopStateError(f"loop {self._prefix}: the database holds nothing of it")
        await self._append(adapter(State).dump_json(fresh).decode())
        return fresh

    async def _append(self, text: str) -> None:
        await self._step(f"{self._count:06d}", _saying(text))
        self._count += 1

    async def _step(self, key: str, work: Callable[[Tx], Awaitable[str]]) -> None:
        try:
            await self._runtime.step(f"{self._prefix}{key}", work)
        except Stopped as stopped:
            raise Halted from stopped

    async def commit(self, change: Change, state: State) -> None:
        """Append the change."""
        text = adapter(Change).dump_json(change).decode()
        if isinstance(change, Drawn):  # budget is drawn in the middle of other steps, so it has a sequence of its own
            await self._step(f"drawn/{state.sessions}/{self._draws:06d}", _saying(text))
            self._draws += 1
            return
        await self._append(text)
        if isinstance(change, Began | Ended) and self._record is not None:
            await self._record(change, state)

    async def perform(self, work: Work[T], follow: Callable[[Change], State]) -> tuple[State, T]:
        """Do it as a step of its own."""
        outcomes: list[tuple[Change, T]] = []  # a step returns what it stores, and no more

        async def step(tx: Tx) -> str:
            outcomes.append(await work())
            return adapter(Change).dump_json(outcomes[0][0]).decode()

        await self._step(f"{self._count:06d}", step)
        self._count += 1
        change, beside = outcomes[0]
        return follow(change), beside

    async def once(self, intent: Intent, work: Callable[[], Awaitable[T]]) -> T | None:
        """Do it as a ``step_once``: of a done one the work is not run again, an unresolved one is an error."""

        def intend(tx: Tx) -> str:
            return adapter(Intent).dump_json(intent).decode()

        values: list[T] = []

        async def act(_: str) -> None:
            values.append(await work())

        try:
            await self._runtime.step_once(f"{self._prefix}{intent.key}", intend, act)
        except Unresolved as error:
            raise LoopStateError(f"loop: {error}") from error
        except Stopped as stopped:
            raise Halted from stopped
        return values[0] if values else None

    async def has_happened(self, intent: Intent) -> bool | None:
        """Look into the journal: done, never begun, or begun by a process that did not live to say more."""
        stands = self._runtime.stored(f"{self._prefix}{intent.key}")
        return None if stands == "intended" else stands == "done"

    async def settle(self, intent: Intent, *, happened: bool) -> None:
        """Resolve the ``step_once``, if it was begun."""
        key = f"{self._prefix}{intent.key}"
        if self._runtime.stored(key) == "intended":
            await self._runtime.resolve(key, happened)

    async def keep(self, text: str) -> str:
        """Keep it as a step of its own."""
        name = name_of(text)
        await self._runtime.step(f"{self._prefix}payload/{name}", _saying(text))
        return name

    async def close(self) -> None:
        """The runtime's owner gives the lease back."""


def _saying(text: str) -> Callable[[Tx], Awaitable[str]]:
    async def work(tx: Tx) -> str:
        return text

    return work


async def open_database(
    place: Place, loop_id: str, stack: AsyncExitStack, *, goal: str | None
) -> tuple[JournalStore, Gate]:
    """Open the database if need be, take the loop's lease, and return its store and gate; ``stack`` closes both.

    A new loop comes with its ``goal``.

    Raises ``LoopOwned`` while another process runs the loop, ``NotFound`` when there is none to resume.
    """
    assert place.db is not None
    if isinstance(db := place.db, str | Path):
        db = await stack.enter_async_context(await Database.open(db))
    graph = MemoryGraph(db)
    if goal is not None:
        await graph.cycles.create(
            kind="loop", cycle_id=loop_id, mode=place.mode, target="loop", reasoner="", seed=0, config={"goal": goal}
        )
    try:
        runtime = await stack.enter_async_context(JournalRuntime(graph, loop_id, bus=place.bus))
    except CycleOwned as error:
        raise LoopOwned(f"loop {loop_id}: another run or resume of it is going on; wait for it") from error

    audit = AuditLog(db)

    async def record(change: Began | Ended, state: State) -> None:
        if state.ending is not None:
            await graph.cycles.update(
                loop_id,
                status=_STATUS.get(state.ending.status, "completed"),
                ending=adapter(Ending).validate_python({"kind": state.ending.status, "reason": state.ending.reason}),
                guard=runtime.hold,
            )
        await _audit(audit, change, state)

    store = JournalStore(runtime, "loop", record)
    if place.handler is not None:
        return store, HandlerGate(place.handler)
    if not place.runner.is_headless:
        return store, ReviewerGate(place.runner, audit=audit)
    queue = ApprovalQueue(db, ttl_seconds=place.ttl_s)
    waiting = ApprovalHandler(ApprovalMode.ASYNC, queue=queue, audit=audit, bus=place.bus, cycle_id=loop_id)
    return store, HandlerGate(waiting, queue, place.runner)


def within(runtime: Runtime, key: str) -> JournalStore:
    """Return the store of the loop ``key`` inside a cycle; where that is in a database, its audit trail tells of it."""
    if not isinstance(runtime, JournalRuntime):
        return JournalStore(runtime, key)
    return JournalStore(runtime, key, partial(_audit, AuditLog(runtime.graph.db)))


async def _audit(audit: AuditLog, change: Began | Ended, state: State) -> None:
    """Write down that a session began, within which limits, or how it ended. Approvals are written by their gates."""
    if isinstance(change, Began):
        what = "loop.started"
        facts: dict[str, Any] = {"limits": adapter(LoopConfig).dump_python(change.config, mode="json")}
    else:
        what = "loop.ended"
        facts = {"status": str(change.ending.status), "reason": change.ending.reason, "error": change.ending.error}
        facts |= {"iterations": len(state.iterations), "tokens": state.total_tokens}
    try:
        await audit.append(f"loop {state.loop_id}", what, {"session": state.sessions, **facts})
    except StoreError as error:  # what happened is stored already, and stays so
        _log.error("loop.not_audited", loop_id=state.loop_id, what=what, error=str(error))


async def load(graph: MemoryGraph, loop_id: str) -> State:
    """Return the state of a stored loop, running or not; one inside a cycle is called by both, ``cyc-0001/rule/...``.

    Raises ``NotFound``, ``LoopStateError`` for an empty one.
    """
    cycle_id, inside, key = loop_id.partition("/")
    runtime = await _read(graph, cycle_id)
    state, _ = await replay(runtime, f"{key if inside else 'loop'}/")
    if state is None and inside:
        others = await loops_of(graph, cycle_id)
        hint = did_you_mean(loop_id, others, "the explanation of its cycle lists the cycle's loops")
        raise NotFound(f"loop {loop_id}: there is none; {hint}")
    if state is None:
        raise LoopStateError(f"loop {loop_id}: the database holds nothing of it yet")
    return state


async def loops_of(graph: MemoryGraph, cycle_id: str) -> dict[str, State]:
    """Return the loops inside a cycle by their names (cycle and key), in the order they began. Raises ``NotFound``."""
    runtime = await _read(graph, cycle_id)
    found: dict[str, State] = {}
    for first in runtime.stored_keys():
        key = first.removesuffix("/000000")
        if key == first or "/drawn/" in first:
            continue
        state, _ = await replay(runtime, f"{key}/")
        if state is not None:
            found[f"{cycle_id}/{key}"] = state
    return found


async def _read(graph: MemoryGraph, cycle_id: str) -> JournalRuntime:
    await graph.cycles.get(cycle_id)
    runtime = JournalRuntime(graph, cycle_id)
    await runtime.read()
    return runtime
