"""A target from its name, and from whatever a notebook has at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinman.errors import ConfigError
from tinman.models.load import load_model
from tinman.targets.base import Target
from tinman.targets.chat import ChatTarget
from tinman.targets.command import CommandTarget
from tinman.targets.foreign import ForeignTarget
from tinman.targets.functions.target import FunctionTarget, LiveFunctionTarget
from tinman.targets.http.target import HttpTarget
from tinman.targets.mcp_server import McpTarget
from tinman.targets.profile import TargetProfile
from tinman.targets.sandbox.model import SandboxModel
from tinman.text.nearest import nearest
from tinman.text.visible import shorten

_FORMS = (
    "sandbox, sandbox:sound, sandbox:noisy, openai:MODEL, anthropic:MODEL, package.module:callable,"
    " path/to/file.py:callable, command:PROGRAM ARGS, mcp:PROGRAM ARGS, http://HOST/PATH"
)
SANDBOX_MAX_TOKENS = 96


def is_target(given: object) -> bool:
    """Say whether ``given`` is a target, ours or somebody's own."""
    return hasattr(given, "open") and hasattr(given, "around")


def as_target(given: Any) -> Target:
    """Return a target for a target, a model, or a live callable ``text -> text``. Raises ``ConfigError``."""
    if is_target(given):
        target: Target = given if hasattr(given, "metered") else ForeignTarget(given)
        return target
    if hasattr(given, "complete") and hasattr(given, "provider"):
        return ChatTarget(given)
    if callable(given):
        return LiveFunctionTarget(given)
    raise ConfigError(f"target: a {type(given).__name__} cannot be tested; give a Target, a Model or a callable")


def _sandbox(spec: str) -> ChatTarget:
    match spec:
        case "sandbox":
            return ChatTarget(SandboxModel(), name=spec, params={"max_tokens": SANDBOX_MAX_TOKENS})
        case "sandbox:sound":
            return ChatTarget(SandboxModel("sound", weaknesses=()), name=spec, params={"max_tokens": 1_024})
        case "sandbox:noisy":
            return ChatTarget(SandboxModel("noisy", weaknesses=(), noise=0.05), name=spec, params={"max_tokens": 1_024})
        case _:
            raise ConfigError(f"target: there is no {shorten(spec, 60)!r}; use sandbox, sandbox:sound or sandbox:noisy")


def load_target(profile: TargetProfile, keys: Mapping[str, str]) -> Target:
    """Return the target a profile names; nothing is called yet. Raises ``ConfigError`` with the forms there are."""
    spec = profile.spec.strip()
    if spec.split(":")[0] == "sandbox":
        return _sandbox(spec)
    if spec.startswith(("http://", "https://")):
        return HttpTarget(profile)
    if spec.startswith("command:"):
        return CommandTarget(spec.removeprefix("command:"), profile)
    if spec.startswith("mcp:"):
        return McpTarget(spec.removeprefix("mcp:"), profile)
    kind, colon, _ = spec.partition(":")
    if kind in {"openai", "anthropic"}:
        model = load_model(spec, base_url=profile.base_url, keys=keys, timeout_seconds=profile.timeout_seconds)
        return ChatTarget(model, name=spec, world=profile.world, params=profile.params)
    if colon:
        return FunctionTarget(profile)
    near = nearest(spec, ["sandbox", "sandbox:sound", "sandbox:noisy", "openai:", "anthropic:"])
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ConfigError(f"target: {shorten(spec, 60)!r} is none of {_FORMS}{hint}")
