"""What looks like a key, a token or a password, taken out of logs, traces, stored state and reports alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

GONE = "[redacted]"
_SHORTEST_KNOWN = 8
_SHAPES = re.compile(
    r"\bsk-[A-Za-z0-9_-]{16,}"
    r"|\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{20,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\b(?i:bearer)\s+[A-Za-z0-9._~+/=-]{16,}"
    r"|\bey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^/\s:@]{1,100}:[^/\s@]{1,200}(?=@)"
)
_MARKS = (
    "sk-",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "xox",
    "AKIA",
    "ASIA",
    ".ey",
    "-----BEGIN",
    "://",
)


def without_secrets(text: str) -> str:
    """Return ``text`` with what looks like a key, a token, a private key or a URL's password replaced."""
    # Nearly every text holds none of the marks, and plain searches cost a tenth of the pattern.
    if any(mark in text for mark in _MARKS) or "bearer" in text.lower():
        return _SHAPES.sub(GONE, text)
    return text


def redaction_of(known: Iterable[str]) -> Callable[[str], str]:
    """Return ``without_secrets`` that replaces the ``known`` secrets, too; those of fewer than 8 characters are not."""
    longest_first = sorted({one for one in known if len(one) >= _SHORTEST_KNOWN}, key=lambda one: (-len(one), one))
    if not longest_first:
        return without_secrets
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return lambda text: without_secrets(pattern.sub(GONE, text))
