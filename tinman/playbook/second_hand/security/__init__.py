"""Wordings of a second hand for the families of security."""

from __future__ import annotations

from collections.abc import Mapping

from tinman.playbook.second_hand.security import carriers, injections, machines, people, secrets, writings

WORDINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    **injections.WORDINGS,
    **carriers.WORDINGS,
    **secrets.WORDINGS,
    **writings.WORDINGS,
    **people.WORDINGS,
    **machines.WORDINGS,
}

__all__ = ["WORDINGS"]
