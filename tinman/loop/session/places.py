"""Where a loop's state is kept, and where its questions go."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinman.approvals.reviewers import BaseReviewer
from tinman.config.modes import Mode
from tinman.errors import LoopConfigError
from tinman.loop.approvals.gate import Gate, HandlerGate, ReviewerGate
from tinman.loop.state.records import State
from tinman.loop.state.store import FileStore, MemoryStore, Store

if TYPE_CHECKING:
    from tinman.approvals.handler import ApprovalHandler
    from tinman.db.engine import Database
    from tinman.events import EventBus
    from tinman.runtime import Runtime


@dataclass(frozen=True)
class Place:
    """A state file, a database, a cycle's runtime, or nothing; and who is asked. Raises ``LoopConfigError``."""

    state_path: str | Path | None
    state_key: bytes | None
    db: Database | str | Path | None
    runtime: Runtime | None
    key: str
    runner: BaseReviewer
    handler: ApprovalHandler | None
    ttl_s: float
    mode: Mode
    bus: EventBus | None

    def __post_init__(self) -> None:
        given = {"state_path": self.state_path, "db": self.db, "runtime": self.runtime}
        places = [name for name, value in given.items() if value]
        if len(places) > 1:
            raise LoopConfigError(f"loop: {' and '.join(places)} both say where the state is; give one")
        if self.runner.is_headless and self.handler is None and not places:
            raise LoopConfigError(
                "loop: headless approval requires state_path (or db): nobody could answer a question that is not stored"
            )
        if self.runtime is not None and not self.key:
            raise LoopConfigError("loop: with runtime=, give key=: the name of this loop within the cycle")

    @property
    def needs_event_loop(self) -> bool:
        """Whether the database belongs to the event loop that opened it."""
        return self.db is not None and not isinstance(self.db, str | Path)

    async def open(
        self, stack: AsyncExitStack, memory: MemoryStore, state: State, *, loop_id: str, is_new: bool
    ) -> tuple[Store, Gate]:
        """Return the store, not yet opened, and the gate; ``stack`` closes what they need.

        Without any place that lasts the store is ``memory``. Raises ``LoopOwned`` and ``NotFound`` for a database.
        """
        gate = HandlerGate(self.handler) if self.handler else ReviewerGate(self.runner)
        if self.state_path is not None:
            return FileStore(Path(self.state_path), key=self.state_key), gate
        if self.db is None and self.runtime is None:
            return memory, gate
        from tinman.loop.state import journal  # noqa: PLC0415 - loads SQLAlchemy, for loops in a database

        if self.db is None:
            assert self.runtime is not None
            return journal.within(self.runtime, self.key), gate
        return await journal.open_database(
            self.db,
            loop_id or state.loop_id,
            stack,
            is_new=is_new,
            goal=state.goal,
            mode=self.mode,
            runner=self.runner,
            handler=self.handler,
            ttl_s=self.ttl_s,
            bus=self.bus,
        )
