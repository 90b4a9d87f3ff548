"""What every command gets: the global options, and how results and talk are printed."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from tinman.cli.console import echo
from tinman.errors import Exit
from tinman.text.secrets import masked
from tinman.text.visible import to_json, visible

__all__ = ["UNVERIFIED", "App", "Exit", "given"]

T = TypeVar("T")
UNVERIFIED = "command line (unverified)"
"""Who acts, in the audit trail: nobody proves who types."""


@dataclass
class App:
    """The global options of one invocation."""

    verbose: int = 0
    quiet: bool = False
    config: Path | None = None
    db: str | None = None
    display: str = "auto"
    as_json: bool = False
    no_input: bool = False

    @property
    def may_ask(self) -> bool:
        """Whether a person may be asked something."""
        return not (self.no_input or self.as_json)

    @property
    def talks(self) -> bool:
        """Whether anything but results and errors is printed."""
        return not (self.quiet or self.as_json or self.display == "none")

    def command(self, *words: str, options: Mapping[str, str | None] | None = None) -> str:
        """Return a command to copy: said in this folder, it reads the settings and the database that this one read.

        A password in the database's URL is not repeated: what is printed ends up in logs.
        """
        place = masked(self.db or "", is_database=True)
        own = {"--config": str(self.config) if self.config else None, "--db": place}
        said = {name: value for name, value in own.items() if value}
        return shlex.join(["tinman", *_words(said), *words, *_words(options or {})])

    def say(self, text: str = "") -> None:
        """Talk, on standard error."""
        if self.talks:
            self.tell(text)

    def tell(self, text: str) -> None:
        """Say what is said even to who wants no talk, on standard error."""
        echo(visible(text), err=True)

    def lines(self, lines: Iterable[str]) -> None:
        """Print result lines. Whatever stands in them, each is one line, and nothing hidden is printed raw."""
        for line in lines:
            echo(visible(line).replace("\n", " "))

    def text(self, text: str) -> None:
        """Print a text of many lines that is ours, but for what stands quoted in it."""
        echo(visible(text))

    def document(self, data: Mapping[str, Any]) -> None:
        """Print one JSON document, the same values with nothing hidden raw."""
        is_utf8 = (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"
        echo(to_json(data) if is_utf8 else json.dumps(data, default=str))

    def answer(self, data: Mapping[str, Any], *lines: str, said: str = "") -> None:
        """Print one result: a document with ``--json``, else lines, or ``said`` to whoever listens."""
        if self.as_json:
            self.document(data)
        else:
            self.lines(lines)
        if said:
            self.say(said)

    def listing(
        self, found: Sequence[T], data: Callable[[T], Mapping[str, Any]], line: Callable[[T], str], *, none: str = ""
    ) -> None:
        """Print each of what was found: a document with ``--json``, else a line; say ``none`` when there is nothing."""
        for each in found:
            self.answer(data(each), line(each))
        if none and not found:
            self.say(none)


def _words(options: Mapping[str, str | None]) -> list[str]:
    return [word for name, value in options.items() for word in (name, value) if word is not None]


def given(*names: str) -> dict[str, str | None]:
    """Return those of the running command's options that stand on the command line, each with its value, if any."""
    context = click.get_current_context()
    said: dict[str, str | None] = {}
    for option in context.command.params:
        name = option.name or ""
        if name in names and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            is_flag = isinstance(option, click.Option) and option.is_flag
            said[max(option.opts, key=len)] = None if is_flag else str(context.params[name])
    return said
