"""Files that people and other programs write: JSON, or YAML, read strictly. Nothing in them is passed over or changed.

What one reader would take and another not is refused by name and place: a name twice in one object (which of the two
checks would count?), numbers that JSON has not, halves of characters, data without an end.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from tinman.errors import DefinitionError
from tinman.text.visible import shorten

YAML_SUFFIXES = frozenset({".yaml", ".yml"})
SUFFIXES = frozenset({".json", *YAML_SUFFIXES})
MOST_DEPTH = 200
MOST_YAML_BYTES = 2_000_000
MOST_YAML_VALUES = 500_000
Path_ = tuple[str | int, ...]


class _Twice(dict[str, Any]):
    """An object in which ``name`` stands more than once."""

    name = ""


def read_document(
    file: Path, called: str, most_bytes: int, *, is_yaml: bool | None = None, has_dates: bool = False
) -> Any:
    """Return the JSON in ``file``, or the YAML 1.2 where its name ends so, as plain data.

    ``is_yaml`` says what it is, whatever its name. Where it ``has_dates``, those that YAML reads out of bare words are
    texts (``2026-11-27``); else they are refused. UTF-8, -16 or -32, with a byte order mark or without. Raises
    ``DefinitionError`` of one line that begins with what the file is ``called`` and says what is wrong, and where
    (``$.turns[0].user``).
    """
    is_yaml = file.suffix.lower() in YAML_SUFFIXES if is_yaml is None else is_yaml
    most = min(most_bytes, MOST_YAML_BYTES) if is_yaml else most_bytes
    try:
        if not file.is_file():
            raise DefinitionError(f"{called}: is {'a folder' if file.is_dir() else 'no file'}; name a file")
        with file.open("rb") as opened:
            body = opened.read(most + 1)
    except OSError as error:
        raise DefinitionError(f"{called}: cannot be read: {error.strerror or error}") from error
    if len(body) > most:
        raise DefinitionError(f"{called}: more than {most} bytes")
    kind = "YAML" if is_yaml else "JSON"
    try:
        text = body.decode(json.detect_encoding(body))
        read = _yaml(text) if is_yaml else json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise DefinitionError(f"{called}: not {kind}: it is nested without end; mend that place") from None
    except ValueError as error:
        told = shorten(str(error), 200)
        raise DefinitionError(f"{called}: not {kind}: {told}; mend that place") from error
    if has_dates and is_yaml:
        read = _dates_as_texts(read)
    if wrong := _wrong_in(read, MOST_YAML_VALUES if is_yaml else len(body)):
        raise DefinitionError(f"{called}: {wrong}")
    return read


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    twice = _Twice(made)
    names = [name for name, _ in pairs]
    twice.name = next(name for name in names if names.count(name) > 1)
    return twice


def _yaml(text: str) -> Any:
    """Return what YAML says. Raises ``ValueError``."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - 45 ms that only files in YAML have to wait for
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        told = (error.problem or error.context or "it cannot be read").replace("duplicate key", "a key twice:")
        mark = error.problem_mark or error.context_mark
        at = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"{shorten(told, 120)}{at}") from error
    except YAMLError as error:
        raise ValueError(str(error)) from error
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"it cannot be read ({type(error).__name__})") from error


def _dates_as_texts(read: Any) -> Any:
    left, seen = [read], set[int]()  # what stands under several aliases is one object, and is looked at once
    if isinstance(read, date):
        return read.isoformat()
    while left:
        holder = left.pop()
        if id(holder) in seen or not isinstance(holder, dict | list):
            continue
        seen.add(id(holder))
        items: Iterable[tuple[Any, Any]] = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for name, item in list(items):
            if isinstance(item, date):  # a time is one, too
                holder[name] = item.isoformat()
            else:
                left.append(item)
    return read


def _wrong_in(read: Any, most_values: int) -> str:
    """Return what is wrong with data, and where; empty for nothing. Aliases count as often as they are used."""
    left: list[tuple[Path_, Any]] = [((), read)]
    seen = 0
    while left:
        path, value = left.pop()
        seen += 1
        if wrong := _wrong(value):
            return f"{wrong} {_place(path)}"
        if len(path) >= MOST_DEPTH:
            return f"it is nested more than {MOST_DEPTH} deep {_place(path[:3])}"
        if seen > most_values:
            return f"it holds more than {most_values} values"
        if isinstance(value, dict | list):
            items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
            left.extend(((*path, name), item) for name, item in reversed(list(items)))
    return ""


def _wrong(value: Any) -> str:
    if isinstance(value, _Twice):
        return f"the name {shorten(value.name, 60)!r} stands twice, keep one of them,"
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                return f"the name {shorten(repr(name), 60)} is no text, put it in quotes,"
            if _has_half(name):
                return f"the name {shorten(name, 60)!r} holds half of a character, write it whole,"
        return ""
    if isinstance(value, str):
        return "the text holds half of a character (a lone surrogate), write it whole," if _has_half(value) else ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"{value} is not a number in JSON,"
    if value is None or isinstance(value, bool | int | list):
        return ""
    return f"a {type(value).__name__} is no text, put it in quotes,"


def _has_half(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text)


def _place(path: Path_) -> str:
    steps = [f"[{step}]" if isinstance(step, int) else f".{shorten(str(step), 40)}" for step in path]
    return f"at ${''.join(steps)}"


def to_yaml(data: Any) -> str:
    """Return JSON data as YAML that reads back the same, texts of several plain lines as blocks."""
    from ruamel.yaml import YAML, StringIO  # type: ignore[attr-defined]  # noqa: PLC0415 - as above

    writer = YAML(pure=True)
    writer.default_flow_style = False
    writer.allow_unicode = True
    writer.width = 1_000_000
    out = StringIO()
    writer.dump(_in_blocks(data), out)
    return str(out.getvalue())


def _in_blocks(value: Any) -> Any:
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString  # noqa: PLC0415 - as above

    if isinstance(value, dict):
        return {_in_blocks(name): _in_blocks(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_in_blocks(item) for item in value]
    if not isinstance(value, str):
        return value
    if not all(one.isprintable() or one == "\n" for one in value):
        return DoubleQuotedScalarString(value)
    is_block = "\n" in value.rstrip("\n") and all(
        line == line.strip() and line for line in value.strip("\n").split("\n")
    )
    return LiteralScalarString(value) if is_block else value
