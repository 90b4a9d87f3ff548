"""What names a piece of the user's code: its instructions, constants, defaults, and the values it closes over."""

from __future__ import annotations

import functools
import re
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any

from tinman.frozen import digest

_PLAIN = (str, int, float, bool, bytes, complex, Decimal, date, timedelta, PurePath, re.Pattern, range, types.NoneType)


@dataclass
class Fingerprinter:
    """Describes values. ``unknown`` collects what cannot be told apart from another of its kind.

    Modules do not count: the same script is ``__main__`` today and imported tomorrow.
    """

    unknown: list[str] = field(default_factory=list)
    _inside: list[int] = field(default_factory=list)

    def describe(self, value: Any) -> Any:
        """Return ``value`` as JSON that differs when the value does."""
        if isinstance(value, str | int | float | bool) or value is None:
            return value if not isinstance(value, Enum) else str(value)
        if isinstance(value, Enum):
            return str(value)
        if isinstance(value, _PLAIN):
            return f"{type(value).__qualname__}:{value!r}"
        if id(value) in self._inside:
            return f"the {type(value).__qualname__} around it"
        self._inside.append(id(value))
        try:
            return self._take_apart(value)
        finally:
            self._inside.pop()

    def _take_apart(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(name): self.describe(each) for name, each in value.items()}
        if isinstance(value, set | frozenset):
            return sorted(str(self.describe(each)) for each in value)
        if isinstance(value, list | tuple):
            return [self.describe(each) for each in value]
        if isinstance(value, functools.partial):
            return [self.describe(value.func), self.describe(value.args), self.describe(value.keywords)]
        if isinstance(value, types.MethodType):
            return [self.describe(value.__func__), self.describe(value.__self__)]
        if isinstance(value, types.FunctionType):
            return self._describe_function(value)
        if isinstance(value, type | types.BuiltinFunctionType | types.ModuleType):
            return getattr(value, "__qualname__", getattr(value, "__name__", ""))
        return self._describe_object(value)

    def _describe_function(self, function: Callable[..., Any]) -> Any:
        cells = []
        for cell in function.__closure__ or ():
            try:
                cells.append(cell.cell_contents)
            except ValueError:  # not filled yet
                cells.append("nothing yet")
        wrapped = getattr(function, "__wrapped__", None)
        return [
            function.__qualname__,
            self._describe_code(function.__code__),
            self.describe(function.__defaults__),
            self.describe(function.__kwdefaults__),
            self.describe(cells),
            None if wrapped is None else self.describe(wrapped),
        ]

    def _describe_code(self, code: types.CodeType) -> Any:
        constants = [self._describe_constant(each) for each in code.co_consts]
        return [code.co_name, code.co_code.hex(), list(code.co_names), constants]

    def _describe_constant(self, value: object) -> Any:
        if isinstance(value, types.CodeType):
            return self._describe_code(value)
        if isinstance(value, frozenset):  # each process has an order of its own
            return sorted(repr(each) for each in value)
        return [self._describe_constant(each) for each in value] if isinstance(value, tuple) else repr(value)

    def _describe_object(self, value: Any) -> Any:
        """Describe an object by its class's own code and by what it holds."""
        kind = type(value)
        if _is_installed(kind) and not isinstance(value, types.SimpleNamespace):
            # What a lock, a client or a logger holds changes by itself.
            self.unknown.append(kind.__qualname__)
            return kind.__qualname__
        slots = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ()) if hasattr(value, name)]
        held = {name: getattr(value, name) for name in slots} | getattr(value, "__dict__", {})
        return [kind.__qualname__, self.describe_class(kind), self.describe(held)]

    def describe_class(self, kind: type) -> Any:
        """Describe the methods and constants of a class and its bases, but for our own and Python's."""
        told = []
        for base in kind.__mro__:
            if base.__module__.partition(".")[0] in {"tinman", "builtins", "typing", "abc", "enum", "dataclasses"}:
                continue
            own = {}
            for name, each in vars(base).items():
                function = getattr(each, "fget", None) or getattr(each, "__func__", each)
                if isinstance(function, types.FunctionType):
                    own[name] = self._describe_function(function)
                elif not name.startswith("__") and isinstance(each, (*_PLAIN, list, tuple, dict, set, frozenset)):
                    own[name] = self.describe(each)
            told.append([base.__qualname__, own])
        return told


def _is_installed(kind: type) -> bool:
    """Say whether a class is Python's own or of an installed package, ours excepted."""
    root = kind.__module__.partition(".")[0]
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return root in sys.stdlib_module_names - {"__main__"} or (root != "tinman" and "site-packages" in file)


def fingerprint(values: Any) -> tuple[str, tuple[str, ...]]:
    """Return what names ``values``, in order, and what of them cannot be told apart from another of its kind."""
    made = Fingerprinter()
    described = [made.describe(value) for value in values]
    return digest(described), tuple(dict.fromkeys(made.unknown))
