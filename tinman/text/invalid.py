"""What a validation found wrong, in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import ValidationError

from tinman.frozen import adapter
from tinman.text.nearest import did_you_mean
from tinman.text.visible import shorten

_NOTHING_KNOWN: Mapping[str, Iterable[str]] = MappingProxyType({})
T = TypeVar("T")


def first_place(error: ValidationError) -> str:
    """Return where the first thing that is wrong stands, ``turns.0.user``; empty for the whole."""
    return ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"] if part != "function-after")


def first_error(error: ValidationError, known: Mapping[str, Iterable[str]] = _NOTHING_KNOWN) -> str:
    """Return the first thing that is wrong as ``place: reason``, or the reason alone when it is the whole.

    ``known`` holds the names there are in each place (``""`` is the whole): a name nobody knows gets the nearest.
    """
    place, found = first_place(error), error.errors(include_url=False)[0]
    reason = shorten(found["msg"].removeprefix("Value error, "), 300)
    if found["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        above, _, name = place.rpartition(".")
        names = list(known.get(above, ()))
        hint = did_you_mean(name, names, f"there are {', '.join(names)}") if names else ""
        reason = f"there is no such name; {hint}" if hint else "there is no such name"
    return f"{place}: {reason}" if place else reason


def names_in(of: object) -> tuple[str, ...]:
    """Return the names of a record's fields; none for what has no fields."""
    return tuple(getattr(of, "__dataclass_fields__", ()))


def read_as(of: type[T], data: object, refusal: Callable[[str], Exception]) -> T:
    """Return ``data`` as a record of type ``of``. Raises the ``refusal`` of the first thing that is wrong with it."""
    kind: Any = of
    try:
        found: T = adapter(kind).validate_python(data)
    except ValidationError as error:
        raise refusal(first_error(error, {"": names_in(of)})) from error
    return found
