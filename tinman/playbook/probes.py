"""All families of probes in one order: hypotheses that promise equally much are tried in it."""

from __future__ import annotations

from dataclasses import replace

from tinman.playbook.families import deployment, feedback_loop, long_context, reasoning, security, tool_use
from tinman.playbook.family import Family
from tinman.playbook.intents import INTENTS
from tinman.playbook.second_hand import WORDINGS

_WRITTEN: tuple[Family, ...] = (
    *reasoning.FAMILIES,
    *long_context.FAMILIES,
    *tool_use.FAMILIES,
    *feedback_loop.FAMILIES,
    *deployment.FAMILIES,
    *security.FAMILIES,
)
FAMILIES: tuple[Family, ...] = tuple(
    replace(each, intents=INTENTS.get(each.name, {}), proof_probes=WORDINGS.get(each.name, {})) for each in _WRITTEN
)

SETTLED: frozenset[str] = frozenset(
    {
        *("sycophancy", "instruction override", "forgetting", "lost in the middle", "hijacked by a tool result"),
        *("retry storm", "poisoned memory", "amplification", "stale state", "cut off", "injected by a document"),
        *("told in disguise", "evasion", "data sent away"),
    }
)
"""The families tried by default: those held against honest targets that are easily accused. The others are wide."""

__all__ = ["FAMILIES", "SETTLED", "Family"]
