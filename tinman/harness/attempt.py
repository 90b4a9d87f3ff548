"""One ``run`` or ``confirm``: adapter, metadata, preflight, runtime, scenarios, selection, measurement, reports.

The first stage that fails ends the attempt with exit code 2 and a report that names the stage. What a stage raises is
told in one line; nothing has been executed then.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.to_thread
from pydantic import Field

from tinman.config.settings import secret_values
from tinman.errors import DefinitionError, TinmanError
from tinman.frozen import dump, frozen
from tinman.harness.artifacts import CONFIRM, Artifacts, measured_reports, prepare
from tinman.harness.confirmation import Binding, binding_in, binding_of, differences, seen_by_run, uncovered
from tinman.harness.junit import junit, junit_error
from tinman.harness.measurement import Board, Measurement, Plan, check_plan, measure
from tinman.harness.redaction import Redactor
from tinman.harness.results import provisional_note, summarize_results
from tinman.harness.runtime_choice import Ask, Choice, choose
from tinman.harness.selection import chosen, failed_ids
from tinman.scenarios.checks import Judged
from tinman.scenarios.files import load_scenarios, write_text
from tinman.scenarios.run import Referee
from tinman.scenarios.scenario import Scenario
from tinman.targets.adapters.base import RuntimeSpec
from tinman.targets.adapters.target import AdapterProcess, AdapterTarget, revision_of
from tinman.targets.base import Target
from tinman.text.visible import shorten, visible

PASSED, FAILED, NOT_MEASURED, PROVISIONAL = 0, 1, 2, 3


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
    """Raised inside when a stage failed: its metadata key, and the line to tell."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


Dress = Callable[[Target], Target]
"""Puts an intervention's patch around the target."""


class _Attempt:
    def __init__(
        self, asked: Asked, *, target: Target | None, ask: Ask | None, dress: Dress | None, referee: Referee | None
    ) -> None:
        self.asked = asked
        self.folder = Path(asked.report_dir).expanduser()
        self.junit = Path(asked.junit).expanduser() if asked.junit else None
        self.is_confirm = asked.kind == "confirm"
        self.prefix = CONFIRM if self.is_confirm else ""
        self.redactor = Redactor(secret_values())
        self.artifacts = Artifacts(self.folder, prefix=self.prefix, redactor=self.redactor)
        self.metadata: dict[str, Any] = {}
        self.loaded: list[Scenario] = []
        self.picked: list[Scenario] = []
        self.board: Board | None = None
        self._target = target
        self._ask = ask
        self._dress = dress
        self._referee = referee

    # -- stages

    async def adapter(self, stack: AsyncExitStack) -> AdapterProcess:
        try:
            process = await stack.enter_async_context(AdapterProcess(self.asked.adapter))
            await process.load()
        except TinmanError as error:
            raise _Stage("adapter_error", str(error)) from error
        return process

    async def metadata_of(self, process: AdapterProcess) -> None:
        try:
            self.metadata["adapter"] = await process.ask("metadata")
        except TinmanError as error:
            self.metadata["adapter_metadata_error"] = str(error)

    async def preflight(self, process: AdapterProcess) -> None:
        try:
            found = await process.ask("preflight", user_id=self.asked.plan.user)
        except TinmanError as error:
            raise _Stage("preflight_error", f"preflight: {error}") from error
        self.metadata["preflight"] = found
        if found["status"] != "ready":
            raise _Stage("preflight_error", f"preflight: {found['status']}: {found['summary']}")

    async def runtime(self, process: AdapterProcess) -> Choice:
        try:
            known = await process.ask("runtime", user_id=self.asked.plan.user)
            resolved = RuntimeSpec(**known["resolved"]) if known["resolved"] else None
            candidates = [RuntimeSpec(**one) for one in known["candidates"] if one]
            if resolved is not None:
                self.metadata["resolved_runtime"] = asdict(resolved)
            if candidates:
                self.metadata["runtime_candidates"] = [asdict(one) for one in candidates]
            # In a thread: a person may take long to answer, and an interrupt has to get through meanwhile.
            choice = await anyio.to_thread.run_sync(
                lambda: choose(
                    resolved, candidates, provider=self.asked.provider, model=self.asked.model, ask=self._ask
                ),
                abandon_on_cancel=True,
            )
            await process.ask("select", runtime=asdict(choice.runtime))
        except TinmanError as error:
            raise _Stage("runtime_error", str(error)) from error
        self._chosen(choice)
        return choice

    def _chosen(self, choice: Choice) -> None:
        self.metadata["runtime_selection_mode"] = choice.mode
        self.metadata["selected_runtime"] = asdict(choice.runtime)

    async def given_target(self, target: Target) -> Choice:
        """Take a target by its name through the stages of an adapter: it is its own adapter."""
        self.metadata["adapter"] = {"target": target.name, "fingerprint": target.fingerprint, "seam": target.seam}
        try:
            await target.preflight()
        except TinmanError as error:
            raise _Stage("preflight_error", f"preflight: {error}") from error
        self.metadata["preflight"] = {"status": "ready", "summary": "The target answers.", "details": {}}
        resolved = RuntimeSpec(
            provider=target.model.provider if target.model else "target",
            model=target.model.name if target.model else target.name,
            source="target",
            confidence="explicit",
            reason="the target's name says it",
        )
        self.metadata["resolved_runtime"] = asdict(resolved)
        try:
            choice = choose(resolved, [], provider=self.asked.provider, model=self.asked.model)
        except TinmanError as error:
            raise _Stage("runtime_error", str(error)) from error
        self._chosen(choice)
        return choice

    def load(self) -> None:
        asked = self.asked
        try:
            self.loaded = load_scenarios(asked.scenarios)
            self.metadata["loaded_scenario_count"] = len(self.loaded)
            ids = list(asked.ids)
            if asked.failed_from:
                place, again = failed_ids(asked.failed_from, prefix=self.prefix)
                self.metadata["rerun_failed_from"] = str(place)
                self.metadata["rerun_failed_scenario_ids"] = again
                ids += again
            self.metadata["scenario_filter"] = sorted(set(ids))
            if asked.tags:
                self.metadata["tag_filter"] = sorted(set(asked.tags))
            self.picked = chosen(self.loaded, ids=ids, tags=asked.tags, allows_destructive=asked.allows_destructive)
            self.metadata["selected_scenario_count"] = len(self.picked)
            check_plan(self.picked, asked.plan)
            if self._referee is None:
                for scenario in self.picked:
                    if any(isinstance(check, Judged) for turn in scenario.turns for check in turn.checks):
                        raise DefinitionError(
                            f"scenario {scenario.scenario_id!r}: has a judged check; name the judge with --judge"
                        )
        except DefinitionError as error:
            raise _Stage("scenario_error", str(error)) from error

    def dressed(self, target: Target) -> Target:
        if self._dress is None:
            return target
        try:
            return self._dress(target)
        except TinmanError as error:
            raise _Stage("intervention_error", str(error)) from error

    # -- the whole

    async def go(self) -> Ended:
        prepare(self.folder)
        if self.junit is not None:
            prepare(self.junit.parent, named="junit")
        status = "blocked" if self.is_confirm else seen_by_run(self.folder)
        self.metadata.update(
            adapter_path=self.asked.adapter or (self._target.name if self._target else ""),
            run_kind="external_validation" if self.is_confirm else "repair",
            confirmation_status=status,
        )
        if self.asked.intervention:
            self.metadata["intervention"] = self.asked.intervention
        async with AsyncExitStack() as stack:
            try:
                target, choice = await self._opened(stack)
                self.load()
                target = self.dressed(target)
            except _Stage as stage:
                return self.not_measured(stage)
            revision = self._revision(target)
            binding = binding_of(
                self.picked,
                target=self.asked.adapter or target.name,
                target_revision=revision,
                provider=choice.runtime.provider,
                model=choice.runtime.model,
                intervention=self.asked.intervention,
            )
            self.metadata["binding"] = dump(binding)
            self.board = Board(self.picked, self.asked.plan)
            measurement = await measure(target, self.picked, self.asked.plan, referee=self._referee, board=self.board)
        return self.measured(measurement, binding)

    async def _opened(self, stack: AsyncExitStack) -> tuple[Target, Choice]:
        if self._target is not None:
            return self._target, await self.given_target(self._target)
        process = await self.adapter(stack)
        await self.metadata_of(process)
        await self.preflight(process)
        choice = await self.runtime(process)
        return AdapterTarget(self.asked.adapter, process, revision=self._adapter_revision(process)), choice

    def _adapter_revision(self, process: AdapterProcess) -> str:
        where = self.asked.adapter.rpartition(":")[0]
        own = Path(where).expanduser().resolve().parent if where.endswith(".py") else Path.cwd()
        root = Path(process.root) if process.root else own
        scenarios = Path(self.asked.scenarios).expanduser()
        revision = revision_of(root, without=(scenarios, self.folder))
        if revision and own != root and root not in own.parents:
            return f"{revision}-{revision_of(own, without=(scenarios, self.folder))}"
        return revision

    def _revision(self, target: Target) -> str:
        if isinstance(target, AdapterTarget):
            return target.revision
        place = Path(target.name.rpartition(":")[0]).expanduser()
        if place.suffix == ".py" and place.is_file():
            # The fingerprint of a callable named by its file does not cover its code.
            return f"{target.fingerprint}-{hashlib.sha256(place.read_bytes()).hexdigest()[:16]}"
        return target.fingerprint

    def not_measured(self, stage: _Stage) -> Ended:
        """Tell which stage failed, and write it down; what failed in an earlier run stays known."""
        self.metadata[stage.key] = str(stage)
        report = self.artifacts.write_error(self.metadata)
        self._junit(junit_error(str(stage), redactor=self.redactor))
        return Ended(code=NOT_MEASURED, err=(visible(str(stage)), f"Report: {report}"), report=report)

    def measured(self, measurement: Measurement, binding: Binding) -> Ended:
        """Judge the measurement, write the reports, and say what they say."""
        green, notes = measurement.is_green, list[str]()
        covered = [trials.scenario_id for trials in measurement.trials]
        if self.is_confirm:
            lacking = uncovered(self.folder, covered, self.loaded) if green else []
            status = "failing" if not green else "partial" if lacking else "passing"
            self.metadata["confirmation_status"] = status
            if lacking:
                self.metadata["uncovered_scenario_ids"] = lacking
                notes.append(f"Partial: {len(lacking)} scenarios of the last run were not confirmed: {_some(lacking)}")
            code = FAILED if not green else PROVISIONAL if lacking else PASSED
            if changed := self._changed(binding):
                self.metadata["differs_from_last_run"] = changed
                notes.append(f"Not the same as the last run: {', '.join(changed)}")
        else:
            code = PROVISIONAL if green else FAILED
        gate = self.asked.plan.gate
        if gate is not None:
            held = "holds" if measurement.gate_holds else "does not hold"
            notes.append(f"Gate {gate.text}: {held}")
            self.metadata["gate"] = {"text": gate.text, "holds": measurement.gate_holds}
        left_out = [one for one in self.loaded if one.destructive and not self.asked.allows_destructive]
        report = self.artifacts.write(measurement, self.metadata)
        self._junit(junit(measurement, left_out=left_out, redactor=self.redactor))
        told = summarize_results([trials.shown for trials in measurement.trials]).splitlines()
        told += _repeats(measurement)
        told += [
            f"Note: {shorten(trials.scenario_id, 80)} answered nothing at all in a turn it passed"
            for trials in measurement.trials
            if trials.passed and trials.shown.verdict == "indeterminate"
        ]
        reminder = provisional_note(self.metadata["confirmation_status"]) if green and not self.is_confirm else ""
        out = (*told, *(visible(note) for note in notes), *([reminder] if reminder else []), f"Report: {report}")
        err = (reminder,) if reminder else ()
        return Ended(code=code, out=out, err=err, report=report, measurement=measurement)

    def interrupted(self) -> Path | None:
        """Write what had been measured when the attempt was cut off; ``None`` when there was nothing yet."""
        found = self.board.measurement() if self.board is not None else Measurement()
        if not found.trials:
            return None
        self.metadata["interrupted"] = True
        self.metadata["confirmation_status"] = "blocked" if self.is_confirm else self.metadata["confirmation_status"]
        return self.artifacts.write(replace(found, cut_short=True), self.metadata)

    def _changed(self, binding: Binding) -> list[str]:
        last = next(measured_reports(self.folder), None)
        bound = binding_in(last) if last else None
        return [name for name in differences(bound, binding) if name != "scenario_set"] if bound else []

    def _junit(self, text: str) -> None:
        if self.junit is None:
            return
        try:
            write_text(self.junit, text)
        except OSError as error:
            raise DefinitionError(
                f"junit {self.asked.junit}: cannot be written: {error.strerror or error}; name another place"
            ) from error


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
    one = _Attempt(asked, target=target, ask=ask, dress=dress, referee=referee)
    try:
        return await one.go()
    except BaseException:
        # Whatever ends the attempt early, an interrupt or a bug: what was paid for is kept.
        one.interrupted()
        raise
