"""What a report says of the attempt that made it: the stages it went through, and what the result is bound to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from pydantic import Field

from tinman.frozen import frozen
from tinman.targets.adapters.base import PreflightResult, RuntimeSpec

StageError = Literal["adapter_error", "preflight_error", "runtime_error", "scenario_error", "intervention_error"]
Status = Literal["passing", "failing", "blocked", "partial", "stale", "missing"]


@frozen
class Binding:
    """What a confirmation speaks about. An empty ``target_revision`` is unknown, and equals nothing."""

    scenario_set: str
    scenarios: dict[str, str]
    target: str
    target_revision: str
    provider: str = ""
    model: str = ""
    intervention: str = ""


@frozen
class GateResult:
    """A gate as it was written, and whether it holds."""

    text: str
    holds: bool | None


@frozen
class Metadata:
    """A report's ``metadata``, member by member; what is not known (``None``) is left out of the report.

    ``failed_stage`` holds the one stage that ended the attempt and what it had to say, as a member of that name.
    """

    adapter_path: str
    run_kind: Literal["repair", "external_validation"]
    confirmation_status: Status
    intervention: str | None = None
    adapter: dict[str, Any] | None = None
    adapter_metadata_error: str | None = None
    preflight: PreflightResult | None = None
    resolved_runtime: RuntimeSpec | None = None
    runtime_candidates: tuple[RuntimeSpec, ...] | None = None
    runtime_selection_mode: str | None = None
    selected_runtime: RuntimeSpec | None = None
    loaded_scenario_count: int | None = None
    rerun_failed_from: str | None = None
    rerun_failed_scenario_ids: tuple[str, ...] | None = None
    scenario_filter: tuple[str, ...] | None = None
    tag_filter: tuple[str, ...] | None = None
    selected_scenario_count: int | None = None
    binding: Binding | None = None
    uncovered_scenario_ids: tuple[str, ...] | None = None
    differs_from_last_run: tuple[str, ...] | None = None
    gate: GateResult | None = None
    interrupted: Literal[True] | None = None
    failed_stage: dict[StageError, str] = Field(default_factory=dict)

    @property
    def data(self) -> dict[str, Any]:
        """The object that a report holds."""
        told = asdict(self)
        stage = told.pop("failed_stage")
        return {name: value for name, value in {**told, **stage}.items() if value is not None}

    @property
    def context(self) -> dict[str, Any]:
        """What the summaries of a report repeat."""
        told: dict[str, Any] = {"preflight_status": self.preflight.status} if self.preflight else {}
        if chosen := self.selected_runtime:
            told["selected_runtime"] = {"provider": chosen.provider, "model": chosen.model}
        return told
