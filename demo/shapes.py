"""Members of records that many scenes share: quantities, new lots, tags, routes."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def amount(mass: str, moisture: str, **assay: str) -> Json:
    """A quantity: wet kg, moisture in %, assay in % of dry mass."""
    return {"mass": mass, "moisture": moisture, "assay": assay}


def coltan(mass: str, grade: str) -> Json:
    """Coltan concentrate with 2 % moisture; grade: % Ta2O5."""
    return amount(mass, "2", Ta2O5=grade)


def lot(name: str, mineral: str, quantity: Json, **more: Any) -> Json:
    """A lot that a record brings into being."""
    return {"id": name, "mineral": mineral, "quantity": quantity, **more}


def measured(name: str, mass: str, moisture: str = "", **assay: str) -> Json:
    """A lot as the consignee found it; what was not measured again is left out."""
    quantity: Json = {"mass": mass}
    if moisture:
        quantity["moisture"] = moisture
    if assay:
        quantity["assay"] = assay
    return {"id": name, "quantity": quantity}


def tags(series: str, count: int) -> list[Json]:
    """Tags `CD-<series>-0001` and on."""
    return [{"scheme": "itsci", "number": f"CD-{series}-{n:04}"} for n in range(1, count + 1)]


def route(*words: str) -> list[Json]:
    """`RW:Rubavu` as a place on the way."""
    return [dict(zip(("country", "place"), word.split(":"), strict=True)) for word in words]
