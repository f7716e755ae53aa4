"""What the API says of anchors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from service.api.schemas import Answer, Lot, Page

State = Literal["queued", "sent", "mined", "final", "covered", "failed", "equivocation"]
Sink = Literal["file", "ethereum"]


class Anchored(Answer):
    """An anchor that covers a record. `mined` can still be undone by the chain, `final` cannot."""

    sink: str
    chain: int | None = Field(description="Chain id; null where there is none, or no evidence yet.")
    size: int = Field(ge=1, description="Entries that the anchor covers.")
    state: State
    confirmations: int = Field(ge=0, description="Blocks on top of the anchor, its own included, when last looked.")
    time: str | None = Field(description="Time of the block, or of the file.")
    lasting: bool = Field(description="False on a testnet: such an anchor lives no longer than its chain.")


class Anchor(Anchored):
    """A checkpoint that was given to a sink."""

    root: str = Field(description="Root of the tree of that size, base64url.")
    problem: str
    queued: str
    block: int | None
    block_hash: str
    transaction: str
    evidence: bool = Field(description="Whether `/v1/anchors/{sink}/{size}` has evidence.")


class SinkState(Answer):
    """How a sink is doing: `ok`, or what keeps it from anchoring. Seconds since 1970."""

    sink: str
    condition: str
    since: int
    ticked: int


class AnchorPage(Page[Anchor]):
    """Anchors, and how every sink is doing."""

    sinks: list[SinkState]


class Standing(Answer):
    """How far a record is out of the operator's hands."""

    logged: str = Field(description="When the log took it: the log's own claim.")
    witnessed: str | None = Field(description="By when witnesses had cosigned a checkpoint that covers it.")
    anchored: list[Anchored] = Field(description="For each sink the first anchor that covers it.")
    words: str = Field(description="The strongest of these, for people.")


class LotStanding(Lot):
    """A lot, and the standing of the record that is its head."""

    standing: Standing
