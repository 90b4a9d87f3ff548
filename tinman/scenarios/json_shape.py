"""JSON inside replies: finding it, walking a path through it, and holding it against a schema. Pure functions.

The schema language is the part of JSON Schema 2020-12 that says what a value looks like. A keyword that is not known is
an error when the scenario is loaded: a check that silently checks less than it says would be worse than none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_STEP = re.compile(
    r"\.(?P<name>[^.\[\]*'\"]+)|\[(?P<index>-?\d+)\]|\[(?P<quote>['\"])(?P<key>.*?)(?P=quote)\]|(?P<all>\[\*\]|\.\*)"
)
_SAID = frozenset({"$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated"})
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_SUBSCHEMAS = ("anyOf", "oneOf", "allOf")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SIZES = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_KNOWN = _SAID | {
    *("type", "enum", "const", "not", "properties", "required", "additionalProperties", "items", "prefixItems"),
    *("uniqueItems", "pattern", *_SUBSCHEMAS, *_BOUNDS, *_SIZES),
}
_DEEPEST = 200


class NoJson(ValueError):
    """Raised for text that is no JSON value."""


def parsed(text: str) -> Any:
    """Return the JSON value that ``text`` is, alone or inside one code fence. Raises ``NoJson``."""
    fenced = _FENCE.match(text)
    try:
        return json.loads(fenced[1] if fenced else text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NoJson(f"the reply is not JSON: {error}") from error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


Step = str | int | None
"""A key, an index, or ``None`` for all elements."""


def steps_of(path: str) -> tuple[Step, ...]:
    """Return the steps of ``$.a[0]['b c'].*``. Raises ``ValueError`` for what is no path."""
    if not path.startswith("$"):
        raise ValueError(f"path {path!r} has to begin with $")
    steps: list[Step] = []
    place = 1
    while place < len(path):
        found = _STEP.match(path, place)
        if found is None:
            raise ValueError(f"path {path!r} cannot be read from {path[place : place + 10]!r}; write .name, [0] or [*]")
        if found["all"]:
            steps.append(None)
        elif found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            steps.append(found["name"] if found["name"] is not None else found["key"])
        place = found.end()
    return tuple(steps)


def at(value: Any, steps: tuple[Step, ...]) -> Iterator[Any]:
    """Yield every value that ``steps`` lead to."""
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step is None:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for item in inner:
            yield from at(item, rest)
    elif isinstance(step, str):
        if isinstance(value, dict) and step in value:
            yield from at(value[step], rest)
    elif isinstance(value, list) and -len(value) <= step < len(value):
        yield from at(value[step], rest)


def same(one: Any, other: Any) -> bool:
    """Say whether two JSON values are equal: ``1`` is ``1.0``, but never ``true``."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def check_schema(schema: Any, place: str = "schema") -> None:
    """Raise ``ValueError`` naming the first thing in ``schema`` that cannot be held against a value."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise ValueError(f"{place} is a {type(schema).__name__}; it has to be an object, true or false")
    if unknown := sorted(schema.keys() - _KNOWN):
        raise ValueError(f"{place} uses {unknown[0]!r}, which is not checked here")
    types = schema.get("type", [])
    for name in types if isinstance(types, list) else [types]:
        if name not in _TYPES:
            raise ValueError(f"{place}.type names {name!r}, which is no JSON type")
    for word in _SUBSCHEMAS:
        options = schema.get(word, [True])
        if not isinstance(options, list) or not options:
            raise ValueError(f"{place}.{word} has to be a list of schemas")
        for number, option in enumerate(options):
            check_schema(option, f"{place}.{word}[{number}]")
    if not isinstance(schema.get("enum", []), list):
        raise ValueError(f"{place}.enum has to be a list")
    for number, option in enumerate(schema.get("prefixItems", [])):
        check_schema(option, f"{place}.prefixItems[{number}]")
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        raise ValueError(f"{place}.properties has to be an object")
    for name, inner in properties.items():
        check_schema(inner, f"{place}.properties.{name}")
    for word in ("items", "additionalProperties", "not"):
        check_schema(schema.get(word, True), f"{place}.{word}")
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise ValueError(f"{place}.required has to be a list of names")
    for word in (*_BOUNDS, *_SIZES):
        bound = schema.get(word, 1)
        if isinstance(bound, bool) or not isinstance(bound, int | float) or (word == "multipleOf" and bound <= 0):
            raise ValueError(f"{place}.{word} has to be a number")
    try:
        re.compile(schema.get("pattern", ""))
    except (re.error, TypeError) as error:
        raise ValueError(f"{place}.pattern is no regular expression: {error}") from error


def violation(schema: Any, value: Any, place: str = "$", depth: int = 0) -> str:
    """Return the first way in which ``value`` does not fit ``schema``, or an empty text when it fits."""
    if depth > _DEEPEST:
        return f"{place} is nested too deeply"
    if isinstance(schema, bool):
        return "" if schema else f"{place} is not allowed"
    for word in _CHECKED:
        told: str = _CHECKED[word](schema, value, place, depth) if word in schema else ""
        if told:
            return told
    return ""


def _is_of(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _type(schema: Any, value: Any, place: str, _: int) -> str:
    wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return "" if any(_is_of(value, name) for name in wanted) else f"{place} is no {' or '.join(wanted)}"


def _enum(schema: Any, value: Any, place: str, _: int) -> str:
    return "" if any(same(option, value) for option in schema["enum"]) else f"{place} is none of the allowed values"


def _const(schema: Any, value: Any, place: str, _: int) -> str:
    return "" if same(schema["const"], value) else f"{place} is not {json.dumps(schema['const'])}"


def _pattern(schema: Any, value: Any, place: str, _: int) -> str:
    fits = not isinstance(value, str) or re.search(schema["pattern"], value) is not None
    return "" if fits else f"{place} does not match /{schema['pattern']}/"


def _bounded(schema: Any, value: Any, place: str, _: int) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    rules = {
        "minimum": lambda bound: value >= bound,
        "maximum": lambda bound: value <= bound,
        "exclusiveMinimum": lambda bound: value > bound,
        "exclusiveMaximum": lambda bound: value < bound,
        "multipleOf": lambda bound: (value / bound).is_integer() if isinstance(value, float) else value % bound == 0,
    }
    broken = next((word for word in _BOUNDS if word in schema and not rules[word](schema[word])), "")
    return f"{place} breaks {broken} {schema[broken]}" if broken else ""


def _sized(schema: Any, value: Any, place: str, _: int) -> str:
    kinds: dict[str, type] = {"Length": str, "Items": list, "Properties": dict}
    if not isinstance(value, str | list | dict):
        return ""
    for word in _SIZES:
        if word in schema and isinstance(value, kinds[word[3:]]):
            size, bound = len(value), schema[word]
            if size < bound if word.startswith("min") else size > bound:
                return f"{place} breaks {word} {bound}"
    return ""


def _required(schema: Any, value: Any, place: str, _: int) -> str:
    missing = [name for name in schema["required"] if name not in value] if isinstance(value, dict) else []
    return f"{place} lacks {missing[0]}" if missing else ""


def _properties(schema: Any, value: Any, place: str, depth: int) -> str:
    if not isinstance(value, dict):
        return ""
    known = schema.get("properties", {})
    for name, inner in known.items():
        if name in value and (told := violation(inner, value[name], f"{place}.{name}", depth + 1)):
            return told
    more = schema.get("additionalProperties", True)
    for name in value.keys() - known.keys():
        if told := violation(more, value[name], f"{place}.{name}", depth + 1):
            return told
    return ""


def _items(schema: Any, value: Any, place: str, depth: int) -> str:
    if not isinstance(value, list):
        return ""
    first = schema.get("prefixItems", [])
    for number, item in enumerate(value):
        inner = first[number] if number < len(first) else schema.get("items", True)
        if told := violation(inner, item, f"{place}[{number}]", depth + 1):
            return told
    return ""


def _unique(schema: Any, value: Any, place: str, _: int) -> str:
    if schema["uniqueItems"] is not True or not isinstance(value, list):
        return ""
    doubled = any(same(a, b) for i, a in enumerate(value) for b in value[:i])
    return f"{place} holds an element twice" if doubled else ""


def _combined(schema: Any, value: Any, place: str, depth: int) -> str:
    for word in _SUBSCHEMAS:
        if word in schema:
            told = [violation(option, value, place, depth + 1) for option in schema[word]]
            fitting = told.count("")
            if word == "allOf" and fitting < len(told):
                return next(filter(None, told))
            if (word == "anyOf" and not fitting) or (word == "oneOf" and fitting != 1):
                return f"{place} fits {fitting} of the schemas of {word}"
    if "not" in schema and not violation(schema["not"], value, place, depth + 1):
        return f"{place} fits what it must not be"
    return ""


_CHECKED: dict[str, Any] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    **dict.fromkeys(_BOUNDS, _bounded),
    **dict.fromkeys(_SIZES, _sized),
    "required": _required,
    "properties": _properties,
    "additionalProperties": _properties,
    "prefixItems": _items,
    "items": _items,
    "uniqueItems": _unique,
    **dict.fromkeys((*_SUBSCHEMAS, "not"), _combined),
}
