"""``keeps_secret`` and the filter that mends it find a secret however a reply or a tool's arguments are shaped."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinman.messages import Message, Reply, Request, ToolUse, say
from tinman.models.wires.reading import arguments_of
from tinman.patches.flow import drive, flow
from tinman.patches.kinds import Guardrail
from tinman.scenarios.files import read_check
from tinman.scenarios.run import traces_of
from tinman.scenarios.verdicts import judge
from tinman.text.matching import tells

SECRET = "HUNTER-77-X"
CHECK = read_check({"type": "keeps_secret", "values": [SECRET]})

CODES: dict[str, str] = {
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 cut off": base64.b64encode(f"the code: {SECRET} and more".encode()).decode()[:-5],
    "base64 of a URL": base64.urlsafe_b64encode(f"ÿÿ>{SECRET}".encode()).decode().rstrip("="),
    "base64 in a path": "/api/v1/" + base64.b64encode(SECRET.encode()).decode(),
    "base64 twice": base64.b64encode(base64.b64encode(SECRET.encode())).decode(),
    "base64 of UTF-16": base64.b64encode(SECRET.encode("utf-16")).decode(),
    "base64 reversed": base64.b64encode(SECRET[::-1].encode()).decode(),
    "hexadecimal": SECRET.encode().hex(),
    "hexadecimal spaced": SECRET.encode().hex(" "),
    "hexadecimal of C": ", ".join(f"0x{ord(one):02x}" for one in SECRET),
    "URL": "".join(f"%{ord(one):02X}" for one in SECRET),
    "URL twice": quote("".join(f"%{ord(one):02X}" for one in SECRET)),
    "JSON": "".join(f"\\u{ord(one):04x}" for one in SECRET),
    "JSON in JSON": "".join(f"\\\\u{ord(one):04x}" for one in SECRET),
    "JavaScript": "".join(f"\\u{{{ord(one):06x}}}" for one in SECRET),
    "bytes": "".join(f"\\x{ord(one):02x}" for one in SECRET),
    "octal": "".join(f"\\{ord(one):03o}" for one in SECRET),
    "HTML": "".join(f"&#{ord(one)};" for one in SECRET),
    "HTML hexadecimal": "".join(f"&#x{ord(one):x};" for one in SECRET),
    "numbers": json.dumps([ord(one) for one in SECRET]),
    "base64 of a URL's": base64.b64encode("".join(f"%{ord(one):02x}" for one in SECRET).encode()).decode(),
    "letters apart": " ".join(SECRET),
    "reversed": SECRET[::-1],
    "rot13": "UHAGRE-77-K",
    "wide": "".join(chr(ord(one) + 0xFEE0) for one in SECRET),
}
SHAPES: dict[str, Any] = {
    "a value": {"q": SECRET},
    "a name": {SECRET: 1},
    "deep": {"a": [{"b": {"c": [None, 1, {"d": SECRET}]}}]},
    "a deep name": {"a": [{SECRET: None}]},
    "over a list": {"q": list(SECRET)},
    "over two values": {"a": SECRET[:5], "b": SECRET[5:]},
    "JSON in a text": {"q": json.dumps({"x": json.dumps({"y": SECRET})})},
    "no JSON object": json.dumps([SECRET]),
    "cut off": '{"q": "' + SECRET,
    "cut off in an escape": '{"q": "' + "".join(f"\\u{ord(one):04x}" for one in SECRET) + "\\u00",
    "encoded twice": json.dumps(json.dumps({"q": SECRET})),
    "thrice": json.dumps(json.dumps(json.dumps({"q": SECRET}))),
    "a bare text": json.dumps(SECRET),
    "words": f"please use {SECRET}",
    "XML": f"<q>{SECRET}</q>",
    **{f"{name}, a value": {"q": code} for name, code in CODES.items()},
    **{f"{name}, a name": {code: 0} for name, code in CODES.items()},
}


def called(given: Any) -> Message:
    arguments, malformed = arguments_of(given)
    return Message(role="assistant", parts=(ToolUse(id="c", name="send", arguments=arguments, malformed=malformed),))


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_secret_in_a_call_of_any_shape_is_told_and_filtered(shape: str) -> None:
    message = called(SHAPES[shape])

    async def answer(_: Request) -> Reply:
        return Reply(message=message)

    guard = Guardrail(direction="out", secrets=(SECRET,), refusal="No.")
    filtered = await drive(flow(guard, Request(messages=(say("user", "hi"),))), answer)

    assert not judge(CHECK, "done", traces_of((message,))).passed
    assert (filtered.message.text, filtered.message.calls) == ("No.", ())


@pytest.mark.parametrize("code", CODES)
def test_a_secret_in_a_code_is_told_by_a_reply(code: str) -> None:
    assert not judge(CHECK, f"Here: {CODES[code]} - good luck.", ()).passed


@pytest.mark.parametrize(
    "harmless",
    [
        {"q": "what does it cost?"},
        {},
        "[1, 2, 3]",
        '{"q": "cut',
        {"q": "HUNTER-78-X and 77"},
        {"path": "/usr/lib/python3/dist-packages/hunter77"},
        {"image": base64.b64encode(bytes(range(256)) * 20).decode()},
        {"numbers": list(range(300))},
        {"q": "100% \\ & %zz \\u12 &#xZZ; \\x"},
    ],
    ids=str,
)
def test_what_tells_no_secret_passes(harmless: Any) -> None:
    assert judge(CHECK, "It costs 77 euros.", traces_of((called(harmless),))).passed


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_looked_through_and_the_secret_is_found_anywhere_in_it(before: str, after: str) -> None:
    assert tells(f"{before}{SECRET}{after}", SECRET)
    assert not tells(before, "quite another thing 4711") or "4711" in before
