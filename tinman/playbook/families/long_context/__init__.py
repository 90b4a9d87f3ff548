"""Probes for long context: much to read, orders far back, and texts that outweigh what they should not."""

from __future__ import annotations

from tinman.playbook.families.long_context import volume, weight
from tinman.playbook.family import Family

FAMILIES: tuple[Family, ...] = (*volume.FAMILIES, *weight.FAMILIES)
