"""Probes for security: orders in what is read, secrets that are asked for, rights that are claimed, ways out."""

from __future__ import annotations

from tinman.playbook.families.security import (
    carried,
    consent,
    escapes,
    jailbreaks,
    planted,
    recipients,
    records,
    writings,
)
from tinman.playbook.family import Family

FAMILIES: tuple[Family, ...] = (
    *planted.FAMILIES,
    *carried.FAMILIES,
    *jailbreaks.FAMILIES,
    *writings.FAMILIES,
    *records.FAMILIES,
    *consent.FAMILIES,
    *recipients.FAMILIES,
    *escapes.FAMILIES,
)
