"""Many steps at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio

from tinman.errors import BudgetExhausted, Stopped
from tinman.runtime.verbs import T, Work


async def run_all(
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
