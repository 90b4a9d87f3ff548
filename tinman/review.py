"""The protocol between whoever wants something consequential done and whoever may allow it."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from pydantic import Field

from tinman.config.modes import Mode
from tinman.frozen import digest, frozen
from tinman.taxonomy import RiskTier

ActionKind = Literal["experiment", "simulation", "deployment", "tool"]


@frozen
class Action:
    """What is to be done, as a reviewer sees it. The digest covers every field, so another plan is another question."""

    kind: ActionKind
    what: str
    mode: Mode
    tier: RiskTier
    details: dict[str, Any] = Field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Names exactly what was asked."""
        return digest([self.kind, self.what, self.mode.value, self.tier.value, self.details])


@frozen
class Decision:
    """The answer. ``by`` is a name for the record; it is not verified here."""

    approved: bool
    reason: str
    by: str


class Reviewer(Protocol):
    """Somebody who can be asked now."""

    async def decide(self, action: Action) -> Decision:
        """Answer. Whatever is raised, and silence past the handler's deadline, means no."""
        ...
