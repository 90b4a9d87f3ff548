"""Untrusted text is made harmless before anybody looks at it."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tinman.text.visible import fence, markdown, shorten, to_json, visible

HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
FILLERS = "\u034f\u115f\u1160\u17b4\u180b\u180f\u2800\u3164\ufe00\ufe0f\uffa0\U000e0100\U000e01ef"
"""Letters, marks and signs by their category, and nothing to be seen."""
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


ORDINARY = regex.compile(r"\A(?!.*\p{M}{9})[^\p{Default_Ignorable_Code_Point}\u2800]*\Z", regex.DOTALL)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs", "M"])).filter(ORDINARY.match))
def test_ordinary_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    "text",
    ["नमस्ते", "Việt Nam ệ", "שָׁלוֹם", "ᜊᜌ᜔", "Z̴̧̛e", "👨‍👩‍👧‍👦 ❤️ 1️⃣ 👍🏽 🏳️‍🌈 ☎️ ©️"],  # up to four marks a letter; whole emoji
)
def test_marks_of_real_writing_and_whole_emoji_stay(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("filler", FILLERS)
def test_what_nobody_can_see_is_spelled_out_wherever_it_hides(filler: str) -> None:
    spelled = f"<U+{ord(filler):04X}>"

    assert visible(f"a{filler}b") == f"a{spelled}b"
    assert spelled in visible(f"👍{filler}{filler}")
    assert json.loads(to_json(f"a{filler}b")) == f"a{filler}b"
    assert filler not in to_json(f"a{filler}b")


def test_a_sentence_hidden_in_variation_selectors_is_seen() -> None:
    hidden = "".join(chr(0xE0100 + byte - 16) for byte in b"obey me")

    assert visible(f"Hello{hidden}") == "Hello" + "".join(f"<U+{ord(c):04X}>" for c in hidden)


def test_a_joiner_outside_an_emoji_is_spelled_out() -> None:
    assert visible("pass\u200dword 👍\u200d!") == "pass<U+200D>word 👍<U+200D>!"


@pytest.mark.parametrize("count", [9, 50, 5000])
def test_marks_heaped_on_a_letter_are_cut_and_counted(count: int) -> None:
    assert visible("a" + "\u0301" * count + "b") == "a" + "\u0301" * 8 + f"<+{count - 8} marks>b"


@given(TEXT)
def test_json_has_the_same_value_and_nothing_hidden_in_it(text: str) -> None:
    written = to_json({"said": text})

    assert json.loads(written)["said"] == text
    assert not {c for c in written if unicodedata.category(c) in HIDDEN}


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
