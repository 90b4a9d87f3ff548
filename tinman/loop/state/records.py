"""What a loop knows: frozen records, and the ``State`` that is the sum of all changes so far."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from tinman.budget import Amount
from tinman.errors import LoopConfigError
from tinman.frozen import Dumps, alter, frozen
from tinman.loop.state import statefile
from tinman.messages import Usage
from tinman.text.invalid import first_error

SCHEMA_VERSION = 2
ENGINE_VERSION = "1"
ActionStatus = Literal["ok", "error", "aborted", "unknown"]


@frozen
class MetricSnapshot(Dumps):
    """One measurement: larger is better. ``regression`` says that something got worse, whatever ``value`` says."""

    value: float
    regression: bool = False
    detail: dict[str, Any] = Field(default_factory=dict)


@frozen
class LoopConfig:
    """The settings that travel with the state. ``extend`` on resume may change exactly these.

    A ceiling of 0 ends the loop at once.
    """

    max_iterations: int = Field(default=20, ge=0)
    token_limit: int = Field(default=500_000, ge=0)
    wall_clock_s: float = Field(default=1800.0, ge=0, allow_inf_nan=False)
    cost_limit_usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    verbatim_window: int = Field(default=3, ge=1)
    max_tokens_per_call: int = Field(default=4096, ge=1)


@frozen
class Metrics:
    """What a loop used, over all its sessions. ``cost_usd`` is ``None`` once a call had no known price."""

    input_tokens: int = 0
    output_tokens: int = 0
    llm_calls: int = 0
    elapsed_s: float = 0.0
    cost_usd: float | None = 0.0

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def plus(self, usage: Usage) -> Metrics:
        """Return the sum with one call's usage."""
        known = self.cost_usd is not None and usage.usd is not None
        return alter(
            self,
            input_tokens=self.input_tokens + usage.input_tokens,
            output_tokens=self.output_tokens + usage.output_tokens,
            llm_calls=self.llm_calls + usage.calls,
            cost_usd=(self.cost_usd or 0.0) + (usage.usd or 0.0) if known else None,
        )


@frozen
class ActionRecord:
    """One call of a tool and what came of it. ``payload`` names the whole result when the excerpt was cut."""

    tool: str
    args_excerpt: str
    status: ActionStatus
    result_excerpt: str
    duration_s: float = 0.0
    fingerprint: str = ""
    payload: str = ""
    approval: str = ""


@frozen
class IterationRecord:
    """One round. ``metric`` was taken before its actions; ``repetition`` is the period of a cycle, 0 for none."""

    index: int
    observation: str = ""
    observation_digest: str = ""
    plan_text: str = ""
    actions: tuple[ActionRecord, ...] = ()
    dropped: tuple[str, ...] = ()
    metric: MetricSnapshot | None = None
    trend: Literal["improving", "regressing", "flat", "unknown"] = "unknown"
    repetition: int = 0
    idle: bool = False
    plan_invalid: bool = False
    errors: tuple[str, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0


@frozen
class ArtifactStamp:
    """How a summary was made: another engine, summarizer or prompt makes another stamp."""

    engine_version: str
    summarizer: str
    prompt: str


@frozen
class ContextArtifact:
    """A summary of the iterations ``first`` to ``last``; ``level`` 0 is of one iteration, higher ones of summaries."""

    content: str
    first: int
    last: int
    level: int = 0
    stamp: ArtifactStamp


@frozen
class Call:
    """One call of the plan as the model wrote it: plain JSON, validated again before it is made."""

    id: str
    tool: str
    args: dict[str, Any] = Field(default_factory=dict)


@frozen
class PendingApproval:
    """A question nobody has answered. ``token_hash`` finds the answer's token; ``seal`` is an HMAC under the token
    over everything that was asked, so that whoever alters this record without the token is found out."""

    approval_id: str
    nonce: str
    token_hash: str
    seal: str
    tool: str
    args: dict[str, Any]
    reason: str
    action_hash: str
    state_version: int
    created_at: float
    ttl_s: float
    observation_digest: str = ""
    precondition_metric: MetricSnapshot | None = None


@frozen
class Intent:
    """An action that was allowed and begun. Without an outcome nobody knows whether it happened."""

    key: str
    tool: str
    args: dict[str, Any]
    action_hash: str
    begun_at: float


@frozen
class Round:
    """The iteration in progress: a plan that is paid for, and what of it was done."""

    record: IterationRecord
    calls: tuple[Call, ...] = ()


@frozen
class Ending:
    """How the last session ended."""

    status: str
    reason: str
    error: str = ""
    metric: MetricSnapshot | None = None


@frozen
class State(Dumps):
    """All a loop knows. A projection of its changes: the same changes give the same state."""

    schema_version: int = SCHEMA_VERSION
    loop_id: str = ""
    goal: str
    config: LoopConfig = LoopConfig()
    tool_schema_hash: str = ""
    policy_fingerprint: str = ""
    summarizer: str = ""
    iterations: tuple[IterationRecord, ...] = ()
    artifacts: tuple[ContextArtifact, ...] = ()
    pinned_facts: tuple[str, ...] = ()
    failed_approaches: tuple[str, ...] = ()
    metrics: Metrics = Metrics()
    no_progress_streak: int = 0
    plan_invalid_streak: int = 0
    state_version: int = 0
    last_metric: MetricSnapshot | None = None
    round: Round | None = None
    pending_approval: PendingApproval | None = None
    intent: Intent | None = None
    spent: Amount = Amount()
    drawn: Amount = Amount()
    ending: Ending | None = None
    sessions: int = 0

    @property
    def total_tokens(self) -> int:
        """Tokens of all calls, summaries included."""
        return self.metrics.total_tokens

    @property
    def next_call(self) -> Call | None:
        """The call of the open round whose turn it is; ``None`` between rounds."""
        return None if self.round is None else self.round.calls[len(self.round.record.actions)]

    @classmethod
    def load(cls, path: str | Path, *, key: bytes | None = None) -> State:
        """Read a state file. Raises ``LoopStateError`` naming the file when it is unreadable, altered or foreign."""
        return statefile.read(Path(path), cls, SCHEMA_VERSION, key=key)


def extend_config(config: LoopConfig, given: dict[str, Any]) -> LoopConfig:
    """Return ``config`` with ``given`` on top. Raises ``LoopConfigError`` for another key or a senseless value."""
    known = LoopConfig.__dataclass_fields__
    if odd := sorted(set(given) - set(known)):
        raise LoopConfigError(f"extend: there is no {odd[0]!r}; use one of {', '.join(known)}")
    values = {name: getattr(config, name) for name in known}
    try:
        return LoopConfig(**{**values, **given})
    except ValidationError as error:
        raise LoopConfigError(f"loop: {first_error(error)}") from None
