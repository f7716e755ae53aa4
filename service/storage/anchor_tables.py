"""The outbox of anchors: what was given to sinks, the transactions that carry it, and how each sink is doing."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from service.storage.columns import BIG, column, key


class AnchorRow(SQLModel, table=True):
    """The checkpoint of `size` in `sink`; note: as the log signed it. Times in seconds.

    state: queued, sent, mined, final, covered, failed or equivocation; block, block_hash, block_time: where the
    chain took it; tx: hash of the transaction, "" for another's; evidence: `lodeline-anchor/1`, as of the block
    evidence_block, or "".
    """

    __tablename__ = "anchors"
    __table_args__ = (Index("anchors_state", "sink", "state"), Index("anchors_size", "size"))

    sink: str = Field(sa_column=key(Text))
    size: int = Field(sa_column=key(BIG))
    root: bytes = Field(sa_column=column(LargeBinary))
    note: str = Field(sa_column=column(Text))
    state: str = Field(sa_column=column(Text))
    queued: int = Field(sa_column=column(BigInteger))
    block: int | None = Field(default=None, sa_column=column(BigInteger, nullable=True))
    block_hash: str = Field(sa_column=column(Text))
    block_time: int | None = Field(default=None, sa_column=column(BigInteger, nullable=True))
    tx: str = Field(sa_column=column(Text))
    problem: str = Field(sa_column=column(Text))
    evidence: str = Field(sa_column=column(Text))
    evidence_block: int | None = Field(default=None, sa_column=column(BigInteger, nullable=True))
    evidence_hash: str = Field(sa_column=column(Text))
    evidence_final: bool = Field(sa_column=column(Boolean))


class AnchorTransactionRow(SQLModel, table=True):
    """A transaction that `sender` signed, stored before it was sent.

    fate: "" while it may still be mined, else mined, replaced, reverted, foreign (another one took its nonce) or
    dropped; max_fee, tip: wei a gas; created: seconds.
    """

    __tablename__ = "anchor_transactions"
    __table_args__ = (Index("anchor_transactions_fate", "sink", "fate", "nonce"),)

    hash: str = Field(sa_column=key(Text))
    sink: str = Field(sa_column=column(Text))
    sender: str = Field(sa_column=column(Text))
    nonce: int = Field(sa_column=column(BigInteger))
    size: int = Field(sa_column=column(BigInteger))
    raw: bytes = Field(sa_column=column(LargeBinary))
    gas: int = Field(sa_column=column(BigInteger))
    max_fee: int = Field(sa_column=column(BigInteger))
    tip: int = Field(sa_column=column(BigInteger))
    created: int = Field(sa_column=column(BigInteger))
    sent: int | None = Field(default=None, sa_column=column(BigInteger, nullable=True))
    fate: str = Field(sa_column=column(Text))


class AnchorSinkRow(SQLModel, table=True):
    """How a sink is doing. condition: `ok` or what keeps it from anchoring; since, ticked, lease: seconds; height:
    newest block seen; balance: wei as decimal text; holder: who ticks it, until `lease`; genesis: of its chain."""

    __tablename__ = "anchor_sinks"

    sink: str = Field(sa_column=key(Text))
    condition: str = Field(sa_column=column(Text))
    detail: str = Field(sa_column=column(Text))
    since: int = Field(sa_column=column(BigInteger))
    ticked: int = Field(sa_column=column(BigInteger))
    height: int = Field(sa_column=column(BigInteger))
    balance: str = Field(sa_column=column(Text))
    holder: str = Field(sa_column=column(Text))
    lease: int = Field(sa_column=column(BigInteger))
    genesis: str = Field(sa_column=column(Text))
