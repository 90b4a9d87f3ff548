"""Two reports side by side: what is newly red, what is cured, what changed its words. One static, inert HTML page."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from html import escape
from typing import Any, Literal

from tinman.frozen import frozen
from tinman.text.visible import visible

Change = Literal["newly failing", "cured", "still failing", "still passing", "new", "gone"]
ORDER: tuple[Change, ...] = ("newly failing", "still failing", "cured", "new", "gone", "still passing")
MAX_LINES = 200
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "body{color:#222;background:#fff}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f6f6;padding:.6rem;margin:.3rem 0}"
    "del{background:#fbd9d9;text-decoration:none}ins{background:#d9f2dd;text-decoration:none}"
    "del::before{content:'- '}ins::before{content:'+ '}del,ins{display:block}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:left}"
    "h2{margin-top:2rem}code{background:#f6f6f6}"
)


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


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _side(result: Mapping[str, Any]) -> Side:
    lines: list[str] = []
    turns = result.get("turns")
    for number, turn in enumerate(turns if isinstance(turns, list) else [], 1):
        if not isinstance(turn, dict):
            continue
        lines += [
            f"turn {number} user: {_text(turn.get('user'))}",
            f"turn {number} said: {_text(turn.get('assistant'))}",
        ]
        calls = turn.get("tool_traces")
        for call in calls if isinstance(calls, list) else []:
            if isinstance(call, dict):
                lines.append(f"turn {number} call: {_text(call.get('tool_name'))} {_text(call.get('arguments'))}")
        checks = turn.get("checks")
        for check in checks if isinstance(checks, list) else []:
            if isinstance(check, dict) and check.get("passed") is not True:
                lines.append(f"turn {number} FAILED {_text(check.get('check_type'))}: {_text(check.get('detail'))}")
    split = [part for line in lines for part in (line.splitlines() or [""])]
    return Side(passed=result.get("passed") is True, lines=tuple(split), digest=_text(result.get("digest")))


def _sides(report: Mapping[str, Any]) -> dict[str, Side]:
    results = report.get("results")
    return {
        _text(result.get("scenario_id")): _side(result)
        for result in (results if isinstance(results, list) else [])
        if isinstance(result, dict)
    }


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
    names: list[str] = []
    for label, path in (
        ("adapter", ("adapter_path",)),
        ("provider", ("selected_runtime", "provider")),
        ("model", ("selected_runtime", "model")),
        ("kind of run", ("run_kind",)),
    ):
        values = []
        for report in (before, after):
            value: Any = report.get("metadata")
            for name in path:
                value = value.get(name) if isinstance(value, dict) else None
            values.append(value)
        if values[0] != values[1]:
            names.append(label)
    return names


def _h(text: str) -> str:
    """Return ``text`` for HTML: hidden characters spelled out, then escaped."""
    return escape(visible(text), quote=True)


def _body(one: Difference) -> str:
    before = one.before.lines if one.before else ()
    after = one.after.lines if one.after else ()
    lines: list[str] = []
    for line in difflib.ndiff(list(before[:MAX_LINES]), list(after[:MAX_LINES])):
        kind, text = line[:2], _h(line[2:])
        if kind == "- ":
            lines.append(f"<del>{text}</del>")
        elif kind == "+ ":
            lines.append(f"<ins>{text}</ins>")
        elif kind == "  ":
            lines.append(f"{text}\n")
    cut = max(len(before), len(after)) - MAX_LINES
    return "".join(lines) + (f"\n[{cut} more lines]" if cut > 0 else "")


def page(before: Mapping[str, Any], after: Mapping[str, Any], *, names: tuple[str, str]) -> str:
    """Return the page: no script, no link, no picture; every word of the reports escaped."""
    found = differences(before, after)
    counts = {change: sum(1 for one in found if one.change == change) for change in ORDER}
    rows = "".join(f"<tr><td>{_h(change)}</td><td>{counts[change]}</td></tr>" for change in ORDER)
    told = unlike(before, after)
    warning = f"<p><strong>Unlike conditions: {_h(', '.join(told))}.</strong></p>" if told else ""
    sections: list[str] = []
    for one in found:
        if one.change == "still passing" and one.before == one.after:
            continue
        note = " <em>(the scenario itself was changed)</em>" if one.is_another_test else ""
        sections.append(f"<h2><code>{_h(one.scenario_id)}</code>: {_h(one.change)}{note}</h2><pre>{_body(one)}</pre>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Two runs compared</title><style>{_STYLE}</style></head><body><h1>Two runs compared</h1>"
        f"<p>Before: <code>{_h(names[0])}</code><br>After: <code>{_h(names[1])}</code></p>{warning}"
        f"<table><tr><th>scenarios</th><th>count</th></tr>{rows}</table>{''.join(sections)}</body></html>\n"
    )
