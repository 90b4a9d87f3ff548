"""The table of assistants, as the README holds it."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.planted.assistant import Assistant


def listing(roster: Sequence[Assistant]) -> list[str]:
    """Return a Markdown table of the assistants: what each is for, what is planted, at which rate, on what."""
    lines = [
        "| assistant | kind | what it is for | what is planted, or how it behaves | reached by |",
        "|---|---|---|---|---|",
    ]
    for a in roster:
        planted = "; ".join(f"{p.subtype} {p.rate:.0%} on {p.trigger}" for p in a.plants)
        lines.append(f"| {a.name} | {a.kind} | {a.purpose} | {planted or a.note} | {', '.join(a.surfaces)} |")
    return lines
