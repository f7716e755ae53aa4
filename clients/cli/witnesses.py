"""`lodeline witness`: run an independent witness of one or more logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clients.cli.options import AsJson

if TYPE_CHECKING:
    from ledger.log.note import Cosigner

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Run a witness (C2SP tlog-witness) that cosigns honest checkpoints only.",
)

State = Annotated[Path, typer.Option("--state", help="Folder for its keys and for what it has cosigned.")]


@app.command("keygen")
def keygen(
    name: Annotated[str, typer.Argument(help="Name of the witness, a URL without scheme: witness.example/w1")],
    state: State = Path("witness"),
    post_quantum: Annotated[bool, typer.Option("--post-quantum", help="A second key, ML-DSA-44.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the witness's key; prints the vkey that goes into the trust policies of others.

    [bold]Example[/]: lodeline witness keygen witness.example/w1 --state /var/lib/witness
    """
    import secrets

    from clients.cli.output import say, show_json
    from clients.sdk.files import SECRET, write_atomic
    from ledger.log.note import CosignatureSigner, MLDSA44Signer, format_skey, format_vkey

    signers: list[CosignatureSigner | MLDSA44Signer] = [CosignatureSigner(name, secrets.token_bytes(32))]
    if post_quantum:
        signers.append(MLDSA44Signer(name, secrets.token_bytes(32)))
    text = "".join(f"{format_skey(signer)}\n" for signer in signers)
    write_atomic(state / "witness.key", text.encode(), mode=SECRET, replace=False)
    vkeys = [format_vkey(signer.verifier) for signer in signers]
    if as_json:
        show_json({"name": name, "vkeys": vkeys, "file": str(state / "witness.key")})
    else:
        for vkey in vkeys:
            say(vkey)


@app.command("serve")
def serve(
    log: Annotated[list[str], typer.Option("--log", help="vkey of a log to witness.")],
    state: State = Path("witness"),
    listen: Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen.")] = "127.0.0.1:8101",
    prefix: Annotated[str, typer.Option("--prefix", help="Path before /add-checkpoint.")] = "",
) -> None:
    """Serve until interrupted.

    [bold]Example[/]: lodeline witness serve --state /var/lib/witness --log 'ledger.example/log+1a2b3c4d+AZ...'
    """
    from clients.cli.output import say
    from clients.cli.words import bad, parse_count
    from clients.witness.memory import WitnessMemory
    from clients.witness.server import Witness, serve_witness
    from ledger.log.note import Verifier, parse_vkey

    host, colon, port = listen.rpartition(":")
    if not (host and colon):
        raise bad("--listen", f"{listen!r}: write HOST:PORT, for example 127.0.0.1:8101.")
    logs: dict[str, list[Verifier]] = {}
    for text in log:
        verifier = parse_vkey(text)
        logs.setdefault(verifier.name, []).append(verifier)
    witness = Witness(logs, read_cosigners(state / "witness.key"), WitnessMemory(state / "checkpoints"))
    with serve_witness(witness, host, parse_count(port, "--listen"), prefix=prefix) as server:
        say(f"witnessing {', '.join(logs)} at http://{host}:{server.server_address[1]}{prefix}/add-checkpoint")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("stopped")


def read_cosigners(path: Path) -> list[Cosigner]:
    """The witness's private keys; LocalError for a key that cannot cosign."""
    from clients.sdk.errors import LocalError
    from clients.sdk.files import read_limited
    from ledger.log.note import CosignatureSigner, MLDSA44Signer, parse_skey

    signers = [parse_skey(line) for line in read_limited(path, 20_000).decode("ascii", "replace").splitlines()]
    cosigners = [signer for signer in signers if isinstance(signer, (CosignatureSigner, MLDSA44Signer))]
    if not cosigners or len(cosigners) < len(signers):
        raise LocalError(f"{path} holds no keys that can cosign: make them with `lodeline witness keygen`.")
    return list(cosigners)
