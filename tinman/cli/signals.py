"""What Ctrl-C, TERM and a closed terminal do to a command."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

from tinman.cli.console import leave_terminal
from tinman.errors import Exit

_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Endings:
    """Has TERM and a closed terminal end this process the way Ctrl-C does; ``heard`` says that one of them came."""

    def __init__(self) -> None:
        self.heard = False

    def listen(self) -> None:
        """Answer them from now on; under nohup, and where they are answered already, they are left as they are."""
        if threading.current_thread() is not threading.main_thread():
            return  # only there can a handler be set
        for number in _ENDING:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._end)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.heard = True
        if number != signal.SIGTERM:
            leave_terminal()
        # An event loop answers Ctrl-C by cancelling what it runs. An exception would be lost where it happened to be
        # raised in a finalizer, and the command would go on.
        answer = signal.getsignal(signal.SIGINT)
        if not callable(answer):  # Ctrl-C is ignored, in a script's background; this is not
            raise KeyboardInterrupt
        answer(number, frame)


ENDINGS = Endings()
"""A process has one set of signal handlers."""


class Signals:
    """Answers the first signal with the first of ``answers``, the second with the second."""

    def __init__(self, *answers: Callable[[], None]) -> None:
        self._answers = answers
        self.exit_code = Exit.DONE
        """What the first signal makes the command exit with; 0 as long as there was none."""

    async def watch(self) -> None:
        """Listen until cancelled; after the last answer there is nothing left to say."""
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, *_ENDING)}
        try:
            await self._listen()
        finally:
            for number, answer in before.items():
                signal.signal(number, answer)

    async def _listen(self) -> None:
        import anyio  # noqa: PLC0415 - help and completion do without an event loop

        heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
        with anyio.open_signal_receiver(signal.SIGINT, *heard) as signals:
            for answer in self._answers:
                number = await anext(signals)
                if number not in {signal.SIGINT, signal.SIGTERM}:
                    leave_terminal()
                first = Exit.INTERRUPTED if number == signal.SIGINT else Exit.TERMINATED
                self.exit_code = self.exit_code or first
                answer()
            async for _ in signals:
                pass  # what was answered last is under way; to stop listening would be to die of the next
