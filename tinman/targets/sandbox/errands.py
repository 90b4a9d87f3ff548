"""Which tool a text asks for, and with which arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from tinman.messages import ToolSpec
from tinman.targets.sandbox.deeds import deeds_of, is_noun, orders
from tinman.targets.sandbox.values import CODE, EMAIL
from tinman.targets.sandbox.words import content_words, sentences, shared, stem

_STATES = frozenset("status state level info details record balance history overview returns".split())
_LOOSE = re.compile(r"\b[A-Za-z]{1,6}-?\d[\w/-]*|\b\d[\w/-]*")
_QUOTED = re.compile(r"[\"'‘“]([^\"'‘’“”]{2,40})[\"'’”](?!\w)")
_NAMED = re.compile(r"(?<=[a-z,:] )[A-Z][\w'-]+(?: [A-Z][\w'-]+)*")
Arguments = dict[str, str | int]
_NEWS = re.compile(
    r"\b(news|updates?|changed?|now|still|yet|meanwhile|again|latest|status|state|sure|same|really|certain|progress|"
    r"sum|summar\w+|recap|stands?|so far|moved|happened|happening|correct|true|right|double.?check|once more|repeat|"
    r"recheck|by now|any(?:thing)? (?:new|more)|overview|conclusion|wrap)\b",
    re.IGNORECASE,
)


def deeds_for(tool: ToolSpec) -> frozenset[str]:
    """Return the deeds that a tool does, by its name's verb or else its description's."""
    name = re.findall(r"[a-z]+", tool.name.lower())
    described = re.findall(r"[a-z]+", tool.description.lower())[:1]
    if name and stem(name[0]) in map(stem, described) and deeds_of(name[0]) == {name[0]}:
        return frozenset(name[:1]) if not _STATES & set(name) else frozenset({"read"})
    nouns = [word for word in name[1:] if is_noun(word)]
    for word in (*nouns, *name, *(word.removesuffix("s") for word in described if word != "returns")):
        deeds = deeds_of(word) - {"write", "omit"}
        if deeds and deeds != {word}:
            return deeds
    return frozenset({"read"} if _STATES & {*name, *described} else name[:1])


def is_reading(tool: ToolSpec) -> bool:
    """Say whether a tool only looks things up."""
    return deeds_for(tool) == {"read"}


def _things(tool: ToolSpec) -> frozenset[str]:
    name = re.findall(r"[a-z]+", tool.name.lower())
    return content_words(" ".join(word for word in name if deeds_of(word) == {word}))


def ordered(tools: Iterable[ToolSpec], text: str, around: Sequence[str]) -> list[tuple[ToolSpec, Arguments]]:
    """Return the calls that the sentences of ``text`` order, in order; arguments may also stand ``around``."""
    found: list[tuple[int, int, ToolSpec, Arguments]] = []
    for place, sentence in enumerate(_told(text)):
        for tool in tools:
            names = (*deeds_for(tool), tool.name.lower())
            plain = sentence.replace(tool.name, tool.name.lower())
            made = _things(tool) if "create" in names else frozenset()
            if not (any(orders(plain, deed, made) for deed in names) or _is_named(tool, sentence)):
                continue
            arguments = arguments_for(tool, (sentence, text, *around))
            if arguments is not None:
                fit = len(shared(_things(tool), content_words(sentence)))
                found.append((place, -fit, tool, arguments))
    return [(tool, arguments) for _, _, tool, arguments in sorted(found, key=lambda each: each[:2])]


def _is_named(tool: ToolSpec, sentence: str) -> bool:
    """Say whether the sentence has the tool by its own name called ("use X", "X(...)")."""
    if tool.name not in sentence:
        return False
    plain = sentence.replace(tool.name, "lookup")
    return any(orders(plain, deed) for deed in ("use", "call", "run", "invoke", "execute", "trigger", "read"))


def _told(text: str) -> list[str]:
    if text.lstrip().startswith(("{", "[")):
        try:
            return [s for value in _strings(json.loads(text)) for s in sentences(value)]
        except ValueError:
            pass
    return sentences(text)


def _strings(data: object) -> list[str]:
    if isinstance(data, dict):
        return [text for value in data.values() for text in _strings(value)]
    if isinstance(data, list):
        return [text for value in data for text in _strings(value)]
    return [data] if isinstance(data, str) else []


def looked_up(tools: Iterable[ToolSpec], ask: str) -> tuple[ToolSpec, Arguments] | None:
    """Return the look-up that an ask needs: of the thing it names, by the number it gives."""
    reading = [tool for tool in tools if is_reading(tool)]
    asked = content_words(ask)
    best: tuple[int, ToolSpec, Arguments] | None = None
    for tool in reading:
        things, described = _things(tool), content_words(tool.description)
        says_so = any(orders(s, "read") for s in sentences(ask))
        hits = 2 * len(shared(things, asked)) + len(shared(described - things, asked)) + says_so
        needs_any = bool(tool.parameters.get("required"))
        if hits < 2 and not (needs_any and len(reading) == 1):
            continue
        arguments = arguments_for(tool, (ask,))
        if arguments is not None and (best is None or hits > best[0]):
            best = (hits, tool, arguments)
    return None if best is None else best[1:]


def asks_again(ask: str, topics: Iterable[frozenset[str]]) -> bool:
    """Say whether an ask without a number goes on about what was looked up before."""
    asked = content_words(ask)
    return bool(_NEWS.search(ask)) or any(len(shared(topic, asked)) * 2 >= len(topic) for topic in topics if topic)


def arguments_for(tool: ToolSpec, texts: Sequence[str]) -> Arguments | None:
    """Return arguments found in the first of ``texts`` that has them, or ``None`` when a required one is missing."""
    found: Arguments = {}
    for name, schema in tool.parameters.get("properties", {}).items():
        if any(word in name for word in ("email", "recipient", "address", "receiver")) or name == "to":
            value = next((m.group().rstrip(".") for text in texts if (m := EMAIL.search(text))), None)
        elif any(word in name for word in ("text", "message", "body", "reason", "note", "content", "subject")):
            value = texts[0]
        else:
            about = _things(tool) | content_words(name)
            value = next((code for text in texts if (code := _code(text, about))), None)
        if value is None:
            if name in tool.parameters.get("required", []):
                return None
            continue
        is_whole = schema.get("type") in ("integer", "number")
        if is_whole and not value.isdigit():
            return None
        found[name] = int(value) if is_whole else value
    return found


def _code(text: str, about: frozenset[str]) -> str | None:
    """Return the number, code or name in ``text`` that stands right behind a word for the thing, or else the first."""
    for shape in (CODE, _LOOSE, _QUOTED, _NAMED):
        found = list(shape.finditer(text))
        for match in found:
            if shared(about, content_words(text[max(0, match.start() - 25) : match.start()])):
                return match[match.lastindex or 0]
        if found and shape is CODE:
            return found[0].group()
    return None
