"""One strict schema per kind of attestation (records.md section 3.1).

An attestation's `statement` holds what its kind needs and nothing else; which rules read which
field stands in the rule packs. Members marked `concealable()` may be hidden by the signer.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from ledger.custody.diligence import (
    AnnualReport,
    Audit,
    Document,
    EddReport,
    Environment,
    Fingerprint,
    Footprint,
    Grievance,
    MitigationPlan,
    Observation,
    RiskAssessment,
    SecurityArrangement,
)
from ledger.custody.vocabulary import (
    Amount,
    Analyte,
    Code,
    Codes,
    Concealing,
    Count,
    Country,
    Currency,
    Date,
    Geometry,
    Id,
    Mass,
    Moisture,
    Name,
    Note,
    Part,
    Percent,
    PositiveMass,
    RecordId,
    Tag,
    Time,
    concealable,
)


class Weighing(Part):
    """Gross, tare and net mass on one scale."""

    gross: PositiveMass
    tare: Mass
    net: PositiveMass
    scale: Code
    calibrated: Date | None = None
    uncertainty: Mass | None = None


class Grade(Part):
    """One analyte of an assay: % of dry mass, with its standard uncertainty in the same unit."""

    value: Percent
    uncertainty: Percent | None = None


class Assay(Concealing):
    """A laboratory's result for one sample."""

    sample: Code
    protocol: Code
    drawn_by: Name | None = concealable()
    witness: Name | None = concealable()
    laboratory: Id
    accreditation: Code | None = None
    method: Code
    stage: Literal["before_homogenising", "after_homogenising"] | None = None
    moisture: Moisture | None = None
    grades: dict[Analyte, Grade] = Field(min_length=1, max_length=40)
    impurities: dict[Analyte, Grade] = Field(default_factory=dict, max_length=40)


class SiteStatus(Part):
    """ICGLR status of a site, set by an authority."""

    old: Literal["green", "yellow", "red", "blue"] | None = None
    status: Literal["green", "yellow", "red", "blue"]
    effective: Date
    expires: Date | None = None
    act: Code
    authority: Id


class Children(Part):
    """Children seen working, by age."""

    under_15: Count
    aged_15_to_18: Count
    tasks: Codes = Field(default_factory=list)


class Inspection(Concealing):
    """An inspector's visit and findings."""

    number: Code
    date: Date
    office: Name
    inspector: Name | None = concealable()
    position: Name | None = concealable()
    children: Children | None = None
    armed_presence: Literal["none", "public_security", "private_security", "armed_group"] | None = None
    safety: Literal["good", "minor", "serious"] | None = None
    environment: Literal["good", "minor", "serious"] | None = None
    workforce: Count | None = None
    report: RecordId | None = concealable()


class Licence(Concealing):
    """A mining title or trading licence."""

    kind: Literal["claim", "exploration_permit", "mining_licence", "artisanal_permit", "trading", "export", "other"]
    number: Code
    holder: Id
    granted: Date
    expires: Date | None = None
    minerals: Codes = Field(default_factory=list)
    klass: Code | None = Field(default=None, alias="class")
    area: Geometry | None = concealable()


class TagAllocation(Part):
    """A range of tag numbers given to a site."""

    scheme: Code
    first: Code
    last: Code
    count: Count
    site: Id
    basis: Note | None = None


class TagState(Part):
    """What became of a tag outside of the lots."""

    tag: Tag
    state: Literal["void", "lost", "replaced"]
    replaced_by: Tag | None = None


class Payment(Concealing):
    """Money or minerals paid."""

    kind: Literal["tax", "royalty", "fee", "levy", "security", "official", "price", "other"]
    purpose: Name
    payer: Id
    payee: Name | None = concealable()
    payee_class: Literal[
        "government", "official", "public_security", "private_security", "armed_group", "supplier", "other"
    ]
    authority: Id | None = None
    amount: Amount | None = concealable()
    currency: Currency
    date: Date
    method: Literal["bank", "mobile_money", "cash", "in_kind"]
    receipt: Code | None = concealable()


class NilDeclaration(Part):
    """Signed: no payment of these kinds was made."""

    kinds: Annotated[
        list[Literal["official", "public_security", "private_security", "armed_group"]], Field(min_length=1)
    ]
    start: Date = Field(alias="from")
    end: Date = Field(alias="to")


class Certificate(Concealing):
    """ICGLR (fields of MD.03), Kimberley, origin or conformity certificate."""

    scheme: Literal["icglr", "kimberley", "origin", "conformity"]
    country: Country
    number: Code
    exporter: Id
    importer: Name | None = concealable()
    lot_number: Code | None = None
    description: Name | None = None
    ore: Code | None = None
    mass: PositiveMass
    grade: dict[Analyte, Percent] = Field(default_factory=dict, max_length=40)
    origins: Annotated[list[Annotated[str, Field(pattern=r"^(?:[A-Z]{2}|0)$")]], Field(min_length=1, max_length=40)]
    customs_value: Amount | None = concealable()
    shipment: Date | None = None
    route: Annotated[list[Country], Field(max_length=20)] = Field(default_factory=list)
    carrier: Name | None = concealable()
    authority: Id
    verifier: Name | None = concealable()
    verifier_position: Name | None = concealable()
    verified: Date
    validator: Name | None = concealable()
    issued: Date
    expires: Date
    file: RecordId | None = concealable()


class Crossing(Concealing):
    """What export and import declarations share."""

    permit: Code | None = None
    declaration: Code
    code_system: Literal["HS", "CN", "TARIC"]
    code: Annotated[str, Field(pattern=r"^[0-9]{6,10}$")]
    gross: PositiveMass | None = None
    net: PositiveMass
    value: Amount | None = concealable()
    currency: Currency | None = None
    route: Annotated[list[Country], Field(max_length=20)] = Field(default_factory=list)
    port: Code | None = None
    vessel: Name | None = concealable()


class Export(Crossing):
    """An export declaration."""

    exporter: Id
    consignee: Name | None = concealable()
    destination: Country


class Import(Crossing):
    """An import declaration."""

    importer: Id
    eori: Code | None = None
    procedure: Code | None = None
    country_of_origin: Country
    country_of_dispatch: Country


class Ownership(Concealing):
    """A sale: custody, ownership and location are three different chains."""

    seller: Id
    buyer: Id
    contract: Code | None = concealable()
    incoterm: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    price: Amount | None = concealable()
    currency: Currency | None = None
    invoice: RecordId | None = concealable()


class Checkpoint(Concealing):
    """A place passed on the way."""

    place: Name
    location: Geometry | None = concealable()
    at: Time
    seals: Codes = Field(default_factory=list)
    payments: Literal["none", "declared"] = "none"


class Stocktake(Part):
    """Opening and closing stock of one material at one place."""

    site: Id
    material: Code
    opening: Mass
    closing: Mass
    method: Code


STATEMENTS: Final[dict[str, type[Part]]] = {
    "weighing": Weighing,
    "assay": Assay,
    "site_status": SiteStatus,
    "inspection": Inspection,
    "licence": Licence,
    "tag_allocation": TagAllocation,
    "tag_state": TagState,
    "payment": Payment,
    "nil_declaration": NilDeclaration,
    "certificate": Certificate,
    "export": Export,
    "import": Import,
    "ownership": Ownership,
    "checkpoint": Checkpoint,
    "stocktake": Stocktake,
    "audit": Audit,
    "policy": Document,
    "contract": Document,
    "grievance_channel": Grievance,
    "annual_report": AnnualReport,
    "risk_assessment": RiskAssessment,
    "mitigation_plan": MitigationPlan,
    "edd_report": EddReport,
    "security_arrangement": SecurityArrangement,
    "environment": Environment,
    "observation": Observation,
    "fingerprint": Fingerprint,
    "footprint": Footprint,
}
ATTESTATION_KINDS: Final[tuple[str, ...]] = tuple(STATEMENTS)


def statement_analytes(kind: str, statement: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The members of a statement that map analytes to grades, by member name."""
    members = {"assay": ("grades", "impurities"), "certificate": ("grade",)}.get(kind, ())
    return {member: statement[member] for member in members if member in statement}
