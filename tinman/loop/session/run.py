"""One session of a loop from its start to the end that is written down."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import anyio
import structlog

from tinman.errors import BudgetExhausted, LoopStateError, ProviderError, StoreError
from tinman.frozen import changed
from tinman.loop.result import LoopResult, LoopStatus, Stop, result_of
from tinman.loop.session import ceilings
from tinman.loop.session.history import History
from tinman.loop.session.rounds import Rounds
from tinman.loop.session.start import Answer
from tinman.loop.state.changes import Ended, apply
from tinman.loop.state.records import Ending
from tinman.loop.state.store import Halted, Store
from tinman.loop.trace import Trace
from tinman.processes.threads import OutOfTime
from tinman.text.cutting import head_and_tail
from tinman.text.visible import shorten

_log = structlog.get_logger(__name__)
_LIMITS = ("max_iterations", "token_limit", "wall_clock_s", "cost_limit_usd")


@dataclass(frozen=True)
class Session:
    """Runs rounds until something ends them, and writes down how they ended."""

    rounds: Rounds
    history: History
    store: Store
    trace: Trace
    redact: Callable[[str], str]

    async def run(self, answer: Answer | None) -> LoopResult:
        """Run to an end and write it down. Every failure is an ERROR result, but for a cancellation and ``Halted``."""
        config = self.history.state.config
        limits = {name: getattr(config, name) for name in _LIMITS}
        try:
            self.trace.open()
            self.trace.tell("loop.start", goal=self.history.state.goal, limits=limits)
            stop = await self.rounds.run(answer)
        except OutOfTime:
            stop = self._stop_at_ceiling()
        except BudgetExhausted as error:
            reason = ceilings.explain_refusal(self.history.state, self.history.budget, error)
            stop = Stop(status=LoopStatus.BUDGET_EXHAUSTED, reason=reason)
        except Halted:
            self.trace.close()
            raise
        except Exception as error:  # noqa: BLE001 - the loop's step: whatever fails ends it as ERROR, and is reported
            stop = self._stop_after(error)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._end(Stop(status=LoopStatus.ERROR, reason="cancelled", error="CancelledError"))
            raise
        if stop.status is LoopStatus.BUDGET_EXHAUSTED:
            stop = await self.rounds.look_once_more(stop)
        return await self._end(stop)

    async def _end(self, stop: Stop) -> LoopResult:
        # Errors and refused calls may hold what they were given.
        stop = changed(stop, reason=self.redact(stop.reason))
        ended = Ended(
            ending=Ending(
                status=stop.status, reason=stop.reason, error=stop.error, metric=self.history.state.last_metric
            ),
            elapsed_s=self.history.elapsed_s,
            spent=self.history.budget.spent,
        )
        try:
            await self.history.commit(ended)
        except (LoopStateError, StoreError, OSError) as error:
            _log.error("loop.end_not_stored", error=str(error))
            also = f"; and its end could not be stored: {error}"
            stop = changed(stop, status=LoopStatus.ERROR, reason=stop.reason + also, is_consistent=False)
            self.history.go_on_from(apply(self.history.state, ended))
        state = self.history.state
        try:
            self.trace.tell(
                "loop.end",
                status=stop.status,
                reason=stop.reason,
                error=stop.error,
                iterations=len(state.iterations),
                total_tokens=state.total_tokens,
            )
        except LoopStateError as error:
            _log.error("loop.trace_failed", error=str(error))
        finally:
            self.trace.close()
        return result_of(state, stop, self.store.path)

    def _stop_at_ceiling(self, why: str = "") -> Stop:
        reached = self.history.find_reached_ceiling() or "wall_clock_s reached"
        return Stop(status=LoopStatus.BUDGET_EXHAUSTED, reason=reached + why)

    def _stop_after(self, error: Exception) -> Stop:
        self._report(error)
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        left = self.history.budget.seconds_left
        if isinstance(error, ProviderError | TimeoutError) and left is not None and left <= 0:
            return self._stop_at_ceiling(f" ({type(error).__name__}: {shorten(str(error), 200)})")
        return Stop(
            status=LoopStatus.ERROR,
            reason=f"{type(error).__name__}: {shorten(str(error), 400)}",
            error=type(error).__name__,
            is_consistent=not isinstance(error, LoopStateError | StoreError),
        )

    def _report(self, error: Exception) -> None:
        """Write an error with its traceback into the trace; the log gets its class and words, no local values."""
        _log.error("loop.failed", loop_id=self.history.state.loop_id, error=f"{type(error).__name__}: {error}")
        with suppress(LoopStateError):  # the trace itself may be what failed
            lines = "".join(traceback.format_exception(error))
            self.trace.tell("loop.error", error=type(error).__name__, traceback=head_and_tail(lines, 16_384))
