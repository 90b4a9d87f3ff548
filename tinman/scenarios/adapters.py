"""Adapters as the owner of a target writes them; see ``tinman.targets.adapters.base``."""

from __future__ import annotations

from tinman.errors import TraceCaptureError as TraceCaptureError
from tinman.targets.adapters.base import AppAdapter as AppAdapter
from tinman.targets.adapters.base import CommandAppAdapter as CommandAppAdapter
from tinman.targets.adapters.base import FileTraceRecorder as FileTraceRecorder
from tinman.targets.adapters.base import PreflightResult as PreflightResult
from tinman.targets.adapters.base import PythonAppAdapter as PythonAppAdapter
from tinman.targets.adapters.base import RuntimeSpec as RuntimeSpec
from tinman.targets.adapters.base import ToolPatchRecorder as ToolPatchRecorder
from tinman.targets.adapters.base import TraceRecorder as TraceRecorder
