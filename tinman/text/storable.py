"""Halves of surrogate pairs, which no database or file takes: replaced in texts and in JSON data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def storable(text: str) -> str:
    """Return ``text`` with each half of a pair a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def whole(text: str) -> str:
    """Return ``text`` with each half of a pair as the replacement characters of its three bytes."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def paired(text: str) -> str:
    """Return ``text`` with halves that stand together joined, and each lone one a replacement character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def change_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return JSON data with ``change`` made to each text in it, the names of members included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change_texts(name, change): change_texts(item, change) for name, item in value.items()}
    return [change_texts(item, change) for item in value] if isinstance(value, list | tuple) else value
