"""Every error that Tinman raises for its users, in one tree, each with the exit code it ends the command line with.

What one module raises only to catch it itself stands in that module. The code in brackets is the class's ``exit_code``,
2 where none is named.

::

    TinmanError
    ├── ConfigError              a setting, profile or name is missing or malformed
    ├── DefinitionError          a scenario, design or patch that cannot be run as written
    │   ├── UnsupportedTypeError a tool's parameter that no JSON schema can describe
    │   └── PatternTooSlow       a regular expression that found no end in a text
    ├── NotFound                 an id or label that the store does not hold
    ├── Stopped                  a stop was asked for, and there is work left that is not stored
    ├── ModeRefused              the operating mode does not allow the action
    ├── BudgetExhausted          a reservation does not fit under a ceiling                (exit 4)
    ├── ProviderError            a model's provider did not give a usable reply            (exit 7)
    │   ├── KeyRefused           401 or 403                                                (exit 7)
    │   ├── RequestRefused       another 4xx: no such model, or a wrong request
    │   │   └── FormRefused      a form the server does not take; the next attempt goes without it
    │   ├── RateLimited          429, with the provider's own waiting time                 (exit 7)
    │   ├── ProviderUnavailable  5xx, refused or broken connection                         (exit 7)
    │   ├── ProviderTimeout      no reply within the attempt's deadline                    (exit 7)
    │   ├── GarbledReply         a reply that is not what the protocol promises
    │   └── ModelRaised          a model of the user's own raised
    ├── TargetError              the system under test crashed or answered in no usable form
    │   ├── TurnBroken           one turn of an adapter went wrong; carries what was seen of it
    │   ├── TraceCaptureError    the tool calls of a turn cannot be known
    │   └── WorkerDied           an adapter's process ended, or garbled its channel, instead of answering
    ├── ChildDied                the process of an isolated tool ended without an answer
    ├── ReasonerFailed           no valid structured answer after the repairs
    ├── NotApplicable            a patch that this target's seam cannot carry
    ├── LoopError                a loop that cannot be started, read or resumed as asked
    │   ├── LoopConfigError      its arguments do not fit, or do not fit what is stored
    │   │   ├── SchemaChangedError   other tools than when the state was saved
    │   │   ├── ArtifactDriftError   stored summaries were made another way
    │   │   └── PolicyChangedError   other policies than when the state was saved
    │   ├── LoopStateError       a state that cannot be read or trusted
    │   ├── JudgeChanged         what judges a repository was altered while a loop worked in it
    │   ├── LoopOwned            another resume of the same loop is running
    │   └── NestedLoopError      a loop inside a loop, without a share of its budget
    ├── ApprovalError
    │   ├── AwaitingApproval     nobody has answered yet; carries the approval's id        (exit 5)
    │   └── ApprovalDenied       somebody, or silence, said no                             (exit 6)
    └── StoreError               the database cannot be opened or trusted
        ├── StoreTooNew          written by a newer Tinman
        ├── StoreCorrupt         SQLite says the file is damaged
        ├── RowRefused           the database refused a row: a missing end of an edge, a key used twice
        ├── Unproven             a stored decision that the audit chain does not know
        ├── CycleOwned           another live process runs this cycle
        ├── Unresolved           a step that must not happen twice was begun, and may have happened
        └── Diverged             a resumed step was asked with other inputs than the stored one

Messages are one line: the thing, the place, the remedy.
"""

from __future__ import annotations

from typing import ClassVar


class Exit:
    """The exit codes. The first that holds: 143/130, 1, 2, 7, 10, 4, 5, 6, 3, 0.

    ``scenarios run`` and ``confirm`` use four of them in their own sense: 0 passed, 1 failed, 2 not measured, 3 passed
    in part or provisionally.
    """

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    INCOMPLETE = 3
    LIMIT = 4
    AWAITING = 5
    DENIED = 6
    PROVIDER = 7
    FOUND = 10
    INTERRUPTED = 130
    TERMINATED = 143


class TinmanError(Exception):
    """Base of every deliberate error."""

    exit_code: ClassVar[int] = Exit.USAGE


class ConfigError(TinmanError):
    """Raised when a setting, profile, target or reasoner cannot be understood."""


class DefinitionError(TinmanError):
    """Raised when a scenario, check, design or patch is malformed."""


class UnsupportedTypeError(DefinitionError, TypeError):
    """Raised when a tool is registered whose parameters have no hint, or one that JSON cannot carry."""


class PatternTooSlow(DefinitionError):
    """Raised when a regular expression does not come to an end in a text within ``seconds``: nothing is decided."""

    def __init__(self, pattern: str, *, seconds: float, length: int) -> None:
        super().__init__(
            f"the expression /{pattern}/ came to no end within {seconds:g} s in a text of {length} characters;"
            " write it without repeats inside repeats"
        )


class NotFound(TinmanError):
    """Raised when an id or label names nothing in the store."""


class Stopped(TinmanError):
    """Raised when a stop was asked for and there is work left that is not in the journal."""


class ModeRefused(TinmanError):
    """Raised when the operating mode forbids what was asked."""


_FORMS = {"usd": ",.4f", "seconds": "g"}


class BudgetExhausted(TinmanError):
    """Raised when a reservation does not fit and nothing in flight could make room.

    ``limit`` names the ceiling (``calls``, ``tokens``, ``usd``, ``seconds``), ``ceiling`` its size, ``used`` what is
    spent, ``needed`` the most that the next call may need.
    """

    exit_code = Exit.LIMIT

    def __init__(self, limit: str, *, ceiling: float, used: float, needed: float | None = None) -> None:
        form = _FORMS.get(limit, ",.0f")
        need = f", the next call may need up to {needed:{form}}" if needed and limit != "calls" else ""
        super().__init__(
            f"budget: {limit} ceiling {ceiling:{form}} reached ({used:{form}} used{need}); raise it to go on"
        )
        self.limit = limit
        self.ceiling = ceiling
        self.used = used
        self.needed = needed


class ProviderError(TinmanError):
    """Raised when a provider did not give a usable reply.

    ``is_retryable`` says whether the same request may succeed later. ``is_billed`` says whether the
    provider may have charged for the attempt (it then counts as fully spent). ``retry_after_seconds`` is
    the provider's own word on when to come back, if it gave one.
    """

    exit_code = Exit.PROVIDER
    is_retryable = False
    is_billed = False

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class KeyRefused(ProviderError):
    """Raised on 401 and 403."""


class RequestRefused(ProviderError):
    """Raised on any other 4xx: sending it again would fail again."""

    exit_code = Exit.USAGE  # somebody answers, and what was named is no such model


class FormRefused(RequestRefused):
    """Raised when a server does not take a form of the request that it can do without; the next attempt has it not."""

    is_retryable = True


class RateLimited(ProviderError):
    """Raised on 429."""

    is_retryable = True


class ProviderUnavailable(ProviderError):
    """Raised on 5xx and on connections that are refused or break."""

    is_retryable = True


class ProviderTimeout(ProviderError):
    """Raised when an attempt's deadline passed."""

    is_retryable = True
    is_billed = True


class GarbledReply(ProviderError):
    """Raised when the reply is not JSON, is cut off, or lacks what the protocol promises."""

    exit_code = Exit.USAGE  # somebody answers, and is no such server
    is_retryable = True
    is_billed = True


class ModelRaised(ProviderError):
    """Raised when a callable that plays a model raised; the message names what, and where in whose code."""

    exit_code = Exit.USAGE


class TargetError(TinmanError):
    """Raised when the system under test crashed or gave nothing that can be judged."""


class TurnBroken(TargetError):
    """Raised when one turn of an adapter went wrong.

    ``traces`` are the tool calls seen until then, as data; ``capture_error`` says what is wrong with them, if anything.
    ``was_called`` is false when the target was never asked, because its calls could not have been traced.
    """

    def __init__(
        self,
        message: str,
        *,
        traces: tuple[dict[str, object], ...] = (),
        capture_error: str = "",
        was_called: bool = True,
    ) -> None:
        super().__init__(message)
        self.traces = traces
        self.capture_error = capture_error
        self.was_called = was_called


class TraceCaptureError(TargetError):
    """Raised when the tool calls of a turn cannot be known.

    ``is_garbled`` says that they were told, in a form nobody can read.
    """

    def __init__(self, message: str, *, is_garbled: bool = False) -> None:
        super().__init__(message)
        self.is_garbled = is_garbled


class WorkerDied(TargetError):
    """Raised when an adapter's process ended, or garbled its channel, instead of answering."""


class ChildDied(TinmanError, RuntimeError):
    """Raised when the process of an isolated tool ended without an answer."""


class ReasonerFailed(TinmanError):
    """Raised when the LLM backbone gave no valid answer in ``attempts``; ``was_refused`` if it would not give any."""

    def __init__(self, message: str, *, attempts: int = 0, was_refused: bool = False) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.was_refused = was_refused


class NotApplicable(TinmanError):
    """Raised when a patch needs something the target's seam does not offer."""


class LoopError(TinmanError):
    """Base of what the loop runtime refuses."""


class LoopConfigError(LoopError, ValueError):
    """Raised when a loop's arguments are malformed, or do not fit the state it is resumed from."""


class SchemaChangedError(LoopConfigError):
    """Raised when a loop is resumed with other tools than it was saved with."""


class ArtifactDriftError(LoopConfigError):
    """Raised when stored summaries were made by another engine version or summarizer."""


class PolicyChangedError(LoopConfigError):
    """Raised when a loop is resumed with other policies than it was saved with, none included."""


class LoopStateError(LoopError):
    """Raised when a stored loop is unreadable, altered, or of another schema version. It is never overwritten.

    ``is_state_whole`` says that the state itself can be gone on from: what failed is something beside it.
    """

    is_state_whole = False


class JudgeChanged(LoopError):
    """Raised when tests, settings or the test runner are not what they were when a loop began to work for them."""


class LoopOwned(LoopError):
    """Raised when another run or resume of the same stored loop is going on, here or in another process."""


class NestedLoopError(LoopError, RuntimeError):
    """Raised when a loop starts inside another's tool, observe or model without a share of its budget."""


class ApprovalError(TinmanError):
    """Base of what the approval gate raises."""


class AwaitingApproval(ApprovalError):
    """Raised when the answer is still open; ``approval_id`` names the row."""

    exit_code = Exit.AWAITING

    def __init__(self, approval_id: str, what: str) -> None:
        super().__init__(f"{what} waits for approval {approval_id}")
        self.approval_id = approval_id


class ApprovalDenied(ApprovalError):
    """Raised when the answer is no; ``reason`` says whose."""

    exit_code = Exit.DENIED

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} was denied: {reason}")
        self.reason = reason


class StoreError(TinmanError):
    """Raised when the database cannot be opened, written or trusted."""


class StoreTooNew(StoreError):
    """Raised when the database was migrated by a newer Tinman."""


class StoreCorrupt(StoreError):
    """Raised when the file is not a sound SQLite database. It is never overwritten."""


class RowRefused(StoreError):
    """Raised when the database refuses a row itself (an edge to a node that is not there, a key used twice)."""


class Unproven(StoreError):
    """Raised when a stored decision has no line in the audit chain, or the chain itself was altered."""


class CycleOwned(StoreError):
    """Raised when another live process holds the cycle's lease."""


class Unresolved(StoreError):
    """Raised when a ``step_once`` was begun before and nobody knows whether it happened.

    ``key`` names the step, ``planned`` is what was about to be done; ``Runtime.resolve`` settles it.
    """

    def __init__(self, key: str, planned: object) -> None:
        name = getattr(planned, "label", "") or getattr(planned, "id", "")
        super().__init__(
            f"step {key}: {name or 'it'} was begun and may or may not have happened; look, then resolve it"
        )
        self.key = key
        self.planned = planned


class Diverged(StoreError):
    """Raised when a stored step is asked for again with other inputs."""
