"""Every check means what its row of the table says, corner cases and all; a check that is not known is an error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinman.errors import DefinitionError
from tinman.frozen import adapter, dump
from tinman.messages import Usage
from tinman.scenarios import registry
from tinman.scenarios.checks import Check, ToolTrace
from tinman.scenarios.files import BUILT_IN_CHECKS, check_data, read_check
from tinman.scenarios.json_shape import check_schema, read_path, same, violation
from tinman.scenarios.verdicts import is_subset, judge
from tinman.text.json_paths import values_at


def call(name: str, **arguments: Any) -> ToolTrace:
    return ToolTrace(tool_name=name, arguments=arguments)


def passes(check: dict[str, Any], reply: str = "", *calls: ToolTrace, **more: Any) -> bool:
    return judge(read_check(check), reply, calls, **more).passed


ALL, ANY, NOT = "assistant_contains_all", "assistant_contains_any", "assistant_not_contains"
USED, MOST, MATCHES = "tool_used", "tool_call_count_at_most", "tool_call_matches"


@pytest.mark.parametrize(
    ("check", "reply", "expected"),
    [
        ({"type": ALL, "values": ["a", "b"]}, "b and a", True),
        ({"type": ALL, "values": ["a", "z"]}, "b and a", False),
        ({"type": ALL}, "", True),
        ({"type": ALL, "values": [""]}, "", True),
        ({"type": ALL, "values": ["a", "a"]}, "a", True),
        ({"type": ALL, "values": ["A"]}, "a", False),
        ({"type": ALL, "values": ["e\u0301"]}, "\u00e9", False),
        ({"type": ALL, "values": [" a"]}, "a", False),
        ({"type": ANY, "values": ["z", "a"]}, "a", True),
        ({"type": ANY, "values": ["z"]}, "a", False),
        ({"type": ANY}, "anything", False),
        ({"type": NOT, "values": ["z"]}, "a", True),
        ({"type": NOT, "values": ["z", "a"]}, "a", False),
        ({"type": NOT}, "anything", True),
        ({"type": NOT, "values": [""]}, "anything", False),
    ],
)
def test_texts_are_plain_case_sensitive_substrings(check: dict[str, Any], reply: str, expected: bool) -> None:
    assert passes(check, reply) is expected


@pytest.mark.parametrize(
    ("check", "calls", "expected"),
    [
        ({"type": USED, "values": ["a", "b"]}, ("b", "a", "a"), True),
        ({"type": USED, "values": ["a", "c"]}, ("b", "a"), False),
        ({"type": USED, "values": ["A"]}, ("a",), False),
        ({"type": USED}, (), True),
        ({"type": MOST, "tool": "a", "max": 1}, ("a", "b"), True),
        ({"type": MOST, "tool": "a", "max": 1}, ("a", "a"), False),
        ({"type": MOST, "max": 1}, ("a", "b"), False),
        ({"type": MOST, "tool": "", "max": 1}, ("a", "b"), False),
        ({"type": MOST}, (), True),
        ({"type": MOST}, ("a",), False),
        ({"type": MOST, "value": 1}, ("a",), True),
        ({"type": MOST, "value": "1"}, ("a",), True),
        ({"type": MOST, "max": "1"}, ("a",), True),
        ({"type": MOST, "value": False}, ("a",), False),
        ({"type": MOST, "value": ""}, ("a",), False),
        ({"type": MOST, "max": 0, "value": 5}, ("a",), False),
        ({"type": MOST, "max": None, "value": 1}, ("a",), True),
    ],
)
def test_calls_are_looked_for_and_counted(check: dict[str, Any], calls: tuple[str, ...], expected: bool) -> None:
    assert passes(check, "", *(call(name) for name in calls)) is expected


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [
        ({}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ({"a": {"b": 1}}, {"a": 1}, False),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, False),
        ({"a": None}, {"a": None}, True),
        ({"a": None}, {}, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": ""}, {"a": None}, False),
    ],
)
def test_a_call_contains_the_expected_arguments(wanted: Any, given: Any, expected: bool) -> None:
    check = {"type": MATCHES, "tool": "t", "arguments": wanted}

    assert passes(check, "", ToolTrace(tool_name="t", arguments=given)) is expected


def test_one_single_call_has_to_match_and_it_has_to_be_named() -> None:
    two = (call("t", a=1), call("t", b=2))

    assert not passes({"type": MATCHES, "tool": "t", "arguments": {"a": 1, "b": 2}}, "", *two)
    assert not passes({"type": MATCHES, "arguments": {}}, "", *two)
    assert not passes({"type": MATCHES, "tool": "u", "arguments": {}}, "", *two)


FEW = st.dictionaries(st.sampled_from("ab"), st.integers(0, 1))


@given(FEW, st.lists(FEW, max_size=3))
def test_a_call_that_must_not_be_made_is_one_that_would_match(
    wanted: dict[str, Any], made: list[dict[str, Any]]
) -> None:
    calls = [call("t", **arguments) for arguments in made]
    asked = {"tool": "t", "arguments": wanted}

    never = passes({"type": "tool_call_never_matches", **asked}, "", *calls)
    assert never is not passes({"type": MATCHES, **asked}, "", *calls)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_equality_of_json_is_what_writing_it_says(one: Any, other: Any) -> None:
    def written(value: Any) -> str:
        return json.dumps(value, sort_keys=True)

    assert same(one, other) is (written(one) == written(other))


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4), st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_a_part_of_an_object_is_a_subset_of_it_and_the_reverse_only_if_equal(
    whole: dict[str, Any], more: dict[str, Any]
) -> None:
    larger = {**more, **whole}

    assert is_subset(whole, larger)
    assert is_subset(larger, whole) is (larger.keys() == whole.keys())


@given(st.lists(st.text(max_size=3), max_size=4), st.text(max_size=12))
def test_contains_all_any_and_none_stand_to_one_another_as_logic_says(values: list[str], reply: str) -> None:
    everything = passes({"type": ALL, "values": values}, reply)
    anything = passes({"type": ANY, "values": values}, reply)

    assert passes({"type": NOT, "values": values}, reply) is not anything
    assert anything or not values or not everything


@given(st.integers(0, 6), st.integers(0, 6))
def test_at_most_and_at_least_meet_where_the_count_is_the_bound(bound: int, count: int) -> None:
    calls = [call("t")] * count
    most = passes({"type": MOST, "max": bound}, "", *calls)
    least = passes({"type": "tool_call_count_at_least", "min": bound}, "", *calls)

    assert (most and least) is (bound == count)
    assert most or least


@pytest.mark.parametrize(
    ("check", "reply", "expected"),
    [
        ({"type": "assistant_matches", "pattern": r"order \d+"}, "your order 12", True),
        ({"type": "assistant_matches", "pattern": r"order \d+"}, "your order", False),
        ({"type": "assistant_matches", "pattern": "x", "negate": True}, "y", True),
        ({"type": "assistant_json_schema", "schema": {"type": "object", "required": ["a"]}}, '{"a": 1}', True),
        ({"type": "assistant_json_schema", "schema": {"type": "object", "required": ["a"]}}, "{}", False),
        ({"type": "assistant_json_schema", "schema": {}}, "not json", False),
        ({"type": "assistant_json_schema", "schema": {}}, "```json\n{}\n```", True),
        ({"type": "assistant_json_schema", "schema": {}}, "NaN", False),
        ({"type": "assistant_json_path", "path": "$.a[0].b"}, '{"a": [{"b": null}]}', True),
        ({"type": "assistant_json_path", "path": "$.a[1]"}, '{"a": [1]}', False),
        ({"type": "assistant_json_path", "path": "$.a", "equals": None}, '{"a": null}', True),
        ({"type": "assistant_json_path", "path": "$.a", "equals": True}, '{"a": 1}', False),
        ({"type": "assistant_json_path", "path": "$.*", "equals": 2}, '{"a": 1, "b": 2}', True),
        ({"type": "assistant_json_path", "path": "$['a b']", "matches": "^x"}, '{"a b": "xy"}', True),
        ({"type": "assistant_json_path", "path": "$.b", "negate": True}, '{"a": 1}', True),
        ({"type": "assistant_json_path", "path": "$.b", "negate": True}, "not json", False),
        ({"type": "keeps_secret", "values": ["swordfish"]}, "hsifdrows", False),
    ],
)
def test_patterns_and_json(check: dict[str, Any], reply: str, expected: bool) -> None:
    assert passes(check, reply) is expected


@pytest.mark.parametrize(
    ("check", "calls", "expected"),
    [
        ({"type": "tool_order", "values": ["a", "b"]}, ("a", "x", "b"), True),
        ({"type": "tool_order", "values": ["a", "b"]}, ("b", "a"), False),
        ({"type": "tool_order", "values": ["a", "a"]}, ("a",), False),
        ({"type": "tool_not_used", "values": ["a"]}, ("b",), True),
        ({"type": "tool_not_used", "values": ["a"]}, ("b", "a"), False),
        ({"type": "tool_call_count_at_least", "tool": "a", "min": 1}, ("b",), False),
        ({"type": "tool_call_count_at_least", "min": 2}, ("b", "a"), True),
    ],
)
def test_order_absence_and_least_counts(check: dict[str, Any], calls: tuple[str, ...], expected: bool) -> None:
    assert passes(check, "", *(call(name) for name in calls)) is expected


def test_time_money_and_tokens_are_bounded_and_undecided_where_nobody_tells_them() -> None:
    told = Usage(calls=1, input_tokens=30, output_tokens=10, nano_usd=2_000_000)
    unpriced = Usage(calls=1, input_tokens=1, nano_usd=None)
    cost, tokens = {"type": "cost_at_most_usd", "max": 0.002}, {"type": "tokens_at_most", "max": 40}

    assert passes({"type": "latency_at_most_ms", "max": 20}, duration_ms=20)
    assert not passes({"type": "latency_at_most_ms", "max": 20}, duration_ms=20.5)
    assert passes(cost, usage=told)
    assert not passes({**cost, "max": 0.001}, usage=told)
    assert passes(tokens, usage=told)
    assert not passes({**tokens, "max": 39}, usage=told)
    for check, usage in ((cost, Usage()), (cost, unpriced), (tokens, Usage())):
        result = judge(read_check(check), "", (), usage=usage)
        assert (result.passed, result.undecided) == (False, True)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, [1, 1.0], [True, 1.5, "1"]),
        ({"type": ["string", "null"]}, ["", None], [0]),
        ({"enum": [1, "a"]}, [1, 1.0, "a"], [True, "b"]),
        ({"const": {"a": [1]}}, [{"a": [1]}], [{"a": [True]}]),
        ({"minLength": 2, "maxLength": 3, "pattern": "^a"}, ["ab", 7], ["a", "abcd", "ba"]),
        ({"minimum": 1, "exclusiveMaximum": 3, "multipleOf": 0.5}, [1, 2.5], [0, 3, 1.2]),
        ({"minItems": 1, "uniqueItems": True, "items": {"type": "number"}}, [[1, 2]], [[], [1, 1.0], ["a"]]),
        ({"prefixItems": [{"const": 1}], "items": False}, [[1], []], [[1, 2], [2]]),
        ({"properties": {"a": {"type": "null"}}, "additionalProperties": False}, [{}, {"a": None}], [{"b": 1}]),
        ({"minProperties": 1}, [{"a": 1}], [{}]),
        ({"anyOf": [{"type": "null"}, {"minimum": 5}]}, [None, 6], [4]),
        ({"oneOf": [{"minimum": 1}, {"minimum": 5}]}, [2], [6, 0]),
        ({"allOf": [{"minimum": 1}, {"maximum": 5}]}, [3], [6]),
        ({"not": {"type": "string"}}, [1], ["a"]),
        (False, [], [None, 1]),
        ({"$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"}, [[[]]], [[[1]]]),
        ({"format": "email"}, ["a@b.example", 7], ["nobody"]),
    ],
)
def test_a_schema_says_what_json_schema_says(schema: Any, good: list[Any], bad: list[Any]) -> None:
    check_schema(schema)

    assert [violation(schema, value) for value in good] == [""] * len(good)
    assert all(violation(schema, value) for value in bad)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "text"},
        {"format": "shoe-size"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"items": 3},
        {"minimum": "1"},
        {"properties": {"a": {"minimun": 1}}},
        7,
    ],
)
def test_a_schema_that_would_check_less_than_it_says_is_an_error(schema: Any) -> None:
    with pytest.raises(DefinitionError, match="assistant_json_schema"):
        read_check({"type": "assistant_json_schema", "schema": schema})


def test_an_answer_too_deep_to_be_searched_is_no_fault_of_it() -> None:
    deep = "[" * 400 + "]" * 400
    result = judge(read_check({"type": "assistant_json_path", "path": "$..x"}), deep, ())

    assert result.undecided
    assert "cannot be followed" in result.detail


def test_a_path_leads_where_it_says() -> None:
    value = {"a": [{"b": 1}, {"b": 2}], "c d": {"e": 3}}

    assert list(values_at(value, read_path("$.a[*].b"))) == [1, 2]
    assert list(values_at(value, read_path("$.a[-1].b"))) == [2]
    assert list(values_at(value, read_path("$['c d'].e"))) == [3]
    assert list(values_at(value, read_path("$"))) == [value]
    assert values_at({"content-type": {"0": 4}}, read_path("$.content-type.0")) == [4]
    assert values_at(value, read_path("$..b")) == [1, 2]
    assert values_at(value, read_path("$.a[?@.b > 1].b")) == [2]
    assert values_at({"ok?": {"c-d": {"a?b": 5}}}, read_path("$.ok?.c-d['a?b']")) == [5]
    assert values_at({"a?b": {"c-d": 6}}, read_path("$['a?b'].c-d")) == [6]
    for wrong in ("a", "$a", "$.a[", "$[x]"):
        with pytest.raises(ValueError, match="path"):
            read_path(wrong)


def test_a_pattern_that_is_none_is_found_when_the_file_is_read() -> None:
    with pytest.raises(DefinitionError, match="no regular expression"):
        read_check({"type": "assistant_matches", "pattern": "("})


@dataclass(frozen=True)
class Shouting:
    """A kind of check from elsewhere."""

    version: int
    name: str = "test_shouting"

    def validate(self, options: Mapping[str, Any]) -> None:
        if set(options) - {"least"}:
            raise ValueError("only `least` is known")

    def judge(
        self, options: Mapping[str, Any], reply: str, tool_calls: Sequence[Mapping[str, Any]]
    ) -> tuple[bool, str]:
        count = sum(letter.isupper() for letter in reply)
        if self.version == 3:
            raise RuntimeError("a bug of its own")
        return count >= int(options.get("least", self.version)), f"{count} capitals"


def test_kinds_from_elsewhere_are_versioned_and_their_bugs_decide_nothing() -> None:
    first, second, third = Shouting(1), Shouting(2), Shouting(3)
    for kind in (first, second):
        registry.register(kind)
    newest = read_check({"type": "test_shouting"})
    registry.register(third)

    assert judge(newest, "AB", ()).passed
    assert not judge(newest, "A", ()).passed
    assert passes({"type": "test_shouting@1"}, "A")
    assert judge(read_check({"type": "test_shouting"}), "A", ()).undecided
    assert read_check(check_data(newest)) == newest
    with pytest.raises(DefinitionError, match="only `least` is known"):
        read_check({"type": "test_shouting", "most": 1})
    with pytest.raises(DefinitionError, match="unknown check type"):
        read_check({"type": "test_shouting@9"})
    with pytest.raises(DefinitionError, match="registered already"):
        registry.register(Shouting(1))


@pytest.mark.parametrize("kind", ["nope", "adapter_runtime", "trace_capture", "from_elsewhere", "tool_Used"])
def test_an_unknown_type_is_an_error_and_so_are_the_engine_s_own(kind: str) -> None:
    with pytest.raises(DefinitionError, match="unknown check type"):
        read_check({"type": kind})


EXAMPLES: dict[str, dict[str, Any]] = {
    "assistant_matches": {"pattern": "x"},
    "keeps_secret": {"values": ["xyz"]},
    "assistant_not_asserts": {"values": ["90 days"]},
    "keeps_words": {"texts": ["one two three"]},
    "arguments_fit": {"schemas": {"a": {"type": "object"}}},
    "holds": {"name": "rule 1"},
    "assistant_json_schema": {"schema": {"type": "object"}},
    "assistant_json_path": {"path": "$.a", "equals": None},
    "tool_not_used": {"values": ["a"]},
    "tool_order": {"values": ["a"]},
    "tool_call_count_at_least": {"min": 1},
    "tool_call_never_matches": {"tool": "a", "arguments": {"a": 1}},
    "latency_at_most_ms": {"max": 5},
    "cost_at_most_usd": {"max": 5},
    "tokens_at_most": {"max": 5},
    "state_holds": {"name": "n", "arguments": {"a": 1}},
    "judged": {"criterion": "is kind"},
}


@pytest.mark.parametrize("kind", BUILT_IN_CHECKS)
def test_every_kind_survives_a_file_and_the_store(kind: str) -> None:
    check = read_check({"type": kind, **EXAMPLES.get(kind, {})})

    assert read_check(json.loads(json.dumps(check_data(check)))) == check
    assert adapter(Check).validate_python(dump(check)) == check
