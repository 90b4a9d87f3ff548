"""The same tricks in the words of somebody else, who has seen neither the first wordings nor the remedies.

What is found with the first wordings is proven on these: family name -> probe name -> wordings. They know nothing of
the families; what they share with them are the names, the slots and the number of turns.
"""

from __future__ import annotations

from collections.abc import Mapping

from tinman.playbook.second_hand import deployment, feedback_loop, long_context, reasoning, security, tool_use

WORDINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    **reasoning.WORDINGS,
    **long_context.WORDINGS,
    **tool_use.WORDINGS,
    **feedback_loop.WORDINGS,
    **deployment.WORDINGS,
    **security.WORDINGS,
}

__all__ = ["WORDINGS"]
