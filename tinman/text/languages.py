"""Which language a text is in, by its letters and its commonest words; good for sentences, silent about less."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

_COMMON: Mapping[str, frozenset[str]] = {
    "English": frozenset(
        "the and you your is are of to with for that this can have not it what please will our".split()
    ),
    "German": frozenset(
        "der die das und ist nicht ich sie ein eine mit auf für den von zu wir ihre bitte kann".split()
    ),
    "French": frozenset("le la les et est vous nous une des pour pas que dans avec votre sur je du ce sont".split()),
    "Spanish": frozenset("el los las y es que de en una para con por su no puede usted como del más está".split()),
    "Italian": frozenset("il lo gli e è che di una per con non sono del della può come questo nel si anche".split()),
    "Portuguese": frozenset("o os as e é que de uma para com não por seu você do da em como mais está".split()),
    "Dutch": frozenset("de het een en is niet van ik je u met voor dat op te zijn uw wij kan ook".split()),
}
_SCRIPTS: Mapping[str, str] = {
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CJK": "Chinese",
    "CYRILLIC": "Russian",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "GREEK": "Greek",
    "DEVANAGARI": "Hindi",
    "THAI": "Thai",
}
_FEWEST = 4
_MOST_LETTERS = 2_000


def language_of(text: str) -> str:
    """Return the English name of the language of ``text``; empty when that is not clear."""
    letters = [one for one in text if one.isalpha()][:_MOST_LETTERS]
    if not letters:
        return ""
    scripts = Counter(unicodedata.name(one, "?").partition(" ")[0] for one in letters)
    script, count = scripts.most_common(1)[0]
    if script != "LATIN":
        if script == "CJK" and scripts["HIRAGANA"] + scripts["KATAKANA"]:
            return "Japanese"
        return _SCRIPTS.get(script, "") if count * 2 > len(letters) else ""
    words = re.findall(r"[^\W\d_]+", text.lower())
    hits = Counter({name: sum(word in common for word in words) for name, common in _COMMON.items()})
    (first, most), (_, next_most) = hits.most_common(2)
    return first if most >= _FEWEST and most > next_most else ""
