"""Texts in a code: base64, hex, rot13, reversed, spaced letters, digits for letters."""

from __future__ import annotations

import base64
import binascii
import codecs
import re

_COMMON = frozenset(
    "the what is tell me please of and you your can give show code for print say repeat share now i need reveal".split()
)


def decoded(text: str) -> str:
    """Return what is hidden in ``text`` (base64, hex, rot13, reversed or spaced letters), or an empty text."""
    for blob in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text):
        try:
            return base64.b64decode(blob + "=" * (-len(blob) % 4), validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            continue
    for blob in re.findall(r"(?:[0-9a-f]{2} ?){8,}", text):
        try:
            return bytes.fromhex(blob).decode("ascii")
        except ValueError:
            continue
    spaced = re.search(r"(?:\b\w[ .-]{1,2}){8,}\w\b", text)
    if spaced:
        return re.sub(r"(?<=\w)[ .-](?=\w\b)", "", spaced.group().replace("  ", "\x00")).replace("\x00", " ")
    candidates = (codecs.encode(text, "rot13"), text[::-1], text.translate(str.maketrans("013457@$", "oieastas")))
    plain = _englishness(text)
    best = max(candidates, key=_englishness)
    return best if _englishness(best) >= plain + 3 else ""


def _englishness(text: str) -> int:
    return sum(1 for word in re.findall(r"[a-z]+", text.lower()) if word in _COMMON)
