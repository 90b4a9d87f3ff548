"""Adapters as the owner of a target writes them; see ``tinman.targets.adapters.base``."""

from __future__ import annotations

from tinman.errors import TraceCaptureError
from tinman.targets.adapters.base import (
    AppAdapter,
    CommandAppAdapter,
    FileTraceRecorder,
    PreflightResult,
    PythonAppAdapter,
    RuntimeSpec,
    ToolPatchRecorder,
    TraceRecorder,
)

__all__ = [
    "AppAdapter",
    "CommandAppAdapter",
    "FileTraceRecorder",
    "PreflightResult",
    "PythonAppAdapter",
    "RuntimeSpec",
    "ToolPatchRecorder",
    "TraceCaptureError",
    "TraceRecorder",
]
