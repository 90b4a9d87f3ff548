"""Targets and whole projects, opened as the settings say, and what has to be said before production is touched."""

from __future__ import annotations

import shlex
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import click

from tinman.approvals.handler import ApprovalHandler, ApprovalMode
from tinman.approvals.queue import ApprovalQueue
from tinman.approvals.reviewers import TerminalReviewer
from tinman.audit import AuditLog
from tinman.cli.app import App
from tinman.cli.display import is_animated
from tinman.cli.settings import resolve
from tinman.config.settings import Settings, provider_keys
from tinman.errors import ModeRefused
from tinman.models.prices import Rate
from tinman.models.retried import Patience
from tinman.targets.base import Target
from tinman.targets.load import load_target
from tinman.targets.profile import read_profile
from tinman.tinman import Tinman, create_tinman


async def open_project(app: App, settings: Settings, target: Mapping[str, Any]) -> Tinman:
    """Return the open project of these settings. Raises ``ConfigError`` and ``StoreError``."""
    tinman = await create_tinman(
        mode=settings.mode,
        target=read_profile(target),
        reasoner=settings.reasoner,
        reasoner_base_url=settings.reasoner_base_url,
        judge=settings.judge,
        store=settings.db,
        keys=provider_keys(),
        price_overrides=prices_of(settings) or None,
        config={name: getattr(settings, name) for name in ("reasoner", "reasoner_base_url", "judge")},
    )
    db = tinman.graph.db
    interactive = app.may_ask and is_animated(app)
    tinman.approval_handler = ApprovalHandler(
        ApprovalMode.INTERACTIVE if interactive else ApprovalMode.ASYNC,
        reviewer=TerminalReviewer() if interactive else None,
        queue=ApprovalQueue(db),
        audit=AuditLog(db),
        bus=tinman.bus,
    )
    return tinman


def prices_of(settings: Settings) -> dict[str, Rate]:
    """Return the prices that the settings name, by ``provider:model``."""
    return {name: Rate(input_usd=price.input, output_usd=price.output) for name, price in settings.prices.items()}


@asynccontextmanager
async def open_target(app: App, name: str) -> AsyncIterator[Target]:
    """Open the target called ``name``, with what the settings know of it, its ``retries`` included.

    Raises ``ConfigError``.
    """
    profile = read_profile(resolve(app, {"target": {"spec": name}}).settings.target)
    target = load_target(profile, provider_keys()).metered(Patience(profile.retries))
    try:
        yield target
    finally:
        await target.aclose()


def check_production(app: App, settings: Settings, origin: str, confirmed: str | None) -> None:
    """Refuse a production run that a project file alone asked for, or whose target nobody named."""
    if origin not in {"flag", "environment"}:
        raise ModeRefused(f"mode: production stands in {origin}; say --mode production on the command line")
    name = str(settings.target.get("spec"))
    if confirmed is None and app.may_ask and app.talks and sys.stdin.isatty():
        confirmed = click.prompt(f"Production run against {name}. Type the target's name", err=True)
    if confirmed != name:
        raise ModeRefused(f"mode: a production run needs the target's name: --yes-production {shlex.quote(name)}")
