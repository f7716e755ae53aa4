"""The papers of a well-run coltan chain: what the state, the companies, an auditor and a laboratory add to custody."""

from __future__ import annotations

from collections.abc import Iterable

from clients.sdk import events
from demo.papers import PAPER_DIGEST, Paper, attested, file_papers
from demo.shapes import coltan, lot
from demo.stage import Stage

PAYEES = ["official", "public_security", "private_security", "armed_group"]
HEADS = ["A2.1", "A2.3", "A2.5", "A2.11", "A2.12", "A2.13", "records_5y", "records-5-years"]
MINES = ("site:hilltop-A", "site:riverside-B", "site:riverside-C", "site:ridge-E")
UPSTREAM = ("hilltop", "riverside", "ridge", "trader", "exporter")
HISTORY = ((-203, "610"), (-172, "655"), (-141, "630"))
"""Days on which site A's earlier months began, and what they gave in kg."""
REFERENCE = ("0.55", "0.40", "0.80", "1.20", "0.30", "0.05")
"""Centre of site A's reference samples: six ratios of elements."""
SPREAD = ("0.02", "0.02", "0.04", "0.05", "0.02", "0.005")
RATIOS = ("Ta/(Ta+Nb)", "Mn/(Mn+Fe)", "Ti", "Sn", "W", "U")


def declare_green(stage: Stage) -> None:
    """The agency's visits, statuses and tags; an auditor's audit of the mines."""
    days = stage.days
    for_site = (
        ("hilltop-A", "A", 100, 120),
        ("riverside-B", "B", 40, 161),
        ("riverside-C", "C", 60, 157),
        ("ridge-E", "E", 80, 66),
        ("shadow-D", "D", 40, 88),
    )
    papers: list[Paper] = []
    for site, series, count, workers in for_site:
        where, what = f"site:{site}", f"site:{site}"
        papers += [
            attested(
                stage, "agency", days.at(-216, 10), "inspection", [where], what, number=f"INSP-{series}-07",
                date=days.date(-216), office="Provincial division of mines", position="inspector",
                children={"under_15": 0, "aged_15_to_18": 0}, armed_presence="none", safety="minor",
                environment="good", workforce=workers, more={"result": "conform"},
            ),
            attested(
                stage, "agency", days.at(-215, 9), "site_status", [where], what, old="blue", status="green",
                effective=days.date(-215), expires=days.date(149), act=f"ARR-{series}-112",
                authority=stage["agency"].id,
            ),
            attested(
                stage, "agency", days.at(-214, 9), "tag_allocation", [where], what, scheme="itsci",
                first=f"CD-{series}-0001", last=f"CD-{series}-{count:04}", count=count, site=where,
            ),
        ]  # fmt: skip
    papers += [_audited(stage, site) for site in MINES]
    file_papers(stage, papers)


def _audited(stage: Stage, site: str) -> Paper:
    days = stage.days
    span = {"from": days.at(-200), "until": days.at(165), "result": "conform"}
    return attested(
        stage, "auditor", days.at(-200, 12), "audit", [site], site, facility=site, scheme="icglr",
        standard="third-party audit", metals=["Ta"], body="Independent auditor", more=span,
    )  # fmt: skip


def dig_before(stage: Stage) -> None:
    """Site A's months before, so that a month can be compared with its past."""
    days = stage.days
    papers = []
    for number, (day, mass) in enumerate(HISTORY, 1):
        event = events.extract(
            days.at(day + 27, 17), site="site:hilltop-A", method="artisanal", workers=118,
            period={"from": days.at(day, 6), "to": days.at(day + 27, 16)},
            lots=[lot(f"COLTAN-A-PAST-{number}", "coltan", coltan(mass, "28.4"), packages=16)],
        )  # fmt: skip
        papers.append(Paper(stage["hilltop"], event, f"{mass} kg in {days.month(day)}"))
    file_papers(stage, papers)


def fingerprint(stage: Stage, bag: str) -> None:
    """Twelve reference samples of site A, and one bag that looks like them."""
    stage.narrator.say("The laboratory knows site A by twelve reference samples; a bag of the honest month fits them.")
    samples = []
    for place, (centre, spread) in enumerate(zip(REFERENCE, SPREAD, strict=True)):
        for sign in (1, -1):
            ratios = list(REFERENCE)
            ratios[place] = shifted(centre, spread, sign)
            samples.append(ratios)
    days = stage.days
    papers = [
        _fingerprint(stage, days.at(-150, 9), "site:hilltop-A", f"REF-A-{number:02}", ratios)
        for number, ratios in enumerate(samples, 1)
    ]
    papers.append(_fingerprint(stage, days.at(-79, 15), bag, "FP-A-07", [*REFERENCE[:5], "0.053"]))
    file_papers(stage, papers)


def shifted(centre: str, spread: str, times: str | int) -> str:
    """centre + times x spread, exactly."""
    from decimal import Decimal

    return f"{Decimal(centre) + Decimal(spread) * Decimal(times):f}"


def _fingerprint(stage: Stage, day: str, about: str, sample: str, ratios: Iterable[str]) -> Paper:
    return attested(
        stage, "laboratory", day, "fingerprint", [about], about, sample=sample, method="LA-ICP-MS",
        stage="before_homogenising", ratios=dict(zip(RATIOS, ratios, strict=True)),
    )  # fmt: skip


def pay_and_declare(stage: Stage, lots: dict[str, str]) -> None:
    """Each pays the state against receipts, and declares that it paid nobody else. lots: payer -> lot."""
    stage.narrator.say("Everybody up to the export pays the state, and declares that nobody else was paid.")
    days, papers = stage.days, []
    for number, name in enumerate(UPSTREAM, 1):
        party = stage[name].id
        papers.append(
            attested(
                stage, "agency", days.at(-68, 9 + number), "payment", [lots[name]], f"by {stage[name].role.name}",
                kind="tax", purpose="provincial mining tax", payer=party, payee="Provincial revenue office",
                payee_class="government", authority=stage["agency"].id, amount="412.00", currency="USD",
                date=days.date(-70), method="bank", receipt=f"TX-9021{number}",
            )
        )  # fmt: skip
        papers.append(
            attested(
                stage, name, days.at(-50, 9), "nil_declaration", [party], "no officials, no armed actors",
                kinds=PAYEES, start=days.date(-120), end=days.date(-50),
            )
        )  # fmt: skip
    file_papers(stage, papers)


def state_policies(stage: Stage) -> None:
    """Policies, contracts, channels for complaints and risk assessments of everybody in the chain."""
    days, papers = stage.days, []
    chain = (*UPSTREAM, "tantalum")
    for name in chain:
        party, slug = stage[name].id, stage[name].id.rpartition(":")[2]
        papers += [
            attested(
                stage, name, days.at(-125, 9), "policy", [party], "all heads of Annex II",
                title="Supply-chain policy", covers=HEADS, url=f"https://{slug}/policy", officer="Head of compliance",
            ),
            attested(
                stage, name, days.at(-125, 10), "grievance_channel", [party], "answers within 30 days",
                contact="Complaints office", days_to_answer=30,
            ),
            attested(
                stage, name, days.at(-10, 9), "risk_assessment", [party], "risks of the chain", scope="this chain",
                date=days.date(-10), red_flags=[],
            ),
        ]  # fmt: skip
    for seller, buyer in (("hilltop", "trader"), ("riverside", "trader"), ("trader", "exporter"),
                          ("ridge", "exporter"), ("exporter", "tantalum")):  # fmt: skip
        pair = [stage[seller].id, stage[buyer].id]
        papers.append(
            attested(
                stage, seller, days.at(-124, 9), "contract", pair, f"with {stage[buyer].role.name}",
                title="Supply contract", parties=pair, clause="7 supply-chain policy",
                more={"from": days.at(-124)},
            )
        )  # fmt: skip
    file_papers(stage, papers)


def clear_export(stage: Stage, exported: str) -> None:
    """What lets the lot leave: the exporter's own status, royalty, and the certificate of two officials."""
    days, exporter, refiner = stage.days, stage["exporter"], stage["tantalum"]
    agency = stage["agency"].id
    stage.narrator.say("An ICGLR certificate for 90 days, royalty paid, then the lot travels through RW and TZ.")
    paper = {"documents": [{"kind": "export declaration", "digest": PAPER_DIGEST}]}
    file_papers(stage, [
        attested(
            stage, "agency", days.at(-120, 9), "site_status", [exporter.id], "the exporter is green", status="green",
            effective=days.date(-120), expires=days.date(240), act="ARR-EXP-9", authority=agency,
        ),
        attested(
            stage, "agency", days.at(-63, 9), "payment", [exported], "10 % royalty on USD 412,500", kind="royalty",
            purpose="royalty on strategic minerals", payer=exporter.id, payee="General revenue office",
            payee_class="government", authority=agency, amount="41250.00", currency="USD", date=days.date(-63),
            method="bank", receipt="RY-3301",
        ),
        attested(
            stage, "agency", days.at(-64, 10), "certificate", [exported], "ICGLR certificate for 90 days",
            reveal=("verifier", "verifier_position", "validator"), scheme="icglr", country="CD", number="CD-0000417",
            exporter=exporter.id, importer=refiner.role.name, lot_number=exported, ore="coltan",
            description="Tantalite concentrate 30 %", mass="5000", grade={"Ta2O5": "30.0"}, origins=["CD"],
            customs_value="412500.00", shipment=days.date(-60), route=["RW", "TZ"], carrier="Corridor lines",
            authority=agency, verifier="Head of verification", verifier_position="verifier",
            validator="Provincial director", verified=days.date(-65), issued=days.date(-64), expires=days.date(26),
        ),
        attested(
            stage, "exporter", days.at(-61, 9), "export", [exported], "export declaration, HS 261590", reveal=(),
            more=paper, declaration="SAD-2208", permit="EXP-118", code_system="HS", code="261590", gross="5150",
            net="5000", value="412500.00", currency="USD", route=["RW", "TZ"], port="TZDAR", exporter=exporter.id,
            destination="AT",
        ),
    ])  # fmt: skip


def arrive(stage: Stage, exported: str) -> None:
    """The refiner's import declaration and audit; enhanced due diligence on what looked odd on the way."""
    days, refiner = stage.days, stage["tantalum"]
    paper = {"documents": [{"kind": "import declaration", "digest": PAPER_DIGEST}]}
    span = {"from": days.at(-180), "until": days.at(180), "result": "conform"}
    stage.narrator.say("The refiner is audited, and has an independent visitor look into what is odd: a bag was lost.")
    file_papers(stage, [
        attested(
            stage, "tantalum", days.at(-15, 15), "import", [exported], "import declaration, CN 26159000", more=paper,
            declaration="AT-IM-7781", code_system="CN", code="26159000", net="4996", route=["TZ", "AT"],
            importer=refiner.id, country_of_origin="CD", country_of_dispatch="TZ",
        ),
        attested(
            stage, "auditor", days.at(-180, 12), "audit", ["site:tantalum-works", refiner.id], "it conforms",
            facility="site:tantalum-works", scheme="RMAP", standard="Tin and Tantalum", metals=["Ta"],
            body="Independent auditor", more=span,
        ),
        attested(
            stage, "auditor", days.at(-12, 12), "edd_report", ["COLTAN-B", "COLTAN-C", exported],
            "the lost bag: it fell off on the way, and was found", red_flags=["F-MASS"],
            method="on_the_ground", visit=days.date(-12), conclusion="discharged",
        ),
    ])  # fmt: skip


def look_closer(stage: Stage, refined: str) -> None:
    """Enhanced due diligence on what the OECD calls red flags: mines in listed areas, suppliers there, the way."""
    days = stage.days
    file_papers(stage, [
        attested(
            stage, "auditor", days.at(-4, 12), "edd_report", [refined], "mines, suppliers, the way through RW",
            red_flags=["OECD-RF.LOC1", "OECD-RF.LOC3", "OECD-RF.SUP2"], method="on_the_ground", visit=days.date(-4),
            conclusion="discharged",
        )
    ])  # fmt: skip
