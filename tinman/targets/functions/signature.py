"""How a callable is called: told by its signature, so that a wrong guess is a message before the first run.

Loaded in the workers of targets, before anything of the user's: standard library only.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["text", "messages", "history", "session", "user"]

_TEXT = {"text", "message", "msg", "prompt", "question", "query", "input", "utterance", "content"}
_MESSAGES = {"messages", "turns", "conversation", "dialog", "dialogue"}
_HISTORY = {"history", "past", "previous"}
_SESSION = {"session", "conversation", "conv", "convo", "thread", "dialog", "dialogue", "chat", "sid", "correlation"}
_USER = {"user", "username", "uid", "customer"}
_LISTS = re.compile(r"\b(list|List|Sequence|Iterable|tuple|Tuple)\b")
_SEED = (("user_text", "text"), ("user_id", "user"), ("session_id", "session"), ("correlation_id", "session"))


class Uncallable(Exception):
    """Raised for a callable whose parameters cannot be filled; its text is the whole message."""


@dataclass(frozen=True)
class Slot:
    """One parameter that is filled: by its name, or by its place when it has to be."""

    name: str
    role: Role
    by_place: bool = False


@dataclass(frozen=True)
class Calling:
    """The parameters of a callable that are filled, in their order."""

    slots: tuple[Slot, ...]

    @property
    def roles(self) -> frozenset[Role]:
        """What the callable is told."""
        return frozenset(slot.role for slot in self.slots)

    def describe(self, name: str) -> str:
        """Return the call as a person would write it."""
        told = (
            slot.role if slot.by_place or slot.name == slot.role else f"{slot.name}={slot.role}" for slot in self.slots
        )
        return f"{name}({', '.join(told)})"

    def filled(self, given: dict[Role, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return positional and keyword arguments, with what ``given`` holds for each role."""
        placed = [given[slot.role] for slot in self.slots if slot.by_place]
        return placed, {slot.name: given[slot.role] for slot in self.slots if not slot.by_place}


def read_calling(function: Callable[..., Any], session_parameter: str = "") -> Calling:
    """Return how ``function`` is called. ``session_parameter`` names the one that takes the session.

    The first parameter that means nothing else takes the text, or the messages so far when its name or annotation says
    so; others are filled when they mean a session, a user or the history. Raises ``Uncallable`` for a parameter that
    has to be given and is none of these.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return Calling((Slot("text", "text", by_place=True),))
    plain = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    if session_parameter and session_parameter not in {one.name for one in plain}:
        raise Uncallable(f"it has no parameter {session_parameter!r}, which [target] session_parameter names")
    if not plain:
        return _open_ended(parameters)
    main = _main(plain, session_parameter)
    return Calling(tuple(_slots(plain, main, session_parameter)))


def _open_ended(parameters: list[inspect.Parameter]) -> Calling:
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return Calling((Slot("text", "text", by_place=True),))
    if parameters:
        return Calling(tuple(Slot(name, role) for name, role in _SEED))  # type: ignore[arg-type]
    raise Uncallable("it takes no parameter; a target takes the text of a turn")


def _main(plain: list[inspect.Parameter], session_parameter: str) -> inspect.Parameter:
    """Return the parameter that takes what is said."""
    named = [one for one in plain if one.name != session_parameter and _words(one.name) & (_TEXT | {"messages"})]
    sure = [one for one in named if not _words(one.name) & (_SESSION | _USER) or one.name == "user_text"]
    meaningless = [one for one in plain if one.name != session_parameter and _other_role(one) is None]
    found = (sure or named or meaningless or [one for one in plain if one.name != session_parameter])[:1]
    if not found:
        raise Uncallable(
            f"its only parameter {session_parameter!r} takes the session; a target takes the text of a turn"
        )
    return found[0]


def _slots(plain: list[inspect.Parameter], main: inspect.Parameter, session_parameter: str) -> Iterator[Slot]:
    for one in plain:
        by_place = one.kind is one.POSITIONAL_ONLY or (
            one is main and one is plain[0] and one.kind is not one.KEYWORD_ONLY
        )
        if one is main:
            yield Slot(one.name, _main_role(one), by_place=by_place)
            continue
        role: Role | None = "session" if one.name == session_parameter else _other_role(one)
        if role is not None:
            yield Slot(one.name, role, by_place=by_place)
        elif one.default is one.empty:
            raise Uncallable(
                f"nobody says what goes into its parameter {one.name!r}; give it a default, or name it in"
                " [target] session_parameter when it takes the session"
            )
        elif by_place:
            return


def _main_role(one: inspect.Parameter) -> Role:
    annotation = _annotation(one)
    if annotation in {"str", "builtins.str"}:
        return "text"
    if annotation and _LISTS.search(annotation):
        return "messages"
    return "messages" if _words(one.name) & (_MESSAGES | _HISTORY) and not _words(one.name) & _TEXT else "text"


def _other_role(one: inspect.Parameter) -> Role | None:
    """Return what a parameter beside the text means, by its annotation, else by its name; ``None`` if nothing known."""
    annotation = _annotation(one)
    is_list = bool(_LISTS.search(annotation))
    for words in (_words(annotation), _words(one.name)):
        if is_list or words & _HISTORY:
            if words & (_HISTORY | _MESSAGES | _SESSION):
                return "history"
            continue
        if words & _SESSION:
            return "session"
        if words & _USER:
            return "user"
    return None


def _annotation(one: inspect.Parameter) -> str:
    value = one.annotation
    if value is one.empty:
        return ""
    if isinstance(value, str):
        return value
    # NewType("SessionId", str) and classes have a name; Annotated[str, "session"] tells it in its text.
    return (
        value.__name__
        if isinstance(getattr(value, "__name__", None), str) and not hasattr(value, "__args__")
        else repr(value)
    )


def _words(name: str) -> set[str]:
    """Return the words of a name, of ``sessionId`` as well as of ``session_id``."""
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
