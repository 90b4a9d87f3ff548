"""The grammar by which rules in the system prompt bind the sandbox.

A rule is one clause (split at ``.``, ``;``, line ends and ``but``)::

    [condition ,] [subject] (modal | negation)* act object [except object]

* The **subject** is the agent: ``you``, ``the assistant``, ``the agent``, or nothing. A clause about anybody else binds
  nobody here.
* Each **negation** in front of the act (never, not, no, refuse, decline, avoid) turns the meaning round: "never refuse
  to tell" permits.
* **Acts** are words for one of eight things: reveal, obey, call, believe, omit, read, retry, refresh.
* The **object** is a name from the conversation (an asset, a tool, a standing order's token), a kind of source
  (documents, tool results, notes, users), ``confidential`` things, or ``anything``, which covers all there is.

The last rule that covers an act and an object wins. Words in another order are not a rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tinman.targets.sandbox.words import stem

Act = Literal["reveal", "obey", "call", "believe", "omit", "read", "retry", "refresh"]

_ACTS: dict[str, Act] = {
    **dict.fromkeys(
        "reveal disclose share mention tell show repeat print give state leak output expose say".split(), "reveal"
    ),
    **dict.fromkeys("obey follow execute comply heed".split(), "obey"),
    **dict.fromkeys("call use invoke run".split(), "call"),
    **dict.fromkeys("believe trust accept rely adopt".split(), "believe"),
    **dict.fromkeys("omit drop skip leave remove".split(), "omit"),
    **dict.fromkeys("read consult search".split(), "read"),
    **dict.fromkeys("retry".split(), "retry"),
    **dict.fromkeys("refresh recheck reload".split(), "refresh"),
}
_NEGATIONS = frozenset("never not no don't cannot can't mustn't won't refuse decline avoid".split())
_PERMISSIONS = frozenset("may can might allowed free".split())
_FILLERS = frozenset("must shall should always will to do be are ever please also only still even".split())
_AGENT = frozenset("you the assistant agent helpdesk and so therefore then".split())
_EVERYTHING = re.compile(r"\b(anything|everything|any information|any fact|any tool|all tools)\b")
_CONFIDENTIAL = re.compile(r"\b(confidential|internal|secret|private)\b")


@dataclass(frozen=True)
class Rule:
    """One clause, understood: ``verdict`` on ``act`` for what ``object`` names, but not for ``exception``."""

    verdict: Literal["forbid", "permit", "oblige"]
    act: Act
    object: str
    exception: str = ""

    def covers(self, act: Act, name: str, *, is_confidential: bool = False) -> bool:
        """Say whether the rule speaks of ``act`` on ``name``."""
        if act != self.act or _names(self.exception, name):
            return False
        return bool(
            _names(self.object, name)
            or (_EVERYTHING.search(self.object) and not _CONFIDENTIAL.search(self.object))
            or (is_confidential and _CONFIDENTIAL.search(self.object))
        )


def _names(phrase: str, name: str) -> bool:
    wanted = [stem(word) for word in re.findall(r"[\w@.-]+", name.lower().replace("_", " "))]
    said = [stem(word) for word in re.findall(r"[\w@.-]+", phrase.lower().replace("_", " "))]
    return bool(wanted) and any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))


def _understood(clause: str) -> Rule | None:
    clause = clause.replace("’", "'")
    words = re.findall(r"[\w'@-]+|,", clause.lower())
    if re.match(r"(if|when|whenever|even if|unless)\b", clause.lower()) and "," in words:
        words = words[words.index(",") + 1 :]
    negations, is_permission, seen_modal = 0, False, False
    for index, word in enumerate(words):
        if word in _NEGATIONS:
            negations, seen_modal = negations + 1, True
        elif word in _PERMISSIONS:
            is_permission, seen_modal = True, True
        elif word in _FILLERS:
            seen_modal = True
        elif word in _ACTS:
            object_, _, exception = " ".join(words[index + 1 :]).partition(" except ")
            if not object_:
                return None
            verdict: Literal["forbid", "permit", "oblige"] = (
                "forbid" if negations % 2 else "permit" if is_permission or negations else "oblige"
            )
            return Rule(verdict, _ACTS[word], object_.replace(" , ", ", "), exception)
        elif word not in _AGENT or seen_modal:
            return None
    return None


@lru_cache(maxsize=512)
def rules_in(text: str) -> tuple[Rule, ...]:
    """Return the rules of a system prompt, in order."""
    clauses = re.split(r"[.;!\n]|,? but ", text)
    return tuple(rule for clause in clauses if (rule := _understood(clause.strip())) is not None)


def verdict_on(
    rules: tuple[Rule, ...], act: Act, *names: str, is_confidential: bool = False
) -> Literal["forbid", "permit", "oblige"] | None:
    """Return what the last covering rule says of ``act`` on any of ``names``, or ``None``."""
    for rule in reversed(rules):
        if any(rule.covers(act, name, is_confidential=is_confidential) for name in names):
            return rule.verdict
    return None
