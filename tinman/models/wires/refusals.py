"""Why a provider refused: its filter stopped the text, or it does not take the form of the request. No network here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinman.messages import FILTERED, Message, Reply, Usage
from tinman.text.visible import shorten

_FILTER_CODES = frozenset(
    "content_filter content_filtered content_policy_violation responsibleaipolicyviolation moderation_blocked "
    "moderation_error safety invalid_prompt datainspectionfailed data_inspection_failed prompt_blocked".split()
)
_FILTER_WORDS = re.compile(
    r"content[ _-]?(?:filter|polic|management|safety|moderation)"
    r"|\bmoderat(?:ion|ed)\b"
    r"|(?:input|prompt|content|message|request|output|response|text)\b.{0,40}\bflagged\b"
    r"|\bflagged\b.{0,40}\b(?:input|prompt|content|message|request|output|response|unsafe|harm)"
    r"|safety[ _-](?:system|filter|polic|setting|guideline)"
    r"|violat\w*\b.{0,40}\b(?:polic|guideline|terms)"
    r"|(?:blocked|stopped|rejected)\b.{0,40}\b(?:guardrail|filter|safety)"
    r"|responsible ?ai|inappropriate content",
    re.IGNORECASE,
)


class Filtered(Exception):
    """Raised inside ``models`` when the provider's own filter stopped a request or its reply."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True)
class Form:
    """A way of asking that not every server takes, and the words of a refusal that is about it."""

    name: str
    words: re.Pattern[str]


def error_in(body: object) -> Mapping[str, Any] | None:
    """Return the error that a response's ``body`` tells: an object, one in a list of one, or a text under ``error``."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, Mapping):
        return None
    error = body.get("error", body)
    return error if isinstance(error, Mapping) else {"message": error}


def filter_words(body: object) -> str | None:
    """Return the words in which an error's ``body`` says that a filter stopped the text, or ``None`` if it does not.

    Under an error status a completion that ended with ``content_filter`` says it too.
    """
    inner = error_in(body)
    if inner is None or not isinstance(body, Mapping | list):
        return None
    deeper = inner.get("innererror")
    codes = [inner.get("code"), inner.get("type"), deeper.get("code") if isinstance(deeper, Mapping) else None]
    choices = body.get("choices") if isinstance(body, Mapping) else None
    if isinstance(choices, list):
        codes += [choice.get("finish_reason") for choice in choices if isinstance(choice, Mapping)]
    text = inner.get("message")
    told = text if isinstance(text, str) else ""
    if any(isinstance(code, str) and code.lower() in _FILTER_CODES for code in codes) or _FILTER_WORDS.search(told):
        return shorten(told, 300) or "content filter"
    return None


def refused_by_filter(words: str) -> Reply:
    """Return the reply for what a filter stopped: a refusal that says nothing, the provider's words beside it."""
    return Reply(
        message=Message(role="assistant", parts=()), usage=Usage(calls=1), stop="refusal", extra={FILTERED: words}
    )


def refused_form(forms: tuple[Form, ...], said: str) -> str | None:
    """Return the name of the one of ``forms`` that a refusal in the words ``said`` is about, if it is about any."""
    return next((form.name for form in forms if form.words.search(said)), None)


def echoed_fields(body: Mapping[str, Any], known: frozenset[str]) -> Form | None:
    """Return the form "fields of the server's own come back in the history", if ``body`` holds any not ``known``."""
    odd = {
        name
        for message in body["messages"]
        if message.get("role") == "assistant"
        for name in _fields(message)
        if name not in known
    }
    if not odd:
        return None
    named = "|".join(rf"\b{re.escape(name)}\b" for name in sorted(odd))
    general = r"extra (?:input|field)|additional propert|un(?:known|recognized|supported) (?:field|propert|key)"
    return Form("echo", re.compile(f"{named}|{general}", re.IGNORECASE))


def _fields(message: Mapping[str, Any]) -> set[str]:
    calls = message.get("tool_calls")
    inner = [name for call in calls if isinstance(call, Mapping) for name in call] if isinstance(calls, list) else []
    return {*message, *inner}
