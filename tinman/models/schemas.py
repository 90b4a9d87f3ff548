"""JSON schemas as providers' structured output wants them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TOLD = (
    "minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems "
    "uniqueItems"
).split()
_DROPPED = frozenset({"title", "default", "examples", "discriminator", "prefixItems", "oneOf", *_TOLD})


class _Inexpressible(Exception):
    """Raised inside for a schema that structured output has no form for."""


def strict(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return ``schema`` with every object closed, every property required and only keywords that providers accept.

    Ranges, lengths and patterns move into descriptions; validation still enforces them. Returns ``None`` when the
    schema has free-form maps or values, or is no object at its root: then the answer is only asked for in words.
    """
    try:
        made = _made(schema)
        root = _root(made)
    except _Inexpressible:
        return None
    return root if root.get("type") == "object" else None


def _root(made: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose root is an object itself: providers take no ``$ref`` there."""
    if "$ref" not in made:
        return made
    definitions = made.get("$defs", {})
    return {**definitions[made["$ref"].rpartition("/")[2]], "$defs": definitions}


def _made(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        raise _Inexpressible
    made: dict[str, Any] = {key: value for key, value in schema.items() if key not in _DROPPED}
    if "$ref" in made:
        made.pop("description", None)
        return made if "$defs" not in made else {**made, "$defs": _definitions(schema)}
    told = [f"{key} {schema[key]}" for key in _TOLD if key in schema]
    if told:
        made["description"] = " ".join(filter(None, [schema.get("description"), f"({', '.join(told)})"]))
    for several in ("anyOf", "oneOf"):
        if several in schema:
            made["anyOf"] = [_made(option) for option in schema[several]]
    if "$defs" in schema:
        made["$defs"] = _definitions(schema)
    if schema.get("type") == "object":
        if "properties" not in schema and schema.get("additionalProperties") is not False:
            raise _Inexpressible
        properties = schema.get("properties", {})
        made["properties"] = {name: _made(inner) for name, inner in properties.items()}
        made["required"] = list(properties)
        made["additionalProperties"] = False
    elif schema.get("type") == "array":
        made["items"] = _items(schema)
    elif not made.keys() & {"type", "anyOf", "enum", "const"}:
        raise _Inexpressible
    return made


def _definitions(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _made(inner) for name, inner in schema["$defs"].items()}


def _items(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "prefixItems" in schema:
        options = [_made(option) for option in schema["prefixItems"]]
        return options[0] if all(option == options[0] for option in options) else {"anyOf": options}
    return _made(schema.get("items"))
