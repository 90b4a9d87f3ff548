"""What is known of a target beforehand: ``[target]`` in tinman.toml, or the flags of a command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tinman.config.settings import secret_values
from tinman.errors import ConfigError
from tinman.frozen import dump, frozen
from tinman.models.prices import Rate
from tinman.targets.base import Capabilities
from tinman.targets.declared import DeclaredTool, RuleText, SecretText, TaskProfile, as_rule, as_secret
from tinman.targets.world import World
from tinman.text import addresses
from tinman.text.invalid import read_as
from tinman.text.json_paths import check_path
from tinman.text.secrets import GONE, hiding
from tinman.text.storable import change_texts

_CREDENTIAL = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
Encoding = Literal["json", "form", "multipart", "query", "text"]
"""How what an endpoint is told is written: as JSON, as fields of three kinds, or as text."""


def _path(text: str) -> str:
    """Return a JSON path that can be followed. Raises ``ValueError``."""
    if text:
        try:
            check_path(text)
        except ValueError as error:
            raise ValueError(f"is no JSON path: {error}; write one such as $.data.answer") from error
    return text


@frozen
class Price:
    """USD a million tokens, in and out."""

    input: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    output: Annotated[float, Field(ge=0, allow_inf_nan=False)]

    @property
    def rate(self) -> Rate:
        """The same as the meters take it."""
        return Rate(input_usd=self.input, output_usd=self.output)


@frozen
class TargetProfile:
    """``spec`` names the target (``sandbox``, ``openai:MODEL``, ``module:callable``, ``command:...``, ``http://...``).

    ``secrets`` are texts it must never tell; ``rules`` what it must keep to; ``tasks`` what its users ask, with what a
    good answer holds; ``tools`` are offered as stubs, those marked destructive are watched. ``params`` go to the model.
    ``keeps_conversation`` says that a black box remembers a session, ``session_parameter`` under which name it takes
    it. ``environment`` names the variables with credentials that a program or function is given; those it does not name
    are kept from it. A turn may take ``timeout_seconds``, loading a function or starting a server ``start_seconds``. An
    endpoint is asked by ``method`` with ``headers``, in which ``${NAME}`` stands for a variable of the environment, and
    a ``body`` in which ``{text}``, ``{session}``, ``{user}``, ``{messages}`` and ``{history}`` are filled in, sent as
    ``encoding``; ``reply`` is the JSON path of the text in its answer. ``price`` is what its model costs, before any
    other price of it. ``retries`` is how often a call of the model or endpoint that failed for a while is tried again,
    as the application itself would: a system that never asks twice is not tested as one that does.
    """

    spec: str = "sandbox"
    base_url: Annotated[str | None, AfterValidator(addresses.checked)] = None
    purpose: str = ""
    system_prompt: str = ""
    tools: tuple[DeclaredTool, ...] = ()
    rules: tuple[RuleText, ...] = ()
    secrets: tuple[SecretText, ...] = ()
    tasks: tuple[TaskProfile, ...] = ()
    params: dict[str, Any] = Field(default_factory=dict)
    keeps_conversation: bool = False
    is_repeatable: bool = False
    session_parameter: str = ""
    method: Annotated[str, Field(pattern=r"^[A-Za-z]{3,10}$")] = "POST"
    headers: dict[str, str] = Field(default_factory=dict)
    encoding: Encoding | None = None
    body: dict[str, Any] | list[Any] | str | None = None
    reply: Annotated[str, AfterValidator(_path)] = ""
    environment: tuple[str, ...] = ()
    timeout_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 60.0
    start_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30.0
    price: Price | None = None
    retries: Annotated[int, Field(ge=0, le=20)] = 3

    @property
    def world(self) -> World:
        """The target's own world: its system prompt and tools."""
        system = "\n".join(part for part in (self.system_prompt, *self.rule_texts) if part)
        return World(system=system, tools=tuple(tool.stub for tool in self.tools), canaries=self.canaries)

    @property
    def canaries(self) -> tuple[str, ...]:
        """The texts it must never tell."""
        return tuple(as_secret(each).text for each in self.secrets)

    @property
    def rule_texts(self) -> tuple[str, ...]:
        """What it must keep to, in words."""
        return tuple(as_rule(each).text for each in self.rules)

    @property
    def capabilities(self) -> Capabilities:
        """What can be done to it as a black box."""
        return Capabilities(multi_turn=self.keeps_conversation, is_repeatable=self.is_repeatable)

    @property
    def description(self) -> str:
        """What a reasoner is told of the target; secrets are left out."""
        tools = ", ".join(
            f"{t.name} ({'destructive: ' if t.said.get('destructive') else ''}{t.description})" for t in self.tools
        )
        lines = (
            f"target: {self.spec}",
            f"purpose: {self.purpose}" if self.purpose else "",
            f"system prompt: {self.system_prompt}" if self.system_prompt else "",
            f"rules: {'; '.join(self.rule_texts)}" if self.rules else "",
            f"tools: {tools}" if tools else "",
            f"users ask: {'; '.join(task.ask for task in self.tasks)}" if self.tasks else "",
        )
        return "\n".join(line for line in lines if line)


def to_store(profile: TargetProfile) -> dict[str, Any]:
    """Return the profile as a database keeps it: what must not be read there is ``[redacted]``."""
    hide = hiding(profile.canaries, secret_values())
    told: dict[str, Any] = change_texts(dump(profile), hide)
    told["secrets"] = [{**each, "text": GONE} if isinstance(each, dict) else GONE for each in told["secrets"]]
    told["headers"] = {name: _without_credential(name, value) for name, value in told["headers"].items()}
    return told


def _without_credential(name: str, value: str) -> str:
    return GONE if _CREDENTIAL.search(name) and "${" not in value else value


def from_store(stored: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored profile with what is not kept there taken from the settings' ``target``.

    Raises ``ConfigError`` when they do not have it any more.
    """
    return {name: _filled(value, settings.get(name), name) for name, value in stored.items()}


def _filled(stored: Any, now: Any, place: str) -> Any:
    if isinstance(stored, str):
        if GONE not in stored:
            return stored
        now = now.get("text") if isinstance(now, Mapping) else now  # a secret that has become a table since
        if not isinstance(now, str):
            raise ConfigError(
                f"config target.{place}: secrets are not kept in the database; set it here as it was then"
            )
        return now
    if isinstance(stored, Mapping):
        told = now if isinstance(now, Mapping) else {"text": now}
        return {name: _filled(value, told.get(name), f"{place}.{name}") for name, value in stored.items()}
    if isinstance(stored, list):
        there = now if isinstance(now, list) and len(now) == len(stored) else [None] * len(stored)
        return [_filled(value, there[i], f"{place}.{i}") for i, value in enumerate(stored)]
    return stored


def read_profile(settings: Mapping[str, Any]) -> TargetProfile:
    """Return the profile that the settings' ``target`` describes. Raises ``ConfigError``."""
    return read_as(
        TargetProfile, dict(settings), lambda wrong: ConfigError(f"config target.{wrong}; see `tinman config schema`")
    )
