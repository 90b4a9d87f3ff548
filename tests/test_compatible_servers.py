"""Servers that speak a provider's protocol in their own way: what they send is read, what they refuse is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import Body, Loopback, Raw, Say, Status, chat_completion, serve

from tinman.budget import Budget, Limits
from tinman.errors import GarbledReply, KeyRefused, RequestRefused
from tinman.frozen import canonical_json, dump
from tinman.messages import FILTERED, Message, Opaque, Reply, Request, Text, ToolResult, ToolSpec, say
from tinman.models.anthropic_client import AnthropicModel
from tinman.models.metered import Metered, Metering
from tinman.models.openai_client import OpenAIModel
from tinman.models.wires import chat, messages
from tinman.models.wires.reading import read_body
from tinman.text.reading import MAX_DEPTH, read_json

NOTHING = Request(messages=(say("user", "hello there"),))
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def completion(message: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "choices": [{"message": {"role": "assistant", "content": None, **message}, "finish_reason": "stop"}],
        **more,
    }


def calling(arguments: Any, **more: Any) -> dict[str, Any]:
    return completion({"tool_calls": [{"id": "c", "function": {"name": "look", "arguments": arguments}, **more}]})


def read(response: Any) -> Reply:
    return chat.from_response(response, NOTHING)


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        ('{"q": "a\nb\tc"}', {"q": "a\nb\tc"}),
        ('{"q": "x \\ud83d"}', {"q": "x \ufffd"}),
        ('{"q": "\\ud83d\\ude00"}', {"q": "\U0001f600"}),
        ('"{\\"q\\": 1}"', {"q": 1}),
        ({"q": 1}, {"q": 1}),
        ('\ufeff{"q": 1}', {"q": 1}),
        ("null", {}),
        ("  ", {}),
        (None, {}),
        ("", {}),
    ],
)
def test_arguments_are_read_in_every_dress(given: Any, read_as: dict[str, Any]) -> None:
    (call,) = read(calling(given)).message.calls

    assert (call.arguments, call.malformed) == (read_as, None)


@pytest.mark.parametrize(
    "given", ['{"q": ', '{"q": NaN}', '{"q": 1e999}', "[1]", "7", '{"q": ' + "[" * 300 + "]" * 300 + "}"]
)
def test_arguments_that_are_no_object_are_kept_as_they_came(given: str) -> None:
    (call,) = read(calling(given)).message.calls

    assert (call.arguments, call.malformed) == ({}, given)


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "hello", "annotations": [], "index": 0}],
        [{"type": "output_text", "text": "hello", "cache_control": {"type": "ephemeral"}}],
        [{"text": "hello"}],
        ["hello"],
    ],
)
def test_a_part_with_extra_keys_is_still_text(content: list[Any]) -> None:
    assert read(completion({"content": content})).message.text == "hello"


def test_a_refusal_may_be_a_part() -> None:
    reply = read(completion({"content": [{"type": "refusal", "refusal": "I can't."}]}))

    assert (reply.message.text, reply.stop) == ("I can't.", "refusal")


def test_the_function_call_of_older_servers_is_a_tool_call() -> None:
    (call,) = read(completion({"function_call": {"name": "look", "arguments": '{"q": 1}'}})).message.calls

    assert (call.name, call.arguments) == ("look", {"q": 1})


def test_what_a_server_hangs_on_a_call_goes_back_with_it() -> None:
    reply = read(calling("{}", extra_content={"google": {"thought_signature": "s"}}))
    (sent,) = chat.to_body(Request(messages=(reply.message,)), "m")["messages"]

    assert sent["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}


@pytest.mark.parametrize(
    "response",
    [
        completion({"content": "half an ans"}, error={"message": "upstream died"}),
        {
            "choices": [
                {"message": {"content": "half"}, "error": {"message": "upstream died"}, "finish_reason": "error"}
            ]
        },
    ],
)
def test_half_an_answer_beside_an_error_is_no_answer(response: dict[str, Any]) -> None:
    with pytest.raises(GarbledReply, match="upstream died"):
        read(response)


def test_ten_thousand_calls_in_one_reply_are_an_error_of_the_run() -> None:
    one = {"id": "c", "function": {"name": "look", "arguments": "{}"}}
    with pytest.raises(GarbledReply, match="10,000 tool calls"):
        read(completion({"tool_calls": [one] * 10_000}))
    with pytest.raises(GarbledReply, match="10,000 tool calls"):
        block = {"type": "tool_use", "id": "c", "name": "look", "input": {}}
        messages.from_response({"content": [block] * 10_000}, NOTHING)


@pytest.mark.parametrize("tokens", [0, -5, 2**64 - 1, 10**30, True, "12", 1.5, None])
def test_usage_that_the_texts_cannot_have_is_counted_from_them(tokens: Any) -> None:
    text = "a reply of some length, " * 30
    usage = {"prompt_tokens": tokens, "completion_tokens": tokens, "total_tokens": tokens}
    reply = read(completion({"content": text}, usage=usage))

    assert reply.extra["usage_estimated"] is True
    assert reply.usage.output_tokens == len(text)
    assert 11 <= reply.usage.input_tokens < 10_000


def test_usage_with_hidden_thinking_is_believed() -> None:
    request = Request(messages=(say("user", "hi"),), params={"max_completion_tokens": 30_000})
    usage = {"prompt_tokens": 20_000, "completion_tokens": 29_500, "total_tokens": 49_500}
    reply = chat.from_response(completion({"content": "4"}, usage=usage), request)

    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (20_000, 29_500)


def test_a_reply_that_was_thought_over_for_longer_than_allowed_counts_as_all_that_was() -> None:
    request = Request(messages=(say("user", "hi"),), params={"max_tokens": 1024})
    usage = {"prompt_tokens": 9, "completion_tokens": 5_000, "total_tokens": 5_009}
    reply = chat.from_response(completion({"content": "4"}, usage=usage), request)

    assert reply.usage.output_tokens == 1024
    assert reply.extra["usage_estimated"] is True


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    json_values, st.integers(0, 3 * MAX_DEPTH), st.sampled_from(["score", "tool_calls", "content", "usage", "refusal"])
)
def test_a_body_of_any_depth_and_any_number_is_read_and_kept_or_garbled(value: Any, depth: int, where: str) -> None:
    written = json.dumps(value)
    deep = "[" * depth + written + "]" * depth
    body = (
        f'{{"choices": [{{"message": {{"role": "assistant", "content": "x", "{where}": {deep}}}}}], "{where}": {deep}}}'
    )
    for wire in (chat, messages):
        try:
            reply = wire.from_response(read_body(body.encode(), "m"), NOTHING)
        except GarbledReply:
            continue
        canonical_json(dump(reply))
        wire.to_body(Request(messages=(reply.message,)), "m")


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 300 + "]" * 300, "1" * 5000, "{", ""])
def test_json_that_nothing_can_hold_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(ValueError):
        read_json(text)
    with pytest.raises(ValueError):
        read_json(text.encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_a_body_is_read_in_the_character_set_it_has(encoding: str) -> None:
    assert read_json('{"a": "é"}'.encode(encoding), charset=encoding) == {"a": "é"}


async def metered(
    script: Callable[[dict[str, Any]], Any], *requests: Request, provider: str = "openai"
) -> tuple[list[Reply], Loopback]:
    kind = OpenAIModel if provider == "openai" else AnthropicModel
    async with serve(script) as server:
        model = kind("m", base_url=server.base_url(provider))
        meter = Metered(model, Metering(max_attempts=1), budget=Budget(Limits()))
        try:
            return [await meter.complete(request) for request in requests], server
        finally:
            await model.aclose()


@pytest.mark.parametrize(
    "words", ["messages[0].content must be a string", "Input should be a valid string: body.messages.0.content"]
)
async def test_texts_go_as_one_string_to_a_server_that_takes_no_lists(words: str) -> None:
    def answer(body: dict[str, Any]) -> Any:
        return Say("hello") if isinstance(body["messages"][0]["content"], str) else Status(400, message=words)

    parts = (Text(text="a document"), Text(text="a question"))
    (reply,), server = await metered(answer, Request(messages=(Message(role="user", parts=parts),)))

    assert reply.message.text == "hello"
    assert server.requests[-1]["messages"][0]["content"] == "a document\n\na question"


ASKED = Request(messages=(say("user", "hi"),), params={"max_tokens": 50}, once=True)


def strict_about(name: str, words: str) -> Callable[[dict[str, Any]], Any]:
    return lambda body: Status(400, message=words) if name in body else Say("hello")


@pytest.mark.parametrize(
    ("provider", "name", "words"),
    [
        ("openai", "max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        ("openai", "response_format", "This response_format type is unavailable now"),
        ("openai", "response_format", "json_schema is not supported by this model"),
        ("anthropic", "output_config", "output_config: Extra inputs are not permitted"),
    ],
)
async def test_a_form_the_server_refuses_is_left_out_from_then_on(provider: str, name: str, words: str) -> None:
    request = Request(messages=ASKED.messages, params={"max_tokens": 50, "response_schema": SCHEMA}, once=True)
    replies, server = await metered(strict_about(name, words), request, request, provider=provider)

    assert [reply.message.text for reply in replies] == ["hello", "hello"]
    assert [name in body for body in server.requests] == [True, False, False]
    assert [reply.usage.calls for reply in replies] == [2, 1]


@pytest.mark.parametrize(
    "words", ["max_tokens is not supported, max_completion_tokens is not supported", "content must be a string"]
)
async def test_a_server_that_takes_no_form_is_given_up(words: str) -> None:
    image = Opaque(provider="openai", data={"type": "image_url", "image_url": {"url": "data:,"}})
    asked = Request(messages=(Message(role="user", parts=(Text(text="what is it?"), image)),), params={"max_tokens": 5})
    seen: list[int] = []

    def refuse(body: dict[str, Any]) -> Status:
        seen.append(1)
        return Status(400, message=words)

    with pytest.raises(RequestRefused):
        await metered(refuse, asked)
    assert len(seen) <= 4


async def test_a_parameter_of_the_users_own_is_not_exchanged_for_another() -> None:
    request = Request(messages=ASKED.messages, params={"max_completion_tokens": 50})
    with pytest.raises(RequestRefused, match="max_completion_tokens"):
        await metered(strict_about("max_completion_tokens", "unknown field max_completion_tokens"), request)


async def test_a_cap_that_is_too_large_is_not_exchanged_for_another() -> None:
    with pytest.raises(RequestRefused, match="too large"):
        await metered(strict_about("max_tokens", "max_tokens is too large: at most 40 completion tokens"), ASKED)


@pytest.mark.parametrize(
    "words", ["'messages.1': property 'reasoning' is unsupported", "body.messages.1: Extra inputs are not permitted"]
)
async def test_what_a_server_added_and_refuses_is_left_out_of_the_history(words: str) -> None:
    def answer(body: dict[str, Any]) -> Any:
        if any("reasoning" in message for message in body["messages"]):
            return Status(400, message=words)
        said = chat_completion(Say("hello"))
        said["choices"][0]["message"]["reasoning"] = "let me think"
        return Body(json.dumps(said).encode())

    (first,), _ = await metered(answer, ASKED)
    again = Request(messages=(*ASKED.messages, first.message, say("user", "and?")), params={"max_tokens": 50})
    (reply,), server = await metered(answer, again)

    assert reply.message.text == "hello"
    assert ["reasoning" in body["messages"][1] for body in server.requests] == [True, False]


async def test_what_a_server_added_and_wants_back_goes_back() -> None:
    def answer(body: dict[str, Any]) -> Any:
        if any(m["role"] == "assistant" and "reasoning_content" not in m for m in body["messages"]):
            return Status(400, message="Missing `reasoning_content` field in the assistant message at index 1")
        said = chat_completion(Say("hello"))
        said["choices"][0]["message"]["reasoning_content"] = "let me think"
        return Body(json.dumps(said).encode())

    (first,), _ = await metered(answer, ASKED)
    again = Request(messages=(*ASKED.messages, first.message, say("user", "and?")), params={"max_tokens": 50})
    (reply,), _ = await metered(answer, again)

    assert reply.message.text == "hello"


AZURE = {"message": "The prompt triggered the content management policy.", "code": "content_filter"}
ROUTED = {"message": "Your chosen model requires moderation and your input was flagged", "code": 403}
ANTHROPIC = {"message": "Output blocked by content filtering policy", "type": "invalid_request_error"}
ENDED = {"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": AZURE}),
        (500, {"error": AZURE}),
        (403, {"error": ROUTED}),
        (400, {"error": ANTHROPIC}),
        (400, ENDED),
        (200, {"error": ROUTED}),
        (400, [{"error": AZURE}]),
    ],
)
async def test_a_providers_filter_is_told_as_a_filter(status: int, body: dict[str, Any]) -> None:
    (reply,), server = await metered(lambda _: Raw(status, body), ASKED)

    assert (reply.stop, reply.message.text) == ("refusal", "")
    assert reply.extra[FILTERED]
    assert len(server.requests) == 1


@pytest.mark.parametrize("wait", ["\u00b2", "\u0665", "-3", "nan", "1e999", "soon", "Mon, 99 Nov 2026 00:00:00 GMT"])
async def test_a_waiting_time_that_is_none_is_as_good_as_not_said(wait: str) -> None:
    turns = iter([Status(503, headers={"Retry-After": wait}), Say("hello")])
    async with serve(lambda _: next(turns)) as server:
        model = OpenAIModel("m", base_url=server.openai_url)
        meter = Metered(model, Metering(backoff_seconds=0.001), budget=Budget(Limits(seconds=20)))
        reply = await meter.complete(Request(messages=ASKED.messages, params={"max_tokens": 5}))
        await model.aclose()

    assert reply.message.text == "hello"


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (400, [{"error": {"message": "the model is gone"}}], "the model is gone"),
        (402, {"error": {"message": "pay first"}}, "no credit left"),
        (429, {"error": {"message": "all used", "type": "insufficient_quota"}}, "no quota left"),
    ],
)
async def test_what_a_server_says_is_wrong_is_told_whatever_its_shape(status: int, error: Any, told: str) -> None:
    with pytest.raises(RequestRefused, match=told):
        await metered(lambda _: Raw(status, error), ASKED)


async def test_a_refused_key_is_no_filter() -> None:
    with pytest.raises(KeyRefused):
        await metered(lambda _: Status(403, message="this key may not use the model m"), ASKED)
    with pytest.raises(KeyRefused):
        await metered(lambda _: Status(401, message="your request was flagged"), ASKED)


async def test_the_query_of_a_base_url_goes_with_every_call() -> None:
    async with serve(lambda _: Say("hello")) as server:
        for model in (
            OpenAIModel("m", base_url=f"{server.openai_url}?api-version=2026-01"),
            AnthropicModel("m", base_url=f"{server.openai_url}?api-version=2026-01"),
        ):
            assert (await model.complete(ASKED)).message.text == "hello"
            await model.aclose()

    assert server.queries == ["api-version=2026-01"] * 2


async def test_a_tool_round_survives_half_a_surrogate_pair_of_our_own() -> None:
    tools = (ToolSpec(name="look"),)
    result = Message(role="user", parts=(ToolResult(id="c", name="look", content="x \ud83d"),))
    asked = Request(messages=(read(calling("{}")).message, result), tools=tools, params={"max_tokens": 9})
    _, server = await metered(lambda _: Say(), asked)

    assert server.requests[0]["messages"][1]["content"] == "x \ufffd"
