"""A loop that simply answers has succeeded, unless something else says what success is; its words are in the result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from loops import NEVER, Counting, Threshold, playing, says

from tinman.loop import Exit, ExitCondition, Loop
from tinman.messages import Stop


def a_loop(*replies: Any, **settings: Any) -> Loop:
    return Loop("What is 2 + 2?", [Counting().tool], playing(*replies), quiet=True, **settings)


async def test_words_without_calls_are_the_answer() -> None:
    result = await a_loop(says("let me see", ("work", {})), "It is 4.").arun()

    assert (result.status, result.text, result.iterations) == ("SUCCESS", "It is 4.", 2)
    assert not result.resumable


async def test_where_there_are_no_tools_the_answer_is_what_nothing_new_comes_after() -> None:
    def asked(**settings: Any) -> Loop:
        return Loop("What is 2 + 2?", [], playing("It is 4."), quiet=True, **settings)

    settled, cut = await asked().arun(), await asked(max_iterations=2).arun()

    assert (settled.status, settled.text, settled.iterations) == ("SUCCESS", "It is 4.", 3)
    assert (cut.status, cut.text) == ("BUDGET_EXHAUSTED", "It is 4.")


@pytest.mark.parametrize("exit_", [Exit.max_iterations(9), Exit.token_limit(10**6), Exit.stagnation(9)])
async def test_an_exit_that_only_limits_does_not_judge(exit_: ExitCondition) -> None:
    assert (await a_loop("It is 4.", exits=[exit_]).arun()).status == "SUCCESS"


@pytest.mark.parametrize("settings", [{"goal_metric": Threshold(), "observe": lambda _: 0}, {"exits": [NEVER]}])
async def test_where_success_is_measured_words_are_none(settings: dict[str, Any]) -> None:
    result = await a_loop("It is 4.", **settings).arun()

    assert (result.status, result.text) == ("NO_PROGRESS", "It is 4.")


@pytest.mark.parametrize("reply", ["", " \n"])
async def test_silence_is_no_answer(reply: str) -> None:
    assert (await a_loop(reply).arun()).status == "NO_PROGRESS"


async def test_an_invalid_call_with_words_is_no_answer() -> None:
    result = await a_loop(says("done!", ("nothing", {}))).arun()

    assert (result.status, result.text) == ("PLAN_FAILED", "done!")


async def test_what_was_said_is_in_the_result_of_every_end() -> None:
    result = await a_loop(says("I look", ("work", {})), max_iterations=1).arun()

    assert (result.status, result.text) == ("BUDGET_EXHAUSTED", "I look")


async def test_secrets_are_taken_out_of_it() -> None:
    result = await a_loop("the key is sk-" + "a1B2" * 10).arun()

    assert "a1B2a1B2" not in result.text


@pytest.mark.parametrize("stop", ["length", "refusal"])
async def test_what_was_cut_off_or_refused_is_no_answer(stop: Stop) -> None:
    result = await a_loop(replace(says("First I will"), stop=stop)).arun()

    assert result.status == "PLAN_FAILED"
