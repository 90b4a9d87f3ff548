"""``load_model``: a model from its name, ``openai:gpt-...``, ``anthropic:claude-...`` or ``module:callable``."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from tinman.errors import ConfigError
from tinman.models.anthropic_client import AnthropicModel
from tinman.models.base import CallableModel, Model
from tinman.models.openai_client import OpenAIModel
from tinman.processes.modules import NoModule, module_at
from tinman.text import addresses
from tinman.text.nearest import nearest
from tinman.text.visible import line_of, shorten

_CLIENTS: Mapping[str, type[OpenAIModel | AnthropicModel]] = {"openai": OpenAIModel, "anthropic": AnthropicModel}
_FORMS = "openai:MODEL, anthropic:MODEL, package.module:callable or path/to/file.py:callable"


def load_model(
    spec: str, *, base_url: str | None = None, keys: Mapping[str, str], timeout_seconds: float = 60.0
) -> Model:
    """Return the model that ``spec`` names; no SDK is imported and nothing is called yet.

    ``keys`` holds API keys by the name of their environment variable. With a ``base_url`` none is needed. Raises
    ``ConfigError`` for a name, key or callable that is not there. A module named here is imported, so its code runs.
    """
    place, colon, name = spec.rpartition(":") if _names_file(spec) else spec.partition(":")
    if not colon or not place.strip() or not name.strip():
        raise ConfigError(f"model {shorten(spec, 80)!r} is not one of {_FORMS}")
    client = _CLIENTS.get(place)
    if client is None:
        return _load_callable(spec, place, name)
    try:
        addresses.checked(base_url)
    except ValueError as error:
        raise ConfigError(f"model {shorten(spec, 80)}: base_url {error}") from error
    key = keys.get(client.key_variable) or None
    if key is None and base_url is None:
        raise ConfigError(f"model {spec} needs a key: set {client.key_variable}, or give a base_url that needs none")
    return client(name, base_url=base_url, api_key=key, timeout_seconds=timeout_seconds)


def _names_file(spec: str) -> bool:
    return spec.rpartition(":")[0].endswith(".py")


def _load_callable(spec: str, place: str, name: str) -> Model:
    module = _load_module(place)
    found: object = module
    for step in name.split("."):
        if not hasattr(found, step):
            raise ConfigError(
                f"{place} has no {step!r}{_near(step, [n for n in vars(module) if callable(vars(module)[n])])}"
            )
        found = getattr(found, step)
    if hasattr(found, "complete") and hasattr(found, "provider") and not isinstance(found, type):
        model: Model = found  # type: ignore[assignment]
        return model
    if not callable(found):
        raise ConfigError(f"{spec} is a {type(found).__name__}; name a callable (messages, tools) -> str")
    return CallableModel(found, name=spec)


def _load_module(place: str) -> ModuleType:
    try:
        return module_at(place, kind="model", anew=False)
    except ModuleNotFoundError as error:
        if error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise ConfigError(
                f"no provider or module is called {shorten(place, 60)!r}{_near(place, list(_CLIENTS))}; use {_FORMS}"
            ) from error
        raise ConfigError(f"{place} cannot be imported: {shorten(str(error), 120)}") from error
    except NoModule as error:
        raise ConfigError(f"{error}; use {_FORMS}") from error
    except Exception as error:
        raise ConfigError(f"{place} cannot be loaded: {line_of(error, 160)}") from error


def _near(name: str, known: list[str]) -> str:
    close = nearest(name, known, most=3, likeness=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else ""
