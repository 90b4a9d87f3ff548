"""One ``run`` or ``confirm``: adapter, metadata, preflight, runtime, scenarios, selection, measurement, reports.

The first stage that fails ends the attempt with exit code 2 and a report that names the stage. What a stage raises is
told in one line; nothing has been executed then.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.to_thread
from pydantic import Field

from tinman.config.settings import secret_values
from tinman.errors import DefinitionError, Exit, TinmanError
from tinman.frozen import frozen
from tinman.harness.adapters import check_ready
from tinman.harness.confirmation import binding_in, differences, last_run_of, seen_by_run, uncovered
from tinman.harness.inner_model import Ask, Choice, choose
from tinman.harness.measurement import Board, Measurement, Plan, check_plan, measure
from tinman.harness.metadata import Binding, GateResult, Metadata, StageError, Status
from tinman.harness.reports.artifacts import Artifacts, measured_reports, prepare
from tinman.harness.reports.junit import junit, junit_error
from tinman.harness.reports.redaction import Redactor
from tinman.harness.results import provisional_note, summarize_results
from tinman.harness.selection import CONFIRM, failed_ids, select
from tinman.scenarios.checks import Judged
from tinman.scenarios.files import load_scenarios, report_unwritable, set_digest, write_text
from tinman.scenarios.run import Referee
from tinman.scenarios.scenario import Scenario
from tinman.targets.adapters.base import PreflightResult, RuntimeSpec
from tinman.targets.adapters.target import AdapterProcess, AdapterTarget, revision_of
from tinman.targets.base import Target
from tinman.targets.turn import look_at
from tinman.text.visible import shorten, visible

PASSED, FAILED, NOT_MEASURED, PROVISIONAL = Exit.DONE, Exit.INTERNAL, Exit.USAGE, Exit.INCOMPLETE


@frozen
class Asked:
    """What the command line asked for. Exactly one of ``adapter`` and a target handed to ``attempt`` is there."""

    kind: Literal["run", "confirm"]
    scenarios: str
    adapter: str = ""
    report_dir: str = "artifacts/reports"
    ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    failed_from: str = ""
    allows_destructive: bool = False
    provider: str = ""
    model: str = ""
    junit: str = ""
    intervention: str = ""
    plan: Plan = Field(default_factory=Plan)


@frozen
class Ended:
    """How an attempt ended: its exit code, the lines for both outputs, and where its report is."""

    code: int
    out: tuple[str, ...] = ()
    err: tuple[str, ...] = ()
    report: Path | None = None
    measurement: Measurement | None = None


class _Stage(Exception):
    """Raised inside when a stage failed; its text is the line to tell."""

    def __init__(self, name: StageError, message: str) -> None:
        super().__init__(message)
        self.name = name


@contextmanager
def _stage(name: StageError, prefix: str = "") -> Iterator[None]:
    """Let what goes wrong in the block end the attempt at this stage."""
    try:
        yield
    except TinmanError as error:
        raise _Stage(name, f"{prefix}{error}") from error


Dress = Callable[[Target], Target]
"""Puts an intervention's patch around the target."""


@dataclass
class _Attempt:
    """What the stages of one attempt hand on; ``known`` grows with each, and is what a report says of the attempt."""

    asked: Asked
    target: Target | None
    ask: Ask | None
    dress: Dress | None
    referee: Referee | None
    loaded: list[Scenario] = field(default_factory=list)
    picked: list[Scenario] = field(default_factory=list)
    board: Board | None = None

    def __post_init__(self) -> None:
        asked, target = self.asked, self.target
        self.folder = Path(asked.report_dir).expanduser()
        self.junit = Path(asked.junit).expanduser() if asked.junit else None
        self.is_confirm = asked.kind == "confirm"
        self.redactor = Redactor(secret_values())
        self.artifacts = Artifacts(self.folder, prefix=CONFIRM if self.is_confirm else "", redactor=self.redactor)
        self.known = Metadata(
            adapter_path=asked.adapter or (target.name if target else ""),
            run_kind="external_validation" if self.is_confirm else "repair",
            confirmation_status="blocked",
            intervention=asked.intervention or None,
        )

    async def go(self) -> Ended:
        """Take every stage, measure and report. Raises ``DefinitionError`` when a report could not be written."""
        prepare(self.folder)
        if self.junit is not None:
            prepare(self.junit.parent, named="junit")
        if not self.is_confirm:
            self.known = replace(self.known, confirmation_status=seen_by_run(self.folder))
        async with AsyncExitStack() as stack:
            try:
                target = await self._given(self.target) if self.target else await self._adapter(stack)
                self._load()
                if self.dress is not None:
                    with _stage("intervention_error"):
                        target = self.dress(target)
            except _Stage as stage:
                return self._not_measured(stage)
            binding = self._bound(target)
            self.board = Board(self.picked, self.asked.plan)
            measurement = await measure(target, self.picked, self.asked.plan, referee=self.referee, board=self.board)
        return self._measured(measurement, binding)

    async def _adapter(self, stack: AsyncExitStack) -> Target:
        """Take an adapter through its stages: made, asked about itself, ready, told which model is measured."""
        user = self.asked.plan.user
        with _stage("adapter_error"):
            process = await stack.enter_async_context(AdapterProcess(self.asked.adapter))
            await process.load()
        try:
            self.known = replace(self.known, adapter=await process.metadata())
        except TinmanError as error:
            self.known = replace(self.known, adapter_metadata_error=str(error))
        with _stage("preflight_error", "preflight: "):
            found = await process.preflight(user)
        self.known = replace(self.known, preflight=found)
        with _stage("preflight_error"):
            check_ready(found)
        with _stage("runtime_error"):
            resolved, candidates = await process.runtimes(user)
            self.known = replace(self.known, resolved_runtime=resolved, runtime_candidates=candidates or None)
            # In a thread: a person may take long to answer, and an interrupt has to get through meanwhile.
            choice = await anyio.to_thread.run_sync(self._chosen, resolved, candidates, abandon_on_cancel=True)
            await process.select(choice.runtime)
        self._take(choice)
        return AdapterTarget(self.asked.adapter, process, revision=self._adapter_revision(process))

    async def _given(self, target: Target) -> Target:
        """Take a target by its name through the stages of an adapter: it is its own adapter."""
        about: dict[str, Any] = {"target": target.name, "fingerprint": target.fingerprint, "seam": target.seam}
        self.known = replace(self.known, adapter=about)
        with _stage("preflight_error", "preflight: "):
            notes = await look_at(target)
        if notes:
            self.known = replace(self.known, adapter={**about, "notes": list(notes)})
        resolved = RuntimeSpec(
            provider=target.model.provider if target.model else "target",
            model=target.model.name if target.model else target.name,
            source="target",
            confidence="explicit",
            reason="the target's name says it",
        )
        ready = PreflightResult(status="ready", summary="The target answers.")
        self.known = replace(self.known, preflight=ready, resolved_runtime=resolved)
        with _stage("runtime_error"):
            self._take(self._chosen(resolved, ()))
        return target

    def _chosen(self, resolved: RuntimeSpec | None, candidates: Sequence[RuntimeSpec]) -> Choice:
        return choose(resolved, candidates, provider=self.asked.provider, model=self.asked.model, ask=self.ask)

    def _take(self, choice: Choice) -> None:
        self.known = replace(self.known, runtime_selection_mode=choice.mode, selected_runtime=choice.runtime)

    def _load(self) -> None:
        """Load the scenarios and choose among them; what a failed stage got to know stays known."""
        asked = self.asked
        with _stage("scenario_error"):
            self.loaded = load_scenarios(asked.scenarios)
            self.known = replace(self.known, loaded_scenario_count=len(self.loaded))
            ids = set(asked.ids)
            if asked.failed_from:
                place, again = failed_ids(asked.failed_from, prefix=self.artifacts.prefix)
                self.known = replace(self.known, rerun_failed_from=str(place), rerun_failed_scenario_ids=tuple(again))
                ids |= set(again)
            tags = tuple(sorted(set(asked.tags))) or None
            self.known = replace(self.known, scenario_filter=tuple(sorted(ids)), tag_filter=tags)
            self.known = replace(self.known, selected_scenario_count=0)
            self.picked = select(self.loaded, ids=ids, tags=asked.tags, allows_destructive=asked.allows_destructive)
            self.known = replace(self.known, selected_scenario_count=len(self.picked))
            check_plan(self.picked, asked.plan)
            for scenario in self.picked if self.referee is None else ():
                if any(isinstance(check, Judged) for turn in scenario.turns for check in turn.checks):
                    raise DefinitionError(
                        f"scenario {scenario.scenario_id!r}: has a judged check; name the judge with --judge"
                    )

    def _bound(self, target: Target) -> Binding:
        """Return what this measurement speaks about."""
        assert self.known.selected_runtime is not None
        binding = Binding(
            scenario_set=set_digest(self.picked),
            scenarios={scenario.scenario_id: scenario.digest for scenario in self.picked},
            target=self.asked.adapter or target.name,
            target_revision=_revision(target),
            provider=self.known.selected_runtime.provider,
            model=self.known.selected_runtime.model,
            intervention=self.asked.intervention,
        )
        self.known = replace(self.known, binding=binding)
        return binding

    def _adapter_revision(self, process: AdapterProcess) -> str:
        where = self.asked.adapter.rpartition(":")[0]
        own = Path(where).expanduser().resolve().parent if where.endswith(".py") else Path.cwd()
        root = Path(process.root) if process.root else own
        without = (Path(self.asked.scenarios).expanduser(), self.folder)
        revision = revision_of(root, without=without)
        if revision and own != root and root not in own.parents:
            return f"{revision}-{revision_of(own, without=without)}"
        return revision

    def _not_measured(self, stage: _Stage) -> Ended:
        """Tell which stage failed, and write it down; what failed in an earlier run stays known."""
        report = self.artifacts.write(replace(self.known, failed_stage={stage.name: str(stage)}))
        self._write_junit(junit_error(str(stage), redactor=self.redactor))
        return Ended(code=NOT_MEASURED, err=(visible(str(stage)), f"Report: {report}"), report=report)

    def _measured(self, measurement: Measurement, binding: Binding) -> Ended:
        """Judge the measurement, write the reports, and say what they say."""
        green, gate = measurement.is_green, self.asked.plan.gate
        code, notes = PROVISIONAL if green else FAILED, list[str]()
        if self.is_confirm:
            notes, is_whole = self._confirmed(measurement, binding)
            code = PASSED if green and is_whole else code
        if gate is not None:
            notes.append(f"Gate {gate.text}: {'holds' if measurement.gate_holds else 'does not hold'}")
            self.known = replace(self.known, gate=GateResult(text=gate.text, holds=measurement.gate_holds))
        left_out = [one for one in self.loaded if one.destructive and not self.asked.allows_destructive]
        report = self.artifacts.write(self.known, measurement)
        self._write_junit(junit(measurement, left_out=left_out, redactor=self.redactor))
        told = summarize_results([trials.shown for trials in measurement.trials]).splitlines()
        told += _repeats(measurement)
        if measurement.missing:
            told.append(f"Not measured: {len(measurement.missing)} scenarios: {_some(list(measurement.missing))}")
        is_provisional = green and not self.is_confirm
        reminder = (provisional_note(self.known.confirmation_status),) if is_provisional else ()
        out = (*told, *(visible(note) for note in notes), *reminder, f"Report: {report}")
        return Ended(code=code, out=out, err=reminder, report=report, measurement=measurement)

    def _confirmed(self, measurement: Measurement, binding: Binding) -> tuple[list[str], bool]:
        """Return what there is to note of a confirmation, and whether it covers all that the last run measured."""
        notes: list[str] = []
        green = measurement.is_green
        covered = [trials.scenario_id for trials in measurement.trials]
        lacking = uncovered(self.folder, covered, self.loaded, target=binding.target) if green else []
        status: Status = "failing" if not green else "partial" if lacking else "passing"
        if lacking:
            notes.append(f"Partial: {len(lacking)} scenarios of the last run were not confirmed: {_some(lacking)}")
        if unlike := self._changed(binding):
            notes.append(f"Not the same as the last run: {', '.join(unlike)}")
        self.known = replace(
            self.known,
            confirmation_status=status,
            uncovered_scenario_ids=tuple(lacking) or None,
            differs_from_last_run=tuple(unlike) or None,
        )
        return notes, not lacking

    def interrupted(self) -> Path | None:
        """Write what had been measured when the attempt was cut off; ``None`` when there was nothing yet."""
        found = self.board.measurement() if self.board is not None else Measurement()
        if not found.trials:
            return None
        status = "blocked" if self.is_confirm else self.known.confirmation_status
        self.known = replace(self.known, interrupted=True, confirmation_status=status)
        return self.artifacts.write(self.known, replace(found, cut_short=True))

    def _changed(self, binding: Binding) -> list[str]:
        # A confirmation may be of a more realistic target than the runs: that is said, and held against nothing.
        last = last_run_of(self.folder, binding.target) or next(measured_reports(self.folder), None)
        bound = binding_in(last) if last else None
        return [name for name in differences(bound, binding) if name != "scenario_set"] if bound else []

    def _write_junit(self, text: str) -> None:
        if self.junit is not None:
            with report_unwritable(f"junit {self.asked.junit}", "; name another place"):
                write_text(self.junit, text)


def _revision(target: Target) -> str:
    if isinstance(target, AdapterTarget):
        return target.revision
    place = Path(target.name.rpartition(":")[0]).expanduser()
    if place.suffix == ".py" and place.is_file():
        # The fingerprint of a callable named by its file does not cover its code.
        return f"{target.fingerprint}-{hashlib.sha256(place.read_bytes()).hexdigest()[:16]}"
    return target.fingerprint


def _some(ids: list[str], most: int = 8) -> str:
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(shorten(one, 60) for one in ids[:most]) + more


def _repeats(measurement: Measurement) -> list[str]:
    """Return a line for each scenario that was tried more than once: passes, interval, whether it is flaky."""
    lines: list[str] = []
    for trials in measurement.trials:
        if trials.planned == 1:
            continue
        n, interval = len(trials.runs), trials.interval
        flaky = "  FLAKY" if trials.is_flaky else ""
        cut = f" of {trials.planned} planned" if n < trials.planned else ""
        low, high = math.floor(100 * interval.low), math.ceil(100 * interval.high)
        name = shorten(trials.scenario_id, 60)
        lines.append(f"  {name}: {trials.successes}/{n} passed{cut}, 95% [{low}, {high}]{flaky}")
    return lines


async def attempt(
    asked: Asked,
    *,
    target: Target | None = None,
    ask: Ask | None = None,
    dress: Dress | None = None,
    referee: Referee | None = None,
) -> Ended:
    """Carry out one ``run`` or ``confirm``.

    ``ask`` is ``None`` when nobody can be asked; ``dress`` puts a patch around the target; ``referee`` answers judged
    checks. Cancelled, it writes what it had measured, marked as interrupted, and lets the cancellation through. Raises
    ``DefinitionError`` when the report folder cannot be used.
    """
    one = _Attempt(asked, target, ask, dress, referee)
    try:
        return await one.go()
    except BaseException:
        # Whatever ends the attempt early, an interrupt or a bug: what was paid for is kept.
        one.interrupted()
        raise
