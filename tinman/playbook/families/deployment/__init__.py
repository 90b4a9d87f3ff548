"""Probes for deployment: state that changes or is broken, limits that are met, safeguards that are said to be gone."""

from __future__ import annotations

from tinman.playbook.families.deployment import limits, safeguards, state
from tinman.playbook.family import Family

FAMILIES: tuple[Family, ...] = (*state.FAMILIES, *limits.FAMILIES, *safeguards.FAMILIES)
