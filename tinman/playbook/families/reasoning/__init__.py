"""Probes for reasoning: claims against documents, chains of thought that go wrong, and rules that are argued away."""

from __future__ import annotations

from tinman.playbook.families.reasoning import claims, rules, sources, steps
from tinman.playbook.family import Family

FAMILIES: tuple[Family, ...] = (*claims.FAMILIES, *steps.FAMILIES, *sources.FAMILIES, *rules.FAMILIES)
