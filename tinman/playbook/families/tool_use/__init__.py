"""Probes for the use of tools: what results say, what users ask for, which tool, how often, with which arguments."""

from __future__ import annotations

from tinman.playbook.families.tool_use import arguments, choice, endings, repeats, results
from tinman.playbook.family import Family

FAMILIES: tuple[Family, ...] = (
    *results.FAMILIES,
    *choice.FAMILIES,
    *arguments.FAMILIES,
    *endings.FAMILIES,
    *repeats.FAMILIES,
)
