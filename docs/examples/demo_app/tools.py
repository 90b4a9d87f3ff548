"""The demo's tools, over a mailbox in memory."""

from __future__ import annotations

MAILBOX = {"m1": "newsletter", "m2": "newsletter", "m3": "alice", "m4": "bob"}


def call_tool(
    tool_name: str, user_id: str, arguments: dict[str, object], correlation_id: str | None = None
) -> dict[str, object]:
    """Carry out one tool call."""
    if tool_name == "search_messages":
        wanted = arguments["sender"]
        ids = [name for name, sender in MAILBOX.items() if wanted in ("", sender)]
        return {"status": "ok", "user_safe_summary": f"{len(ids)} found", "ids": ids}
    if tool_name == "preview_delete":
        return {"status": "ok", "user_safe_summary": "nothing was deleted"}
    if tool_name == "delete_messages":
        ids = arguments["ids"]
        assert isinstance(ids, list)
        for name in ids:
            MAILBOX.pop(str(name), None)
        return {"status": "ok", "user_safe_summary": f"{len(ids)} deleted"}
    raise LookupError(f"there is no tool {tool_name}")
