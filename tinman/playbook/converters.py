"""Ways of writing a request so that a filter on its words does not see it. Pure functions, each named."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable

CONVERTERS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(" "),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "reversed": lambda text: text[::-1],
    "spaced": lambda text: "  ".join(" ".join(word) for word in text.split()),
    "leet": lambda text: text.translate(str.maketrans("oieast", "013457")),
}
