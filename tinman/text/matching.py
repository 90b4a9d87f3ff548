"""Text predicates that checks and guardrails share, so that what is judged is what is filtered."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

_BLOB = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_HEX = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ :,]{0,2}){5,}")
_HEX_MARKS = re.compile(r"0x|\\x|[ :,]")
_NUMBERS = re.compile(r"(?:\b\d{1,6}\b[\s,;]{0,3}){5,}")
_ESCAPE = re.compile(r"\\+(?:u\{?([0-9a-fA-F]{4,6})\}?|x([0-9a-fA-F]{2})|U([0-9a-fA-F]{8})|([0-7]{3}))")
_SHORTEST = 5
_LAYERS = 3
_MOST_FORMS = 400


def squeeze(text: str) -> str:
    """Return only the letters and digits of ``text``, compatibility-normalised and case-folded."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _character(found: re.Match[str]) -> str:
    code = int(found[1] or found[2] or found[3] or "0", 16) if not found[4] else int(found[4], 8)
    return chr(code) if code <= 0x10FFFF else ""


def _unescaped(text: str) -> Iterator[str]:
    """Yield ``text`` with its escapes undone: of JSON and most languages, of URLs, of HTML."""
    if "\\" in text:
        yield _ESCAPE.sub(_character, text)
    if "%" in text:
        yield unquote(text, errors="ignore")
    if "&" in text:
        yield html.unescape(text)


def _decoded(text: str) -> Iterator[str]:
    """Yield what stands in ``text`` as base64 (cut off, or begun before, too), as hexadecimal, as numbers."""
    for match in _BLOB.finditer(text):
        blob = match.group().replace("-", "+").replace("_", "/")
        for start in range(4):
            whole = blob[start : start + (len(blob) - start) // 4 * 4]
            rest = blob[start + len(whole) :]
            padded = whole + (rest + "=" * (4 - len(rest)) if len(rest) > 1 else "")
            try:
                yield base64.b64decode(padded).decode("utf-8", "ignore")
            except binascii.Error:
                continue
    for match in _HEX.finditer(text):
        digits = _HEX_MARKS.sub("", match.group())
        yield bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("utf-8", "ignore")
    for match in _NUMBERS.finditer(text):
        codes = [int(digits) for digits in re.findall(r"\d+", match.group())]
        yield "".join(chr(code) for code in codes if code <= 0x10FFFF)


@lru_cache(8)
def _forms(text: str) -> tuple[str, ...]:
    """Return what ``text`` says without its escapes and codes, three of them inside each other at most."""
    forms, fresh = {text: None}, [text]
    for _ in range(_LAYERS):
        found = dict.fromkeys(new for old in fresh for new in (*_unescaped(old), *_decoded(old)) if len(new) >= 4)
        fresh = [new for new in found if new not in forms][: _MOST_FORMS - len(forms)]
        forms |= dict.fromkeys(fresh)
    return tuple(dict.fromkeys(squeeze(form) for form in forms))


def tells(text: str, secret: str) -> bool:
    """Say whether ``text`` tells ``secret``: as it is, spaced out, re-cased, reversed, in rot13 or in a code.

    Codes are base64, hexadecimal, lists of character numbers, and the escapes of JSON (``\\u0041``), of languages
    (``\\x41``, ``\\101``), of URLs (``%41``) and of HTML (``&#65;``), up to three inside each other. Secrets of fewer
    than five letters and digits are only looked for as they are.
    """
    if secret in text:
        return True
    wanted = squeeze(secret)
    if len(wanted) < _SHORTEST:
        return False
    plain, *coded = _forms(text)
    if wanted in plain or wanted in plain[::-1] or wanted in squeeze(codecs.encode(text, "rot13")):
        return True
    return any(wanted in form or wanted[::-1] in form for form in coded)


def told_by(arguments: Any, malformed: str | None = None) -> str:
    """Return all that a call's arguments say, a line each: the values in order, the names, and what is no JSON."""
    names: list[str] = []
    values = list(_values_in(arguments, names))
    return "\n".join([*values, *names, *([malformed] if malformed else [])])


def _values_in(value: Any, names: list[str]) -> Iterator[str]:
    """Yield the plain values in data however deep, and put the names of members in ``names``."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            names.append(str(name))
            yield from _values_in(item, names)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _values_in(item, names)
    elif isinstance(value, bytes | bytearray):
        yield value.decode("utf-8", "replace")
    elif value is not None:
        yield str(value)
