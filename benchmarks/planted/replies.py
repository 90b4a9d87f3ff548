"""What an assistant answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """A tool call that the assistant wants made."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """Words or calls. ``finish`` is the stop reason of the wire; ``status`` other than 200 is an HTTP error."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    delay_seconds: float = 0.0
    status: int = 200
