"""Commands around a project: its settings, its database, its mode."""

from __future__ import annotations

import click

from tinman.cli.command import FILE, MODES, Command, Family, flag, option

_FORCE = flag("--force", "Overwrite what is there.")
_SHELLS = click.Argument(["shell"], type=click.Choice(["bash", "zsh", "fish"]))


def _show_surface() -> None:
    """Let the family's name alone mean its first command."""
    context = click.get_current_context()
    if context.invoked_subcommand is None and isinstance(context.command, click.Group):
        show = context.command.commands["show"]
        with show.make_context("show", [], parent=context) as inner:
            show.invoke(inner)


_OF_TARGET = (
    option("--target", help="The target, instead of the one in the settings."),
    option("--base-url", help="Endpoint of an OpenAI- or Anthropic-compatible target."),
)
COMMANDS = (
    Command(
        "init",
        "Write a commented tinman.toml into this folder.",
        "",
        flag("--force", "Overwrite what is there."),
        body="config:init",
    ),
    Family(
        "surface",
        "Show, correct and compare what is known of the target.",
        "show --json",
        Command("show", "Print what is known, from where, what is guessed, and what is missing.", "", *_OF_TARGET),
        Command(
            "edit",
            "Correct what is known, in $EDITOR or by --set.",
            "--set tools.cancel_order.destructive=true",
            *_OF_TARGET,
            option(
                "--set", "said", multiple=True, metavar="KEY=VALUE", help="tools.NAME.MARK, purpose or rules (adds)."
            ),
        ),
        Command("diff [OLD] [NEW]", "Say what version NEW knows otherwise than OLD.", "SURF-1 SURF-2", *_OF_TARGET),
        invoke_without_command=True,
        callback=_show_surface,
    ),
    Command("doctor", "Check settings, keys (never their values), database and target.", ""),
    Family(
        "config",
        "Show the settings in force, their file, their schema.",
        "show",
        Command("show", "Print each setting with where its value came from.", ""),
        Command("path", "Print the file in force.", ""),
        Command("schema", "Print the JSON schema of tinman.toml and of its [target] table.", ""),
    ),
    Family(
        "db",
        "Upgrade, check, shrink or locate the database.",
        "check",
        Command("upgrade", "Bring the schema up to date (opening a database does so, too).", ""),
        Command(
            "check",
            "Hold the whole database to its audit chain, and that to its anchor; exit 2 when anything is wrong.",
            "",
            option(
                "--against", multiple=True, type=FILE, help="Also to what this JSON report, or copied anchor, says."
            ),
        ),
        Command("vacuum", "Give unused room back; needs as much free disk as the database takes now.", ""),
        Command("path", "Print where the database is.", "", body="config:database"),
    ),
    Command(
        "promote",
        "Take the project one mode up or down. A person has to say so, and it goes into the audit trail.",
        "shadow",
        click.Argument(["mode"], type=MODES),
        flag("--yes", "Do not ask."),
        body="db:promote",
    ),
    Command(
        "completion",
        "Print the completion script of SHELL.",
        "bash > ~/.local/share/bash-completion/completions/tinman",
        _SHELLS,
        body="config:completion",
    ),
)
