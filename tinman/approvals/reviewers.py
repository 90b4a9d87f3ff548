"""People and programs that can be asked now."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TextIO

import anyio.to_thread

from tinman.review import Action, Decision
from tinman.text.visible import shorten


class TerminalReviewer:
    """Asks on a terminal. Only ``y`` or ``yes`` approves; anything else, and the end of input, is a no."""

    def __init__(self, stdin: TextIO | None = None, stderr: TextIO | None = None) -> None:
        self._stdin = stdin or sys.stdin
        self._stderr = stderr or sys.stderr

    async def decide(self, action: Action) -> Decision:
        """Print the action, wait for one line. A waiting thread is abandoned on cancellation."""
        lines = [f"Approve {action.kind} in {action.mode}? {shorten(action.what, 200)}", f"  tier {action.tier}"]
        lines += [f"  {name}: {shorten(str(value), 200)}" for name, value in action.details.items()]
        self._stderr.write("\n".join(lines) + "\n[y/N] ")
        self._stderr.flush()
        answer = await anyio.to_thread.run_sync(self._stdin.readline, abandon_on_cancel=True)
        approved = answer.strip().lower() in {"y", "yes"}
        return Decision(approved=approved, reason="answered on the terminal", by="terminal (unverified)")


class CallbackReviewer:
    """Asks an async callable, which answers true or false."""

    def __init__(self, callback: Callable[[Action], Awaitable[bool]], *, name: str = "callback") -> None:
        self._callback = callback
        self._name = name

    async def decide(self, action: Action) -> Decision:
        """Answer what the callable answers; only ``True`` itself approves."""
        return Decision(approved=await self._callback(action) is True, reason="the callback's answer", by=self._name)
