"""Commands that read what is stored, and answer or end what waits there."""

from __future__ import annotations

from click import Choice, IntRange

from tinman.cli.command import FILE, SEVERITIES, Command, Family, duration, flag, option

_CYCLE = option("--cycle", help="Only of this cycle.")
_FILTERS = (
    _CYCLE,
    option("--class", "failure_class", help="Only of this class, such as TOOL_USE."),
    option("--severity", type=SEVERITIES, help="This severity or above."),
    option("--since", callback=duration, help="Only those found in this time until now, such as 2h, 7d."),
    flag("--suspected", "Those not confirmed, too."),
    flag("--novel", "Only those not known from earlier cycles."),
)
_REASON = option("--reason", required=True, help="Kept in the audit trail.")
_JUDGE = option("--judge", help="The model that judges (default: the one of the settings, else the reasoner).")
_AT_ONCE = option("--concurrency", type=IntRange(1, 64), default=4, show_default=True, help="Questions at once.")
_DRAWING = "Also write the lineage of NAME here: .graphml, or .json (node-link)."
COMMANDS = (
    Family(
        "cycles",
        "List, show, compare and cancel research cycles.",
        "list",
        Command("list", "List cycles, newest first.", ""),
        Command("show CYCLE", "Show what CYCLE found.", "cyc-0001"),
        Command("compare BEFORE AFTER", "Say which failures are new, gone or still there.", "cyc-0001 cyc-0002"),
        Command("cancel CYCLE", "Give up CYCLE, unless a process runs it; what it found stays.", "cyc-0001"),
    ),
    Family(
        "loops",
        "List loops that run by themselves.",
        "list",
        Command("list", "List loops, newest first; `tinman explain` says why.", "--json", body="cycles:loops"),
    ),
    Family(
        "judge",
        "Calibrate, list and retract models that judge what no check can.",
        "calibrate --judge openai:gpt-4o-mini",
        Command(
            "calibrate [FILE]",
            "Ask the judge about labelled transcripts (JSON lines in FILE; else our own), and say how often it errs.",
            "labels.jsonl --judge openai:gpt-4o-mini",
            _JUDGE,
            _AT_ONCE,
        ),
        Command("list", "List the judges that were calibrated, newest first.", "--json"),
        Command(
            "retract DIGEST",
            "Say that a version of a judge is not to be believed any more; no cycle takes it again.",
            "5530121d963c99ab --reason 'accuses refusals'",
            _REASON,
        ),
        Command(
            "rescore CYCLE",
            "Judge the stored transcripts of CYCLE again, without a call to its target, and restate what it found.",
            "cyc-0001 --judge openai:gpt-4o",
            _JUDGE,
            _AT_ONCE,
        ),
    ),
    Family(
        "failures",
        "List, show and export what was found.",
        "list --severity S3",
        Command(
            "list",
            "List failures.",
            "--severity S3 --since 7d",
            *_FILTERS,
            option("--format", "form", type=Choice(["table", "json", "csv"]), default="table"),
        ),
        Command(
            "export",
            "Write failures as JSON lines or CSV to standard output.",
            "--format csv > failures.csv",
            *_FILTERS,
            option("--format", "form", type=Choice(["json", "csv"]), default="json"),
            body="failures:list_",
        ),
        Command(
            "show NAME",
            "Show failure NAME (a label such as F-9, or an id).",
            "F-1 --evidence",
            flag("--evidence", "With the worlds and talks it rests on: the attack, and the control beside it."),
            body="explain:show_failure",
        ),
        Command(
            "transcript RUN",
            "Print the transcript of RUN, recorded and untrusted.",
            "run-0123abcd",
            body="explain:transcript",
        ),
    ),
    Family(
        "interventions",
        "List and show proposed fixes.",
        "list --cycle cyc-0001",
        Command("list", "List fixes and their proof.", "--cycle cyc-0001", _CYCLE, body="explain:interventions"),
        Command("show NAME", "Show fix NAME: the patch itself, its risk, its proof.", "INT-1", body="explain:show_fix"),
    ),
    Family(
        "deployments",
        "List fixes in force, and roll them back.",
        "list",
        Command("list", "List deployments, oldest first, with those that were rolled back.", ""),
        Command("roll-back NAME", "End deployment NAME now.", "deployment-0123abcd --reason 'too broad'", _REASON),
    ),
    Command(
        "explain NAME",
        "Say why: of a finding, a fix, a run, a stop.\n\nNAME is a label, an id, a cycle, a loop by itself (loop-...)"
        " or one inside a cycle, as `tinman explain CYCLE` lists them (CYCLE/rule/failure-...).",
        "F-1",
        option("--graph", "drawing", type=FILE, help=_DRAWING),
    ),
    Command(
        "report [CYCLE]",
        "Write the report of CYCLE (the newest when none is named). The format inspect is a log with each run in it,"
        " for `inspect view`.",
        "cyc-0001 --format md -o report.md",
        option("--format", "form", type=Choice(["md", "json", "inspect"]), default="md"),
        option("-o", "--output", type=FILE, help="Write here instead of standard output."),
        body="cycles:report",
    ),
    Family(
        "review",
        "List what waits for an approval; approve or deny it.",
        "list",
        Command("list", "List open questions, oldest first.", ""),
        Command("show NAME", "Show all that a decision is about: what is asked, its figures, until when.", "a-1"),
        Command("approve NAME", "Approve; of several answers the first counts.", "a-1 --reason 'no loss'", _REASON),
        Command("deny NAME", "Deny; of several answers the first counts.", "a-1 --reason 'too broad'", _REASON),
    ),
)
