"""What every command gets: the global options, the settings, the store, and how results are printed."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from tinman.config.settings import Resolved
    from tinman.memory.graph import MemoryGraph

T = TypeVar("T")


class Exit:
    """The exit codes. The first that holds: 143/130, 1, 2, 7, 10, 4, 5, 6, 3, 0."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    INCOMPLETE = 3
    LIMIT = 4
    AWAITING = 5
    DENIED = 6
    PROVIDER = 7
    FOUND = 10
    INTERRUPTED = 130
    TERMINATED = 143


def example(command: str) -> str:
    """Return the last line of a command's help; ``\\b`` keeps click from wrapping it, so that it can be copied."""
    return f"\b\nExample: {command}"


@dataclass
class App:
    """The global options of one invocation."""

    verbose: int = 0
    quiet: bool = False
    config: Path | None = None
    db: str | None = None
    display: str = "auto"
    as_json: bool = False
    may_ask: bool = True

    def resolve(self, flags: Mapping[str, Any] | None = None) -> Resolved:
        """Return the settings in force with ``flags`` on top. Raises ``ConfigError``."""
        import logging

        from tinman import logs
        from tinman.config.settings import provider_keys, resolve

        level = logging.ERROR if self.quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(self.verbose, 2)]
        logs.configure(level=level, secrets=provider_keys().values())
        own = {"db": self.db} if self.db else {}
        return resolve({**own, **(flags or {})}, config=self.config)

    @cached_property
    def is_animated(self) -> bool:
        """Whether progress may rewrite its line."""
        from tinman.config.settings import is_ci, is_dumb_terminal

        if self.display in {"plain", "none"} or self.as_json or self.quiet:
            return False
        return self.display == "rich" or (sys.stderr.isatty() and not is_ci() and not is_dumb_terminal())

    @property
    def talks(self) -> bool:
        """Whether anything but results and errors is printed."""
        return not (self.quiet or self.as_json or self.display == "none")

    def command(self, *words: str, options: Mapping[str, str | None] | None = None) -> str:
        """Return a command to copy: said in this folder, it reads the settings and the database that this one read.

        A password in the database's URL is not repeated: what is printed ends up in logs.
        """
        place = re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", self.db or "")
        own = {"--config": str(self.config) if self.config else None, "--db": place}
        said = {name: value for name, value in own.items() if value}
        return shlex.join(["tinman", *_words(said), *words, *_words(options or {})])

    def say(self, text: str = "") -> None:
        """Talk, on standard error."""
        if self.talks:
            click.echo(text, err=True)

    def lines(self, lines: Iterable[str]) -> None:
        """Print result lines."""
        for line in lines:
            click.echo(line)

    def document(self, data: Any) -> None:
        """Print one JSON document."""
        click.echo(json.dumps(data, ensure_ascii=False, default=str))

    @asynccontextmanager
    async def graph(self, *, create: bool = False) -> AsyncIterator[MemoryGraph]:
        """Open the project's memory. Raises ``StoreError``."""
        from tinman.db.engine import Database
        from tinman.memory.graph import MemoryGraph

        db = await Database.open(self.resolve().settings.db, create=create)
        async with db:
            yield MemoryGraph(db)

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine function to its end."""
        import anyio

        return anyio.run(work)


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
