"""Commands that run something until it is done: research, resume, fix."""

from __future__ import annotations

from click import FloatRange, IntRange

from tinman.cli.command import COUNT, FILE, FOLDER, MODES, MONEY, SEVERITIES, Command, duration, flag, option

_CEILINGS = (
    option("--budget-usd", "max_usd", type=MONEY, help="Most money to spend."),
    option("--max-calls", type=COUNT, help="Most model calls."),
    option("--max-tokens", type=COUNT, help="Most tokens, in and out."),
    option("--timeout", "timeout_seconds", callback=duration, help="Most time, such as 90s, 20m, 2h."),
    option("--concurrency", type=IntRange(min=1, max=512), help="Runs at once."),
    flag("--allow-overlap", "Run although another cycle of this target and mode is running."),
    option("--fail-on", type=SEVERITIES, help="Exit 10 at this severity or above."),
    option("--fail-rate", type=FloatRange(0, 1), help="Exit 10 when a validated failure is at least so frequent."),
)
_TARGETS = "sandbox, openai:MODEL, anthropic:MODEL, module:callable, command:..., http://..."
_THINKERS = "openai:MODEL, anthropic:MODEL, module:callable"
COMMANDS = (
    Command(
        "research",
        "Run a research cycle. Guess failures, reproduce them, propose fixes, replay them in pairs.",
        "--target openai:gpt-4o-mini --base-url http://localhost:11434/v1 --max-calls 500",
        option("--mode", type=MODES, help="How close to users to work."),
        option("--target", help=f"What to test: {_TARGETS}"),
        option("--base-url", help="Endpoint of an OpenAI- or Anthropic-compatible target."),
        option("--focus", default="", help="What to look at first."),
        option("--reasoner", help=f"Who thinks: playbook, {_THINKERS}."),
        option("--reasoner-base-url", help="Endpoint of the reasoner and the judge."),
        option("--judge", help=f"Who judges rules without a check (default: the reasoner): {_THINKERS}."),
        option("--measure", type=IntRange(min=0), default=0, help="Fresh runs added per validated failure."),
        flag("--allow-destructive", "Probe what could destroy something on a real system (lab)."),
        option("--yes-production", metavar="NAME", help="Confirm a production run by the target's name."),
        option("--max-hypotheses", type=COUNT, help="Hypotheses to screen (default 10)."),
        option("--max-experiments", type=COUNT, help="Experiments to confirm (default 5)."),
        option("--max-interventions", type=IntRange(min=0), help="Failures to find fixes for (default 5)."),
        flag(
            "--wide",
            "Also try what a naive program fails by what it lacks: ranks it believes, limits it does not know.",
        ),
        option("--seed", type=int, help="Fixes all chance (default 0)."),
        flag("--no-reconnaissance", "Do not ask the target about itself first."),
        flag("--dry-run", "Plan and estimate; call nothing."),
        *_CEILINGS,
    ),
    Command(
        "rerun NAME",
        "Run the case that failure NAME was found with again, live, and show the last run that failed.",
        "F-1 --runs 5",
        option("--runs", type=IntRange(1, 1_000), default=5, help="How often (default 5)."),
        option("--target", help=f"Another target than the configured one: {_TARGETS}"),
        option("--base-url", help="Endpoint of an OpenAI- or Anthropic-compatible target."),
        option("--max-calls", type=COUNT, help="Most model calls."),
    ),
    Command(
        "resume CYCLE",
        "Go on with CYCLE from its last stored step. It keeps the configuration it was started with.",
        "cyc-0001 --max-calls 20000",
        *_CEILINGS,
        body="research:resume",
    ),
    Command(
        "fix",
        "Mend the code in a folder until its tests pass.\n\npytest is judged by its own report, test by test; any other"
        " command by its exit code. Tests, build files and secrets are kept from it. Nothing is undone: commit first.",
        "--repo . --test-cmd 'python -m pytest -q' --model anthropic:claude-sonnet-4-6",
        option("--repo", type=FOLDER, default=".", help="The folder to mend."),
        option("--test-cmd", default="python -m pytest -q -rf --tb=short", help="What has to pass; the shell runs it."),
        option("--test-timeout", type=FloatRange(min=1), default=300.0, help="Seconds a test run may take."),
        option("--model", help=f"Who mends: {_THINKERS} (default: the reasoner)."),
        option("--base-url", help="Endpoint of the model."),
        option("--max-iterations", type=COUNT, help="Rounds at most (default 20)."),
        option("--max-tokens", "token_limit", type=COUNT, help="Tokens at most (default 500,000)."),
        option("--timeout", "wall_clock_s", type=FloatRange(min=1), help="Seconds at most (default 1800)."),
        option("--budget-usd", "cost_limit_usd", type=MONEY, help="US dollars at most (default: open)."),
        flag("--edit-tests", "Let tests be edited, too."),
        option("--may-edit", metavar="PATHS", help="Protected files it may edit: paths and patterns, by commas."),
        option("--environment", metavar="NAMES", help="Credentials the tests need: variables, by commas."),
        flag("--allow-test-change", "Resume although tests or settings changed since."),
        option("--trace", type=FILE, help="Append every event as a JSON line."),
        option("--resume", metavar="LOOP", help="Go on with a stored loop; other limits than before may be given."),
    ),
)
