"""A rule for the system prompt, written by an LLM that may try it: a loop of a few rounds.

Trying is part of designing and claims nothing: it uses cases on which the failure was found, never those on which a fix
is proven.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from tinman import clock
from tinman.agents.base import AgentContext
from tinman.agents.looped import Worth, describe_end, results_of
from tinman.events import EventBus
from tinman.loop.engine import Loop
from tinman.loop.policies import NoProgress
from tinman.loop.state.records import State
from tinman.loop.tools.tools import tool
from tinman.patches.apply import apply
from tinman.patches.kinds import PromptPatch
from tinman.reasoner import Reasoner, as_data
from tinman.records import DiscoveredFailure
from tinman.runtime import Runtime
from tinman.scenarios.run import run_scenario
from tinman.scenarios.scenario import Scenario
from tinman.targets.base import Target

ROUNDS = 4
CASES = 4
TOKENS = 60_000
RUN_SECONDS = 60.0

_GOAL = """Find one addition to the system prompt of an AI system that stops the failure described to you without
costing anything else it does well. State the rule plainly: who, must or must not, what. One or two sentences; no
examples, no names or values from the transcripts. Call try_rule with a rule; you are told in how many of the failing
cases it helped and in how many harmless ones it did harm. Improve it until it always helps and never harms."""


@dataclass(frozen=True)
class TriedRule:
    """A rule and what came of trying it: ``helped`` of ``failing`` cases, ``harmed`` of ``harmless`` ones."""

    text: str
    rationale: str
    helped: int
    failing: int
    harmed: int
    harmless: int

    @property
    def gain(self) -> float:
        """Share of failing cases that it helped less share of harmless ones it harmed, -1 to 1."""
        return self.helped / max(1, self.failing) - self.harmed / max(1, self.harmless)

    @property
    def told(self) -> str:
        """What came of it, in words."""
        helped = f"helped in {self.helped} of {self.failing} failing cases"
        return f"when tried it {helped}, harmed {self.harmed} of {self.harmless} harmless ones"


def _tries(state: State) -> list[TriedRule]:
    """Return what was tried, oldest first."""
    return [TriedRule(**each) for each in results_of(state, "try_rule")]


async def _failures(target: Target, scenarios: Sequence[Scenario], seed: int) -> list[bool]:
    """Run each once; an indeterminate run counts as a failure, so that silence helps nobody."""
    verdicts = []
    for scenario in scenarios:
        dice = clock.derive_seed(seed, f"try/{scenario.digest}")
        outcome = await run_scenario(target, scenario, seed=dice, timeout_seconds=RUN_SECONDS)
        verdicts.append(outcome.verdict != "ok")
    return verdicts


async def write_rule(
    context: AgentContext,
    runtime: Runtime,
    reasoner: Reasoner,
    target: Target,
    failure: DiscoveredFailure,
    data: dict[str, str],
    *,
    bus: EventBus | None = None,
) -> tuple[TriedRule | None, dict[str, Any]]:
    """Return the rule that helped most in up to four rounds, ``None`` when none helped, and how the loop ended.

    At most 4 x 12 runs of the target, on its own meter. Stored in the runtime's journal, so a resumed cycle goes on in
    the middle. Raises ``Stopped``, ``TargetError``, ``ProviderError``; a ceiling ends the loop with what there is.
    """
    stressed = [pair.stressed for pair in failure.scenarios][:CASES]
    harmless = [pair.control for pair in failure.scenarios if pair.control is not None][:CASES]
    rule, told = as_data({name: reasoner.hide(text) for name, text in data.items()}, _GOAL)

    @tool(timeout_s=RUN_SECONDS * 2 * CASES)
    async def try_rule(
        text: Annotated[str, Field(min_length=10, max_length=600)], rationale: Annotated[str, Field(max_length=300)]
    ) -> str:
        """Try a rule, word for word as it would stand in the system prompt; say why you expect it to help."""
        if len(_tries(loop.state)) >= ROUNDS:
            raise RuntimeError("no try is left")
        patched = apply(target, PromptPatch(text=text))
        # On the same dice with and without the rule: a case that would pass anyway says nothing for it.
        before, after = [await _failures(each, stressed, context.seed) for each in (target, patched)]
        helped = [b and not a for b, a in zip(before, after, strict=True)]
        harms = await _failures(patched, harmless, context.seed)
        counts = {"helped": sum(helped), "failing": sum(before), "harmed": sum(harms), "harmless": len(harms)}
        return json.dumps({"text": text, "rationale": rationale, **counts}, ensure_ascii=False)

    key = f"rule/{failure.id}"
    loop = Loop(
        f"{_GOAL}\n{rule}",
        [try_rule],
        reasoner.model,
        observe=lambda _: told,
        goal_metric=Worth(lambda state: max((tried.gain for tried in _tries(state)), default=0.0)),
        policies=[NoProgress(2)],
        max_iterations=ROUNDS,
        token_limit=TOKENS,
        max_tokens_per_call=1_024,
        runtime=runtime,
        key=key,
        bus=bus,
        mode=context.mode,
        redact=reasoner.hide,
        quiet=True,
    )
    result = await loop.arun()
    best = max(_tries(loop.state), key=lambda tried: tried.gain, default=None)
    return (best if best is not None and best.gain > 0 else None), describe_end(key, loop, result)
