"""``tinman fix``: a loop that mends code until its tests pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinman.cli.app import App, example, given

if TYPE_CHECKING:
    from tinman.loop.recipes.testfix import TestFixLoop
    from tinman.loop.result import LoopResult


@click.command(
    epilog=example("tinman fix --repo . --test-cmd 'python -m pytest -q' --model anthropic:claude-sonnet-4-6")
)
@click.option(
    "--repo", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".", help="The folder to mend."
)
@click.option("--test-cmd", default="python -m pytest -q -rf --tb=short", help="What has to pass; run without a shell.")
@click.option("--test-timeout", type=click.FloatRange(min=1), default=300.0, help="Seconds a test run may take.")
@click.option("--model", help="Who mends: openai:MODEL, anthropic:MODEL, module:callable (default: the reasoner).")
@click.option("--base-url", help="Endpoint of the model.")
@click.option("--max-iterations", type=click.IntRange(min=1), help="Rounds at most (default 20).")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Tokens at most (default 500,000).")
@click.option("--timeout", type=click.FloatRange(min=1), help="Seconds at most (default 1800).")
@click.option("--budget-usd", type=click.FloatRange(min=0, min_open=True), help="US dollars at most (default: open).")
@click.option("--edit-tests", is_flag=True, help="Let tests and their settings be edited, too.")
@click.option("--trace", type=click.Path(path_type=Path, dir_okay=False), help="Append every event as a JSON line.")
@click.option("--resume", metavar="LOOP", help="Go on with a stored loop; other limits than before may be given.")
@click.option("--json", "json_here", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def fix(
    app: App,
    repo: Path,
    test_cmd: str,
    test_timeout: float,
    model: str | None,
    base_url: str | None,
    max_iterations: int | None,
    max_tokens: int | None,
    timeout: float | None,
    budget_usd: float | None,
    edit_tests: bool,
    trace: Path | None,
    resume: str | None,
    json_here: bool,
) -> None:
    """Mend the code in a folder until its tests pass.

    pytest is judged by its own report, test by test; any other command by its exit code. Tests are read-only. Nothing
    is undone: commit before you start.
    """
    from tinman.config.settings import provider_keys
    from tinman.errors import ConfigError
    from tinman.loop.recipes.testfix import TestFixLoop
    from tinman.loop.result import EXIT_CODES
    from tinman.models.load import load_model

    settings = app.resolve().settings
    named = model or ("" if settings.reasoner == "playbook" else settings.reasoner)
    if not named:
        raise ConfigError("fix: nobody is named to mend; give --model, or set reasoner in tinman.toml")
    limits = {
        "max_iterations": max_iterations,
        "token_limit": max_tokens,
        "wall_clock_s": timeout,
        "cost_limit_usd": budget_usd,
    }
    changes: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}
    shared: dict[str, Any] = {
        "llm": load_model(named, base_url=base_url or settings.reasoner_base_url, keys=provider_keys()),
        "repo": repo,
        "test_cmd": test_cmd,
        "test_timeout_s": test_timeout,
        "may_edit_tests": edit_tests,
        "db": settings.db,
        "trace_path": trace,
        "pricing": {name: (price.input, price.output) for name, price in settings.prices.items()},
        "quiet": not app.talks or app.as_json or json_here,
    }
    loop: TestFixLoop
    loop = TestFixLoop.reopen(resume, **shared, extend=changes) if resume else TestFixLoop(**shared, **changes)
    if not loop.suite.is_pytest:
        app.say("  this is not pytest: its exit code alone decides")
    again = given("repo", "test_cmd", "test_timeout", "model", "base_url", "edit_tests", "trace")
    try:
        result = app.run(loop.arun)
    except KeyboardInterrupt:
        click.echo(f"Continue:  {_resume(app, loop.state.loop_id, again)}", err=True)
        raise
    if app.as_json or json_here:
        app.document({"schema": "tinman.fix/1", **_plain(result)})
    else:
        app.lines(loop.explain(result).lines())
    if result.resumable:
        app.say(f"Next: {_advice(app, result)}")
        app.say(f"Continue:  {_resume(app, result.loop_id, {**again, **_raised(loop, result)})}")
    raise SystemExit(EXIT_CODES[result.status])


def _resume(app: App, loop_id: str, options: Mapping[str, str | None]) -> str:
    return app.command("fix", "--resume", loop_id, options=options)


_CEILINGS = {
    "max_iterations": "--max-iterations",
    "token_limit": "--max-tokens",
    "wall_clock_s": "--timeout",
    "cost_limit_usd": "--budget-usd",
}


def _raised(loop: TestFixLoop, result: LoopResult) -> dict[str, str | None]:
    """Return the ceiling that ended the loop, doubled: under the same one it would end again at once.

    A loop that got nowhere counts its idle rounds anew under other limits, and only then.
    """
    name = "max_iterations" if result.status in {"NO_PROGRESS", "PLAN_FAILED"} else result.reason.partition(" ")[0]
    if result.status not in {"BUDGET_EXHAUSTED", "NO_PROGRESS", "PLAN_FAILED"} or name not in _CEILINGS:
        return {}
    return {_CEILINGS[name]: f"{getattr(loop.config, name) * 2}"}


def _advice(app: App, result: LoopResult) -> str:
    """Return what to do about an end, in words for a shell: the loop itself speaks to who writes Python."""
    from tinman.loop.result import RECOMMENDED

    why = app.command("explain", result.loop_id)
    told = {
        "BUDGET_EXHAUSTED": f"see what was reached with {why}, then continue with a larger limit",
        "NO_PROGRESS": f"see what was tried with {why}; change the code, or take another --model, then continue",
        "PLAN_FAILED": "take a --model that can call tools, then continue",
        "ERROR": f"look at {why}, mend the cause, then continue",
    }
    is_usual = result.recommended_action == RECOMMENDED[result.status]
    return told.get(result.status, result.recommended_action) if is_usual else result.recommended_action


def _plain(result: LoopResult) -> dict[str, Any]:
    from tinman.frozen import dump

    data: dict[str, Any] = dump(result)
    return data
