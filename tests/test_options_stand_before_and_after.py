"""A global option means the same before and after a command, and each command has a body that takes its options."""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from tinman.cli.app import App
from tinman.cli.command import GLOBAL, Command, Family
from tinman.cli.main import main, root

Said = Callable[..., tuple[int, str, str]]
GIVEN = ("-v", "-q", "--config", "a.toml", "--db", "b.db", "--display", "plain", "--json", "--no-input")
EXPECTED = App(verbose=1, quiet=True, config=Path("a.toml"), db="b.db", display="plain", as_json=True, no_input=True)


def leaves(family: Family, *path: str) -> Iterator[tuple[tuple[str, ...], Command]]:
    for name, command in family.commands.items():
        if isinstance(command, Family):
            yield from leaves(command, *path, name)
        else:
            assert isinstance(command, Command)
            yield (*path, name), command


LEAVES = list(leaves(root))


def app_of(before: tuple[str, ...], path: tuple[str, ...], after: tuple[str, ...]) -> App | None:
    """Return the options that the command ``path`` would be run with; nothing runs."""
    command: click.Command = root
    context = root.make_context("tinman", [*before, *path, *after])
    for number, name in enumerate(path):
        assert isinstance(command, Family)
        command = command.commands[name]
        context = command.make_context(name, [*path[number + 1 :], *after], parent=context)
    return context.find_object(App)


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[" ".join(path) for path, _ in LEAVES])
def test_a_global_option_means_the_same_before_and_after_a_command(path: tuple[str, ...], command: Command) -> None:
    words = tuple(shlex.split(command.example.partition(" > ")[0]))
    own = tuple(word for word in words if word != "--json")

    assert app_of(GIVEN, path, own) == EXPECTED
    assert app_of((), path, (*GIVEN, *own)) == EXPECTED
    assert app_of(GIVEN[:6], path, (*GIVEN[6:], *own)) == EXPECTED
    assert app_of((), path, own) == App()


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[" ".join(path) for path, _ in LEAVES])
def test_a_commands_body_takes_what_is_declared(path: tuple[str, ...], command: Command) -> None:
    body = command.load(path[0])
    declared = [option.name for option in command.params if option.expose_value]

    inspect.signature(body).bind(App(), **dict.fromkeys(name for name in declared if name))


def test_each_family_takes_the_global_options_too() -> None:
    families = [root, *(command for command in root.commands.values() if isinstance(command, Family))]

    assert len(families) > 8
    for family in families:
        assert set(GLOBAL) <= set(family.params)


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def test_what_is_printed_is_the_same_too(said: Said) -> None:
    said("--db", "other.db", "research", "--max-hypotheses", "2", "--max-experiments", "1", "--max-interventions", "0")
    before = said("--json", "--db", "other.db", "failures", "list", "--suspected")

    assert json.loads(before[1].splitlines()[0])["schema"] == "tinman.failure/1"
    assert said("failures", "--json", "list", "--db", "other.db", "--suspected") == before
    assert said("failures", "list", "--suspected", "--json", "--db", "other.db") == before
    assert said("failures", "list")[0] == 2
    assert said("--json", "--db", "other.db", "loops", "list") == said("loops", "list", "--db", "other.db", "--json")
