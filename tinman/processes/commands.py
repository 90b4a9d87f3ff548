"""``run_command``: a subprocess that ends in time with everything it started, and whose output is bounded."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from tinman import clock
from tinman.frozen import frozen
from tinman.processes.groups import GRACE_SECONDS, end_session, kill_session, marked
from tinman.processes.output import BoundedOutput
from tinman.processes.threads import current_call

DRAIN_SECONDS = 0.5
"""How long a leader's children may hold its pipes open after it ended."""
MAX_OUTPUT_BYTES = 1_000_000


@frozen
class CommandResult:
    """What a command came to. ``code`` is negative for a signal; long output keeps its head and its tail.

    ``dropped_bytes`` of the output stand in neither; ``is_unstarted`` tells a program that is not there, or may not be
    run, from one that ended with that code.
    """

    code: int
    stdout: str
    stderr: str
    timed_out: bool = False
    dropped_bytes: int = 0
    is_unstarted: bool = False


def run_command(
    cmd: list[str] | str,
    timeout_s: float = 120.0,
    cwd: str | os.PathLike[str] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    max_output_bytes: int = MAX_OUTPUT_BYTES,
    grace_s: float = GRACE_SECONDS,
) -> CommandResult:
    """Run a command (a list, or text for the shell) without standard input and return what came of it.

    After ``timeout_s``, or when the tool call around it is given up, its whole session gets TERM and, ``grace_s``
    later, KILL. Children that outlive the leader are ended as well. ``env`` replaces the environment. A program that
    is not there is code 127, one that may not be run 126.
    """
    marked_env, mark = marked(env)
    try:
        process = subprocess.Popen(
            cmd,
            shell=isinstance(cmd, str),
            cwd=cwd,
            env=marked_env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        return CommandResult(code=127, stdout="", stderr=f"not found: {error.filename}", is_unstarted=True)
    except OSError as error:
        return CommandResult(code=126, stdout="", stderr=f"cannot be run: {error.strerror or error}", is_unstarted=True)
    except ValueError as error:
        return CommandResult(code=126, stdout="", stderr=f"cannot be run: {error}", is_unstarted=True)
    assert process.stdout is not None
    assert process.stderr is not None
    readers = (BoundedOutput(process.stdout, max_output_bytes), BoundedOutput(process.stderr, max_output_bytes))
    for reader in readers:
        reader.start()
    scope = current_call.get()
    timed_out = False
    with ExitStack() as stack:
        if scope is not None:
            stack.enter_context(scope.ending(partial(kill_session, process.pid, mark)))
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            timed_out = True
            end_session(process, grace_s, mark)
        except BaseException:
            end_session(process, 0.0, mark)
            raise
        _drain(process, readers, mark)
    return CommandResult(
        code=process.returncode,
        stdout=readers[0].text(),
        stderr=readers[1].text(),
        timed_out=timed_out,
        dropped_bytes=sum(reader.dropped for reader in readers),
    )


def _drain(process: subprocess.Popen[bytes], readers: tuple[BoundedOutput, ...], mark: str) -> None:
    """Wait for the pipes' ends; whoever still holds them is killed, and they are left."""
    deadline = clock.monotonic() + DRAIN_SECONDS
    for reader in readers:
        reader.join(max(0.0, deadline - clock.monotonic()))
    kill_session(process.pid, mark)
    for reader in readers:
        reader.join(DRAIN_SECONDS)
    for pipe, reader in zip((process.stdout, process.stderr), readers, strict=True):
        if pipe is not None and not reader.is_alive():
            pipe.close()
