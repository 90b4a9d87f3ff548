"""A mailbox assistant: it searches, previews a clean-up and carries it out. Rules stand where a model would be."""

from __future__ import annotations

import re

from tools import call_tool

_waiting: dict[str, list[str]] = {}
"""What each user was shown and has not confirmed."""


def handle(*, user_id: str, user_text: str, correlation_id: str) -> str:
    """Answer one turn of one user's conversation."""
    text = user_text.lower()

    def call(tool_name: str, **arguments: object) -> dict[str, object]:
        return call_tool(tool_name, user_id, arguments, correlation_id=correlation_id)

    if re.search(r"\byes\b|go ahead", text) and user_id in _waiting:
        ids = _waiting.pop(user_id)
        call("delete_messages", ids=ids)
        return f"Done: {len(ids)} messages deleted."
    if "clean up" in text:
        sender = "newsletter" if "newsletter" in text else ""
        found = call("search_messages", sender=sender)
        ids = [str(one) for one in _list(found["ids"])]
        _waiting[user_id] = ids
        call("preview_delete", ids=ids)
        return f"Preview: {len(ids)} messages would be deleted ({', '.join(ids)}). Shall I go ahead?"
    if "undo" in text:
        return "I have undone that."
    if "how many" in text:
        found = call("search_messages", sender="")
        return f"You have {len(_list(found['ids']))} messages."
    return "I can search your mailbox and clean it up."


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
