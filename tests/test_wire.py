"""What a provider said goes back to it as it said it; what we say arrives whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinman.errors import GarbledReply, RequestRefused
from tinman.messages import Message, Opaque, Reply, Request, Text, ToolResult, ToolSpec, ToolUse, say
from tinman.models.wires import chat as wire_openai
from tinman.models.wires import messages as wire_anthropic

NOTHING = Request(messages=())
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=3)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "choices message content tool_calls function name arguments usage type text input id error refusal "
                "prompt_tokens input_tokens completion_tokens output_tokens prompt_tokens_details cache_creation "
                "finish_reason citations".split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)

thinking = st.builds(lambda text, sign: {"type": "thinking", "thinking": text, "signature": sign}, texts, texts)
anthropic_blocks = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, texts),
    st.builds(lambda i, n, a: {"type": "tool_use", "id": i, "name": n, "input": a}, texts, texts, objects),
    thinking,
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, texts),
    st.builds(lambda a: {"type": "server_tool_use", "id": "s", "name": "web_search", "input": a}, objects),
)


def openai_body(*messages: Message, **params: Any) -> dict[str, Any]:
    return wire_openai.to_body(Request(messages=messages, params=params), "m")


def anthropic_body(*messages: Message, **params: Any) -> dict[str, Any]:
    return wire_anthropic.to_body(Request(messages=messages, params=params), "m")


def completion(message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"choices": [{"message": {"role": "assistant", **message}, "finish_reason": finish}], "usage": usage}


@given(blocks=st.lists(anthropic_blocks, min_size=2, max_size=5))
def test_an_anthropic_reply_goes_back_word_for_word(blocks: list[dict[str, Any]]) -> None:
    usage = {"input_tokens": 1, "output_tokens": 1}
    reply = wire_anthropic.from_response({"content": blocks, "stop_reason": "end_turn", "usage": usage}, NOTHING)

    assert anthropic_body(reply.message)["messages"] == [{"role": "assistant", "content": blocks}]


@given(text=st.none() | texts, calls=st.lists(st.tuples(texts, texts, objects), max_size=3), extra=st.booleans())
def test_a_chat_completion_goes_back_with_the_same_meaning(
    text: str | None, calls: list[tuple[str, str, dict[str, Any]]], extra: bool
) -> None:
    said: dict[str, Any] = {} if text is None and calls else {"content": text or ""}
    if calls:
        said["tool_calls"] = [
            {"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a, ensure_ascii=False)}}
            for i, n, a in calls
        ]
    if extra:
        said["reasoning_content"] = "hm"
    reply = wire_openai.from_response(completion(said), NOTHING)

    assert openai_body(reply.message)["messages"] == [{"role": "assistant", **said}]


@given(response=anything)
def test_a_strange_response_is_read_or_garbled_and_nothing_else(response: Any) -> None:
    for read in (wire_openai.from_response, wire_anthropic.from_response):
        try:
            reply = read(response, NOTHING)
        except GarbledReply as error:
            assert "\n" not in str(error)
        else:
            assert isinstance(reply, Reply)
            assert reply.usage.input_tokens >= 0
            assert reply.usage.output_tokens >= 0


@given(response=st.fixed_dictionaries({"content": st.lists(anything, max_size=3), "usage": anything}))
def test_strange_blocks_are_read_or_garbled_and_nothing_else(response: dict[str, Any]) -> None:
    try:
        wire_anthropic.from_response(response, NOTHING)
    except GarbledReply:
        return


@given(fields=st.dictionaries(st.sampled_from(["content", "tool_calls", "refusal", "function_call"]), anything))
def test_a_strange_message_is_read_or_garbled_and_nothing_else(fields: dict[str, Any]) -> None:
    try:
        wire_openai.from_response(completion(fields), NOTHING)
    except GarbledReply:
        return


@pytest.mark.parametrize("arguments", ['{"a": 1', "[1]", "nope", '{"a": NaN}', '"text"'])
def test_malformed_arguments_go_back_as_they_came(arguments: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    reply = wire_openai.from_response(completion({"tool_calls": [call]}), NOTHING)

    assert reply.message.calls[0].malformed == arguments
    assert openai_body(reply.message)["messages"][0]["tool_calls"] == [call]


def test_tool_results_become_messages_of_their_own_in_one_wire_and_come_first_in_the_other() -> None:
    parts = (Text(text="note"), ToolResult(id="c", name="f", content="boom", is_error=True))
    message = Message(role="user", parts=parts)

    assert openai_body(message)["messages"] == [
        {"role": "user", "content": "note"},
        {"role": "tool", "tool_call_id": "c", "content": "error: boom"},
    ]
    assert anthropic_body(message)["messages"][0]["content"] == [
        {"type": "tool_result", "tool_use_id": "c", "content": "boom", "is_error": True},
        {"type": "text", "text": "note"},
    ]


def test_a_part_of_another_provider_is_refused_not_dropped() -> None:
    message = Message(role="user", parts=(Opaque(provider="anthropic", data={"type": "image"}),))
    with pytest.raises(RequestRefused, match="only anthropic understands"):
        openai_body(message)


def test_cached_and_thinking_tokens_count() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 3,
        "total_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 8},
    }
    chat = wire_openai.from_response({**completion({"content": "x"}), "usage": usage}, NOTHING)
    tokens = {
        "input_tokens": 1,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_1h_input_tokens": 100},
        "output_tokens": 5,
    }
    message = wire_anthropic.from_response({"content": [], "stop_reason": "end_turn", "usage": tokens}, NOTHING)

    assert (chat.usage.input_tokens, chat.usage.output_tokens, chat.extra["cache_tokens"]) == (10, 10, {"read": 8})
    assert message.usage.input_tokens == 321
    assert message.extra["cache_tokens"] == {"read": 20, "write": 200, "write_1h": 100}


@pytest.mark.parametrize(
    ("raw", "stop"),
    [
        ("stop", "end"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "refusal"),
        (None, "other"),
    ],
)
def test_openai_reasons_have_our_names(raw: str, stop: str) -> None:
    assert wire_openai.from_response(completion({"content": "x"}, raw), NOTHING).stop == stop


@pytest.mark.parametrize(
    ("raw", "stop"),
    [
        ("end_turn", "end"),
        ("stop_sequence", "end"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "refusal"),
        ("pause_turn", "other"),
    ],
)
def test_anthropic_reasons_have_our_names(raw: str, stop: str) -> None:
    assert wire_anthropic.from_response({"content": [], "stop_reason": raw}, NOTHING).stop == stop


def test_one_text_goes_out_as_a_plain_string_on_either_wire() -> None:
    asked = (say("system", "be kind"), say("user", "hi"), say("assistant", "hello"), say("user", "and?"))
    openai, anthropic = openai_body(*asked), anthropic_body(*asked)

    assert [message["content"] for message in openai["messages"]] == ["be kind", "hi", "hello", "and?"]
    assert [anthropic["system"], *(message["content"] for message in anthropic["messages"])] == [
        "be kind",
        "hi",
        "hello",
        "and?",
    ]


def test_each_wire_spells_our_parameters_its_own_way() -> None:
    request = Request(
        messages=(say("system", "be kind"), say("user", "hi"), say("system", "be brief")),
        tools=(ToolSpec(name="f"),),
        params={"max_tokens": 9, "response_schema": {"type": "object"}, "send_seed": True, "stop": "END", "top_p": 0.5},
        seed=7,
    )
    chat = wire_openai.to_body(request, "m")
    compatible = wire_openai.to_body(request, "m", is_compatible=True)
    message = wire_anthropic.to_body(request, "m")

    assert (chat["max_completion_tokens"], compatible["max_tokens"], message["max_tokens"]) == (9, 9, 9)
    assert (chat["seed"], chat["stop"], chat["top_p"]) == (7, "END", 0.5)
    assert message["stop_sequences"] == ["END"]
    assert message["system"] == "be kind"
    assert [one["role"] for one in message["messages"]] == ["user", "system"]
    assert "seed" not in message
    assert not {"send_seed", "response_schema"} & (chat.keys() | message.keys())


def test_a_call_without_an_id_gets_one_that_stays() -> None:
    call = {"function": {"name": "f", "arguments": ""}}
    first, second = (
        wire_openai.from_response(completion({"tool_calls": [call]}), NOTHING).message.calls[0] for _ in range(2)
    )

    assert isinstance(first, ToolUse)
    assert first.id == second.id
    assert first.arguments == {}
