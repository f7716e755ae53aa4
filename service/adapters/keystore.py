"""Keys as files: the log's signing key and the private JWKs that `keygen` makes.

A key file is readable by its owner only, made once and never overwritten. The log's key is a C2SP
signed-note private key on one line; a participant's is a private JWK.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

import orjson

from ledger.errors import LedgerError
from ledger.keys import PrivateKey, parse_private_jwk, private_key_from_seed
from ledger.log.note import Ed25519Signer, format_skey, parse_skey


class KeyFileError(Exception):
    """A key file is missing, exists already, is open to others, or holds something else."""


def save_log_key(path: Path, signer: Ed25519Signer) -> None:
    """Write the log's private key to a new file."""
    _save(path, format_skey(signer).encode("utf-8") + b"\n")


def load_log_key(path: Path) -> Ed25519Signer:
    """The log's signing key."""
    try:
        signer = parse_skey(_load(path).decode("utf-8").strip())
    except (LedgerError, UnicodeDecodeError):
        raise KeyFileError(f"{path} does not hold a log's private key: make one with `lodeline-server init`.") from None
    if not isinstance(signer, Ed25519Signer):
        raise KeyFileError(f"{path} holds a cosigner's key: a log signs with an Ed25519 key of type 0x01.")
    return signer


def save_jwk(path: Path, key: PrivateKey) -> None:
    """Write a private JWK to a new file."""
    _save(path, orjson.dumps(key.to_jwk(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def load_jwk(path: Path) -> PrivateKey:
    """A participant's private key."""
    try:
        return parse_private_jwk(orjson.loads(_load(path)))
    except (LedgerError, orjson.JSONDecodeError) as error:
        why = error.message if isinstance(error, LedgerError) else "it is not JSON"
        raise KeyFileError(f"{path} does not hold a private JWK: {why}") from None


def load_or_make_jwk(path: Path) -> PrivateKey:
    """The private JWK of a file, made now when there is none (two processes that start at once agree on one)."""
    if not path.exists():
        with suppress(KeyFileError):  # another process was faster
            save_jwk(path, private_key_from_seed("Ed25519", secrets.token_bytes(32)))
    return load_jwk(path)


def _save(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyFileError(f"{path} exists already: a key is never overwritten, move it away first.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _load(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077 and os.name == "posix":
            raise KeyFileError(f"{path} can be read by others: run `chmod 600 {path}`.")
        return path.read_bytes()
    except FileNotFoundError:
        raise KeyFileError(
            f"There is no key file {path}: name another, or make it (`lodeline-server init` makes the log's, "
            "`lodeline-server keygen` a registrar's)."
        ) from None
