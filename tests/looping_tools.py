"""Tools that can be imported, for tests of tools in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tinman.loop import tool


@tool(isolated=True)
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    sys.stdout.write("this is no answer\n")
    return a + b


@tool(isolated=True)
async def later(text: str) -> str:
    """Answer from an event loop of its own."""
    return text.upper()


@tool(isolated=True)
def fail() -> str:
    """Fail."""
    raise ValueError("as told")


@tool(isolated=True)
def leave() -> str:
    """End the process."""
    os._exit(3)


@tool(isolated=True, timeout_s=1.0)
def hang(mark: str) -> str:
    """Start a child, note its id and its own, and hang with it."""
    child = subprocess.Popen(["sleep", "60"])
    Path(mark).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(60)
    return ""
