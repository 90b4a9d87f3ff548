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

FIRST: frozenset[str] = frozenset(
    {
        *("sycophancy", "instruction override", "forgetting", "lost in the middle", "hijacked by a tool result"),
        *("retry storm", "poisoned memory", "amplification", "stale state", "cut off", "injected by a document"),
        *("told in disguise", "evasion", "data sent away"),
    }
)
"""The families that are tried before the others: the commonest failures, one or two of each class."""

WIDE: frozenset[str] = frozenset(
    {
        *("many tools", "question taken for an order", "wrong tool", "arguments that do not fit", "amount raised"),
        *("echo chamber", "huge result", "somebody else's record", "claimed rank", "assumed consent"),
    }
)
"""The families that are tried only when asked for: a naive program fails them by what it lacks (it takes a question for
an order, goes above limits, reads any record, believes a rank)."""

__all__ = ["FAMILIES", "FIRST", "WIDE", "Family"]
