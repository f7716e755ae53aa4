"""What upstream companies of 3T collect (OECD guidance, 3T Supplement): every data point, every outcome."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.rules.packs import read_packs
from tests.support.cases import FAIL, FLAG, INSUFFICIENT, NOT_APPLICABLE, PASS, Case, check_case, finding_on
from tests.support.oecd_papers import (
    UPSTREAM,
    declare_export,
    declare_import,
    declare_nil,
    own,
    pay,
    pay_dues,
)
from tests.support.story import (
    AUTHORITY,
    DEPOT,
    EXPORTER,
    MINE_A,
    MINER,
    MINER_B,
    PLANT,
    SMELTER,
    TRADER,
    WAREHOUSE,
    Story,
)
from tests.support.world import REGISTRAR, new_lot, quantity


def honest(story: Story) -> None:
    """Nothing is bent: custody only, no papers."""


def dug(story: Story, mineral: str = "coltan", assay: str = "Ta2O5") -> dict[str, Any]:
    """A bag that has not left its mine."""
    lot = {**new_lot("lot:new", quantity("40", "2", {assay: "28.5"}), ["NEW1"]), "mineral": mineral}
    story.on("2026-06-01").extract(MINE_A, lot, period=("2026-05-01", "2026-05-31"))
    return {"subject": "lot:new"}


def gold(story: Story) -> dict[str, Any]:
    return dug(story, "gold", "Au")


def the_mine(story: Story) -> dict[str, Any]:
    """A claim about a site."""
    return {"subject": MINE_A}


def dues_self_attested(story: Story) -> None:
    for party in UPSTREAM:
        pay(story, party, party, by=party)


def dues_without_receipt(story: Story) -> None:
    for party in UPSTREAM:
        pay(story, party, party, receipt=None)


def one_receipt_concealed(story: Story) -> dict[str, Any]:
    pay_dues(story, MINER_B, TRADER, EXPORTER)
    pay(story, MINER, MINER, conceal=("/body/statement/receipt",))
    return {"erase": True}


def others_dues(story: Story) -> None:
    """Dues of another year count for nothing."""
    pay_dues(story, MINER_B, TRADER, EXPORTER)
    pay(story, MINER, MINER, date="2024-04-05")


def officials_paid(story: Story) -> None:
    declare_nil(story, MINER_B, TRADER, EXPORTER)
    pay(story, MINER, MINE_A, by=MINER, kind="official", payee_class="official")


def nil_by_months(story: Story) -> None:
    declare_nil(story, MINER_B, TRADER, EXPORTER)
    for start, end in (("2026-03-01", "2026-03-31"), ("2026-04-01", "2026-04-30"), ("2026-03-01", "2026-03-10")):
        declare_nil(story, MINER, start=start, end=end)


def nil_with_a_gap(story: Story) -> None:
    declare_nil(story, MINER_B, TRADER, EXPORTER)
    for start, end in (("2026-03-01", "2026-03-15"), ("2026-03-18", "2026-04-30")):
        declare_nil(story, MINER, start=start, end=end)


def nil_by_another(story: Story) -> None:
    declare_nil(story, MINER_B, TRADER, EXPORTER)
    story.attest(TRADER, "nil_declaration", MINER, {"kinds": ["official"], "from": "2026-03-01", "to": "2026-05-31"})


def armed_group_paid(story: Story) -> None:
    declare_nil(story)
    pay(story, MINER, MINE_A, by=AUTHORITY, kind="levy", payee_class="armed_group", method="in_kind")


def armed_group_paid_says_a_rival(story: Story) -> None:
    declare_nil(story)
    pay(story, MINER, MINE_A, by="did:web:buyer.example", kind="levy", payee_class="armed_group")


def owners_concealed(story: Story) -> dict[str, Any]:
    body = {**story.body_of("participant", EXPORTER), "owners": [{"name": "Example Holding", "capacity": "director"}]}
    body.pop("keys")
    story.world.do(REGISTRAR, "participant", body, [EXPORTER], conceal=["/body/owners"])
    return {"erase": True}


def owners_of_last_year(story: Story) -> None:
    """The register was told of owners, and the exporter still sends lots on a year and a half later."""
    own(story)
    lot = new_lot("lot:late", quantity("10"), ["LATE1"])
    story.on("2027-11-20").extract(MINE_A, lot, period=("2027-11-01", "2027-11-19"))
    story.dispatch(MINER, EXPORTER, MINE_A, WAREHOUSE, "lot:late")
    story.receive(EXPORTER, WAREHOUSE, {"lot:late": None})
    story.subject = "lot:late"


def mass_balance(story: Story) -> dict[str, Any]:
    out = new_lot("lot:credit", quantity("800", "2", {"Ta2O5": "28.5"}), ["CR1"])
    story.on("2026-05-21").transform(
        SMELTER, PLANT, {"lot:export": "800"}, out, process="concentrate", model="mass_balance"
    )
    return {"subject": "lot:credit"}


def unlocated(story: Story) -> None:
    body = story.body_of("site", DEPOT)
    del body["location"]
    story.world.do(TRADER, "site", body, [DEPOT])


def location_concealed(story: Story) -> dict[str, Any]:
    body = story.body_of("site", DEPOT)
    story.world.do(TRADER, "site", body, [DEPOT], conceal=["/body/location"])
    return {"erase": True}


def nameless(story: Story) -> None:
    body = story.body_of("participant", TRADER)
    body.pop("keys")
    body.pop("name")
    story.world.do(REGISTRAR, "participant", body, [TRADER])


def sent_back(story: Story, **transport: Any) -> None:
    """The smelter sends the lot back over the sea."""
    story.on("2026-05-21").dispatch(SMELTER, EXPORTER, PLANT, WAREHOUSE, "lot:export", **transport)


def no_waypoints(story: Story) -> None:
    sent_back(story)


def arrived_late(story: Story, *, seen: str = "") -> None:
    """Expected on 26 May, received on the 28th; perhaps seen on the way."""
    sent_back(story, route=[{"country": "TZ", "place": "Port"}])
    if seen:
        story.on(seen).attest(EXPORTER, "checkpoint", "lot:export", {"place": "Port", "at": f"{seen}T12:00:00Z"})
    story.on("2026-05-28").receive(EXPORTER, WAREHOUSE, {"lot:export": None})


def never_arrived(story: Story) -> None:
    sent_back(story, route=[{"country": "TZ", "place": "Port"}])
    story.on("2026-06-01")


def export_without_paper(story: Story) -> None:
    declare_export(story, paper=False)
    declare_import(story)


def export_papers(story: Story) -> None:
    declare_export(story)
    declare_import(story)


def on_its_way(story: Story) -> None:
    """Sent over a border, not yet received: an import declaration is not due."""
    export_papers(story)
    sent_back(story, route=[{"country": "TZ", "place": "Port"}])


def written_up_later(story: Story) -> None:
    """The miner corrects its extract after the smelter has taken the lot made of it, and dates that back."""
    story.on("2026-05-21")
    extract = next(one.record for one in story.shown() if one.record.type == "extract")
    body = {"record": extract.id, "type": "extract", "reason": "typing error", "replace": {"workers": 110}}
    lots = [one["id"] for one in extract.body["lots"]]
    story.world.do(MINER, "correct", body, lots, time="2026-04-10T12:00:00Z")


CASES: dict[str, Case] = {
    "everybody paid his dues": ("OECD3T.A.TAXES", pay_dues, PASS),
    "no dues are on file": ("OECD3T.A.TAXES", honest, INSUFFICIENT),
    "only the payers speak of dues": ("OECD3T.A.TAXES", dues_self_attested, INSUFFICIENT),
    "dues have no receipts": ("OECD3T.A.TAXES", dues_without_receipt, INSUFFICIENT),
    "a receipt is concealed": ("OECD3T.A.TAXES", one_receipt_concealed, INSUFFICIENT),
    "the dues are of another year": ("OECD3T.A.TAXES", others_dues, INSUFFICIENT),
    "the lot has not left its mine": ("OECD3T.A.TAXES", dug, NOT_APPLICABLE),
    "gold is not 3T": ("OECD3T.A.TAXES", gold, NOT_APPLICABLE),
    "all declare that no official was paid": ("OECD3T.B.OFFICIALS", declare_nil, PASS),
    "a payment to an official is disclosed": ("OECD3T.B.OFFICIALS", officials_paid, PASS),
    "the declarations follow one another": ("OECD3T.B.OFFICIALS", nil_by_months, PASS),
    "the declarations leave two days open": ("OECD3T.B.OFFICIALS", nil_with_a_gap, INSUFFICIENT),
    "somebody else declares for the miner": ("OECD3T.B.OFFICIALS", nil_by_another, INSUFFICIENT),
    "nobody says anything of officials": ("OECD3T.B.OFFICIALS", honest, INSUFFICIENT),
    "gold has no 3T officials": ("OECD3T.B.OFFICIALS", gold, NOT_APPLICABLE),
    "all declare that no force was paid": ("OECD3T.C.SECURITY", declare_nil, PASS),
    "an armed group was paid": ("OECD3T.C.SECURITY", armed_group_paid, FAIL),
    "a stranger says that an armed group was paid": ("OECD3T.C.SECURITY", armed_group_paid_says_a_rival, FLAG),
    "nobody says anything of forces": ("OECD3T.C.SECURITY", honest, INSUFFICIENT),
    "gold has no 3T forces": ("OECD3T.C.SECURITY", gold, NOT_APPLICABLE),
    "the exporter's owners are known": ("OECD3T.D.OWNER", own, PASS),
    "an owner is a politician": ("OECD3T.D.OWNER", lambda s: own(s, affiliation="political"), FLAG),
    "an officer is of the army": ("OECD3T.D.OWNER", lambda s: own(s, affiliation="military"), FLAG),
    "the owners are not given": ("OECD3T.D.OWNER", honest, INSUFFICIENT),
    "the owners are concealed": ("OECD3T.D.OWNER", owners_concealed, INSUFFICIENT),
    "the owners are those of long ago": ("OECD3T.D.OWNER", owners_of_last_year, INSUFFICIENT),
    "nobody has exported it": ("OECD3T.D.OWNER", dug, INSUFFICIENT),
    "gold has no 3T owners": ("OECD3T.D.OWNER", gold, NOT_APPLICABLE),
    "all of it has a mine": ("OECD3T.E.MINE", honest, PASS),
    "it is a credit of mass balance": ("OECD3T.E.MINE", mass_balance, INSUFFICIENT),
    "a mine is no lot": ("OECD3T.E.MINE", the_mine, NOT_APPLICABLE),
    "gold has no 3T mine": ("OECD3T.E.MINE", gold, NOT_APPLICABLE),
    "what was dug is described": ("OECD3T.F.QDM", honest, PASS),
    "gold has no 3T description": ("OECD3T.F.QDM", gold, NOT_APPLICABLE),
    "all places are known": ("OECD3T.G.PLACES", honest, PASS),
    "the depot lies nowhere": ("OECD3T.G.PLACES", unlocated, INSUFFICIENT),
    "the depot's place is concealed": ("OECD3T.G.PLACES", location_concealed, INSUFFICIENT),
    "gold has no 3T places": ("OECD3T.G.PLACES", gold, NOT_APPLICABLE),
    "everybody has a name": ("OECD3T.H.INTERMED", honest, PASS),
    "the trader has no name": ("OECD3T.H.INTERMED", nameless, INSUFFICIENT),
    "gold has no 3T traders": ("OECD3T.H.INTERMED", gold, NOT_APPLICABLE),
    "all routes are known": ("OECD3T.I.ROUTE", honest, PASS),
    "no place on the way is given": ("OECD3T.I.ROUTE", no_waypoints, INSUFFICIENT),
    "two days are unexplained": ("OECD3T.I.ROUTE", arrived_late, FAIL),
    "it was seen on the day in between": ("OECD3T.I.ROUTE", lambda s: arrived_late(s, seen="2026-05-27"), PASS),
    "it never arrived": ("OECD3T.I.ROUTE", never_arrived, FAIL),
    "it was never moved": ("OECD3T.I.ROUTE", dug, NOT_APPLICABLE),
    "export and import are declared": ("OECD3T.INTL", export_papers, PASS),
    "it is on its way, and exported": ("OECD3T.INTL", on_its_way, PASS),
    "the export was never declared": ("OECD3T.INTL", declare_import, INSUFFICIENT),
    "the declaration has no paper": ("OECD3T.INTL", export_without_paper, INSUFFICIENT),
    "it never crossed a border": ("OECD3T.INTL", dug, NOT_APPLICABLE),
    "the smelter had the whole file": ("OECD3T.SMELT", honest, PASS),
    "the smelter's file was completed later": ("OECD3T.SMELT", written_up_later, INSUFFICIENT),
    "no smelter has taken it": ("OECD3T.SMELT", dug, NOT_APPLICABLE),
}


@pytest.mark.parametrize("words", CASES)
def test_oecd_3t(base: Story, words: str) -> None:
    check_case(base, CASES[words])


def test_every_rule_has_cases() -> None:
    assert {rule for rule, _, _ in CASES.values()} == {rule.id for rule in read_packs()["oecd-3t"].rules}


def test_part_of_the_chain_leads_to_no_mine(base: Story) -> None:
    mined = {lot: one for lot, one in base.facts().mined.items() if lot != "lot:a-1"}
    found = finding_on(base, "OECD3T.E.MINE", mined=mined)
    assert found.ruling.outcome is INSUFFICIENT
    assert found.ruling.figures == {"percent": "95"}
    lots = {name: lot for name, lot in base.facts().lots.items() if not lot.is_mined}
    assert finding_on(base, "OECD3T.F.QDM", lots=lots).ruling.outcome is INSUFFICIENT
