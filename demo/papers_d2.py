"""The papers of an industrial tin chain, and the file of a European importer under Regulation (EU) 2017/821."""

from __future__ import annotations

from collections.abc import Sequence

from demo.papers import PAPER_DIGEST, Paper, attested, file_papers
from demo.papers_d1 import HEADS
from demo.stage import Stage


def licence_mine(stage: Stage) -> None:
    """The agency licenses and inspects the mine; an auditor confirms it."""
    days, mine, agency = stage.days, stage["tin_mine"], stage["agency"].id
    site = "site:northern-tin"
    span = {"from": days.at(-200), "until": days.at(165), "result": "conform"}
    file_papers(stage, [
        attested(
            stage, "agency", days.at(-219, 9), "licence", [site], "PE 9005", kind="mining_licence", number="PE-9005",
            holder=mine.id, granted=days.date(-219), expires=days.date(3000), minerals=["cassiterite"],
        ),
        attested(
            stage, "agency", days.at(-216, 10), "inspection", [site], site, number="INSP-T-07", date=days.date(-216),
            office="Provincial division of mines", children={"under_15": 0, "aged_15_to_18": 0}, armed_presence="none",
            safety="good", environment="minor", workforce=640, more={"result": "conform"},
        ),
        attested(
            stage, "agency", days.at(-215, 9), "site_status", [site, mine.id], "mine and exporter are green",
            status="green", effective=days.date(-215), expires=days.date(149), act="ARR-T-112", authority=agency,
        ),
        attested(
            stage, "auditor", days.at(-200, 12), "audit", [site], site, facility=site, scheme="icglr",
            standard="third-party audit", metals=["Sn"], body="Independent auditor", more=span,
        ),
    ])  # fmt: skip


def clear_trucks(stage: Stage, trucks: Sequence[str]) -> None:
    """Royalty, certificate and export declaration of every truck."""
    days, mine, agency = stage.days, stage["tin_mine"], stage["agency"].id
    papers: list[Paper] = []
    for n, truck in enumerate(trucks):
        papers += [
            attested(
                stage, "agency", days.at(-29, 9), "payment", [truck], "3.5 % royalty", kind="royalty",
                purpose="royalty on tin", payer=mine.id, payee="General revenue office", payee_class="government",
                authority=agency, amount="9450.00", currency="USD", date=days.date(-29), method="bank",
                receipt=f"RY-41{n}",
            ),
            attested(
                stage, "agency", days.at(-29, 10), "certificate", [truck], "ICGLR certificate", scheme="icglr",
                country="CD", number=f"CD-000051{n}", exporter=mine.id, importer=stage["tin_smelter"].role.name,
                lot_number=truck, description="Cassiterite concentrate 63 %", ore="cassiterite", mass="27000",
                origins=["CD"], shipment=days.date(-28 + n), route=["UG", "KE"], authority=agency,
                verifier="Head of verification", verifier_position="verifier", validator="Provincial director",
                verified=days.date(-30), issued=days.date(-29), expires=days.date(60),
            ),
            attested(
                stage, "tin_mine", days.at(-29, 12), "export", [truck], "HS 260900", declaration=f"SAD-31{n}",
                code_system="HS", code="260900", net="27000", value="270000.00", currency="USD", route=["UG", "KE"],
                exporter=mine.id, destination="BE",
            ),
        ]  # fmt: skip
    file_papers(stage, papers)


def import_file(stage: Stage, arrived: dict[str, str]) -> None:
    """Import declarations, and what Articles 4 to 7 ask of the importer. arrived: kg by truck."""
    days, smelter, mine = stage.days, stage["tin_smelter"], stage["tin_mine"]
    stage.narrator.say("The smelter is in the Union: 5 t of tin ore a year, and the first truck brings 27. Its file:")
    span = {"from": days.at(-180), "until": days.at(180), "result": "conform"}
    year = int(days.date(0)[:4]) - 1
    papers = [
        attested(
            stage, "tin_smelter", days.at(-3, 12), "import", [truck], "CN 26090000", declaration=f"BE-IM-{truck[-1]}",
            code_system="CN", code="26090000", net=mass, importer=smelter.id, country_of_origin="CD",
            country_of_dispatch="KE", more={"documents": [{"kind": "import declaration", "digest": PAPER_DIGEST}]},
        )
        for truck, mass in arrived.items()
    ]  # fmt: skip
    papers += [
        attested(
            stage, "tin_smelter", days.at(-190, 9), "policy", [smelter.id], "all heads of Annex II",
            title="Supply-chain policy", covers=HEADS, officer="Head of purchasing",
            url="https://estuary-smelting.example/policy",
        ),
        attested(
            stage, "tin_smelter", days.at(-190, 10), "contract", [smelter.id, mine.id], "with Northern Tin",
            title="Supply contract", parties=[smelter.id, mine.id], clause="7 supply-chain policy",
        ),
        attested(
            stage, "tin_smelter", days.at(-190, 11), "grievance_channel", [smelter.id], "answers within 30 days",
            contact="Complaints office", days_to_answer=30,
        ),
        attested(
            stage, "tin_smelter", days.at(-5, 9), "risk_assessment", [smelter.id], "imports of tin ore",
            scope="imports of tin ore", date=days.date(-5), red_flags=["A2.11.BRIBE"],
        ),
        attested(
            stage, "tin_smelter", days.at(-5, 10), "mitigation_plan", [smelter.id], "receipts for every fee",
            risk="A2.11.BRIBE", decision="continue", measures=["Receipts for every fee on the road"],
            start=days.date(-5), review_by=days.date(120),
        ),
        attested(
            stage, "auditor", days.at(-180, 12), "audit", [smelter.id], "Article 6 of the importer",
            facility=smelter.id, scheme="EU-2017-821", standard="Article 6", metals=["Sn"],
            body="Independent auditor", more=span,
        ),
        attested(
            stage, "tin_smelter", days.at(-140, 9), "annual_report", [smelter.id], str(year), year=year,
            url="https://estuary-smelting.example/report", digest=PAPER_DIGEST,
        ),
    ]  # fmt: skip
    file_papers(stage, papers)
