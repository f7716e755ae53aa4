"""The body of a record from the rows of one group, by kind of list (schemas: `ledger.custody.bodies`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from clients.importers.faults import CellFault


class Line(Protocol):
    """What a shape needs of a row."""

    @property
    def values(self) -> dict[str, Any]: ...
    @property
    def assay(self) -> dict[str, str]: ...


Shape = Callable[[Sequence[Any]], tuple[dict[str, Any], str]]


def _pick(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _new_lot(line: Line) -> dict[str, Any]:
    values = line.values
    quantity = {"mass": values["mass"], "moisture": values["moisture"], "assay": dict(line.assay)}
    lot: dict[str, Any] = {"id": values["lot"], "mineral": values["mineral"], "quantity": quantity}
    if values.get("tags"):
        if "tag_scheme" not in values:
            raise CellFault(
                "no-tag-scheme", "There are tags but no tag scheme: add the column tag_scheme, or a default for it."
            )
        lot["tags"] = [{"scheme": values["tag_scheme"], "number": number} for number in values["tags"]]
    return lot | _pick(values, "packages")


def shape_extract(lines: Sequence[Line]) -> tuple[dict[str, Any], str]:
    """An extract; its time is the end of the period unless there is a column for it."""
    first = lines[0].values
    body = {
        "site": first["site"],
        "period": {"from": first["from"], "to": first["to"]},
        "method": first["method"],
        "workers": first["workers"],
        "lots": [_new_lot(line) for line in lines],
        **_pick(first, "team", "pit", "price"),
    }
    return body, first.get("time", first["to"])


def shape_dispatch(lines: Sequence[Line]) -> tuple[dict[str, Any], str]:
    """A dispatch of all lots of the group."""
    first = lines[0].values
    body = {
        "lots": [line.values["lot"] for line in lines],
        "consignee": first["consignee"],
        "from": first["from"],
        "to": first["to"],
        "transport": _pick(first, "mode", "carrier", "vehicle", "driver", "seals", "route"),
        "expected": first["expected"],
        **_pick(first, "price"),
    }
    if "document_kind" in first:
        number = {"number": first["document_number"]} if "document_number" in first else {}
        body["documents"] = [{"kind": first["document_kind"], **number}]
    elif "document_number" in first:
        raise CellFault(
            "no-document-kind", "There is a document number but no document kind: add the column document_kind."
        )
    return body, first["time"]


def shape_receipt(lines: Sequence[Line]) -> tuple[dict[str, Any], str]:
    """A receipt: accepted lots with what was measured, refused ones without."""
    first = lines[0].values
    outcome = first.get("outcome", "accepted")
    body = {
        "outcome": outcome,
        "site": first["site"],
        "lots": [_received(line, outcome) for line in lines],
        **_pick(first, "seals", "note"),
    }
    return body, first["time"]


def _received(line: Line, outcome: str) -> dict[str, Any]:
    quantity = _pick(line.values, "mass", "moisture")
    if line.assay:
        quantity["assay"] = dict(line.assay)
    if outcome == "accepted" and "mass" not in quantity:
        raise CellFault("empty-cell", f"The lot {line.values['lot']} is accepted, but its measured mass is missing.")
    if outcome == "refused" and quantity:
        raise CellFault(
            "refused-quantity",
            f"The lot {line.values['lot']} is refused, so it has no measured quantity: leave it empty.",
        )
    return {"id": line.values["lot"], **({"quantity": quantity} if quantity else {})}


SHAPES: dict[str, Shape] = {"extracts": shape_extract, "dispatches": shape_dispatch, "receipts": shape_receipt}
TYPES = {"extracts": "extract", "dispatches": "dispatch", "receipts": "receive"}
