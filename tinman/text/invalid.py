"""What a validation found wrong, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinman.text.visible import shorten

if TYPE_CHECKING:
    from pydantic import ValidationError


def first_place(error: ValidationError) -> str:
    """Return where the first thing that is wrong stands, ``turns.0.user``; empty for the whole."""
    return ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"] if part != "function-after")


def first_error(error: ValidationError) -> str:
    """Return the first thing that is wrong as ``place: reason``, or the reason alone when it is the whole."""
    place = first_place(error)
    reason = shorten(error.errors(include_url=False)[0]["msg"].removeprefix("Value error, "), 300)
    return f"{place}: {reason}" if place else reason
