"""JSONPath (RFC 9535) as it is everywhere here: by ``jsonpath_rfc9535``, its ``match`` and ``search`` with an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinman.text.patterns import Searches
from tinman.text.visible import shorten

if TYPE_CHECKING:
    from jsonpath_rfc9535 import JSONPathEnvironment


def _environment(searches: Searches) -> JSONPathEnvironment:
    from jsonpath_rfc9535 import JSONPathEnvironment  # noqa: PLC0415 - few need a path
    from jsonpath_rfc9535.function_extensions import Match, Search  # noqa: PLC0415

    class Fits(Match):
        def __call__(self, string: str, pattern: object) -> bool:
            return isinstance(string, str) and isinstance(pattern, str) and searches.fits_plainly(pattern, string)

    class Finds(Search):
        def __call__(self, string: str, pattern: object) -> bool:
            return isinstance(string, str) and isinstance(pattern, str) and searches.finds_plainly(pattern, string)

    made = JSONPathEnvironment()
    made.function_extensions |= {"match": Fits(), "search": Finds()}
    return made


def check_path(path: str) -> str:
    """Return ``path`` if it is a JSONPath. Raises ``ValueError`` that says what is wrong with it."""
    from jsonpath_rfc9535 import JSONPathError  # noqa: PLC0415 - few need a path

    try:
        _environment(Searches()).compile(path)
    except (JSONPathError, RecursionError) as error:
        raise ValueError(f"path {path!r} cannot be read: {shorten(str(error), 120)}") from error
    return path


def values_at(value: Any, path: str) -> list[Any]:
    """Return every value that ``path`` leads to in JSON data.

    Raises ``ValueError`` for what is no path and for data nested too deeply, ``PatternTooSlow`` when an expression in
    the path's filter, or one in the data that it names, comes to no end.
    """
    from jsonpath_rfc9535 import JSONPathError  # noqa: PLC0415 - few need a path

    try:
        return _environment(Searches()).compile(path).find(value).values()
    except (JSONPathError, RecursionError) as error:
        raise ValueError(f"{path} cannot be followed: {shorten(str(error), 120)}") from error
