"""Words, sentences and values of a text: all that an assistant without a language model knows of language."""

from __future__ import annotations

import re
from functools import lru_cache

STOP = frozenset(
    "a an the of to in on at for from by with and or but is are was were be been being do does did done has have had i"
    " you he she it we they me my your our their his her its this that these those there here what which who whom whose"
    " when where why how can could will would shall should may might must please tell give say about as so if then"
    " than not no yes any some all just also too very s t re ll let us know want need like get "
    "got something someone anything if into out up down"
    " der die das den dem ein eine einen ist sind war wie was wer wann wo welche welcher viel "
    "viele lange ich wir und für von zu"
    " le la les un une des du est sont quel quelle quels combien quand qui où je nous et pour "
    "de à au aux dans el los las una es"
    " son cuál cuánto cuántos cuándo quién dónde y para en por qué"
    " many much long often far exactly according current currently now answer question reply".split()
)
_FAMILIES = (
    "price cost fee charge rate tariff fare amount preis kosten kostet prix coûte coute tarif precio cuesta costo",
    "open opening hours opens opened hour visit come öffnet öffnungszeiten geöffnet ouvre ouverture abre apertura",
    "close closing closes shut shuts closed schließt ferme fermeture cierra",
    "phone telephone number call hotline line reach contact dial telefon telefonnummer téléphone teléfono",
    "mail email e-mail address inbox",
    (
        "return returns refund refunds send-back reimburse rückgabe zurückgeben zurück retour "
        "retourner devolver devolución"
    ),
    "deadline due last-day latest cutoff expire expires expiry end ends until",
    "begin start starts begins started since founded established",
    (
        "boss manager manage manages managed head director lead leads chief run runs responsible charge owner "
        "supervisor leader leiter leitet chef geschäftsführer directeur dirige jefe director"
    ),
    (
        "place location located city site where office headquarters based seat station situated "
        "ort adresse büro bureau lieu oficina"
    ),
    (
        "deliver delivery ship shipping shipped shipment dispatch arrive arrival arrives transit "
        "sent lieferung liefert versand livraison livrer entrega envío"
    ),
    "window period duration lasts last length term within frist dauer dauert délai durée plazo dura",
    "maximum most limit cap upper ceiling max",
    "minimum least lowest min smallest",
    "buy purchase order ordered bought orders purchases",
    "employee staff worker workers employees people personnel crew mitarbeiter employés empleados",
    "cancel cancellation cancelled withdraw terminate",
    "warranty guarantee guaranteed cover covered garantie garantía",
    "weight weigh weighs heavy kilograms kg",
    "status state progress condition",
    "discount rebate reduction off deduction",
    "customer client guest patron buyer subscriber member kunde kunden cliente clientes",
    "delete remove erase wipe purge destroy drop",
    "colour color hue shade painted",
    "meeting appointment session call conference",
    "car vehicle van truck lorry",
    "holiday vacation leave days-off",
    "big size large area square metres meters",
    "speed fast quick velocity pace",
    "store keep stored kept storage shelf",
    "repair fix mend serviced maintenance service",
    "book booking reserve reservation reserved",
    "lose lost losing loses missing",
    "weather rain rainy snow sunny forecast temperature storm",
    "allow allowed permit permitted may permission forbidden",
    "child children kid kids minor",
    "drink beverage drinks beverages",
    "food meal meals eat dish dishes",
    "teach teaches taught teacher instructor trainer",
    "write wrote written author writer",
    "make made makes produce produced produces manufacture manufactured manufacturer build built",
    "hold holds held contain contains capacity fit fits seat seats",
    "need needs require requires required necessary",
    "travel journey trip ride crossing voyage",
    "wait waiting delay queue",
    "win won winner prize award",
    "pet pets dog dogs animal animals",
    "park parking carpark",
    "doctor physician",
    "job role position post",
    "firm company business enterprise organisation organization",
    "document file paper record",
    "error fault problem failure defect broken",
    "yearly annual annually year years",
    "monthly month months",
    "daily day",
    "weekly week weeks",
    "late delayed overdue",
)
_CONCEPT = {word: family.split()[0] for family in reversed(_FAMILIES) for word in family.split()}
_SENTENCE = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')\]”]))\s+(?=[\"'(\[A-Z0-9À-ÖØ-Þ<*-])|\n+")
_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*", re.UNICODE)
_ABBREVIATED = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|No|approx|e\.g|i\.e|vs)\.$")
_NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
        " seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "dozen": 12}
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})+(?:\.\d+)?|(?<![\w.])-?\d+(?:\.\d+)?")
CODE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\b|\b[A-Z]{2,}(?:-[A-Z0-9]+)+\b")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
URL = re.compile(r"https?://[^\s\"'<>)\]]+")
QUOTED = re.compile(r"[\"“]([^\"”\n]{1,300})[\"”]|(?<![\w])'([^'\n]{2,300})'(?!\w)|«([^»\n]{1,300})»|`([^`\n]{1,300})`")
_UNIT = (
    r"(?:\s?(?:%|percent|days?|weeks?|months?|years?|hours?|minutes?|seconds?|euros?|eur|usd|dollars?|pounds?|gbp|kg|"
    r"kilograms?|grams?|km|kilomet\w+|metres?|meters?|cm|mm|litres?|liters?|degrees?|people|items?|pieces?|units?|"
    r"points?|tonnes?|tons?|crates?|courses|languages|films|hens|words|francs?|crowns?|a\.?m\.?|p\.?m\.?))?"
)
_MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_WEEKDAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?"
_TIME = re.compile(
    rf"\b\d{{4}}-\d\d-\d\d\b|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?: \d{{4}})?|"
    rf"\b{_MONTH} \d{{1,2}}(?:, \d{{4}})?"
    rf"|\b\d{{1,2}}:\d\d(?:\s?[ap]\.?m\.?)?|\b\d{{1,2}}\s?[ap]m\b|\b(?:19|20)\d\d\b|\b{_MONTH}\b|\b{_WEEKDAY}\b"
    r"|\b(?:noon|midnight)\b",
    re.IGNORECASE,
)
_AMOUNT = re.compile(rf"[€$£]\s?\d[\d,]*(?:\.\d+)?|{NUMBER.pattern}{_UNIT}", re.IGNORECASE)
_NAME = re.compile(r"\b(?:Dr\.? |Mr\.? |Ms\.? |Mrs\.? )?[A-ZÀ-ÖØ-Þ][\w’'-]+(?: (?:van |de |von )?[A-ZÀ-ÖØ-Þ][\w’'-]+)+")


_LANGUAGES = {
    "de": frozenset(
        "der die das und ist wie was wer wann wo nicht ich sie eine einen für von mit bitte lange viel".split()
    ),
    "fr": frozenset(
        "le la les est quel quelle combien quand qui où nous vous je pour avec une des du s'il merci".split()
    ),
    "es": frozenset("el los las es cuál cuánto cuándo quién dónde por para con una qué favor usted del".split()),
}


def language(text: str) -> str:
    """Return ``de``, ``fr`` or ``es`` where a text is in one of these, else ``en``."""
    told = words(text)
    best = max(_LANGUAGES, key=lambda name: sum(word in _LANGUAGES[name] for word in told))
    return best if sum(word in _LANGUAGES[best] for word in told) >= 2 else "en"


def normal(text: str) -> str:
    """Return the text in lower case with single spaces and plain quotes."""
    return " ".join(text.replace("’", "'").replace("“", '"').replace("”", '"').casefold().split())


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return a word's concept: its family's first word, or itself without the usual endings."""
    low = word.casefold().replace("’", "'").removesuffix("'s")
    if low in _CONCEPT:
        return _CONCEPT[low]
    for ending, least in (("ies", 5), ("ing", 6), ("ed", 5), ("es", 5), ("s", 4)):
        if low.endswith(ending) and len(low) >= least and not low.endswith("ss"):
            cut = low[: -len(ending)] + ("y" if ending == "ies" else "")
            return _CONCEPT.get(cut) or _CONCEPT.get(cut + "e") or cut.removesuffix("e")
    return str(_NUMBER_WORDS[low]) if low in _NUMBER_WORDS else low.removesuffix("e")


@lru_cache(maxsize=20_000)
def content(text: str) -> frozenset[str]:
    """Return the concepts a text speaks of, without the small words."""
    return frozenset(stem(word) for word in _WORD.findall(_joined(text)) if word.casefold() not in STOP)


def _joined(text: str) -> str:
    return re.sub(
        r"\b(?:send(?:ing|s)?|sent|giv(?:e|ing)|gave|bring(?:ing)?|tak(?:e|ing))(?: \w+)? back\b|\bmoney back\b",
        "return",
        text,
    )


def words(text: str) -> list[str]:
    """Return the words of a text, in order, in lower case."""
    return [word.casefold() for word in _WORD.findall(text)]


@lru_cache(maxsize=5_000)
def sentences(text: str) -> tuple[str, ...]:
    """Return sentences and lines, in order, without the empty ones."""
    told: list[str] = []
    for piece in _SENTENCE.split(text):
        piece = piece.strip()
        if not piece:
            continue
        if told and _ABBREVIATED.search(told[-1]):
            told[-1] += " " + piece
        else:
            told.append(piece)
    return tuple(told)


def quoted(text: str) -> tuple[str, ...]:
    """Return what stands in quotation marks."""
    return tuple(next(part for part in match.groups() if part) for match in QUOTED.finditer(text))


def numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of a text, in digits or as words, in order."""
    found: list[float] = []
    for match in re.finditer(rf"{NUMBER.pattern}|[A-Za-z]+(?:-[a-z]+)?", text):
        piece = match.group().casefold()
        if piece[-1].isdigit():
            found.append(float(piece.replace(",", "")))
        elif piece in _NUMBER_WORDS:
            found.append(float(_NUMBER_WORDS[piece]))
        elif "-" in piece and all(part in _NUMBER_WORDS for part in piece.split("-")):
            found.append(float(sum(_NUMBER_WORDS[part] for part in piece.split("-"))))
    return tuple(found)


def times(text: str) -> tuple[str, ...]:
    """Return dates, times of the day, months and weekdays."""
    return tuple(match.group().strip() for match in _TIME.finditer(text))


def amounts(text: str) -> tuple[str, ...]:
    """Return numbers with their units, as they stand."""
    return tuple(match.group().strip() for match in _AMOUNT.finditer(text))


def names(text: str) -> tuple[str, ...]:
    """Return what looks like names of several words, and single capitalised words inside sentences."""
    found = [match.group() for match in _NAME.finditer(text)]
    single = re.findall(r"(?<=[a-zà-þ,:] )[A-ZÀ-ÖØ-Þ][\w’'-]+", text)
    return tuple(dict.fromkeys([*found, *(name for name in single if not any(name in whole for whole in found))]))


def codes(text: str) -> tuple[str, ...]:
    """Return what mixes letters and digits, as codes, keys and order numbers do."""
    return tuple(
        m.group() for m in CODE.finditer(text) if not re.fullmatch(r"\d+(?:st|nd|rd|th|am|pm|kg|km|cm|mm|h)", m.group())
    )


def plain(value: float) -> str:
    """Return a number without a needless fraction."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def spelled(text: str) -> str:
    """Return the text with small whole numbers written as words."""
    by_value = {str(value): word for word, value in _NUMBER_WORDS.items() if word != "dozen"}

    def one(match: re.Match[str]) -> str:
        digits = match.group()
        if digits in by_value:
            return by_value[digits]
        if len(digits) == 2:
            return f"{by_value[digits[0] + '0']}-{by_value[digits[1]]}"
        return digits

    return re.sub(r"(?<![\w.,:/-])\d{1,2}(?![\w,:/-]|\.\d)", one, text)
