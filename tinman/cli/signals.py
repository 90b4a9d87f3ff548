"""What Ctrl-C and TERM do to a command that runs something."""

from __future__ import annotations

import signal
from collections.abc import Callable

import anyio

from tinman.cli.app import Exit


class Signals:
    """Answers the first signal with the first of ``answers``, the second with the second; then it listens no more."""

    def __init__(self, *answers: Callable[[], None]) -> None:
        self._answers = answers
        self.exit_code = Exit.DONE
        """What the first signal makes the command exit with; 0 as long as there was none."""

    async def watch(self) -> None:
        """Listen until the last answer is given, or until cancelled."""
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            for answer in self._answers:
                number = await anext(signals)
                first = Exit.TERMINATED if number == signal.SIGTERM else Exit.INTERRUPTED
                self.exit_code = self.exit_code or first
                answer()
