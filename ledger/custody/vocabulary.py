"""The words and number spellings that every event shares: ids, times, quantities, code lists.

Each is a pydantic type, strict: nothing is coerced, nothing unknown is let through, so a
payload that passes is byte for byte what was signed. Sources: records.md sections 3 and 4,
ISO 3166, ISO 4217, ISO 22095, RFC 7946.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ledger.custody.quantity import ANALYTE_PATTERN

ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:/#@+-]{0,199}$"

Role = Literal[
    "registrar", "producer", "cooperative", "trader", "exporter", "transporter", "smelter", "refiner",
    "manufacturer", "laboratory", "auditor", "authority", "monitor", "buyer",
]  # fmt: skip
ROLES: Final[tuple[str, ...]] = get_args(Role)

Model = Literal["identity_preserved", "segregated", "controlled_blending", "mass_balance", "book_and_claim"]
MODELS: Final[tuple[str, ...]] = get_args(Model)
"""Chain-of-custody models of ISO 22095, strongest first."""

Process = Literal["split", "merge", "blend", "retag", "concentrate", "smelt", "refine"]
SiteKind = Literal["mine", "washing", "depot", "warehouse", "plant", "smelter", "refinery", "port", "laboratory"]
Method = Literal["artisanal", "semi_mechanised", "large_scale"]
CloseReason = Literal["sold_out_of_scope", "consumed", "lost", "stolen", "seized"]


def _check_time(text: str) -> str:
    if text[8:10] > "28":  # the pattern has seen to everything but the length of the month
        date.fromisoformat(text[:10])
    return text


def _check_date(text: str) -> str:
    date.fromisoformat(text)
    return text


def _at_most_100(text: str) -> str:
    if len(text.partition(".")[0]) == 3 and text.rstrip("0").rstrip(".") not in ("1", "100"):
        raise ValueError("a share is at most 100 %")
    return text


def _below_100(text: str) -> str:
    if len(text.partition(".")[0]) == 3:
        raise ValueError("moisture is below 100 %")
    return text


def _positive(text: str) -> str:
    if not text.strip("0."):
        raise ValueError("must be more than zero")
    return text


_WHOLE: Final = r"^(?:0|[1-9][0-9]{0,11})"
_TIME: Final = r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$"
_DATE: Final = r"^\d{4}-\d{2}-\d{2}$"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
RecordId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""base64url of SHA-256, as `_sd` holds it (RFC 9901)."""
Sha256 = RecordId
Time = Annotated[str, StringConstraints(pattern=_TIME), AfterValidator(_check_time)]
"""RFC 3339 in UTC with `Z` and whole seconds, so that the order of strings is the order of times."""
Date = Annotated[str, StringConstraints(pattern=_DATE), AfterValidator(_check_date)]
Mass = Annotated[str, StringConstraints(pattern=_WHOLE + r"(?:\.[0-9]{1,6})?$")]
"""kg, at most 6 decimals (a milligram)."""
PositiveMass = Annotated[Mass, AfterValidator(_positive)]
Percent = Annotated[
    str, StringConstraints(pattern=r"^(?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,6})?$"), AfterValidator(_at_most_100)
]
Moisture = Annotated[
    str, StringConstraints(pattern=r"^(?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,4})?$"), AfterValidator(_below_100)
]
"""% of wet mass, at most 4 decimals."""
Amount = Annotated[str, StringConstraints(pattern=_WHOLE + r"(?:\.[0-9]{1,6})?$")]
Number = Annotated[str, StringConstraints(pattern=r"^-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,12})?$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Subdivision = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Analyte = Annotated[str, StringConstraints(pattern=ANALYTE_PATTERN)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/#@+()-]{0,79}$")]
"""A short code or reference number of somebody's list."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Note = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$")]
Codes = Annotated[list[Code], Field(max_length=100)]
Ids = Annotated[list[Id], Field(max_length=100)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Email = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")]
Url = Annotated[str, StringConstraints(max_length=500, pattern=r"^https?://[\x21-\x7e]+$")]


class Part(BaseModel):
    """Base of every schema: strict, closed, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Concealing(Part):
    """Base of a schema with members that the signer may conceal (RFC 9901)."""

    sd: list[Digest] | None = Field(default=None, alias="_sd", min_length=1, max_length=64)


def concealable() -> Any:
    """Field marker: optional, because the signer may conceal it; see `concealable_pointers`."""
    return Field(default=None, json_schema_extra={"concealable": True})


class Tag(Part):
    """A physical tag: numbering scheme and number."""

    scheme: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    number: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,59}$")]


class Quantity(Part):
    """Wet mass in kg, moisture in % of wet mass, assay in % of dry mass by analyte."""

    mass: PositiveMass
    moisture: Moisture
    assay: dict[Analyte, Percent] = Field(max_length=40)


class Measured(Part):
    """A quantity as the consignee found it; what was not measured again stands as it was."""

    mass: PositiveMass
    moisture: Moisture | None = None
    assay: dict[Analyte, Percent] | None = Field(default=None, max_length=40)


class Period(Part):
    """From and to, both included."""

    start: Time = Field(alias="from")
    end: Time = Field(alias="to")


def _check_position(value: Any) -> None:
    limits = ("180", "90")
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(c, str) for c in value)):
        raise ValueError("a position is [longitude, latitude] as two decimal strings")
    for text, limit in zip(value, limits, strict=True):
        whole, _, places = text.removeprefix("-").partition(".")
        if not (whole.isascii() and whole.isdigit() and len(whole) <= 3 and (not places or places.isdigit())):
            raise ValueError("a coordinate is a decimal string in degrees")
        if len(places) > 7 or text.endswith(".") or int(whole) + bool(places.strip("0")) > int(limit):
            raise ValueError(f"a coordinate has at most 7 decimals and lies within {limit} degrees")


class Geometry(Part):
    """RFC 7946 Point or Polygon, longitude first, with decimal strings for coordinates."""

    type: Literal["Point", "Polygon"]
    coordinates: list[Any] = Field(max_length=16)

    def model_post_init(self, _context: Any) -> None:
        """Check every position, and that each ring is closed (RFC 7946 section 3.1.6)."""
        if self.type == "Point":
            _check_position(self.coordinates)
            return
        for ring in self.coordinates:
            if not isinstance(ring, list) or not 4 <= len(ring) <= 500 or ring[0] != ring[-1]:
                raise ValueError("a ring has 4 to 500 positions and ends where it begins")
            for position in ring:
                _check_position(position)
