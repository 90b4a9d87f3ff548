"""Python modules by name or by file, as ``module:callable`` and ``path/to/file.py:callable`` write them."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType


class NoModule(LookupError):
    """Raised for a file that is not there, or is none of Python's."""


def _digest(text: str) -> str:
    # Not the digest of records: a worker that loads somebody's function should not have to load those first.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def module_at(place: str, *, kind: str, anew: bool = True) -> ModuleType:
    """Return the module ``place``; a file's is loaded under a name of its own that begins with ``kind``.

    That is done ``anew``, or once for all who ask. Raises ``NoModule`` when there is no such Python file, and
    whatever loading the module raises.
    """
    if not place.endswith(".py") and "/" not in place:
        return importlib.import_module(place)
    path = Path(place).expanduser()
    if not path.is_file():
        raise NoModule(f"there is no file {place}")
    # A dot in the name would make it a package's: what its code raises could not be pickled.
    name = f"tinman_{kind}_{path.stem.replace('.', '_')}_{_digest(str(path.resolve()))}"
    if not anew and name in sys.modules:
        return sys.modules[name]
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise NoModule(f"{place} is not a Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    try:
        found.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module
