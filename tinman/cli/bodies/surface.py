"""``tinman surface``: what is known of a target, corrected by a person, and compared between versions."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import click
import tomli_w

from tinman import clock
from tinman.cli.app import App, given
from tinman.cli.settings import resolve
from tinman.cli.store import memory
from tinman.config.settings import provider_keys, secret_values
from tinman.errors import ConfigError
from tinman.frozen import canonical_json, dump
from tinman.memory import surfaces
from tinman.memory.graph import MemoryGraph
from tinman.memory.nodes import Batch
from tinman.memory.surfaces import Remembered, Version
from tinman.surface import (
    FACTS,
    Corrections,
    Difference,
    Rule,
    Secret,
    Surface,
    SurfaceTool,
    Task,
    Told,
    differences,
    missing,
    of_profile,
    rule_of,
)
from tinman.targets.declared import RuleProfile
from tinman.targets.load import load_target
from tinman.targets.marks import MARKS, SaidMarks
from tinman.targets.profile import read_profile
from tinman.text.invalid import read_as
from tinman.text.nearest import did_you_mean
from tinman.text.secrets import STARS, hiding
from tinman.text.visible import shorten, visible

_NOT_THERE = "surface: nothing is stored of {} yet; `tinman research` explores it, `tinman surface edit` corrects it"


@dataclass(frozen=True, kw_only=True)
class _View:
    """A target's surface as a command sees it; ``graph`` is ``None`` while there is no database."""

    target: str
    place: str
    profile: Surface
    graph: MemoryGraph | None
    before: Version | None
    hide: Callable[[str], str]

    @property
    def store(self) -> MemoryGraph:
        """The project's memory. Raises ``ConfigError`` while there is none."""
        if self.graph is None:
            raise ConfigError(_NOT_THERE.format(self.target))
        return self.graph

    @property
    def remembered(self) -> Remembered:
        if self.before is None:
            return Remembered()
        return Remembered(learned=self.before.kept.learned, corrections=self.before.kept.corrections)

    @property
    def surface(self) -> Surface:
        """All that is known now, with secrets."""
        return self.remembered.under(self.profile)

    @property
    def shown(self) -> Surface:
        return surfaces.readable(self.surface, self.before, self.hide)


@asynccontextmanager
async def _view(app: App, target: str | None, base_url: str | None, *, create: bool = False) -> AsyncIterator[_View]:
    """Open what is known of the target that the settings name. Raises ``ConfigError`` and ``StoreError``."""
    flags = {name: value for name, value in (("spec", target), ("base_url", base_url)) if value is not None}
    resolved = resolve(app, {"target": flags} if flags else {})
    profile = read_profile(resolved.settings.target)
    opened = load_target(profile, provider_keys())
    name = opened.name
    await opened.aclose()
    db = resolved.settings.db
    async with AsyncExitStack() as stack:
        graph = None
        if create or "://" in db or await anyio.Path(db).exists():
            graph = await stack.enter_async_context(memory(app, create=create))
        yield _View(
            target=name,
            place=str(resolved.file or "the flags"),
            profile=of_profile(profile),
            graph=graph,
            before=await surfaces.latest(graph, name) if graph else None,
            hide=hiding(profile.canaries, secret_values()),
        )


# -- show -------------------------------------------------------------------------------------------------------------


async def show(app: App, target: str | None = None, base_url: str | None = None) -> None:
    """Print what is known, with sources and guesses, and below it what is missing, in order of worth."""
    async with _view(app, target, base_url) as view:
        shown, label = view.shown, view.before.label if view.before else ""
        lacking = missing(view.surface)
        data = {
            "schema": "tinman.surface/1",
            "target": view.target,
            "version": label,
            "digest": shown.digest,
            "surface": dump(shown),
            "missing": list(lacking),
        }
        title = f"{view.target}   {label or 'from the profile alone; a cycle explores it'}"
        wanted = ["", "Missing, in order of worth:", *(f"  {i}. {line}" for i, line in enumerate(lacking, 1))]
        app.answer(data, title, *_told(shown), *(wanted if lacking else []))


def _told(surface: Surface) -> Iterator[str]:
    """Yield a line for each thing that is known; a mark that ends in a question mark is guessed."""
    items: list[tuple[str, Iterable[Told | Rule | Secret | SurfaceTool | Task]]] = [
        ("purpose", [surface.purpose] if surface.purpose else []),
        *((part.removesuffix("s"), getattr(surface, part)) for part in _PARTS),
    ]
    for part, held in items:
        for item in held:
            yield f"  {part:<13} {shorten(_worded(item), 78):<78}  {item.source:<9} since {item.since:%Y-%m-%d}"
    answers = {True: "yes", False: "no"}
    for name in FACTS:
        if (value := getattr(surface, name)) is not None:
            yield f"  {name.replace('_', ' '):<28} {answers[value] if isinstance(value, bool) else f'{value:.0%}'}"


_PARTS = ("languages", "instructions", "rules", "secrets", "tools", "knowledge", "tasks")


def _worded(item: Told | Rule | Secret | SurfaceTool | Task) -> str:
    match item:
        case Told(text=text):
            return text
        case Rule(text=text, check=check):
            return f"{text} (checked: {check.type})" if check else text
        case Secret(what=what):
            return f"{STARS} ({what})" if what else STARS
        case Task(ask=ask, expect=expect):
            return f"{ask} ({len(expect)} checks of the answer)" if expect else ask
        case SurfaceTool():
            marks = [name for name in MARKS if name != "owner_argument" and getattr(item.marks, name)]
            marks += [f"owner_argument={item.marks.owner_argument}"] if item.marks.owner_argument else []
            told = ", ".join(f"{each}?" if each.split("=")[0] in item.guessed else each for each in marks)
            unknown = "nothing?" if item.guessed else "nothing"
            return f"{item.name}: {told or unknown}"


# -- edit -------------------------------------------------------------------------------------------------------------


async def edit(app: App, target: str | None, base_url: str | None, said: Sequence[str]) -> None:
    """Store corrections: those of ``said``, or what comes back from the editor. Raises ``ConfigError``."""
    async with _view(app, target, base_url, create=True) as view:
        old = view.remembered.corrections
        if not said and not (app.may_ask and sys.stdin.isatty()):
            raise ConfigError("surface edit: there is no terminal to edit on; say --set tools.NAME.destructive=true")
        new = _with(view, old, said) if said else _edited(app, view, old)
        if new is None or new == old:
            app.answer(_answer(view, ""), said="Nothing was changed.")
            return
        known = replace(view.remembered, corrections=new)
        batch = Batch("")
        surfaces.put(batch, view.target, known.under(view.profile), known, view.before, view.hide)
        await view.store.store([batch])
        stored = await surfaces.latest(view.store, view.target)
        label = stored.label if stored else ""
        seen = app.command("surface", "show", options=given("target", "base_url"))
        app.answer(_answer(view, label), said=f"Stored as {label}. See it: {seen}")


def _answer(view: _View, label: str) -> dict[str, Any]:
    return {"schema": "tinman.surface-edit/1", "target": view.target, "version": label}


def _with(view: _View, corrections: Corrections, said: Sequence[str]) -> Corrections:
    """Return the corrections with each of ``said`` (``tools.NAME.acts=true``). Raises ``ConfigError``."""
    for each in said:
        key, is_set, value = each.partition("=")
        key, value = key.strip(), value.strip()
        if not is_set or not value:
            raise ConfigError(f"surface edit: --set {shorten(each, 60)!r} says no value; write --set {_FORMS[0]}")
        if key == "purpose":
            corrections = replace(corrections, purpose=value)
        elif key == "rules":
            corrections = replace(corrections, rules=(*corrections.rules, RuleProfile(text=value)))
        elif key.startswith("tools.") and key.count(".") > 1:
            name, _, mark = key.removeprefix("tools.").rpartition(".")
            marks = dump(corrections.tools.get(name, SaidMarks())) | {mark: _mark(mark, value)}
            tools = dump(corrections.tools) | {name: marks}
            corrections = _read({**dump(corrections), "tools": tools})
        else:
            raise ConfigError(f"surface edit: --set {shorten(key, 60)} names nothing; write {', '.join(_FORMS)}")
    return _checked(view, corrections)


def _mark(mark: str, value: str) -> str | None:
    """Return what ``--set`` says of a mark: nothing when it is to be guessed, no argument for that of no owner."""
    if value == "guess":
        return None
    return "" if (mark, value) == ("owner_argument", "none") else value


_FORMS = ("tools.NAME.destructive=true", "purpose=TEXT", "rules=TEXT")


def _read(data: dict[str, Any]) -> Corrections:
    known = {f"tools.{name}": MARKS for name in data.get("tools", {})}

    def refusal(wrong: str) -> ConfigError:
        hint = f"; the marks are {', '.join(MARKS)}" if any(wrong.startswith(place) for place in known) else ""
        return ConfigError(f"surface edit: {wrong}{hint}")

    return read_as(Corrections, data, refusal)


def _checked(view: _View, corrections: Corrections) -> Corrections:
    """Return the corrections without those that say nothing. Raises ``ConfigError`` where the settings disagree."""
    for number, rule in enumerate(corrections.rules):
        rule_of(rule, f"surface edit: rules.{number}", clock.now())
    if corrections.purpose and view.profile.purpose and view.profile.purpose.text != corrections.purpose:
        raise ConfigError(f"surface edit: purpose stands in {view.place}; change it there")
    known = {tool.name: tool for tool in view.surface.tools}
    own = {tool.name: tool for tool in view.profile.tools}
    for name, marks in corrections.tools.items():
        if name not in known and marks.said:
            hint = did_you_mean(name, list(known), f"there are {', '.join(known) or 'none'}")
            raise ConfigError(f"surface edit: there is no tool {shorten(name, 60)!r}; {hint}")
        for mark, value in marks.said.items():
            if name in own and mark not in own[name].guessed and getattr(own[name].marks, mark) != value:
                raise ConfigError(f"surface edit: tools.{name}.{mark} stands in {view.place}; change it there")
    return replace(corrections, tools={name: marks for name, marks in corrections.tools.items() if marks.said})


def _edited(app: App, view: _View, corrections: Corrections) -> Corrections | None:
    """Return what a person makes of the corrections in the editor, ``None`` when it was left without saving."""
    text: str | None = _sheet(view, corrections)
    while True:
        text = click.edit(text, extension=".toml")
        if text is None:
            return None
        try:
            return _checked(view, _read(tomllib.loads(text)))
        except (ConfigError, tomllib.TOMLDecodeError) as error:
            told = str(error) if isinstance(error, ConfigError) else f"surface edit: not TOML: {error}; mend that line"
            app.tell(told)
            if not click.confirm("Edit it again?", default=True, err=True):
                raise ConfigError(told) from error


def _sheet(view: _View, corrections: Corrections) -> str:
    """Return the corrections as TOML, and as remarks what is known or guessed without them."""
    shown = view.shown
    rules = [{name: value for name, value in dump(rule).items() if value} for rule in corrections.rules]
    lines = [
        f"# Corrections of what is known of {view.target}. A line without # counts as said by you;",
        "# take the # from a guess to confirm it, or say otherwise. Save and close to store.",
        "",
        _assigned("purpose", corrections.purpose or (shown.purpose.text if shown.purpose else ""), corrections.purpose),
        "",
        tomli_w.dumps({"rules": rules}) if rules else '# [[rules]]\n# text = "what it must keep to"',
    ]
    for tool in shown.tools:
        said = corrections.tools.get(tool.name, SaidMarks()).said
        lines += ["", tomli_w.dumps({"tools": {tool.name: {"_": 0}}}).split("\n_")[0].strip()]
        lines += [_assigned(mark, said.get(mark, getattr(tool.marks, mark)), mark in said) for mark in MARKS]
    return "\n".join(lines) + "\n"


def _assigned(name: str, value: Any, is_said: object) -> str:
    line = tomli_w.dumps({name: value}).strip()
    return line if is_said else f"# {visible(line, keep_newlines=False)}"


# -- diff -------------------------------------------------------------------------------------------------------------


async def diff(app: App, target: str | None, base_url: str | None, old: str | None, new: str | None) -> None:
    """Print what a version knows otherwise than an earlier one: the newest two, or those named. Raises ``NotFound``."""
    async with _view(app, target, base_url) as view:
        known = await surfaces.versions(view.store, view.target, limit=2)
        if not known:
            raise ConfigError(_NOT_THERE.format(view.target))
        one = await surfaces.version(view.store, view.target, old) if old else known[-1]
        other = await surfaces.version(view.store, view.target, new) if new else known[0]
    found = differences(one.kept.surface, other.kept.surface)
    data = {
        "schema": "tinman.surface-diff/1",
        "target": view.target,
        "old": one.label,
        "new": other.label,
        "differences": [dump(each) for each in found],
    }
    lines = (_difference(each) for each in found)
    app.answer(data, *lines, said="" if found else f"{one.label} and {other.label} know the same.")


_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def _difference(found: Difference) -> str:
    if found.change != "changed":
        return f"  {_SIGNS[found.change]} {found.part:<13} {shorten(found.item, 100)}"
    before, after = found.before, found.after
    if isinstance(before, dict) and isinstance(after, dict):
        names = [name for name in after if before.get(name) != after[name]]
        before, after = ({name: each.get(name) for name in names} for each in (before, after))
    told = f"{shorten(canonical_json(before), 120)} -> {shorten(canonical_json(after), 120)}"
    return f"  ~ {found.part:<13} {shorten(found.item, 40)}  {told}"
