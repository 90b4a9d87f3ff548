"""Python modules by name or by file, as ``module:callable`` and ``path/to/file.py:callable`` write them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from tinman.frozen import digest


def module_at(place: str, *, kind: str) -> ModuleType:
    """Return the module ``place``; a file's is loaded anew under a name of its own that begins with ``kind``.

    Raises ``LookupError`` when there is no such Python file, and whatever loading the module raises.
    """
    if not place.endswith(".py") and "/" not in place:
        return importlib.import_module(place)
    path = Path(place).expanduser()
    if not path.is_file():
        raise LookupError(f"there is no file {place}")
    found = importlib.util.spec_from_file_location(f"tinman_{kind}_{path.stem}_{digest(str(path.resolve()))}", path)
    if found is None or found.loader is None:
        raise LookupError(f"{place} is not a Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module
