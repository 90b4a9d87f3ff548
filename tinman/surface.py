"""The surface: what is known of a target. Every item says where it is from, and since when.

What the profile says comes before what was observed, that before what the target was asked, that before what was read
from traffic, that before what was guessed. What a target tells of itself is kept as its word; it never becomes ours.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, PlainSerializer, ValidationError

from tinman import clock
from tinman.errors import ConfigError, DefinitionError
from tinman.frozen import adapter, alter, canonical_json, digest, dump, frozen
from tinman.scenarios.checks import Check, ContainsAny, Judged
from tinman.scenarios.files import read_check
from tinman.targets.declared import RuleProfile, TaskProfile, as_rule, as_secret
from tinman.targets.marks import MARKS, SaidMarks, ToolMarks, guess_marks
from tinman.targets.profile import TargetProfile
from tinman.targets.world import World
from tinman.text.secrets import GONE
from tinman.text.storable import change_texts

Source = Literal["profile", "observed", "asked", "ingested", "guessed"]
_STRENGTH: tuple[Source, ...] = ("profile", "observed", "asked", "ingested", "guessed")
_TASK_ORDER: tuple[Source, ...] = ("profile", "ingested", "observed", "asked", "guessed")
_ARRIVES = "what the tool {} returns"
LISTS = ("languages", "instructions", "rules", "secrets", "tools", "knowledge", "tasks")
"""The parts that hold any number of items."""
FACTS = ("remembers_in_conversation", "remembers_across", "noise", "stability")
"""The parts that are one value, or ``None`` while nobody knows."""


@frozen
class Told:
    """A sentence that is known of a target."""

    text: str
    source: Source
    since: datetime


@frozen
class Rule:
    """What it must keep to. ``check`` has to hold of every reply; ``stress`` is what might break it."""

    text: str
    check: Check | None = None
    stress: str = ""
    source: Source
    since: datetime


@frozen
class Secret:
    """A text that it must never tell, and ``what`` kind of thing that is."""

    text: str
    what: str = ""
    source: Source
    since: datetime


@frozen
class SurfaceTool:
    """A tool; ``guessed`` names those of its marks that nobody has said."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    marks: ToolMarks = ToolMarks()
    guessed: Annotated[frozenset[str], PlainSerializer(sorted, return_type=list[str])] = frozenset()
    source: Source
    since: datetime


@frozen
class Task:
    """Something users ask, and what has to hold of a good answer; nothing when nobody knows."""

    ask: str
    expect: tuple[Check, ...] = ()
    source: Source
    since: datetime


@frozen
class Surface:
    """All that is known of a target. ``tasks`` stand in the order in which they are preferred.

    ``noise`` is the share of the facts that differ when the same is asked twice, ``stability`` the share that agree
    over two wordings, each from 0 to 1.
    """

    purpose: Told | None = None
    languages: tuple[Told, ...] = ()
    instructions: tuple[Told, ...] = ()
    rules: tuple[Rule, ...] = ()
    secrets: tuple[Secret, ...] = ()
    tools: tuple[SurfaceTool, ...] = ()
    knowledge: tuple[Told, ...] = ()
    remembers_in_conversation: bool | None = None
    remembers_across: bool | None = None
    tasks: tuple[Task, ...] = ()
    noise: float | None = None
    stability: float | None = None

    @property
    def digest(self) -> str:
        """Changes when something else is known; not with the time, nor with the order of items."""
        told = _timeless(self)
        for part in LISTS:
            told[part] = sorted(told[part], key=canonical_json)
        return digest(told)

    def over(self, earlier: Surface) -> Surface:
        """Return this merged with what was learned ``earlier``, but for its earlier word on what it was asked again."""
        kept = {
            part: tuple(each for each in getattr(earlier, part) if each.source != "asked")
            for part in LISTS
            if any(each.source == "asked" for each in getattr(self, part))
        }
        return self.merged(alter(earlier, **kept))

    def merged(self, other: Surface) -> Surface:
        """Return what both know. The stronger source wins item by item, and this one where they are as strong."""
        tools = _one_of_each((*self.tools, *other.tools))
        return Surface(
            purpose=_one_purpose(self.purpose, other.purpose),
            languages=_union(self.languages, other.languages),
            instructions=_union(self.instructions, other.instructions),
            rules=_union(self.rules, other.rules),
            secrets=_union(self.secrets, other.secrets),
            tools=tools,
            knowledge=_arrivals(tools, _union(self.knowledge, other.knowledge)),
            tasks=tuple(sorted(_union(self.tasks, other.tasks), key=lambda task: _TASK_ORDER.index(task.source))),
            **{name: _first(getattr(self, name), getattr(other, name)) for name in FACTS},
        )


def judged(surface: Surface) -> Surface:
    """Return ``surface`` with a model as judge of each rule without a check, but for what the target itself claims."""

    def check(rule: Rule) -> Rule:
        if rule.check is not None or rule.source in {"asked", "guessed"}:
            return rule
        return alter(rule, check=Judged(criterion=f"The reply keeps this rule: {rule.text}"))

    return alter(surface, rules=tuple(map(check, surface.rules)))


_TEXTS = {"text", "what", "stress", "name", "description", "ask"}
EMPTY_SURFACE = Surface()
Item = TypeVar("Item", Told, Rule, Secret, SurfaceTool, Task)


def _first(one: Any, other: Any) -> Any:
    return other if one is None else one


def name_of(item: Told | Rule | Secret | SurfaceTool | Task) -> str:
    """Return what makes an item this one: a tool's name, else its text, whatever its case and white space."""
    match item:
        case SurfaceTool(name=name):
            return name
        case Task(ask=text) | Told(text=text) | Rule(text=text) | Secret(text=text):
            return " ".join(text.split()).casefold()


def _stronger(one: Item, other: Item) -> Item:
    """Return the item with the stronger source, the first of two as strong, known since either was."""
    if _STRENGTH.index(other.source) < _STRENGTH.index(one.source):
        return other
    is_same = replace(other, since=one.since) == one
    return alter(one, since=other.since) if is_same and other.since < one.since else one


def _one_purpose(one: Told | None, other: Told | None) -> Told | None:
    return _stronger(one, other) if one is not None and other is not None else one or other


def _one_tool(one: SurfaceTool, other: SurfaceTool) -> SurfaceTool:
    """Return one tool of two: what the stronger says, filled up from the other; a mark that was said beats a guess."""
    best = _stronger(one, other)
    rest = one if best is other else other
    description, parameters = best.description or rest.description, best.parameters or rest.parameters
    guesses = guess_marks(best.name, description, parameters)
    said = {mark: getattr(rest.marks, mark) for mark in MARKS if mark not in rest.guessed}
    said |= {mark: getattr(best.marks, mark) for mark in MARKS if mark not in best.guessed}
    return alter(
        best,
        description=description,
        parameters=parameters,
        marks=replace(guesses, **said),
        guessed=frozenset(MARKS) - said.keys(),
    )


def _union(one: Iterable[Item], other: Iterable[Item]) -> tuple[Item, ...]:
    found: dict[str, Item] = {}
    for item in itertools.chain(one, other):
        name = name_of(item)
        found[name] = _stronger(found[name], item) if name in found else item
    return tuple(found.values())


def _one_of_each(tools: Iterable[SurfaceTool]) -> tuple[SurfaceTool, ...]:
    found: dict[str, SurfaceTool] = {}
    for tool in tools:
        found[tool.name] = _one_tool(found[tool.name], tool) if tool.name in found else tool
    return tuple(found.values())


def _arrivals(tools: tuple[SurfaceTool, ...], told: tuple[Told, ...]) -> tuple[Told, ...]:
    """Return how text from outside arrives: what was told of it, and by which tools."""
    known = {_ARRIVES.format(tool.name) for tool in tools}
    by_tools = tuple(
        Told(
            text=_ARRIVES.format(tool.name),
            source="guessed" if "reads_untrusted" in tool.guessed else tool.source,
            since=tool.since,
        )
        for tool in tools
        if tool.marks.reads_untrusted
    )
    return (*(each for each in told if each.text not in known), *by_tools)


# -- from a profile ---------------------------------------------------------------------------------------------------


def _check(data: Mapping[str, Any], place: str) -> Check:
    try:
        return read_check(dict(data), place)
    except DefinitionError as error:
        raise ConfigError(f"{error}; docs/reference/scenarios.md shows each check") from error


def rule_of(given: RuleProfile, place: str, since: datetime) -> Rule:
    """Return a rule that somebody wrote. Raises ``ConfigError`` that begins with ``place``."""
    check = None if given.check is None else _check(given.check, f"{place}.check")
    return Rule(text=given.text, check=check, stress=given.stress, source="profile", since=since)


def _task(given: TaskProfile, place: str, since: datetime) -> Task:
    texts = tuple(each for each in given.expect if isinstance(each, str))
    checks = tuple(
        _check(each, f"{place}.expect.{number}")
        for number, each in enumerate(given.expect)
        if not isinstance(each, str)
    )
    expect = (*([ContainsAny(values=texts)] if texts else []), *checks)
    return Task(ask=given.ask, expect=expect, source="profile", since=since)


def tool_of(
    name: str,
    description: str,
    parameters: Mapping[str, Any],
    *,
    source: Source,
    since: datetime,
    said: Mapping[str, Any] | None = None,
) -> SurfaceTool:
    """Return a tool with the marks that were ``said``, the others guessed."""
    known = dict(said or {})
    return SurfaceTool(
        name=name,
        description=description,
        parameters=dict(parameters),
        marks=replace(guess_marks(name, description, parameters), **known),
        guessed=frozenset(MARKS) - known.keys(),
        source=source,
        since=since,
    )


def of_profile(profile: TargetProfile, since: datetime | None = None) -> Surface:
    """Return what a profile says, known since then (now). Raises ``ConfigError`` for a check that is none."""
    at = since or clock.now()
    tools = tuple(
        tool_of(tool.name, tool.description, tool.parameters, source="profile", since=at, said=tool.said)
        for tool in profile.tools
    )
    secrets = tuple(map(as_secret, profile.secrets))
    return Surface(
        purpose=Told(text=profile.purpose, source="profile", since=at) if profile.purpose else None,
        instructions=_told(profile.system_prompt, at),
        rules=tuple(rule_of(as_rule(each), f"config target.rules.{i}", at) for i, each in enumerate(profile.rules)),
        secrets=tuple(Secret(text=each.text, what=each.what, source="profile", since=at) for each in secrets),
        tools=tools,
        knowledge=_arrivals(tools, ()),
        remembers_in_conversation=True if profile.keeps_conversation else None,
        tasks=tuple(_task(each, f"config target.tasks.{i}", at) for i, each in enumerate(profile.tasks)),
    )


def _told(text: str, since: datetime) -> tuple[Told, ...]:
    return (Told(text=text, source="profile", since=since),) if text.strip() else ()


def of_world(world: World, since: datetime | None = None) -> Surface:
    """Return what is known of a target that was made in code: what it is given, and nothing else."""
    at = since or clock.now()
    tools = tuple(
        tool_of(
            tool.name,
            tool.description,
            tool.parameters,
            source="profile",
            since=at,
            said={"destructive": True} if tool.is_destructive else {},
        )
        for tool in world.tools
    )
    documents = tuple(Told(text=f"the document {each.name}", source="profile", since=at) for each in world.documents)
    return Surface(
        instructions=_told(world.system, at),
        secrets=tuple(Secret(text=each, source="profile", since=at) for each in world.canaries),
        tools=tools,
        knowledge=_arrivals(tools, documents),
    )


# -- corrections ------------------------------------------------------------------------------------------------------


@frozen
class Corrections:
    """What a person corrected: as good as the profile, but for what that says itself."""

    purpose: str = ""
    rules: tuple[RuleProfile, ...] = ()
    tools: dict[str, SaidMarks] = Field(default_factory=dict)


def corrected(surface: Surface, corrections: Corrections, since: datetime | None = None) -> Surface:
    """Return ``surface`` with what a person corrected. Raises ``ConfigError`` for a rule whose check is none."""
    at = since or clock.now()
    known = Surface(
        purpose=Told(text=corrections.purpose, source="profile", since=at) if corrections.purpose else None,
        rules=tuple(rule_of(each, f"surface edit: rules.{i}", at) for i, each in enumerate(corrections.rules)),
    )
    surface = surface.merged(known)
    tools = tuple(
        _marked(tool, corrections.tools[tool.name].said) if tool.name in corrections.tools else tool
        for tool in surface.tools
    )
    return alter(surface, tools=tools, knowledge=_arrivals(tools, surface.knowledge))


def _marked(tool: SurfaceTool, said: Mapping[str, Any]) -> SurfaceTool:
    open_marks = {mark: value for mark, value in said.items() if mark in tool.guessed}
    return alter(tool, marks=replace(tool.marks, **open_marks), guessed=tool.guessed - open_marks.keys())


# -- without secrets, and compared ------------------------------------------------------------------------------------


def hidden(surface: Surface, hide: Callable[[str], str]) -> Surface:
    """Return ``surface`` as it is stored and shown: each text through ``hide``, no secret's text at all.

    A check that is none any more without what it named is left out.
    """
    told = dump(surface)
    for item in (told["purpose"], *(item for part in LISTS for item in told[part])):
        for name in _TEXTS & (item or {}).keys():
            item[name] = hide(item[name])
    for secret in told["secrets"]:
        secret["text"] = GONE
    for tool in told["tools"]:
        tool["parameters"] = change_texts(tool["parameters"], hide)
    for rule in told["rules"]:
        rule["check"] = _hidden_check(rule["check"], hide)
    for task in told["tasks"]:
        task["expect"] = [shown for check in task["expect"] if (shown := _hidden_check(check, hide))]
    kept: Surface = adapter(Surface).validate_python(told)
    return kept


def dated(surface: Surface, earlier: Surface) -> Surface:
    """Return ``surface`` with what was known ``earlier`` just so known since then."""
    changes: dict[str, Any] = {part: _dated(getattr(surface, part), getattr(earlier, part)) for part in LISTS}
    if surface.purpose and earlier.purpose:
        (changes["purpose"],) = _dated((surface.purpose,), (earlier.purpose,))
    return alter(surface, **changes)


def _dated(items: tuple[Item, ...], earlier: Iterable[Item]) -> tuple[Item, ...]:
    before = list(earlier)
    kept: list[Item] = []
    for item in items:
        same = next((each for each in before if replace(each, since=item.since) == item), None)
        if same is not None:
            before.remove(same)
        kept.append(item if same is None else alter(item, since=same.since))
    return tuple(kept)


def _hidden_check(data: dict[str, Any] | None, hide: Callable[[str], str]) -> dict[str, Any] | None:
    if data is None:
        return None
    shown = {name: value if name == "type" else change_texts(value, hide) for name, value in data.items()}
    return shown if _is_check(shown) else None


def _is_check(data: Any) -> bool:
    try:
        adapter(Check).validate_python(data)
    except ValidationError:
        return False
    return True


def _timeless(surface: Surface) -> dict[str, Any]:
    """Return a surface as data without the times; a parameter of a tool that is called ``since`` stays."""
    told: dict[str, Any] = dump(surface)
    for item in (told["purpose"], *(item for part in LISTS for item in told[part])):
        if item is not None:
            del item["since"]
    return told


@frozen
class Difference:
    """What one version of a surface knows otherwise than another: ``before`` and ``after`` are JSON, or ``None``."""

    part: str
    item: str
    change: Literal["added", "removed", "changed"]
    before: Any = None
    after: Any = None


def differences(one: Surface, other: Surface) -> tuple[Difference, ...]:
    """Return what ``other`` knows otherwise than ``one``, part by part; times do not count."""
    before, after = _timeless(one), _timeless(other)
    found = [
        _difference(part, part, before[part], after[part])
        for part in ("purpose", *FACTS)
        if before[part] != after[part]
    ]
    for part in LISTS:
        old = _numbered(getattr(one, part), before[part])
        new = _numbered(getattr(other, part), after[part])
        found += [
            _difference(part, name[0], old.get(name), new.get(name))
            for name in dict.fromkeys((*old, *new))
            if old.get(name) != new.get(name)
        ]
    return tuple(found)


def _numbered(items: Iterable[Any], told: Iterable[Any]) -> dict[tuple[str, int], Any]:
    """Return items' data by name; several of one name (secrets, whose texts are gone) are numbered."""
    found: dict[tuple[str, int], Any] = {}
    for item, data in zip(items, told, strict=True):
        name = name_of(item)
        found[name, sum(each == name for each, _ in found)] = data
    return found


def _difference(part: str, item: str, before: Any, after: Any) -> Difference:
    change: Literal["added", "removed", "changed"] = (
        "added" if before is None else "removed" if after is None else "changed"
    )
    return Difference(part=part, item=item, change=change, before=before, after=after)


def sources(surface: Surface) -> dict[str, Any]:
    """Return how much is known of each part and from where, without a word of it: ``{"tools": {"profile": 2}}``."""
    counted: dict[str, Any] = {"digest": surface.digest}
    for part in ("purpose", *LISTS):
        held = getattr(surface, part)
        items = held if isinstance(held, tuple) else [held] if held is not None else []
        counted[part] = {
            source: count for source in _STRENGTH if (count := sum(item.source == source for item in items))
        }
    counted["guessed_marks"] = sum(len(tool.guessed) for tool in surface.tools)
    return counted | {name: getattr(surface, name) for name in FACTS}


def missing(surface: Surface) -> tuple[str, ...]:
    """Return what is not known that would make more probes possible, a line each with what to write where.

    In order of worth: what a good answer is, what must stay secret, what it is for, what it must keep to, what it can
    do, what it is told, what it remembers.
    """
    target = "under [target] in tinman.toml"
    open_marks = next((tool for tool in surface.tools if tool.guessed), None)
    unknown_owner = next(
        (
            tool
            for tool in surface.tools
            if not tool.marks.owner_argument and "owner_argument" in tool.guessed and tool.parameters.get("properties")
        ),
        None,
    )
    lines = (
        (
            not any(task.expect for task in surface.tasks),
            'requests of your users with a known good answer: write [[target.tasks]] with ask = "..." and'
            ' expect = ["..."] in tinman.toml',
        ),
        (
            not surface.secrets,
            f'what it must never tell: write secrets = [{{ text = "...", what = "staff discount code" }}] {target}',
        ),
        (
            surface.purpose is None or surface.purpose.source != "profile",
            f'what it is for, in one sentence: write purpose = "..." {target}',
        ),
        (
            not any(rule.source == "profile" for rule in surface.rules),
            f'what it must keep to: write rules = ["..."] {target}',
        ),
        (
            not surface.tools,
            'which tools it has: write [[target.tools]] with name = "..." and description = "..." in tinman.toml',
        ),
        (
            open_marks is not None,
            "what its tools can do to the world is guessed: say it with"
            f" tinman surface edit --set tools.{open_marks.name if open_marks else ''}.destructive=false",
        ),
        (
            unknown_owner is not None,
            "whose records its tools give out: say which argument names the owner with"
            f" tinman surface edit --set tools.{unknown_owner.name if unknown_owner else ''}.owner_argument=NAME",
        ),
        (
            bool(surface.rules) and not any(rule.check for rule in surface.rules),
            'how a broken rule is noticed: give one a check, such as rules = [{ text = "...", check = { type ='
            f' "assistant_not_contains", values = ["..."] }} }}] {target}',
        ),
        (
            not any(told.source == "profile" for told in surface.instructions),
            f'what it is told before a conversation: write system_prompt = "..." {target}',
        ),
        (
            surface.remembers_in_conversation is None,
            f"that it remembers what was said in a conversation, if it does: write keeps_conversation = true {target}",
        ),
    )
    return tuple(line for is_missing, line in lines if is_missing)
