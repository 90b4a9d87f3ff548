"""How a command is declared: its options here and now, its body by name, loaded when it runs.

Every command and family takes the global options, so that they mean the same before and after its name. A body is a
function ``(app, **options)``, coroutine functions included; it returns an exit code, or nothing for 0.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tinman.cli.app import App


def _set(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    app = ctx.ensure_object(App)
    if option.name and ctx.get_parameter_source(option.name) is not ParameterSource.DEFAULT:
        setattr(app, option.name, value)


def _everywhere(*names: str, **more: Any) -> click.Option:
    return click.Option(names, expose_value=False, callback=_set, **more)


GLOBAL = (
    _everywhere("-v", "--verbose", count=True, help="Log more (twice: everything)."),
    _everywhere("-q", "--quiet", is_flag=True, help="Only results and errors."),
    _everywhere("--config", type=click.Path(path_type=Path), help="Use this file instead of the nearest tinman.toml."),
    _everywhere("--db", help="Path or URL of the database."),
    _everywhere("--display", type=click.Choice(["auto", "plain", "none"]), default="auto", help="Progress display."),
    _everywhere("--json", "as_json", is_flag=True, help="Machine-readable results; no colour, progress or prompt."),
    _everywhere("--no-input", is_flag=True, help="Never ask."),
)


class _Shared(click.Command):
    """What commands and families share: the global options, and an example that can be copied."""

    def __init__(self, name: str, help: str, example: str, *params: click.Parameter, **more: Any) -> None:
        super().__init__(name, help=help, params=[*params, *GLOBAL], **more)
        self.example = example

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first sentence, whole: what is cut off helps nobody."""
        first, stop, _ = (self.help or "").partition("\n")[0].partition(". ")
        return first + stop.strip()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, is_global in (("Options", False), ("Global options", True)):
            options = [o for o in self.get_params(ctx) if isinstance(o, click.Option) and (o in GLOBAL) is is_global]
            with formatter.section(title):
                formatter.write_dl([record for each in options if (record := each.get_help_record(ctx))])
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(f"\n  Example: {ctx.command_path} {self.example}".rstrip() + "\n")


class Command(_Shared):
    """A command written as ``usage``: its name and its arguments (``CYCLE``, ``[CYCLE]``, ``[NAMES]...``).

    Its body is the function of its name in the module of its family, which is that of a command without one too:
    ``tinman cycles list`` is ``tinman.cli.bodies.cycles:list_``. ``body`` names another.
    """

    def __init__(
        self, usage: str, help: str, example: str, *params: click.Parameter, body: str = "", **more: Any
    ) -> None:
        name, *arguments = usage.split()
        super().__init__(name, help, example, *(_argument(each) for each in arguments), *params, **more)
        self._body = body

    def load(self, family: str) -> Callable[..., Any]:
        """Return the function that does the work."""
        function = (self.name or "").replace("-", "_")
        function = f"{function}_" if hasattr(builtins, function) else function
        module, _, function = (self._body or f"{family}:{function}").partition(":")
        body: Callable[..., Any] = getattr(importlib.import_module(f"tinman.cli.bodies.{module}"), function)
        return body

    def invoke(self, ctx: click.Context) -> Any:
        family = ctx.parent.command.name if ctx.parent and ctx.parent.parent else self.name
        body = self.load(family or "")
        call = partial(body, ctx.ensure_object(App), **ctx.params)
        with click.core.augment_usage_errors(ctx):
            if not inspect.iscoroutinefunction(body):
                return call()
            import anyio  # noqa: PLC0415 - help and completion do without an event loop

            return anyio.run(call)


class Family(_Shared, click.Group):
    """A group of commands."""

    def __init__(self, name: str, help: str, example: str, *commands: click.Command, **more: Any) -> None:
        super().__init__(name, help, example, commands=commands, **more)


def _argument(usage: str) -> click.Argument:
    name = usage.removesuffix("...")
    count = 1 if name == usage else -1
    return click.Argument([name.strip("[]").lower()], required="[" not in name, nargs=count)


MODES = click.Choice(["lab", "shadow", "production"])
SEVERITIES = click.Choice(["S0", "S1", "S2", "S3", "S4"])
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
COUNT = click.IntRange(min=1)
MONEY = click.FloatRange(min=0, min_open=True)


def option(*names: str, **more: Any) -> click.Option:
    """Return an option that takes a value."""
    return click.Option(names, **more)


def flag(name: str, help: str) -> click.Option:
    """Return an option that is given or not."""
    return click.Option([name], is_flag=True, help=help)


_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_LONGEST = 3_650 * 86_400


def duration(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Return seconds for ``90``, ``90s``, ``20m``, ``2h`` or ``7d``."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min|h|d)?", value.strip())
    seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else 0.0
    if not 0 < seconds <= _LONGEST:
        raise click.BadParameter(f"{value!r} is no duration; write 90s, 20m, 2h or 7d")
    return seconds
