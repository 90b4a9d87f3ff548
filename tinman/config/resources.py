"""Where the files that travel with Tinman lie: inside an installed wheel, or at the top of an editable checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tinman.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent.parent


def folder(name: Literal["config", "migrations"]) -> Path:
    """Return the shipped folder ``name``; raise ``ConfigError`` when the installation lacks it."""
    for place in (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise ConfigError(f"installation: the folder {name!r} is missing beside the package; install tinman again")
