"""JSON inside replies: finding it, walking a path through it, and holding it against a schema. Pure functions.

The schema language is JSON Schema 2020-12, by ``jsonschema``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from tinman.text.json_paths import check_path
from tinman.text.patterns import Searches, check_pattern
from tinman.text.visible import shorten

_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_KEY = r"""\[(?:'.*?'|".*?")\]"""
_NAME = re.compile(rf"""({_KEY})|(?<!\.)\.([^.\[\]*'"\\]+)""")
_FILTER = re.compile(r"[\[,]\s*\?")
_SAID = frozenset(
    {"$schema", "$id", "$comment", "$defs", "title", "description", "default", "examples", "deprecated", "then", "else"}
)


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


def read_path(path: str) -> str:
    """Return the JSONPath (RFC 9535) that ``path`` writes. Raises ``ValueError`` for what is none.

    ``.name`` may hold anything but brackets, dots, stars, quotes and backslashes: ``$.content-type``, ``$.items.0``.
    """
    if not _FILTER.search(re.sub(_KEY, "", path)):
        path = _NAME.sub(lambda found: found[1] or f"['{found[2]}']", path)
    return check_path(path)


def same(one: Any, other: Any) -> bool:
    """Say whether two JSON values are equal: ``1`` is ``1.0``, but never ``true``."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def check_schema(schema: Any) -> None:
    """Raise ``ValueError`` naming the first thing in ``schema`` that cannot be held against a value.

    A word that JSON Schema 2020-12 does not know, a format nobody checks and a reference to another document are such
    things: a check that silently checks less than it says would be worse than none.
    """
    from jsonschema import FormatChecker, SchemaError  # noqa: PLC0415 - loaded by the first check that needs it

    if not isinstance(schema, dict | bool):
        raise ValueError(f"schema is a {type(schema).__name__}; it has to be an object, true or false")
    kind = _dialect()
    try:
        # Expressions are looked at below, by who will search with them.
        kind.check_schema(schema, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        raise ValueError(f"schema{error.json_path.removeprefix('$')}: {shorten(error.message, 200)}") from error
    for inner in _all_within(schema):
        if unknown := sorted(inner.keys() - kind.VALIDATORS.keys() - _SAID):
            raise ValueError(f"schema uses {unknown[0]!r}, which is not checked here")
        for pattern in (*filter(None, [inner.get("pattern")]), *inner.get("patternProperties", ())):
            check_pattern(pattern)
        if "unevaluatedProperties" in inner and "patternProperties" in str(schema):
            raise ValueError(
                "schema uses 'unevaluatedProperties' beside 'patternProperties', which is not checked here"
            )
        if inner.get("format", "email") not in kind.FORMAT_CHECKER.checkers:
            raise ValueError(f"schema names the format {inner['format']!r}, which is not checked here")
        if not inner.get("$ref", "#/$defs/").startswith("#/$defs/"):
            raise ValueError(f"schema refers to {inner['$ref']!r}; put it under $defs and write #/$defs/NAME")


def _dialect() -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - loaded by the first check that needs it

    return Draft202012Validator


def _all_within(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield ``schema`` and every schema inside it that is an object."""
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415 - loaded by the first check that needs it

    if isinstance(schema, dict):
        yield schema
        for inner in DRAFT202012.subresources_of(schema):
            yield from _all_within(inner)


def _with_an_end() -> Any:
    """Return a validator whose regular expressions come to an end together."""
    from jsonschema import ValidationError  # noqa: PLC0415 - loaded by the first check that needs it
    from jsonschema.validators import extend  # noqa: PLC0415

    kind, searches = _dialect(), Searches()
    additional = kind.VALIDATORS["additionalProperties"]

    def fitting(patterns: Iterable[str], instance: dict[str, Any]) -> dict[str, Any]:
        return {name: True for name in instance if any(searches.finds(one, name) for one in patterns)}

    def of_text(_: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not searches.finds(pattern, instance):
            yield ValidationError(f"{shorten(repr(instance), 80)} does not match {pattern!r}")

    def of_names(validator: Any, patterns: dict[str, Any], instance: Any, schema: Any) -> Iterator[Any]:
        for pattern, inner in patterns.items() if isinstance(instance, dict) else ():
            for name in fitting([pattern], instance):
                yield from validator.descend(instance[name], inner, path=name, schema_path=pattern)

    def of_others(validator: Any, others: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, dict) and (patterns := schema.get("patternProperties")):
            known = {**schema.get("properties", {}), **fitting(patterns, instance)}
            schema = {name: part for name, part in schema.items() if name != "patternProperties"} | {
                "properties": known
            }
        yield from additional(validator, others, instance, schema)

    mine = {"pattern": of_text, "patternProperties": of_names, "additionalProperties": of_others}
    return extend(kind, mine)  # type: ignore[no-untyped-call]


def violation(schema: Any, value: Any) -> str:
    """Return the first way in which ``value`` does not fit ``schema``, or an empty text when it fits.

    Raises ``PatternTooSlow`` when the schema's regular expressions come to no end.
    """
    from jsonschema.exceptions import best_match  # noqa: PLC0415 - loaded by the first check that needs it

    try:
        found = best_match(_with_an_end()(schema, format_checker=_dialect().FORMAT_CHECKER).iter_errors(value))
    except RecursionError:
        return "$ is nested too deeply"
    return f"{found.json_path}: {shorten(found.message, 200)}" if found is not None else ""
