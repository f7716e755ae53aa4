"""Starting a log: its empty head, its file of checkpoints, and its first record, the genesis."""

from __future__ import annotations

from ledger.custody.events import check_schema
from ledger.encoding import format_time
from ledger.envelope import SignedRecord, sign_record
from ledger.errors import LedgerError
from ledger.keys import PrivateKey
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.note import Ed25519Signer, format_vkey
from service.storage.checkpoints import CheckpointFile
from service.storage.engine import Store
from service.storage.head import Head, insert_head, insert_meta, read_head
from service.storage.schema import current_step
from service.usecases.check import KeyRing, check_presentation
from service.usecases.open_log import open_log
from service.usecases.submit import Outcome, Submission

DEFAULT_POLICY = {
    "tolerance": {"mass": "0.5", "metal": "2", "receipt": "1"},
    "skew": 300,
    "entries": "members",
}
"""Percent of mass and of contained metal that a process may gain, of mass that a receipt may differ; seconds."""


class LogExists(Exception):
    """The database holds a log with records already."""


def sign_genesis(
    origin: str, name: str, registrar: str, key: PrivateKey, *, country: str, now: int, policy: dict[str, object]
) -> SignedRecord:
    """The first record of a log, signed by its registrar; now: seconds. Raises SchemaError and others of the format."""
    payload = {
        "iss": registrar,
        "aud": origin,
        "iat": now,
        "type": "genesis",
        "time": format_time(now),
        "prev": {},
        "body": {
            "origin": origin,
            "name": name,
            "registrar": {"id": registrar, "country": country, "keys": [key.public.jwk()]},
            "policy": policy,
        },
    }
    check_schema(payload)  # before there is a key under a name that cannot be one
    return sign_record(payload, key)


def refuse_second_log(store: Store) -> None:
    """Raise LogExists when the database, of whatever step, holds a log with records."""
    with store.reading() as conn:
        head = read_head(conn) if current_step(conn) is not None else None
    if head is not None and head.size:
        raise LogExists("The database holds a log already: nothing was changed.")


def create_log(
    store: Store, file: CheckpointFile, signer: Ed25519Signer, genesis: SignedRecord, *, now: int
) -> Outcome:
    """Begin the log of `signer` with this genesis; now: ms. Run again after a crash, it goes on where it was.

    The database is migrated already. Raises LogExists, LedgerError when the genesis is refused.
    """
    candidate = check_presentation(genesis.text, lambda _: None)
    with store.writing() as conn:
        head = read_head(conn)
        if head is not None and head.size:
            raise LogExists("The database holds a log already: nothing was changed.")
        if head is None:
            checkpoint = sign_checkpoint(Checkpoint(signer.name, 0, EMPTY_ROOT), [signer])
            insert_head(conn, Head(0, EMPTY_ROOT, 0, 0, checkpoint))
            insert_meta(conn, "origin", signer.name)
            insert_meta(conn, "vkey", format_vkey(signer.verifier))
    file.create()
    book = open_log(store, file, signer, KeyRing())
    (sequenced,) = book.submit([Submission([candidate])], now)
    file.close()
    (outcome,) = sequenced.outcomes
    if isinstance(outcome.error, LedgerError):
        raise outcome.error
    return outcome
