"""Entry point of `lodeline-server`, the operator's command line.

Exit codes: 0 done or sound; 1 refused, refuted or failed; 2 usage or settings. Commands that take a
while show a bar on standard error; answers go to standard output, as JSON with `--json`. Settings
come from LODELINE_* variables; the options here override them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import LedgerError
from service.adapters.chain import AnchorSetupError, NodeDown, NodeRefused
from service.adapters.keystore import KeyFileError, load_jwk, load_log_key, save_jwk, save_log_key
from service.anchor_commands import app as anchor_app
from service.config import Settings, SettingsError
from service.console import EPILOG, Failed, JsonOption, answer, bar, opened
from service.errors import ServiceError
from service.reference_commands import app as reference_app
from service.role_commands import roles

if TYPE_CHECKING:
    from ledger.log.note import Ed25519Signer

app = typer.Typer(
    name="lodeline-server",
    help="Run and look after a Lodeline log.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(reference_app, name="reference")
app.add_typer(anchor_app, name="anchor")
app.command(epilog="Example: lodeline-server roles --api ledger_api --create   " + EPILOG)(roles)


class Entries(StrEnum):
    """Who may read entry bundles."""

    MEMBERS = "members"
    PUBLIC = "public"


class Algorithm(StrEnum):
    """Of a participant's key."""

    ED25519 = "Ed25519"
    ES256 = "ES256"


@app.callback()
def root(
    ctx: typer.Context,
    state: Annotated[Path | None, typer.Option(help="Folder of what lives outside the database.")] = None,
    database: Annotated[str | None, typer.Option(help="SQLAlchemy URL; SQLite in the state folder by default.")] = None,
    key: Annotated[Path | None, typer.Option(help="File of the log's signing key.")] = None,
) -> None:
    """Run and look after a Lodeline log."""
    given = {"state": state, "database": database, "key": key}
    settings = Settings.from_environment()
    ctx.obj = replace(settings, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # by name


@app.command(
    epilog="Example: lodeline-server keygen --out registrar.json   (then: lodeline-server init ...). " + EPILOG
)
def keygen(
    out: Annotated[Path, typer.Option(help="New file for the private key; never overwritten.")],
    origin: Annotated[str, typer.Option(help="Make the signing key of the log of this name instead.")] = "",
    alg: Annotated[Algorithm, typer.Option(help="Algorithm of a participant's key.")] = Algorithm.ED25519,
    as_json: JsonOption = False,
) -> None:
    """Make a private key: a participant's (JWK), or with --origin that of a log.

    `init` makes the log's key by itself; make it here to keep it elsewhere.
    """
    import secrets

    from ledger.keys import private_key_from_seed
    from ledger.log.note import Ed25519Signer, format_vkey

    if origin:
        signer = Ed25519Signer(origin, secrets.token_bytes(32))
        save_log_key(out, signer)
        answer({"file": str(out), "vkey": format_vkey(signer.verifier)}, as_json)
        return
    key = private_key_from_seed(alg.value, secrets.token_bytes(32))
    save_jwk(out, key)
    answer({"file": str(out), "kid": key.public.kid, "jwk": key.public.jwk()}, as_json)


@app.command(
    epilog="Example: lodeline-server init --origin log.example.org/minerals --name 'Example minerals log' "
    "--registrar did:web:registrar.example.org --registrar-key registrar.json --country BE   " + EPILOG
)
def init(
    ctx: typer.Context,
    origin: Annotated[str, typer.Option(help="Name of the log, for ever: a host and path without scheme.")],
    name: Annotated[str, typer.Option(help="What people call the log.")],
    registrar: Annotated[str, typer.Option(help="Participant id of the registrar: a DID or other URI.")],
    registrar_key: Annotated[Path, typer.Option(help="The registrar's private key (JWK), as keygen makes it.")],
    country: Annotated[str, typer.Option(help="Country of the registrar, two letters.")] = "BE",
    entries: Annotated[Entries, typer.Option(help="Who may read entry bundles.")] = Entries.MEMBERS,
    as_json: JsonOption = False,
) -> None:
    """Start a log: its key, its database, and its first record, signed by the registrar."""
    from ledger.log.note import format_vkey
    from service.storage.schema import migrate as migrate_store
    from service.usecases.create_log import DEFAULT_POLICY, create_log, refuse_second_log, sign_genesis

    settings: Settings = ctx.obj
    now = time.time()
    policy = {**DEFAULT_POLICY, "entries": entries.value}
    genesis = sign_genesis(
        origin, name, registrar, load_jwk(registrar_key), country=country, now=int(now), policy=policy
    )
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    signer = _log_key(settings, origin)
    with opened(settings) as (store, file):
        refuse_second_log(store)
        migrate_store(store)
        outcome = create_log(store, file, signer, genesis, now=int(now * 1000))
    made = {"origin": origin, "vkey": format_vkey(signer.verifier), "genesis": outcome.id, "key": settings.key_file}
    answer(made, as_json)


@app.command(epilog="Example: lodeline-server migrate   " + EPILOG)
def migrate(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Bring the database to this program's step. Make a backup first; stop every process where a generation begins."""
    from service.storage.schema import migrate as migrate_store

    with opened(ctx.obj) as (store, _):
        before, after = migrate_store(store)
    answer({"before": before, "after": after}, as_json)


@app.command(epilog="Example: lodeline-server rebuild   " + EPILOG)
def rebuild(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Drop every derived table and compute it anew from the entries, or change nothing at all."""
    from service.usecases.replay import rebuild as rebuild_store

    settings: Settings = ctx.obj
    verifier = load_log_key(settings.key_file).verifier
    with opened(settings) as (store, _), bar("replaying", as_json) as progress:
        head = rebuild_store(store, verifier, progress)
    answer({"size": head.size, "root": head.root.hex(), "subjects": head.subjects}, as_json)


@app.command(epilog="Example: lodeline-server fsck --json   " + EPILOG)
def fsck(
    ctx: typer.Context,
    accept_head: Annotated[
        bool, typer.Option("--accept-head", help="First take the database's head as the newest checkpoint there is.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the whole database: what an auditor checks, every derived row, disclosures, signed checkpoints."""
    from service.usecases.fsck import accept_head as accept
    from service.usecases.fsck import check_database

    settings: Settings = ctx.obj
    signer = load_log_key(settings.key_file)
    with opened(settings) as (store, file), bar("checking", as_json) as progress:
        if accept_head:
            accept(store, file, signer.verifier)
        result = check_database(store, file, signer, now=time.time(), progress=progress)
    if as_json:
        answer({"sound": result.sound, **result.to_json()}, as_json)
    else:
        for line in result.sentences():
            typer.echo(line)
    if not result.sound:
        raise Failed


@app.command(epilog="Example: lodeline-server export /srv/www/log   " + EPILOG)
def export(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Empty, or with an earlier export of this log.")],
    entries: Annotated[bool, typer.Option("--entries/--no-entries", help="Also the entries themselves.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Write the log and its anchors as static files (C2SP tlog-tiles) that any web server or bucket can serve."""
    from service.adapters.shelves import FolderShelf
    from service.usecases.publish import publish

    settings: Settings = ctx.obj
    verifier = load_log_key(settings.key_file).verifier
    with opened(settings) as (store, _), bar("writing", as_json) as progress:
        done = publish(store, verifier, FolderShelf(folder), entries=entries, progress=progress)
    answer({"folder": folder, "before": done.before, "size": done.size, "files": done.files}, as_json)


@app.command(epilog="Example: lodeline-server restore /srv/mirror/log   " + EPILOG)
def restore(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="An export or mirror of this log, with its entries.")],
    as_json: JsonOption = False,
) -> None:
    """Append the entries that a rolled-back database lacks, or change nothing at all. Stop the service first."""
    from service.usecases.restore import restore_entries

    settings: Settings = ctx.obj
    signer = load_log_key(settings.key_file)
    with opened(settings) as (store, _), bar("replaying", as_json) as progress:
        done = restore_entries(store, signer, folder, progress)
    answer({"before": done.before, "size": done.size, "root": done.root.hex()}, as_json)


@app.command(epilog="Example: LODELINE_PORT=8000 lodeline-server serve   " + EPILOG)
def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that serve; one of them sequences.", min=1)] = None,
) -> None:
    """Run the service until it is told to stop."""
    import uvicorn

    from service.app import check_settings, create_app
    from service.bootstrap import tune_collector, wire
    from service.logs import LEVELS, configure_logs
    from service.processes import check_peer, serve_many, server_options

    settings: Settings = replace(ctx.obj, processes=workers or max(1, ctx.obj.processes))
    place: dict[str, Any] = {"host": host or settings.host, "port": settings.port if port is None else port}
    if settings.log_level.lower() not in LEVELS:
        raise SettingsError(f"LODELINE_LOG_LEVEL must be one of {', '.join(LEVELS)}, not {settings.log_level!r}.")
    check_settings(settings)
    service = wire(settings)
    try:  # a refusal is a sentence here; inside the server it would be a traceback
        if service.replicated:
            check_peer(settings)
            service.check_log()
        else:
            service.open_log()
    except BaseException:
        service.close()
        raise
    if settings.processes > 1:
        service.close()
        serve_many(settings, **place)
        return
    configure_logs(settings.log_level)
    tune_collector()
    uvicorn.run(create_app(service), **place, **server_options(settings))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; what went wrong is one sentence and an exit code, never a traceback."""
    from service.adapters.shelves import ShelfError
    from service.storage.checkpoints import CheckpointFileError
    from service.storage.engine import DatabaseError
    from service.usecases.anchor_owner import AnchorRefused
    from service.usecases.create_log import LogExists
    from service.usecases.open_log import RefuseToOpen
    from service.usecases.publish import PublishRefused
    from service.usecases.replay import ReplayFailed

    refusals = (
        RefuseToOpen,
        ReplayFailed,
        PublishRefused,
        ShelfError,
        LogExists,
        CheckpointFileError,
        AnchorRefused,
        LedgerError,
        ServiceError,
    )
    try:
        app(args=arguments, prog_name="lodeline-server")
    except Failed:
        raise SystemExit(1) from None
    except (SettingsError, KeyFileError, AnchorSetupError) as error:
        _fail(str(error), 2)
    except NodeDown as error:
        _fail(f"The node at LODELINE_ANCHOR_RPC does not answer: {error}.", 1)
    except NodeRefused as error:
        _fail(f"The node at LODELINE_ANCHOR_RPC refuses: {error}.", 1)
    except refusals as error:
        _fail(str(error), 1)
    except DatabaseError as error:
        _fail(f"The database does not answer: {getattr(error, 'orig', None) or error}", 1)
    except OSError as error:
        _fail(f"{error.strerror}: {error.filename}", 1)


def _fail(message: str, code: int) -> None:
    typer.echo(f"lodeline-server: {message}", err=True)
    raise SystemExit(code)


def _log_key(settings: Settings, origin: str) -> Ed25519Signer:
    """The log's key from its file, made now if there is none."""
    import secrets

    from ledger.log.note import Ed25519Signer
    from service.usecases.create_log import refuse_second_log

    if not settings.key_file.exists():
        with opened(settings) as (store, _):
            refuse_second_log(store)  # the key of a log that is there was lost or moved: another one would hide that
        save_log_key(settings.key_file, Ed25519Signer(origin, secrets.token_bytes(32)))
    signer = load_log_key(settings.key_file)
    if signer.name != origin:
        raise KeyFileError(f"{settings.key_file} is the key of the log '{signer.name}': set LODELINE_KEY to another.")
    return signer


if __name__ == "__main__":
    main()
