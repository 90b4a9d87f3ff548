"""A loop's events become OpenTelemetry spans that nest and carry the GenAI names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from loops import Counting, a_loop, playing, says
from opentelemetry import trace

from tinman.loop import CallbackApprovalRunner, RequireApproval, tool
from tinman.loop.otel import Spans

WORK = ("work", {"n": 1})


@dataclass
class FakeSpan(trace.NonRecordingSpan):  # type: ignore[misc, name-defined]
    name: str
    parent: str
    start: int
    attributes: dict[str, Any]
    end_time: int = 0
    events: list[str] = field(default_factory=list)
    status: str = ""

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def add_event(self, name: str, **_: Any) -> None:
        self.events.append(name)

    def set_status(self, status: Any, description: str | None = None) -> None:
        self.status = status.status_code.name

    def end(self, end_time: int | None = None) -> None:
        assert not self.end_time, "ended twice"
        self.end_time = end_time or 0


class FakeTracer:
    def __init__(self) -> None:
        self.spans: list[FakeSpan] = []

    def start_span(self, name: str, context: Any = None, start_time: int = 0, attributes: Any = None) -> FakeSpan:
        around = trace.get_current_span(context)
        parent = around.name if isinstance(around, FakeSpan) else ""
        self.spans.append(FakeSpan(name, parent, start_time, dict(attributes)))
        return self.spans[-1]


async def test_spans_nest_end_and_carry_the_names() -> None:
    tracer = FakeTracer()
    loop = a_loop(
        playing(says("", WORK, tokens=(7, 3))),
        [Counting().tool],
        policies=[RequireApproval({"work"})],
        approval_runner=CallbackApprovalRunner(lambda request: True),
        max_iterations=1,
        on_event=Spans(tracer),
    )
    await loop.arun()

    assert [(span.name, span.parent) for span in tracer.spans] == [
        ("invoke_agent tinman.loop", ""),
        ("round 0", "invoke_agent tinman.loop"),
        ("chat model", "round 0"),
        ("approval work", "round 0"),
        ("execute_tool work", "round 0"),
    ]
    assert all(span.start <= span.end_time for span in tracer.spans)
    chat, approval = tracer.spans[2], tracer.spans[3]
    assert chat.attributes["gen_ai.usage.input_tokens"] == 7
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert approval.attributes["tinman.loop.decision"] == "APPROVED"
    assert tracer.spans[0].attributes["tinman.loop.status"] == "BUDGET_EXHAUSTED"


async def test_failures_are_marked_and_a_round_cut_short_ends_too() -> None:
    @tool
    def work(n: int) -> str:
        """Fail."""
        raise ValueError("no")

    tracer = FakeTracer()
    loop = a_loop(playing(says("", WORK), ValueError("model")), [work], on_event=Spans(tracer))
    await loop.arun()
    by_name = {span.name: span for span in tracer.spans}

    assert by_name["execute_tool work"].status == "ERROR"
    assert by_name["invoke_agent tinman.loop"].attributes["error.type"] == "ValueError"
    assert by_name["invoke_agent tinman.loop"].status == "ERROR"
    assert by_name["round 1"].end_time
    assert by_name["round 1"].events == ["loop.error"]


async def test_the_real_sdk_takes_them() -> None:
    from opentelemetry.sdk import trace as sdk
    from opentelemetry.sdk.trace import export
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(memory))
    await a_loop(
        playing(says("", WORK)), [Counting().tool], max_iterations=1, on_event=Spans(provider.get_tracer("t"))
    ).arun()
    spans = {span.name: span for span in memory.get_finished_spans()}

    assert set(spans) == {"invoke_agent tinman.loop", "round 0", "chat model", "execute_tool work"}
    assert spans["chat model"].parent.span_id == spans["round 0"].context.span_id
    assert len({span.context.trace_id for span in spans.values()}) == 1
