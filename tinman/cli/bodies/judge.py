"""``tinman judge``: how often a model errs as a judge, and what becomes of the verdicts of one that is retracted."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tinman.budget import Budget, Limits
from tinman.cli.app import UNVERIFIED, App
from tinman.cli.project import prices_of
from tinman.cli.settings import resolve
from tinman.cli.store import expect, memory
from tinman.config.settings import provider_keys, secret_values
from tinman.errors import ConfigError
from tinman.experiments.rescoring import concluded_again, is_judged, judged_again, judged_failures, restate
from tinman.frozen import dump
from tinman.judging import calibration
from tinman.judging.calibration import Calibration
from tinman.judging.labels import read_labels, shipped_labels
from tinman.judging.rubric import ReasonerReferee
from tinman.memory import judges
from tinman.models.limiter import ProviderLimiter
from tinman.models.load import load_model
from tinman.models.metered import Metered, Metering
from tinman.options import ResearchOptions
from tinman.records import FOUND, DiscoveredFailure, ExperimentResult
from tinman.reports.result import load_result
from tinman.stats import JudgeError, wilson
from tinman.taxonomy import FailureClass
from tinman.text.secrets import hiding
from tinman.text.visible import shorten


@asynccontextmanager
async def _referee(app: App, name: str | None, concurrency: int) -> AsyncIterator[ReasonerReferee]:
    """Open the judge that is named, else the one of the settings, else the reasoner, under the ceilings of a cycle;
    what it used is said at the end. Its time is not bounded. Raises ``ConfigError``.
    """
    settings = resolve(app).settings
    named = name or settings.judge or ("" if settings.reasoner == "playbook" else settings.reasoner)
    if not named:
        raise ConfigError("judge: no model is named; give --judge openai:MODEL, or set judge in tinman.toml")
    model = load_model(named, base_url=settings.reasoner_base_url, keys=provider_keys())
    asked, usual = settings.research, ResearchOptions()
    limits = Limits(
        calls=asked.max_calls or usual.max_calls, tokens=asked.max_tokens or usual.max_tokens, usd=asked.max_usd
    )
    limiter = ProviderLimiter(initial=concurrency, maximum=max(64, concurrency))
    metering = Metering(limiter=limiter, price_overrides=prices_of(settings))
    metered = Metered(model, metering, budget=Budget(limits))
    try:
        yield ReasonerReferee.of(metered, hide=hiding((), secret_values()))
    finally:
        await model.aclose()
        used = metered.usage
        money = "money unknown" if used.usd is None else f"${used.usd:.2f}"
        app.say(f"Spent {money} · {used.calls:,} of {limits.calls:,} calls")


async def calibrate(app: App, file: str | None, judge: str | None, concurrency: int) -> None:
    """Ask the judge about labelled transcripts, store how it did, and print it. Raises ``DefinitionError``."""
    labels = read_labels(Path(file) if file else shipped_labels())
    async with _referee(app, judge, concurrency) as referee:
        app.say(f"Asking {referee.name} about {len(labels)} labelled transcripts.")
        step = max(10, len(labels) // 10)

        def heard(done: int) -> None:
            if done % step == 0 and done < len(labels):
                app.say(f"  {done} of {len(labels)}")

        found = await calibration.calibrate(referee, labels, concurrency=concurrency, heard=heard)
    async with memory(app, create=True) as graph:
        await judges.keep(graph, found)
    app.answer(
        {
            "schema": "tinman.calibration/1",
            **dump(found),
            "errors": {str(c or "all"): dump(e) for c, e in _by_class(found)},
        },
        *_lines(found),
    )


def _by_class(found: Calibration) -> list[tuple[FailureClass | None, JudgeError]]:
    classes = [None, *(each for each in FailureClass if any(a.failure_class is each for a in found.answers))]
    return [(each, found.error_on(each)) for each in classes]


def _lines(found: Calibration) -> list[str]:
    lines = [
        f"{found.judge}   version {found.judge_digest}",
        "",
        f"  {'class':<14}{'finds failures':>28}{'clears sound ones':>28}",
    ]
    for failure_class, error in _by_class(found):
        shares = [_share(error.caught, error.failing), _share(error.cleared, error.sound)]
        lines.append(f"  {failure_class or 'all':<14}{shares[0]:>28}{shares[1]:>28}")
    reasons = Counter(answer.reason for answer in found.answers if answer.judged_fails is None).most_common(1)
    why = f" (most often: {shorten(reasons[0][0], 100)})" if reasons else ""
    lines.append(f"  could not tell: {found.untold} of {len(found.answers)}{why}")
    wrong = [answer for answer in found.answers if answer.is_wrong]
    lines += ["", f"Wrong on {len(wrong)}:"] if wrong else []
    for answer in wrong[:20]:
        said = "missed a failure" if answer.fails else "accused a sound reply"
        lines.append(f"  {shorten(answer.id, 24)}: {said}: {shorten(answer.reason, 120)}")
    lines += [f"  and {len(wrong) - 20} more"] if len(wrong) > 20 else []
    usable = [str(c) for c, e in _by_class(found) if c is not None and not e.why_unusable]
    told = f"Rates are corrected for: {', '.join(usable)}." if usable else "No rate is corrected by this."
    lacking = [(c, e.why_unusable) for c, e in _by_class(found) if c is not None and e.why_unusable]
    return [*lines, "", told + (f" For {lacking[0][0]}, {lacking[0][1]}." if lacking else "")]


def _share(part: int, whole: int) -> str:
    interval = wilson(part, whole)
    return f"{part}/{whole} [{interval.low:.0%}, {interval.high:.0%}]" if whole else "-"


async def list_(app: App) -> None:
    """List the versions of judges that were calibrated, newest first, with those that were retracted."""
    async with memory(app) as graph:
        found, gone = await judges.calibrations(graph), await judges.retractions(graph)

    def line(each: Calibration) -> str:
        error = each.error_on()
        told = gone.get(each.judge_digest)
        state = f"retracted: {shorten(told.reason, 60)}" if told else f"calibrated {each.at:%Y-%m-%d}"
        shares = f"finds {_share(error.caught, error.failing)}, clears {_share(error.cleared, error.sound)}"
        return f"  {each.judge_digest}  {shorten(each.judge, 30)}  {shares}  {state}"

    app.listing(
        found,
        lambda each: {
            "schema": "tinman.judge-line/1",
            "judge": each.judge,
            "digest": each.judge_digest,
            "at": each.at.isoformat(),
            "error": dump(each.error_on()),
            "retracted": gone[each.judge_digest].reason if each.judge_digest in gone else None,
        },
        line,
        none="No judge was calibrated; `tinman judge calibrate` does it.",
    )


async def retract(app: App, digest: str, reason: str) -> None:
    """Store that a version of a judge is not to be believed any more. Raises ``NotFound``."""
    async with memory(app) as graph:
        await judges.retract(graph, digest, reason=reason, by=UNVERIFIED)
        nodes = await graph.find(kind="failure_mode", in_force=True)
        resting = [n for n in nodes if isinstance(n.record, DiscoveredFailure) and _rests_on(n.record, digest)]
    cycles = sorted({node.cycle_id for node in resting if node.cycle_id})
    app.answer(
        {
            "schema": "tinman.judge-retraction/1",
            "digest": digest,
            "cycles": cycles,
            "failures": [n.label for n in resting],
        },
        f"Retracted. {len(resting)} failures rest on its verdicts.",
        *(
            f"  {app.command('judge', 'rescore', cycle, '--judge', 'MODEL')}   judges them again, without a call to the"
            " target"
            for cycle in cycles
        ),
    )


def _rests_on(failure: DiscoveredFailure, digest: str) -> bool:
    return failure.judge is not None and failure.judge.digest == digest


async def rescore(app: App, cycle: str, judge: str | None, concurrency: int) -> None:
    """Judge the stored transcripts of a cycle again, and put what was found then in the place of what was found.

    The target is not called. Raises ``NotFound``, ``ConfigError`` for a judge that was retracted.
    """
    async with _referee(app, judge, concurrency) as referee:
        async with memory(app) as graph:
            await judges.check(graph, referee)
            before = await load_result(graph, cycle)
        runs = [run for result in before.results for run in result.runs if is_judged(run)]
        app.say(f"Asking {referee.name} about {len(runs)} stored runs.")
        again = await judged_again(runs, referee, concurrency=concurrency)
    async with memory(app) as graph:
        results = concluded_again(before.experiments, before.results, again, before.mode)
        lines, failures, stated = [], [], set()
        for node in await judged_failures(graph, before.cycle_id):
            failure = expect(node, DiscoveredFailure, "a failure")
            stated.add(failure.experiment_id)
            result, is_gone = results.get(failure.experiment_id), node.valid_to is not None
            if result is None or (is_gone and result.standing not in FOUND):
                continue
            label = await restate(graph, failure, result, by=UNVERIFIED)
            was = "withdrawn" if is_gone else _told(failure)
            lines.append(f"  {failure.label}: {was} -> {_told(result)}{f', now {label}' if label else ''}")
            standing = "withdrawn" if is_gone else failure.standing
            failures.append(
                {
                    "before": failure.label,
                    "standing_before": standing,
                    "standing": result.standing,
                    "label": label or None,
                }
            )
    unstated = [r for r in results.values() if r.experiment_id not in stated and r.judge and r.standing in FOUND]
    told = {design.id: design.description for design in before.experiments}
    lines += [
        f"  {shorten(told[r.experiment_id], 80)}: {_told(r)}, which was no finding; a new cycle makes it one"
        for r in unstated
    ]
    flipped = sum(again[run.id].verdict != run.verdict for run in runs)
    app.answer(
        {
            "schema": "tinman.rescoring/1",
            "cycle": before.cycle_id,
            "judge": referee.name,
            "judge_digest": referee.digest,
            "runs": len(runs),
            "changed_runs": flipped,
            "failures": failures,
            "not_stated": [r.experiment_id for r in unstated],
        },
        f"{referee.name} says otherwise of {flipped} of {len(runs)} runs.",
        *(lines or ["  No finding of this cycle rests on a judge."]),
    )


def _told(found: DiscoveredFailure | ExperimentResult) -> str:
    stress, control = found.stress, found.control
    return f"{found.standing} ({stress.failures}/{stress.n} stressed, {control.failures}/{control.n} control)"
