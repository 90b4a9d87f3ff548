"""Settings come from six places, the strongest wins, and each value says where it is from."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tinman.cli.main import root
from tinman.config.settings import Settings, provider_keys, resolve
from tinman.errors import ConfigError, ModeRefused
from tinman.processes.groups import MARK

Layout = dict[str, Path]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A repository with a folder within, a file elsewhere, and a home of its own."""
    work = tmp_path / "repo" / "inner"
    work.mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    user = tmp_path / "home" / "tinman" / "config.toml"
    user.parent.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(work)
    return {"work": work, "repo": tmp_path / "repo", "user": user, "named": tmp_path / "named.toml", "top": tmp_path}


def _seed(path: Path, seed: int) -> None:
    path.write_text(f"[research]\nseed = {seed}\n", encoding="utf-8")


def test_each_place_is_stronger_than_the_next(places: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def now(**more: Path) -> tuple[int | None, str]:
        resolved = resolve({}, **more)
        return resolved.settings.research.seed, resolved.origin("research.seed")

    seen = [now()]
    _seed(places["user"], 1)
    seen.append(now())
    _seed(places["repo"] / "tinman.toml", 2)
    seen.append(now())
    _seed(places["named"], 3)
    seen.append(now(config=places["named"]))
    monkeypatch.setenv("TINMAN_RESEARCH__SEED", "4")
    seen.append(now(config=places["named"]))
    flagged = resolve({"research": {"seed": 5}}, config=places["named"])
    seen.append((flagged.settings.research.seed, flagged.origin("research.seed")))

    assert seen == [
        (None, "default"),
        (1, str(places["user"])),
        (2, str(places["repo"] / "tinman.toml")),
        (3, str(places["named"])),
        (4, "environment"),
        (5, "flag"),
    ]


def test_layers_are_merged_key_by_key(places: Layout) -> None:
    places["user"].write_text("[research]\nseed = 1\nmax_calls = 9\n", encoding="utf-8")
    _seed(places["work"] / "tinman.toml", 2)

    found = resolve({"research": {"concurrency": 3}})

    assert (found.settings.research.seed, found.settings.research.max_calls) == (2, 9)
    assert found.settings.research.concurrency == 3
    assert found.origin("research.max_calls") == str(places["user"])


def test_the_nearest_file_is_taken_alone(places: Layout) -> None:
    _seed(places["repo"] / "tinman.toml", 1)
    _seed(places["work"] / "tinman.toml", 2)

    assert resolve({}).settings.research.seed == 2
    assert resolve({}).file == places["work"] / "tinman.toml"


def test_a_table_in_pyproject_counts(places: Layout) -> None:
    (places["work"] / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    (places["repo"] / "pyproject.toml").write_text("[tool.tinman]\nreasoner = 'openai:m'\n", encoding="utf-8")

    assert resolve({}).settings.reasoner == "openai:m"
    assert resolve({}).origin("reasoner") == str(places["repo"] / "pyproject.toml")


def test_a_file_above_the_repository_does_not_count(places: Layout) -> None:
    _seed(places["top"] / "tinman.toml", 1)

    assert resolve({}).settings.research.seed is None


def test_a_target_is_a_name_or_a_table(places: Layout) -> None:
    (places["work"] / "tinman.toml").write_text('target = "sandbox:sound"\n', encoding="utf-8")

    assert resolve({}).settings.target == {"spec": "sandbox:sound"}


def test_another_target_drops_what_the_file_says_of_its_own(places: Layout) -> None:
    """A base URL written for one model never reaches another."""
    (places["work"] / "tinman.toml").write_text(
        '[target]\nspec = "openai:m"\nbase_url = "http://127.0.0.1:1"\n', encoding="utf-8"
    )

    assert resolve({"target": {"spec": "anthropic:n"}}).settings.target == {"spec": "anthropic:n"}
    assert resolve({"target": {"base_url": "http://x"}}).settings.target == {"spec": "openai:m", "base_url": "http://x"}


def test_a_target_named_by_the_environment(places: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINMAN_TARGET__SPEC", "sandbox:noisy")
    assert resolve({}).settings.target["spec"] == "sandbox:noisy"

    monkeypatch.delenv("TINMAN_TARGET__SPEC")
    monkeypatch.setenv("TINMAN_TARGET", "sandbox:sound")
    assert resolve({}).settings.target["spec"] == "sandbox:sound"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mode = \n", "line 1"),
        ("mode = 'la", "end of document"),
        ("mode = 'moon'\n", "mode"),
        ("modus = 'lab'\n", "modus"),
        ("[research]\nseed = 'x'\n", "research.seed"),
        ("[research]\nseeds = 1\n", "research.seeds"),
        ("[prices.'openai:m']\ninput = -1\noutput = 0\n", "prices.openai:m.input"),
        ("research = 3\n", "research"),
        ("target = 3\n", "target"),
        ("prices = []\n", "prices"),
    ],
)
def test_a_malformed_file_is_one_line_with_file_and_key(places: Layout, text: str, says: str) -> None:
    file = places["work"] / "tinman.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as raised:
        resolve({})

    assert str(file) in str(raised.value)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_malformed_pyproject_is_not_passed_over_when_it_has_our_table(places: Layout) -> None:
    (places["work"] / "pyproject.toml").write_text("[tool.tinman]\nmode = \n", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        resolve({})


def test_a_pyproject_broken_elsewhere_is_not_our_affair(places: Layout) -> None:
    (places["work"] / "pyproject.toml").write_text("[project]\nname = \n", encoding="utf-8")

    assert resolve({}).file is None


def test_bytes_that_are_no_text_are_refused(places: Layout) -> None:
    (places["work"] / "tinman.toml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match=r"tinman\.toml"):
        resolve({})


def test_a_named_file_that_is_missing_is_refused(places: Layout) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: No such file or directory"):
        resolve({}, config=Path("gone.toml"))


def test_a_bad_value_in_the_environment_says_so(places: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINMAN_MODE", "moon")

    with pytest.raises(ConfigError, match="environment: mode"):
        resolve({})


def test_an_unknown_variable_of_ours_is_refused(places: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINMAN_RESEARCH__SEDE", "1")

    with pytest.raises(ConfigError, match=r"did you mean TINMAN_RESEARCH__SEED"):
        resolve({})


def test_keys_come_from_the_environment_alone(places: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abc")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)

    assert provider_keys() == {"OPENAI_API_KEY": "sk-abc"}
    assert not [name for name in Settings.model_fields if "key" in name]


def test_production_from_a_file_alone_is_refused(places: Layout) -> None:
    (places["work"] / "tinman.toml").write_text("mode = 'production'\ntarget = 'sandbox'\n", encoding="utf-8")

    done = CliRunner().invoke(root, ["research", "--yes-production", "sandbox"])

    assert isinstance(done.exception, ModeRefused)
    assert "say --mode production" in str(done.exception)
    assert not (places["work"] / ".tinman").exists()


def test_production_needs_the_targets_name(places: Layout) -> None:
    done = CliRunner().invoke(root, ["--no-input", "research", "--mode", "production"])

    assert isinstance(done.exception, ModeRefused)
    assert "--yes-production sandbox" in str(done.exception)


def test_every_key_of_the_shipped_file_is_one_that_settings_know(places: Layout) -> None:
    """The commented defaults, uncommented, are a valid file with the values that hold anyway."""
    import re

    from tinman.config.resources import folder
    from tinman.frozen import adapter
    from tinman.options import ResearchOptions
    from tinman.targets.profile import TargetProfile

    text = (folder("config") / "tinman.toml").read_text(encoding="utf-8")
    lines = [re.sub(r"^# (?=\[|\w+ = )", "", line) for line in text.splitlines()]
    (places["work"] / "tinman.toml").write_text("\n".join(lines), encoding="utf-8")

    settings = resolve({}).settings
    given = settings.research.model_dump(exclude_none=True)
    given.pop("max_usd")

    assert adapter(TargetProfile).validate_python(settings.target).spec == "sandbox"
    assert ResearchOptions(**given) == ResearchOptions()
    assert (settings.mode.value, settings.db, settings.reasoner) == ("lab", ".tinman/tinman.db", "playbook")


def test_what_we_mark_our_own_children_with_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MARK, "1")
    monkeypatch.setenv("TINMAN_AUDIT_KEY", "k")

    assert resolve({}).settings.mode
