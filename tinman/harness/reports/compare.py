"""Two reports side by side: what is newly red, what is cured, what changed its words. One static, inert HTML page."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tinman.frozen import frozen
from tinman.text.visible import visible

if TYPE_CHECKING:
    from jinja2 import Template

Change = Literal["newly failing", "cured", "still failing", "still passing", "new", "gone"]
ORDER: tuple[Change, ...] = ("newly failing", "still failing", "cured", "new", "gone", "still passing")
MAX_LINES = 200


@frozen
class Side:
    """One scenario in one report: whether it passed, and what was said turn by turn."""

    passed: bool
    lines: tuple[str, ...]
    digest: str = ""


@frozen
class Difference:
    """What became of one scenario from one report to the other."""

    scenario_id: str
    change: Change
    before: Side | None = None
    after: Side | None = None

    @property
    def is_another_test(self) -> bool:
        """Whether the scenario itself was changed in between, so that the two results do not compare."""
        sides = (self.before, self.after)
        digests = {side.digest for side in sides if side is not None and side.digest}
        return len(digests) > 1

    @property
    def line_changes(self) -> list[tuple[str, str]]:
        """The lines of both sides, each with ``-`` (gone), ``+`` (come) or a space, as far as they are shown."""
        before, after = (list(side.lines[:MAX_LINES]) if side else [] for side in (self.before, self.after))
        return [(line[0], line[2:]) for line in difflib.ndiff(before, after) if line[0] != "?"]

    @property
    def lines_cut(self) -> int:
        """How many lines of the longer side are not shown; 0 or less when all are."""
        return max(len(side.lines) for side in (self.before, self.after) if side) - MAX_LINES


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a member of a report, whatever somebody put there."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _side(result: Mapping[str, Any]) -> Side:
    lines: list[str] = []
    for number, turn in enumerate(_objects(result.get("turns")), 1):
        lines += [
            f"turn {number} user: {_text(turn.get('user'))}",
            f"turn {number} said: {_text(turn.get('assistant'))}",
        ]
        for call in _objects(turn.get("tool_traces")):
            lines.append(f"turn {number} call: {_text(call.get('tool_name'))} {_text(call.get('arguments'))}")
        for check in _objects(turn.get("checks")):
            if check.get("passed") is not True:
                lines.append(f"turn {number} FAILED {_text(check.get('check_type'))}: {_text(check.get('detail'))}")
    split = [part for line in lines for part in (line.splitlines() or [""])]
    return Side(passed=result.get("passed") is True, lines=tuple(split), digest=_text(result.get("digest")))


def _sides(report: Mapping[str, Any]) -> dict[str, Side]:
    return {_text(result.get("scenario_id")): _side(result) for result in _objects(report.get("results"))}


def _change(before: Side | None, after: Side | None) -> Change:
    if before is None:
        return "new"
    if after is None:
        return "gone"
    if before.passed:
        return "still passing" if after.passed else "newly failing"
    return "cured" if after.passed else "still failing"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return what became of every scenario of two v1 reports, the worst first, then by id."""
    old, new = _sides(before), _sides(after)
    found = [
        Difference(
            scenario_id=name, change=_change(old.get(name), new.get(name)), before=old.get(name), after=new.get(name)
        )
        for name in sorted(old.keys() | new.keys())
    ]
    return sorted(found, key=lambda one: (ORDER.index(one.change), one.scenario_id))


def newly_failing(found: list[Difference]) -> list[str]:
    """Return the ids that are red now and were not before: a scenario that is new and red counts."""
    return [
        one.scenario_id
        for one in found
        if one.change == "newly failing" or (one.change == "new" and one.after is not None and not one.after.passed)
    ]


def unlike(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the conditions in which two reports differ, besides the target's revision: they hardly compare then."""
    named = {
        "adapter": ("adapter_path",),
        "provider": ("selected_runtime", "provider"),
        "model": ("selected_runtime", "model"),
        "kind of run": ("run_kind",),
    }
    return [label for label, path in named.items() if _at(before, path) != _at(after, path)]


def _at(report: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value = report.get("metadata")
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader  # noqa: PLC0415 - 45 ms that only a page has to wait for

    def shown(value: object) -> object:
        return visible(value) if isinstance(value, str) else value

    pages = FileSystemLoader(Path(__file__).parent)
    return Environment(autoescape=True, finalize=shown, loader=pages, trim_blocks=True).get_template("compare.html.j2")


def page(before: Mapping[str, Any], after: Mapping[str, Any], *, names: tuple[str, str]) -> str:
    """Return the page: no script, no link, no picture; every word of the reports escaped."""
    found = differences(before, after)
    counts = {change: sum(one.change == change for one in found) for change in ORDER}
    shown = [one for one in found if one.change != "still passing" or one.before != one.after]
    return _template().render(names=names, unlike=unlike(before, after), counts=counts, found=shown)
