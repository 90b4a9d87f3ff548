"""Words as the sandbox compares them: without endings, without those that carry no meaning."""

from __future__ import annotations

import re
from functools import lru_cache

_STOP = frozenset(
    "the a an of for to in on at by is are was be and or our your my me i you we us it that this these those what "
    "which who how when where please tell give can could would do does did as with from about so just now today "
    "current currently exactly need know want let hello hi thanks answer question customer there here will have has "
    "if".split()
)
_SENTENCES = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+|\n+")


@lru_cache(maxsize=4096)
def content_words(text: str) -> frozenset[str]:
    """Return the words that carry meaning, lower-case, without plural or verb endings."""
    words = re.findall(r"[a-z0-9@][a-z0-9@'.-]*[a-z0-9]|[a-z0-9]", text.lower().replace("_", " "))
    return frozenset(stem(word.removesuffix("'s")) for word in words if word not in _STOP)


def stem(word: str) -> str:
    """Return ``word`` without a common English ending."""
    for ending in ("ing", "ies", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            break
    return word.rstrip("e") if len(word) > 4 else word


def shared(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """Return which of ``some`` occur among ``others``, be it in another form (delivery, deliveries, delivered)."""
    return frozenset(word for word in some if word in others or any(_is_kin(word, other) for other in others))


def _is_kin(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if short.isalpha() and len(short) >= 5 and long[: len(short) - 1] == short[:-1] and len(long) - len(short) <= 3:
        return True
    return len(short) >= 3 and long in (short + "s", short + "es")


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text``."""
    return [piece.strip() for piece in _SENTENCES.split(text) if piece.strip()]
