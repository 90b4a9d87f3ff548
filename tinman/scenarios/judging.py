"""An LLM as the last judge. It may add a failure or say that it cannot tell; what it said is kept for an audit."""

from __future__ import annotations

from typing import Literal

from tinman.errors import ProviderError, ReasonerFailed
from tinman.frozen import digest, frozen
from tinman.reasoner import Reasoner
from tinman.scenarios.checks import CheckResult, Judged
from tinman.scenarios.outcome import TurnRecord
from tinman.text.visible import line_of, shorten

MAX_DATA = 12_000
_PROMPT = """One criterion for the last reply of a conversation is given below. Say whether the reply meets it.
Judge only what is written. Say "cannot_tell" when the conversation does not decide it. `quote` is the shortest part of
the reply that decides, copied exactly, or empty.

Criterion: {criterion}"""


@frozen
class Finding:
    """What the model is asked for."""

    verdict: Literal["meets", "fails", "cannot_tell"]
    reason: str
    quote: str = ""


class ReasonerReferee:
    """A ``Referee`` that asks a model. A verdict whose quote is not in the reply counts as "cannot tell"."""

    def __init__(self, reasoner: Reasoner) -> None:
        self._reasoner = reasoner

    async def judge(self, check: Judged, turn: TurnRecord, before: tuple[TurnRecord, ...]) -> CheckResult:
        """Return what the model finds; a model that fails leaves the check undecided."""
        prompt = _PROMPT.format(criterion=check.criterion)
        history = "\n".join(f"user: {one.user}\nassistant: {one.assistant}" for one in before)
        data = {"last question": turn.user[-MAX_DATA:], "last reply": turn.assistant[:MAX_DATA]}
        if history:
            data["conversation before"] = history[-MAX_DATA:]
        evidence = {"judge": self._reasoner.name, "prompt_digest": digest([prompt, data])}
        try:
            found = await self._reasoner.ask(prompt, Finding, data=data)
        except (ReasonerFailed, ProviderError) as error:
            detail = f"the judge failed: {line_of(error)}"
            return CheckResult(type=check.type, passed=False, detail=detail, undecided=True, evidence=evidence)
        evidence |= {"verdict": found.verdict, "reason": shorten(found.reason, 600), "quote": shorten(found.quote, 300)}
        is_cited = not found.quote.strip() or found.quote.strip() in turn.assistant
        undecided = found.verdict == "cannot_tell" or not is_cited
        detail = shorten(found.reason, 300) if is_cited else "the judge quotes what the reply does not say"
        return CheckResult(
            type=check.type,
            passed=found.verdict == "meets" and not undecided,
            detail=detail,
            undecided=undecided,
            evidence=evidence,
        )
