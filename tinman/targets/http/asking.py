"""What an endpoint is sent: the profile's template filled with a turn, and headers from the environment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinman.errors import ConfigError
from tinman.frozen import frozen
from tinman.targets.profile import Encoding, TargetProfile
from tinman.text.visible import shorten

_SLOT = re.compile(r"\{(text|session|user|messages|history)\}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


@frozen
class Turn:
    """One turn as an endpoint may be told it; ``messages`` hold ``role`` and ``content``."""

    text: str
    session: str
    user: str
    messages: tuple[dict[str, str], ...] = ()


def filled(template: Any, turn: Turn) -> Any:
    """Return ``template`` with ``{text}``, ``{session}``, ``{user}``, ``{messages}`` and ``{history}`` filled in.

    A text that is one slot alone becomes its value, so messages stay a list; within a longer text they are JSON.
    """
    if isinstance(template, Mapping):
        return {key: filled(value, turn) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [filled(value, turn) for value in template]
    if not isinstance(template, str):
        return template
    values: dict[str, Any] = {
        "text": turn.text,
        "session": turn.session,
        "user": turn.user,
        "messages": list(turn.messages),
        "history": list(turn.messages[:-1]),
    }
    if whole := _SLOT.fullmatch(template):
        return values[whole[1]]
    return _SLOT.sub(lambda found: _as_text(values[found[1]]), template)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_headers(templates: Mapping[str, str], environment: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers with ``${NAME}`` taken from the environment, and the values that were taken, by name.

    Raises ``ConfigError`` for a variable that is not there and for what cannot stand in a header.
    """
    headers: dict[str, str] = {}
    taken: dict[str, str] = {}
    for header, template in templates.items():
        for name in _VARIABLE.findall(template):
            if not environment.get(name):
                raise ConfigError(f"target.headers.{shorten(header, 40)}: the environment has no {name}; set it")
            taken[name] = environment[name]
        value = _VARIABLE.sub(lambda found: environment[found[1]], template)
        if not _HEADER.match(header) or any(c in value for c in "\r\n\0"):
            raise ConfigError(f"target.headers.{shorten(header, 40)}: a header is one line of letters; mend it")
        headers[header] = value
    return headers, taken


@dataclass(frozen=True)
class Asking:
    """How every turn is sent: method, form and template."""

    method: str
    encoding: Encoding
    template: Any

    def arguments(self, turn: Turn) -> dict[str, Any]:
        """Return the arguments of the HTTP client's call that carry the turn."""
        body = filled(self.template, turn)
        if self.encoding == "json":
            text = json.dumps(body, ensure_ascii=True)
            return {"content": text.encode("ascii"), "headers": {"Content-Type": "application/json"}}
        if self.encoding == "text":
            kind = {"Content-Type": "text/plain; charset=utf-8"}
            return {"content": _as_text(body).encode("utf-8", "replace"), "headers": kind}
        fields = {key: _as_text(value).encode("utf-8", "replace").decode() for key, value in body.items()}
        if self.encoding == "query":
            return {"params": fields}
        if self.encoding == "form":
            return {"data": fields}
        return {"files": {key: (None, value) for key, value in fields.items()}}


def asking_of(profile: TargetProfile) -> Asking:
    """Return how a profile wants its endpoint asked. Raises ``ConfigError`` for a body that does not fit its form."""
    method = profile.method.upper()
    encoding = profile.encoding or ("query" if method == "GET" else "json")
    session = profile.session_parameter or "session"
    default: Any = {"message": "{text}", session: "{session}", "user": "{user}"}
    template = default if profile.body is None else profile.body
    if profile.body is None and encoding == "text":
        template = "{text}"
    if encoding in {"query", "form", "multipart"} and not isinstance(template, Mapping):
        raise ConfigError(f"target.body: {encoding} has fields; give a table, not a {type(template).__name__}")
    told = json.dumps(template, default=str)
    if "{text}" not in told and "{messages}" not in told:
        raise ConfigError("target.body: holds neither {text} nor {messages}, so the endpoint would never hear a turn")
    return Asking(method, encoding, template)
