"""``apply(target, patch)``: a patch's one meaning, in simulation and in production."""

from __future__ import annotations

from typing import TypeVar

from tinman.errors import NotApplicable
from tinman.messages import Call, Reply, Request
from tinman.patches.flow import Reviewer, drive, flow, nobody
from tinman.patches.kinds import Patch, patch_digest
from tinman.targets.base import Target

T = TypeVar("T", bound=Target)


class PatchLayer:
    """A patch around a target's seam."""

    def __init__(self, patch: Patch, ask: Reviewer = nobody) -> None:
        self.patch = patch
        self.digest = patch_digest(patch)
        self._ask = ask

    async def call(self, request: Request, inner: Call) -> Reply:
        """Answer ``request`` by the patch's flow around ``inner``."""
        return await drive(flow(self.patch, request), inner, self._ask)


def why_not(target: Target, patch: Patch) -> str:
    """Return why ``patch`` cannot be carried by ``target``, or an empty text when it can."""
    if target.seam not in patch.facts.seams:
        return f"a {patch.kind} acts at every model call, and {target.name} is only seen turn by turn"
    if patch.facts.repeats and not target.capabilities.is_repeatable:
        return f"a {patch.kind} asks twice, and {target.name} is not declared repeatable"
    return ""


def apply(target: T, patch: Patch, ask: Reviewer = nobody) -> T:
    """Return ``target`` with ``patch`` around its seam, outermost. Raises ``NotApplicable``."""
    reason = why_not(target, patch)
    if reason:
        raise NotApplicable(f"patch: {reason}")
    return target.around(PatchLayer(patch, ask))
