"""Wordings of a second hand for the families of reasoning."""

from __future__ import annotations

from collections.abc import Mapping

from tinman.playbook.second_hand.reasoning import pressure, rules, thought

WORDINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    **pressure.WORDINGS,
    **thought.WORDINGS,
    **rules.WORDINGS,
}

__all__ = ["WORDINGS"]
