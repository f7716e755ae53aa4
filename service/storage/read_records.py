"""Reads of entries: one by record id, those about subjects, statements by kind, disclosures.

A row of `entries` is `<ms> <jws>`; the index by record id holds eight bytes of it, so whoever is
found is hashed again before it is believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, text

from service.storage.read_subjects import numbers


class EntryFound(NamedTuple):
    """An entry and its index; moved: it moved the head of the subject that was asked for."""

    seq: int
    entry: bytes
    moved: bool = True


def split_entry(entry: bytes) -> tuple[int, bytes]:
    """(ms since the epoch, compact JWS) of an entry."""
    logged, _, jws = bytes(entry).partition(b" ")
    return int(logged), jws


def _prefix(record_id: str) -> int:
    return int.from_bytes(bytes.fromhex(record_id[:16]), "big", signed=True)


_BY_PREFIX: Final = text(
    "SELECT e.seq, e.entry FROM record_ids r JOIN entries e ON e.seq = r.seq WHERE r.prefix IN :prefixes"
).bindparams(numbers("prefixes"))


def find_records(conn: Connection, record_ids: Collection[str]) -> dict[str, EntryFound]:
    """The entries of these records (64 hex digits each), as far as the log has them."""
    wanted = set(record_ids)
    rows = conn.execute(_BY_PREFIX, {"prefixes": [_prefix(one) for one in wanted]}) if wanted else ()
    found: dict[str, EntryFound] = {}
    for seq, entry in rows:
        record_id = hashlib.sha256(split_entry(entry)[1]).hexdigest()
        if record_id in wanted:
            found[record_id] = EntryFound(seq, bytes(entry))
    return found


_ENTRIES: Final = text("SELECT seq, entry FROM entries WHERE seq >= :first AND seq < :past ORDER BY seq")


def read_entries(conn: Connection, first: int, past: int) -> list[bytes]:
    """Entries `first` (included) to `past` (excluded), as far as the log has them."""
    return [bytes(entry) for _, entry in conn.execute(_ENTRIES, {"first": first, "past": past})]


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
        joined = "JOIN subject_records r ON r.seq = t.seq AND r.subject = :subject "
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


_ERASE: Final = text("UPDATE disclosures SET text = NULL WHERE seq = :seq AND text IS NOT NULL")
_ERASE_ONE: Final = text(
    "UPDATE disclosures SET text = NULL WHERE seq = :seq AND digest = :digest AND text IS NOT NULL"
)


def erase_disclosures(conn: Connection, seq: int, digest: str | None = None) -> int:
    """Forget the text of one disclosure of an entry, or of all; how many were still there."""
    if digest is None:
        return int(conn.execute(_ERASE, {"seq": seq}).rowcount)
    return int(conn.execute(_ERASE_ONE, {"seq": seq, "digest": digest}).rowcount)
