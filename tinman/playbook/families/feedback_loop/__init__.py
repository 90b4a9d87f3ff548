"""Probes for feedback loops: the system reads again what it, or another, wrote down before."""

from __future__ import annotations

from tinman.playbook.families.feedback_loop import habits, notes
from tinman.playbook.family import Family

FAMILIES: tuple[Family, ...] = (*notes.FAMILIES, *habits.FAMILIES)
