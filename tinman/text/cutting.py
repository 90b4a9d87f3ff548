"""Texts cut to a size without losing their end, and secrets taken out of them."""

from __future__ import annotations

import re

_SECRETS = re.compile(
    r"\bsk-[A-Za-z0-9_-]{16,}"
    r"|\b(?:ghp|gho|ghs|github_pat)_[A-Za-z0-9_]{20,}"
    r"|\bxox[abpr]-[A-Za-z0-9-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bBearer\s+[A-Za-z0-9._~+/=-]{16,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)


def head_and_tail(text: str, width: int) -> str:
    """Return at most ``width`` characters of ``text``: a third from its head, the rest from its tail, the cut named.

    What failed and how a command ended stand at the end of its output.
    """
    if len(text) <= width:
        return text
    mark = f"\n[... {len(text) - width} characters and more left out ...]\n"
    if width <= 2 * len(mark):
        return text[: max(0, width - 1)] + "…"[:width]
    room = width - len(mark)
    head = room // 3
    return text[:head] + mark + text[len(text) - (room - head) :]


def whole(text: str) -> str:
    """Return ``text`` with lone surrogates replaced, so that it can be written as UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def without_secrets(text: str) -> str:
    """Return ``text`` with what looks like a key, token or private key replaced."""
    if not (
        "sk-" in text
        or "gh" in text
        or "github_pat_" in text
        or "xox" in text
        or "AKIA" in text
        or "Bearer" in text
        or "eyJ" in text
        or "-----BEGIN" in text
    ):
        return text  # nearly every text: eight plain searches cost a tenth of the pattern
    return _SECRETS.sub("[redacted]", text)
