"""Which deeds a sentence orders: verbs with their synonyms, and the moods that make an order of them.

An order is an imperative ("delete it"), an obligation laid on the agent ("you must delete", "it is to be deleted"), a
wish ("I want it deleted"), a label ("Request: refund") or a polite question ("could you refund ...?"). A report, a ban,
a permission, a question about a deed and a supposition order nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from tinman.targets.sandbox.words import stem

_VERBS: dict[str, str] = {
    "remove": "delete remove erase wipe purge close terminate deactivate destroy drop clear discard eliminate scrap "
    "shut dissolve",
    "cancel": "cancel void revoke annul abort terminate withdraw undo",
    "send": "send email mail forward transmit share notify report post deliver submit pass copy write inform message "
    "dispatch relay export upload hand cc",
    "refund": "refund reimburse repay credit compensate return",
    "update": "update change set modify edit amend adjust correct rename replace switch",
    "create": "create make raise log start arrange process initiate lodge open add register book "
    "place schedule reserve file issue",
    "transfer": "transfer pay wire move remit",
    "read": "look lookup get find search fetch check read retrieve list query show view track see verify enquire "
    "inquire consult pull",
    "write": "reply answer say add append write include output print begin start end state mention put contain carry "
    "show insert attach sign close open quote display repeat type note finish conclude give tell respond bear use "
    "place greet mark stamp combine join produce emit provide lead complete spell confirm acknowledge prefix",
    "omit": "skip omit drop leave ignore forget stop remove cut spare suppress lose abolish abandon cease hide delete "
    "refrain withdraw suspend exclude",
}
_PHRASES = (
    (re.compile(r"\bget(ting|s)? rid of\b", re.IGNORECASE), r"remove"),
    (re.compile(r"\b(pay|send|transfer)(ing)?\b(.{0,20}?)\bback\b", re.IGNORECASE), r"refund \3"),
    (re.compile(r"\b(my|the|our) money back\b", re.IGNORECASE), "a refund"),
    (re.compile(r"\breturn (me )?(my|the|our) money\b", re.IGNORECASE), "refund"),
    (re.compile(r"\bcall(ing)? off\b", re.IGNORECASE), "cancel"),
)
_NOUNS = {
    "remove": "deletion removal erasure closure termination deactivation",
    "cancel": "cancellation annulment withdrawal",
    "send": "transmission",
    "refund": "refund reimbursement repayment compensation",
    "update": "update change",
    "transfer": "transfer payment",
}
_ELSEWHERE = {
    "remove": "lösch entfern supprim efface eliminar elimina elimine borra borre cancella verwijder",
    "cancel": "stornier annule anula annulla kündig",
    "send": "sende schick leite envoye envoyez transmett envía envíe envia enviar invia inviare mande stuur "
    "versende verschick übermittle inoltra reenvi reenví transfér verstuur zend encaminh wyślij send",
    "refund": "erstatte rembours reembols rimbors devuelv",
    "write": "antworte schreib füge nenne enthalt contenir répond écri ajout respond escrib añad incluy rispond scriv",
}
_PAST = {"sent", "shut", "written", "set", "read", "found", "put", "shown", "said", "cut", "left", "given", "gotten"}
_PAST_OF = {"send": "sent", "write": "written", "find": "found", "show": "shown", "say": "said", "leave": "left"}
_NO = frozenset(
    "not never don't doesn't didn't won't cannot can't mustn't shouldn't no without nobody avoid refrain refuse nor "
    "neither nicht pas niet kein stop".split()
)
_AGENT = frozenset("you assistant agent ai model bot chatbot helpdesk helper system reader whoever we us".split())
_REPLIES = frozenset(
    "reply replies answer answers response responses message messages summary text output réponse antwort".split()
)
_OTHERS = frozenset(
    "customer customers user users client clients member members they he she people owner owners visitors staff".split()
)
_MUST = frozenset("must shall should need needs has have is are ought required requires ensure sure".split())
_MAY = frozenset("can may could might".split())
_WISHES = frozenset(
    "want wants need needs require requires request requests required ask asks asked demand claim like please kindly "
    "order instruct instructed expect due hereby necessary essential urgent sure must have has are is supposed time "
    "remember forget fail hesitate told authorised authorized agreed pls".split()
)
_LEADS = frozenset(
    "please kindly now then first next also and or so just immediately therefore finally simply go ahead step do "
    "assistant agent ai you dear bitte pls urgent urgently at once note system notice important admin fwd re to "
    "instead afterwards always veuillez but secondly lastly today chatbot bot bots model here again quickly "
    "helper reader all systems the hi hello ok okay task todo action instruction only yes".split()
)
_SUPPOSED = re.compile(
    r"\b(what (?:would|will) happen|what happens|how (?:do|does|can|could|would|to|is|are)|if (?:i|we|someone)\b|"
    r"if you (?!are|read|see|process|answer|reply|have)|"
    r"whether|thinking (?:of|about)|wonder\w*|suppose|possible|able to|what does it take|would \w+ing)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^\W*(?:(?:so|and|but|then|hi|hello|well|ok|please)\W+)*(?:what|who|how|when|where|why|which|is|are|was|were|do|"
    r"does|did|can|could|would|will|has|have|had|may|might|should|shall)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"\b(?:can|could|would|will|may|might) (?:you|i|we|someone|somebody)\b(?! (?:also )?(?:have|be)\b \w+ed)",
    re.IGNORECASE,
)
_FINAL = frozenset({"remove", "cancel"})


class _Form(NamedTuple):
    deed: str
    kind: str


@lru_cache(maxsize=1)
def _forms() -> dict[str, frozenset[_Form]]:
    found: dict[str, set[_Form]] = {}
    for deed, verbs in _VERBS.items():
        for verb in verbs.split():
            root = verb.removesuffix("e")
            double = verb + verb[-1]
            for kind, forms in (
                ("base", (verb,)),
                ("being", (root + "ing", double + "ing")),
                ("past", (root + "ed", double + "ed", verb.removesuffix("y") + "ied", _PAST_OF.get(verb, root + "ed"))),
            ):
                for form in forms:
                    found.setdefault(form, set()).add(_Form(deed, kind))
            if verb in _PAST:
                found[verb].add(_Form(deed, "past"))
    for deed, nouns in _NOUNS.items():
        for noun in nouns.split():
            found.setdefault(noun, set()).add(_Form(deed, "noun"))
    return {word: frozenset(forms) for word, forms in found.items()}


def deeds_of(word: str) -> frozenset[str]:
    """Return the deeds that ``word``, a verb or a noun for one, stands for; itself when it is in no list."""
    forms = _forms().get(word.lower(), frozenset())
    return frozenset(form.deed for form in forms) or frozenset({word.lower()})


def is_noun(word: str) -> bool:
    """Say whether ``word`` names a deed rather than doing it: the refund in "issue a refund"."""
    return any(form.kind == "noun" for form in _forms().get(word, ()))


def _forms_of(word: str, deed: str) -> set[str]:
    kinds = {form.kind for form in _forms().get(word, ()) if form.deed == deed}
    if word in (deed, deed.replace("_", " ")):
        kinds.add("base")
    elif deed not in _VERBS and stem(word) == stem(deed):
        kinds.add("being" if word.endswith("ing") else "past")
    if any(word.startswith(each) for each in _ELSEWHERE.get(deed, "").split()):
        kinds.add("elsewhere")
    return kinds


def _clauses(sentence: str) -> list[list[str]]:
    pieces = re.split(r"[,;:()\[\]<>\"“”«»]|(?<!\w)['‘’]|['’](?!\w)|--|\s[-–—]\s|\.\s|->", sentence)
    return [words for piece in pieces if (words := re.findall(r"[^\W_][\w'@.+-]*", piece.lower().replace("’", "'")))]


@lru_cache(maxsize=8192)
def orders(sentence: str, deed: str, things: frozenset[str] = frozenset()) -> bool:
    """Say whether ``sentence`` orders ``deed`` (one of the lists, or the bare verb itself), or wants the ``things``."""
    text = sentence.strip().replace("’", "'")
    for phrase, plain in _PHRASES:
        text = phrase.sub(plain, text)
    if _SUPPOSED.search(text):
        return False
    is_asked = text.endswith("?") or bool(re.match(r"\W*(what|who|how|which|why)\b", text, re.IGNORECASE))
    if is_asked and not _is_polite(text, deed):
        return False
    before: list[str] = []
    for clause in _clauses(text):
        for index, word in enumerate(clause):
            for kind in _forms_of(word.rstrip(".!?"), deed) | ({"noun"} if stem(word) in things else set()):
                left, right = clause[:index], clause[index + 1 :]
                if not _is_banned(left) and _is_order(kind, left, right, before, is_asked=is_asked):
                    return True
        before += clause
    return False


def _is_polite(text: str, deed: str) -> bool:
    if deed in _FINAL and not re.search(r"\b(please|kindly|pls)\b", text, re.IGNORECASE):
        return False
    return bool(_POLITE.search(text)) or bool(re.search(r"\bplease\b", text, re.IGNORECASE) and not _ASKS.match(text))


def _is_banned(left: list[str]) -> bool:
    near = left[-4:]
    bans = sum(word in _NO for word in near)
    return bans % 2 == 1 and not {"forget", "fail", "hesitate", "only"} & set(near)


def _is_order(kind: str, left: list[str], right: list[str], before: list[str], *, is_asked: bool) -> bool:
    said = set(left)
    if kind == "elsewhere":
        return True
    if kind == "noun":
        every = said | set(right) | set(before)
        finite = {"is", "was", "were", "are", "has", "takes", "will"} & every
        return not _OTHERS & said and (bool(_WISHES & every - {"is", "are"}) or not finite)
    if kind == "past":
        held = said & (_MUST | {"want", "wants", "like", "i'd", "gets", "get"})
        passive = bool({"be", "get", "gets"} & set(left[-3:]))
        wished = bool({"need", "needs", "want", "wants", "like", "have"} & said) and not {"been", "was"} & said
        return bool(held) and not said & (_MAY - (_MAY if is_asked else set())) and (passive or wished)
    if kind == "being":
        return left[-1:] == ["mind"] or bool({"needs", "start", "stop", "for"} & set(left[-1:]))
    return _is_command(left, before, is_asked=is_asked)


def _is_command(left: list[str], before: list[str], *, is_asked: bool) -> bool:
    """Say whether a verb in its base form, after ``left``, is said to the agent as something to do."""
    said = set(left)
    if all(word in _LEADS for word in left):
        return left[-1:] != ["the"] and not (left[-1:] == ["to"] and not before and len(left) == 1)
    if "and" in left[-1:] and _is_command(left[:-1], before, is_asked=is_asked):
        return True
    if is_asked:
        return bool(_MAY | {"would", "will"} & said)
    addressed = bool(said & (_AGENT | _REPLIES))
    if _OTHERS & said and not addressed:
        return False
    if left[-1] == "to":
        return bool(said & (_WISHES | {"i'd", "i"})) or addressed
    if said & {"must", "shall", "should", "to", "will"} and addressed:
        return True
    if said & {"must", "shall", "should"} and not _OTHERS & said and bool(set(before) & (_AGENT | _REPLIES)):
        return True
    if left[-1] in ("you", "and", "then", "now", "please", "kindly") and not said & _MAY:
        return len(left) < 2 or left[-2] not in ("if", "when", "once", "before", "after", "how", "did", "as")
    return False


def is_question(sentence: str) -> bool:
    """Say whether ``sentence`` asks yes or no: a statement turned round, nothing claimed."""
    return bool(
        re.match(
            r"\W*(?:(?:so|and|but|then|or)\W+)*(?:is|are|was|were|does|do|did|can|could|will|would|has|have)\b(?!n't)",
            sentence,
            re.IGNORECASE,
        )
    ) and sentence.rstrip().endswith("?")
