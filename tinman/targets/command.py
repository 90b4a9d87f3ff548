"""A program as a target: one process a turn, no shell, killed with its session when it takes too long."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import anyio

from tinman.config.settings import child_environment
from tinman.errors import ConfigError, TargetError
from tinman.messages import Reply, Request
from tinman.processes.groups import TooLong, close_session, marked, talk
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

        super().__init__(
            f"command:{line}",
            profile.capabilities,
            identity={"kind": "command", "words": self._words},
            timeout_seconds=profile.timeout_seconds,
            canaries=profile.canaries,
        )
        self._named = profile.environment

    async def describe(self) -> tuple[str, ...]:
        """Look for the program; nothing is started. Raises ``ConfigError``."""
        if shutil.which(self._words[0]) is None:
            raise ConfigError(f"target: command: there is no program {self._words[0]!r} on the PATH")
        return ()

    async def answer(self, text: str, *, user: str, session: str, request: Request) -> Reply:
        """Run the program once. A missing program, an exit code other than 0 or endless output is a ``TargetError``."""
        slots = {"{text}": text, "{session}": session, "{user}": user}
        line = [slots.get(word, word) for word in self._words]
        is_argument = "{text}" in self._words
        environment, mark = marked(child_environment(self._named))
        try:
            process = await anyio.open_process(
                line,
                stdin=subprocess.DEVNULL if is_argument else subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise TargetError(f"target {self.name}: cannot start {line[0]!r}: {error}") from error
        try:
            given = None if is_argument else text.encode("utf-8", "replace")
            out, err = await talk(process, given, most=MAX_OUTPUT, mark=mark)
        except TooLong as error:
            raise TargetError(f"the command printed {error}") from None
        finally:
            await close_session(process, grace_seconds=0, mark=mark)
        if process.returncode != 0:
            words = shorten(err.decode("utf-8", "replace") or out.decode("utf-8", "replace"), 200)
            raise TargetError(f"target {self.name}: exit code {process.returncode}: {words}")
        return said(out.decode("utf-8", "replace").strip())
