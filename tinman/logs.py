"""Structured logs on standard error: for people on a terminal, JSON lines otherwise; keys are never written."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Any

import structlog

from tinman.config.settings import secret_values
from tinman.text.secrets import hiding
from tinman.text.storable import change_texts


def configure(*, level: int = logging.WARNING, declared: Iterable[str] = ()) -> None:
    """Set structlog up once per process. ``declared`` secrets and the environment's keys are replaced wherever they
    would be written."""
    redact = hiding([one for one in declared if isinstance(one, str)], secret_values())

    def redacted(_: Any, __: str, event: Any) -> Any:
        return change_texts(dict(event), redact)

    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=False) if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redacted,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is when something is written
        cache_logger_on_first_use=False,
    )


def configure_if_nobody_did() -> None:
    """Keep a library's warnings off standard output, where structlog writes everything until it is told otherwise."""
    if not structlog.is_configured():
        configure()
