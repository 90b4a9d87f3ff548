"""The values of steps as the journal keeps them: JSON, with records by their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tinman.memory.nodes import Batch
from tinman.records import KINDS, Record

_RECORD, _TUPLE = "$record", "$tuple"


@dataclass(slots=True)
class Packed:
    """A step's value as JSON, and the records it names."""

    value: Any
    records: dict[str, Record]


def pack(key: str, value: object, batch: Batch) -> Packed:
    """Pack a step's value; records the step itself stored come as they are stored, labels included.

    Raises ``TypeError`` for what is neither a record nor JSON.
    """
    records: dict[str, Record] = {}
    try:
        packed = _plain(value, records)
    except TypeError as error:
        raise TypeError(f"step {key}: {error}") from None
    return Packed(packed, {each: batch.records.get(each, record) for each, record in records.items()})


def _plain(value: Any, records: dict[str, Record]) -> Any:
    """Return ``value`` as JSON with records by id, and put the records into ``records``."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, KINDS):
        records[value.id] = value
        return {_RECORD: value.id}
    if isinstance(value, tuple):
        return {_TUPLE: [_plain(each, records) for each in value]}
    if isinstance(value, list):
        return [_plain(each, records) for each in value]
    if isinstance(value, dict) and all(isinstance(name, str) and not name.startswith("$") for name in value):
        return {name: _plain(each, records) for name, each in value.items()}
    raise TypeError(f"a step returns records and JSON, not {type(value).__name__}")


def unpack(packed: Any, records: Mapping[str, Record]) -> Any:
    """Return the value that was packed; ``records`` holds at least those it names."""
    if isinstance(packed, list):
        return [unpack(each, records) for each in packed]
    if not isinstance(packed, dict):
        return packed
    if _RECORD in packed:
        return records[packed[_RECORD]]
    if _TUPLE in packed:
        return tuple(unpack(each, records) for each in packed[_TUPLE])
    return {name: unpack(each, records) for name, each in packed.items()}


def ids_of(packed: Any) -> Iterator[str]:
    """Yield the ids of the records that a packed value names."""
    if isinstance(packed, list):
        for each in packed:
            yield from ids_of(each)
    elif isinstance(packed, dict):
        if _RECORD in packed:
            yield packed[_RECORD]
        else:
            for each in packed.values():
                yield from ids_of(each)
