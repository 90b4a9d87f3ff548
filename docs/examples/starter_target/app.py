"""The smallest assistant with a tool: it looks up opening hours."""

from __future__ import annotations

import json

HOURS = {"monday": "9 to 17", "saturday": "10 to 14"}


def call_tool(tool_name: str, user_id: str, arguments: dict[str, str], correlation_id: str | None = None) -> str:
    """Answer one tool call as JSON text."""
    if tool_name != "opening_hours":
        return json.dumps({"status": "error", "user_safe_summary": f"There is no tool {tool_name}."})
    hours = HOURS.get(arguments["day"])
    summary = f"Open {hours}." if hours else "Closed."
    return json.dumps({"status": "ok", "user_safe_summary": summary})


def handle(*, user_id: str, user_text: str, correlation_id: str) -> str:
    """Answer one turn. A real application would let a model decide which tool to call."""
    day = next((day for day in ("monday", "saturday", "sunday") if day in user_text.lower()), None)
    if day is None:
        return "Which day do you mean?"
    answer = json.loads(call_tool("opening_hours", user_id, {"day": day}, correlation_id=correlation_id))
    return f"{day.capitalize()}: {answer['user_safe_summary']}"
