"""Schemas of the records that keep the register: genesis, policy, participant, key, site."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from ledger.custody.vocabulary import (
    Code,
    Concealing,
    Count,
    Country,
    Email,
    Geometry,
    Id,
    Mass,
    Method,
    Name,
    Part,
    Percent,
    Role,
    SiteKind,
    Subdivision,
    Time,
    concealable,
)

Jwk = Annotated[dict[str, str], Field(max_length=10)]


class Tolerance(Part):
    """In %: wet mass of a transform, contained metal, dry mass at a receipt."""

    mass: Percent
    metal: Percent
    receipt: Percent


class CustodyPolicy(Part):
    """The log's rules that may change: tolerances, clock skew in seconds, who may read entries."""

    tolerance: Tolerance
    skew: Annotated[int, Field(ge=0, le=86_400)]
    entries: Literal["public", "members"]


class Registrar(Part):
    """The participant who keeps the register."""

    id: Id
    country: Country
    keys: Annotated[list[Jwk], Field(min_length=1, max_length=10)]


class Genesis(Part):
    """First entry of a log."""

    origin: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,119}$")]
    name: Name
    registrar: Registrar
    policy: CustodyPolicy


class Policy(Part):
    """Changes the custody policy from here on."""

    policy: CustodyPolicy


class Identifiers(Part):
    """Numbers under which others know a participant."""

    lei: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{18}[0-9]{2}$")] | None = None
    gln: Annotated[str, StringConstraints(pattern=r"^[0-9]{13}$")] | None = None
    cid: Annotated[str, StringConstraints(pattern=r"^CID[0-9]{6}$")] | None = None
    eori: Code | None = None
    registration: Code | None = None
    tax: Code | None = None


class Owner(Part):
    """A beneficial owner, officer or shareholder."""

    name: Name
    capacity: Literal["beneficial_owner", "shareholder", "director", "officer"]
    country: Country | None = None
    share: Percent | None = None
    affiliation: Literal["none", "government", "political", "military"] = "none"


class Participant(Concealing):
    """Enrols or amends a participant."""

    id: Id
    country: Country
    roles: Annotated[list[Role], Field(min_length=1, max_length=14)]
    status: Literal["active", "suspended", "closed"]
    keys: Annotated[list[Jwk], Field(min_length=1, max_length=10)] | None = None
    identifiers: Identifiers = Field(default_factory=Identifiers)
    name: Name | None = concealable()
    address: Name | None = concealable()
    contact: Email | None = concealable()
    owners: Annotated[list[Owner], Field(max_length=40)] | None = concealable()


class Key(Part):
    """Adds or revokes a key of a participant."""

    participant: Id
    action: Literal["add", "revoke"]
    key: Jwk | None = None
    kid: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")] | None = None
    start: Time | None = Field(default=None, alias="from")
    reason: Literal["new_device", "rotation", "lost", "stolen", "left", "other"]

    def model_post_init(self, _context: Any) -> None:
        """`add` comes with `key` (and maybe `from`), `revoke` with `kid`, and nothing else."""
        adds = self.action == "add"
        if adds != (self.key is not None) or adds == (self.kid is not None) or (self.start and not adds):
            raise ValueError("'add' goes with 'key' (and 'from'), 'revoke' with 'kid'")


class Capacity(Part):
    """What a site can do."""

    workers: Count | None = None
    kg_per_month: Mass | None = None


class Site(Concealing):
    """A mine, depot, plant or refinery."""

    id: Id
    kind: SiteKind
    operator: Id
    country: Country
    subdivision: Subdivision
    minerals: Annotated[list[Code], Field(min_length=1, max_length=40)]
    status: Literal["active", "inactive", "abandoned"]
    method: Method | None = None
    capacity: Capacity = Field(default_factory=Capacity)
    national_id: Code | None = None
    name: Name | None = concealable()
    licence: Code | None = concealable()
    location: Geometry | None = concealable()

    def model_post_init(self, _context: Any) -> None:
        """ISO 3166-2 codes begin with the country's own."""
        if not self.subdivision.startswith(f"{self.country}-"):
            raise ValueError("'subdivision' must begin with 'country'")
