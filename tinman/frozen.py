"""Frozen typed values and their digests: how every record and value in the house is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, field, fields
from dataclasses import dataclass as plain_dataclass
from functools import cache
from typing import Any, TypeVar, cast, dataclass_transform

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

T = TypeVar("T")
_CONFIG = ConfigDict(extra="forbid", ser_json_inf_nan="constants", defer_build=True)  # most commands need few of them


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field, Field))
def frozen(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen, keyword-only pydantic dataclass that refuses unknown fields."""
    made: Any = dataclass(cls, frozen=True, kw_only=True, config=_CONFIG)
    return cast(type[T], made)


class Dumps:
    """Gives a record the two methods that scripts know from pydantic's models."""

    def model_dump(self) -> dict[str, Any]:
        """Return the record as a dict of its fields, records in it as dicts too."""
        kind: Any = type(self)
        plain: dict[str, Any] = adapter(kind).dump_python(self)
        return plain

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """Return it as JSON."""
        kind: Any = type(self)
        return adapter(kind).dump_json(self, indent=indent).decode()


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def sum_of(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen, keyword-only dataclass that is checked where it is read, not where it is added up.

    For the few values that are made by the dozen in every call, from numbers that are checked already.
    """
    made: Any = plain_dataclass(cls, frozen=True, kw_only=True, slots=True)
    made.__pydantic_config__ = _CONFIG
    return cast(type[T], made)


def alter(record: T, /, **changes: Any) -> T:
    """Return a copy of a ``frozen`` record with ``changes`` whose types are right already.

    ``dataclasses.replace`` validates every field again; ``alter`` is for records changed with each call or round.
    Raises ``TypeError`` for a name that is no field.
    """
    changed_record = object.__new__(type(record))
    values = changed_record.__dict__
    values.update(record.__dict__)
    values.update(changes)
    if len(values) != len(record.__dict__):  # far cheaper than comparing names, and as sure
        raise _misnamed(type(record), changes)
    return changed_record


def make(of: type[T], /, **values: Any) -> T:
    """Return a ``frozen`` record of ``values`` whose types are right already, the other fields at their defaults.

    Like ``alter``: for the few records that are made anew with each round of a loop, out of what is checked.
    """
    kind: Any = of
    record = object.__new__(of)
    whole = record.__dict__
    whole.update(_defaults(kind))
    whole.update(values)
    if whole.keys() != kind.__dataclass_fields__.keys():
        raise _misnamed(kind, values)
    return record


def _misnamed(kind: Any, given: Mapping[str, object]) -> TypeError:
    unknown = given.keys() - kind.__dataclass_fields__.keys()
    missing = kind.__dataclass_fields__.keys() - given.keys() - _defaults(kind).keys()
    problem = f"has no field {min(unknown)!r}" if unknown else f"lacks {', '.join(sorted(missing))}"
    return TypeError(f"{kind.__name__} {problem}")


@cache
def _defaults(of: Any) -> dict[str, Any]:
    return {each.name: each.default for each in fields(of) if each.default is not MISSING}


@cache
def adapter(of: Any) -> TypeAdapter[Any]:
    """Return the one ``TypeAdapter`` for a type; building one is slow, so they are shared."""
    return TypeAdapter(of)


def dump(value: Any) -> Any:
    """Return ``value`` (a frozen record) as plain JSON-able data, losslessly."""
    kind: Any = type(value)
    return adapter(kind).dump_python(value, mode="json")


class Encoded(str):
    """JSON text that is written as it is."""

    __slots__ = ()


def canonical_json(data: Any) -> str:
    """Return JSON with sorted keys and no white space: the same data gives the same text."""
    return _CANONICAL.encode(data)


def _plain(value: Any) -> Any:
    return dump(value) if hasattr(value, "__dataclass_fields__") else str(value)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def digest(data: Any) -> str:
    """Return the first 16 hex digits of the SHA-256 of ``data``'s canonical JSON."""
    return hashlib.sha256(canonical_json(data).encode("utf-8", "surrogatepass")).hexdigest()[:16]
