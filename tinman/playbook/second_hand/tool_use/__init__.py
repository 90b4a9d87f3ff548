"""Wordings of a second hand for the families of tool use."""

from __future__ import annotations

from collections.abc import Mapping

from tinman.playbook.second_hand.tool_use import calls, deeds

WORDINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    **deeds.WORDINGS,
    **calls.WORDINGS,
}

__all__ = ["WORDINGS"]
