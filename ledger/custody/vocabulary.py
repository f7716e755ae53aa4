"""The words and number spellings that every event shares: ids, times, quantities, code lists.

Each is a pydantic type, strict: nothing is coerced, nothing unknown is let through, so a
payload that passes is byte for byte what was signed. Spellings and ranges are patterns, calendar
included: they run in compiled code, and a record has many of them. Sources: records.md sections 3 and 4,
ISO 3166, ISO 4217, ISO 22095, RFC 7946.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ledger.custody.quantity import ANALYTE_PATTERN

ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:/#@+-]{0,199}$"

Role = Literal[
    "registrar", "producer", "cooperative", "trader", "exporter", "transporter", "smelter", "refiner",
    "manufacturer", "laboratory", "auditor", "authority", "monitor", "buyer",
]  # fmt: skip

Model = Literal["identity_preserved", "segregated", "controlled_blending", "mass_balance", "book_and_claim"]
MODELS: Final[tuple[str, ...]] = get_args(Model)
"""Chain-of-custody models of ISO 22095, strongest first."""

Process = Literal["split", "merge", "blend", "retag", "concentrate", "smelt", "refine"]
SiteKind = Literal["mine", "washing", "depot", "warehouse", "plant", "smelter", "refinery", "port", "laboratory"]
Method = Literal["artisanal", "semi_mechanised", "large_scale"]
CloseReason = Literal["sold_out_of_scope", "consumed", "lost", "stolen", "seized"]


_WHOLE: Final = r"^(?:0|[1-9][0-9]{0,11})"
_PLACES: Final = r"(?:\.[0-9]{1,6})?$"
_DAY: Final = (  # of the Gregorian calendar, years 1000 to 2999
    r"(?:[12][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?:[12][0-9](?:0[48]|[2468][048]|[13579][26])|(?:2[048]|1[26])00)-02-29)"
)
_TIME: Final = rf"^{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"
_MICRO: Final = "|".join("0" * n + rf"[1-9][0-9]{{0,{5 - n}}}" for n in range(6))
_POSITIVE: Final = rf"^(?:[1-9][0-9]{{0,11}}(?:\.[0-9]{{1,6}})?|0\.(?:{_MICRO}))$"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
RecordId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""base64url of SHA-256, as `_sd` holds it (RFC 9901)."""
Time = Annotated[str, StringConstraints(pattern=_TIME)]
"""RFC 3339 in UTC with `Z` and whole seconds, so that the order of strings is the order of times."""
Date = Annotated[str, StringConstraints(pattern=rf"^{_DAY}$")]
Mass = Annotated[str, StringConstraints(pattern=_WHOLE + _PLACES)]
"""kg, at most 6 decimals (a milligram)."""
PositiveMass = Annotated[str, StringConstraints(pattern=_POSITIVE)]
Percent = Annotated[str, StringConstraints(pattern=r"^(?:100(?:\.0{1,6})?|[1-9]?[0-9](?:\.[0-9]{1,6})?)$")]
Moisture = Annotated[str, StringConstraints(pattern=r"^[1-9]?[0-9](?:\.[0-9]{1,4})?$")]
"""% of wet mass, below 100, at most 4 decimals."""
Amount = Annotated[str, StringConstraints(pattern=_WHOLE + _PLACES)]
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
    """Base of every schema: strict, closed, immutable; compiled when it is first used."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


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
        if not (whole.isascii() and whole.isdigit() and len(whole) <= 3):
            raise ValueError("a coordinate is a decimal string in degrees")
        if places and not (places.isascii() and places.isdigit()):
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
        if not self.coordinates:
            raise ValueError("a polygon has a ring")
        for ring in self.coordinates:
            if not isinstance(ring, list) or not 4 <= len(ring) <= 500 or ring[0] != ring[-1]:
                raise ValueError("a ring has 4 to 500 positions and ends where it begins")
            for position in ring:
                _check_position(position)
