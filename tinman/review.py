"""What is put before whoever may allow something consequential, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Protocol

from pydantic import Strict

from tinman import clock
from tinman.config.modes import Mode
from tinman.frozen import digest, dump, frozen
from tinman.taxonomy import RiskTier

ActionKind = Literal["experiment", "simulation", "deployment", "tool"]


@frozen
class ExperimentDetails:
    """Runs of an experiment. ``estimated_runs`` is the most there may be; a cost of ``None`` has no known price."""

    hypothesis: str
    estimated_runs: int
    estimated_cost_usd: float | None
    stress_type: str


@frozen
class SimulationDetails:
    """Replays for one failure: the digests of the patches that are tried, and the most runs that may take."""

    patches: tuple[str, ...]
    runs: int
    estimated_cost_usd: float | None


@frozen
class DeploymentDetails:
    """A patch on a target: where it acts, what lies beneath it, on what it was simulated."""

    patch: str
    seam: str
    beneath: tuple[str, ...]
    fingerprint: str
    simulation: str


@frozen
class ToolDetails:
    """A call of a tool in a loop. ``nonce`` makes every asking another question: no old answer is found for a new one.

    ``observation`` is the digest of what was observed before the call.
    """

    loop: str
    arguments: dict[str, Any]
    reason: str
    call: str
    state_version: int
    observation: str
    nonce: str


Details = ExperimentDetails | SimulationDetails | DeploymentDetails | ToolDetails
DETAILS: Mapping[ActionKind, type[Details]] = {
    "experiment": ExperimentDetails,
    "simulation": SimulationDetails,
    "deployment": DeploymentDetails,
    "tool": ToolDetails,
}
_KINDS: Mapping[type[Details], ActionKind] = {details: kind for kind, details in DETAILS.items()}


@frozen
class Action:
    """What is to be done, as a reviewer sees it. The digest covers every field, so another plan is another question."""

    what: str
    mode: Mode
    tier: RiskTier
    details: Details

    @property
    def kind(self) -> ActionKind:
        """What sort of action it is; its details say so."""
        return _KINDS[type(self.details)]

    @property
    def digest(self) -> str:
        """Names exactly what was asked."""
        return digest([self.kind, self.what, self.mode.value, self.tier.value, dump(self.details)])


@frozen
class Decision:
    """The answer to the action of this ``digest``. ``by`` is a name for the record; it is not verified here."""

    approved: Annotated[bool, Strict()]
    reason: str
    by: str
    digest: str


@frozen
class ApprovalRequest:
    """An action put before a reviewer, who may answer for ``ttl_s`` seconds from ``created_at`` on.

    Whoever holds the ``token`` may answer later; it is empty where answers are found otherwise. ``state_version`` is
    that of the loop that asks, 0 outside loops.
    """

    action: Action
    token: str = ""
    created_at: float
    ttl_s: float

    @classmethod
    def of(cls, action: Action, *, ttl_s: float, token: str = "") -> ApprovalRequest:
        """Return a request made now."""
        return cls(action=action, token=token, created_at=clock.now().timestamp(), ttl_s=ttl_s)

    @property
    def tool(self) -> str:
        """What is to be done: the tool's name, or the experiment's, the fixes'."""
        return self.action.what

    @property
    def args(self) -> Any:
        """The arguments, or what else is known of it, as a read-only copy: nothing done to it reaches the action."""
        details = self.action.details
        return read_only(details.arguments if isinstance(details, ToolDetails) else dump(details))

    @property
    def reason(self) -> str:
        """Why it is asked."""
        details = self.action.details
        return details.reason if isinstance(details, ToolDetails) else f"{self.action.kind} in {self.action.mode}"

    @property
    def action_hash(self) -> str:
        """The action's digest."""
        return self.action.digest

    @property
    def state_version(self) -> int:
        """The version of the loop's state it was asked in."""
        return self.action.details.state_version if isinstance(self.action.details, ToolDetails) else 0

    def answer(self, *, approved: bool, reason: str, by: str) -> Decision:
        """Return the answer to exactly this."""
        return Decision(approved=approved, reason=reason, by=by, digest=self.action.digest)


class Reviewer(Protocol):
    """Somebody who can be asked now."""

    async def decide(self, request: ApprovalRequest) -> Decision:
        """Answer, or raise ``AwaitingApproval`` for "later". Whatever else is raised, silence past the deadline, and an
        answer to another digest mean no."""


def read_only(value: Any) -> Any:
    """Return a read-only copy of plain JSON."""
    if isinstance(value, Mapping):
        return MappingProxyType({name: read_only(each) for name, each in value.items()})
    if isinstance(value, list | tuple):
        return tuple(read_only(each) for each in value)
    return value


def plain(value: Any) -> Any:
    """Return what ``read_only`` made as ``json.dumps`` takes it."""
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, tuple) else value
