"""The tree drawn in ``tinman.errors`` is the classes that are there, each with the exit code drawn beside it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import tinman
from tinman import errors
from tinman.errors import Exit, TinmanError

DRAWN = re.compile(r"^[ │├└─]+(\w+)(?: +.*?(?:\(exit (\d+)\))?)?$", re.MULTILINE)


def below(error: type[TinmanError]) -> Iterator[type[TinmanError]]:
    yield error
    for each in error.__subclasses__():
        yield from below(each)


def test_the_tree_is_the_classes_and_their_exit_codes() -> None:
    for module in pkgutil.walk_packages(tinman.__path__, "tinman."):
        if not module.name.startswith("tinman.pytest_plugin"):
            importlib.import_module(module.name)
    drawn = {name: int(code or Exit.USAGE) for name, code in DRAWN.findall(errors.__doc__ or "")}
    there = {each.__name__: each.exit_code for each in below(TinmanError) if each.__module__.startswith("tinman.")}

    assert drawn == there
    assert {each.__module__ for each in below(TinmanError) if each.__module__.startswith("tinman.")} == {
        errors.__name__
    }
