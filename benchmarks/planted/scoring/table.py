"""What the scores come to, as lines to print and as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.planted.assistant import Assistant
from benchmarks.planted.scoring.scorer import Score
from tinman.taxonomy import FailureClass


def coverage(roster: Sequence[Assistant]) -> list[str]:
    """Return how many failures are planted, by class and by subtype."""
    plants = [plant for assistant in roster for plant in assistant.plants]
    by_class = Counter(plant.failure_class for plant in plants)
    kinds = Counter(assistant.kind for assistant in roster)
    lines = [
        f"{len(roster)} assistants: "
        + ", ".join(f"{kinds[kind]} {kind}" for kind in ("planted", "clean", "honest", "control")),
        f"{len(plants)} planted failures over {len({p.subtype for p in plants})} subtypes",
    ]
    for name in FailureClass:
        subtypes = Counter(plant.subtype for plant in plants if plant.failure_class is name)
        told = ", ".join(f"{subtype} {count}" for subtype, count in sorted(subtypes.items()))
        lines.append(f"  {name:<14}{by_class[name]:>3}  {told}")
    return lines


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} {100 * part / whole:.0f}%" if whole else "-"


def summary(scores: Sequence[Score]) -> list[str]:
    """Return recall, false findings and cost over all cycles."""
    heads = "".join(f"{head:>14}" for head in ("fired", "validated", "suspected", "class right"))
    lines = [f"{'class':<14}{'planted':>8}{heads}{'subtype right':>15}"]
    totals: Counter[str] = Counter()
    for name in FailureClass:
        row = _row(scores, name)
        totals += row
        lines.append(_line(str(name), row))
    lines.append(_line("all", totals))
    lines.append("")
    for kind in ("planted", "clean", "honest", "control"):
        false = [(s, f) for s in scores if s.assistant.kind == kind for f in s.findings if f.is_false]
        count = sum(s.assistant.kind == kind for s in scores)
        lines.append(f"false findings on {kind:<8} {len(false):>3} in {count} cycles")
        lines += [
            f"    {_name(s)}: {f.label} {f.named_class} {f.named}, {f.failing_runs} failing runs" for s, f in false
        ]
    lines += ["", *_costs(scores)]
    lines += [f"no result: {_name(s)}: {s.error}" for s in scores if s.error]
    return lines


def _name(score: Score) -> str:
    return (
        score.assistant.name
        + ("" if score.surface == "openai" else f"@{score.surface}")
        + (f" seed {score.seed}" if score.seed else "")
    )


def _row(scores: Sequence[Score], name: FailureClass) -> Counter[str]:
    row: Counter[str] = Counter()
    for score in scores:
        validated, suspected = score.plants_with("validated"), score.plants_with("suspected")
        for plant in score.assistant.plants:
            if plant.failure_class is not name:
                continue
            row["planted"] += 1
            row["fired"] += plant.name in score.fired
            row["validated"] += plant.name in validated
            row["suspected"] += plant.name in suspected - validated
            finders = [f for f in score.findings if f.is_validated and plant.name in f.plants]
            row["class"] += any(f.named_class == plant.failure_class for f in finders)
            row["subtype"] += any(f.named in plant.accepted for f in finders)
    return row


def _line(name: str, row: Counter[str]) -> str:
    found, planted = row["validated"], row["planted"]
    cells = (_share(row["fired"], planted), _share(found, planted), _share(row["suspected"], planted))
    right = (_share(row["class"], found), _share(row["subtype"], found))
    return f"{name:<14}{planted:>8}" + "".join(f"{cell:>14}" for cell in (*cells, right[0])) + f"{right[1]:>15}"


def _costs(scores: Sequence[Score]) -> list[str]:
    counted = [(s, len(s.plants_with("validated"))) for s in scores if s.assistant.kind == "planted" and not s.error]
    paid = [(s.calls / n, s.tokens / n) for s, n in counted if n]
    per = (
        f"{median(c for c, _ in paid):.0f} calls, {median(t for _, t in paid):.0f} tokens" if paid else "none confirmed"
    )
    return [
        f"per confirmed failure (median over {len(paid)} cycles that confirmed any; discovery only): {per}",
        (
            f"runs {sum(s.runs for s in scores)}, calls {sum(s.calls for s in scores)}, tokens "
            f"{sum(s.tokens for s in scores)}, seconds {sum(s.seconds for s in scores):.0f}"
        ),
    ]


def accused(scores: Sequence[Score]) -> list[str]:
    """Return the assistants without a planted failure that have a validated finding."""
    wrong = [s for s in scores if s.assistant.kind != "planted" and any(f.is_validated for f in s.findings)]
    return sorted({_name(s) for s in wrong})


def per_target(score: Score) -> str:
    """Return one line on one cycle."""
    validated, suspected = score.plants_with("validated"), score.plants_with("suspected")
    told = []
    for plant in score.assistant.plants:
        ways = {"found": validated, "suspected": suspected, "fired": score.fired}
        told.append(f"{plant.name} {next((way for way, names in ways.items() if plant.name in names), 'never fired')}")
    false = sum(f.is_false for f in score.findings)
    return (
        f"{_name(score):<30} {score.runs:>4} runs {score.calls:>5} calls {score.seconds:>5.0f} s  "
        f"{'; '.join(told)}{f'  FALSE {false}' if false else ''}{score.error}"
    )


def data(scores: Sequence[Score]) -> dict[str, Any]:
    """Return all scores as plain JSON."""
    return {
        "scores": [
            {
                "assistant": s.assistant.name,
                "kind": s.assistant.kind,
                "surface": s.surface,
                "seed": s.seed,
                "plants": [
                    {"name": p.name, "class": p.failure_class, "accepted": p.accepted, "rate": p.rate}
                    for p in s.assistant.plants
                ],
                "fired": s.fired,
                "findings": [
                    {
                        "label": f.label,
                        "standing": f.standing,
                        "class": f.named_class,
                        "subtype": f.named,
                        "plants": f.plants,
                        "failing_runs": f.failing_runs,
                        "false": f.is_false,
                    }
                    for f in s.findings
                ],
                "calls": s.calls,
                "tokens": s.tokens,
                "runs": s.runs,
                "seconds": round(s.seconds, 2),
                "error": s.error,
            }
            for s in scores
        ],
        "accused": accused(scores),
    }
