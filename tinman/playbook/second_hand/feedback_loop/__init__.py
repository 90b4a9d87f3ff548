"""Wordings of a second hand for the families of feedback loops."""

from __future__ import annotations

from collections.abc import Mapping

from tinman.playbook.second_hand.feedback_loop import answers, memory

WORDINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    **memory.WORDINGS,
    **answers.WORDINGS,
}

__all__ = ["WORDINGS"]
