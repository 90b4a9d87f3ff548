"""Env files: ``KEY=VALUE`` lines for the target's process, never for ours."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def parse(text: str) -> dict[str, str]:
    """Return the variables of an env file's text; of a name given twice the last.

    Blank lines, lines that begin with ``#`` and lines without a name before ``=`` count for nothing. ``export`` before
    a name is understood, one pair of surrounding quotes is taken off, a ``#`` after a value belongs to the value.
    """
    # Not python-dotenv: it takes " #..." off the end of a value, reads escapes in quotes and lets a value span lines.
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        words = name.split()
        name = words[1] if len(words) == 2 and words[0] == "export" else name.strip()
        if not equals or not name or name.startswith("#"):
            continue
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found[name] = value
    return found


def read(paths: Iterable[Path]) -> dict[str, str]:
    """Return the variables of env files, of which later ones win; a missing file is an empty one."""
    found: dict[str, str] = {}
    for path in paths:
        if path.is_file():
            found.update(parse(path.read_text(encoding="utf-8", errors="replace")))
    return found
