"""A loop's events as OpenTelemetry spans: ``Loop(..., on_event=Spans())``.

Needs ``opentelemetry-api`` alone, which loads when a ``Spans`` is made; without an SDK set up the spans go nowhere. The
names are those of the GenAI conventions (https://opentelemetry.io/docs/specs/semconv/gen-ai/), which are still
in development: this is the only place that spells them.
"""

from __future__ import annotations

from typing import Any

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CONVERSATION = "gen_ai.conversation.id"
TOOL = "gen_ai.tool.name"
ERROR = "error.type"
OWN = "tinman.loop."


class Spans:
    """Makes spans of events: the loop, in it its rounds, in them model calls, tools and approvals.

    One object may watch several loops at once. ``tracer`` is OpenTelemetry's; without one the global provider's is
    used. Events come redacted, and hold neither arguments nor results.
    """

    def __init__(self, tracer: Any = None) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - loaded by those who want spans

        self._api = trace
        self._tracer = tracer or trace.get_tracer("tinman.loop")
        self._open: dict[str, list[Any]] = {}
        self._asking: dict[str, Any] = {}

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event."""
        run, at = event["run"], round(event["ts"] * 1e9)
        match event["kind"]:
            case "loop.start":
                about = {OPERATION: "invoke_agent", CONVERSATION: event["loop"], f"{OWN}goal": event["goal"]}
                self._open[run] = [self._begin(None, "invoke_agent tinman.loop", at, about)]
            case "iteration.start":
                about = {f"{OWN}index": event["index"]}
                if event["metric"] is not None:
                    about[f"{OWN}metric"] = event["metric"]
                self._open[run].append(self._begin(run, f"round {event['index']}", at, about))
            case "llm.call":
                about = {
                    OPERATION: "chat",
                    PROVIDER: event["provider"],
                    MODEL: event["model"],
                    INPUT_TOKENS: event["input_tokens"],
                    OUTPUT_TOKENS: event["output_tokens"],
                }
                self._whole(run, f"chat {event['model']}", event, about)
            case "action.executed":
                about = {OPERATION: "execute_tool", TOOL: event["tool"]}
                failed = event["status"] if event["status"] != "ok" else ""
                self._whole(run, f"execute_tool {event['tool']}", event, about, failed)
            case "approval.requested":
                about = {TOOL: event["tool"], f"{OWN}reason": event["reason"]}
                self._asking[run] = self._begin(run, f"approval {event['tool']}", at, about)
            case "approval.decision" if run in self._asking:
                asked = self._asking.pop(run)
                asked.set_attribute(f"{OWN}decision", event["decision"])
                asked.end(end_time=at)
            case "iteration.end" if len(self._open.get(run, [])) > 1:
                ending = self._open[run].pop()
                ending.set_attribute(f"{OWN}trend", event["trend"])
                ending.end(end_time=at)
            case "loop.end":
                self._end(run, event, at)
            case kind if run in self._open:
                self._open[run][-1].add_event(kind, timestamp=at)
            case _:
                return

    def _begin(self, run: str | None, name: str, at: int, about: dict[str, Any]) -> Any:
        within = None if run is None else self._api.set_span_in_context(self._open[run][-1])
        return self._tracer.start_span(name, context=within, start_time=at, attributes=about)

    def _whole(self, run: str, name: str, event: dict[str, Any], about: dict[str, Any], failed: str = "") -> None:
        """Make a span of an event that comes when what it tells of is over."""
        end = round(event["ts"] * 1e9)
        span = self._begin(run, name, end - round(event["duration_s"] * 1e9), about)
        if failed:
            span.set_attribute(ERROR, failed)
            span.set_status(self._api.Status(self._api.StatusCode.ERROR, failed))
        span.end(end_time=end)

    def _end(self, run: str, event: dict[str, Any], at: int) -> None:
        """End the loop's span, and the round's if it was cut short."""
        spans = self._open.pop(run, [])
        for span in reversed(spans[1:]):
            span.end(end_time=at)
        if spans:
            spans[0].set_attribute(f"{OWN}status", event["status"])
            spans[0].set_attribute(f"{OWN}reason", event["reason"])
            if event["error"]:
                spans[0].set_attribute(ERROR, event["error"])
                spans[0].set_status(self._api.Status(self._api.StatusCode.ERROR, event["reason"]))
            spans[0].end(end_time=at)
