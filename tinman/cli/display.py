"""What a cycle shows while it runs: one line a phase, rewritten on a terminal, plain elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from anyio.streams.memory import MemoryObjectReceiveStream

from tinman import clock
from tinman.cli.app import App
from tinman.cli.console import echo
from tinman.config.settings import is_ci, is_dumb_terminal
from tinman.events import Event
from tinman.text.visible import visible

QUIET_SECONDS = 30.0
REDRAW_SECONDS = 0.1
_STAGES = {"screen": "screening", "confirm": "confirming", "measure": "measuring"}
_TOLD = {
    "hypothesis_count": "found",
    "experiment_count": "designed",
    "failures_discovered": "found",
    "novel_failures": "new",
    "intervention_count": "proposed",
    "simulations_run": "simulated",
    "improved": "improved",
    "deploy_recommended": "recommended",
    "skipped_count": "refused",
    "forecasts": "forecasts scored",
    "unresolved": "unresolved",
}


def is_animated(app: App) -> bool:
    """Say whether progress may rewrite its line."""
    if app.display != "auto" or app.as_json or app.quiet:
        return False
    return sys.stderr.isatty() and not is_ci() and not is_dumb_terminal()


class Display:
    """Follows the events of one cycle and talks on standard error; ``resume`` is the command that goes on with it."""

    def __init__(self, app: App, cycle_id: str, *, resume: str) -> None:
        self._app = app
        self._is_animated = is_animated(app)
        self._cycle_id = cycle_id
        self._resume = resume
        self._phase = ""
        self._stage = ""
        self._runs = 0
        self._usd = 0.0
        self._in_stage = Counter[str]()
        self._experiments: set[str] = set()
        self._validated = 0
        self._started = clock.monotonic()
        self._drawn = 0.0
        self._is_stopping = False

    async def follow(self, events: MemoryObjectReceiveStream[Event]) -> None:
        """Show events until cancelled."""
        async for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event.name:
            case "reconnaissance.started":
                what = (
                    "a bare model, asked for its noise alone" if event.data["is_bare"] else "asked about itself first"
                )
                self._begin("reconnaissance")
                self._app.say(f"  the target is {what}: at most {event.data['turns']} turns")
            case "reconnaissance.finished":
                self._end(_explored(event.data))
            case "phase.started":
                self._phase = str(event.data["phase"])
                if self._phase != "runs":
                    self._begin(self._phase)
            case "run.finished":
                stage = _STAGES.get(event.data["stage"], self._stage)
                if stage != self._stage:
                    self._end_stage()
                    self._begin(stage)
                self._runs += 1
                self._in_stage["runs"] += 1
                self._in_stage["failed"] += event.data["verdict"] == "failure"
                self._in_stage["indeterminate"] += event.data["verdict"] == "indeterminate"
                self._experiments.add(str(event.data["experiment_id"]))
                self._usd += (event.data["usage"]["nano_usd"] or 0) / 1e9
                self._draw()
            case "phase.progressed":
                self._validated = int(event.data.get("validated", 0))
            case "phase.finished" if self._phase == "runs":
                if not self._in_stage["runs"]:
                    self._begin("screening")
                self._end_stage(refused=int(event.data.get("skipped_count", 0)))
            case "phase.finished":
                self._end(_told(self._phase, event.data))
            case _:
                return

    def _begin(self, stage: str) -> None:
        self._stage = stage
        self._in_stage.clear()
        self._experiments.clear()
        if not self._is_animated:
            self._app.say(f"  {stage} ...")
        self._draw()

    def _end_stage(self, *, refused: int = 0) -> None:
        """Close the line of a stage made of runs."""
        if self._stage not in _STAGES.values():
            return
        parts = [f"{len(self._experiments)} screened"] if self._stage == "screening" else []
        parts += [self._counted()]
        if self._stage == "confirming":
            parts += [f"{self._validated} validated"]
        if refused:
            parts += [f"{refused} refused"]
        self._end(" · ".join(parts))
        self._in_stage.clear()

    def _end(self, told: str) -> None:
        self._clear()
        self._app.say(self._line(self._stage, told))

    def _counted(self) -> str:
        counts = self._in_stage
        undecided = f" · {counts['indeterminate']} indeterminate" if counts["indeterminate"] else ""
        return f"{counts['runs']} runs · {counts['failed']} failed{undecided}"

    def _line(self, stage: str, told: str) -> str:
        minutes, seconds = divmod(int(clock.monotonic() - self._started), 60)
        money = f"   {self._usd:.2f} USD" if self._usd else ""
        return f"  {stage:<15} {told:<50} {minutes:>2}:{seconds:02d}{money}"

    def _draw(self) -> None:
        now = clock.monotonic()
        wait = REDRAW_SECONDS if self._is_animated else QUIET_SECONDS
        runs = self._in_stage["runs"]
        if not runs and not self._is_animated:
            self._drawn = now
            return
        if now - self._drawn < wait or self._is_stopping:
            return
        self._drawn = now
        line = self._line(self._stage, self._counted() if runs else "")
        if self._is_animated:
            echo(f"\r\x1b[K{visible(line)}", nl=False, err=True)
        else:
            self._app.say(line)

    def _clear(self) -> None:
        if self._is_animated:
            echo("\r\x1b[K", nl=False, err=True)

    def stopping(self) -> None:
        """Say at once that nothing more is launched, and how to go on."""
        self._clear()
        self._is_stopping = True
        echo("Stopping after the calls in flight. Ctrl-C again to stop at once.", err=True)
        self._app.tell(f"Saved: {self._cycle_id}, {self._runs} runs, {self._stage or 'starting'}.")
        self._app.tell(f"Continue:  {self._resume}")

    def close(self) -> None:
        """Leave a clean line."""
        self._clear()
        self._app.say()


def _explored(found: Mapping[str, Any]) -> str:
    """Return what a reconnaissance came to, in words."""
    parts = [f"{found['turns']} turns"]
    parts += [f"{found['unanswered']} unanswered"] if found["unanswered"] else []
    parts += [f"{name} {found[name]}" for name in ("tools", "tasks") if found[name]]
    parts += [f"noise {found['noise']:.0%}"] if found["noise"] is not None else []
    return " · ".join([*parts, *([found["note"]] if found["note"] else [])])


def _told(phase: str, counts: Mapping[str, Any]) -> str:
    """Return what a phase came to, in words; zeros are left out unless nothing else is there."""
    parts = [
        f"{value} {_TOLD[name]}"
        for name, value in counts.items()
        if name in _TOLD and not isinstance(value, bool) and value
    ]
    if counts.get("brier") is not None:
        parts.append(f"Brier {counts['brier']:.2f}")
    return " · ".join(parts) or ("none" if phase != "learning" else "nothing to score")
