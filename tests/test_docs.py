"""Every block of the documents runs as it is printed.

``console``: each ``$ command`` runs in the document's own folder; the lines below it are the expected output, where
``...`` stands for anything and times of day for each other; ``# exits N`` names an exit code other than 0. ``python``:
runs in the document's one namespace, ``await`` at the top level included. A block whose first line is a comment that
names a file is written to that file. Anything else is prose.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import io
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import structlog

from tinman.cli.main import main

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"scenarios.md"}  # works in a copy of the folder, in test_harness_docs
DOCUMENTS = [ROOT / "README.md", *(p for p in sorted((ROOT / "docs").rglob("*.md")) if p.name not in ELSEWHERE)]
EXECUTED = {"console", "python", "toml", "diff"}  # diffs in test_the_house_grows
SERVER = "http://127.0.0.1:8000"
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^# ([\w./-]+\.(?:py|toml|json))$")
_SAME = doctest.OutputChecker()


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text and the line it starts on."""

    language: str
    text: str
    line: int


def blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    return [
        Block(found[2], textwrap.dedent(found[3]), text.count("\n", 0, found.start()) + 1)
        for found in _FENCE.finditer(text)
    ]


@dataclass(frozen=True)
class Step:
    """A command, what it should print, and how it should end."""

    command: str
    expected: str
    code: int


def steps(text: str) -> list[Step]:
    """Split a console block at its ``$`` lines; lines that start with ``>`` belong to the command above."""
    found: list[Step] = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.split("\n")
        count = next((i for i, line in enumerate(lines[1:], 1) if not line.startswith("> ")), len(lines))
        command = "\n".join([lines[0], *(line[2:] for line in lines[1:count])])
        code = re.search(r"\s+# exits (\d+)$", command)
        expected = "\n".join(lines[count:]).strip("\n")
        found.append(Step(re.sub(r"\s+# exits \d+$", "", command), expected, int(code[1]) if code else 0))
    return found


def normal(text: str) -> str:
    """Times passed are different each time."""
    return re.sub(r"\b\d+:\d\d\b", "T:TT", "\n".join(line.rstrip() for line in text.strip("\n").split("\n")))


def in_the_makefile(command: str) -> str:
    """Return what ``make NAME`` runs in the end, so that no second installation is needed here."""
    told = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "--always-make", *command.split()[1:]],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip().split("\n")[-1].replace(".venv/bin/", "")


def run(step: Step, folder: Path, environment: dict[str, str], server: str) -> None:
    command = step.command.replace(SERVER, server)
    if command == "make test" or command.startswith(("git clone", "python3 -m venv", ". .venv", "cd ", "pip install")):
        return  # this very suite; and installing, which .ci/run does
    if command.startswith("make "):
        command = in_the_makefile(command)
    if command.startswith("tinman ") and not re.search(r"[|<>$;&`]", command):
        code, printed = in_this_process(shlex.split(command)[1:], environment)
        check(step, code, printed, server)
        return
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=100,
    )
    check(step, done.returncode, done.stdout, server)


def in_this_process(arguments: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Return how the command ended and what it printed on both streams; a process each would import for a second."""
    printed = io.StringIO()
    with mock.patch.dict(os.environ, environment, clear=True), redirect_stdout(printed), redirect_stderr(printed):
        try:
            main(arguments)
        except SystemExit as ended:
            return int(ended.code or 0), printed.getvalue()
        finally:
            structlog.reset_defaults()
    raise AssertionError("the command line ends by exiting")


def check(step: Step, code: int, printed: str, server: str) -> None:
    assert code == step.code, f"{step.command} ended with {code}:\n{printed}"
    if step.expected:
        want, got = normal(step.expected) + "\n", normal(printed).replace(server, SERVER) + "\n"
        assert _SAME.check_output(want, got, doctest.ELLIPSIS), (
            f"$ {step.command}\nprinted:\n{got}\nthe document:\n{want}"
        )


def execute(block: Block, namespace: dict[str, Any], document: Path) -> None:
    code = compile(
        "\n" * block.line + block.text, str(document), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
    )
    value = eval(code, namespace)
    if inspect.iscoroutine(value):
        namespace["__loop__"].run_until_complete(value)


@pytest.fixture(scope="module")
def sandbox_server() -> Iterator[str]:
    """A server of both providers' kinds with the sandbox behind it."""
    program = "import sandbox_over_http; sandbox_over_http.main()"
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT / "tests", stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_runs_as_printed(
    document: Path, tmp_path: Path, sandbox_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TINMAN_", "OPENAI_", "ANTHROPIC_", "CI"))}
    # Most of the time of a pytest inside goes into plugins; only what runs our own as one needs them.
    plain = {} if "pytest --tinman" in document.read_text() else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for name, value in plain.items():
        monkeypatch.setenv(name, value)
    environment = {
        **kept,
        **plain,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "COLUMNS": "80",
    }
    namespace: dict[str, Any] = {"__name__": "__main__", "__loop__": asyncio.new_event_loop()}
    try:
        for block in blocks(document):
            file = _FILE.match(block.text.partition("\n")[0])
            if file is not None:
                (tmp_path / file[1]).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / file[1]).write_text(block.text.replace(SERVER, sandbox_server), encoding="utf-8")
            elif block.language == "console":
                for step in steps(block.text):
                    run(step, tmp_path, environment, sandbox_server)
            elif block.language == "python":
                execute(block, namespace, document)
    finally:
        namespace["__loop__"].close()


def test_every_block_says_what_it_is() -> None:
    """A block is executed, or it is ``text`` and says so: a shell block that nobody runs would rot."""
    odd = [
        f"{document.name}:{block.line}"
        for document in DOCUMENTS
        for block in blocks(document)
        if block.language not in EXECUTED | {"text"}
        or (block.language == "toml" and not _FILE.match(block.text.split("\n")[0]))
    ]
    assert not odd


def test_every_link_leads_somewhere() -> None:
    broken = [
        f"{document.name}: {link}"
        for document in DOCUMENTS
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
        if not link.startswith("http") and not (document.parent / link).exists()
    ]
    assert not broken


def test_the_reference_names_every_command_exit_code_setting_and_weakness() -> None:
    from tinman.cli.app import Exit
    from tinman.cli.main import root
    from tinman.targets.profile import TargetProfile
    from tinman.targets.sandbox.weaknesses import WEAKNESSES

    reference = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")}
    commands = root.list_commands(None)  # type: ignore[arg-type]
    codes = [value for name, value in vars(Exit).items() if name.isupper()]

    assert [name for name in commands if f"| `{name}` |" not in reference["command-line"]] == []
    assert [code for code in codes if not re.search(rf"^\| {code}\b", reference["command-line"], re.MULTILINE)] == []
    profile = [name for name in TargetProfile.__dataclass_fields__ if name not in reference["settings"]]
    assert profile == []
    for weakness in WEAKNESSES.values():
        row = next(line for line in reference["sandbox"].split("\n") if f"`{weakness.name}`" in line)
        assert weakness.failure_class in row
        assert f"{weakness.rate:.0%}" in row
        assert weakness.trigger in row
        assert weakness.cured_by in row
