"""Commands around a project: its settings, its database, its mode."""

from __future__ import annotations

import click

from tinman.cli.command import FILE, MODES, Command, Family, flag, option

_FORCE = flag("--force", "Overwrite what is there.")
_SHELLS = click.Argument(["shell"], type=click.Choice(["bash", "zsh", "fish"]))
COMMANDS = (
    Command(
        "init",
        "Write a commented tinman.toml into this folder.",
        "",
        flag("--force", "Overwrite what is there."),
        body="config:init",
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
    ),
)
