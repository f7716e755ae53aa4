"""`lodeline key`: keys of this machine, and keys of a participant in the log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from clients.cli.options import AsJson, Offline, When

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Make, show and export keys; add and revoke them in the log."
)

Kid = Annotated[str, typer.Argument(help="Key id or its beginning (default: the key that signs).")]
Reason = Annotated[str, typer.Option("--reason", help="new_device, rotation, lost, stolen, left or other.")]
Party = Annotated[str, typer.Option("--participant", "-p", help="Whose key (default: your own).")]


@app.command("new")
def new(
    alg: Annotated[str, typer.Option("--alg", help="Ed25519 or ES256.")] = "Ed25519",
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Encrypt the key file under a passphrase.")] = False,
    use: Annotated[
        bool | None, typer.Option("--use/--keep", help="Sign with it from now on (default: the first key only).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is stored in the home folder, readable by you alone, and never leaves this machine.

    A further key waits until the old one has signed it in (`lodeline key add`) and you choose it (`lodeline key use`).

    [bold]Examples[/]
      lodeline key new
      lodeline key new --passphrase
    """
    from clients.cli.home import Home
    from clients.cli.output import say, show_json

    home = Home()
    first = not home.config().key
    key = home.keys.new(alg, _new_passphrase() if passphrase else "")
    kid, signs = key.public.kid, first if use is None else use
    if signs:
        home.use_key(kid)
    if as_json:
        show_json({"kid": kid, "alg": alg, "public": key.public.jwk(), "signs": signs})
        return
    say(kid)
    if first:
        say("Next: `lodeline key export` and ask the registrar to enrol it.")
    else:
        say(f"Next: `lodeline key export {kid} -o new.jwk`, `lodeline key add new.jwk`, `lodeline key use {kid}`.")


def _new_passphrase() -> str:
    import os
    import sys

    from clients.sdk.errors import LocalError

    given = os.environ.get("LODELINE_PASSPHRASE")
    if given is None and not sys.stdin.isatty():
        raise LocalError("There is no terminal to ask for a passphrase: set LODELINE_PASSPHRASE.")
    text = given if given is not None else typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
    if len(text) < 8:
        raise LocalError("A passphrase has at least 8 characters.")
    return str(text)


@app.command("import")
def import_key(
    file: Annotated[Path, typer.Argument(help="File with a private JWK, for example of `lodeline-server keygen`.")],
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Encrypt the key file under a passphrase.")] = False,
    use: Annotated[bool, typer.Option("--use/--keep", help="Sign with it from now on.")] = True,
    as_json: AsJson = False,
) -> None:
    """Take over a private key that was made elsewhere. Remove the original afterwards.

    [bold]Example[/]: lodeline key import registrar.json
    """
    import json

    from clients.cli.home import Home
    from clients.cli.output import show_result
    from clients.sdk.errors import LocalError
    from clients.sdk.files import read_limited
    from ledger.errors import KeyFormatError
    from ledger.keys import parse_private_jwk

    home = Home()
    try:
        key = parse_private_jwk(json.loads(read_limited(file, 20_000)))
    except ValueError as error:
        raise LocalError(f"{file} holds no JWK: {error}.") from error
    except KeyFormatError as error:
        why = error.message.rstrip(".")
        message = f"{file} holds no private key ({why}): `lodeline key export` writes the public half alone."
        raise LocalError(message) from error
    home.keys.add(key, _new_passphrase() if passphrase else "")
    if use:
        home.use_key(key.public.kid)
    show_result(as_json=as_json, kid=key.public.kid, signs=use)


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys on this machine."""
    from clients.cli.home import Home
    from clients.cli.output import show_json, show_table

    home = Home()
    current = home.config().key
    rows = [
        {"kid": one.kid, "encrypted": one.encrypted, "signs": one.kid == current, "file": str(one.path)}
        for one in home.keys.list()
    ]
    if as_json:
        show_json(rows)
    else:
        show_table("", ["kid", "passphrase", "signs", "file"], [list(row.values()) for row in rows])


@app.command("use")
def use_key(kid: Annotated[str, typer.Argument(help="Key id or its beginning.")], as_json: AsJson = False) -> None:
    """Sign with this key from now on."""
    from clients.cli.home import Home
    from clients.cli.output import show_result

    home = Home()
    found = home.keys.find(kid).kid
    home.use_key(found)
    show_result(as_json=as_json, kid=found, signs=True)


@app.command("show")
def show(kid: Kid = "", as_json: AsJson = False) -> None:
    """Show the public half of a key."""
    from clients.cli.output import say, show_json

    jwk = _public_jwk(kid)
    if as_json:
        show_json(jwk)
    else:
        for name, value in jwk.items():
            say(f"{name:4} {value}")


@app.command("export")
def export(
    kid: Kid = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file instead of the screen.")] = None,
) -> None:
    """Export the public key as a JWK, for the registrar or for `lodeline key add`.

    [bold]Example[/]: lodeline key export -o mine.jwk
    """
    import json

    from clients.sdk.files import write_atomic

    text = json.dumps(_public_jwk(kid)) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_atomic(out, text.encode())


def _public_jwk(kid: str) -> dict[str, str]:
    from clients.cli.home import Home, ask_passphrase
    from clients.sdk.errors import LocalError

    home = Home()
    wanted = kid or home.config().key
    if not wanted:
        raise LocalError("There is no key yet: run `lodeline key new`.")
    key = home.keys.load(wanted, ask_passphrase)
    return {**key.public.jwk(), "alg": key.public.alg, "kid": key.public.kid}


@app.command("add")
def add(
    jwk: Annotated[Path, typer.Argument(help="File with the new public key (`lodeline key export`).")],
    reason: Reason = "new_device",
    participant: Party = "",
    start: Annotated[str, typer.Option("--from", help="Valid from this time on.")] = "",
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Add a key to your participant in the log; signed with the key that you have used so far.

    [bold]Example[/]: lodeline key add laptop.jwk --reason new_device
    """
    from clients.cli.deliver import deliver
    from clients.cli.words import parse_when
    from clients.sdk.events import add_key

    event = add_key(
        parse_when(time),
        _party(participant),
        read_jwk(jwk),
        reason=reason,
        start=parse_when(start, "--from") if start else None,
    )
    deliver(event, offline=offline, as_json=as_json)


@app.command("revoke")
def revoke(
    kid: Annotated[str, typer.Argument(help="The whole id of the key.")],
    reason: Reason = "lost",
    participant: Party = "",
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Revoke a key in the log, with another of your keys (or as registrar).

    [bold]Example[/]: lodeline key revoke tDmvHgYk... --reason stolen
    """
    from clients.cli.deliver import deliver
    from clients.cli.words import parse_when
    from clients.sdk.events import revoke_key

    deliver(revoke_key(parse_when(time), _party(participant), kid, reason=reason), offline=offline, as_json=as_json)


def _party(participant: str) -> str:
    from clients.cli.home import Home

    return participant or Home().config().participant


def read_jwk(path: Path) -> dict[str, Any]:
    """The public JWK in a file, checked as the ledger will check it; without `alg` and `kid`, which follow from it."""
    import json

    from clients.sdk.errors import LocalError
    from clients.sdk.files import read_limited
    from ledger.keys import parse_public_jwk

    try:
        value = json.loads(read_limited(path, 20_000))
    except ValueError as error:
        raise LocalError(f"{path} holds no JWK: {error}.") from error
    return parse_public_jwk(value).jwk()
