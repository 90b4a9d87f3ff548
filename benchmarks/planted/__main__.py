"""``python -m benchmarks.planted``: score Tinman on the bench, list what is planted, or serve it."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from benchmarks.planted.assistant import Assistant, find
from benchmarks.planted.roster import ROSTER
from benchmarks.planted.scoring import table
from benchmarks.planted.scoring.listing import listing
from benchmarks.planted.scoring.scorer import Plan, Score, is_offered, score_one, surfaces_of
from benchmarks.planted.server import Bench, serve


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted", description=__doc__)
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="how many seeds, each with a bench of its own"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="assistants, or kinds of them")
    told = parser.add_mutually_exclusive_group()
    told.add_argument("--with-profiles", dest="told", action="store_true", help="hand each assistant's profile over")
    told.add_argument("--without", dest="told", action="store_false", help="tell nothing but the address (default)")
    parser.add_argument(
        "--uniform", action="store_true", help="ask the cycle for uniform hypotheses, where it offers that"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all scores to a file")
    parser.add_argument("--list", action="store_true", help="print the table of assistants and end")
    parser.add_argument("--serve", type=int, metavar="PORT", help="serve the bench until interrupted")
    return parser.parse_args()


def _chosen(only: list[str]) -> list[Assistant]:
    if not only:
        return list(ROSTER)
    kinds = {assistant.kind for assistant in ROSTER}
    picked = [a for a in ROSTER if a.kind in only]
    return picked + [find(ROSTER, name) for name in only if name not in kinds]


async def _score(arguments: argparse.Namespace, roster: list[Assistant]) -> list[Score]:
    more: tuple[tuple[str, bool], ...] = ()
    if arguments.uniform:
        if lacking := is_offered(["uniform"]):
            print(f"{lacking}: not offered by this version; scored without it")
        else:
            more = (("uniform", True),)
    plan = Plan(arguments.seeds, arguments.told, more)
    scores: list[Score] = []
    for seed in range(plan.seeds):
        for assistant, surface in surfaces_of(roster):
            scores.append(await score_one(assistant, seed=seed, surface=surface, plan=plan))
            print(table.per_target(scores[-1]), flush=True)
    return scores


async def _serve(roster: list[Assistant], port: int) -> None:
    async with serve(Bench.of(roster), port) as bench:
        for assistant in roster:
            print(f"tinman research --target openai:{assistant.name} --base-url {bench.root}/{assistant.name}/v1")
        await asyncio.Event().wait()


def main() -> int:
    """Return 1 when an assistant without a planted failure has a validated finding, else 0."""
    arguments = _arguments()
    try:
        roster = _chosen(arguments.only)
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    if arguments.list:
        print("\n".join(listing(roster)))
        return 0
    if arguments.serve is not None:
        asyncio.run(_serve(roster, arguments.serve))
        return 0
    print("\n".join(table.coverage(roster)), end="\n\n")
    scores = asyncio.run(_score(arguments, roster))
    print("", *table.summary(scores), sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(table.data(scores), indent=1), encoding="utf-8")
    if wrong := table.accused(scores):
        print(f"\nACCUSED WITHOUT CAUSE: {', '.join(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
