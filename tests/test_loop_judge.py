"""What judges a repository is out of the model's reach: what it may write, what it may read, and the final run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from loops import playing, says

from tinman.errors import JudgeChanged, LoopConfigError
from tinman.loop import TestFixLoop
from tinman.loop.recipes.baseline import Baseline
from tinman.loop.recipes.repository import Refused, Repository
from tinman.loop.recipes.suite import Suite

pytestmark = pytest.mark.slow

PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider"
WRONG = "def add(a, b):\n    return a - b\n"
RIGHT = "def add(a, b):\n    return a + b\n"
TEST = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"


@pytest.fixture(autouse=True)
def _plain_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The many pytests that are run inside load no plugin: most of their time would go there."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "calc.py").write_text(WRONG)
    (folder / "test_calc.py").write_text(TEST)
    return folder


def edit(path: str, content: str) -> tuple[str, dict[str, Any]]:
    return "edit_file", {"path": path, "content": content}


def a_fix(repo: Path, *replies: Any, command: Any = PYTEST, **settings: Any) -> TestFixLoop:
    return TestFixLoop(playing(*replies), repo, command, quiet=True, **settings)


JUDGES = """
    pytest.toml .pytest.toml pytest.ini .pytest.ini tox.ini tox.toml setup.cfg setup.py pyproject.toml conftest.py
    sub/conftest.py Conftest.py pytest.py pytest/__main__.py pytest/__init__.py _pytest/config.py pluggy/__init__.py
    src/pytest.py pytest_cov.py pytest_cov/plugin.py sitecustomize.py usercustomize.py sitecustomize/__init__.py x.pth
    src/x.pth unittest.py unittest/__main__.py json.py random/__init__.py xml/etree.py doctest.py .coveragerc
    x.egg-info/entry_points.txt x-1.dist-info/entry_points.txt noxfile.py pytest.pyc __init__.py src/__init__.py
    Makefile GNUmakefile build.mk Dockerfile docker-compose.yml compose.yaml Jenkinsfile .github/workflows/ci.yml
    .gitlab-ci.yml .circleci/config.yml azure-pipelines.yml .pre-commit-config.yaml .husky/pre-commit package.json
    jest.config.js vitest.config.ts tsconfig.json Gemfile Rakefile build.gradle.kts gradlew pom.xml go.mod Cargo.toml
    build.rs .cargo/config.toml requirements.txt requirements-dev.txt uv.lock poetry.lock Pipfile justfile
    hatch_build.py
    .env .env.local .envrc id_rsa server.pem .netrc .npmrc .pypirc .aws/credentials secrets.json .vscode/settings.json
    .git/config .git/hooks/post-checkout .venv/lib/x.py venv/x.py node_modules/x/index.js src/__pycache__/calc.pyc
    test_more.py src/more_test.py tests/data.json calc.test.js src/__tests__/x.js
""".split()


@pytest.mark.parametrize("path", JUDGES)
def test_what_configures_starts_or_shadows_runner_build_and_services_is_not_written(path: str, repo: Path) -> None:
    (repo / "src").mkdir()
    (repo / "src" / "more.py").write_text("")
    repository = Repository(repo)

    with pytest.raises(Refused):
        repository.write(path, "x")
    assert not repository.wrote


@pytest.mark.parametrize(
    "path",
    ["calc.py", "new.py", "src/new.py", "billing/types.py", "pkg/json.py", "docs/page.md", "data.json", "a/b/c.py"],
)
def test_sources_old_and_new_are_written(path: str, repo: Path) -> None:
    (repo / "pkg").mkdir()
    (repo / "pkg" / "__init__.py").write_text("")
    Repository(repo).write(path, "x = 1\n")

    assert (repo / path).read_text() == "x = 1\n"


def test_no_new_file_stands_in_the_way_of_what_is_installed(repo: Path) -> None:
    for folder, name in (("app", "__init__.py"), ("lib", "one.py")):
        (repo / folder).mkdir()
        (repo / folder / name).write_text("")
    repository = Repository(repo)
    Baseline(repository, Suite(repo, PYTEST, timeout_s=10))

    for path in ("xdist.py", "hypothesis/__init__.py", "numbers.py", "lib/xdist.py"):
        with pytest.raises(Refused, match="take another name"):
            repository.write(path, "x")
    repository.write("app/coverage.py", "x = 1\n")


@pytest.mark.parametrize(
    "path", [".env", ".ENV", "prod.env", "id_rsa", "server.key", ".netrc", "link", ".aws/credentials"]
)
def test_secrets_are_not_read_unless_they_are_named(path: str, repo: Path) -> None:
    (repo / ".aws").mkdir()
    if path != "link":
        (repo / path).write_text("KEY=hush")
    else:
        (repo / ".env").write_text("KEY=hush")
        (repo / "link").symlink_to(".env")
    with pytest.raises(Refused, match="secrets"):
        Repository(repo).read(path)

    real = ".env" if path == "link" else path
    assert Repository(repo, may_edit=[real]).read(path) == "KEY=hush"
    assert Repository(repo, may_edit_tests=True).read("calc.py") == WRONG


def test_what_the_user_names_may_be_written_and_nothing_else(repo: Path) -> None:
    repository = Repository(repo, may_edit=["pyproject.toml", "ci/*"])
    repository.write("pyproject.toml", "x")
    repository.write("ci/Makefile", "x")

    for path in ("setup.cfg", "test_calc.py", "conftest.py"):
        with pytest.raises(Refused):
            repository.write(path, "x")
    tests_only = Repository(repo, may_edit_tests=True)
    tests_only.write("test_calc.py", "x")
    with pytest.raises(Refused):
        tests_only.write("conftest.py", "x")


def test_the_file_behind_a_link_of_a_protected_name_is_protected(repo: Path) -> None:
    (repo / "fixtures_impl.py").write_text("")
    (repo / "conftest.py").symlink_to("fixtures_impl.py")

    with pytest.raises(Refused):
        Repository(repo).write("fixtures_impl.py", "x")


@pytest.mark.parametrize(
    ("files", "command", "judge"),
    [
        ({"check.py": "", "lib/x.py": ""}, "python check.py", "check.py"),
        ({"run.sh": ""}, "cd . && bash ./run.sh", "run.sh"),
        ({"scripts/run.sh": ""}, ["bash", "scripts/run.sh"], "scripts/run.sh"),
        ({"scripts/run.sh": ""}, "cd scripts && ./run.sh", "scripts/run.sh"),
        ({"checks/__main__.py": ""}, "python -m checks", "checks/__main__.py"),
        ({"src/checks/__main__.py": ""}, "PYTHONPATH=src python -m checks", "src/checks/__main__.py"),
        ({"adapter.py": ""}, "tinman scenarios confirm --adapter adapter.py:make", "adapter.py"),
        ({"plug.py": ""}, "pytest -p plug", "plug.py"),
        ({"plug.py": "", "pytest.ini": "[pytest]\naddopts = -q -p plug\n"}, "pytest", "plug.py"),
        ({"plug.py": "", "pytest.toml": '[pytest]\naddopts = ["-p", "plug"]\n'}, "pytest", "plug.py"),
        ({"app/plug.py": "", "conftest.py": 'pytest_plugins = [\n    "app.plug",\n]\n'}, "pytest", "app/plug.py"),
        ({"src/plug.py": "", "setup.cfg": "[options.entry_points]\npytest11 =\n  p = plug\n"}, "pytest", "src/plug.py"),
        (
            {"plug.py": "", "pyproject.toml": '[project.entry-points.pytest11]\np = "plug"\n[tool.x]\n'},
            "pytest",
            "plug.py",
        ),
    ],
)
def test_what_a_command_starts_and_its_settings_load_is_protected(
    files: dict[str, str], command: Any, judge: str, repo: Path
) -> None:
    for name, content in files.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(content)
    repository = Repository(repo)
    Baseline(repository, Suite(repo, command, timeout_s=10))

    with pytest.raises(Refused):
        repository.write(judge, "x")
    repository.write("calc.py", RIGHT)


@pytest.mark.slow
def test_tests_of_any_name_are_protected_once_they_ran(repo: Path) -> None:
    (repo / "pytest.ini").write_text("[pytest]\npython_files = check_*.py\n")
    (repo / "check_calc.py").write_text(TEST)
    cheat = says("", edit("check_calc.py", "def test_add(): pass\n"))
    loop = a_fix(repo, cheat, max_iterations=2)
    result = loop.run()

    assert result.status == "BUDGET_EXHAUSTED"
    assert (repo / "check_calc.py").read_text() == TEST


@pytest.mark.slow
@pytest.mark.parametrize("shadow", ["pytest.py", "conftest.py", "sitecustomize.py", "pytest/__main__.py"])
def test_code_that_writes_a_judge_while_it_is_tested_gets_no_success(shadow: str, repo: Path) -> None:
    """No tool wrote it: the code under test did, in the loop's own runs."""
    forged = (
        "import os, sys\n"
        "for a in sys.argv + os.environ.get('PYTEST_ADDOPTS', '').split():\n"
        "    if a.startswith('--junitxml='):\n"
        '        n = \'<testsuite><testcase classname="test_calc" name="test_add"/></testsuite>\'\n'
        "        open(a.partition('=')[2], 'w').write(n)\n"
        "os._exit(0)\n"
    )
    code = (
        f"import pathlib\nplace = pathlib.Path(__file__).parent / {shadow!r}\n"
        f"place.parent.mkdir(exist_ok=True)\nplace.write_text({forged!r})\n" + WRONG
    )
    result = a_fix(repo, says("", edit("calc.py", code)), max_iterations=4).run()

    assert result.status in {"ERROR", "BUDGET_EXHAUSTED", "NO_PROGRESS"}, result
    assert (repo / shadow).exists()


@pytest.mark.slow
def test_a_test_rewritten_by_the_code_it_tests_is_judged_as_it_was(repo: Path) -> None:
    code = (
        "import pathlib\npathlib.Path(__file__).with_name('test_calc.py').write_text('def test_add(): pass')\n" + WRONG
    )
    loop = a_fix(repo, says("", edit("calc.py", code)), max_iterations=4)
    result = loop.run()

    assert (result.status, result.error) == ("ERROR", "FinalRunFailed")
    assert loop.explain().status == "ERROR"


@pytest.mark.slow
def test_what_earlier_runs_leave_behind_does_not_help(repo: Path) -> None:
    (repo / "calc.py").write_text(WRONG)
    code = "import os\nmark = os.path.join(os.path.dirname(__file__), 'mark')\nseen = os.path.exists(mark)\n"
    code += "open(mark, 'w').close()\n\n\ndef add(a, b):\n    return a + b if seen else 0\n"
    result = a_fix(repo, says("", edit("calc.py", code)), says("wait", ("run_tests", {}))).run()

    assert (result.status, result.error) == ("ERROR", "FinalRunFailed")


@pytest.mark.slow
def test_a_judge_that_changed_between_sessions_is_refused_unless_that_is_meant(repo: Path, tmp_path: Path) -> None:
    path = tmp_path / "fix.json"
    a_fix(repo, says("", edit("other.py", "x = 1\n")), max_iterations=1, state_path=path).run()
    (repo / "test_calc.py").write_text("def test_add(): pass\n")
    (repo / "conftest.py").write_text("")
    again = {"llm": playing("done"), "repo": repo, "test_cmd": PYTEST, "quiet": True, "extend": {"max_iterations": 5}}

    with pytest.raises(LoopConfigError, match=r"conftest\.py, test_calc\.py changed"):
        TestFixLoop.resume(path, **again)
    assert TestFixLoop.resume(path, **again, allow_test_change=True).status == "SUCCESS"


def test_an_altered_keep_or_runner_is_found_out(repo: Path, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "pytest.py").write_text("")
    suite = Suite(repo, [str(environment / "bin" / "python"), "-m", "pytest"], timeout_s=10)
    baseline = Baseline(Repository(repo), suite)
    with baseline.clean_copy() as copy:
        assert sorted(each.name for each in copy.folder.iterdir()) == ["calc.py", "test_calc.py"]
    (site / "pytest.py").write_text("print('1 passed')")

    with pytest.raises(JudgeChanged, match="runner"), baseline.clean_copy():
        pass
    other = Baseline(Repository(repo), Suite(repo, ["make"], timeout_s=10))
    (other._folder / "test_calc.py").write_text("")
    with pytest.raises(JudgeChanged, match=r"test_calc\.py"), other.clean_copy():
        pass


@pytest.mark.slow
def test_a_copy_has_what_the_tests_need(repo: Path) -> None:
    """An environment in the repository, links, binary data, an absolute path in the command."""
    (repo / ".venv" / "bin").mkdir(parents=True)
    (repo / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (repo / ".venv" / "bin" / "python").chmod(0o755)
    (repo / "data.bin").write_bytes(b"\0\xff")
    (repo / "linked").symlink_to("data.bin")
    (repo / "out").symlink_to("../repo")
    more = "from pathlib import Path\n\n\ndef test_data():\n    here = Path(__file__).parent\n"
    more += "    assert (here / 'linked').read_bytes() == (here / 'data.bin').read_bytes() == b'\\0\\xff'\n"
    (repo / "test_calc.py").write_text(TEST + more)
    command = f".venv/bin/python -m pytest -q -p no:cacheprovider {repo}/test_calc.py"
    result = a_fix(repo, says("", edit("calc.py", RIGHT)), command=command).run()

    assert result.status == "SUCCESS", result


def test_a_copy_has_the_empty_folders_that_tests_write_into(repo: Path) -> None:
    (repo / "out").mkdir()
    more = "\n\ndef test_out(pytestconfig):\n    (pytestconfig.rootpath / 'out' / 'x').write_text('')\n"
    (repo / "test_calc.py").write_text(TEST + more)
    result = a_fix(repo, says("", edit("calc.py", RIGHT))).run()

    assert result.status == "SUCCESS", result


def test_two_runners_in_one_command_are_judged_by_its_exit_code(repo: Path) -> None:
    (repo / "test_other.py").write_text("def test_other():\n    pass\n")
    command = f"{sys.executable} -m pytest -q test_calc.py && {sys.executable} -m pytest -q test_other.py"
    result = a_fix(repo, says("", edit("calc.py", RIGHT)), command=command).run()

    assert result.status == "SUCCESS", result


def test_paths_are_compared_as_their_resolved_selves(repo: Path) -> None:
    (repo / "calm").symlink_to("test_calc.py")

    for path in ("./test_calc.py", "x/../test_calc.py", str(repo / "test_calc.py"), "calm"):
        with pytest.raises(Refused):
            Repository(repo).write(path, "x")
    assert Repository(repo).files_at_first >= {PurePosixPath("calm"), PurePosixPath("calc.py")}


@pytest.mark.slow
def test_a_judge_that_is_known_from_its_first_run_only_is_the_same_after_a_resume(repo: Path, tmp_path: Path) -> None:
    path = tmp_path / "fix.json"
    (repo / "pytest.ini").write_text("[pytest]\npython_files = check_*.py\n")
    (repo / "test_calc.py").rename(repo / "check_calc.py")
    a_fix(repo, says("", edit("other.py", "x = 1\n")), max_iterations=1, state_path=path).run()
    again = {"llm": playing(says("", edit("calc.py", RIGHT))), "repo": repo, "test_cmd": PYTEST, "quiet": True}

    assert TestFixLoop.resume(path, **again, extend={"max_iterations": 5}).status == "SUCCESS"
