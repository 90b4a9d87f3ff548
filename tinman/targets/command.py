"""A program as a target: one process a turn, no shell, killed with its session when it takes too long."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from contextlib import suppress

import anyio
from anyio.abc import Process

from tinman.errors import ConfigError, TargetError
from tinman.messages import Reply, Request
from tinman.processes.groups import close_session, kill_session
from tinman.targets.profile import TargetProfile
from tinman.targets.turn import TurnTarget, said
from tinman.text.visible import shorten

MAX_OUTPUT = 4_000_000


def words_of(kind: str, line: str) -> list[str]:
    """Return the words of a target's command line. Raises ``ConfigError`` when it cannot be split or names nothing."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise ConfigError(f"target: {kind} {shorten(line, 80)!r}: {error}") from error
    if not words:
        raise ConfigError(f"target: {kind}: names no program; write {kind}:PROGRAM ARGS")
    return words


class CommandTarget(TurnTarget):
    """Runs ``line``. ``{text}``, ``{session}`` and ``{user}`` stand for whole arguments; without ``{text}`` the turn is
    written to standard input. What it prints is the answer."""

    def __init__(self, line: str, profile: TargetProfile) -> None:
        self._words = words_of("command", line)

        super().__init__(f"command:{line}", profile.capabilities, identity={"kind": "command", "words": self._words})

    async def preflight(self) -> None:
        """Look for the program; nothing is started. Raises ``ConfigError``."""
        if shutil.which(self._words[0]) is None:
            raise ConfigError(f"target: command: there is no program {self._words[0]!r} on the PATH")

    async def answer(self, text: str, *, user: str, session: str, request: Request) -> Reply:
        """Run the program once. A missing program, an exit code other than 0 or endless output is a ``TargetError``."""
        slots = {"{text}": text, "{session}": session, "{user}": user}
        line = [slots.get(word, word) for word in self._words]
        is_argument = "{text}" in self._words
        try:
            process = await anyio.open_process(
                line, stdin=subprocess.DEVNULL if is_argument else subprocess.PIPE, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise TargetError(f"target {self.name}: cannot start {line[0]!r}: {error}") from error
        try:
            out, err = await _talk(process, None if is_argument else text)
        finally:
            await close_session(process, grace_seconds=0)
        if process.returncode != 0:
            words = shorten(err.decode("utf-8", "replace") or out.decode("utf-8", "replace"), 200)
            raise TargetError(f"target {self.name}: exit code {process.returncode}: {words}")
        return said(out.decode("utf-8", "replace").strip())


async def _talk(process: Process, text: str | None) -> tuple[bytes, bytes]:
    """Write the turn, read both pipes to their end, wait."""
    read: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}

    async def drain(name: str, stream: object) -> None:
        async for chunk in stream:  # type: ignore[attr-defined]
            read[name] += chunk
            if len(read[name]) > MAX_OUTPUT:
                raise TargetError(f"the command printed more than {MAX_OUTPUT} bytes")

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(drain, "out", process.stdout)
            group.start_soon(drain, "err", process.stderr)
            if text is not None and process.stdin is not None:
                with suppress(anyio.BrokenResourceError, BrokenPipeError, ConnectionResetError):
                    await process.stdin.send(text.encode("utf-8", "replace"))
                await process.stdin.aclose()
            await process.wait()
            kill_session(process.pid)  # its children may hold the pipes open
    except* TargetError as several:
        raise several.exceptions[0] from None
    return bytes(read["out"]), bytes(read["err"])
