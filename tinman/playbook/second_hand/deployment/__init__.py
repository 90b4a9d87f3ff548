"""Wordings of a second hand for the families of deployment."""

from __future__ import annotations

from collections.abc import Mapping

from tinman.playbook.second_hand.deployment import size, state

WORDINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    **state.WORDINGS,
    **size.WORDINGS,
}

__all__ = ["WORDINGS"]
