"""Rules for the records that move lots: extract, dispatch, receive, settle, transform, close."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.custody.balance import Portion, check_balance, sum_balance
from ledger.custody.draft import Draft, as_lot, check_lot_open
from ledger.custody.quantity import (
    MASS_PLACES,
    contained_metal,
    dry_mass,
    format_decimal,
    is_beyond,
    parse_analyte,
    parse_decimal,
)
from ledger.custody.subjects import Dispatched, Edge, Lot
from ledger.envelope import Record
from ledger.errors import (
    LotNotInTransit,
    NotConsignee,
    NotDisputed,
    Overspent,
    QuantityMismatch,
    SignerNotAllowed,
)


def apply_extract(draft: Draft) -> None:
    """New lots at an active mine site of the signer."""
    body = draft.record.body
    draft.check_heads(())
    site = draft.site(body["site"], "/body/site")
    if site.operator != draft.signer.id or site.kind != "mine" or site.status != "active":
        raise SignerNotAllowed(
            f"'{site.id}' is not an active mine that you operate: extract at your own site.", pointer="/body/site"
        )
    for i, lot in enumerate(body["lots"]):
        if draft.in_scope(lot["id"]):
            draft.new_lot(lot, site.id, "identity_preserved", 0, f"/body/lots/{i}")


def _moved_lots(draft: Draft, ids: list[str]) -> list[Lot]:
    return [as_lot(subject) for subject in draft.check_heads(filter(draft.in_scope, ids))]


def _moved(
    lot: Lot, record: Record, status: str, consignor: str = "", consignee: str = "", destination: str = ""
) -> Lot:
    """The lot under a new head, as it was except for where it stands. Spelt out: `_replace` takes twice as long."""
    return Lot(
        lot.id, record.id, record.time, lot.mineral, status, lot.custodian, lot.site, lot.mass, lot.moisture, lot.assay,
        lot.left, lot.tags, lot.model, lot.generation, consignor, consignee, destination,
    )  # fmt: skip


def apply_dispatch(draft: Draft) -> None:
    """Lots on their way to a consignee; custody stays with the signer until they are received."""
    record, body = draft.record, draft.record.body
    lots = _moved_lots(draft, body["lots"])
    for lot in lots:
        draft.check_held(lot)
    # Ids are taken from the subjects: the state then holds one text per id, not one per record.
    consignee = draft.participant(body["consignee"], "/body/consignee").id
    draft.site(body["from"], "/body/from")
    destination = draft.site(body["to"], "/body/to").id
    for lot in lots:
        draft.subjects[lot.id] = _moved(lot, record, "in_transit", draft.signer.id, consignee, destination)


def apply_receive(draft: Draft) -> None:
    """Lots accepted as measured, or refused and back with the consignor."""
    record, body = draft.record, draft.record.body
    measured = {lot["id"]: lot.get("quantity") for lot in body["lots"]}
    lots = _moved_lots(draft, list(measured))
    site = draft.site(body["site"], "/body/site").id
    for lot in lots:
        check_lot_open(lot)
        if lot.status != "in_transit":
            raise LotNotInTransit(
                f"Lot '{lot.id}' is not on its way to anybody: it must be dispatched first.",
                pointer="/body/lots",
                lot=lot.id,
            )
        if lot.consignee != draft.signer.id:
            raise NotConsignee(
                f"Lot '{lot.id}' was dispatched to another consignee: only the one named may receive it.",
                pointer="/iss",
                lot=lot.id,
            )
        quantity = measured[lot.id]
        draft.subjects[lot.id] = (
            _moved(lot, record, "held") if quantity is None else _accepted(lot, quantity, site, draft)
        )


def _accepted(sent: Lot, measured: Mapping[str, Any], site: str, draft: Draft) -> Lot:
    mass, record, moisture = measured["mass"], draft.record, measured.get("moisture") or sent.moisture
    assay = _merge_assay(sent.assay, measured.get("assay"))
    lot = Lot(
        sent.id, record.id, record.time, sent.mineral, "held", draft.signer.id, site, mass, moisture, assay, mass,
        sent.tags, sent.model, sent.generation,
    )  # fmt: skip
    if not _differs(lot, sent, draft.policy["tolerance"]):
        return lot
    return lot._replace(
        status="disputed", consignor=sent.custodian, sent=Dispatched(sent.left, sent.moisture, sent.assay)
    )


def _merge_assay(known: dict[str, str], measured: dict[str, str] | None) -> dict[str, str]:
    """The measured grades, and those known before of elements that were not measured again."""
    if not measured:
        return known
    if known.keys() == measured.keys():
        return measured
    elements = {parse_analyte(analyte).element for analyte in measured}
    kept = {a: share for a, share in known.items() if parse_analyte(a).element not in elements}
    return {**kept, **measured}


def _differs(lot: Lot, sent: Lot, tolerance: Mapping[str, str]) -> bool:
    """Whether dry mass, or a metal that both sides assayed, changed on the way beyond tolerance."""
    if (lot.mass, lot.moisture, lot.assay) == (sent.left, sent.moisture, sent.assay):
        return False
    before, after = dry_mass(sent.left, sent.moisture), dry_mass(lot.mass, lot.moisture)
    if is_beyond(after, before, tolerance["receipt"]):
        return True
    if lot.assay == sent.assay and not is_beyond(after, before, tolerance["metal"]):
        return False  # every metal changed just as the dry mass did
    metal_before = contained_metal(sent.left, sent.moisture, sent.assay)
    metal_after = contained_metal(lot.mass, lot.moisture, lot.assay)
    return any(is_beyond(metal_after[e], kg, tolerance["metal"]) for e, kg in metal_before.items())


def apply_settle(draft: Draft) -> None:
    """The consignor of a disputed receipt agrees to the quantity that the consignee measured."""
    record, body = draft.record, draft.record.body
    agreed = {lot["id"]: lot["quantity"] for lot in body["lots"]}
    for lot in _moved_lots(draft, list(agreed)):
        if lot.status != "disputed":
            raise NotDisputed(f"Lot '{lot.id}' is not disputed: nothing is to be settled.", pointer="/body", lot=lot.id)
        if lot.consignor != draft.signer.id:
            raise SignerNotAllowed(f"Only the consignor of lot '{lot.id}' may settle its dispute.", pointer="/iss")
        if agreed[lot.id] != {"mass": lot.mass, "moisture": lot.moisture, "assay": lot.assay}:
            raise QuantityMismatch(
                f"A settlement repeats the quantity that the consignee measured for lot '{lot.id}', member by member.",
                pointer="/body/lots",
                lot=lot.id,
                measured={"mass": lot.mass, "moisture": lot.moisture, "assay": lot.assay},
            )
        draft.subjects[lot.id] = _moved(lot, record, "held")


def apply_transform(draft: Draft) -> None:
    """Mass taken from the signer's lots becomes new lots, and the balance must hold."""
    body = draft.record.body
    taken = {one["lot"]: one["mass"] for one in body["inputs"]}
    inputs = _moved_lots(draft, list(taken))
    site = draft.site(body["site"], "/body/site").id
    for i, lot in enumerate(inputs):
        draft.check_held(lot)
        draft.subjects[lot.id] = _spent(draft, lot, taken[lot.id], i)
    if len(inputs) < len(taken):  # a bundle about one of the inputs only: their owners hold the rest
        return
    check_balance(
        sum_balance(
            (Portion(taken[lot.id], lot.moisture, lot.assay) for lot in inputs),
            (Portion(**output["quantity"]) for output in body["outputs"]),
            (addition["mass"] for addition in body.get("additions", ())),
        ),
        draft.policy["tolerance"],
    )
    generation = 1 + max(lot.generation for lot in inputs)
    for i, output in enumerate(body["outputs"]):
        if draft.in_scope(output["id"]):
            draft.new_lot(output, site, body["model"], generation, f"/body/outputs/{i}")
            draft.edges += (Edge(lot.id, output["id"], taken[lot.id], lot.moisture, lot.assay) for lot in inputs)


def _spent(draft: Draft, lot: Lot, taken: str, index: int) -> Lot:
    left = parse_decimal(lot.left, MASS_PLACES) - parse_decimal(taken, MASS_PLACES)
    if left < 0:
        raise Overspent(
            f"Lot '{lot.id}' has {lot.left} kg left, {taken} kg can't be taken from it.",
            pointer=f"/body/inputs/{index}/mass",
            lot=lot.id,
            left=lot.left,
            taken=taken,
        )
    if left == 0:
        draft.free_tags(lot)
    record = draft.record
    return Lot(
        lot.id, record.id, record.time, lot.mineral, "held" if left else "closed", lot.custodian, lot.site, lot.mass,
        lot.moisture, lot.assay, format_decimal(left, MASS_PLACES), lot.tags, lot.model, lot.generation,
    )  # fmt: skip


def apply_close(draft: Draft) -> None:
    """Lots leave the system."""
    for lot in _moved_lots(draft, draft.record.body["lots"]):
        draft.check_held(lot)
        draft.free_tags(lot)
        draft.subjects[lot.id] = _moved(lot, draft.record, "closed")
