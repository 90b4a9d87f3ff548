"""Settings, strongest first: flags, ``TINMAN_*``, ``--config``, the nearest ``tinman.toml``, the user's own, defaults.

The only reader of ``tinman.toml`` and of the environment. Keys of providers come from the environment and nowhere else.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tinman.config.modes import Mode
from tinman.errors import ConfigError
from tinman.text import addresses
from tinman.text.invalid import first_error, first_place
from tinman.text.nearest import nearest

FILE = "tinman.toml"
PREFIX = "TINMAN_"
KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ResearchSettings(_Section):
    """``[research]``: what a cycle may do; ``None`` leaves it to the product's default. Times in seconds."""

    max_hypotheses: int | None = None
    max_experiments: int | None = None
    max_interventions: int | None = None
    max_calls: int | None = None
    max_tokens: int | None = None
    max_usd: float | None = None
    timeout_seconds: float | None = None
    run_timeout_seconds: float | None = None
    concurrency: int | None = None
    seed: int | None = None
    reconnaissance: bool | None = None
    wide: bool | None = None


class PriceSettings(_Section):
    """``[prices."provider:model"]``: USD per million tokens, for models that no public list knows."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]


def _named(value: Any) -> Any:
    return {"spec": value} if isinstance(value, str) else value


class Settings(_Section):
    """Everything that can be configured. ``target`` is a table, or a name alone."""

    mode: Mode = Mode.LAB
    db: str = ".tinman/tinman.db"
    reasoner: str = "playbook"
    reasoner_base_url: Annotated[str | None, AfterValidator(addresses.checked)] = None
    judge: str = ""
    target: Annotated[dict[str, Any], BeforeValidator(_named)] = Field(default_factory=lambda: {"spec": "sandbox"})
    research: ResearchSettings = ResearchSettings()
    prices: dict[str, PriceSettings] = Field(default_factory=dict)


@dataclass(frozen=True)
class Resolved:
    """Settings, and for each dotted key where its value came from."""

    settings: Settings
    origins: dict[str, str]
    file: Path | None = None

    @property
    def names_target(self) -> bool:
        """Whether anything said what the target is: a file, a variable or a flag."""
        return "target.spec" in self.origins

    def origin(self, key: str) -> str:
        """Return where a dotted key's value came from."""
        return self.origins.get(key, "default")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for somebody to write into it
            raise ConfigError(f"config {path}: not a regular file; name a readable file")
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"config {path}: {error.strerror or error}; name a readable file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"config {path}: not TOML: it is not in UTF-8; save it so") from error
    except tomllib.TOMLDecodeError as error:
        twice = "a name stands twice: " if str(error).startswith(("Cannot overwrite", "Cannot declare")) else ""
        raise ConfigError(f"config {path}: not TOML: {twice}{error}; mend that line") from error


def _own_table(project: Path) -> dict[str, Any] | None:
    """Return ``[tool.tinman]`` of a ``pyproject.toml``; one that is broken and never names us is not our affair."""
    try:
        table = _read_toml(project).get("tool", {}).get("tinman")
    except ConfigError:
        if b"[tool.tinman" in project.read_bytes():
            raise
        return None
    return table if isinstance(table, dict) else None


def _nearest(start: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the nearest ``tinman.toml``, or ``[tool.tinman]``, going up to the repository root."""
    for folder in (start, *start.parents):
        own, project = folder / FILE, folder / "pyproject.toml"
        if own.exists() or own.is_symlink():
            return own, _read_toml(own)
        if project.is_file():
            table = _own_table(project)
            if table is not None:
                return project, table
        if (folder / ".git").exists():
            return None
    return None


def flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested tables as one, with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            found.update(flat(value, f"{prefix}{key}."))
        else:
            found[prefix + key] = value
    return found


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _laid_over(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _of_variables() -> dict[str, Any]:
    """Return the settings that environment variables name, nested like the file."""
    named = [name for name in os.environ if name.upper().startswith(PREFIX)]
    if not named:
        return {}
    for name in named:
        _refuse_misspelt(name)
    from pydantic_settings import (  # noqa: PLC0415 - it loads much, and few processes have such variables
        BaseSettings,
        EnvSettingsSource,
        NoDecode,
        SettingsConfigDict,
    )

    class Variables(Settings, BaseSettings):
        """Of these the source takes fields and prefix; none is ever made. A target may be a name alone, not JSON."""

        model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__")
        target: Annotated[dict[str, Any], NoDecode]

    return EnvSettingsSource(Variables)()


_KNOWN: Mapping[str, tuple[str, ...]] = {
    "": tuple(Settings.model_fields),
    "research": tuple(ResearchSettings.model_fields),
}


def _refuse_misspelt(name: str) -> None:
    """Raise ``ConfigError`` for a variable that names no setting but nearly does; others may be anybody's."""
    section, _, key = name.upper().removeprefix(PREFIX).lower().partition("__")
    if section not in _KNOWN[""]:
        wanted, at = section, ""
    elif key and section in _KNOWN and key not in _KNOWN[section]:
        wanted, at = key, f"{section}__"
    else:
        return
    if close := nearest(wanted, _KNOWN[section if at else ""], likeness=0.75):
        raise ConfigError(
            f"environment {name}: there is no such setting; did you mean {PREFIX}{(at + close[0]).upper()}?"
        )


def resolve(flags: Mapping[str, Any], *, config: Path | None = None, start: Path | None = None) -> Resolved:
    """Return the settings in force. ``flags`` are nested like the file.

    Raises ``ConfigError`` naming file, key and remedy. Another ``[target]`` spec replaces the whole table of the file.
    """
    layers: list[tuple[str, dict[str, Any]]] = []
    user = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "tinman" / "config.toml"
    if user.is_file():
        layers.append((str(user), _read_toml(user)))
    file: Path | None = config
    if config is not None:
        layers.append((str(config), _read_toml(config)))
    else:
        found = _nearest(start or Path.cwd())
        if found is not None:
            file = found[0]
            layers.append((str(file), found[1]))
    layers.append(("environment", _of_variables()))
    layers.append(("flag", dict(flags)))
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, layer in layers:
        table = {key: _named(value) if key == "target" else value for key, value in layer.items()}
        spec = table.get("target", {}).get("spec") if isinstance(table.get("target"), dict) else None
        if spec is not None and merged.get("target", {}).get("spec") not in {None, spec}:
            merged["target"] = {}
        merged = _laid_over(merged, table)
        origins.update(dict.fromkeys(flat(table), name))
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        place = origins.get(first_place(error), file or "settings")
        raise ConfigError(f"config {place}: {first_error(error, known=_KNOWN)}; see `tinman config show`") from error
    return Resolved(settings=settings, origins=origins, file=file)


def provider_keys() -> dict[str, str]:
    """Return the providers' keys that the environment holds, by variable name."""
    return {name: os.environ[name] for name in KEYS if os.environ.get(name)}


def declared_secrets(target: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the secrets that a ``[target]`` table declares, each a text or a table with one, however misspelt."""
    given = target.get("secrets")
    items = given if isinstance(given, list) else [given]
    tables = ([value for name, value in each.items() if name != "what"] for each in items if isinstance(each, Mapping))
    texts = [
        *(each for each in items if not isinstance(each, Mapping)),
        *(value for table in tables for value in table),
    ]
    return tuple(each for each in texts if isinstance(each, str))


def audit_key() -> bytes:
    """Return the key that the audit chain's anchor is signed with; empty when it is not."""
    return os.environ.get("TINMAN_AUDIT_KEY", "").encode()


_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)


def environment() -> dict[str, str]:
    """Return a copy of this process's environment."""
    return dict(os.environ)


def withheld(named: Iterable[str] = ()) -> list[str]:
    """Return the variables a system under test is not given: what speaks of a credential and is not ``named``."""
    kept = set(named)
    return sorted(name for name in os.environ if _SECRET_NAME.search(name) and name not in kept)


def child_environment(named: Iterable[str] = ()) -> dict[str, str]:
    """Return the environment for a system under test: this process's, without credentials that are not ``named``."""
    own = dict(os.environ)
    for name in withheld(named):
        del own[name]
    return own


def adopt(values: Mapping[str, str], *, anew: Iterable[str] = ()) -> None:
    """Put into this process's environment what it does not hold yet; what it holds wins, but for the names ``anew``."""
    for name in anew:
        os.environ.pop(name, None)
    for name, value in values.items():
        os.environ.setdefault(name, value)


def secret_values() -> tuple[str, ...]:
    """Return the values that must never be written: those of variables whose name speaks of a key or a password."""
    named = {value for name, value in os.environ.items() if _SECRET_NAME.search(name) and len(value) >= 8}
    return tuple(sorted(named, key=lambda value: (-len(value), value)))


def is_ci() -> bool:
    """Say whether a build machine runs us: no prompt, no animation."""
    return bool(os.environ.get("CI"))


def is_dumb_terminal() -> bool:
    """Say whether the terminal can do no more than lines."""
    return os.environ.get("TERM") == "dumb"
