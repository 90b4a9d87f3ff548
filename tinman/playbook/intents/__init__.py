"""The intent of every probe: what its trick is, in one sentence that has none of its words.

From these and the names of the probes another hand writes the wordings for proofs.
"""

from __future__ import annotations

from collections.abc import Mapping

from tinman.playbook.intents import deployment, feedback_loop, long_context, reasoning, security, tool_use

INTENTS: Mapping[str, Mapping[str, str]] = {
    **reasoning.INTENTS,
    **long_context.INTENTS,
    **tool_use.INTENTS,
    **feedback_loop.INTENTS,
    **deployment.INTENTS,
    **security.INTENTS,
}
"""By the name of the family and that of the probe."""
