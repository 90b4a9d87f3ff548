"""What a confirmation is worth: bound to what was measured, void as soon as any of it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from tinman.errors import DefinitionError
from tinman.frozen import adapter, dump
from tinman.harness.metadata import Binding, Status
from tinman.harness.reports.artifacts import measured_reports, read_artifact
from tinman.harness.selection import CONFIRM
from tinman.scenarios.scenario import Scenario


def _read(place: Path) -> dict[str, Any]:
    try:
        return read_artifact(place)
    except DefinitionError:
        return {}


def seen_by_run(folder: Path) -> Status:
    """Return the status that a repair run reports: never ``passing``, since what ran now is newer."""
    told = _read(folder / f"{CONFIRM}latest-diagnosis.json").get("confirmation_status")
    if told in {"blocked", "failing"}:
        return cast(Status, told)
    return "stale" if any(folder.glob(f"{CONFIRM}*.json")) else "missing"


def last_run_of(folder: Path, target: str) -> dict[str, Any] | None:
    """Return the report of the last repair run of ``target``, or of one that does not say whose it is."""
    for report in measured_reports(folder):
        bound = binding_in(report)
        told = bound.target if bound else report["metadata"].get("adapter_path")
        if told in {target, None, ""}:
            return report
    return None


def uncovered(folder: Path, covered: Sequence[str], loaded: Sequence[Scenario], *, target: str) -> list[str]:
    """Return the ids that the last repair run of ``target`` measured and ``covered`` lacks.

    Without such a run it is all loaded scenarios but the destructive ones that a confirmation has to cover.
    """
    last = last_run_of(folder, target)
    if last is None:
        wanted = [scenario.scenario_id for scenario in loaded if not scenario.destructive]
    else:
        wanted = [str(result.get("scenario_id")) for result in last["results"] if isinstance(result, dict)]
    return sorted(set(wanted) - set(covered))


def binding_in(report: Mapping[str, Any]) -> Binding | None:
    """Return the binding that a report tells, if it tells one."""
    try:
        found: Binding = adapter(Binding).validate_python(report.get("metadata", {}).get("binding"))
    except ValueError:
        return None
    return found


def differences(one: Binding, other: Binding) -> list[str]:
    """Return the names of what differs between two bindings."""
    first, second = dump(one), dump(other)
    names = [name for name in first if name != "scenarios" and first[name] != second[name]]
    if not one.target_revision and "target_revision" not in names:
        names.append("target_revision")
    return names


def standing(folder: Path, now: Binding) -> tuple[Status, list[str]]:
    """Return what the last confirmation in ``folder`` says about ``now``, and what has changed since.

    Whoever deploys asks this; only ``passing`` is a yes.
    """
    report = _read(folder / f"{CONFIRM}latest.json")
    if not report:
        return ("stale" if any(folder.glob(f"{CONFIRM}*.json")) else "missing"), []
    told = report["metadata"].get("confirmation_status")
    bound = binding_in(report)
    if told == "blocked":
        return "blocked", []
    if bound is None:
        return "stale", ["binding"]
    changed = differences(bound, now)
    if changed:
        return "stale", changed
    return (cast(Status, told) if told in {"passing", "failing", "partial"} else "stale"), []
