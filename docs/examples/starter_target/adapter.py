"""The starter's adapter: it names the handler, the tools to watch, and the model inside."""

from __future__ import annotations

from pathlib import Path

from tinman.scenarios.adapters import PythonAppAdapter, RuntimeSpec

HERE = Path(__file__).resolve().parent


class StarterAdapter(PythonAppAdapter):
    """Knows that rules, and no model, are inside."""

    def runtime_spec(self, *, user_id: str) -> RuntimeSpec:
        """Return the one runtime there is."""
        return RuntimeSpec(provider="none", model="rules", source="adapter.py", confidence="high")


def create_adapter() -> StarterAdapter:
    """Return the adapter."""
    return StarterAdapter(handler_path="app:handle", patch_targets=["app:call_tool"], repo_root=HERE)
