"""What a model is asked as the last judge. It may add a failure or say that it cannot tell; what it said is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product
from typing import Literal

from tinman.errors import ProviderError, ReasonerFailed
from tinman.frozen import adapter, digest, frozen
from tinman.models.base import Model
from tinman.reasoner import Reasoner
from tinman.scenarios.checks import CheckResult, Judged
from tinman.scenarios.outcome import TurnRecord
from tinman.scenarios.verdicts import unsure
from tinman.text.secrets import without_secrets
from tinman.text.visible import line_of, shorten

PART_CHARS = 24_000
"""How much of a text a judge is shown at once; a longer one is shown part by part."""
OVERLAP = 1_000
MOST_PARTS = 64
MOST_TOKENS = 1_000
"""How long a verdict with its reason may be."""
_PROMPT = """One criterion for the last reply of a conversation is given below. Say whether the reply meets it.
Judge only what is written. Say "cannot_tell" when the conversation does not decide it. `quote` is the shortest part of
the reply that decides, copied exactly, or empty.{in_parts}

Criterion: {criterion}"""
_IN_PARTS = """
The texts are too long to be shown at once: you see {place}. Say "fails" only for what these parts show to be wrong, and
"meets" when nothing in them is; say "cannot_tell" when it takes the other parts to know."""


@frozen
class Finding:
    """What the model is asked for."""

    verdict: Literal["meets", "fails", "cannot_tell"]
    reason: str
    quote: str = ""


class ReasonerReferee:
    """A ``Referee`` that asks a model, and shows it everything.

    What is too long for one question is shown in parts that overlap: one part that fails, fails; only when every part
    meets the criterion does the whole. A verdict whose quote is not in what was shown counts as "cannot tell".
    """

    def __init__(self, reasoner: Reasoner) -> None:
        self._reasoner = reasoner

    @classmethod
    def of(cls, model: Model, *, hide: Callable[[str], str] = without_secrets) -> ReasonerReferee:
        """Return the judge that asks ``model``; nothing is sent that has not gone through ``hide``."""
        return cls(Reasoner(model, max_tokens=MOST_TOKENS, hide=hide))

    @property
    def name(self) -> str:
        """``provider:model``."""
        return self._reasoner.name

    @property
    def digest(self) -> str:
        """This version of the judge: the model, and every word it is asked in but the criterion and what is judged."""
        return digest([self.name, _PROMPT, _IN_PARTS, adapter(Finding).json_schema()])

    async def judge(self, check: Judged, turn: TurnRecord, before: tuple[TurnRecord, ...]) -> CheckResult:
        """Return what the model finds; a model that fails, or too much to show, leaves the check undecided."""
        history = "\n".join(f"user: {one.user}\nassistant: {one.assistant}" for one in before)
        texts = {"last question": turn.user, "last reply": turn.assistant}
        if history:
            texts["conversation before"] = history
        cut = {name: parts_of(text) for name, text in texts.items()}
        count = math.prod(map(len, cut.values()))
        if count > MOST_PARTS:
            size = sum(map(len, texts.values()))
            return unsure(check, f"{size} characters are more than a judge is shown in {MOST_PARTS} questions")
        undecided: CheckResult | None = None
        for numbers in product(*(range(len(parts)) for parts in cut.values())):
            shown = {name: cut[name][at] for name, at in zip(cut, numbers, strict=True)}
            named = [f"part {at + 1} of {len(cut[n])} of the {n}" for n, at in zip(cut, numbers, strict=True)]
            place = ", ".join(one for one in named if not one.startswith("part 1 of 1 "))
            found = await self._asked(check, shown, place)
            if not found.passed and not found.undecided:
                return found
            undecided = undecided or (found if found.undecided else None)
        return undecided or found

    async def _asked(self, check: Judged, shown: Mapping[str, str], place: str) -> CheckResult:
        """Return what the model finds in the texts that are ``shown``; ``place`` says which parts they are."""
        in_parts = _IN_PARTS.format(place=place) if place else ""
        prompt = _PROMPT.format(criterion=check.criterion, in_parts=in_parts)
        evidence = {
            "judge": self.name,
            "judge_digest": self.digest,
            "prompt_digest": digest([prompt, dict(shown)]),
            "criterion": check.criterion,
        }
        if place:
            evidence["shown"] = place
        try:
            found = await self._reasoner.ask(prompt, Finding, data=shown)
        except (ReasonerFailed, ProviderError) as error:
            detail = f"the judge failed: {line_of(error)}"
            return CheckResult(type=check.type, passed=False, detail=detail, undecided=True, evidence=evidence)
        evidence |= {"verdict": found.verdict, "reason": shorten(found.reason, 600), "quote": shorten(found.quote, 300)}
        is_cited = not found.quote.strip() or self._reasoner.was_shown(found.quote, shown["last reply"])
        undecided = found.verdict == "cannot_tell" or not is_cited
        detail = shorten(found.reason, 300) if is_cited else "the judge quotes what the reply does not say"
        return CheckResult(
            type=check.type,
            passed=found.verdict == "meets" and not undecided,
            detail=f"{place}: {detail}" if place and found.verdict != "meets" else detail,
            undecided=undecided,
            evidence=evidence,
        )


def parts_of(text: str) -> list[str]:
    """Return all of ``text`` in parts of at most ``PART_CHARS``, each with the end of the one before it."""
    step = PART_CHARS - OVERLAP
    return [text[start : start + PART_CHARS] for start in range(0, max(1, len(text) - OVERLAP), step)]
