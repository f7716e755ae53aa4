"""One strict schema per event type (records.md section 3): what the `body` of a record may hold.

Those that keep the register stand in `register`.

Members marked `concealable()` are optional because the signer may hide them behind a digest
(RFC 9901); everything that the custody rules need is plain.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from ledger.custody.attestations import ATTESTATION_KINDS
from ledger.custody.register import Genesis, Key, Participant, Policy, Site
from ledger.custody.vocabulary import (
    CloseReason,
    Code,
    Codes,
    Concealing,
    Count,
    Country,
    Geometry,
    Id,
    Measured,
    Method,
    Model,
    Name,
    Note,
    Part,
    Period,
    PositiveMass,
    Process,
    Quantity,
    RecordId,
    Tag,
    Time,
    concealable,
)

MAX_LOTS: Final = 1000
MAX_EDGES: Final = 10_000
"""Inputs times outputs of one transform."""
KIND_PATTERN: Final = "^(?:" + "|".join(ATTESTATION_KINDS) + ")$"

LotIds = Annotated[list[Id], Field(min_length=1, max_length=MAX_LOTS)]


Tags = Annotated[list[Tag], Field(max_length=MAX_LOTS)]


class NewLot(Part):
    """A lot that a record brings into being."""

    id: Id
    mineral: Code
    quantity: Quantity
    tags: Tags = Field(default_factory=list)
    packages: Count | None = None


class Output(NewLot):
    """An output of a transform."""

    role: Literal["product", "by_product", "residue"] = "product"


class Extract(Concealing):
    """Commissions lots at a mine site."""

    site: Id
    period: Period
    method: Method
    workers: Count
    lots: Annotated[list[NewLot], Field(min_length=1, max_length=MAX_LOTS)]
    team: Name | None = concealable()
    pit: Code | None = concealable()
    price: Name | None = concealable()


class Waypoint(Part):
    """A planned place on the way."""

    country: Country
    place: Name


class Transport(Concealing):
    """How a consignment travels."""

    mode: Literal["foot", "motorcycle", "truck", "rail", "barge", "vessel", "air"]
    seals: Codes = Field(default_factory=list)
    route: Annotated[list[Waypoint], Field(max_length=100)] = Field(default_factory=list)
    carrier: Name | None = concealable()
    vehicle: Code | None = concealable()
    driver: Name | None = concealable()


class Document(Concealing):
    """A paper that travels with the consignment."""

    kind: Code
    number: Code | None = concealable()
    digest: RecordId | None = concealable()


Documents = Annotated[list[Document], Field(max_length=100)]


class Dispatch(Concealing):
    """Hands lots over to a consignee."""

    lots: LotIds
    consignee: Id
    start: Id = Field(alias="from")
    end: Id = Field(alias="to")
    transport: Transport
    documents: Documents = Field(default_factory=list)
    expected: Time
    price: Name | None = concealable()


class ReceivedLot(Part):
    """A lot as it arrived."""

    id: Id
    quantity: Measured | None = None


class Receive(Concealing):
    """Accepts or refuses lots that were dispatched to the signer."""

    outcome: Literal["accepted", "refused"]
    site: Id
    lots: Annotated[list[ReceivedLot], Field(min_length=1, max_length=MAX_LOTS)]
    seals: Codes = Field(default_factory=list)
    note: Note | None = concealable()


class SettledLot(Part):
    """The quantity on which both sides agree."""

    id: Id
    quantity: Quantity


class Settle(Concealing):
    """Ends a dispute: the consignor repeats what the consignee measured."""

    lots: Annotated[list[SettledLot], Field(min_length=1, max_length=MAX_LOTS)]
    note: Note | None = concealable()


class Input(Part):
    """Mass taken from a lot, wet, in kg."""

    lot: Id
    mass: PositiveMass


class Material(Part):
    """A declared addition: reagent, water, flux."""

    material: Code
    mass: PositiveMass


class Loss(Part):
    """A declared loss."""

    kind: Code
    mass: PositiveMass


class Transform(Concealing):
    """Turns lots into other lots."""

    process: Process
    site: Id
    model: Model
    inputs: Annotated[list[Input], Field(min_length=1, max_length=MAX_LOTS)]
    outputs: Annotated[list[Output], Field(min_length=1, max_length=MAX_LOTS)]
    additions: Annotated[list[Material], Field(max_length=40)] = Field(default_factory=list)
    losses: Annotated[list[Loss], Field(max_length=40)] = Field(default_factory=list)
    note: Note | None = concealable()


class Close(Concealing):
    """Takes lots out of the system."""

    lots: LotIds
    reason: CloseReason
    note: Note | None = concealable()


class About(Part):
    """What a piece of evidence is about: a subject, and a record of its chain."""

    subject: Id
    record: RecordId


Abouts = Annotated[list[About], Field(min_length=1, max_length=200)]


class Attest(Concealing):
    """Evidence of one kind; `statement` has a schema of its own."""

    kind: Annotated[str, StringConstraints(pattern=KIND_PATTERN)]
    about: Abouts
    statement: dict[str, Any]
    start: Time | None = Field(default=None, alias="from")
    end: Time | None = Field(default=None, alias="until")
    result: Literal["conform", "not_conform", "inconclusive"] | None = None
    documents: Documents = Field(default_factory=list)


class Incident(Concealing):
    """A risk that showed itself, or the follow-up of an earlier one."""

    about: Abouts
    category: Code
    severity: Annotated[int, Field(ge=1, le=3)]
    status: Literal["open", "mitigating", "closed"]
    verified: bool = False
    follows: RecordId | None = None
    period: Period | None = None
    narrative: Note | None = concealable()
    source: Name | None = concealable()
    location: Geometry | None = concealable()


class Correct(Part):
    """Replaces descriptive members of an earlier record; both versions stay visible."""

    record: RecordId
    type: Literal["extract", "dispatch", "receive", "settle", "transform", "close", "attest", "incident"]
    reason: Name
    replace: Annotated[dict[str, Any], Field(min_length=1, max_length=20)]


BODIES: Final[dict[str, type[Part]]] = {
    "genesis": Genesis,
    "policy": Policy,
    "participant": Participant,
    "key": Key,
    "site": Site,
    "extract": Extract,
    "dispatch": Dispatch,
    "receive": Receive,
    "settle": Settle,
    "transform": Transform,
    "close": Close,
    "attest": Attest,
    "incident": Incident,
    "correct": Correct,
}
EVENT_TYPES: Final[tuple[str, ...]] = tuple(BODIES)

CORRECTABLE: Final[dict[str, tuple[str, ...]]] = {
    "extract": ("period", "method", "workers", "team", "pit", "price"),
    "dispatch": ("transport", "documents", "expected", "price"),
    "receive": ("seals", "note"),
    "settle": ("note",),
    "transform": ("losses", "note"),
    "close": ("note",),
    "attest": ("until", "documents"),
    "incident": ("period", "narrative", "source", "location"),
}
"""Descriptive members by type: whatever moved custody or mass is not among them."""
