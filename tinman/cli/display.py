"""What a cycle shows while it runs: one line a phase, rewritten on a terminal, plain elsewhere."""

from __future__ import annotations

import click
from anyio.streams.memory import MemoryObjectReceiveStream

from tinman import clock
from tinman.cli.app import App
from tinman.events import Event

QUIET_SECONDS = 30.0
REDRAW_SECONDS = 0.1


class Display:
    """Follows the events of one cycle and talks on standard error."""

    def __init__(self, app: App, cycle_id: str) -> None:
        self._app = app
        self._cycle_id = cycle_id
        self._phase = ""
        self._runs = 0
        self._failed = 0
        self._undecided = 0
        self._phase_runs = 0
        self._usd = 0.0
        self._started = clock.monotonic()
        self._drawn = 0.0
        self._is_stopping = False

    async def follow(self, events: MemoryObjectReceiveStream[Event]) -> None:
        """Show events until cancelled."""
        async for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event.name:
            case "phase.started":
                self._phase, self._phase_runs = str(event.data["phase"]), 0
                if not self._app.is_animated:
                    self._app.say(f"  {self._phase} ...")
                self._draw()
            case "run.finished":
                self._runs += 1
                self._phase_runs += 1
                self._failed += event.data["verdict"] == "failure"
                self._undecided += event.data["verdict"] == "indeterminate"
                self._usd += (event.data["usage"]["nano_usd"] or 0) / 1e9
                self._draw()
            case "phase.finished":
                told = " · ".join(
                    f"{value} {name.replace('_', ' ')}"
                    for name, value in event.data.items()
                    if name != "phase" and not isinstance(value, bool) and value
                )
                self._clear()
                self._app.say(self._line(str(event.data["phase"]), told))
            case _:
                return

    def _line(self, phase: str, told: str) -> str:
        minutes, seconds = divmod(int(clock.monotonic() - self._started), 60)
        money = f"   {self._usd:.2f} USD" if self._usd else ""
        return f"  {phase:<14} {told or 'done':<50} {minutes}:{seconds:02d}{money}"

    def _draw(self) -> None:
        now = clock.monotonic()
        wait = REDRAW_SECONDS if self._app.is_animated else QUIET_SECONDS
        if not self._phase_runs and not self._app.is_animated:
            self._drawn = now
            return
        if now - self._drawn < wait or self._is_stopping:
            return
        self._drawn = now
        undecided = f" · {self._undecided} undecided" if self._undecided else ""
        line = self._line(self._phase, f"{self._phase_runs} runs{undecided}")
        if self._app.is_animated:
            click.echo(f"\r\x1b[K{line}", nl=False, err=True)
        else:
            self._app.say(line)

    def _clear(self) -> None:
        if self._app.is_animated:
            click.echo("\r\x1b[K", nl=False, err=True)

    def stopping(self) -> None:
        """Say at once that nothing more is launched, and how to go on."""
        self._clear()
        self._is_stopping = True
        click.echo("Stopping after the calls in flight. Ctrl-C again to stop at once.", err=True)
        click.echo(f"Saved: {self._cycle_id}, {self._runs} runs, {self._phase or 'starting'}.", err=True)
        click.echo(f"Continue:  tinman resume {self._cycle_id}", err=True)

    def close(self) -> None:
        """Leave a clean line."""
        self._clear()
        self._app.say()
