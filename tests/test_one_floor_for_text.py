"""Secrets are known by one table wherever text leaves, and near names, cuts and validation errors read alike."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from tinman import logs
from tinman.frozen import adapter
from tinman.harness.reports.redaction import Redactor
from tinman.targets.profile import TargetProfile
from tinman.text.cutting import two_ends
from tinman.text.invalid import first_error
from tinman.text.nearest import did_you_mean, nearest
from tinman.text.secrets import redaction_of, without_secrets
from tinman.text.storable import change_texts, paired, storable

SECRETS = [
    "sk-" + "a1" * 12,
    "ghp_" + "a1" * 12,
    "gho_" + "a1" * 12,
    "github_pat_" + "a1_" * 12,
    "xoxe-" + "a1" * 12,
    "AKIA" + "A1" * 8,
    "ASIA" + "A1" * 8,
    "bEaReR " + "a1" * 12,
    "eyJhbGciOi.eyJzdWIiOi.c2ln",
    "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\ncut off",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_every_door_knows_every_shape(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    import structlog

    logs.configure()
    structlog.get_logger().warning("thing.happened", said=f"it is {secret}")
    structlog.reset_defaults()

    assert json.loads(capsys.readouterr().err)["said"] == "it is [redacted]"
    assert without_secrets(f"it is {secret}") == Redactor().text(f"it is {secret}") == "it is [redacted]"


def test_the_password_in_an_address_goes_and_the_address_stays() -> None:
    assert without_secrets("postgres://me:hunter2@host/db") == "postgres://[redacted]@host/db"


@pytest.mark.parametrize("text", ["right though", "they.eyed", "https://host/x@y", "a bearer of news", "ASIA", "xoxo"])
def test_ordinary_words_stay(text: str) -> None:
    assert without_secrets(text) == text


def test_a_known_secret_that_holds_another_goes_whole() -> None:
    assert redaction_of(["password", "password-1", "short"])("password-1 short") == "[redacted] short"


def test_a_cut_keeps_both_ends_and_says_how_much_is_gone() -> None:
    assert two_ends("abcdef", 4) == "ab\n[... 2 characters ...]\nef"
    assert two_ends("abcd", 4) == "abcd"


def test_halves_of_pairs_are_replaced_wherever_they_stand() -> None:
    assert change_texts({"a\ud800": ["b\udc00", 1]}, storable) == {"a?": ["b?", 1]}
    assert paired("\ud83d\ude00 \ud83d") == "\U0001f600 \ufffd"


def test_near_names_come_nearest_first() -> None:
    assert nearest("sandbx", ["openai:", "sandbox", "sandbox:sound"]) == ["sandbox"]
    assert nearest("zzz", ["sandbox"]) == []
    assert did_you_mean("cyc-0002", ["cyc-0001", "loop-x"], "look") == "did you mean cyc-0001?"
    assert did_you_mean("q", ["cyc-0001"], "look") == "look"


def test_the_first_thing_that_is_wrong_is_one_line_with_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        adapter(TargetProfile).validate_python({"tools": [{"name": "x"}]})

    assert first_error(caught.value) == "tools.0.description: Field required"
