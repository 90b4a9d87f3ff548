"""Text files as a model sees them, and written back as they were: line ends, byte order mark, encoding, last line."""

from __future__ import annotations

import codecs
import io
import re
import tokenize
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

_LINE_END = re.compile(r"\r\n|\r|\n")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MOST_COMPARED = 20_000


class NotText(ValueError):
    """Raised for bytes that are no text, and for text that a file's encoding cannot hold."""


@dataclass(frozen=True)
class TextFile:
    """The text of a file with plain ``\\n`` line ends, and how it is written: its encoding, mark and own line ends."""

    text: str
    encoding: str
    mark: bytes
    ends: tuple[str, ...]

    @classmethod
    def of(cls, data: bytes) -> TextFile:
        """Read a file's bytes: by its mark, by what Python's own source says, as UTF-8, or byte for byte (Latin-1).

        Raises ``NotText`` for bytes with zeros and no mark.
        """
        mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", ""))
        if not mark and b"\0" in data:
            raise NotText("it is no text")
        body = data[len(mark) :]
        for name in (encoding or _declared(body), "latin-1"):
            try:
                raw = body.decode(name)
                break
            except (UnicodeDecodeError, LookupError):
                continue
        ends = tuple(_LINE_END.findall(raw))
        return cls(_LINE_END.sub("\n", raw), name, mark, ends)

    def replaced(self, text: str) -> bytes:
        """Return the bytes of the file with ``text`` instead of its own; lines that stay keep their ends.

        New lines end as most of the file's do; the last line ends, or not, as it did. Raises ``NotText`` when the
        encoding cannot hold ``text``.
        """
        text = _LINE_END.sub("\n", text.removeprefix("\ufeff"))
        if self.text and text:
            text = text.rstrip("\n") if not self.text.endswith("\n") else text + "\n" * (not text.endswith("\n"))
        usual = Counter(self.ends).most_common(1)[0][0] if self.ends else "\n"
        lines = text.split("\n")
        ends = self._ends_of(lines, usual) if len(set(self.ends)) > 1 else [usual] * (len(lines) - 1)
        whole = "".join(line + end for line, end in zip(lines, [*ends, ""], strict=True))
        try:
            return self.mark + whole.encode(self.encoding)
        except UnicodeEncodeError as error:
            odd = whole[error.start]
            raise NotText(f"the file is {self.encoding}, which cannot hold {odd!r}; write it otherwise") from None

    def _ends_of(self, lines: list[str], usual: str) -> list[str]:
        ends = [usual] * (len(lines) - 1)
        own = self.text.split("\n")
        if max(len(own), len(lines)) > _MOST_COMPARED:
            return ends
        for block in SequenceMatcher(None, own, lines, autojunk=False).get_matching_blocks():
            for step in range(block.size):
                if block.a + step < len(self.ends) and block.b + step < len(ends):
                    ends[block.b + step] = self.ends[block.a + step]
        return ends


def _declared(body: bytes) -> str:
    """Return the encoding that the first two lines name (PEP 263), UTF-8 when they name none."""
    try:
        return tokenize.detect_encoding(io.BytesIO(body).readline)[0]
    except SyntaxError:
        return "utf-8"
