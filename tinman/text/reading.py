"""JSON that a stranger wrote, read as data that can be kept, compared, sent on and shown."""

from __future__ import annotations

import json
import math
from typing import Any

from tinman.text.storable import change_texts, paired

MAX_DEPTH = 64
"""How deep objects and lists may stand in each other: far above real ones, below where writers give up."""
_BYTE_ORDER_MARK = "\ufeff"


def read_json(text: str | bytes, *, charset: str = "", is_exact: bool = False) -> Any:
    """Return what the JSON in ``text`` says, as plain data.

    Bytes are UTF-8, -16 or -32 as they begin, else in ``charset``, the one their sender names. A byte order mark is
    passed over, control characters inside strings are taken as they stand, halves of surrogate pairs are joined or
    replaced. What JSON has no number for (``NaN``, ``Infinity``, ``1e999``) is read as nothing, and refused when
    ``is_exact``. Raises ``ValueError`` that says what is wrong, for data nested deeper than ``MAX_DEPTH``, too.
    """
    text = _decoded(text, charset) if isinstance(text, bytes) else text.removeprefix(_BYTE_ORDER_MARK)
    unknown, number = (_refused, _exact) if is_exact else (_nothing, _finite)
    try:
        read = json.loads(text, strict=False, parse_constant=unknown, parse_float=number)
    except RecursionError:
        raise _too_deep() from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(read):
        raise _too_deep()
    return change_texts(read, paired) if "\\ud" in text or "\\uD" in text else read


def _decoded(body: bytes, charset: str) -> str:
    try:
        return body.decode(json.detect_encoding(body), "surrogatepass")
    except UnicodeDecodeError:
        if not charset:
            raise
    try:
        return body.decode(charset)
    except LookupError:
        raise ValueError(f"its character set {charset[:40]!r} is not known") from None


def _nothing(_: str) -> None:
    return None


def _refused(name: str) -> None:
    raise ValueError(f"{name[:20]} is not a number in JSON")


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _exact(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refused(digits)
    return number


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {MAX_DEPTH} deep")


def _is_deep(read: Any) -> bool:
    level = [read]
    for _ in range(MAX_DEPTH + 1):
        level = [holder for holder in level if isinstance(holder, dict | list)]
        if not level:
            return False
        level = [item for holder in level for item in (holder.values() if isinstance(holder, dict) else holder)]
    return True
