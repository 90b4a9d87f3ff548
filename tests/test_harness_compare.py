"""Two reports side by side: what became worse is found, unlike conditions are refused, and the page is inert."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from harness_targets import written
from hypothesis import given
from hypothesis import strategies as st
from test_harness_commands import Shell, shell

from tinman.harness.reports.compare import differences, newly_failing, page, unlike

__all__ = ["shell"]


def report(metadata: dict[str, Any] | None = None, **passed: bool | str) -> dict[str, Any]:
    """A report in which each scenario passed, failed, or passed with these words."""
    return {
        "schema_version": "tinkerloop.report.v1",
        "generated_at": 1,
        "metadata": metadata or {},
        "summary": {},
        "results": [
            {
                "scenario_id": name,
                "passed": value is not False,
                "turns": [
                    {
                        "user": "u",
                        "assistant": value if isinstance(value, str) else f"said by {name}",
                        "tool_traces": [],
                        "checks": [{"check_type": "c", "passed": value is not False, "detail": "d"}],
                    }
                ],
            }
            for name, value in passed.items()
        ],
    }


def test_what_became_of_each_scenario_the_worst_first() -> None:
    found = differences(
        report(a=True, b=False, c=False, d=True, e=True), report(a=False, b=False, c=True, d=True, f=False, g=True)
    )

    assert [(one.scenario_id, one.change) for one in found] == [
        ("a", "newly failing"),
        ("b", "still failing"),
        ("c", "cured"),
        ("f", "new"),
        ("g", "new"),
        ("e", "gone"),
        ("d", "still passing"),
    ]
    assert newly_failing(found) == ["a", "f"]


def test_unlike_conditions_are_named() -> None:
    one = {"adapter_path": "x", "selected_runtime": {"provider": "p", "model": "m"}, "run_kind": "repair"}
    other = {"adapter_path": "y", "selected_runtime": {"provider": "p", "model": "n"}, "run_kind": "repair"}

    assert unlike(report(one, a=True), report(one, a=True)) == []
    assert unlike(report(one, a=True), report(other, a=True)) == ["adapter", "model"]


class Tags(HTMLParser):
    """Notes every element and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "br", "code", "table", "tr", "th", "td"),
    *("pre", "del", "ins", "em", "strong"),
}


@given(st.text(), st.text(), st.text(min_size=1))
def test_whatever_a_report_says_the_page_holds_only_its_own_elements(one: str, other: str, name: str) -> None:
    old, new = (
        report(**{name: "<script>alert(1)</script>" + one}),
        report(**{name: '"><img src=x onerror=a()>' + other}),
    )
    seen = Tags()
    text = page(old, new, names=(name, other))
    seen.feed(text)

    assert seen.seen <= ALLOWED
    assert seen.attributes <= {"lang", "charset", "http-equiv", "content"}
    assert "&lt;script&gt;" in text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["scenario_id", "turns", "checks"]), inner)
        ),
        max_leaves=6,
    )
)
def test_a_report_of_odd_shape_breaks_nothing(results: Any) -> None:
    odd = {"metadata": {}, "results": results}

    assert page(odd, report(a=True), names=("x", "y")).startswith("<!doctype html>")


def test_the_command_compares_and_its_exit_code_is_for_what_is_newly_red(shell: Shell) -> None:
    def measured(*scenarios: dict[str, Any]) -> str:
        written(shell.folder, *scenarios)
        shell("run", "--target", "sandbox:sound", "--scenarios", "scenarios")
        place = Path(f"{scenarios[0]['turns'][0]['user'][:2].strip()}-{len(list(Path().glob('*.json')))}.json")
        place.write_text(Path("artifacts/reports/latest.json").read_text())
        return str(place)

    never = {"type": "assistant_contains_any", "values": ["no such words"]}
    good = measured({"scenario_id": "one", "turns": [{"user": "Hello!"}]})
    bad = measured({"scenario_id": "one", "turns": [{"user": "Hello!", "checks": [never]}]})

    worse, better = shell("diff", good, bad, "-o", "d.html"), shell("diff", bad, good)
    assert (worse[0], better[0]) == (1, 0)
    assert "newly failing  one" in worse[1]
    assert "the scenario itself was changed" in Path("d.html").read_text()
    other = json.loads(Path(good).read_text())
    other["metadata"]["adapter_path"] = "another"
    Path("other.json").write_text(json.dumps(other))
    assert shell("diff", good, "other.json")[0] == 2
    assert shell("diff", good, "other.json", "--force")[0] == 0


def test_a_file_that_is_no_report_is_exit_two(shell: Shell) -> None:
    Path("x.json").write_text("{}")

    assert shell("diff", "x.json", "x.json")[0] == 2


@pytest.mark.parametrize("lines", [199, 201, 2_000])
def test_long_transcripts_are_cut(lines: int) -> None:
    text = page(report(a="x\n" * lines), report(a="y\n" * lines), names=("x", "y"))

    assert ("more lines]" in text) is (lines > 199)
    assert len(text) < 60_000
