"""The settings in force for one command."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

from tinman.cli.app import App
from tinman.config import settings


def resolve(app: App, flags: Mapping[str, Any] | None = None) -> settings.Resolved:
    """Return the settings in force with ``flags`` on top, and log as they say. Raises ``ConfigError``."""
    own = {"db": app.db} if app.db else {}
    resolved = settings.resolve({**own, **(flags or {})}, config=app.config)
    level = logging.ERROR if app.quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(app.verbose, 2)]
    if "structlog" in sys.modules:  # else nothing that logs is loaded, and loading it takes longer than a listing
        from tinman import logs  # noqa: PLC0415

        logs.configure(level=level, declared=settings.declared_secrets(resolved.settings.target))
    return resolved
