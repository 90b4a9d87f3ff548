"""``tinman scenarios mcp-proxy``: between an agent and its MCP server; it loads little."""

from __future__ import annotations

from pathlib import Path

from tinman.cli.app import App
from tinman.config.settings import environment
from tinman.targets.adapters.base import TRACE_FILE
from tinman.targets.adapters.mcp_proxy import proxy


async def mcp_proxy(_: App, record: str, words: tuple[str, ...]) -> int:
    """Pass messages on and write tool calls to a trace file; return the server's exit code."""
    place = record or environment().get(TRACE_FILE, "")
    return await proxy(words, file=Path(place) if place else None)
