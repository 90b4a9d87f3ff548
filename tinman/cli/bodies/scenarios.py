"""``tinman scenarios validate`` and ``list``: files read, and nothing run."""

from __future__ import annotations

import click

from tinman.cli.app import App, Exit
from tinman.errors import DefinitionError
from tinman.scenarios.files import load_scenarios, read_all, warnings_of
from tinman.scenarios.scenario import Scenario
from tinman.scenarios.schema import file_schema
from tinman.text.visible import shorten, visible


def validate(app: App, places: tuple[str, ...], place: str | None, schema: bool) -> int:
    """Read scenario files and say what is wrong with them; nothing is run. Exit 2 when a file is wrong."""
    if schema:
        app.document(file_schema())
        return Exit.DONE
    wanted = [*places, *([place] if place else [])]
    if not wanted:
        raise click.UsageError("name a scenario file or a folder of them")
    problems: list[str] = []
    count = 0
    for one in wanted:
        try:
            loaded, wrong = read_all(one)
        except DefinitionError as error:
            loaded, wrong = [], [str(error)]
        problems += [visible(told, keep_newlines=False) for told in wrong]
        count += len(loaded)
        for scenario in loaded:
            for warning in warnings_of(scenario):
                app.say(f"warning: {visible(warning, keep_newlines=False)}")
    for problem in problems if not app.as_json else ():
        app.tell(f"tinman: {problem}")
    app.answer(
        {"schema": "tinman.validation/1", "scenarios": count, "problems": problems},
        f"{count} scenarios read, {len(problems)} problems",
    )
    return Exit.USAGE if problems else Exit.DONE


def list_(app: App, place: str | None, folder: str | None, tags: tuple[str, ...]) -> None:
    """List the scenarios in a file or folder."""
    if not (wanted := place or folder):
        raise click.UsageError("name a scenario file or a folder of them")

    def line(one: Scenario) -> str:
        tagged = f"  [{shorten(', '.join(one.tags), 40)}]" if one.tags else ""
        marks = "  destructive" * one.destructive + "  quarantined" * _is_quarantined(one)
        return f"  {shorten(one.scenario_id, 40):<40} {len(one.turns)} turns{tagged}{marks}"

    app.listing(
        [one for one in load_scenarios(wanted) if not tags or set(tags) & set(one.tags)],
        lambda one: {
            "schema": "tinman.scenario-line/1",
            "scenario_id": one.scenario_id,
            "description": one.description,
            "tags": list(one.tags),
            "destructive": one.destructive,
            "turns": len(one.turns),
            "digest": one.digest,
            "quarantined": _is_quarantined(one),
        },
        line,
    )


def _is_quarantined(scenario: Scenario) -> bool:
    return bool(scenario.provenance.get("status") == "quarantined")
