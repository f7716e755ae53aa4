"""Claims: typed statements about a lot, a site or a participant, and the packs that each must satisfy.

A verdict is always about one claim on a date, over a stated evidence set; there is no general
"clean" for a lot. `CLAIMS` says which members a claim of each type has and which rules must hold
for it (rules.md, Claims; catalogue section 5.6). A claim may name other packs and override
parameters; both stand in the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ledger.custody.vocabulary import Amount, Analyte, Code, Country, Id, Model, Percent, Subdivision
from ledger.encoding import first_fault
from ledger.errors import ClaimError

PackId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Scalar = str | int | bool | Annotated[list[str], Field(max_length=1000)]
Question = Literal["q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8"]


class _Terms(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Nothing(_Terms):
    """A claim without terms of its own."""


class Origin(_Terms):
    """At least `share` % of the contained metal (of `element`, else the main one) comes from here."""

    site: Id | None = None
    country: Country | None = None
    subdivision: Subdivision | None = None
    share: Percent = "100"
    element: Analyte | None = None

    def model_post_init(self, _context: Any) -> None:
        """Exactly one place."""
        if sum(one is not None for one in (self.site, self.country, self.subdivision)) != 1:
            raise ValueError("name exactly one of 'site', 'country' and 'subdivision'")


class CustodyModel(_Terms):
    """Every hop keeps at least this chain-of-custody model of ISO 22095."""

    model: Model
    share: Percent | None = None


class Import(_Terms):
    """A Union importer's file. annual_kg, previous_kg: of the same item, imported besides what this ledger shows,

    in the year of the import and in the year before; exemption: claimed under Art. 1, to be shown by evidence.
    """

    importer: Id
    cn: Annotated[str, StringConstraints(pattern=r"^[0-9]{4,10}$")]
    annual_kg: Amount | None = None
    previous_kg: Amount | None = None
    exemption: Literal["recycled", "stock_2013"] | None = None


class Battery(_Terms):
    """A company that places batteries on the Union market; turnover in million euro.

    model, allocated_kg: how much of the lot's metal (of `element`, else the main one) goes into batteries of a model.
    """

    company: Id | None = None
    turnover_meur: Amount | None = None
    early_adopter: bool = False
    model: Code | None = None
    allocated_kg: Amount | None = None
    element: Analyte | None = None


class Declaration(_Terms):
    """Answers to the questions of a reporting template for smelters (CMRT), `q1` to `q8`."""

    answers: Annotated[dict[Question, Literal["yes", "no", "unknown"]], Field(min_length=1)]


class Quantity(_Terms):
    """Contained metal in kg, or wet mass in kg without an element, within `tolerance` %."""

    kg: Amount
    element: Analyte | None = None
    tolerance: Percent = "0.5"


class NotFrom(_Terms):
    """Nothing of it comes from, or went through, any of these."""

    countries: Annotated[list[Country], Field(max_length=250)] = []
    subdivisions: Annotated[list[Subdivision], Field(max_length=500)] = []
    sites: Annotated[list[Id], Field(max_length=500)] = []
    parties: Annotated[list[Id], Field(max_length=500)] = []

    def model_post_init(self, _context: Any) -> None:
        """At least one place or party."""
        if not (self.countries or self.subdivisions or self.sites or self.parties):
            raise ValueError("name at least one country, subdivision, site or party")


class ClaimType(NamedTuple):
    """rules: pack id -> prefixes of the ids of the rules that must hold (all of them: an empty prefix)."""

    title: str
    terms: type[_Terms]
    rules: dict[str, tuple[str, ...]]
    subjects: tuple[str, ...] = ("lot",)


_ALL: Final = ("",)
_BASE: Final[dict[str, tuple[str, ...]]] = {"ledger-integrity": _ALL, "fraud": _ALL}
_ORIGIN: Final[dict[str, tuple[str, ...]]] = {
    **_BASE,
    "custody-models": _ALL,
    "oecd-3t": ("OECD3T.E", "OECD3T.G", "OECD3T.H"),
    "icglr-rcm": ("ICGLR.LOT", "ICGLR.SITE.REG"),
}
_OECD: Final[dict[str, tuple[str, ...]]] = {
    **_ORIGIN,
    "oecd-five-steps": ("OECD.S1", "OECD.S2", "OECD.S3"),
    "oecd-annex-ii": _ALL,
    "oecd-red-flags": _ALL,
    "oecd-3t": _ALL,
    "oecd-gold": _ALL,
}

CLAIMS: Final[dict[str, ClaimType]] = {
    "origin": ClaimType("It comes from the place named", Origin, _ORIGIN),
    "chain_complete": ClaimType("Its chain is complete, back to the mines", Nothing, {"ledger-integrity": _ALL}),
    "custody_model": ClaimType(
        "It was kept under the chain-of-custody model named", CustodyModel, {**_BASE, "custody-models": _ALL}
    ),
    "oecd_aligned": ClaimType("Upstream due diligence follows the OECD guidance", Nothing, _OECD),
    "icglr_exportable": ClaimType(
        "It may be exported under the ICGLR mechanism",
        Nothing,
        {**_BASE, "icglr-rcm": _ALL, "cd-national": _ALL, "rw-national": _ALL},
    ),
    "eu_2017_821_import_file": ClaimType(
        "The importer's file under Regulation (EU) 2017/821 is complete",
        Import,
        {**_BASE, "eu-2017-821": _ALL, "sanctions": ("SANC.EU", "SANC.STALE")},
    ),
    "eu_battery_due_diligence": ClaimType(
        "Due diligence under Regulation (EU) 2023/1542 is shown",
        Battery,
        {**_BASE, "eu-batteries": _ALL, "oecd-annex-ii": _ALL, "environment": _ALL},
    ),
    "us_import": ClaimType(
        "It may be imported into the United States",
        Nothing,
        {**_BASE, "us-imports": _ALL, "sanctions": ("SANC.OFAC", "SANC.STALE")},
    ),
    "smelter_declaration": ClaimType(
        "The answers of a reporting template for smelters agree with the records",
        Declaration,
        {**_BASE, "disclosure-templates": _ALL, "rmap": ("RMAP.STATUS", "RMAP.FACILITY")},
    ),
    "responsible_gold": ClaimType(
        "It is responsibly sourced gold",
        Nothing,
        {
            **_BASE,
            "oecd-gold": _ALL,
            "lbma": _ALL,
            "environment": ("ENV.HG",),
            "oecd-annex-ii": ("OECD-A2.12",),
        },
    ),
    "quantity": ClaimType("It holds the quantity named", Quantity, _BASE),
    "not_from": ClaimType("Nothing of it comes from the places or parties named", NotFrom, _ORIGIN),
    "conduct": ClaimType(
        "No rule of the packs chosen speaks against it",
        Nothing,
        {"fraud": _ALL, "oecd-annex-ii": _ALL, "sanctions": _ALL},
        ("site", "participant", "lot"),
    ),
}
"""Every claim also has to satisfy the rules of the pack `claims` for its own type."""

OWN_PACK: Final = "claims"


class _ClaimForm(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Annotated[str, StringConstraints(max_length=40)]
    subject: Id
    terms: dict[str, Any] = {}
    packs: Annotated[list[PackId], Field(max_length=40)] | None = None
    parameters: Annotated[dict[ParameterName, Scalar], Field(max_length=100)] = {}


@dataclass(frozen=True, slots=True)
class Claim:
    """type: of CLAIMS; terms: the model of that type; packs: chosen instead of the type's own, or None."""

    type: str
    subject: str
    terms: Any
    packs: tuple[str, ...] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; what was left out stays out."""
        out: dict[str, Any] = {"type": self.type, "subject": self.subject}
        out["terms"] = self.terms.model_dump(exclude_none=True)
        if self.packs is not None:
            out["packs"] = list(self.packs)
        if self.parameters:
            out["parameters"] = dict(sorted(self.parameters.items()))
        return out

    def rules(self) -> dict[str, tuple[str, ...]]:
        """Pack id -> prefixes of rule ids that the claim has to satisfy."""
        chosen = CLAIMS[self.type].rules if self.packs is None else dict.fromkeys(self.packs, _ALL)
        return {OWN_PACK: _ALL, **chosen}


def parse_claim(value: Any) -> Claim:
    """The claim that a JSON object states: {type, subject, terms?, packs?, parameters?}.

    Raises ClaimError with a pointer to the member at fault.
    """
    if not isinstance(value, dict):
        raise ClaimError("A claim is a JSON object with 'type' and 'subject'.")
    form = _fit(_ClaimForm, value, "")
    if form.type not in CLAIMS:
        raise ClaimError(f"There is no claim '{form.type}': use one of {', '.join(CLAIMS)}.", pointer="/type")
    terms = _fit(CLAIMS[form.type].terms, form.terms, "/terms")
    packs = None if form.packs is None else tuple(dict.fromkeys(form.packs))
    return Claim(form.type, form.subject, terms, packs, dict(form.parameters))


def _fit(model: Any, value: Any, pointer: str) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        said, pointer = first_fault(error, pointer)
        raise ClaimError(f"The claim is not well formed: {said}.", pointer=pointer) from error
