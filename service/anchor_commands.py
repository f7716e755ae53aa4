"""`lodeline-server anchor`: the contract, the anchorer's key, the worker in a process of its own, and how sinks do."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from service.config import Settings
from service.console import EPILOG, Failed, JsonOption, answer, opened

if TYPE_CHECKING:
    from service.storage.engine import Store
    from service.usecases.anchor_owner import Owner
    from service.workers.anchorer import Anchorer

app = typer.Typer(
    help="Anchors of the log's checkpoints outside the ledger: files, or a contract on an Ethereum chain.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

OwnerKeystore = Annotated[Path, typer.Option(help="Keystore (v3) of the contract's owner.")]
OwnerPassword = Annotated[Path, typer.Option(help="File of its password.")]
_NOBODY = "0x" + "00" * 20


@app.command(epilog="Example: lodeline-server anchor keygen --keystore anchorer.json --password anchorer.password   ")
def keygen(
    keystore: Annotated[Path, typer.Option(help="New keystore; never overwritten.")],
    password: Annotated[Path, typer.Option(help="File of its password; made when there is none.")],
    as_json: JsonOption = False,
) -> None:
    """Make a key for an anchorer or an owner: a version 3 keystore."""
    from service.adapters.anchor_keys import make_keystore

    answer({"address": make_keystore(keystore, password), "keystore": keystore, "password": password}, as_json)


@app.command(
    epilog="Example: LODELINE_ANCHOR_CHAIN=sepolia LODELINE_ANCHOR_RPC=http://127.0.0.1:8545 lodeline-server anchor "
    "deploy --owner-keystore owner.json --owner-password owner.password --out sepolia.json   " + EPILOG
)
def deploy(
    ctx: typer.Context,
    owner_keystore: OwnerKeystore,
    owner_password: OwnerPassword,
    out: Annotated[Path | None, typer.Option(help="New file for what was deployed, as contracts/deployments.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the contract LogAnchor. The owner can never change what was anchored, only who may anchor."""
    settings: Settings = ctx.obj
    owner = _owner(replace(settings, anchor=replace(settings.anchor, contract=_NOBODY)), owner_keystore, owner_password)
    done = owner.deploy(settings.anchor.chain)
    if out is not None:
        with out.open("x", encoding="utf-8") as file:
            file.write(orjson.dumps(done, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
    answer(done, as_json)


@app.command(epilog="Example: lodeline-server anchor register --owner-keystore owner.json --owner-password o.pw   ")
def register(
    ctx: typer.Context,
    owner_keystore: OwnerKeystore,
    owner_password: OwnerPassword,
    anchorer: Annotated[str, typer.Option(help="Address that may anchor; by default that of the settings.")] = "",
    loose: Annotated[bool, typer.Option("--loose", help="For ever without consistency proofs: forks pass.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Register this log in the contract and allow the anchorer; a registered log only gets another anchorer."""
    from service.adapters.keystore import load_log_key
    from service.usecases.anchor_setup import checksum, make_signer

    settings: Settings = ctx.obj
    address = checksum(anchorer) if anchorer else make_signer(settings.anchor).address
    owner = _owner(settings, owner_keystore, owner_password)
    answer(owner.register(load_log_key(settings.key_file).name, address, loose=loose), as_json)


@app.command(
    "rotate-key",
    epilog="Example: lodeline-server anchor rotate-key --new-keystore new.json --new-password new.password "
    "--owner-keystore owner.json --owner-password owner.password   " + EPILOG,
)
def rotate_key(
    ctx: typer.Context,
    new_keystore: Annotated[Path, typer.Option(help="Keystore of the next anchorer; made when there is none.")],
    new_password: Annotated[Path, typer.Option(help="File of its password; made when there is none.")],
    owner_keystore: OwnerKeystore,
    owner_password: OwnerPassword,
    as_json: JsonOption = False,
) -> None:
    """Allow a new anchorer and take the right from the old one. Then fund it, and set LODELINE_ANCHOR_KEYSTORE."""
    from service.adapters.anchor_keys import load_keystore, make_keystore
    from service.adapters.keystore import load_log_key
    from service.usecases.anchor_setup import make_signer

    settings: Settings = ctx.obj
    if not new_keystore.exists():
        make_keystore(new_keystore, new_password)
    new = load_keystore(new_keystore, new_password, told=("--new-keystore", "--new-password")).address
    owner = _owner(settings, owner_keystore, owner_password)
    done = owner.rotate(load_log_key(settings.key_file).name, make_signer(settings.anchor).address, new)
    answer({**done, "keystore": new_keystore, "password": new_password}, as_json)


@app.command(epilog="Example: LODELINE_ANCHOR_SINKS=ethereum lodeline-server anchor run   " + EPILOG)
def run(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="One look at every sink, then end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Anchor in a process of its own. Set LODELINE_ANCHOR_TICK_SECONDS=0 for the service; only one of them works."""
    from service.adapters.chain import AnchorSetupError
    from service.logs import configure_logs, logs_aside
    from service.usecases.anchor_setup import sink_names

    settings: Settings = ctx.obj
    if not once and not sink_names(settings.anchor):
        raise AnchorSetupError("No sink is set up: name one in LODELINE_ANCHOR_SINKS.")
    with opened(settings) as (store, _):
        worker = _worker(settings, store)
        if once:
            with logs_aside():
                done = worker.tick()
                worker.release()
            answer(dict(done) or {"sinks": "none"}, as_json)
            if any(one["condition"] != "ok" for one in worker.status()):
                raise Failed
        else:
            configure_logs(settings.log_level)
            worker.run()


@app.command(epilog="Example: lodeline-server anchor status --json   " + EPILOG)
def status(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """How every sink is doing, by the database alone. Exit code 1 when one of them wants a person."""
    settings: Settings = ctx.obj
    with opened(settings) as (store, _):
        found = _worker(settings, store).status()
    if as_json:
        typer.echo(orjson.dumps({"sinks": found}).decode())
    elif not found:
        typer.echo("No sink is set up: checkpoints are anchored nowhere (LODELINE_ANCHOR_SINKS).")
    for one in found:
        if not as_json:
            answer({name: value for name, value in one.items() if value not in ("", {})}, as_json)
    if any(one["condition"] != "ok" for one in found):
        raise Failed


def pause(seconds: float) -> None:
    """Wait for the chain's next block."""
    threading.Event().wait(seconds)


def _worker(settings: Settings, store: Store) -> Anchorer:
    from service.adapters.keystore import load_log_key
    from service.workers.anchorer import Anchorer

    verifier = load_log_key(settings.key_file).verifier
    return Anchorer(store, settings.anchor, origin=verifier.name, verifier=verifier, clock=time.time)


def _owner(settings: Settings, keystore: Path, password: Path) -> Owner:
    from service.adapters.anchor_keys import load_keystore
    from service.usecases.anchor_owner import Owner
    from service.usecases.anchor_setup import connect, find_place

    place = find_place(settings.anchor)
    node: Any = connect(settings.anchor, place.contract)
    key = load_keystore(keystore, password, told=("--owner-keystore", "--owner-password"))
    return Owner(node, key, settings.anchor, place.chain, pause)
