"""Which files decide how a repository is tested, built and shipped, and which hold its secrets.

Names are compared without their case: some file systems do not know it.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

_TESTS = ("test_*", "*_test.*", "tests.*", "*.test.*", "*.spec.*", "*_spec.rb", "*test.java", "*tests.cs")
_TEST_FOLDERS = frozenset({"tests", "test", "testing", "__tests__", "spec", "e2e", "testdata", "__snapshots__"})
_RUNNER = """
    conftest.* pytest.* _pytest.* .pytest.* pluggy.* iniconfig.* pytest_* tox.ini tox.toml noxfile.* .coveragerc
    sitecustomize.* usercustomize.* *.pth *.egg-link *.egg-info *.dist-info
    __editable__* setup.cfg setup.py pyproject.toml jest.* vitest.* vite.config.* karma.* mocha.* .mocharc* ava.config.*
    playwright.config.* cypress.* .rspec rakefile phpunit.* babel.config.* .babelrc* behave.ini robot.toml
""".split()
_BUILD = """
    makefile gnumakefile *.mk justfile .justfile taskfile.* cmakelists.txt *.cmake meson.build meson_options.txt build
    build.bazel workspace workspace.bazel *.bzl dockerfile* *.dockerfile containerfile* docker-compose* compose.y*ml
    jenkinsfile* procfile vagrantfile azure-pipelines* bitbucket-pipelines* appveyor* cloudbuild* skaffold.* codecov.*
    dangerfile* package.json package-lock.json npm-shrinkwrap.json yarn.lock pnpm-* lerna.json tsconfig*.json
    webpack.config.* rollup.config.* gemfile* *.gemspec build.gradle* settings.gradle* gradle* pom.xml mvnw* build.rs
    build.sbt go.mod go.sum go.work* cargo.toml cargo.lock rust-toolchain* composer.json composer.lock requirements*.txt
    requirements*.in constraints*.txt environment.y*ml pipfile* *.lock uv.toml hatch.toml hatch_build.py manifest.in
    setup.* configure configure.ac *.csproj *.sln global.json codeowners
""".split()
_SECRETS = """
    .env .env.* *.env .envrc *.pem *.key *.p12 *.pfx *.jks *.keystore *.kdbx *.asc *.gpg *.ppk id_rsa* id_dsa* id_ecdsa*
    id_ed25519* .netrc _netrc .npmrc .pypirc .pgpass .htpasswd .git-credentials credentials credentials.* *.tfstate*
    *.tfvars service-account*.json service_account*.json secret.* secrets.* .secrets* *.secret *.secrets
    token.txt .token .dockercfg .my.cnf .boto .s3cfg kubeconfig
""".split()
_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".azure", ".gcloud", ".kube", ".docker", "secrets", ".secrets"})
_NO_SECRETS = (
    "*.example",
    "*.sample",
    "*.template",
    "*.dist",
    "*.py",
    "*.pyi",
    "*.pub",
    "*.js",
    "*.ts",
    "*.go",
    "*.rs",
)
OUTSIDE = frozenset({".git", ".hg", ".svn", "__pycache__", ".venv", "venv", "node_modules", ".tox", ".nox"})
"""Folders that are no sources: a model neither sees nor changes what is in them."""
CACHES = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _lowered(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(str(path).casefold())


def is_test(path: PurePosixPath) -> bool:
    """Say whether ``path`` (relative to the repository) is a test, or stands among tests."""
    path = _lowered(path)
    return bool(_TEST_FOLDERS & set(path.parts[:-1])) or _matches(path.name, _TESTS)


def is_secret(path: PurePosixPath) -> bool:
    """Say whether ``path`` is likely to hold a password or a key."""
    path = _lowered(path)
    if _SECRET_FOLDERS & set(path.parts[:-1]):
        return not _matches(path.name, _NO_SECRETS)
    return _matches(path.name, _SECRETS) and not _matches(path.name, _NO_SECRETS)


def configures(path: PurePosixPath) -> bool:
    """Say whether ``path`` configures, starts or stands in the way of a test runner, a build or its services.

    A folder in the way counts as well: ``pytest/__main__.py`` is ``pytest`` to ``python -m``.
    """
    path = _lowered(path)
    return any(_matches(part, _RUNNER) or _matches(f"{part}.", _RUNNER) for part in path.parts) or _matches(
        path.name, _BUILD
    )


def is_hidden(path: PurePosixPath) -> bool:
    """Say whether ``path`` has a part that begins with a dot: services, editors and tools keep their settings there."""
    return any(part.startswith(".") for part in path.parts)


def find_shadowed(path: PurePosixPath, existing: Set[PurePosixPath], importable: Set[str]) -> str:
    """Return the module that a new file at ``path`` would stand in the way of; empty when there is none.

    ``existing`` are the files there were at first, ``importable`` the top-level modules there are without the
    repository. Inside a package that was there, names are the package's own.
    """
    folders = {parent for each in existing for parent in each.parents}
    for depth, part in enumerate(path.parts):
        here = PurePosixPath(*path.parts[: depth + 1])
        above = here.parent
        if here in folders or here in existing:
            continue
        if above / "__init__.py" in existing or above not in folders | {PurePosixPath()}:
            return ""
        name = part.partition(".")[0]
        if name == "__init__":
            return f"the way {above if above.parts else 'the repository'} is imported"
        return f"the module {name}" if name in importable else ""
    return ""
