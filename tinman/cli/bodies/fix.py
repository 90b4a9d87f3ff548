"""``tinman fix``: a loop that mends code until its tests pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio

from tinman.cli.app import App, given
from tinman.cli.settings import resolve as settings_of
from tinman.config.settings import provider_keys
from tinman.errors import ConfigError
from tinman.frozen import dump
from tinman.loop.recipes.testfix import TestFixLoop
from tinman.loop.result import EXIT_CODES, RECOMMENDED, LoopResult
from tinman.models.load import load_model


def fix(
    app: App,
    *,
    repo: Path,
    test_cmd: str,
    test_timeout: float,
    model: str | None,
    base_url: str | None,
    edit_tests: bool,
    may_edit: str | None,
    environment: str | None,
    allow_test_change: bool,
    trace: Path | None,
    resume: str | None,
    **limits: float | None,
) -> int:
    """Mend the code in a folder until its tests pass, within ``limits`` (fields of ``LoopConfig``).

    Return the exit code of how the loop ended. Raises ``ConfigError``, ``LoopError``, ``StoreError``.
    """
    settings = settings_of(app).settings
    named = model or ("" if settings.reasoner == "playbook" else settings.reasoner)
    if not named:
        raise ConfigError("fix: nobody is named to mend; give --model, or set reasoner in tinman.toml")
    changes: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}
    shared: dict[str, Any] = {
        "llm": load_model(named, base_url=base_url or settings.reasoner_base_url, keys=provider_keys()),
        "repo": repo,
        "test_cmd": test_cmd,
        "test_timeout_s": test_timeout,
        "may_edit_tests": edit_tests,
        "may_edit": tuple(filter(None, (may_edit or "").split(","))),
        "environment": tuple(filter(None, map(str.strip, (environment or "").split(",")))),
        "allow_test_change": allow_test_change,
        "db": settings.db,
        "trace_path": trace,
        "pricing": {name: (price.input, price.output) for name, price in settings.prices.items()},
        "quiet": not app.talks,
    }
    loop: TestFixLoop
    loop = TestFixLoop.reopen(resume, **shared, extend=changes) if resume else TestFixLoop(**shared, **changes)
    if not loop.suite.is_pytest:
        app.say("  this is not pytest: its exit code alone decides")
    kept = ("repo", "test_cmd", "test_timeout", "model", "base_url", "edit_tests", "may_edit", "environment", "trace")
    again = given(*kept)
    try:
        result = anyio.run(loop.arun)
    except KeyboardInterrupt:
        app.tell(f"Continue:  {_resume(app, loop.state.loop_id, again)}")
        raise
    app.answer({"schema": "tinman.fix/1", **dump(result)}, *loop.explain(result).lines())
    if result.resumable:
        app.say(f"Next: {_advice(app, result)}")
        app.say(f"Continue:  {_resume(app, result.loop_id, {**again, **_raised(loop, result)})}")
    return EXIT_CODES[result.status]


def _resume(app: App, loop_id: str, options: Mapping[str, str | None]) -> str:
    return app.command("fix", "--resume", loop_id, options=options)


_CEILINGS = {
    "max_iterations": "--max-iterations",
    "token_limit": "--max-tokens",
    "wall_clock_s": "--timeout",
    "cost_limit_usd": "--budget-usd",
}


def _raised(loop: TestFixLoop, result: LoopResult) -> dict[str, str | None]:
    """Return the ceiling that ended the loop, doubled: under the same one it would end again at once."""
    name = "max_iterations" if result.status in {"NO_PROGRESS", "PLAN_FAILED"} else result.reason.partition(" ")[0]
    if result.status not in {"BUDGET_EXHAUSTED", "NO_PROGRESS", "PLAN_FAILED"} or name not in _CEILINGS:
        return {}
    return {_CEILINGS[name]: f"{getattr(loop.config, name) * 2}"}


def _advice(app: App, result: LoopResult) -> str:
    """Return what to do about an end, in words for a shell: the loop itself speaks to who writes Python."""
    why = app.command("explain", result.loop_id)
    told = {
        "BUDGET_EXHAUSTED": f"see what was reached with {why}, then continue with a larger limit",
        "NO_PROGRESS": f"see what was tried with {why}; change the code, or take another --model, then continue",
        "PLAN_FAILED": "take a --model that can call tools, then continue",
        "ERROR": f"look at {why}, mend the cause, then continue",
    }
    is_usual = result.recommended_action == RECOMMENDED[result.status]
    return told.get(result.status, result.recommended_action) if is_usual else result.recommended_action
