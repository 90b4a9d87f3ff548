"""What a loop says on standard error."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass

from tinman.loop.state.records import LoopConfig
from tinman.text.visible import shorten


@dataclass(frozen=True)
class Voice:
    """Says lines, unless quiet; standard error may be closed."""

    is_quiet: bool

    def say(self, line: str) -> None:
        """Say one line."""
        if not self.is_quiet:
            with suppress(OSError, ValueError):
                sys.stderr.write(f"[loop] {line}\n")

    def announce(self, goal: str, config: LoopConfig) -> None:
        """Say goal and limits: safety is never silent."""
        limits = [
            f"{config.max_iterations} iterations",
            f"{config.token_limit:,} tokens",
            f"{config.wall_clock_s:g}s wall-clock",
        ]
        if config.cost_limit_usd is not None:
            limits.append(f"{config.cost_limit_usd:g} USD")
        self.say(f"goal={shorten(goal, 200)!r} | limits: {', '.join(limits)}")
