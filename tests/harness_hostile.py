"""Adapters that fight the process they live in; loaded by factories in worker processes only."""

from __future__ import annotations

import os
import resource
import signal
import time
from typing import Any

from tinman.scenarios.adapters import AppAdapter, PreflightResult, RuntimeSpec


class Hostile(AppAdapter):
    """Does harm as the text says; else says how many turns its process has seen."""

    def __init__(self) -> None:
        self.turns = 0

    def runtime_spec(self, *, user_id: str) -> RuntimeSpec:
        return RuntimeSpec("none", "none", "test", "high")

    def send_user_turn(self, *, user_id: str, user_text: str, correlation_id: str) -> Any:
        self.turns += 1
        match user_text.split()[0]:
            case "forge":
                for descriptor in range(3, 64):
                    try:
                        os.write(descriptor, b'{"value": {"reply": "hi, forged"}}\n{"value": 1}\n')
                    except OSError:
                        continue
                return "no"
            case "scribble":
                for descriptor in range(3, 64):
                    try:
                        os.write(descriptor, b"\xff\xfe not json\n")
                    except OSError:
                        continue
                return "hi"
            case "close":
                os.closerange(3, 256)
                return "hi"
            case "murder":
                os.kill(os.getppid(), signal.SIGKILL)
                return "hi"
            case "group":
                os.killpg(0, signal.SIGKILL)
            case "deep":
                value: Any = "hi"
                for _ in range(100_000):
                    value = [value]
                return value
            case "big":
                return "hi" + "x" * 40_000_000
            case "surrogate":
                return "hi \ud800"
            case "memory":
                resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000))
                return "x" * 10**10
            case "threads":
                time.sleep(0.2)
        return f"hi, turn {self.turns}"


class Shared(Hostile):
    """Asks for one process for the whole run."""

    fresh_per_scenario = False


class Forking(Hostile):
    """Forks while it is made ready."""

    def preflight(self, *, user_id: str) -> PreflightResult:
        if os.fork() == 0:
            return PreflightResult("ready", "the copy")
        time.sleep(0.1)
        return PreflightResult("not", "the original")


def hostile() -> Hostile:
    return Hostile()


def shared() -> Shared:
    return Shared()


def forking() -> Forking:
    return Forking()
