"""Reads of entries: one by record id, those about subjects, statements by kind, disclosures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, text

from service.storage.id_index import find_entries
from service.storage.read_subjects import numbers


class EntryFound(NamedTuple):
    """An entry and its index; moved: it moved the head of the subject that was asked for."""

    seq: int
    entry: bytes
    moved: bool = True


def find_records(conn: Connection, record_ids: Collection[str]) -> dict[str, EntryFound]:
    """The entries of these records (64 hex digits each), as far as the log has them."""
    return {one: EntryFound(seq, entry) for one, (seq, entry) in find_entries(conn, record_ids).items()}


_HISTORY: Final = text(
    "SELECT e.seq, e.entry, r.moved FROM subject_records r JOIN entries e ON e.seq = r.seq "
    "WHERE r.subject = :subject AND r.seq > :after ORDER BY r.seq LIMIT :limit"
)


def list_history(conn: Connection, subject: int, *, after: int, limit: int) -> list[EntryFound]:
    """A page of the records about one subject, oldest first."""
    rows = conn.execute(_HISTORY, {"subject": subject, "after": after, "limit": limit})
    return [EntryFound(seq, bytes(entry), bool(moved)) for seq, entry, moved in rows]


_ABOUT: Final = text(
    "SELECT DISTINCT e.seq, e.entry FROM subject_records r JOIN subjects s ON s.num = r.subject "
    "JOIN entries e ON e.seq = r.seq WHERE s.id IN :ids AND r.moved = :moved LIMIT :limit"
).bindparams(bindparam("ids", expanding=True))


def records_about(conn: Connection, subjects: Collection[str], *, moved: bool, limit: int) -> dict[int, bytes]:
    """Entries that moved a head of these subjects, or (not moved) that are evidence about them."""
    if not subjects:
        return {}
    rows = conn.execute(_ABOUT, {"ids": list(subjects), "moved": moved, "limit": limit})
    return {seq: bytes(entry) for seq, entry in rows}


_LOTS: Final = text(
    "SELECT r.seq, s.num FROM subject_records r JOIN subjects s ON s.num = r.subject "
    "WHERE r.seq IN :seqs AND s.kind = 'lot' ORDER BY r.seq, s.num"
).bindparams(numbers("seqs"))


def lots_of_entries(conn: Connection, seqs: Collection[int]) -> dict[int, list[int]]:
    """For each entry that is about lots, their numbers, ascending."""
    found: dict[int, list[int]] = {}
    for seq, num in conn.execute(_LOTS, {"seqs": list(seqs)}) if seqs else ():
        found.setdefault(seq, []).append(num)
    return found


class StatementFilter(NamedTuple):
    """What a list of attestations or incidents is narrowed to; subject and issuer by number."""

    type: str
    kind: str | None = None
    status: str | None = None
    issuer: int | None = None
    subject: int | None = None


def list_statements(conn: Connection, chosen: StatementFilter, *, after: int, limit: int) -> list[EntryFound]:
    """A page of attestations or incidents in log order."""
    values: dict[str, str | int] = {"type": chosen.type, "after": after, "limit": limit}
    where = ""
    for column, value in (("kind", chosen.kind), ("status", chosen.status), ("issuer", chosen.issuer)):
        if value is not None:
            values[column] = value
            where += f" AND t.{column} = :{column}"
    joined = ""
    if chosen.subject is not None:
        values["subject"] = chosen.subject
        joined = "JOIN subject_records r ON r.seq = t.seq AND r.subject = :subject AND r.seq > :after "
    rows = conn.execute(
        text(
            f"SELECT t.seq, e.entry FROM statements t {joined}JOIN entries e ON e.seq = t.seq "  # noqa: S608  # constants
            f"WHERE t.type = :type AND t.seq > :after{where} ORDER BY t.seq LIMIT :limit"
        ),
        values,
    )
    return [EntryFound(seq, bytes(entry), moved=False) for seq, entry in rows]


_DISCLOSURES: Final = text("SELECT seq, digest, text FROM disclosures WHERE seq IN :seqs").bindparams(numbers("seqs"))


def read_disclosures(conn: Connection, seqs: Collection[int]) -> Mapping[int, dict[str, str | None]]:
    """For each entry its disclosures by digest; None where one was erased."""
    found: dict[int, dict[str, str | None]] = {}
    rows = conn.execute(_DISCLOSURES, {"seqs": list(seqs)}) if seqs else ()
    for seq, digest, disclosure in rows:
        found.setdefault(seq, {})[digest] = disclosure
    return found


_STILL_THERE: Final = text(
    "SELECT COUNT(*) FROM disclosures WHERE seq = :seq AND digest IN :digests AND text IS NOT NULL"
).bindparams(bindparam("digests", expanding=True))
_ERASE: Final = text(
    "INSERT INTO disclosures (seq, digest, text) VALUES (:seq, :digest, NULL) "
    "ON CONFLICT (seq, digest) DO UPDATE SET text = NULL"
)


def erase_disclosures(conn: Connection, seq: int, digests: Collection[str]) -> int:
    """Forget the texts of these disclosures of an entry, also of those never handed in; how many were there.

    SQLite overwrites what it frees; the pages that its write-ahead log still holds go with `Store.scrub`.
    """
    if not digests:
        return 0
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA secure_delete = ON")
    erased = int(conn.execute(_STILL_THERE, {"seq": seq, "digests": list(digests)}).scalar_one())
    conn.execute(_ERASE, [{"seq": seq, "digest": digest} for digest in sorted(digests)])
    return erased
