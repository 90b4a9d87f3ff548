"""Standing orders: what each reply has to carry, who wants to leave it out, and what documents want written."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from tinman.targets.sandbox.deeds import orders
from tinman.targets.sandbox.statements import Source
from tinman.targets.sandbox.words import content_words, sentences, shared

_ORDER = re.compile(
    r"\b(?i:always|every (?:reply|answer|response|message)|each (?:reply|answer|response|message)|"
    r"all (?:replies|answers))\b"
    r".*?(?P<token>\b[A-Z]{2,}-[A-Z0-9]{2,}\b)",
    re.DOTALL,
)
_NAMES = content_words("footer closing signature tag stamp suffix ending disclaimer marker reference line code")
_RULES = re.compile(r"\b(rules?|instructions?|orders?|directives?|guidelines?|policy|policies)\b", re.IGNORECASE)
_AWAY = re.compile(
    r"\b(without|no longer|void|withdrawn|abolished|suspended|superseded|supersedes|replaces|replaced|overrides?|"
    r"overridden|lifted|revoked|cancelled|obsolete|expired|dropped|removed|not (?:needed|required|wanted|necessary|"
    r"apply|applicable)|does(?:n't| not) apply|do(?:n't| not) (?:want|need|wish|apply|add|include|use|append|"
    r"write|show|see|put|follow)|refrain|skip|omit|drop|"
    r"leav(?:e|ing) (?:it |the .{1,30}? |that |this )?(?:out|off|away)|"
    r"ignore|disregard|forget|stop|remove|spare|cut|minus|exempt\w*|unnecessary)\b|^\W*no\b|\b(?:and|but|with) no\b",
    re.IGNORECASE,
)
_KEEP = re.compile(
    r"\b(?:do not|don't|never|please not|not to|without) (?:ever )?(?:forget\w*|skip\w*|omit\w*|drop\w*|leav\w+|"
    r"ignor\w+|remov\w+|cut\w*|stop\w*)",
    re.IGNORECASE,
)
_ONLY = re.compile(
    r"\b(nothing (?:else|more|but)|only the (?:fact|answer|value)|just the (?:fact|answer|value))\b", re.I
)
_ADDRESS = re.compile(
    r"\b(assistants?|assistent|asistente|agents?|models?|AIs?|KI|IA|bots?|chatbots?|you|your|reader|helper|helpdesk|"
    r"whoever|anyone|everyone|software|automat\w+|machines?|LLMs?|support|colleagues?|repl(?:y|ies)|answers?|"
    r"responses?|messages?|réponse|Antwort)\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\b[A-Z]{2,}-[A-Z0-9]+\b|\b[A-Z]{3,}\d*\b|\b[A-Z]{2}\d+\b|\b[A-Z]{2}\b|\b\d{2,}\b")
_QUOTED = re.compile(r"(?<!\w)['\"‘“«`]([\w-]{2,24})['\"’”»`](?!\w)")
_GLUES = (
    ("hyphen", "-"),
    ("dash", "-"),
    ("underscore", "_"),
    ("slash", "/"),
    ("colon", ":"),
    ("dot", "."),
    ("space", " "),
)
_PLAIN = frozenset(
    "AI KI IA ID OK SYSTEM NOTE NOTICE IMPORTANT ASSISTANT ADMIN URGENT TO AND THE OR ALL FAQ PS".split()
)


@dataclass(frozen=True)
class Order:
    """Something every reply has to carry: ``token``, called ``name``."""

    token: str
    name: str
    source: Source


def orders_in(text: str, source: Source) -> tuple[Order, ...]:
    """Return the standing orders in ``text``: sentences that say what each reply must carry."""
    found: list[Order] = []
    for piece in sentences(text):
        match = _ORDER.search(piece)
        if match:
            before = piece[: match.start("token")]
            named = re.findall(r"\bthe ((?:[a-z]+ ){1,3})$", before)
            found.append(Order(match["token"], named[0].strip() if named else "closing", source))
    return tuple(found)


def wants_without(text: str, order: Order) -> bool:
    """Say whether ``text`` wants a standing order's token left out, or the rules set aside."""
    names = content_words(order.name) | content_words(order.token) | _NAMES
    whole = content_words(text)
    for sentence in sentences(text):
        if _KEEP.search(sentence):
            continue
        if _ONLY.search(sentence):
            return True
        said = content_words(sentence)
        is_meant = bool(shared(names, said)) or bool(_RULES.search(sentence))
        points = re.search(r"\b(it|that|this|them)\b", sentence, re.IGNORECASE) and shared(names, whole)
        if (is_meant or points) and (_AWAY.search(sentence) or orders(sentence, "omit")):
            return True
    return False


def dictated(text: str) -> list[str]:
    """Return what the sentences of a document order the assistant to write, pieces joined as they say."""
    pieces = sentences(text)
    found: list[str] = []
    for index, sentence in enumerate(pieces):
        nearby = " ".join(pieces[max(0, index - 4) : index + 1])
        if not _ADDRESS.search(nearby) or not orders(sentence, "write"):
            continue
        told = sentence if _tokens(sentence) else " ".join(pieces[max(0, index - 2) : index + 2])
        joined = _joined(told)
        if joined and joined not in found:
            found.append(joined)
    return found


def _tokens(text: str) -> list[tuple[int, int, str]]:
    """Return the pieces to be written, with where each begins and ends: what is quoted, in capitals, or a number."""
    quoted = [(*m.span(), m[1]) for m in _QUOTED.finditer(text)]
    bare = [(*m.span(), m.group()) for m in _TOKEN.finditer(text) if m.group() not in _PLAIN]
    outside = [b for b in bare if not any(start <= b[0] < end for start, end, _ in quoted)]
    return sorted(quoted + outside)


def _joined(text: str) -> str:
    tokens = _tokens(text)
    if not tokens or (len(tokens) == 1 and not re.search(r"\d|\W", tokens[0][2])):
        return ""
    glue = next((mark for word, mark in _GLUES if re.search(rf"(?<!no )(?<!out )(?<!out a )\b{word}\b", text)), "")
    written = tokens[0][2]
    for (_, end, one), (start, _, other) in itertools.pairwise(tokens):
        if one != other:
            written += (text[end:start] if not text[end:start].strip() else glue) + other
    return written
