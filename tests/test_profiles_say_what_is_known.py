"""A profile's rules, secrets, tasks and tools: texts or tables, told with their place when wrong, secrets nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tinman.cli.main import main
from tinman.config.settings import declared_secrets
from tinman.errors import ConfigError
from tinman.targets.load import load_target
from tinman.targets.profile import TargetProfile, from_store, read_profile, to_store
from tinman.targets.world import ToolStub
from tinman.text.secrets import GONE

SECRET = "QK-4821-MVR"


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        ({"rules": [3]}, "config target.rules.0: write a text, or a table with text, check, stress"),
        ({"rules": [{"text": "x", "strss": "y"}]}, "config target.rules.0: strss: there is no such name"),
        ({"secrets": [{"what": "code"}]}, "config target.secrets.0: text: Field required"),
        ({"secrets": [[]]}, "config target.secrets.0: write a text, or a table with text, what"),
        ({"tasks": [{"expect": ["x"]}]}, "config target.tasks.0.ask: Field required"),
        ({"tasks": [{"ask": " "}]}, "config target.tasks.0.ask: "),
        ({"tasks": [{"ask": "x", "expect": [" "]}]}, "config target.tasks.0.expect.0: write a text that a good answer"),
        ({"tasks": [{"ask": "x", "expects": []}]}, "config target.tasks.0.expects: there is no such name"),
        (
            {"tools": [{"name": "x", "description": "", "destructive": "perhaps"}]},
            "config target.tools.0.destructive: Input should be a valid boolean",
        ),
        (
            {"tools": [{"name": "x", "description": "", "destructive": True, "is_destructive": False}]},
            "config target.tools.0: destructive and is_destructive contradict each other; leave is_destructive out",
        ),
        (
            {
                "tools": [
                    {
                        "name": "x",
                        "description": "",
                        "owner_argument": "custmer_id",
                        "parameters": {"properties": {"customer_id": {}}},
                    }
                ]
            },
            "config target.tools.0: owner_argument 'custmer_id' is none of its parameters; did you mean customer_id?",
        ),
    ],
)
def test_what_is_wrong_in_a_profile_is_one_line_with_place_and_remedy(target: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ConfigError) as told:
        read_profile(target)

    assert str(told.value).startswith(wrong)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("target", "fingerprint"),
    [
        (
            {
                "spec": "openai:m",
                "base_url": "http://127.0.0.1:1/v1",
                "purpose": "p",
                "system_prompt": "You work for Norwood.",
                "rules": ["Never discuss others."],
                "secrets": [SECRET],
                "params": {"max_tokens": 5},
                "tools": [
                    {
                        "name": "lookup_order",
                        "description": "Look up.",
                        "is_destructive": True,
                        "results": [{"content": "shipped"}],
                        "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}},
                    },
                    {"name": "b", "description": "c"},
                ],
            },
            "2cf70e552766bd2e",
        ),
        (
            {"spec": "http://127.0.0.1:1/x", "secrets": ["abcdef"], "rules": ["r"], "keeps_conversation": True},
            "6de7a40c755d237e",
        ),
        ({"spec": "command:cat", "secrets": ["abcdef"]}, "b9f8df778811b497"),
    ],
)
def test_a_stored_cycle_knows_its_target_again(target: dict[str, Any], fingerprint: str) -> None:
    """The values are those of databases that are out there: a profile of before is the target it was."""
    assert load_target(read_profile(target), {}).fingerprint == fingerprint


def test_tables_say_more_and_make_no_other_target() -> None:
    plain = {"spec": "openai:m", "base_url": "http://127.0.0.1:1/v1", "rules": ["a"], "secrets": [SECRET]}
    tool = {"name": "x", "description": "y"}
    short = read_profile({**plain, "tools": [{**tool, "is_destructive": True}]})
    long = read_profile(
        {
            **plain,
            "rules": [{"text": "a", "stress": "insisting"}],
            "secrets": [{"text": SECRET, "what": "code"}],
            "tools": [{**tool, "destructive": True, "needs_consent": True}],
            "tasks": [{"ask": "b"}],
        }
    )

    assert load_target(short, {}).fingerprint == load_target(long, {}).fingerprint
    stub = ToolStub(name="x", description="y", is_destructive=True)
    assert long.world.tools == TargetProfile(tools=(stub,)).world.tools == (stub,)  # type: ignore[arg-type]
    assert "destructive: y" in long.description
    assert "users ask: b" in long.description


def test_secrets_as_texts_or_tables_are_kept_nowhere_and_taken_from_the_settings_again() -> None:
    given = {
        "spec": "openai:m",
        "rules": [{"text": f"never {SECRET}", "check": {"type": "keeps_secret", "values": [SECRET]}}],
        "secrets": ["plain-secret", {"text": SECRET, "what": "staff discount code"}],
        "tasks": [{"ask": f"Is it {SECRET}?", "expect": ["plain-secret"]}],
    }
    profile = read_profile(given)
    stored = to_store(profile)

    assert SECRET not in str(stored)
    assert "plain-secret" not in str(stored)
    assert stored["secrets"] == [GONE, {"text": GONE, "what": "staff discount code"}]
    assert read_profile(from_store(json.loads(json.dumps(stored)), given)) == profile
    assert to_store(read_profile({"secrets": ["abc", {"text": "xyz"}]}))["secrets"] == [
        GONE,
        {"text": GONE, "what": ""},
    ]
    tables = {**given, "secrets": [{"text": "plain-secret"}, SECRET]}
    assert read_profile(from_store(stored, tables)).canaries == profile.canaries
    assert SECRET not in profile.description.replace(f"never {SECRET}", "").replace(f"Is it {SECRET}?", "")
    with pytest.raises(ConfigError, match="secrets are not kept in the database"):
        from_store(stored, {**given, "secrets": []})


@pytest.mark.parametrize(
    "secrets",
    [
        '["QK-4821-MVR"]',
        '[{ text = "QK-4821-MVR", what = "code" }]',
        '[{ txt = "QK-4821-MVR" }]',
        '{ text = "QK-4821-MVR" }',
        '"QK-4821-MVR"',
    ],
)
def test_no_command_shows_a_secret_however_it_is_written(
    secrets: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    text = f'[target]\nspec = "sandbox"\nsystem_prompt = "It is QK-4821-MVR."\nsecrets = {secrets}\n'
    Path("tinman.toml").write_text(text, encoding="utf-8")
    for command in (["config", "show"], ["config", "show", "--json"], ["surface"], ["surface", "show", "--json"]):
        with pytest.raises(SystemExit):
            main(command)
        said = capsys.readouterr()

        assert SECRET not in said.out + said.err


def test_declared_secrets_are_found_in_any_form() -> None:
    assert declared_secrets({"secrets": ["a", {"text": "b", "what": "c"}, {"txt": "d"}, 3]}) == ("a", "b", "d")
    assert declared_secrets({}) == ()
