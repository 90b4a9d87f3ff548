"""Untrusted text is made harmless before anybody looks at it."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tinman.text.visible import fence, markdown, shorten, visible

HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
NASTY = st.sampled_from(
    ["\x1b[31m", "\x1b]8;;http://x\x07", "\x9b2J", "\r", "\b", "\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041"]
)
CommonMark = MarkdownIt("commonmark").enable("table").enable("strikethrough")
TEXT = st.lists(st.one_of(st.text(), NASTY, st.sampled_from(["```", "`" * 7, "<b>", "[a](b)", "\n", "\u2028"]))).map(
    "".join
)


@given(TEXT)
def test_nothing_hidden_survives(text: str) -> None:
    left = {c for c in visible(text) if unicodedata.category(c) in HIDDEN}

    assert left <= {"\n", "\t"}


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs", "M"])))
def test_ordinary_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "<U+001B>[2Jgone"),
        ("a\rb", "a<U+000D>b"),
        ("user\u202egnp.exe", "user<U+202E>gnp.exe"),
        ("pass\u200bword", "pass<U+200B>word"),
        ("\U000e0041", "<U+E0041>"),
        ("\u2028", "<U+2028>"),
        ("\x7f\x85", "<U+007F><U+0085>"),
    ],
)
def test_a_hidden_character_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(TEXT)
def test_what_is_visible_stays_so(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(TEXT, st.integers(min_value=1, max_value=100))
def test_a_shortened_text_is_one_line_of_that_width(text: str, width: int) -> None:
    line = shorten(text, width)

    assert len(line) <= width
    assert "\n" not in line


@given(TEXT)
def test_a_fence_is_longer_than_any_run_of_backticks_within(text: str) -> None:
    first, *body, last = fence(text).split("\n")
    ticks = first.removesuffix("text")

    assert set(ticks) == {"`"} and last == ticks
    assert max((len(run) for run in re.findall("`+", "\n".join(body))), default=0) < len(ticks)


@given(TEXT)
def test_markdown_leaves_no_mark_armed(text: str) -> None:
    """What CommonMark makes of it, alone on a line and inside one, is plain text: the text that was given."""
    line = markdown(text)
    for before in ("", "so: ", "- "):
        inner = [token for token in CommonMark.parse(before + line) if token.type == "inline"]
        read = "".join(child.content for token in inner for child in token.children or ())

        assert {child.type for token in inner for child in token.children or ()} <= {"text", "text_special"}
        assert read == (before.removeprefix("- ") + visible(text, keep_newlines=False)).strip()


@pytest.mark.parametrize(
    "text",
    [
        "[press](http://x)",
        "![x](http://x)",
        "<script>",
        "| a | b |",
        "# big",
        "@everyone",
        "http://x",
        "WWW.x.y",
        "&lt;",
    ],
)
def test_markdown_disarms(text: str) -> None:
    line = markdown(text)

    assert line.replace("\\", "") == text
    assert line != text
