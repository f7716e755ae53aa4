"""A Union importer's honest file, paper by paper: a German buyer imports 800 kg of coltan, or the metal from it."""

from __future__ import annotations

from typing import Any

from ledger.rules.case import Background
from ledger.rules.engine import judge_rule
from ledger.rules.pack import parameters_of
from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import CahraArea, TransitCountry
from ledger.rules.reference.snapshot import References
from ledger.rules.ruling import Ruling
from tests.support.papers import Paper, attests, lists, on
from tests.support.story import AUDITOR, AUTHORITY, BUYER, CUSTOMS, EXPORTER, PLANT, SMELTER, Story
from tests.support.world import new_lot, quantity

LOT, METAL = "lot:export", "lot:metal"
TERMS = {"importer": BUYER, "cn": "26159000"}
METAL_TERMS = {"importer": BUYER, "cn": "81032000", "annual_kg": "2500"}
DIGEST = "ab" * 32


def declared(number: str, net: str, lot: str = LOT, **more: Any) -> Paper:
    statement = {
        "declaration": number, "code_system": "CN", "code": "26159000", "net": net, "importer": BUYER,
        "country_of_origin": "CD", "country_of_dispatch": "MY", **more,
    }  # fmt: skip
    return attests(CUSTOMS, "import", lot, statement)


def certificate(
    description: str | None = "Tantalite 28 %", origins: tuple[str, ...] = ("CD",), lot: str = LOT
) -> Paper:
    statement = {
        "scheme": "icglr", "country": "CD", "number": "CD-1", "exporter": EXPORTER, "mass": "800",
        "authority": AUTHORITY, "origins": [*origins], "verified": "2026-04-05",
        "issued": "2026-04-06", "expires": "2026-07-01",
    }  # fmt: skip
    return attests(AUTHORITY, "certificate", lot, statement | ({"description": description} if description else {}))


def sold(seller: str, buyer: str, lot: str = LOT) -> Paper:
    return attests(seller, "ownership", lot, {"seller": seller, "buyer": buyer})


def policy(**more: Any) -> Paper:
    heads = ["A2.1", "A2.3", "A2.5", "A2.11", "A2.12", "A2.13", "records-5-years"]
    statement = {"title": "Policy", "covers": heads, "officer": "Head of purchasing", "url": "https://example.org/p"}
    return attests(BUYER, "policy", BUYER, {**statement, **more})


def assessed(day: str = "2026-05-21", flags: tuple[str, ...] = ("A2.11.BRIBE",)) -> Paper:
    return attests(BUYER, "risk_assessment", BUYER, {"scope": "All imports", "date": day, "red_flags": [*flags]})


def planned(review: str = "2026-09-01", decision: str = "continue") -> Paper:
    statement = {
        "risk": "A2.11.BRIBE", "decision": decision, "measures": ["Receipts"], "start": "2026-05-01",
        "review_by": review,
    }  # fmt: skip
    return attests(BUYER, "mitigation_plan", BUYER, statement)


def audited(facility: str, about: Any, result: str = "conform", start: str = "2026-01-01", **more: Any) -> Paper:
    statement = {
        "facility": facility, "scheme": "RMAP", "standard": "Tin and Tantalum", "metals": ["Ta"],
        "body": "Assurance SA", **more,
    }  # fmt: skip
    return attests(AUDITOR, "audit", about, statement, result=result, **{"from": f"{start}T00:00:00Z"})


def paid(kind: str = "tax") -> Paper:
    statement = {
        "kind": kind, "purpose": "Export tax", "payer": EXPORTER, "payee_class": "government", "amount": "500",
        "currency": "USD", "date": "2026-04-05", "method": "bank",
    }  # fmt: skip
    return attests(EXPORTER, "payment", LOT, statement)


AREAS = lists("eu_cahra", "2026-04-01", CahraArea("CD", "CD-NK", "Nord-Kivu", True, True))
ELSEWHERE = lists("eu_cahra", "2026-04-01", CahraArea("YE", "", "Yemen", True, True))
TRANSIT = lists("transit_countries", "2026-04-01", TransitCountry("RW", (), "2020-01-01", "", "OECD", "2020-01-01"))
NO_TRANSIT = lists(
    "transit_countries", "2026-04-01",
    TransitCountry("AE", ("gold",), "2020-01-01", "", "OECD", "2020-01-01"),
    TransitCountry("RW", (), "2020-01-01", "2021-01-01", "OECD", "2020-01-01"),
)  # fmt: skip

FILE: dict[str, Paper] = {
    "certificate": on("2026-05-21", certificate()),
    "sale": sold(EXPORTER, BUYER),
    "import": declared("D-1", "800"),
    "others": declared("D-2", "99200", BUYER),
    "policy": policy(),
    "contract": attests(BUYER, "contract", [BUYER, EXPORTER], {"title": "Supply", "parties": [BUYER], "clause": "7"}),
    "channel": attests(BUYER, "grievance_channel", BUYER, {"contact": "Ombudsman", "days_to_answer": 30}),
    "risks": assessed(),
    "plan": planned(),
    "audit": audited(BUYER, BUYER, scheme="EU-2017-821", standard="Article 6"),
    "report": attests(BUYER, "annual_report", BUYER, {"year": 2024, "url": "https://example.org/r", "digest": DIGEST}),
    "taxes": paid(),
    "areas": AREAS,
    "transit": TRANSIT,
}
SMELTED: dict[str, Paper] = {
    **FILE,
    "certificate": on("2026-05-21", certificate(lot=METAL)),
    "import": declared("D-1", "182", METAL, code="81032000", country_of_origin="MY"),
    "sale": sold(SMELTER, BUYER, METAL),
    "contract": attests(BUYER, "contract", [BUYER, SMELTER], {"title": "Supply", "clause": "7"}),
    "smelter": audited(PLANT, PLANT),
}


def smelt(story: Story, **output: Any) -> Story:
    """The smelter makes 182 kg of tantalum powder from the 800 kg."""
    powder = {**new_lot(METAL, quantity("182", "0", {"Ta": "99.9"})), "mineral": "tantalum", **output}
    losses = [{"kind": "slag", "mass": "618"}]
    story.on("2026-05-20T18:00:00Z").transform(SMELTER, PLANT, {LOT: "800"}, powder, process="smelt", losses=losses)
    story.subject = METAL
    return story


def judged(rule_id: str, claim: Any, facts: Any) -> Ruling:
    """What a rule says of facts made by hand, without reference data."""
    pack = read_packs()["eu-2017-821"]
    rule = next(one for one in pack.rules if one.id == rule_id)
    return judge_rule(rule, pack.id, Background(facts, claim, References()), parameters_of(pack)).ruling
