"""A regular expression of a user, a model or a target ends within its time, and is read as Python's ``re`` reads it."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinman.errors import DefinitionError, LoopConfigError, PatternTooSlow
from tinman.frozen import adapter
from tinman.loop.recipes.refactor import occurrences
from tinman.messages import Reply, Request, say
from tinman.patches.flow import drive, flow
from tinman.patches.kinds import Guardrail, Patch
from tinman.scenarios.files import read_check, read_scenario
from tinman.scenarios.json_shape import violation
from tinman.scenarios.verdicts import judge
from tinman.text.json_paths import values_at
from tinman.text.patterns import Searches, check_pattern

pytestmark = pytest.mark.slow  # expressions run until their time is over

ENDLESS, TEXT = r"(a|aa)+$", "a" * 60 + "!"
SLOWEST = 3.0


@pytest.mark.parametrize(
    ("check", "reply"),
    [
        ({"type": "assistant_matches", "pattern": ENDLESS}, TEXT),
        ({"type": "assistant_matches", "pattern": r"(x+x+)+y", "negate": True}, "x" * 60_000),
        ({"type": "assistant_matches", "pattern": r"^(.*?,){25}P"}, "1,2,3,4,5,6," * 50),
        ({"type": "assistant_json_path", "path": "$[*]", "matches": ENDLESS}, f'["{TEXT}", "b"]'),
        ({"type": "assistant_json_path", "path": f"$[?search(@, '{ENDLESS}')]"}, f'["{TEXT}"]'),
        ({"type": "assistant_json_path", "path": "$[?match(@.a, @.b)]"}, f'[{{"a": "{TEXT}", "b": "(a|aa)+b"}}]'),
        ({"type": "assistant_json_schema", "schema": {"pattern": ENDLESS}}, f'"{TEXT}"'),
        ({"type": "assistant_json_schema", "schema": {"patternProperties": {ENDLESS: False}}}, f'{{"{TEXT}": 1}}'),
        (
            {
                "type": "assistant_json_schema",
                "schema": {"patternProperties": {ENDLESS: True}, "additionalProperties": False},
            },
            f'{{"{TEXT}": 1}}',
        ),
    ],
    ids=lambda given: str(given)[:40],
)
def test_a_check_whose_expression_comes_to_no_end_is_undecided_and_names_it(check: dict[str, Any], reply: str) -> None:
    began = process_time()
    found = judge(read_check(check), reply, ())

    assert process_time() - began < SLOWEST
    assert (found.passed, found.undecided) == (False, True)
    assert "came to no end within 1 s" in found.detail
    assert "a|aa" in found.detail or "x+x+" in found.detail or ".*?," in found.detail


async def test_a_filter_whose_expression_comes_to_no_end_lets_nothing_through() -> None:
    async def answer(_: Request) -> Reply:
        return Reply(message=say("assistant", TEXT))

    asked = Request(messages=(say("user", TEXT),))
    for guard in (
        Guardrail(direction="out", patterns=(ENDLESS,)),
        Guardrail(direction="in", patterns=(ENDLESS,), scope=("user",)),
    ):
        with pytest.raises(PatternTooSlow, match=r"a\|aa"):
            await drive(flow(guard, asked), answer)


def test_many_slow_searches_share_one_allowance() -> None:
    searches, began = Searches(0.3), process_time()
    for _ in range(5):
        with pytest.raises(PatternTooSlow):
            searches.finds(ENDLESS, TEXT)

    assert process_time() - began < 1.0


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("a(b", "position 1"),
        ("a{5,2}", "position"),
        ("a{99999999999999999999}", "repetition number"),
        ("(" * 5000 + ")" * 5000, "recursion"),
        ("(?:" * 30 + "a" + "){1,1000}" * 30, "12 deep"),
        ("a" * 20_000, "10000 characters"),
        (r"\p{L}", "bad escape"),
        (r"(?R)", "unknown extension"),
    ],
)
def test_what_is_no_expression_is_refused_where_it_is_read(pattern: str, told: str) -> None:
    with pytest.raises(DefinitionError, match=rf"turn 1 check 1 \(assistant_matches\): pattern: .*{told}"):
        checks = [{"type": "assistant_matches", "pattern": pattern}]
        read_scenario({"scenario_id": "s", "turns": [{"user": "u", "checks": checks}]}, source="s")
    with pytest.raises(DefinitionError, match=told):
        read_check({"type": "assistant_json_schema", "schema": {"properties": {"a": {"pattern": pattern}}}})
    with pytest.raises(ValueError, match=told):
        adapter(Patch).validate_python({"kind": "guardrail", "direction": "in", "patterns": [pattern]})
    with pytest.raises(ValueError, match=told):
        adapter(Patch).validate_python({"kind": "tool_restriction", "allow": {"t": {"a": pattern}}})
    with pytest.raises(LoopConfigError, match=told):
        occurrences(pattern)


_ATOMS = st.sampled_from(
    [
        *("a", "b", ".", r"\.", r"\w", r"\s", "[ab]", "[^a]", "[[:alpha:]]", "[a&&b]", "[a~~b]", "[a||b]", "[]a]"),
        *("[^]a]", "[[]", r"[\]]", r"\[", r"\\", "{", "}", "{e}", "{i<=1}", "{,}", "{e<=1}", "{}", "x{s}"),
        *("(?=a)", "(?<=a)", "(?!b)", "^", "$", r"\b", r"\Z"),
    ]
)
_COUNTS = st.sampled_from(["", "", "", "*", "+", "?", "*?", "{2}", "{1,2}", "{,2}", "{1,}?"])
_PATTERNS = st.recursive(
    st.tuples(_ATOMS, _COUNTS).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, _COUNTS).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        inner.map(lambda one: f"(?i:{one})"),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(pattern=_PATTERNS, text=st.text("ab:]{}e&~|x .\n[A", max_size=8))
def test_an_expression_means_what_it_means_in_python(pattern: str, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wanted = re.compile(pattern)
        except re.error:
            with pytest.raises(ValueError, match="no regular expression"):
                check_pattern(pattern)
            return

    assert Searches().finds(pattern, text) is (wanted.search(text) is not None)
    assert Searches().fits(pattern, text) is (wanted.fullmatch(text) is not None)


def test_occurrences_are_counted_as_python_counts_them(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\nx = 2\n y = x\n")

    assert occurrences(r"^x\b")(tmp_path) == 2.0
    assert occurrences(r"x{e}")(tmp_path) == 0.0


def test_schemas_and_paths_are_held_against_values_as_before() -> None:
    schema = {"patternProperties": {"^x": {"pattern": "^[0-9]+$"}}, "additionalProperties": False}

    assert violation(schema, {"x1": "42"}) == ""
    assert "does not match" in violation(schema, {"x1": "4 2"})
    assert "'y'" in violation(schema, {"y": "42"})
    assert values_at([{"a": "xy"}, {"a": "z"}], "$[?search(@.a, 'x.')].a") == ["xy"]
    assert values_at([{"a": "xy"}, {"a": 1}], "$[?match(@.a, 'x')].a") == []
