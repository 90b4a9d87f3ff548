"""Finished steps are written in groups: a transaction costs as much for one step as for sixty-four."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
from sqlalchemy.exc import SQLAlchemyError, StatementError

from tinman.errors import RowRefused, StoreError
from tinman.memory.nodes import Batch


@dataclass(slots=True)
class Commit:
    """A finished step on its way into the database: its rows, and its row of the journal but for the moment."""

    batch: Batch
    entry: dict[str, Any]
    is_settled: bool = False
    error: BaseException | None = None


class Commits:
    """Hands ready commits to ``write``, which stores all of a group or raises."""

    def __init__(self, write: Callable[[Sequence[Commit]], Awaitable[None]]) -> None:
        self._write = write
        self._ready: list[Commit] = []
        self._lock = anyio.Lock(fast_acquire=True)

    async def settle(self, commit: Commit) -> None:
        """Return when ``commit`` is stored; raise what kept it from being. Once called it is completed."""
        self._ready.append(commit)
        with anyio.CancelScope(shield=True):
            # Whoever gets the lock first leads: it writes what is ready, its own and what came meanwhile. The others
            # find themselves settled when the lock is theirs, or lead the next group. So nothing waits for a timer,
            # and no task in the background has to outlive anybody.
            while not commit.is_settled:
                async with self._lock:
                    if commit.is_settled:
                        break
                    together, self._ready = self._ready, []
                    async with anyio.create_task_group() as group:  # a native cancellation waits for it, too
                        group.start_soon(self._store, together)
        if commit.error is not None:
            raise commit.error

    async def _store(self, together: Sequence[Commit]) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await self._write(together)
        except (RowRefused, StatementError, ValueError) as error:
            if len(together) == 1:
                together[0].error = error
            else:  # one of them is poisoned: the others must not suffer for it
                for commit in together:
                    await self._store([commit])
        except (StoreError, SQLAlchemyError) as error:
            for commit in together:
                commit.error = error
        finally:
            for commit in together:
                commit.is_settled = True
