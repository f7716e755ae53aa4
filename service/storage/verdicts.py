"""Verdicts as they were signed: written once, read by id, and gone when what they tell of is erased."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, text


class VerdictFound(NamedTuple):
    """A stored verdict. claimant: participant id of who asked; created: seconds; envelope: canonical JSON."""

    id: str
    subject: str
    claimant: str
    answer: str
    created: int
    envelope: str


_ADD: Final = text(
    "INSERT INTO verdicts (id, claimant, subject, answer, created, envelope) "
    "VALUES (:id, :claimant, :subject, :answer, :created, :envelope) ON CONFLICT (id, claimant) DO NOTHING"
)
_NAME: Final = text(
    "INSERT INTO verdict_records (record, verdict) VALUES (:record, :verdict) ON CONFLICT (record, verdict) DO NOTHING"
)


def add_verdict(conn: Connection, verdict: VerdictFound, records: list[str]) -> bool:
    """Store a verdict and which records with disclosures it was made from; whether it is new for its claimant."""
    added = conn.execute(_ADD, verdict._asdict()).rowcount == 1
    if added and records:
        conn.execute(_NAME, [{"record": record, "verdict": verdict.id} for record in records])
    return added


_FIND: Final = text(
    "SELECT id, subject, claimant, answer, created, envelope FROM verdicts WHERE id = :id ORDER BY claimant"
)


def find_verdicts(conn: Connection, verdict_id: str) -> list[VerdictFound]:
    """The verdict with this id, once for everybody who asked for it."""
    return [VerdictFound(*row) for row in conn.execute(_FIND, {"id": verdict_id})]


_LIST: Final = (
    "SELECT id, subject, claimant, answer, created, '' FROM verdicts WHERE {chosen}created <= :created "
    "AND (created < :created OR id > :after) ORDER BY created DESC, id LIMIT :limit"
)


def list_verdicts(
    conn: Connection, claimant: str, *, everybody: bool, subject: str, created: int, after: str, limit: int
) -> list[VerdictFound]:
    """Verdicts, newest first, without their envelopes, from a place on; those of one claimant, or everybody's."""
    given = {} if everybody else {"claimant": claimant}
    if subject:
        given["subject"] = subject
    statement = text(_LIST.format(chosen="".join(f"{column} = :{column} AND " for column in given)))
    rows = conn.execute(statement, {**given, "created": created, "after": after, "limit": limit})
    return [VerdictFound(*row) for row in rows]


_RESTING: Final = text("SELECT verdict FROM verdict_records WHERE record = :record")
_FORGET: Final = text("DELETE FROM verdicts WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
_UNNAME: Final = text("DELETE FROM verdict_records WHERE verdict IN :ids").bindparams(bindparam("ids", expanding=True))


def forget_verdicts(conn: Connection, record: str) -> int:
    """Delete the verdicts that were made from what this record disclosed; how many there were."""
    ids = list(conn.execute(_RESTING, {"record": record}).scalars())
    if not ids:
        return 0
    conn.execute(_UNNAME, {"ids": ids})
    return conn.execute(_FORGET, {"ids": ids}).rowcount
