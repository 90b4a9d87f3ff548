"""``tinman init``, ``config`` and ``completion``: setting up; nothing but the settings file is opened."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from tinman.cli.app import App
from tinman.cli.settings import resolve
from tinman.config.resources import folder
from tinman.config.settings import Settings, declared_secrets, flat, secret_values
from tinman.errors import ConfigError
from tinman.frozen import adapter, dump
from tinman.options import ResearchOptions
from tinman.text.secrets import GONE, STARS, hiding, masked
from tinman.text.storable import change_texts
from tinman.text.visible import visible

_CREDENTIAL = re.compile(r"target\.headers\..*(auth|key|token|secret|cookie|password)", re.IGNORECASE)


def init(app: App, force: bool) -> None:
    """Write a commented tinman.toml into this folder. Raises ``ConfigError``."""
    place = Path("tinman.toml")
    if place.exists() and not force:
        raise ConfigError("init: tinman.toml is there already; use --force to overwrite it")
    try:
        place.write_text((folder("config") / "tinman.toml").read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"init: cannot write {place.resolve()}: {error.strerror}") from error
    following = f"{app.command('doctor')}, then {app.command('research', '--mode', 'lab')}"
    app.answer({"schema": "tinman.init/1", "file": str(place.resolve())}, said=f"Wrote tinman.toml. Next: {following}")


def show(app: App) -> None:
    """Print each setting with where its value came from; what must not be read is ``***``."""
    resolved = resolve(app)
    built_in = {f"research.{name}": value for name, value in dump(ResearchOptions()).items()}
    values = {
        key: built_in.get(key) if value is None else value
        for key, value in flat(resolved.settings.model_dump(mode="json")).items()
    }
    shown = _without_secrets(values, declared_secrets(resolved.settings.target))
    app.answer(
        {key: {"value": value, "origin": resolved.origin(key)} for key, value in shown.items()},
        *(f"  {_cell(key):<32} {_cell(value):<28} {_cell(resolved.origin(key))}" for key, value in shown.items()),
    )


def _cell(value: object) -> str:
    return visible(str(value), keep_newlines=False)


def _without_secrets(values: Mapping[str, Any], declared: Sequence[str]) -> dict[str, Any]:
    hide = hiding(declared, secret_values())

    def shown(key: str, text: str) -> str:
        if _CREDENTIAL.match(key) and "${" not in text:
            return STARS
        return hide(masked(text, is_database=key == "db")).replace(GONE, STARS)

    return {
        key: [STARS] * len(value if isinstance(value, list) else [value])
        if key == "target.secrets" or key.startswith("target.secrets.")
        else change_texts(value, partial(shown, key))
        for key, value in values.items()
    }


def path(app: App) -> None:
    """Print the file in force."""
    file = resolve(app).file
    told = str(file) if file else None
    app.answer({"schema": "tinman.config-path/1", "file": told}, told or "no file; defaults, environment and flags")


def schema(app: App) -> None:
    """Print the JSON schema of tinman.toml and of its [target] table."""
    from tinman.targets.profile import TargetProfile  # noqa: PLC0415 - half of what `config path` would wait for

    app.document({"settings": Settings.model_json_schema(), "target": adapter(TargetProfile).json_schema()})


def database(app: App) -> None:
    """Print where the database is."""
    place = masked(resolve(app).settings.db, is_database=True)
    app.answer({"schema": "tinman.db-path/1", "database": place}, place)


def completion(_: App, shell: str) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - asked for once in a machine's life

    found = get_completion_class(shell)
    assert found is not None
    root = click.get_current_context().find_root().command
    click.echo(found(root, {}, "tinman", "_TINMAN_COMPLETE").source())
