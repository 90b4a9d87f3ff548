"""People and programs that can be asked: the same for cycles and for loops."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any, TextIO

from tinman.errors import AwaitingApproval
from tinman.processes.threads import call
from tinman.review import ApprovalRequest, Decision, plain
from tinman.text.visible import shorten, visible

MOST_CHARACTERS = 20_000
MOST_LINES = 400
_BLANKS = re.compile(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]{9,}|\t")


class BaseReviewer:
    """What reviewers share: how long they may take. Subclass it and override ``decide``."""

    ttl_s: float | None = None
    """How long a question stays open, where an answer may come later."""
    timeout_s: float | None = None
    """How long an answer may take; silence is a no. ``None``: as long as whoever asks allows."""
    is_headless = False
    """Whether nobody is there to answer now, so that the question has to be stored."""

    async def decide(self, request: ApprovalRequest) -> Decision:
        """See ``tinman.review.Reviewer``."""
        raise NotImplementedError(f"{type(self).__name__} has to ask somebody: override decide()")

    @property
    def signature(self) -> str:
        """The name under which its answers are recorded."""
        return f"{type(self).__name__} (unverified)"


class TerminalReviewer(BaseReviewer):
    """Asks on a terminal. Only ``y`` or ``yes`` approves; anything else, and the end of input, is a no.

    Every argument is shown whole before an answer is taken: line ends as ``⏎``, long blanks by their number, hidden
    characters spelled out. What is longer than ``MOST_CHARACTERS`` or ``MOST_LINES`` is denied without an answer.
    """

    def __init__(self, stdin: TextIO | None = None, stderr: TextIO | None = None) -> None:
        self._stdin = stdin
        self._stderr = stderr

    async def decide(self, request: ApprovalRequest) -> Decision:
        """Print the action, wait for one line in a daemon thread that is abandoned on cancellation."""
        out, into = self._stderr or sys.stderr, self._stdin or sys.stdin
        action = request.action
        lines = _shown("Approve?", f"{request.reason}: {request.tool}")
        for name, value in request.args.items():
            lines += [f"  {line}" for line in _shown(f"{visible(name, keep_newlines=False)}:", value)]
        lines += [f"  tier {action.tier}, digest {action.digest}"]
        size = sum(map(len, lines))
        if size > MOST_CHARACTERS or len(lines) > MOST_LINES:
            what = f"{size:,} characters in {len(lines):,} lines are too much to be read on a terminal"
            out.write(f"Not asked about {shorten(request.tool, 200)}: {what}\n")
            return request.answer(approved=False, reason=f"{what}; answer elsewhere", by=self.signature)
        out.write("\n".join(lines) + "\n[y/N] ")
        out.flush()
        typed = await call(into.readline)
        approved = typed.strip().lower() in {"y", "yes"}
        return request.answer(approved=approved, reason="answered on the terminal", by=self.signature)


def _shown(name: str, value: object) -> list[str]:
    """Return a value as lines, whole: text as it is, each of its lines marked, anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False, default=str)
    *lines, last = re.split(r"\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]", text)
    spelled = [_BLANKS.sub(_counted, visible(line)) for line in (*(f"{line}⏎" for line in lines), last)]
    return [f"{name} {spelled[0]}"] if not lines else [name, *(f"  | {line}" for line in spelled)]


def _counted(blanks: re.Match[str]) -> str:
    return f"<{len(blanks[0])} blanks>"


class CallbackReviewer(BaseReviewer):
    """Asks a function, sync or async; only ``True`` itself approves. False, an exception or silence is a no."""

    def __init__(self, fn: Callable[[ApprovalRequest], Any], timeout_s: float = 60.0) -> None:
        self.fn = fn
        self.timeout_s = timeout_s

    async def decide(self, request: ApprovalRequest) -> Decision:
        """Return what the function answers; a synchronous one runs in a daemon thread."""
        approved = await call(self.fn, request) is True
        return request.answer(approved=approved, reason="the callback's answer", by=self.signature)


class HeadlessReviewer(BaseReviewer):
    """Nobody is there: whoever asks ends, and is resumed with the answer."""

    is_headless = True

    def __init__(self, ttl_s: float = 3600.0) -> None:
        self.ttl_s = ttl_s

    async def decide(self, request: ApprovalRequest) -> Decision:
        """Raise ``AwaitingApproval``: later."""
        raise AwaitingApproval(request.action_hash, request.tool)
