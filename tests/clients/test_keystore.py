"""Key files: private, encrypted in a standard way, never overwritten, damage noticed."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from clients.sdk.errors import LocalError
from clients.sdk.keystore import KeyStore, decrypt_jwk, encrypt_jwk
from ledger.keys import private_key_from_seed

ROUNDS = 1000  # the real number costs a quarter of a second per key


def never(_kid: str) -> str:
    raise AssertionError("no passphrase is needed")


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys", rounds=ROUNDS)


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_a_key_comes_back_as_it_was(store: KeyStore, alg: str, passphrase: str) -> None:
    key = store.new(alg, passphrase)
    (stored,) = store.list()
    assert (stored.kid, stored.encrypted) == (key.public.kid, bool(passphrase))
    assert stored.path.stat().st_mode & 0o777 == 0o600
    assert (b'"d"' in stored.path.read_bytes()) is not bool(passphrase)
    again = store.load(key.public.kid[:8], (lambda _kid: passphrase) if passphrase else never)
    assert again.to_jwk() == key.to_jwk()
    with pytest.raises(LocalError, match="already"):
        store.add(key, passphrase)
    if passphrase:
        with pytest.raises(LocalError, match="wrong"):
            store.load(key.public.kid, lambda _kid: "wrong horse")


def test_another_implementation_opens_the_file() -> None:
    text = json.dumps({"kty": "OKP"}).encode()
    ours = encrypt_jwk(text, "correct horse battery staple", rounds=ROUNDS)
    algorithms = ["PBES2-HS512+A256KW", "A256GCM"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        secret = OctKey.import_key("correct horse battery staple")
        assert jwe.decrypt_compact(ours, secret, algorithms=algorithms).plaintext == text
        header = {"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2c": ROUNDS}
        theirs = jwe.encrypt_compact(header, text, secret, algorithms=algorithms)
    assert decrypt_jwk(theirs, "correct horse battery staple") == text


def test_every_flipped_character_of_an_encrypted_key_is_noticed() -> None:
    text = b'{"kty":"OKP"}'
    sealed = encrypt_jwk(text, "passphrase", rounds=1)
    assert decrypt_jwk(sealed, "passphrase") == text
    for at in range(0, len(sealed), 3):
        flipped = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        with pytest.raises(LocalError):
            decrypt_jwk(flipped, "passphrase")


@pytest.mark.parametrize("text", ["", "a.b.c", "a.b.c.d.e", "e30.b.c.d.e", "W10.b.c.d.e"])
def test_what_is_no_encrypted_key(text: str) -> None:
    with pytest.raises(LocalError):
        decrypt_jwk(text, "passphrase")


@pytest.mark.parametrize("change", [{"alg": "dir"}, {"enc": "A128GCM"}, {"p2c": 10**9}, {"p2c": "1"}, {"p2c": 0}])
def test_parameters_that_are_not_ours(change: dict[str, object]) -> None:
    from ledger.encoding import format_b64url, format_json, parse_b64url

    head, *rest = encrypt_jwk(b"{}", "passphrase", rounds=1).split(".")
    header = format_b64url(format_json(json.loads(parse_b64url(head)) | change))
    with pytest.raises(LocalError):
        decrypt_jwk(".".join((header, *rest)), "passphrase")


def test_files_that_others_may_read_or_that_are_damaged(store: KeyStore) -> None:
    key = store.new()
    (stored,) = store.list()
    stored.path.chmod(0o644)
    with pytest.raises(LocalError, match="chmod 600"):
        store.load(stored.kid, never)
    stored.path.chmod(0o600)
    stored.path.write_text("{}")
    with pytest.raises(LocalError, match="damaged"):
        store.load(stored.kid, never)
    other = private_key_from_seed("Ed25519", bytes(32))
    stored.path.write_text(json.dumps(other.to_jwk(), separators=(",", ":"), sort_keys=True))
    with pytest.raises(LocalError, match="another key"):
        store.load(stored.kid, never)
    assert key.public.kid == stored.kid


def test_names_that_fit_no_key_or_several(store: KeyStore, tmp_path: Path) -> None:
    assert KeyStore(tmp_path / "none").list() == []
    with pytest.raises(LocalError, match="no key"):
        store.load("x", never)
    store.new()
    store.new()
    with pytest.raises(LocalError, match="several"):
        store.load("", never)
