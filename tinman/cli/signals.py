"""What Ctrl-C, TERM and a closed terminal do to a command."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from tinman.cli.app import Exit

_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Terminated(KeyboardInterrupt):
    """Raised by TERM and by a closed terminal, as Ctrl-C is: event loops and context managers know how to end then."""


def end_as_interrupted() -> None:
    """Have TERM and a closed terminal end this process the way Ctrl-C does, with exit code 143."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        _leave_terminal(number)
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        return  # only there can a handler be set
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:  # under nohup it is not ours to change
            signal.signal(number, end)


def _leave_terminal(number: int) -> None:
    """Write nothing more to a terminal that is gone: it would raise, and what is in flight has to be stored."""
    if number in {signal.SIGTERM, signal.SIGINT}:
        return
    nowhere = os.open(os.devnull, os.O_RDWR)
    for place in (1, 2):
        if stat.S_ISCHR(os.fstat(place).st_mode):  # a closed terminal no longer says that it is one
            os.dup2(nowhere, place)
    os.close(nowhere)


class Signals:
    """Answers the first signal with the first of ``answers``, the second with the second."""

    def __init__(self, *answers: Callable[[], None]) -> None:
        self._answers = answers
        self.exit_code = Exit.DONE
        """What the first signal makes the command exit with; 0 as long as there was none."""

    async def watch(self) -> None:
        """Listen until cancelled; after the last answer there is nothing left to say."""
        try:
            await self._listen()
        finally:
            end_as_interrupted()

    async def _listen(self) -> None:
        import anyio  # noqa: PLC0415 - help and completion do without an event loop

        heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
        with anyio.open_signal_receiver(signal.SIGINT, *heard) as signals:
            for answer in self._answers:
                number = await anext(signals)
                _leave_terminal(number)
                first = Exit.INTERRUPTED if number == signal.SIGINT else Exit.TERMINATED
                self.exit_code = self.exit_code or first
                answer()
            async for (
                _
            ) in signals:  # what was answered last is under way; to stop listening would be to die of the next
                pass
