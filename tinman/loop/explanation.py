"""Why a loop stopped, from its state alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field

from tinman.frozen import frozen
from tinman.loop.result import LoopResult
from tinman.loop.state.records import IterationRecord, State
from tinman.text.visible import markdown, shorten, visible


@frozen
class ExplainReport:
    """Status, reason, the numbers behind it, and one line for each round."""

    status: str
    reason: str
    signals: dict[str, Any] = Field(default_factory=dict)
    decision_chain: tuple[str, ...] = ()

    def render(self) -> str:
        """Return it as plain text under headings, for a terminal: each thing on one line, hidden characters shown."""
        return self._under_headings(lambda text: visible(text, keep_newlines=False))

    def markdown(self) -> str:
        """Return the same as Markdown; what models, tools and commands said is disarmed."""
        return self._under_headings(markdown)

    def _under_headings(self, shown: Callable[[str], str]) -> str:
        lines = [f"# Why the loop stopped: {self.status}", "", f"Reason: {shown(self.reason)}", "", "## Signals"]
        lines += [f"- {name}: {shown(str(value))}" for name, value in self.signals.items()]
        lines += ["", "## Decision chain"]
        lines += [f"{number}. {shown(line)}" for number, line in enumerate(self.decision_chain, start=1)]
        return "\n".join(lines) + "\n"

    def lines(self) -> list[str]:
        """Return it as lines for a terminal."""
        lines = [f"{self.status}: {shorten(self.reason, 400)}", ""]
        lines += [f"  {name:<22} {shorten(str(value), 200)}" for name, value in self.signals.items()]
        return [*lines, "", *(f"  {shorten(line, 240)}" for line in self.decision_chain)]


def explain(state: State | str | Path, result: LoopResult | None = None) -> ExplainReport:
    """Return why a loop stopped: of a state, or of a state file. A loop that has not ended is RUNNING.

    Raises ``LoopStateError`` for a file that cannot be read.
    """
    if not isinstance(state, State):
        state = State.load(state)
    status, reason = "RUNNING", "it has not ended"
    if result is not None:
        status, reason = str(result.status), result.reason
    elif state.ending is not None:
        status, reason = state.ending.status, state.ending.reason
    chain = [_line(record) for record in state.iterations]
    if state.round is not None:
        done, planned = len(state.round.record.actions), len(state.round.calls)
        chain.append(f"round {state.round.record.index} (open): {done} of {planned} calls made")
    if state.intent is not None:
        chain.append(f"begun and without outcome: {state.intent.tool}({state.intent.args})")
    if state.pending_approval is not None:
        chain.append(f"waits for an approval: {state.pending_approval.tool}({state.pending_approval.args})")
    return ExplainReport(
        status=status, reason=reason, signals=_signals(state), decision_chain=(*chain, f"exit: {status}: {reason}")
    )


def _signals(state: State) -> dict[str, Any]:
    used = state.metrics
    return {
        "loop": state.loop_id,
        "goal": shorten(state.goal, 200),
        "iterations": len(state.iterations),
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "llm_calls": used.llm_calls,
        "elapsed_s": round(used.elapsed_s, 2),
        "cost_usd": "unknown" if used.cost_usd is None else round(used.cost_usd, 6),
        "no_progress_streak": state.no_progress_streak,
        "plan_invalid_streak": state.plan_invalid_streak,
        "last_metric": None if state.last_metric is None else state.last_metric.value,
        "failed_approaches": len(state.failed_approaches),
        "sessions": state.sessions,
    }


def _line(record: IterationRecord) -> str:
    parts = []
    if record.plan_invalid:
        parts.append(f"invalid plan ({shorten('; '.join(record.errors), 100)})")
    parts += [f"{action.tool}[{action.status}]" for action in record.actions]
    parts += [f"{name}[not run]" for name in record.dropped]
    if record.idle:
        parts.append("no action")
    if record.metric is not None:
        parts.append(f"metric {record.metric.value:g} ({record.trend})")
    elif record.trend == "regressing":
        parts.append("regressing")
    if record.repetition:
        parts.append(f"repeats with period {record.repetition}")
    return f"iteration {record.index}: {', '.join(parts) or 'goal reached'}"
