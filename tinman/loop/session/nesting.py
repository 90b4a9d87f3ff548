"""Knows which loop is running around the caller, so that a loop inside needs a share of its budget.

A context variable carries it to tasks and to our own threads. A loop made inside remembers where it was made, whichever
thread then runs it. A loop both made and run in a thread that a tool started by itself cannot be seen.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tinman.budget import Budget
from tinman.errors import NestedLoopError
from tinman.processes.threads import current_call

T = TypeVar("T")


@dataclass(eq=False)
class Activity:
    """One run of a loop. ``is_over`` makes every mark of it void."""

    loop_id: str
    budget: Budget
    event_loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    thread_id: int = field(default_factory=threading.get_ident)
    is_over: bool = False


_inside: ContextVar[Activity | None] = ContextVar("tinman_loop", default=None)


def active() -> Activity | None:
    """Return the loop run this code is part of, or ``None``."""
    found = _inside.get()
    return None if found is None or found.is_over else found


@contextmanager
def inside(activity: Activity) -> Iterator[None]:
    """Make ``activity`` the run that everything inside the block is part of."""
    token = _inside.set(activity)
    try:
        yield
    finally:
        activity.is_over = True
        _inside.reset(token)


def run_beside(outer: Activity, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``work`` in the event loop of ``outer``, whose budget belongs to it, while this thread waits.

    Raises ``NestedLoopError`` in that event loop's own thread.
    """
    if threading.get_ident() == outer.thread_id:
        raise NestedLoopError("loop: run() would block the loop around it; write `await loop.arun()` here")
    future = asyncio.run_coroutine_threadsafe(work(), outer.event_loop)
    with ExitStack() as stack:
        if (scope := current_call.get()) is not None:
            stack.enter_context(scope.ending(future.cancel))
        return future.result()


def check(budget: Budget | None, *places: Activity | None) -> None:
    """Raise ``NestedLoopError`` when a run is going on around the caller (or in ``places``) and ``budget`` is no share
    of its budget."""
    for outer in (active(), *places):
        if outer is None or outer.is_over:
            continue
        if budget is None or not budget.draws_on(outer.budget):
            raise NestedLoopError(
                f"loop: started inside loop {outer.loop_id} without a share of its budget; give it "
                "budget=parent.carve(tokens=...)"
            )
