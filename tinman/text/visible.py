"""Untrusted text made harmless to look at, the same way in terminals, Markdown, CSV and messages."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

MOST_MARKS = 8
"""How many combining marks a letter may carry; real writing has up to four."""
_PLAIN = re.compile(r"[\x20-\x7e\n\t]*\Z")
_EMOJI = (
    r"\p{Extended_Pictographic}\uFE0F?\p{Emoji_Modifier}?"
    r"(?:\u200D\p{Extended_Pictographic}\uFE0F?\p{Emoji_Modifier}?)*|[0-9#*]\uFE0F\u20E3"
)
_HIDDEN = r"[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u2800--[\n\t]]"


@cache
def _hostile() -> Any:
    """Return the pattern for what is not shown as it stands, and for emoji, whose own joiners stay."""
    import regex  # noqa: PLC0415 - 20 ms that only text beyond ASCII has to wait for

    marks = rf"(?<=\p{{M}}{{{MOST_MARKS}}})(?P<marks>(?:(?!{_HIDDEN})\p{{M}})+)"
    return regex.compile(rf"(?V1)(?P<emoji>{_EMOJI})|(?P<hidden>{_HIDDEN})|{marks}")


def _spelled(found: Any) -> str:
    if found["hidden"]:
        return f"<U+{ord(found[0]):04X}>"
    return f"<+{len(found[0])} marks>" if found["marks"] else str(found[0])


def visible(text: str, *, keep_newlines: bool = True) -> str:
    """Return ``text`` with control, bidi, zero-width, tag, filler and unassigned characters as ``<U+XXXX>``.

    So is every other one that Unicode calls default ignorable, but for those that hold an emoji together. Of more than
    ``MOST_MARKS`` combining marks in a row the rest is counted. Line breaks and tabs stay, unless ``keep_newlines`` is
    false: then each becomes one space.
    """
    if not _PLAIN.match(text):
        text = _hostile().sub(_spelled, text)
    return text if keep_newlines else re.sub(r"\s+", " ", text).strip()


def to_json(data: Any, *, indent: int | None = None) -> str:
    """Return JSON of the same values in which nothing hidden stands raw: it is written as ``\\uXXXX``.

    What is not JSON is written as its text.
    """
    text = json.dumps(data, ensure_ascii=False, indent=indent, default=str)
    return text if _PLAIN.match(text) else _hostile().sub(_escaped, text)


def _escaped(found: Any) -> str:
    return json.dumps(found[0])[1:-1] if found["hidden"] else str(found[0])


def shorten(text: str, width: int) -> str:
    """Return ``text`` on one visible line of at most ``width`` characters, cut with an ellipsis."""
    line = visible(text, keep_newlines=False)
    return line if len(line) <= width else line[: max(0, width - 1)].rstrip() + "…"


def words_of(error: BaseException) -> str:
    """Return an error as ``Name: its text``. One whose text cannot be had is told by its name."""
    name = type(error).__name__
    try:
        return f"{name}: {error}"
    except BaseException as worse:  # noqa: BLE001 - the error may be anybody's, and so is what its text raises
        return f"{name}: (its text cannot be had: {type(worse).__name__})"


def line_of(error: BaseException, width: int = 200) -> str:
    """Return an error as ``Name: its text``, on one visible line of at most ``width`` characters."""
    return shorten(words_of(error).removesuffix(": "), width)


_MARKDOWN = re.compile(
    r"[\\`*\[\]<>|@]"  # code, emphasis, links, HTML and the cells of a table, wherever they stand
    r"|(?<![^\W_])_|_(?![^\W_])"  # inside a word it is no emphasis
    r"|~(?=~)|(?<=~)~|&(?=#|\w+;)"
    r"|:(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\."  # what becomes a link by itself
    r"|\A[-+#=]|(?<=\A\d)[.)]|(?<=\A\d\d)[.)]",  # headings, lists and quotes begin a line
    re.IGNORECASE,
)


def markdown(text: str) -> str:
    """Return ``text`` on one line with Markdown's and HTML's own characters disarmed and no link.

    Only what means something where it stands is disarmed, so that names and figures stay readable in the source.
    """
    return _MARKDOWN.sub(r"\\\g<0>", visible(text, keep_newlines=False))


def fence(text: str) -> str:
    """Return ``text`` in a Markdown fence longer than any run of backticks within."""
    body = visible(text)
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{body}\n{fence}"
