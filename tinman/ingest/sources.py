"""The one reader of other tools' files: JSON, JSON lines and YAML, whatever their names, read once and strictly."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from tinman.errors import DefinitionError
from tinman.scenarios.documents import YAML_SUFFIXES, read_document
from tinman.text.invalid import names_in, read_as
from tinman.text.reading import read_json
from tinman.text.visible import shorten

T = TypeVar("T")
MOST_LINE_BYTES = 20_000_000
MOST_BYTES = 100_000_000
_MOST_PROBLEMS = 20
_LINES = frozenset({".jsonl", ".ndjson"})
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Source:
    """A file that another tool wrote. Raises ``DefinitionError`` that names it, and the line, for what is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.stem = path.name.partition(".")[0] or "import"
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no file"
            raise DefinitionError(f"import of {path}: is {what}; name a file of the other tool")

    @cached_property
    def holds_lines(self) -> bool:
        """Whether each line is a document of its own."""
        if self.path.suffix.lower() in _LINES:
            return True
        with self._opened() as file:
            first = file.readline(MOST_LINE_BYTES).removeprefix(codecs.BOM_UTF8).strip()
            second = next((line for line in iter(lambda: file.readline(64), b"") if line.strip()), b"")
        return first.startswith(b"{") and first.endswith(b"}") and second.startswith(b"{")

    @property
    def is_zip(self) -> bool:
        """Whether it is an archive."""
        with self._opened() as file:
            return bool(file.read(4) == b"PK\x03\x04")

    def _opened(self) -> Any:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise DefinitionError(f"import of {self.path}: cannot be read: {error.strerror or error}") from error

    def lines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each line's place (``line 7``) and object. Raises ``DefinitionError`` at the end, with all wrong lines.

        UTF-8 with a byte order mark or without; lines end with LF or CRLF; blank ones are passed over.
        """
        problems: list[str] = []
        number = 0
        with self._opened() as file:
            while len(problems) < _MOST_PROBLEMS and (line := file.readline(MOST_LINE_BYTES + 1)):
                number += 1
                if number == 1 and line.startswith(_WIDE):
                    raise DefinitionError(f"import of {self.path}: is in UTF-16; save it as UTF-8")
                told, data = _read_line(line)
                if told:
                    problems.append(f"import of {self.path} line {number}: {told}; mend or remove that line")
                    if len(line) > MOST_LINE_BYTES:
                        break  # where the next line begins is not known
                elif data is not None:
                    yield f"line {number}", data
        if problems:
            raise DefinitionError("\n".join(problems))

    @cached_property
    def first(self) -> dict[str, Any]:
        """The first line's object; empty when there is none. Later lines are not looked at."""
        return next((data for _, data in self.lines()), {})

    @cached_property
    def document(self) -> Any:
        """All of it as one document: JSON where it begins so, else YAML, whose tags are data and never objects."""
        called = f"import of {self.path}"
        with self._opened() as file:
            begins = file.read(512).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        is_json = self.path.suffix.lower() not in YAML_SUFFIXES and begins in (b"{", b"[")
        return read_document(self.path, called, MOST_BYTES, is_yaml=not is_json, has_dates=True)

    def read_known(self, of: type[T], data: object, place: str) -> T:
        """Return those members of ``data`` that ``of`` has, as one; newer versions of a tool write more than we read.

        Raises ``DefinitionError`` that names the file, the place in it and what does not fit.
        """
        if not isinstance(data, Mapping):
            told = shorten(repr(data), 60)
            raise DefinitionError(f"import of {self.path} {place}: {told} is no object; mend that place")
        known = {name: data[name] for name in names_in(of) if data.get(name) is not None}
        return read_as(of, known, lambda wrong: DefinitionError(f"import of {self.path} {place}: {wrong}"))

    def wrong(self, place: str, told: str) -> DefinitionError:
        """Return the error of a place in the file."""
        return DefinitionError(f"import of {self.path} {place}: {told}; mend that place")


def _read_line(line: bytes) -> tuple[str, dict[str, Any] | None]:
    """Return what is wrong with a line (empty when nothing is) and its object (``None`` for a blank one)."""
    if len(line) > MOST_LINE_BYTES:
        return f"is longer than {MOST_LINE_BYTES} bytes", None
    if not line.strip():
        return "", None
    try:
        data = read_json(line)
    except ValueError as error:
        return f"is no JSON: {shorten(str(error), 160)}", None
    return ("", data) if isinstance(data, dict) else ("is no JSON object", None)
