"""Private keys in a folder, one file each: a JWK, or a JWK encrypted under a passphrase as a compact JWE (RFC 7517
section 7). Files are 0600 and written once.

Encryption: PBES2-HS512+A256KW (RFC 7518 section 4.8) with A256GCM, so that any JOSE library opens it.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from clients.sdk.errors import LocalError
from clients.sdk.files import SECRET, read_limited, write_atomic
from ledger.encoding import format_b64url, format_json, parse_b64url, parse_json
from ledger.errors import FormatError
from ledger.keys import PrivateKey, parse_private_jwk, private_key_from_seed

ROUNDS = 300_000
MAX_ROUNDS = 5_000_000
MAX_KEY_FILE = 20_000
_ALG, _ENC = "PBES2-HS512+A256KW", "A256GCM"

AskPassphrase = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key file: kid, and whether a passphrase is needed."""

    kid: str
    path: Path
    encrypted: bool


class KeyStore:
    """The key files of one folder."""

    def __init__(self, folder: Path, *, rounds: int = ROUNDS) -> None:
        self.folder = folder
        self._rounds = rounds

    def new(self, alg: str = "Ed25519", passphrase: str = "") -> PrivateKey:
        """Make a key and store it; with a passphrase it is encrypted. No kid of ours looks like an option (`-9...`)."""
        key = private_key_from_seed(alg, secrets.token_bytes(32))
        while key.public.kid.startswith("-"):
            key = private_key_from_seed(alg, secrets.token_bytes(32))
        self.add(key, passphrase)
        return key

    def add(self, key: PrivateKey, passphrase: str = "") -> Path:
        """Store a key that was made elsewhere; LocalError when it is there already."""
        text = format_json(key.to_jwk())
        content = encrypt_jwk(text, passphrase, rounds=self._rounds).encode() if passphrase else text + b"\n"
        path = self.folder / f"{key.public.kid}.{'jwe' if passphrase else 'jwk'}"
        if any(stored.kid == key.public.kid for stored in self.list()):
            raise LocalError(f"The key {key.public.kid} is stored already.", kid=key.public.kid)
        write_atomic(path, content, mode=SECRET, replace=False)
        return path

    def list(self) -> list[StoredKey]:
        """All key files, in the order of their names."""
        if not self.folder.is_dir():
            return []
        files = sorted(path for path in self.folder.iterdir() if path.suffix in (".jwk", ".jwe"))
        return [StoredKey(path.stem, path, path.suffix == ".jwe") for path in files]

    def find(self, kid: str) -> StoredKey:
        """The key file whose kid is, or unambiguously begins with, `kid`."""
        found = [stored for stored in self.list() if stored.kid.startswith(kid)]
        if len(found) != 1:
            what = "several keys begin" if found else "no key begins"
            raise LocalError(f"In {self.folder} {what} with {kid!r}: see `lodeline key list`.", kid=kid)
        return found[0]

    def load(self, kid: str, ask: AskPassphrase) -> PrivateKey:
        """The private key; `ask(kid)` is called for the passphrase of an encrypted one."""
        stored = self.find(kid)
        _refuse_open_file(stored.path)
        content = read_limited(stored.path, MAX_KEY_FILE).strip()
        text = decrypt_jwk(content.decode("ascii", "replace"), ask(stored.kid)) if stored.encrypted else content
        try:
            key = parse_private_jwk(parse_json(text))
        except FormatError as error:
            raise LocalError(f"The key file {stored.path} is damaged: {error.message}") from error
        if key.public.kid != stored.kid:
            raise LocalError(f"The key file {stored.path} holds another key than its name says.", kid=key.public.kid)
        return key


def _refuse_open_file(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise LocalError(f"Others may read the key file {path}: run chmod 600 on it, and replace the key if they did.")


def _derive(passphrase: str, salt: bytes, rounds: int) -> bytes:
    # RFC 7518 section 4.8.1.1: the salt is the algorithm's name, a zero byte and p2s
    kdf = PBKDF2HMAC(SHA512(), 32, _ALG.encode() + b"\x00" + salt, rounds)
    return kdf.derive(passphrase.encode())


def encrypt_jwk(text: bytes, passphrase: str, *, rounds: int = ROUNDS) -> str:
    """Compact JWE of a JWK."""
    salt, content_key, nonce = secrets.token_bytes(16), secrets.token_bytes(32), secrets.token_bytes(12)
    header = {"alg": _ALG, "cty": "jwk+json", "enc": _ENC, "p2c": rounds, "p2s": format_b64url(salt)}
    protected = format_b64url(format_json(header))
    wrapped = aes_key_wrap(_derive(passphrase, salt, rounds), content_key)
    sealed = AESGCM(content_key).encrypt(nonce, text, protected.encode("ascii"))
    parts = (wrapped, nonce, sealed[:-16], sealed[-16:])
    return ".".join((protected, *(format_b64url(part) for part in parts)))


def decrypt_jwk(text: str, passphrase: str) -> bytes:
    """The JWK of a compact JWE; LocalError for a wrong passphrase or a damaged file."""
    parts = text.split(".")
    try:
        if len(parts) != 5:
            raise LocalError("The key file is damaged: it is no compact JWE.")
        header = json.loads(parse_b64url(parts[0]))
        salt, rounds = parse_b64url(header["p2s"]), header["p2c"]
        if (header["alg"], header["enc"]) != (_ALG, _ENC) or type(rounds) is not int or not 0 < rounds <= MAX_ROUNDS:
            raise LocalError("The key file is encrypted in a way that is not supported here.")
        wrapped, nonce, sealed, tag = (parse_b64url(part) for part in parts[1:])
        content_key = aes_key_unwrap(_derive(passphrase, salt, rounds), wrapped)
        return AESGCM(content_key).decrypt(nonce, sealed + tag, parts[0].encode("ascii"))
    except (InvalidUnwrap, InvalidTag) as error:
        raise LocalError("The passphrase is wrong, or the key file is damaged.") from error
    except (FormatError, ValueError, KeyError, TypeError) as error:
        raise LocalError("The key file is damaged: it is no compact JWE.") from error
