"""``tinman``: the root command, its lazy families, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from tinman import __version__
from tinman.cli.app import App, Exit, example
from tinman.text.nearest import nearest

_HOMES = {
    "completion": "tinman.cli.setup:completion",
    "config": "tinman.cli.setup:config",
    "cycles": "tinman.cli.show:cycles",
    "db": "tinman.cli.setup:db",
    "doctor": "tinman.cli.setup:doctor",
    "explain": "tinman.cli.show:explain",
    "failures": "tinman.cli.show:failures",
    "fix": "tinman.cli.fix:fix",
    "init": "tinman.cli.setup:init",
    "interventions": "tinman.cli.show:interventions",
    "loops": "tinman.cli.show:loops",
    "promote": "tinman.cli.setup:promote",
    "report": "tinman.cli.show:report",
    "research": "tinman.cli.research:research",
    "resume": "tinman.cli.research:resume",
    "review": "tinman.cli.review:review",
    "scenarios": "tinman.cli.scenarios:scenarios",
}
_HELP = {
    "completion": "Print the shell's completion script.",
    "config": "Show the settings in force, their file, their schema.",
    "cycles": "List, show, compare and cancel research cycles.",
    "db": "Upgrade, check, shrink or locate the database.",
    "doctor": "Check settings, keys, database and target.",
    "explain": "Say why: of a finding, a fix, a run, a stop.",
    "failures": "List, show and export what was found.",
    "fix": "Mend code until its tests pass.",
    "init": "Write a commented tinman.toml.",
    "interventions": "List and show proposed fixes.",
    "loops": "List loops that run by themselves.",
    "promote": "Raise the project to the next mode.",
    "report": "Write a cycle's report.",
    "research": "Run a research cycle.",
    "resume": "Go on with a cycle from its last stored step.",
    "review": "List, approve or deny what waits for an approval.",
    "scenarios": "Run scenario files as regression tests.",
}


class _Lazy(click.Group):
    """A group whose commands are imported when they are run; their names and help are known beforehand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_HOMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        home = _HOMES.get(cmd_name)
        if home is None:
            return None
        module, _, name = home.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = nearest(args[0], _HOMES) if args else []
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"{error.format_message()}{hint}", ctx=ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _HELP[name]) for name in sorted(_HELP)])


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example("tinman research --mode lab --target sandbox"),
)
@click.version_option(__version__, "-V", "--version", prog_name="tinman")
@click.option("-v", "--verbose", count=True, help="Log more (twice: everything).")
@click.option("-q", "--quiet", is_flag=True, help="Only results and errors.")
@click.option("--config", type=click.Path(path_type=Path), help="Use this file instead of the nearest tinman.toml.")
@click.option("--db", help="Path or URL of the database.")
@click.option(
    "--display", type=click.Choice(["auto", "rich", "plain", "none"]), default="auto", help="Progress display."
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable results; no colour, progress or prompt.")
@click.option("--no-input", is_flag=True, help="Never ask.")
@click.pass_context
def root(
    ctx: click.Context,
    verbose: int,
    quiet: bool,
    config: Path | None,
    db: str | None,
    display: str,
    as_json: bool,
    no_input: bool,
) -> None:
    """Find out how an AI system fails before its users do, and prove the fix."""
    ctx.obj = App(
        verbose=verbose,
        quiet=quiet,
        config=config,
        db=db,
        display=display,
        as_json=as_json,
        may_ask=not (no_input or as_json),
    )


def _exit_code(error: BaseException) -> int:
    from tinman import errors

    match error:
        case errors.BudgetExhausted():
            return Exit.LIMIT
        case errors.AwaitingApproval():
            return Exit.AWAITING
        case errors.ApprovalDenied():
            return Exit.DENIED
        case errors.RequestRefused() | errors.GarbledReply():
            return Exit.USAGE  # somebody answers, and what was named is no such model or no such server
        case errors.ProviderError():
            return Exit.PROVIDER
        case errors.TinmanError():
            return Exit.USAGE
        case _:
            return Exit.INTERNAL


def _usage(error: click.ClickException) -> str:
    """Return one line that names the option, its value and the remedy."""
    told = error.format_message().rstrip(". ")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return told if context is None or told.endswith("?") else f"{told}; see `{context.command_path} --help`"


def _alone(error: Exception) -> Exception:
    """Return the deliberate error that a task group wrapped, if there is nothing but such errors in it."""
    from tinman.errors import TinmanError

    if not isinstance(error, ExceptionGroup):
        return error
    deliberate, others = error.split(TinmanError)
    first: Exception | None = deliberate
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    return error if others or first is None else first


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: every deliberate error is one line with its remedy."""
    from tinman.errors import TinmanError
    from tinman.text.visible import visible

    try:
        code = root.main(args=arguments, prog_name="tinman", standalone_mode=False)
    except click.exceptions.Exit as left:
        code = left.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        code = Exit.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = Exit.USAGE
    except click.ClickException as error:
        click.echo(f"tinman: {visible(_usage(error), keep_newlines=False)}", err=True)
        code = Exit.USAGE
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except Exception as raised:  # noqa: BLE001 - the command line's last resort: a bug is reported whole, and is exit 1
        cause = _alone(raised)
        code = _exit_code(cause)
        if isinstance(cause, TinmanError):
            click.echo(f"tinman: {visible(str(cause), keep_newlines=False)}", err=True)
        else:
            import traceback

            traceback.print_exc()
            told = f"{type(cause).__name__}: {cause}; please report the lines above"
            click.echo(f"tinman: internal error: {told}", err=True)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
