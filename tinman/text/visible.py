"""Untrusted text made harmless to look at, the same way in terminals, Markdown, CSV and messages."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_PLAIN = re.compile(r"[\x20-\x7e\n\t]*\Z")


def visible(text: str, *, keep_newlines: bool = True) -> str:
    """Return ``text`` with control, bidi, zero-width, tag and unassigned characters spelled as ``<U+XXXX>``.

    Line breaks and tabs stay, unless ``keep_newlines`` is false: then each becomes one space.
    """
    if not _PLAIN.match(text):
        text = "".join(
            c if c in "\n\t" or unicodedata.category(c) not in _HIDDEN else f"<U+{ord(c):04X}>" for c in text
        )
    return text if keep_newlines else re.sub(r"\s+", " ", text).strip()


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
