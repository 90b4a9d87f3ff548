"""A tool's parameters as one strict pydantic model, made from its type hints when it is registered."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, create_model
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError

from tinman.errors import UnsupportedTypeError

_KINDS = "str, int, float, bool, list, tuple, dict, Any, X | None, Literal, Annotated, an Enum or a pydantic model"
_NO_JSON = frozenset({bytes, bytearray, complex, object, type})


class Parameters:
    """What a function takes: a model that validates it, its JSON schema, and how to call with it."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:

        signature = inspect.signature(function)
        hints = _hints(function, name)
        fields: dict[str, Any] = {}
        self._aliases: list[str] = []
        self._positional: list[str] = []
        for number, parameter in enumerate(signature.parameters.values()):
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise UnsupportedTypeError(
                    f"tool {name}: *{parameter.name} cannot be described; give every parameter a name"
                )
            if parameter.name not in hints:
                raise UnsupportedTypeError(
                    f"tool {name}: parameter {parameter.name} has no type hint; give it one: {_KINDS}"
                )
            hint = hints[parameter.name]
            _check(hint, f"tool {name}: parameter {parameter.name}")
            default = ... if parameter.default is parameter.empty else parameter.default
            # Fields have names of their own, so that no parameter's name can mean something to pydantic.
            fields[f"p{number}"] = (hint, Field(default, alias=parameter.name))
            self._aliases.append(parameter.name)
            if parameter.kind is parameter.POSITIONAL_ONLY:
                self._positional.append(parameter.name)
        config = ConfigDict(extra="forbid", arbitrary_types_allowed=False, title=name)
        try:
            self.model: type[BaseModel] = create_model(f"{name}_parameters", __config__=config, **fields)
            self.schema: dict[str, Any] = self.model.model_json_schema(by_alias=True)
        except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema, PydanticUserError) as error:
            why = str(error).splitlines()[0]
            raise UnsupportedTypeError(
                f"tool {name}: a parameter has a type JSON cannot carry ({why}); use {_KINDS}"
            ) from error
        self.schema.setdefault("properties", {})

    def values(self, made: BaseModel) -> dict[str, Any]:
        """Return the validated values by parameter name."""
        return {alias: getattr(made, f"p{number}") for number, alias in enumerate(self._aliases)}

    def split(self, values: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return ``values`` as positional and keyword arguments."""
        return [values[name] for name in self._positional], {
            name: value for name, value in values.items() if name not in self._positional
        }


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    target = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    try:
        return typing.get_type_hints(target, include_extras=True)
    except NameError as error:
        raise UnsupportedTypeError(
            f"tool {name}: a type hint cannot be resolved ({error}); import what it names"
        ) from error


def _check(hint: Any, place: str) -> None:
    """Refuse what pydantic would take but JSON from a model cannot mean."""
    if hint is Any:
        return
    origin = get_origin(hint)
    if origin is Annotated:
        _check(get_args(hint)[0], place)
    elif origin in (Union, types.UnionType) or origin in (list, tuple, dict, set, frozenset):
        for each in get_args(hint):
            if each is not Ellipsis and each is not type(None):
                _check(each, place)
    elif origin is Literal:
        return
    elif origin in (type, Callable):
        raise UnsupportedTypeError(f"{place} is {hint}, which JSON cannot carry; use {_KINDS}")
    elif hint in _NO_JSON or (isinstance(hint, type) and issubclass(hint, bytes)):
        raise UnsupportedTypeError(
            f"{place} is {getattr(hint, '__name__', hint)}, which JSON cannot carry; use {_KINDS}"
        )
    elif isinstance(hint, type) and issubclass(hint, Enum) and not _is_plain(hint):
        raise UnsupportedTypeError(f"{place}: {hint.__name__} has values that are no JSON; give it text or numbers")


def _is_plain(kind: type[Enum]) -> bool:
    return all(isinstance(member.value, str | int | float | bool) for member in kind)
