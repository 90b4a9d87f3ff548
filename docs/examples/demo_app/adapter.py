"""The demo's adapter: the model is read out of the target's own settings file, never guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tinman.scenarios.adapters import PreflightResult, PythonAppAdapter, RuntimeSpec

HERE = Path(__file__).resolve().parent


class DemoAdapter(PythonAppAdapter):
    """Checks the settings before it is measured, and says what is inside."""

    def _settings(self) -> dict[str, str]:
        settings: dict[str, str] = json.loads((HERE / "settings.json").read_text(encoding="utf-8"))
        return settings

    def preflight(self, *, user_id: str) -> PreflightResult:
        """Say whether the demo can be measured."""
        if not (HERE / "settings.json").is_file():
            return PreflightResult("blocked", "settings.json is missing")
        return PreflightResult("ready", "The settings are there.", {"user": user_id})

    def runtime_spec(self, *, user_id: str) -> RuntimeSpec:
        """Return what the settings name."""
        settings = self._settings()
        return RuntimeSpec(settings["provider"], settings["model"], "settings.json", "high", "the app reads it, too")

    def select_runtime(self, runtime: RuntimeSpec) -> None:
        """Take note of an override. A real adapter would hand it to the application."""
        self.runtime = runtime

    def run_metadata(self) -> dict[str, Any]:
        """Return what the report should say."""
        return {**super().run_metadata(), "settings": self._settings()}


def create_adapter() -> DemoAdapter:
    """Return the adapter."""
    return DemoAdapter(handler_path="app:handle", patch_targets=["tools:call_tool"], repo_root=HERE)
