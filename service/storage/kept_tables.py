"""Rows that cannot be computed from others: the log, what came beside it, reference data, verdicts."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, LargeBinary, SmallInteger, Text
from sqlmodel import Field, SQLModel

from service.storage import anchor_tables as anchor_tables
from service.storage.columns import BIG, BY_KEY, column, key


class MetaRow(SQLModel, table=True):
    """Facts of this installation: `origin`, `vkey`, `format`."""

    __tablename__ = "meta"

    name: str = Field(sa_column=key(Text))
    value: str = Field(sa_column=column(Text))


class HeadRow(SQLModel, table=True):
    """The one row that says where the log stands. Changed only by compare-and-swap on (size, root).

    logged: ms of the newest entry; subjects: how many subject numbers are given away;
    checkpoint: the signed note of exactly this size and root.
    """

    __tablename__ = "head"
    __table_args__ = (CheckConstraint("id = 1", name="one_head"),)

    id: int = Field(sa_column=key(SmallInteger))
    size: int = Field(sa_column=column(BigInteger))
    root: bytes = Field(sa_column=column(LargeBinary))
    logged: int = Field(sa_column=column(BigInteger))
    subjects: int = Field(sa_column=column(BigInteger))
    checkpoint: str = Field(sa_column=column(Text))


class LeaseRow(SQLModel, table=True):
    """The one row that says which process sequences. Changed only by compare-and-swap on (epoch, renewed).

    epoch: raised by every take-over, and checked by every append; holder: a process, by an id of its own; address,
    certificate, secret: where the others hand their records to it, and how the two know each other; renewed, taken:
    ms by the database's clock, renewed 0 once it was let go; silent: ms from the last renewal before to the take-over.
    """

    __tablename__ = "lease"
    __table_args__ = (CheckConstraint("id = 1", name="one_lease"),)

    id: int = Field(sa_column=key(SmallInteger))
    epoch: int = Field(sa_column=column(BigInteger))
    holder: str = Field(sa_column=column(Text))
    address: str = Field(sa_column=column(Text))
    certificate: str = Field(sa_column=column(Text))
    secret: str = Field(sa_column=column(Text))
    renewed: int = Field(sa_column=column(BigInteger))
    taken: int = Field(sa_column=column(BigInteger))
    silent: int = Field(sa_column=column(BigInteger))


class EntryRow(SQLModel, table=True):
    """The log: entry `seq` (from 0) as the exact bytes that were checked. No UPDATE, no DELETE."""

    __tablename__ = "entries"
    __table_args__ = {"postgresql_partition_by": "RANGE (seq)"}

    seq: int = Field(sa_column=key(BIG))
    entry: bytes = Field(sa_column=column(LargeBinary))


class DisclosureRow(SQLModel, table=True):
    """A disclosure that came beside record `seq`; `text` is NULL once it was erased, for good."""

    __tablename__ = "disclosures"

    seq: int = Field(sa_column=key(BIG))
    digest: str = Field(sa_column=key(Text))
    text: str | None = Field(default=None, sa_column=column(Text, nullable=True))


class GrantRow(SQLModel, table=True):
    """A custodian's leave to read one lot; `jws` is what the custodian signed."""

    __tablename__ = "grants"
    __table_args__ = (
        Index("grants_lot_grantee", "lot", "grantee"),
        Index("grants_grantee", "grantee"),
        Index("grants_issuer", "issuer"),
    )

    jti: str = Field(sa_column=key(Text))
    lot: str = Field(sa_column=column(Text))
    issuer: str = Field(sa_column=column(Text))
    grantee: str = Field(sa_column=column(Text))
    disclosures: bool = Field(sa_column=column(Boolean))
    issued: int = Field(sa_column=column(BigInteger))
    expires: int = Field(sa_column=column(BigInteger))
    revoked: int | None = Field(default=None, sa_column=column(BigInteger, nullable=True))
    jws: str = Field(sa_column=column(Text))


class NonceRow(SQLModel, table=True):
    """A login token's `jti`, kept until the token has expired on every host: each is good for one request."""

    __tablename__ = "nonces"
    __table_args__ = (Index("nonces_expires", "expires"),)

    issuer: str = Field(sa_column=key(Text))
    jti: str = Field(sa_column=key(Text))
    expires: int = Field(sa_column=column(BigInteger))


class CosignatureRow(SQLModel, table=True):
    """A witness's signature line on the checkpoint of `size`, as it came."""

    __tablename__ = "cosignatures"

    size: int = Field(sa_column=key(BIG))
    witness: str = Field(sa_column=key(Text))
    time: int = Field(sa_column=column(BigInteger))
    line: str = Field(sa_column=column(Text))


class VerdictRow(SQLModel, table=True):
    """A signed verdict as it was given to `claimant` (participant id); `envelope` is its canonical JSON."""

    __tablename__ = "verdicts"
    __table_args__ = (
        Index("verdicts_claimant", "claimant", "created"),
        Index("verdicts_created", "created"),
        Index("verdicts_subject", "subject", "created"),
    )

    id: str = Field(sa_column=key(Text))
    claimant: str = Field(sa_column=key(Text))
    subject: str = Field(sa_column=column(Text))
    answer: str = Field(sa_column=column(Text))
    created: int = Field(sa_column=column(BigInteger))
    envelope: str = Field(sa_column=column(Text))


class VerdictRecordRow(SQLModel, table=True):
    """A verdict was made from what record `record` (id) disclosed: it goes when that is erased."""

    __tablename__ = "verdict_records"
    __table_args__ = (BY_KEY,)

    record: str = Field(sa_column=key(Text))
    verdict: str = Field(sa_column=key(Text))


class ReferenceFileRow(SQLModel, table=True):
    """A file of reference data as it came; digest: hex SHA-256 of its bytes. No UPDATE, no DELETE."""

    __tablename__ = "reference_files"

    digest: str = Field(sa_column=key(Text))
    data: bytes = Field(sa_column=column(LargeBinary))


class ReferenceSnapshotRow(SQLModel, table=True):
    """Which file a data set had on the day `published`; loaded: seconds since the epoch. No UPDATE, no DELETE."""

    __tablename__ = "reference_snapshots"

    dataset: str = Field(sa_column=key(Text))
    published: str = Field(sa_column=key(Text))
    digest: str = Field(sa_column=column(Text))
    source: str = Field(sa_column=column(Text))
    loaded: int = Field(sa_column=column(BigInteger))
    rows: int = Field(sa_column=column(Integer))
    left_out: int = Field(sa_column=column(Integer))


KEPT: Final[tuple[str, ...]] = (
    "meta",
    "head",
    "lease",
    "entries",
    "disclosures",
    "grants",
    "nonces",
    "cosignatures",
    "reference_files",
    "reference_snapshots",
    "verdicts",
    "verdict_records",
    "anchors",
    "anchor_transactions",
    "anchor_sinks",
)
"""Tables whose rows cannot be computed from others."""
