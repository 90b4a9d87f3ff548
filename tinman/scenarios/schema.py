"""The JSON schema of scenario files, for editors and other programs."""

from __future__ import annotations

from typing import Any

from tinman.frozen import adapter
from tinman.scenarios.checks import Check
from tinman.scenarios.files import _FROM_ELSEWHERE, REFERENCE_CHECKS
from tinman.targets.world import World

_NULLABLE_TEXT = {"type": ["string", "null"]}
_REFERENCE = {
    "type": "object",
    "required": ["type"],
    "additionalProperties": False,
    "properties": {
        "type": {"enum": list(REFERENCE_CHECKS)},
        "values": {"type": "array", "items": {"type": "string"}},
        "tool": _NULLABLE_TEXT,
        "arguments": {"type": "object"},
        "max": {"type": ["integer", "string", "null"], "minimum": 0},
        "value": {"type": ["string", "number", "boolean", "null"]},
    },
}


def _ours() -> list[dict[str, Any]]:
    """Return the schemas of our own kinds of checks."""
    kinds: list[dict[str, Any]] = []
    for schema in adapter(Check).json_schema()["$defs"].values():
        kind = schema["properties"]["type"]["const"]
        if kind in REFERENCE_CHECKS or kind == _FROM_ELSEWHERE:
            continue
        properties = {name: value for name, value in schema["properties"].items() if name != "is_compared"}
        kinds.append({**schema, "properties": properties, "required": ["type", *schema.get("required", [])]})
    return kinds


def file_schema() -> dict[str, Any]:
    """Return the schema (2020-12) of one scenario file. Kinds of checks from other packages are let through."""
    ours = _ours()
    world = adapter(World).json_schema()
    definitions = world.pop("$defs", {})
    known = [*REFERENCE_CHECKS, *(kind["properties"]["type"]["const"] for kind in ours)]
    elsewhere = {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"type": "string", "minLength": 1, "not": {"enum": known}}},
    }
    turn = {
        "type": "object",
        "required": ["user"],
        "properties": {
            "user": {"type": ["string", "number"], "minLength": 1},
            "checks": {"type": ["array", "null"], "items": {"anyOf": [_REFERENCE, *ours, elsewhere]}},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A scenario of Tinman",
        "type": "object",
        "required": ["scenario_id", "turns"],
        "properties": {
            "schema_version": {"type": "string"},
            "scenario_id": {"type": ["string", "integer"]},
            "description": _NULLABLE_TEXT,
            "destructive": {"type": "boolean"},
            "tags": {"type": ["array", "null"], "items": {"type": ["string", "number", "null"]}},
            "turns": {"type": "array", "minItems": 1, "items": turn},
            "timeout_s": {"type": ["number", "null"], "exclusiveMinimum": 0},
            "repeat": {"type": "integer", "minimum": 1, "maximum": 10_000},
            "world": {"anyOf": [world, {"type": "null"}]},
            "control_of": _NULLABLE_TEXT,
            "provenance": {"type": ["object", "null"]},
            "simulator": {"type": ["object", "null"]},
        },
        "$defs": definitions,
    }
