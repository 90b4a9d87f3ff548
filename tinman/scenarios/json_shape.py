"""JSON inside replies: finding it, walking a path through it, and holding it against a schema. Pure functions.

The schema language is JSON Schema 2020-12, by ``jsonschema``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tinman.text.visible import shorten

if TYPE_CHECKING:
    from jsonpath_rfc9535 import JSONPathQuery

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


def read_path(path: str) -> JSONPathQuery:
    """Return the JSONPath (RFC 9535) that ``path`` writes. Raises ``ValueError`` for what is none.

    ``.name`` may hold anything but brackets, dots, stars, quotes and backslashes: ``$.content-type``, ``$.items.0``.
    """
    from jsonpath_rfc9535 import JSONPathError, compile  # noqa: PLC0415 - loaded by the first check that needs it

    try:
        if not _FILTER.search(re.sub(_KEY, "", path)):
            path = _NAME.sub(lambda found: found[1] or f"['{found[2]}']", path)
        return compile(path)
    except JSONPathError as error:
        raise ValueError(f"path {path!r} cannot be read: {shorten(str(error), 120)}") from error


def at(value: Any, path: JSONPathQuery) -> list[Any]:
    """Return every value that ``path`` leads to. Raises ``ValueError`` when the value is nested too deeply."""
    from jsonpath_rfc9535 import JSONPathError  # noqa: PLC0415 - loaded by the first check that needs it

    try:
        return path.find(value).values()
    except (JSONPathError, RecursionError) as error:
        raise ValueError(f"{path} cannot be followed: {error}") from error


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
    from jsonschema import SchemaError  # noqa: PLC0415 - loaded by the first check that needs it

    if not isinstance(schema, dict | bool):
        raise ValueError(f"schema is a {type(schema).__name__}; it has to be an object, true or false")
    kind = _dialect()
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"schema{error.json_path.removeprefix('$')}: {shorten(error.message, 200)}") from error
    for inner in _all_within(schema):
        if unknown := sorted(inner.keys() - kind.VALIDATORS.keys() - _SAID):
            raise ValueError(f"schema uses {unknown[0]!r}, which is not checked here")
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


def violation(schema: Any, value: Any) -> str:
    """Return the first way in which ``value`` does not fit ``schema``, or an empty text when it fits."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415 - loaded by the first check that needs it

    kind = _dialect()
    try:
        found = best_match(kind(schema, format_checker=kind.FORMAT_CHECKER).iter_errors(value))
    except RecursionError:
        return "$ is nested too deeply"
    return f"{found.json_path}: {shorten(found.message, 200)}" if found is not None else ""
