"""Which of the loaded scenarios run, and which failed last time."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from tinman.errors import DefinitionError
from tinman.scenarios.documents import read_document
from tinman.scenarios.scenario import Scenario
from tinman.text.nearest import nearest
from tinman.text.visible import shorten

CONFIRM = "confirm-"
MAX_REPORT = 1_000_000_000
_STAMPED = re.compile(r"(confirm-)?tinkerloop-(\d+)\.json\Z")


def _listed(names: Collection[str]) -> str:
    return ", ".join(repr(shorten(name, 60)) for name in sorted(names)) or "none"


def select(
    scenarios: Sequence[Scenario], *, ids: Collection[str] = (), tags: Collection[str] = (), allows_destructive: bool
) -> list[Scenario]:
    """Return the scenarios with one of ``ids`` (if any), one of ``tags`` (if any), and no destructive one unasked.

    Raises ``DefinitionError`` for an id that no scenario has, and when nothing is left.
    """
    known = {scenario.scenario_id for scenario in scenarios}
    if lost := sorted(set(ids) - known):
        near = nearest(lost[0], known)
        hint = f"; did you mean {near[0]!r}?" if near else "; see `tinman scenarios list`"
        raise DefinitionError(f"scenarios: no loaded scenario is called {_listed(lost)}{hint}")
    fitting = [
        scenario
        for scenario in scenarios
        if (not ids or scenario.scenario_id in ids) and (not tags or set(scenario.tags) & set(tags))
    ]
    picked = [scenario for scenario in fitting if allows_destructive or not scenario.destructive]
    if not picked:
        excluded = len(fitting) - len(picked)
        because = f"; {excluded} destructive left out, --allow-destructive takes them in" if excluded else ""
        raise DefinitionError(
            f"scenarios: none of {len(scenarios)} selected (ids: {_listed(ids)}; tags: {_listed(tags)}{because})"
        )
    return picked


def stamped(folder: Path, prefix: str) -> list[Path]:
    """Return the time-stamped reports of one kind, newest first, by the number in their name."""
    found = [
        (int(match[2]), file)
        for file in folder.glob(f"{prefix}tinkerloop-*.json")
        if (match := _STAMPED.match(file.name)) and (match[1] or "") == prefix
    ]
    return [file for _, file in sorted(found, reverse=True)]


def report_behind(place: Path, *, prefix: str = "") -> Path:
    """Return the file that ``--failed-from PLACE`` means. Raises ``DefinitionError``.

    In a folder: the last failures, else the last report, else the newest stamped one; those of ``prefix`` first, then
    the plain ones.
    """
    if place.is_file():
        return place
    for one in dict.fromkeys([prefix, ""]):
        for candidate in (place / f"{one}latest-failures.json", place / f"{one}latest.json", *stamped(place, one)[:1]):
            if candidate.is_file():
                return candidate
    raise DefinitionError(f"failed-from: there is no report at {place}; name a report or a folder of reports")


def failed_ids(place: str | Path, *, prefix: str = "") -> tuple[Path, list[str]]:
    """Return the report that ``place`` means, and the ids that failed in it. Raises ``DefinitionError``.

    A report in which nothing failed is an error: to run everything then would be the opposite of what was asked.
    """
    file = report_behind(Path(place).expanduser(), prefix=prefix)
    ids = _ids_in(read_document(file, f"failed-from {file}", MAX_REPORT))
    if not ids:
        raise DefinitionError(f"failed-from {file}: nothing failed in it, so there is nothing to run again")
    return file, ids


def _ids_in(data: Any) -> list[str]:
    if not isinstance(data, dict):
        return []
    summary = data.get("summary")
    listed = summary.get("failed_scenario_ids") if isinstance(summary, dict) else None
    if not isinstance(listed, list):
        failures = data.get("failures")
        items = failures if isinstance(failures, list) else []
        listed = [item.get("scenario_id") for item in items if isinstance(item, dict)]
    return list(dict.fromkeys(str(one) for one in listed if isinstance(one, str | int) and str(one)))
