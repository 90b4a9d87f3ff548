"""``tinman scenarios``: files as regression tests. ``run`` and ``confirm`` have exit codes of their own."""

from __future__ import annotations

import click
from click import FloatRange, IntRange

from tinman.cli.command import Command, Family, flag, option

TOOLS = ("garak", "pyrit", "promptfoo", "inspect", "agentdojo")
SCORERS = ("includes", "match", "exact", "model_graded_qa", "model_graded_fact")
_TAGS = option("--tag", "tags", multiple=True, help="Only scenarios with one of these tags.")
_INNER = (
    option("--inner-provider", "provider", default="", help="Provider of the model inside the target."),
    option("--inner-model", "model", default="", help="Model inside the target."),
)
_SEED = option("--seed", type=int, default=0, help="The dice of targets that take a seed.")
_CONCURRENCY = option("--concurrency", type=IntRange(0, 1024), default=0, help="Scenarios side by side.")
_MEASURING = (
    option("--adapter", default="", help="Adapter factory: <module-or-file>:<callable>."),
    option("--target", default="", help="A target by name instead: sandbox, openai:MODEL, http://..."),
    option("--user-id", default="", help="The user the scenarios speak as."),
    option("--scenarios", required=True, help="A file, or a folder of *.json and *.yaml."),
    option("--scenario", "ids", multiple=True, help="Only this scenario; may be given again."),
    _TAGS,
    option("--failed-from", default="", help="Also what failed in this report, or folder of reports."),
    option("--allow-destructive", "allows_destructive", is_flag=True, help="Take in scenarios marked destructive."),
    option("--report-dir", default="artifacts/reports", show_default=True, help="Where reports go."),
    *_INNER,
    flag("--non-interactive", "Never ask which model is inside."),
    option("--intervention", default="", help="Put this fix around the target first."),
    option("--judge", default="", help="The model that answers judged checks."),
    _CONCURRENCY,
    option("--repeat", type=IntRange(1, 10_000), help="Tries of each scenario."),
    option("--require", "gate", default="", help="A gate on the tries, such as pass^3>=0.9."),
    option("--turn-timeout", type=FloatRange(0.01, 86_400), default=120.0, help="Seconds for a turn."),
    _SEED,
    option("--junit", default="", help="Write JUnit XML to this file, too."),
    option("--yes-production", help="The target's name: allows a confirm in production."),
)
_EITHER = (
    option("--target", default="", help="The target by name."),
    option("--adapter", default="", help="The target's adapter instead."),
    option("--user-id", default="tinman", help="The user the scenarios speak as."),
    *_INNER,
)


def _help() -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


SCENARIOS = Family(
    "scenarios",
    "Run scenario files as regression tests.",
    "run --target sandbox --scenarios scenarios",
    Command(
        "validate [PLACES]...",
        "Read scenario files and say what is wrong with them; nothing is run. Exit 2 when a file is wrong.",
        "scenarios",
        option("--scenarios", "place", help="A file, or a folder of *.json and *.yaml."),
        flag("--schema", "Print the JSON schema of scenario files instead."),
    ),
    Command(
        "list [PLACE]",
        "List the scenarios in a file or folder.",
        "scenarios --tag smoke",
        option("--scenarios", "folder", help="A file, or a folder of *.json and *.yaml."),
        _TAGS,
    ),
    Command(
        "run",
        "Measure while repairing. Exit 3 when everything passed (provisional), 1 when not, 2 when nothing was"
        " measured.",
        "--target sandbox --scenarios scenarios",
        *_MEASURING,
        body="harness.measure:measure",
    ),
    Command(
        "confirm",
        "Measure for acceptance. Exit 0 when everything passed, 3 when that was only a part, 1 when not, 2 as run.",
        "--target sandbox:sound --scenarios scenarios",
        *_MEASURING,
        body="harness.measure:measure",
    ),
    Command(
        "import PLACE",
        "Turn what another tool wrote into scenario files: a garak report or hit log, PyRIT seeds, a promptfoo"
        " configuration, an Inspect dataset or log in JSON, or an AgentDojo suite by name. What cannot be said is"
        " counted, with its reason. Exit 2 when nothing can.",
        "garak.report.jsonl --to scenarios/garak",
        option("--from", "tool", type=click.Choice(TOOLS), help="Who wrote it; recognised when left out."),
        option("--to", "folder", default="scenarios/imported", show_default=True, help="Folder for the files."),
        option("--scorer", type=click.Choice(SCORERS), help="How an Inspect dataset's targets are scored."),
        flag("--force", "Overwrite scenario files that were changed since."),
        body="harness.importing:import_",
    ),
    Command(
        "export [NAMES]...",
        "Write confirmed failures (all, or the named) as quarantined scenario files, shrunk, with their world.",
        "F-1 --into scenarios/quarantine",
        option("--into", default="scenarios/quarantine", show_default=True, help="Folder for the files."),
        option("--format", "form", type=click.Choice(["json", "yaml"]), default="json", show_default=True),
        option("--target", default="", help="The target to shrink on; the settings' own when none is named."),
        option("--reference", default="", help="A target that passes: a proven fix stands in when none is named."),
        flag("--as-it-is", "Do not shrink; nothing is run."),
        body="harness.regression:export",
    ),
    Command(
        "promote PLACE",
        "Move quarantined scenarios into the pack if fresh runs on the unfixed target are red as often as"
        " recorded.\n\nExit 0 when all of them were promoted, 1 when some stay, 2 when a file cannot be read.",
        "scenarios/quarantine --target sandbox",
        option("--into", default="scenarios", show_default=True, help="The regression pack: a folder."),
        *_EITHER,
        _SEED,
        _CONCURRENCY,
        body="harness.regression:promote",
    ),
    Command(
        "shrink FILE",
        "Make a failing scenario smaller while it still fails. Exit 1 when it does not fail.",
        "big.json --target sandbox -o small.json",
        option("--target", required=True, help="The target it fails on."),
        option("--reference", default="", help="A target that passes it, and has to go on passing it."),
        _SEED,
        option("--most-tries", type=IntRange(1, 100_000), default=300, show_default=True, help="Candidates."),
        option("-o", "--output", required=True, help="Where to write the smaller one."),
        body="harness.regression:shrink",
    ),
    Command(
        "simulate FILE",
        "Let FILE's simulated user talk to the target, and freeze what was said into a plain scenario.",
        "talk.json --target sandbox -o frozen.json",
        *_EITHER,
        option("--user-model", default="", help="The model that plays the user, where the simulator wants one."),
        _SEED,
        option("-o", "--output", required=True, help="Where to write the frozen scenario."),
        body="harness.regression:simulate",
    ),
    Command(
        "diff BEFORE AFTER",
        "Compare two reports. Exit 1 when something fails that did not fail before, 2 when they do not compare.",
        "before.json after.json -o diff.html",
        option("-o", "--output", help="Write the HTML page here."),
        flag("--force", "Compare reports of unlike conditions, too."),
        body="harness.measure:diff",
    ),
    Command(
        "mcp-proxy",
        "Stand between an agent and the MCP server WORDS, and write its tool calls to a trace file.",
        "-- python my_server.py",
        option("--record", default="", help="The trace file; else what TINKERLOOP_TRACE_FILE names."),
        click.Argument(["words"], nargs=-1, required=True, type=click.UNPROCESSED),
        # What stands after the server's program is the server's, an option of ours by the same name included.
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
        body="harness.proxy:mcp_proxy",
    ),
    invoke_without_command=True,
    no_args_is_help=False,
    callback=_help,
)
