"""The rows, and nothing but the rows.

Only those of `kept_tables.py` (`KEPT`) hold what cannot be computed again. All the others (`DERIVED`)
are an index over the entries: they can be dropped and rebuilt by replay at any time, and then hold the
same bytes.

Subjects (lots, sites, participants, the log itself) have a number, given in the order in which the
log creates them. Every other table speaks of them by number: a quarter of the space of text ids,
and because nothing is made from what does not exist yet, a lot's number is larger than those of
all the lots it was made from (number order is a topological order of the lot graph).

The declarations serve migrations, tests and reads of single rows. Appends and lists go through
compiled positional SQL (`service.storage.sql`): the object mapper would cost more per record than
checking its signature.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from service.storage.columns import BIG as BIG
from service.storage.columns import BY_KEY, column, key
from service.storage.kept_tables import KEPT as KEPT


class TileRow(SQLModel, table=True):
    """Hash tile `n` of `level`: its 1..256 hashes side by side, as C2SP tlog-tiles serves them."""

    __tablename__ = "tiles"

    level: int = Field(sa_column=key(SmallInteger))
    n: int = Field(sa_column=key(BIG))
    hashes: bytes = Field(sa_column=column(LargeBinary))


class RecordIdRow(SQLModel, table=True):
    """Where a record is: first 8 bytes of its id (signed, big endian) -> seq. The newest are in the tiles below.

    Not unique, and not the whole hash: the entry found is hashed again by whoever looks it up.
    """

    __tablename__ = "record_ids"
    __table_args__ = (BY_KEY,)

    prefix: int = Field(sa_column=key(BIG))
    seq: int = Field(sa_column=key(BIG))


class IdTileRow(SQLModel, table=True):
    """First 8 bytes of each id of the records from number 1024 n on, up to 1,024 (`service.storage.id_index`)."""

    __tablename__ = "id_tiles"

    n: int = Field(sa_column=key(BIG))
    ids: bytes = Field(sa_column=column(LargeBinary))


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

    num: int = Field(sa_column=key(BIG))
    id: str = Field(sa_column=column(Text))
    kind: str = Field(sa_column=column(Text))
    status: str = Field(sa_column=column(Text))
    seq: int = Field(sa_column=column(BigInteger))
    holder: int | None = Field(default=None, sa_column=column(BigInteger, nullable=True))
    consignee: int | None = Field(default=None, sa_column=column(BigInteger, nullable=True))
    mineral: str | None = Field(default=None, sa_column=column(Text, nullable=True))
    country: str | None = Field(default=None, sa_column=column(Text, nullable=True))
    data: str = Field(sa_column=column(Text))


class SubjectRecordRow(SQLModel, table=True):
    """Every record about a subject; `moved` when it moved the subject's head, else evidence."""

    __tablename__ = "subject_records"
    __table_args__ = (Index("subject_records_seq", "seq", "subject"), BY_KEY)

    subject: int = Field(sa_column=key(BIG))
    seq: int = Field(sa_column=key(BIG))
    moved: bool = Field(sa_column=column(Boolean))


class KeyRow(SQLModel, table=True):
    """A key that was ever enrolled; valid_from: a time, or "" for at once; seq: the entry that last changed it."""

    __tablename__ = "keys"
    __table_args__ = (Index("keys_participant", "participant"),)

    kid: str = Field(sa_column=key(Text))
    participant: int = Field(sa_column=column(BigInteger))
    jwk: str = Field(sa_column=column(Text))
    valid_from: str = Field(sa_column=column(Text))
    revoked: bool = Field(sa_column=column(Boolean))
    seq: int = Field(sa_column=column(BigInteger))


class TagRow(SQLModel, table=True):
    """A tag number on a live lot. The row goes when the lot closes or loses the tag."""

    __tablename__ = "tags"
    __table_args__ = (BY_KEY,)

    tag: str = Field(sa_column=key(Text))
    lot: int = Field(sa_column=column(BigInteger))


class EdgeRow(SQLModel, table=True):
    """Lot `child` was made from `mass` kg (decimal string) of lot `parent` by record `seq`.

    moisture, assay: of the parent then, in % and as canonical JSON.
    """

    __tablename__ = "edges"
    __table_args__ = (Index("edges_down", "parent", "child"), BY_KEY)

    child: int = Field(sa_column=key(BIG))
    parent: int = Field(sa_column=key(BIG))
    mass: str = Field(sa_column=column(Text))
    seq: int = Field(sa_column=column(BigInteger))
    moisture: str = Field(sa_column=column(Text))
    assay: str = Field(sa_column=column(Text))


class LotOriginRow(SQLModel, table=True):
    """At which site a lot came into being: extracted where `model` is NULL, else made under that custody model."""

    __tablename__ = "lot_origins"
    __table_args__ = (BY_KEY,)

    lot: int = Field(sa_column=key(BIG))
    site: int = Field(sa_column=column(BigInteger))
    model: str | None = Field(default=None, sa_column=column(Text, nullable=True))


class LotPartyRow(SQLModel, table=True):
    """Who holds, held, sent or is about to receive a lot, since which record and in which month (since the year 0)."""

    __tablename__ = "lot_parties"
    __table_args__ = (Index("lot_parties_lot", "lot", "participant"), BY_KEY)

    participant: int = Field(sa_column=key(BIG))
    lot: int = Field(sa_column=key(BIG))
    seq: int = Field(sa_column=column(BigInteger))
    month: int = Field(sa_column=column(Integer))


class ProductionRow(SQLModel, table=True):
    """What was extracted or made at a site in a month (since the year 0): an extract under that in which its period
    begins, a correction of it (`correct`) there as well, a transform under that of its time."""

    __tablename__ = "production"
    __table_args__ = (BY_KEY,)

    site: int = Field(sa_column=key(BIG))
    month: int = Field(sa_column=key(Integer))
    seq: int = Field(sa_column=key(BIG))
    type: str = Field(sa_column=column(Text))


class SiteStatusRow(SQLModel, table=True):
    """A status set for a mine in this ISO 3166-2 subdivision, as registered then; or a correction of such a record."""

    __tablename__ = "site_statuses"
    __table_args__ = (Index("site_statuses_seq", "seq"), BY_KEY)

    subdivision: str = Field(sa_column=key(Text))
    seq: int = Field(sa_column=key(BIG))


class StatementRow(SQLModel, table=True):
    """An attestation or incident: what kind, by whom. What it is about stands in subject_records."""

    __tablename__ = "statements"
    __table_args__ = (
        Index("statements_kind", "type", "kind", "seq"),
        Index("statements_type", "type", "seq"),
        Index("statements_issuer", "issuer", "type", "seq"),
    )

    seq: int = Field(sa_column=key(BIG))
    type: str = Field(sa_column=column(Text))
    kind: str = Field(sa_column=column(Text))
    status: str | None = Field(default=None, sa_column=column(Text, nullable=True))
    issuer: int = Field(sa_column=column(BigInteger))


METADATA: Final = SQLModel.metadata

DERIVED: Final[tuple[str, ...]] = (
    "tiles",
    "record_ids",
    "id_tiles",
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
