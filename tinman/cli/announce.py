"""What is said of a cycle before its first call: what will run, on what, within which limits."""

from __future__ import annotations

from tinman import __version__
from tinman.agents import adversary, experiment_architect, rule_writing
from tinman.cli.app import App
from tinman.config.settings import provider_keys
from tinman.experiments.reconnaissance import most_turns
from tinman.options import ResearchOptions
from tinman.tinman import Tinman


def announce(app: App, tinman: Tinman, cycle_id: str, options: ResearchOptions) -> None:
    """Say what will run, and within which limits, before the first call."""
    money = "no money ceiling" if options.max_usd is None else f"{options.max_usd:.2f} USD"
    approvals = "no approvals"
    if tinman.mode.value == "production":
        approvals = "every experiment and simulation needs an approval"
    elif options.allow_destructive:
        approvals = "destructive experiments need an approval"
    app.say(f"tinman {__version__}   cycle {cycle_id}   {tinman.mode}")
    app.say()
    app.say(f"  target     {tinman.target.name}   (fingerprint {tinman.target.fingerprint})")
    app.say(f"  reasoner   {tinman.reasoner_name}{_unused_key(tinman)}")
    if (told := _judge(tinman)) is not None:
        app.say(f"  judge      {told}")
    app.say(
        f"  limits     {options.max_hypotheses} hypotheses · {options.max_experiments} experiments ·"
        f" {options.max_interventions} interventions ·"
        f" {options.most_discovery_runs} + {options.most_simulation_runs} runs   {approvals}"
    )
    if (loops := _loops(tinman, options)) is not None:
        told = f"{loops['adversary_turns']} turns of adversaries · {loops['rule_runs']} runs to try rules"
        app.say(f"  loops      on top: at most {told}")
    app.say(
        f"  budget     {money} · {options.max_calls:,} calls · {options.max_tokens:,} tokens ·"
        f" {options.timeout_seconds / 60:.0f} min   seed {options.seed}"
    )
    if options.reconnaissance:
        turns = f"at most {_asked_first(tinman)} turns"
        app.say(f"  first      {turns} to learn what the target is (none with --no-reconnaissance)")
    app.say(f"  store      {tinman.graph.db.place}")
    if tinman.target.name.startswith("sandbox"):
        app.say("  sandbox    a bundled agent with documented weaknesses: nothing leaves this machine")
    app.say()


def _asked_first(tinman: Tinman) -> int:
    """Return how many turns a reconnaissance takes at most."""
    return most_turns(tinman.target, tinman.surface, tinman.mode)


def _unused_key(tinman: Tinman) -> str:
    """Return how to reason with the LLM whose key is at hand; which model, and at what price, is never guessed."""
    if tinman.has_reasoner:
        return ""
    specs = {"OPENAI_API_KEY": "openai:MODEL", "ANTHROPIC_API_KEY": "anthropic:MODEL"}
    names = [name for name in provider_keys() if name in specs]
    return f"   ({names[0]} is set: --reasoner {specs[names[0]]} uses it)" if names else ""


def _judge(tinman: Tinman) -> str | None:
    """Return who judges the rules that have no check; ``None`` where there are none."""
    open_rules = sum(rule.check is None for rule in tinman.surface.rules)
    if not open_rules:
        return None
    rules = "1 rule has no check" if open_rules == 1 else f"{open_rules} rules have no check"
    if not tinman.judge_name:
        return f"nobody: {rules} and cannot be tried; --judge names a model, or write a check for each"
    itself = " (the model under test judges itself)" if tinman.judge_name == tinman.target.name else ""
    return f"{tinman.judge_name}{itself}: {rules}"


def _loops(tinman: Tinman, options: ResearchOptions) -> dict[str, int] | None:
    """Return what the reasoner's loops may do to the target at most, on top; ``None`` when there are none."""
    if not tinman.has_reasoner or tinman.mode.value == "production":
        return None
    return {
        "adversary_turns": experiment_architect.ADVERSARIES * adversary.ROUNDS,
        "rule_runs": options.max_interventions * rule_writing.ROUNDS * 2 * rule_writing.CASES,
    }


_LOOPED = {"adversary_turns": "turns of adversaries at most", "rule_runs": "runs to try rules at most"}


def plan(app: App, tinman: Tinman, options: ResearchOptions) -> None:
    """Print what a cycle would do at most; nothing is called or stored."""
    most: dict[str, object] = {
        "target": tinman.target.name,
        "reasoner": tinman.reasoner_name,
        "most_reconnaissance_turns": _asked_first(tinman) if options.reconnaissance else 0,
        "screening_runs": options.max_hypotheses * 6,
        "most_runs": options.most_discovery_runs + options.most_simulation_runs,
        **{f"most_{name}": count for name, count in (_loops(tinman, options) or {}).items()},
        "most_calls": options.max_calls,
        "most_usd": options.max_usd,
        "timeout_seconds": options.timeout_seconds,
    }
    first = f"  {most['most_reconnaissance_turns']} turns at most to learn what the target is"
    loops = [f"  {most[f'most_{name}']} {what}" for name, what in _LOOPED.items() if f"most_{name}" in most]
    money = "no money ceiling" if options.max_usd is None else f"at most {options.max_usd:,.2f} USD"
    app.answer(
        most,
        f"Plan for {tinman.target.name}, thought through by {tinman.reasoner_name}. Nothing was called or stored.",
        *([first] if options.reconnaissance else []),
        f"  {options.max_hypotheses} hypotheses at most, each screened in up to 6 runs",
        f"  {options.max_experiments} experiments at most, with up to {options.most_discovery_runs} runs of discovery",
        f"  fixes for {options.max_interventions} failures at most, with up to {options.most_simulation_runs} replays",
        *loops,
        f"  {options.max_calls:,} calls and {options.max_tokens:,} tokens at most, {money},"
        f" {options.timeout_seconds / 60:,.0f} minutes",
    )
