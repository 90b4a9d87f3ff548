"""Small true values for tests of the loop runtime: scripted replies, a counting tool, loops in every kind of store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tinman.loop import Exit, GoalMetric, Loop, MetricSnapshot, State, tool
from tinman.loop.tools.tools import Tool
from tinman.messages import Message, Part, Reply, Text, ToolUse, Usage
from tinman.testing import ScriptedModel


def says(text: str = "", *calls: tuple[str, dict[str, Any]], tokens: tuple[int, int] = (10, 5)) -> Reply:
    """Return a reply that says ``text`` and makes ``calls``."""
    parts: list[Part] = [Text(text=text)] if text else []
    parts += [ToolUse(id=f"call_{n}", name=name, arguments=args) for n, (name, args) in enumerate(calls)]
    usage = Usage(calls=1, input_tokens=tokens[0], output_tokens=tokens[1])
    return Reply(message=Message(role="assistant", parts=tuple(parts)), usage=usage)


def playing(*replies: Reply | str | Exception) -> ScriptedModel:
    """Return a model that gives ``replies`` in turn, the last one for ever."""
    return ScriptedModel(*replies)


class Counting:
    """A tool that notes every call it gets; ``work`` is what it returns."""

    def __init__(self, name: str = "work", answer: str = "done") -> None:
        self.calls: list[int] = []

        def work(n: int = 0) -> str:
            """Do one piece of work."""
            self.calls.append(n)
            return answer

        self.tool: Tool = tool(name=name)(work)


class Threshold(GoalMetric):
    """Measures the number that is observed; success at ``goal``."""

    def __init__(self, goal: float = 3) -> None:
        self.goal = goal

    def measure(self, observation: str, state: State) -> MetricSnapshot:
        return MetricSnapshot(value=float(observation or 0))

    def is_success(self, snapshot: MetricSnapshot) -> bool:
        return snapshot.value >= self.goal


def a_loop(model: Any, tools: Any = (), **settings: Any) -> Loop:
    """Return a quiet loop with nothing switched on that a test did not ask for.

    An exit that never holds says what success is: words alone are no answer then, and do not end it.
    """
    settings = {"policies": [], "exits": [NEVER], "quiet": True, "retry_backoff_s": 0.0, **settings}
    return Loop("reach the goal", list(tools), model, **settings)


NEVER = Exit.success(lambda state: False)


class Watched:
    """Collects the kinds of events, in order."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.events]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == kind]


def place_of(kind: str, folder: Path) -> dict[str, Any]:
    """Return the settings that keep a loop in a state file or a database."""
    return {"state_path": folder / "state.json"} if kind == "file" else {"db": folder / "tinman.db"}


def again(kind: str, folder: Path, loop_id: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what names the loop for ``resume``, and the settings that go with it."""
    return ((folder / "state.json",), {}) if kind == "file" else ((loop_id,), {"db": folder / "tinman.db"})
