"""What is taken out, and cut, before a report touches the disk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

MAX_TEXT = 32_000
MAX_ITEMS = 2_000
MAX_DEPTH = 40
GONE = "[redacted]"
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\bsk-[A-Za-z0-9_-]{16,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|\bey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{16,}"
    r"|(?<=://)[^/\s:@]{1,100}:[^/\s@]{1,200}(?=@)",
    re.DOTALL,
)
_NAMES = re.compile(
    r"(?:.*[_-])?(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|authorization|cookie|credentials?|private[_-]?key)s?\Z",
    re.IGNORECASE,
)
_IDS = frozenset(
    {"scenario_id", "failed_scenario_ids", "scenario_ids", "scenario_filter", "rerun_failed_scenario_ids", "binding"}
)


def capped(text: str, limit: int = MAX_TEXT) -> str:
    """Return ``text``, or its two ends with how much is missing between them and the digest of the whole."""
    if len(text) <= limit:
        return text
    half = limit // 2
    whole = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters cut, sha256 of all {whole} ...]\n{text[-half:]}"


class Redactor:
    """Takes known secrets, and what looks like one, out of texts and out of JSON data.

    A text under a member whose name speaks of a secret goes, whatever it looks like. Ids of scenarios, and the
    binding made of them, stay as they are: a report has to name what to run again.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        longest_first = sorted({secret for secret in secrets if len(secret) >= 8}, key=lambda one: (-len(one), one))
        self._known = re.compile("|".join(re.escape(secret) for secret in longest_first)) if longest_first else None

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        if self._known is not None:
            text = self._known.sub(GONE, text)
        return _SHAPES.sub(GONE, text)

    def data(self, value: Any, *, depth: int = 0) -> Any:
        """Return JSON data without secrets, long texts and lists cut."""
        if isinstance(value, str):
            return capped(self.text(value))
        if depth > MAX_DEPTH:
            return "[nested too deeply]"
        if isinstance(value, dict):
            return {self.text(str(name)): self._member(str(name), item, depth) for name, item in value.items()}
        if isinstance(value, list | tuple):
            kept = [self.data(item, depth=depth + 1) for item in value[:MAX_ITEMS]]
            return [*kept, f"[... {len(value) - MAX_ITEMS} more ...]"] if len(value) > MAX_ITEMS else kept
        if value is None or isinstance(value, bool | int | float):
            return value
        return capped(self.text(repr(value)))

    def _member(self, name: str, value: Any, depth: int) -> Any:
        if name in _IDS:
            return value
        if isinstance(value, str) and value and _NAMES.match(name):
            return GONE
        return self.data(value, depth=depth + 1)
