"""The whole command line as a table: every command, its help, its options, and where its body stands."""

from __future__ import annotations

from tinman.cli.commands import project, running, stored
from tinman.cli.commands.scenarios import SCENARIOS

COMMANDS = (*running.COMMANDS, *stored.COMMANDS, *project.COMMANDS, SCENARIOS)
