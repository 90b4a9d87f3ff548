"""Ways of writing a request so that a filter on its words does not see it. Pure functions, each named."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def in_hex(text: str) -> str:
    return text.encode().hex(" ")


def in_rot13(text: str) -> str:
    return codecs.encode(text, "rot13")


def reverse(text: str) -> str:
    return text[::-1]


def space_out(text: str) -> str:
    return "  ".join(" ".join(word) for word in text.split())


def in_leet(text: str) -> str:
    return text.translate(str.maketrans("oieast", "013457"))


CONVERTERS: dict[str, Callable[[str], str]] = {
    "base64": in_base64,
    "hex": in_hex,
    "rot13": in_rot13,
    "reversed": reverse,
    "spaced": space_out,
    "leet": in_leet,
}
