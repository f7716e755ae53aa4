"""The rows, and nothing but the rows.

Only the log, what came beside it and the operator's reference data (`KEPT`) hold what cannot be
computed again. All the others (`DERIVED`) are an index over the entries: they can be
dropped and rebuilt by replay at any time, and then hold the same bytes.

Subjects (lots, sites, participants, the log itself) have a number, given in the order in which the
log creates them. Every other table speaks of them by number: a quarter of the space of text ids,
and because nothing is made from what does not exist yet, a lot's number is larger than those of
all the lots it was made from (number order is a topological order of the lot graph).

The declarations serve migrations, tests and reads of single rows. Appends and lists go through
compiled positional SQL (`service.storage.sql`): the object mapper would cost more per record than
checking its signature.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

# SQLite makes only an INTEGER key the row's own address; PostgreSQL wants the width spelt out.
BIG: Final = BigInteger().with_variant(Integer, "sqlite")

# Small rows found by their whole key live in the key's own tree on SQLite: half the pages.
BY_KEY: Final = {"sqlite_with_rowid": False}


def _key(kind: Any) -> Column[Any]:
    """A column of the primary key, never chosen by the database."""
    return Column(kind, primary_key=True, autoincrement=False)


def _column(kind: Any, *, nullable: bool = False) -> Column[Any]:
    return Column(kind, nullable=nullable)


class MetaRow(SQLModel, table=True):
    """Facts of this installation: `origin`, `vkey`, `format`."""

    __tablename__ = "meta"

    name: str = Field(sa_column=_key(Text))
    value: str = Field(sa_column=_column(Text))


class HeadRow(SQLModel, table=True):
    """The one row that says where the log stands. Changed only by compare-and-swap on (size, root).

    logged: ms of the newest entry; subjects: how many subject numbers are given away;
    checkpoint: the signed note of exactly this size and root.
    """

    __tablename__ = "head"
    __table_args__ = (CheckConstraint("id = 1", name="one_head"),)

    id: int = Field(sa_column=_key(SmallInteger))
    size: int = Field(sa_column=_column(BigInteger))
    root: bytes = Field(sa_column=_column(LargeBinary))
    logged: int = Field(sa_column=_column(BigInteger))
    subjects: int = Field(sa_column=_column(BigInteger))
    checkpoint: str = Field(sa_column=_column(Text))


class EntryRow(SQLModel, table=True):
    """The log: entry `seq` (from 0) as the exact bytes that were checked. No UPDATE, no DELETE."""

    __tablename__ = "entries"

    seq: int = Field(sa_column=_key(BIG))
    entry: bytes = Field(sa_column=_column(LargeBinary))


class DisclosureRow(SQLModel, table=True):
    """A disclosure that came beside record `seq`; `text` is NULL once it was erased, for good."""

    __tablename__ = "disclosures"

    seq: int = Field(sa_column=_key(BIG))
    digest: str = Field(sa_column=_key(Text))
    text: str | None = Field(default=None, sa_column=_column(Text, nullable=True))


class GrantRow(SQLModel, table=True):
    """A custodian's leave to read one lot; `jws` is what the custodian signed."""

    __tablename__ = "grants"
    __table_args__ = (Index("grants_lot_grantee", "lot", "grantee"), Index("grants_grantee", "grantee"))

    jti: str = Field(sa_column=_key(Text))
    lot: str = Field(sa_column=_column(Text))
    issuer: str = Field(sa_column=_column(Text))
    grantee: str = Field(sa_column=_column(Text))
    disclosures: bool = Field(sa_column=_column(Boolean))
    issued: int = Field(sa_column=_column(BigInteger))
    expires: int = Field(sa_column=_column(BigInteger))
    revoked: int | None = Field(default=None, sa_column=_column(BigInteger, nullable=True))
    jws: str = Field(sa_column=_column(Text))


class NonceRow(SQLModel, table=True):
    """A login token's `jti`, kept until the token expires: each is good for one request."""

    __tablename__ = "nonces"
    __table_args__ = (Index("nonces_expires", "expires"),)

    issuer: str = Field(sa_column=_key(Text))
    jti: str = Field(sa_column=_key(Text))
    expires: int = Field(sa_column=_column(BigInteger))


class CosignatureRow(SQLModel, table=True):
    """A witness's signature line on the checkpoint of `size`, as it came."""

    __tablename__ = "cosignatures"

    size: int = Field(sa_column=_key(BIG))
    witness: str = Field(sa_column=_key(Text))
    time: int = Field(sa_column=_column(BigInteger))
    line: str = Field(sa_column=_column(Text))


class VerdictRow(SQLModel, table=True):
    """A signed verdict as it was given to `claimant` (participant id); `envelope` is its canonical JSON."""

    __tablename__ = "verdicts"
    __table_args__ = (Index("verdicts_claimant", "claimant", "created"), Index("verdicts_created", "created"))

    id: str = Field(sa_column=_key(Text))
    claimant: str = Field(sa_column=_key(Text))
    subject: str = Field(sa_column=_column(Text))
    answer: str = Field(sa_column=_column(Text))
    created: int = Field(sa_column=_column(BigInteger))
    envelope: str = Field(sa_column=_column(Text))


class VerdictRecordRow(SQLModel, table=True):
    """A verdict was made from what record `record` (id) disclosed: it goes when that is erased."""

    __tablename__ = "verdict_records"
    __table_args__ = (BY_KEY,)

    record: str = Field(sa_column=_key(Text))
    verdict: str = Field(sa_column=_key(Text))


class ReferenceFileRow(SQLModel, table=True):
    """A file of reference data as it came; digest: hex SHA-256 of its bytes. No UPDATE, no DELETE."""

    __tablename__ = "reference_files"

    digest: str = Field(sa_column=_key(Text))
    data: bytes = Field(sa_column=_column(LargeBinary))


class ReferenceSnapshotRow(SQLModel, table=True):
    """Which file a data set had on the day `published`; loaded: seconds since the epoch. No UPDATE, no DELETE."""

    __tablename__ = "reference_snapshots"

    dataset: str = Field(sa_column=_key(Text))
    published: str = Field(sa_column=_key(Text))
    digest: str = Field(sa_column=_column(Text))
    source: str = Field(sa_column=_column(Text))
    loaded: int = Field(sa_column=_column(BigInteger))
    rows: int = Field(sa_column=_column(Integer))
    left_out: int = Field(sa_column=_column(Integer))


class TileRow(SQLModel, table=True):
    """Hash tile `n` of `level`: its 1..256 hashes side by side, as C2SP tlog-tiles serves them."""

    __tablename__ = "tiles"

    level: int = Field(sa_column=_key(SmallInteger))
    n: int = Field(sa_column=_key(BIG))
    hashes: bytes = Field(sa_column=_column(LargeBinary))


class RecordIdRow(SQLModel, table=True):
    """Where a record is: first 8 bytes of its id (signed, big endian) -> seq.

    Not unique, and not the whole hash: the entry found is hashed again by whoever looks it up.
    """

    __tablename__ = "record_ids"
    __table_args__ = (BY_KEY,)

    prefix: int = Field(sa_column=_key(BIG))
    seq: int = Field(sa_column=_key(BIG))


class SubjectRow(SQLModel, table=True):
    """The newest state of a subject: `data` is its canonical JSON, the rest serves lists.

    kind: participant | site | lot | log; seq: entry of the record that is its head; holder: of a
    lot its custodian, of a site its operator (both by number).
    """

    __tablename__ = "subjects"
    __table_args__ = (
        UniqueConstraint("id", name="subjects_id"),
        Index(
            "subjects_few", "kind", "num", sqlite_where=text("kind <> 'lot'"), postgresql_where=text("kind <> 'lot'")
        ),
    )

    num: int = Field(sa_column=_key(BIG))
    id: str = Field(sa_column=_column(Text))
    kind: str = Field(sa_column=_column(Text))
    status: str = Field(sa_column=_column(Text))
    seq: int = Field(sa_column=_column(BigInteger))
    holder: int | None = Field(default=None, sa_column=_column(BigInteger, nullable=True))
    consignee: int | None = Field(default=None, sa_column=_column(BigInteger, nullable=True))
    mineral: str | None = Field(default=None, sa_column=_column(Text, nullable=True))
    country: str | None = Field(default=None, sa_column=_column(Text, nullable=True))
    data: str = Field(sa_column=_column(Text))


class SubjectRecordRow(SQLModel, table=True):
    """Every record about a subject; `moved` when it moved the subject's head, else evidence."""

    __tablename__ = "subject_records"
    __table_args__ = (Index("subject_records_seq", "seq", "subject"), BY_KEY)

    subject: int = Field(sa_column=_key(BIG))
    seq: int = Field(sa_column=_key(BIG))
    moved: bool = Field(sa_column=_column(Boolean))


class KeyRow(SQLModel, table=True):
    """A key that was ever enrolled; valid_from: a time, or "" for at once; seq: the entry that last changed it."""

    __tablename__ = "keys"
    __table_args__ = (Index("keys_participant", "participant"),)

    kid: str = Field(sa_column=_key(Text))
    participant: int = Field(sa_column=_column(BigInteger))
    jwk: str = Field(sa_column=_column(Text))
    valid_from: str = Field(sa_column=_column(Text))
    revoked: bool = Field(sa_column=_column(Boolean))
    seq: int = Field(sa_column=_column(BigInteger))


class TagRow(SQLModel, table=True):
    """A tag number on a live lot. The row goes when the lot closes or loses the tag."""

    __tablename__ = "tags"
    __table_args__ = (BY_KEY,)

    tag: str = Field(sa_column=_key(Text))
    lot: int = Field(sa_column=_column(BigInteger))


class EdgeRow(SQLModel, table=True):
    """Lot `child` was made from `mass` kg (decimal string) of lot `parent` by record `seq`.

    moisture, assay: of the parent then, in % and as canonical JSON.
    """

    __tablename__ = "edges"
    __table_args__ = (Index("edges_down", "parent", "child"), BY_KEY)

    child: int = Field(sa_column=_key(BIG))
    parent: int = Field(sa_column=_key(BIG))
    mass: str = Field(sa_column=_column(Text))
    seq: int = Field(sa_column=_column(BigInteger))
    moisture: str = Field(sa_column=_column(Text))
    assay: str = Field(sa_column=_column(Text))


class LotOriginRow(SQLModel, table=True):
    """At which site a lot came into being: extracted where `model` is NULL, else made under that custody model."""

    __tablename__ = "lot_origins"
    __table_args__ = (BY_KEY,)

    lot: int = Field(sa_column=_key(BIG))
    site: int = Field(sa_column=_column(BigInteger))
    model: str | None = Field(default=None, sa_column=_column(Text, nullable=True))


class LotPartyRow(SQLModel, table=True):
    """Who holds, held, sent or is about to receive a lot, since which record and in which month (since the year 0)."""

    __tablename__ = "lot_parties"
    __table_args__ = (Index("lot_parties_lot", "lot", "participant"), BY_KEY)

    participant: int = Field(sa_column=_key(BIG))
    lot: int = Field(sa_column=_key(BIG))
    seq: int = Field(sa_column=_column(BigInteger))
    month: int = Field(sa_column=_column(Integer))


class ProductionRow(SQLModel, table=True):
    """What was extracted or made at a site in a month (since the year 0): an extract under that in which its period
    begins, a correction of it (`correct`) there as well, a transform under that of its time."""

    __tablename__ = "production"
    __table_args__ = (BY_KEY,)

    site: int = Field(sa_column=_key(BIG))
    month: int = Field(sa_column=_key(Integer))
    seq: int = Field(sa_column=_key(BIG))
    type: str = Field(sa_column=_column(Text))


class SiteStatusRow(SQLModel, table=True):
    """A status set for a mine in this ISO 3166-2 subdivision, as registered then; or a correction of such a record."""

    __tablename__ = "site_statuses"
    __table_args__ = (Index("site_statuses_seq", "seq"), BY_KEY)

    subdivision: str = Field(sa_column=_key(Text))
    seq: int = Field(sa_column=_key(BIG))


class StatementRow(SQLModel, table=True):
    """An attestation or incident: what kind, by whom. What it is about stands in subject_records."""

    __tablename__ = "statements"
    __table_args__ = (Index("statements_kind", "type", "kind", "seq"),)

    seq: int = Field(sa_column=_key(BIG))
    type: str = Field(sa_column=_column(Text))
    kind: str = Field(sa_column=_column(Text))
    status: str | None = Field(default=None, sa_column=_column(Text, nullable=True))
    issuer: int = Field(sa_column=_column(BigInteger))


METADATA: Final = SQLModel.metadata

DERIVED: Final[tuple[str, ...]] = (
    "tiles",
    "record_ids",
    "subjects",
    "subject_records",
    "keys",
    "tags",
    "edges",
    "lot_origins",
    "lot_parties",
    "production",
    "site_statuses",
    "statements",
)
"""Tables that `lodeline-server rebuild` drops and fills again from the entries."""

KEPT: Final[tuple[str, ...]] = (
    "meta",
    "head",
    "entries",
    "disclosures",
    "grants",
    "nonces",
    "cosignatures",
    "reference_files",
    "reference_snapshots",
    "verdicts",
    "verdict_records",
)
"""Tables whose rows cannot be computed from others."""
