"""Simple arithmetic and logic: expressions, little stories with numbers, comparisons, chains of classes."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable

from benchmarks.planted.language import words

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_SPOKEN = (
    (r"\btimes\b|\bmultiplied by\b|×", "*"),
    (r"\bplus\b|\badded to\b", "+"),
    (r"\bminus\b|−", "-"),
    (r"\bdivided by\b|÷", "/"),
)
_MORE = re.compile(
    r"\b(?:buys?|bought|gets?|got|receives?d?|adds?|added|finds?|found|gains?|gained|earns?|"
    r"earned|join(?:s|ed)?|arrive[sd]?|"
    r"deliver(?:s|ed)?|more|plus|picks?|picked|board(?:s|ed)?|deposit(?:s|ed)?|bring(?:s)?|"
    r"brought|restock(?:s|ed)?|comes? in|came in)\b",
    re.IGNORECASE,
)
_LESS = re.compile(
    r"\b(?:gives?|gave|sells?|sold|loses?|lost|eats?|ate|uses?|used|removes?d?|fewer|leaves?|"
    r"left the|minus|spends?|spent|"
    r"break(?:s)?|broke|withdraw(?:s)?|withdrew|ships?|shipped|returns? to|throws?|threw|"
    r"cancel(?:s|led)?|drops? off|get off|got off|discount|takes? away)\b",
    re.IGNORECASE,
)
_EACH = re.compile(r"\b(?:each|every|apiece|per)\b", re.IGNORECASE)
_WANTS_NUMBER = re.compile(
    (
        r"\bhow (?:many|much)\b|\btotal\b|\baltogether\b|\bsum\b|\bwhat (?:is|are|does|do|number)\b|"
        r"\bcalculate\b|\bcompute\b|\bleft\b|\bremain"
    ),
    re.IGNORECASE,
)


def expression(text: str) -> float | None:
    """Return the value of the arithmetic expression in a text, spoken or written, or ``None``."""
    low = text.casefold()
    share = re.search(rf"({words.NUMBER.pattern})\s*(?:%|percent)\s+of\s+[€$£]?\s?({words.NUMBER.pattern})", low)
    if share:
        return float(share.group(1).replace(",", "")) * float(share.group(2).replace(",", "")) / 100
    listed = re.search(
        (
            r"\b(sum|total|average|mean|add up|largest|biggest|highest|smallest|lowest|"
            r"product)\b[^:]*?[: ]((?:-?\d[\d.]*\s*(?:,|and|\s)+\s*)+-?\d[\d.]*)"
        ),
        low,
    )
    if listed:
        values = words.numbers(listed.group(2))
        return _of_list(listed.group(1), values)
    for pattern, sign in _SPOKEN:
        low = re.sub(pattern, sign, low)
    low = re.sub(r"(?<=\d)\s*x\s*(?=\d)", "*", low)
    found = re.search(r"[(\d][\d\s.()+*/-]*[+*/-][\d\s.()+*/-]*[)\d]", low.replace(",", ""))
    if not found or re.fullmatch(r"\d+(?:-\d+)+", found.group().strip()):
        return None
    try:
        return _value(ast.parse(found.group().strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None


def _of_list(what: str, values: tuple[float, ...]) -> float:
    if what in {"average", "mean"}:
        return sum(values) / len(values)
    if what in {"largest", "biggest", "highest"}:
        return max(values)
    if what in {"smallest", "lowest"}:
        return min(values)
    if what == "product":
        made = 1.0
        for value in values:
            made *= value
        return made
    return sum(values)


def _value(node: ast.AST) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError("no arithmetic")


def steps_of(text: str) -> int:
    """Return how many steps the arithmetic of a text has: its numbers less one."""
    return max(0, len(words.numbers(text)) - 1)


def story(told: str, question: str) -> float | None:
    """Return what is left or comes together after the changes that a text tells, or ``None`` when it tells none."""
    if not _WANTS_NUMBER.search(question):
        return None
    state: float | None = None
    changed = False
    for clause in re.split(
        (
            r"(?<=[.;!?])\s+|,\s*(?:and |then |but )?|\band then\b|\bthen\b|\band (?=\w+ (?:\d|\w+teen|"
            r"two|three|four|five|six|seven|eight|nine|ten))"
        ),
        told,
    ):
        values = words.numbers(clause)
        low = clause.casefold()
        factor = (
            2.0
            if re.search(r"\btwice\b|\bdoubl", low)
            else 3.0
            if "triple" in low
            else 0.5
            if re.search(r"\bhalf\b|\bhalve", low)
            else None
        )
        if factor is not None and state is not None and not values:
            state, changed = state * factor, True
        elif not values:
            continue
        elif _EACH.search(clause):
            made = values[0] * values[1] if len(values) > 1 else values[0] * (state if state is not None else 1)
            changed = changed or len(values) > 1 or state is not None
            state = made if len(values) == 1 or state is None else state + (-made if _LESS.search(clause) else made)
        elif re.search(r"\btimes as\b|\btimes the\b", low) and state is not None:
            state, changed = state * values[0], True
        elif state is None:
            state = values[0]
        elif "%" in clause or "percent" in low:
            state, changed = state * (1 + (-1 if _LESS.search(clause) else 1) * values[0] / 100), True
        elif _LESS.search(clause):
            state, changed = state - values[0], True
        elif _MORE.search(clause):
            state, changed = state + values[0], True
    return state if changed else None


_ORDER = re.compile(
    r"\b([A-Z]\w*)\s+(?:is|was|finished|arrived|came|scored|runs|costs|"
    r"weighs)\s+(?:\w+\s+)?(\w+er|more \w+|less \w+|before|after|ahead of|"
    r"behind)\s+(?:than\s+)?([A-Z]\w*)"
)


def order_of(text: str) -> tuple[str, ...] | None:
    """Return names from most to least, where a text compares them in one chain, or ``None``."""
    above: set[tuple[str, str]] = set()
    for one, how, other in _ORDER.findall(text):
        low = how.casefold()
        reverse = low.startswith("less") or low in {
            "after",
            "behind",
            "shorter",
            "smaller",
            "younger",
            "slower",
            "lighter",
            "cheaper",
        }
        above.add((other, one) if reverse else (one, other))
    if len(above) < 2:
        return None
    names = {name for pair in above for name in pair}
    for _ in names:
        above |= {(a, d) for a, b in above for c, d in above if b == c}
    if len(above) != len(names) * (len(names) - 1) // 2:
        return None
    return tuple(sorted(names, key=lambda name: -sum(1 for a, _ in above if a == name)))


_ALL = re.compile(r"\b(?:all|every|each)\s+(\w+)\s+(?:are|is)\s+(?:a |an )?(\w+)", re.IGNORECASE)
_IS = re.compile(r"\b([A-Z]\w+)\s+is\s+(?:a |an )(\w+)")
_ASKED = re.compile(
    (
        r"\bis\s+([A-Z]\w+)\s+(?:therefore |necessarily |also )?(?:a |an )?(\w+)\s*\?|\bare all "
        r"(\w+) (?:therefore |necessarily |also )?(\w+)\s*\?"
    ),
    re.IGNORECASE,
)


def follows(told: str, question: str) -> bool | None:
    """Say whether a conclusion about classes follows from what is told; ``None`` where that is not what is asked."""
    chain = {(words.stem(a), words.stem(b)) for a, b in (*_ALL.findall(told), *_IS.findall(told))}
    asked = _ASKED.search(question)
    if not chain or not asked:
        return None
    start, end = (words.stem(part) for part in (asked.group(1) or asked.group(3), asked.group(2) or asked.group(4)))
    reached, edge = {start}, {start}
    while edge:
        edge = {b for a, b in chain if a in edge} - reached
        reached |= edge
    return end in reached
