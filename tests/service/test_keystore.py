"""Key files: written once, for their owner, read back exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.adapters.keystore import KeyFileError, load_jwk, load_log_key, save_jwk, save_log_key
from tests.support.server import SIGNER
from tests.support.world import key_of


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_jwk_comes_back(tmp_path: Path, alg: str) -> None:
    key = key_of("somebody", alg)
    save_jwk(tmp_path / "keys/key.json", key)
    assert load_jwk(tmp_path / "keys/key.json").sign(b"x") == key.sign(b"x")


def test_log_key_comes_back(tmp_path: Path) -> None:
    save_log_key(tmp_path / "log.key", SIGNER)
    loaded = load_log_key(tmp_path / "log.key")
    assert (loaded.name, loaded.seed) == (SIGNER.name, SIGNER.seed)


def test_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    save_log_key(tmp_path / "log.key", SIGNER)
    for mode in (0o644, 0o640, 0o604):
        (tmp_path / "log.key").chmod(mode)
        with pytest.raises(KeyFileError, match="chmod 600"):
            load_log_key(tmp_path / "log.key")
    (tmp_path / "log.key").chmod(0o400)
    assert load_log_key(tmp_path / "log.key").name == SIGNER.name


def test_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    save_log_key(tmp_path / "log.key", SIGNER)
    before = (tmp_path / "log.key").read_bytes()
    with pytest.raises(KeyFileError, match="never overwritten"):
        save_jwk(tmp_path / "log.key", key_of("somebody"))
    assert (tmp_path / "log.key").read_bytes() == before


def test_missing_file_names_itself(tmp_path: Path) -> None:
    for load in (load_log_key, load_jwk):
        with pytest.raises(KeyFileError, match=r"no key file .*nowhere: name another, or make it"):
            load(tmp_path / "nowhere")
