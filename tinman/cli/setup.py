"""Commands around a project: init, doctor, config, db, promote, completion."""

from __future__ import annotations

from pathlib import Path

import click

from tinman.cli.app import App, Exit, example


@click.command(epilog=example("tinman init"))
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@click.pass_obj
def init(app: App, force: bool) -> None:
    """Write a commented tinman.toml into this folder."""
    from tinman.config.resources import folder
    from tinman.errors import ConfigError

    place = Path("tinman.toml")
    if place.exists() and not force:
        raise ConfigError("init: tinman.toml is there already; use --force to overwrite it")
    try:
        place.write_text((folder("config") / "tinman.toml").read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"init: cannot write {place.resolve()}: {error.strerror}") from error
    if app.as_json:
        app.document({"schema": "tinman.init/1", "file": str(place.resolve())})
    app.say(f"Wrote tinman.toml. Next: {app.command('doctor')}, then {app.command('research', '--mode', 'lab')}")


@click.command(epilog=example("tinman doctor"))
@click.pass_obj
def doctor(app: App) -> None:
    """Check the settings in force, the keys present (never their values), the database and the target."""

    async def work() -> int:
        from tinman.cli.research import _project
        from tinman.config.settings import KEYS, provider_keys
        from tinman.errors import TinmanError
        from tinman.text.visible import visible

        resolved = app.resolve()
        found = provider_keys()
        rows = [("settings", "ok", str(resolved.file or "defaults"))]
        rows += [(name, "set" if name in found else "not set", "") for name in KEYS]
        code = Exit.DONE
        try:
            async with await _project(app, resolved.settings, dict(resolved.settings.target)) as tinman:
                rows.append(("database", "ok", tinman.graph.db.place))
                await tinman.preflight()
                rows.append(("target", "reachable", tinman.target.name))
                rows.append(("reasoner", "reachable", tinman.reasoner_name))
        except TinmanError as error:
            from tinman.cli.main import _exit_code

            rows.append(("problem", type(error).__name__, visible(str(error), keep_newlines=False)))
            code = _exit_code(error)
        if app.as_json:
            app.document({"schema": "tinman.doctor/1", "checks": [list(row) for row in rows], "ok": code == Exit.DONE})
        else:
            app.lines(f"  {name:<18} {state:<12} {detail}".rstrip() for name, state, detail in rows)
        return code

    raise click.exceptions.Exit(app.run(work))


@click.group(epilog=example("tinman config show"))
def config() -> None:
    """Show the settings in force, their file, their schema."""


@config.command("show", epilog=example("tinman config show"))
@click.pass_obj
def config_show(app: App) -> None:
    """Print each setting with where its value came from."""
    from tinman.config.settings import flat
    from tinman.frozen import dump
    from tinman.options import ResearchOptions

    resolved = app.resolve()
    built_in = {f"research.{name}": value for name, value in dump(ResearchOptions()).items()}
    values = {
        key: built_in.get(key) if value is None else value
        for key, value in flat(resolved.settings.model_dump(mode="json")).items()
    }
    if app.as_json:
        app.document({key: {"value": value, "origin": resolved.origin(key)} for key, value in values.items()})
        return
    app.lines(f"  {key:<32} {value!s:<28} {resolved.origin(key)}" for key, value in values.items())


@config.command("path", epilog=example("tinman config path"))
@click.pass_obj
def config_path(app: App) -> None:
    """Print the file in force."""
    resolved = app.resolve()
    file = str(resolved.file) if resolved.file else None
    if app.as_json:
        app.document({"schema": "tinman.config-path/1", "file": file})
    else:
        click.echo(file or "no file; defaults, environment and flags")


@config.command("schema", epilog=example("tinman config schema"))
@click.pass_obj
def config_schema(app: App) -> None:
    """Print the JSON schema of tinman.toml and of its [target] table."""
    from tinman.config.settings import Settings
    from tinman.frozen import adapter
    from tinman.targets.profile import TargetProfile

    app.document({"settings": Settings.model_json_schema(), "target": adapter(TargetProfile).json_schema()})


@click.group(epilog=example("tinman db check"))
def db() -> None:
    """Upgrade, check, shrink or locate the database."""


@db.command("upgrade", epilog=example("tinman db upgrade"))
@click.pass_obj
def db_upgrade(app: App) -> None:
    """Bring the schema up to date (opening a database does so, too)."""

    async def work() -> None:
        async with app.graph(create=True) as graph:
            version = await graph.db.schema_version()
            if app.as_json:
                app.document({"schema": "tinman.db-upgrade/1", "database": graph.db.place, "version": version})
            app.say(f"{graph.db.place}: schema {version}")

    app.run(work)


@db.command("check", epilog=example("tinman db check"))
@click.pass_obj
def db_check(app: App) -> None:
    """Read the whole database and the audit chain; exit 2 when either is damaged."""

    async def work() -> None:
        from tinman.audit import AuditLog
        from tinman.errors import StoreCorrupt

        async with app.graph() as graph:
            await graph.db.check()
            broken = await AuditLog(graph.db).broken_at()
            if broken is not None:
                raise StoreCorrupt(
                    f"database {graph.db.place}: the audit trail does not fit its hashes at line {broken}"
                )
            version = await graph.db.schema_version()
            if app.as_json:
                app.document(
                    {"schema": "tinman.db-check/1", "database": graph.db.place, "sound": True, "version": version}
                )
            else:
                click.echo(f"{graph.db.place}: sound, schema {version}")

    app.run(work)


@db.command("vacuum", epilog=example("tinman db vacuum"))
@click.pass_obj
def db_vacuum(app: App) -> None:
    """Write the database anew without the room that is no longer used; needs as much free disk as it takes now."""

    async def work() -> None:
        async with app.graph() as graph:
            before, after = await graph.db.vacuum()
            if app.as_json:
                place = {"schema": "tinman.db-vacuum/1", "database": graph.db.place}
                app.document({**place, "bytes_before": before, "bytes_after": after})
            else:
                click.echo(f"{graph.db.place}: {before:,} bytes before, {after:,} now")

    app.run(work)


@db.command("path", epilog=example("tinman db path"))
@click.pass_obj
def db_path(app: App) -> None:
    """Print where the database is."""
    place = app.resolve().settings.db
    if app.as_json:
        app.document({"schema": "tinman.db-path/1", "database": place})
    else:
        click.echo(place)


@click.command(epilog=example("tinman promote shadow"))
@click.argument("mode", type=click.Choice(["lab", "shadow", "production"]))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def promote(app: App, mode: str, yes: bool) -> None:
    """Take the project one mode up or down; a person has to say so, and it goes into the audit trail."""
    from tinman.errors import ApprovalDenied

    if not yes and not (app.may_ask and click.confirm(f"Take this project to {mode}?", err=True)):
        raise ApprovalDenied(f"promotion to {mode}", "nobody said yes; use --yes")

    async def work() -> None:
        from tinman.promotion import promote as promoted

        async with app.graph(create=True) as graph:
            await promoted(graph, mode, by="command line (unverified)")
        if app.as_json:
            app.document({"schema": "tinman.promotion-of-project/1", "mode": mode})
        app.say(f"This project is now in {mode}.")

    app.run(work)


@click.command(epilog=example("tinman completion bash > ~/.local/share/bash-completion/completions/tinman"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of SHELL."""
    from click.shell_completion import get_completion_class

    from tinman.cli.main import root

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(root, {}, "tinman", "_TINMAN_COMPLETE").source())
