"""What looks like a key, a token or a password, taken out of logs, traces, stored state and reports alike.

What is declared a secret is taken out in every disguise in which it would be noticed as told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from tinman.text.matching import squeeze, tells

GONE, STARS = "[redacted]", "***"
_SHORTEST_KNOWN = 8
_SHORTEST_DECLARED = 4
_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s]*@")
_DATABASE_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):\S*@")
_KEYS = (
    r"\bsk-[A-Za-z0-9_-]{16,}"
    r"|\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{20,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\b(?i:bearer)\s+[A-Za-z0-9._~+/=-]{16,}"
    r"|\bey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bAIza[A-Za-z0-9_-]{35}"
    r"|\b(?:hf|npm)_[A-Za-z0-9]{30,}"
    r"|\b[sr]k_live_[A-Za-z0-9]{16,}"
)
_SHAPES = re.compile(_KEYS + r"|(?<=://)[^/\s:@]{0,100}:[^/\s]{1,200}(?=@)")
_SHAPES_BUT_ADDRESSES = re.compile(_KEYS)


def without_secrets(text: str) -> str:
    """Return ``text`` with what looks like a key, a token, a private key or a URL's password replaced."""
    if (
        "sk-" in text
        or "gh" in text
        or "github_pat_" in text
        or "xox" in text
        or "AKIA" in text
        or "ASIA" in text
        or "glpat-" in text
        or "AIza" in text
        or "hf_" in text
        or "npm_" in text
        or "k_live_" in text
        or ".ey" in text
        or "-----BEGIN" in text
        or "://" in text
        or "bearer" in text.lower()
    ):
        return _SHAPES.sub(GONE, text)
    return text  # nearly every text: plain searches, each at C speed, cost a tenth of the pattern


def redaction_of(known: Iterable[str]) -> Callable[[str], str]:
    """Return ``without_secrets`` that replaces the ``known`` secrets, too; those of fewer than 8 characters are not."""
    return _exact(frozenset(one for one in known if len(one) >= _SHORTEST_KNOWN))


@lru_cache(maxsize=64)
def _exact(known: frozenset[str]) -> Callable[[str], str]:
    if not known:
        return without_secrets
    longest_first = sorted(known, key=lambda one: (-len(one), one))
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return lambda text: without_secrets(pattern.sub(GONE, text))


def hiding(declared: Iterable[str], known: Iterable[str] = ()) -> Callable[[str], str]:
    """Return ``redaction_of(known)`` that leaves nothing behind by which a ``declared`` secret would be told.

    Spaced out, re-cased or cut by signs it is replaced where it stands; in any other disguise (reversed, encoded) its
    line is, and the whole text when it runs over lines. Declared ones of fewer than 4 characters are not looked for.
    """
    wanted = frozenset(one for one in declared if len(one) >= _SHORTEST_DECLARED)
    return _hiding(wanted, frozenset(known)) if wanted else redaction_of(known)


@lru_cache(maxsize=64)
def _hiding(declared: frozenset[str], known: frozenset[str]) -> Callable[[str], str]:
    exact = redaction_of(known)
    longest_first = sorted(declared, key=lambda one: (-len(one), one))
    pattern = re.compile("|".join(map(_loosely, longest_first)), re.IGNORECASE)

    def hide(text: str) -> str:
        text = exact(pattern.sub(GONE, text))
        for secret in longest_first:
            if tells(text, secret):
                text = "\n".join(GONE if tells(line, secret) else line for line in text.split("\n"))
                text = GONE if tells(text, secret) else text
        return text

    return hide


def _loosely(secret: str) -> str:
    """Return a pattern for a secret with whatever signs and blanks between its letters and digits."""
    letters = squeeze(secret)
    if len(letters) < _SHORTEST_DECLARED + 1:
        return re.escape(secret)
    return re.escape(secret) + "|" + r"[\W_]*".join(map(re.escape, letters))


def masked(text: str, *, is_database: bool = False) -> str:
    """Return ``text`` with the passwords in its addresses, and what looks like a key, as ``***``.

    ``is_database``: it is one address, whose password may hold anything.
    """
    shown = (_DATABASE_PASSWORD if is_database else _PASSWORD).sub(rf"\1:{STARS}@", text)
    return _SHAPES_BUT_ADDRESSES.sub(STARS, shown)
