"""All families of probes in one order: hypotheses that promise equally much are tried in it."""

from __future__ import annotations

from tinman.playbook.families import deployment, feedback_loop, long_context, reasoning, security, tool_use
from tinman.playbook.family import Family

FAMILIES: tuple[Family, ...] = (
    *reasoning.FAMILIES,
    *long_context.FAMILIES,
    *tool_use.FAMILIES,
    *feedback_loop.FAMILIES,
    *deployment.FAMILIES,
    *security.FAMILIES,
)

__all__ = ["FAMILIES", "Family"]
