"""Which model the target is measured with. Nothing is guessed: it is known, chosen by a person, or an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tinman.errors import DefinitionError
from tinman.frozen import frozen
from tinman.targets.adapters.base import RuntimeSpec
from tinman.text.visible import shorten

Ask = Callable[[str], str]
"""Shows a line and returns what was typed."""


@frozen
class Choice:
    """A runtime and how it was chosen: ``override``, ``resolved`` or ``interactive_candidate``."""

    runtime: RuntimeSpec
    mode: str


def _line(runtime: RuntimeSpec) -> str:
    reason = f": {runtime.reason}" if runtime.reason else ""
    return shorten(f"{runtime.provider} {runtime.model} ({runtime.confidence}){reason}", 160)


def choose(
    resolved: RuntimeSpec | None,
    candidates: Sequence[RuntimeSpec],
    *,
    provider: str = "",
    model: str = "",
    ask: Ask | None = None,
) -> Choice:
    """Return the runtime to measure with. ``ask`` is ``None`` when nobody can be asked.

    Raises ``DefinitionError`` when nothing, or nothing certain, is known. Providers match whatever their case.
    """
    provider, model = provider.strip().lower(), model.strip()
    if provider or model:
        return Choice(runtime=_override(resolved, candidates, provider, model), mode="override")
    if resolved is not None:
        return Choice(runtime=resolved, mode="resolved")
    if not candidates:
        raise DefinitionError(
            "runtime: the adapter knows neither the inner model nor candidates; give --inner-provider and --inner-model"
        )
    if ask is None:
        listed = "; ".join(_line(candidate) for candidate in candidates)
        raise DefinitionError(
            f"runtime: it is one of {listed}; say which with --inner-provider and --inner-model, or run interactively"
        )
    return Choice(runtime=_asked(candidates, ask), mode="interactive_candidate")


def _override(
    resolved: RuntimeSpec | None, candidates: Sequence[RuntimeSpec], provider: str, model: str
) -> RuntimeSpec:
    given = RuntimeSpec(
        provider=provider, model=model, source="cli_override", confidence="explicit", reason="named on the command line"
    )
    if provider and model:
        return given
    known = [*([resolved] if resolved is not None else []), *candidates]
    for one in known:
        if provider and one.provider.strip().lower() == provider and one.model.strip():
            return replace(given, model=one.model.strip())
        if model and one.model.strip() == model and one.provider.strip():
            return replace(given, provider=one.provider.strip().lower())
    half, other = ("--inner-provider", "--inner-model") if provider else ("--inner-model", "--inner-provider")
    raise DefinitionError(
        f"runtime: nothing the adapter knows goes with {half} {provider or model!r}; give {other}, too"
    )


def _asked(candidates: Sequence[RuntimeSpec], ask: Ask) -> RuntimeSpec:
    lines = "\n".join(f"  {number}. {_line(candidate)}" for number, candidate in enumerate(candidates, 1))
    question = f"Which model is inside the target?\n{lines}\nNumber (q to stop): "
    while True:
        try:
            typed = ask(question).strip().lower()
        except EOFError:
            typed = "q"
        if typed in {"q", "quit", "exit"}:
            raise DefinitionError(
                "runtime: nobody chose one of the candidates; give --inner-provider and --inner-model"
            )
        if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= len(candidates):
            return candidates[int(typed) - 1]
        question = f"A number from 1 to {len(candidates)}, or q: "
