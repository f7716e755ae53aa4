"""Starting a log: once, resumable after a crash, refused as a whole when the genesis is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.envelope import SignedRecord
from ledger.errors import SchemaError, TimeAhead, UnknownRecord
from service.storage.checkpoints import CheckpointFile
from service.storage.engine import Store
from service.storage.schema import migrate
from service.usecases.check import KeyRing
from service.usecases.create_log import DEFAULT_POLICY, LogExists, create_log, sign_genesis
from service.usecases.open_log import open_log
from service.usecases.receipts import cosigned_checkpoint, read_receipt
from tests.support.server import SIGNER, database_url, dump
from tests.support.world import ORIGIN, REGISTRAR, START, key_of

pytestmark = pytest.mark.usefixtures("engine")

NOW = START * 1000


class Dying(CheckpointFile):
    """The process dies when the file is made."""

    def create(self) -> None:
        raise KeyboardInterrupt


def empty_store(folder: Path) -> Store:
    store = Store(database_url(folder))
    migrate(store)
    return store


def genesis(now: int = START) -> SignedRecord:
    return sign_genesis(ORIGIN, "Test", REGISTRAR, key_of(REGISTRAR), country="BE", now=now, policy=DEFAULT_POLICY)


def test_log_is_created_once(tmp_path: Path) -> None:
    store, file = empty_store(tmp_path), CheckpointFile(tmp_path / "signed-checkpoints")
    created = create_log(store, file, SIGNER, genesis(), now=NOW)
    assert (created.status, created.index, created.logged) == ("created", 0, NOW)
    before = dump(store, ["head", "entries"])
    with pytest.raises(LogExists):
        create_log(store, file, SIGNER, genesis(), now=NOW + 1)
    assert dump(store, ["head", "entries"]) == before
    store.close()


def test_crash_before_the_genesis_is_healed_by_another_run(tmp_path: Path) -> None:
    store = empty_store(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        create_log(store, Dying(tmp_path / "signed-checkpoints"), SIGNER, genesis(), now=NOW)
    file = CheckpointFile(tmp_path / "signed-checkpoints")
    assert create_log(store, file, SIGNER, genesis(), now=NOW).index == 0
    assert open_log(store, file, SIGNER, KeyRing()).head.size == 1
    file.close()
    store.close()


def test_refused_genesis_can_be_sent_again(tmp_path: Path) -> None:
    store, file = empty_store(tmp_path), CheckpointFile(tmp_path / "signed-checkpoints")
    with pytest.raises(TimeAhead):
        create_log(store, file, SIGNER, genesis(START + 10**6), now=NOW)
    assert dump(store, ["entries"]) == {"entries": []}
    assert create_log(store, file, SIGNER, genesis(), now=NOW).status == "created"
    store.close()


def test_genesis_must_fit_its_schema() -> None:
    with pytest.raises(SchemaError):
        sign_genesis(ORIGIN, "Test", "", key_of("x"), country="BE", now=START, policy=DEFAULT_POLICY)


def test_receipts_need_an_entry(tmp_path: Path) -> None:
    store, file = empty_store(tmp_path), CheckpointFile(tmp_path / "signed-checkpoints")
    with store.reading() as conn, pytest.raises(UnknownRecord):
        cosigned_checkpoint(conn)
    create_log(store, file, SIGNER, genesis(), now=NOW)
    assert read_receipt(store, 0).startswith("c2sp.org/tlog-proof@v1\nindex 0\n\n")
    for index in (-1, 1, 2**62):
        with pytest.raises(UnknownRecord):
            read_receipt(store, index)
    store.close()
