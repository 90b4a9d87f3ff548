"""Text predicates that checks and guardrails share, so that what is judged is what is filtered."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterator

_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{12,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){6,}")
_SHORTEST = 5


def squeeze(text: str) -> str:
    """Return only the letters and digits of ``text``, compatibility-normalised and case-folded."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _decoded(text: str) -> Iterator[str]:
    for match in _BLOB.finditer(text):
        blob = match.group().replace("-", "+").replace("_", "/")
        try:
            yield base64.b64decode(blob + "=" * (-len(blob) % 4), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            continue
    for match in _HEX.finditer(text):
        try:
            yield bytes.fromhex(re.sub(r"[ :]", "", match.group())).decode("utf-8")
        except (UnicodeDecodeError, ValueError):
            continue


def tells(text: str, secret: str) -> bool:
    """Say whether ``text`` tells ``secret``: as it is, spaced out, re-cased, reversed, in rot13, base64 or hex.

    Secrets of fewer than five letters and digits are only looked for as they are.
    """
    if secret in text:
        return True
    wanted = squeeze(secret)
    if len(wanted) < _SHORTEST:
        return False
    plain = squeeze(text)
    if wanted in plain or wanted in plain[::-1] or wanted in squeeze(codecs.encode(text, "rot13")):
        return True
    return any(wanted in squeeze(piece) for piece in _decoded(text))
