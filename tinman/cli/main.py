"""``tinman``: the root command, and the one place where errors become lines and exit codes."""

from __future__ import annotations

import io
import sys
import traceback

import click

from tinman import __version__
from tinman.cli.app import Exit
from tinman.cli.command import Family
from tinman.cli.commands import COMMANDS
from tinman.cli.signals import ENDINGS
from tinman.errors import TinmanError
from tinman.text.visible import line_of, visible

root = click.version_option(__version__, "-V", "--version", prog_name="tinman")(
    Family(
        "tinman",
        "Find out how an AI system fails before its users do, and prove the fix.",
        "research --mode lab --target sandbox",
        *COMMANDS,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
)


def _usage(error: click.ClickException) -> str:
    """Return one line that names the option, its value and the remedy."""
    told = error.format_message().rstrip(". ")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return told if context is None or told.endswith("?") else f"{told}; see `{context.command_path} --help`"


def _alone(error: Exception) -> Exception:
    """Return the deliberate error that a task group wrapped, if there is nothing but such errors in it."""
    if not isinstance(error, ExceptionGroup):
        return error
    deliberate, others = error.split(TinmanError)
    first: Exception | None = deliberate
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    return error if others or first is None else first


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: every deliberate error is one line with its remedy."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a console has no letter for is no reason to lose the rest
            stream.reconfigure(errors="replace")
    ENDINGS.listen()
    try:
        code = root.main(args=arguments, prog_name="tinman", standalone_mode=False)
    except click.exceptions.Exit as left:
        code = left.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        code = Exit.TERMINATED if ENDINGS.heard else Exit.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = Exit.USAGE
    except click.ClickException as error:
        click.echo(f"tinman: {visible(_usage(error), keep_newlines=False)}", err=True)
        code = Exit.USAGE
    except BrokenPipeError:
        sys.stderr.close()
        code = Exit.DONE
    except Exception as raised:  # noqa: BLE001 - the command line's last resort: a bug is reported whole, and is exit 1
        cause = _alone(raised)
        if isinstance(cause, TinmanError):
            code = cause.exit_code
            click.echo(f"tinman: {visible(str(cause), keep_newlines=False)}", err=True)
        else:
            code = Exit.INTERNAL
            traceback.print_exc()
            told = f"{line_of(cause, 500)}; please report the lines above"
            click.echo(f"tinman: internal error: {told}", err=True)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
