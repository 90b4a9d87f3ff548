"""Foreign coroutines awaited in a task of their own: what they raise is theirs, a cancellation of ours stays ours."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from tinman.processes.threads import Exited
from tinman.text.visible import words_of

T = TypeVar("T")


async def await_apart(work: Callable[[], Awaitable[T]] | Awaitable[T]) -> T:
    """Return what ``work`` comes to, awaited in a task of its own.

    An exception passes; a ``CancelledError`` or anything else that would end our task, although nobody cancelled it, is
    an ``Exited``. Cancelled, it cancels that task, waits for it, and is cancelled itself.
    """
    values: list[T] = []
    errors: list[BaseException] = []

    async def body() -> None:
        try:
            values.append(await (work if inspect.isawaitable(work) else work()))
        except BaseException as error:
            if group.cancel_scope.cancel_called or anyio.current_effective_deadline() == -float("inf"):
                raise
            errors.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(body)
    if values:
        return values[0]
    error = errors[0] if errors else RuntimeError("its task was cancelled")
    if errors and isinstance(error, Exception):
        raise error
    raise Exited(words_of(error)) from error
