"""What is taken out, and cut, before a report touches the disk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from tinman.text.cutting import two_ends
from tinman.text.secrets import GONE, redaction_of

MAX_TEXT = 32_000
MAX_ITEMS = 2_000
MAX_DEPTH = 40
_NAMES = re.compile(
    r"(?:.*[_-])?(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|authorization|cookie|credentials?|private[_-]?key)s?\Z",
    re.IGNORECASE,
)
_IDS = frozenset(
    {"scenario_id", "failed_scenario_ids", "scenario_ids", "scenario_filter", "rerun_failed_scenario_ids", "binding"}
)


def cap(text: str, limit: int = MAX_TEXT) -> str:
    """Return ``text``, or its two ends with how much is missing between them and the digest of the whole."""
    if len(text) <= limit:
        return text
    whole = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return two_ends(text, limit, f"characters cut, sha256 of all {whole}")


class Redactor:
    """Takes known secrets, and what looks like one, out of texts and out of JSON data.

    A text under a member whose name speaks of a secret goes, whatever it looks like. Ids of scenarios, and the
    binding made of them, stay as they are: a report has to name what to run again.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.text = redaction_of(secrets)
        """Returns a text without secrets."""

    def data(self, value: Any, *, depth: int = 0) -> Any:
        """Return JSON data without secrets, long texts and lists cut."""
        if isinstance(value, str):
            return cap(self.text(value))
        if depth > MAX_DEPTH:
            return "[nested too deeply]"
        if isinstance(value, dict):
            return {self.text(str(name)): self._member(str(name), item, depth) for name, item in value.items()}
        if isinstance(value, list | tuple):
            kept = [self.data(item, depth=depth + 1) for item in value[:MAX_ITEMS]]
            return [*kept, f"[... {len(value) - MAX_ITEMS} more ...]"] if len(value) > MAX_ITEMS else kept
        if value is None or isinstance(value, bool | int | float):
            return value
        return cap(self.text(repr(value)))

    def _member(self, name: str, value: Any, depth: int) -> Any:
        if name in _IDS:
            return value
        if isinstance(value, str) and value and _NAMES.match(name):
            return GONE
        return self.data(value, depth=depth + 1)
