"""The shapes of answers, for the OpenAPI description and checked on the way out. Requests are signed texts."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

RecordHash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Milliseconds = Annotated[int, Field(ge=0, description="Milliseconds since the epoch.")]
Seconds = Annotated[int, Field(ge=0, description="Seconds since the epoch.")]
Index = Annotated[int, Field(ge=0, description="Number of the entry in the log, from 0.")]


class Answer(BaseModel):
    """Base: what is not described is not answered."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """RFC 9457. `values` is what a program branches on, for example the current head."""

    type: str = Field(description="`urn:lodeline:problem:<code>`, stable.")
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do next.")
    pointer: str | None = Field(default=None, description="RFC 6901 pointer to the member at fault.")
    values: dict[str, Any] | None = None
    instance: str | None = Field(default=None, description="Id of the request, as in `X-Request-Id`.")


class Page(Answer, Generic[T]):
    """A part of a list; `next` is the cursor of the following part, null at the end."""

    items: list[T]
    next: str | None


class Accepted(Answer):
    """A record that the log holds, and the proof."""

    id: RecordHash
    index: Index
    logged: Milliseconds
    entry: str = Field(description="`<logged> <jws>`: the exact bytes of the log entry.")
    receipt: str = Field(description="C2SP tlog-proof: inclusion proof and signed checkpoint.")


class BatchLine(Answer):
    """One line of the answer to a batch: an outcome per record, then one summary."""

    line: int | None = Field(default=None, description="Number of the line in the request, from 1.")
    status: int | None = None
    id: RecordHash | None = None
    index: Index | None = None
    logged: Milliseconds | None = None
    receipt: str | None = None
    problem: Problem | None = None
    accepted: int | None = None
    existing: int | None = None
    refused: int | None = None
    checkpoint: str | None = None


class Concealed(Answer):
    """A member that its signer concealed. pointer: of the member when disclosed, else of what holds it."""

    digest: str
    pointer: str
    state: Literal["disclosed", "withheld", "erased", "absent"]


class Record(Answer):
    """A record as the reader may see it."""

    id: RecordHash
    index: Index
    logged: Milliseconds
    record: str = Field(description="The compact JWS, the signed bytes.")
    payload: dict[str, Any] = Field(description="Its claims, concealed members as digests.")
    disclosures: list[str] = Field(description="The disclosures that the reader may see.")
    disclosed: dict[str, Any] = Field(description="The body with those members in place.")
    concealed: list[Concealed]
    erased: int = Field(ge=0, description="Concealed members whose text was erased for good.")


class HistoryItem(Record):
    """A record about a subject."""

    moved: bool = Field(description="Whether it moved the subject's head; evidence does not.")


class Erased(Answer):
    """What was erased: every proof still verifies."""

    id: RecordHash
    erased: int = Field(ge=0)


class Subject(Answer):
    """What every subject has."""

    id: str
    head: RecordHash
    time: str
    status: str
    index: Index


class Dispatched(Answer):
    """A quantity as the consignor handed it over."""

    mass: str
    moisture: str
    assay: dict[str, str]


class Lot(Subject):
    """A lot. Masses in kg, moisture in % of wet mass, assay in % of dry mass, all decimal strings."""

    subject: Literal["lot"]
    mineral: str
    custodian: str
    site: str
    mass: str
    moisture: str
    assay: dict[str, str]
    left: str
    tags: list[str]
    model: str
    generation: int
    consignor: str
    consignee: str
    destination: str
    sent: Dispatched | None


class GraphLot(Lot):
    """A lot of a graph; depth: steps from the lot that was asked for."""

    depth: int = Field(ge=0)


class GraphEdge(Answer):
    """`mass` kg of `parent` went into `child` by the record at `index`."""

    child: str
    parent: str
    mass: str
    index: Index


class Share(Answer):
    """A share of a lot's contained metal on a dry basis."""

    share: str = Field(description="In %, rounded half up to six decimals.")
    fraction: str = Field(description="The same, exact, as `n/d`; empty where that is too long to read.")


class RangedShare(Share):
    """A share with its range, three standard uncertainties to either side; empty unless asked for."""

    low: str
    high: str


class CodeShare(RangedShare):
    """The share of a country (ISO 3166-1) or subdivision (ISO 3166-2)."""

    code: str


class SiteShare(RangedShare):
    """The share that was extracted at a site."""

    site: str
    country: str
    subdivision: str
    kind: str


class FacilityShare(Share):
    """The share that went through a site at which a transform took it in."""

    site: str
    country: str
    subdivision: str
    kind: str


class ElementOrigins(Answer):
    """Where one metal of a lot comes from. Sites and `uncovered` sum to one, and so do countries and subdivisions."""

    element: str = Field(description="Symbol of the metal; empty for shares of dry mass.")
    exact: bool = Field(description="False where ratios were rounded, to 2^-64 each, because the chain is very long.")
    sites: list[SiteShare]
    countries: list[CodeShare]
    subdivisions: list[CodeShare]
    facilities: list[FacilityShare]
    uncovered: Share = Field(description="What comes from lots of unknown origin.")


class Origins(Answer):
    """Shares of origin over all lots upstream, and the chain of custody that they rest on."""

    model: str = Field(description="Chain-of-custody model of the weakest hop (ISO 22095).")
    weakest: str | None = Field(description="The lot made at that hop, the first on the way; null for a mined lot.")
    upgrades: list[str] = Field(description="Lots made under a stronger model than their inputs had.")
    basis: Literal["physical", "account"]
    supports_origin: bool = Field(description="False behind mass balance or book and claim: shares of an account.")
    elements: list[ElementOrigins]


class Provenance(Answer):
    """The lots above or below one."""

    lot: str
    direction: Literal["up", "down"]
    nodes: list[GraphLot]
    edges: list[GraphEdge]
    complete: bool = Field(description="False when depth or size cut something off.")
    hidden: int = Field(ge=0, description="Edges to lots that the reader may not see.")
    origins: Origins | None = Field(description="Upwards; null downwards, and where there are too many lots upstream.")


class Participant(Subject):
    """An enrolled participant; `keys` are the thumbprints of its active keys."""

    subject: Literal["participant"]
    country: str
    roles: list[str]
    keys: list[str]
    identifiers: dict[str, str]


class EnrolledKey(Answer):
    """A key that was ever enrolled."""

    kid: str
    jwk: dict[str, str]
    valid_from: str = Field(description="A time, or empty for at once.")
    revoked: bool


class ParticipantDetail(Participant):
    """A participant with every key that it ever had."""

    enrolled_keys: list[EnrolledKey]


class Site(Subject):
    """A registered place."""

    subject: Literal["site"]
    kind: str = Field(description="mine, washing, depot, warehouse, plant, smelter, refinery, port or laboratory.")
    operator: str
    country: str
    subdivision: str
    minerals: list[str]


class Grant(Answer):
    """Leave to read one lot and everything upstream of it."""

    jti: str
    lot: str
    issuer: str
    grantee: str
    disclosures: bool
    issued: Seconds
    expires: Seconds
    revoked: Seconds | None
    status: Literal["active", "expired", "revoked"]
    grant: str = Field(description="The compact JWS that the custodian signed.")


class ReferenceSnapshot(Answer):
    """A file that a data set had on a day."""

    published: str = Field(description="Day on which the publisher served it as current.")
    digest: RecordHash = Field(description="SHA-256 of the file, as verdicts name it.")
    source: str
    loaded: Seconds
    rows: int = Field(ge=0)
    left_out: int = Field(ge=0, description="Entries without the day or place that a row needs.")
    size: int = Field(ge=0, description="Bytes.")


class ReferenceDataset(Answer):
    """A list that rules judge by. `age` and `stale_after` in days; `age` null: nothing is loaded."""

    dataset: str
    title: str
    format: str
    licence: Literal["public", "licensed"] = Field(description="Licensed files are not handed on.")
    stale_after: int = Field(ge=0)
    reason: str = Field(description="Why the limit is what it is.")
    count: int = Field(ge=0, description="Snapshots that there are.")
    age: int | None
    stale: bool = Field(description="Rules take it as missing: nothing is loaded, or it is older than its limit.")
    snapshots: list[ReferenceSnapshot]


class DatasetList(Answer):
    """Every data set."""

    items: list[ReferenceDataset]


class ServiceInfo(Answer):
    """What the service says of itself: pin `vkey` from elsewhere if you can."""

    origin: str
    vkey: str
    name: str
    registrar: str
    entries: Literal["members", "public"]
    head: RecordHash = Field(description="Record that the log's policy stands on: `prev` of a policy record.")
    witnesses: list[str]
    version: str


class Health(Answer):
    """The process answers."""

    status: Literal["ok"]


class Readiness(Answer):
    """Each check by name, and whether it passes; role: of this process, where a log has several."""

    status: Literal["ready", "not ready"]
    checks: dict[str, bool]
    detail: str
    role: Literal["single", "leader", "follower"]
