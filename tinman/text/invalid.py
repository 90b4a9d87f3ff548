"""What a validation found wrong, in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from tinman.frozen import adapter
from tinman.text.visible import shorten

T = TypeVar("T")


def first_place(error: ValidationError) -> str:
    """Return where the first thing that is wrong stands, ``turns.0.user``; empty for the whole."""
    return ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"] if part != "function-after")


def first_error(error: ValidationError) -> str:
    """Return the first thing that is wrong as ``place: reason``, or the reason alone when it is the whole."""
    place = first_place(error)
    reason = shorten(error.errors(include_url=False)[0]["msg"].removeprefix("Value error, "), 300)
    return f"{place}: {reason}" if place else reason


def read_as(of: type[T], data: object, refusal: Callable[[str], Exception]) -> T:
    """Return ``data`` as a record of type ``of``. Raises the ``refusal`` of the first thing that is wrong with it."""
    kind: Any = of
    try:
        found: T = adapter(kind).validate_python(data)
    except ValidationError as error:
        raise refusal(first_error(error)) from error
    return found
