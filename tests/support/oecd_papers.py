"""Papers that honest participants add to a `Story`, one function each, with the words of a compliance officer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from ledger.rules.reference.snapshot import Snapshot
from tests.support.story import (
    AUDITOR,
    AUTHORITY,
    CUSTOMS,
    EXPORTER,
    MINE_A,
    MINE_B,
    MINER,
    MINER_B,
    SMELTER,
    TRADER,
    Story,
)

HEADS = ("A2.1", "A2.3", "A2.5", "A2.11", "A2.12", "A2.13")
UPSTREAM = (MINER, MINER_B, TRADER, EXPORTER)
EVERYBODY = (*UPSTREAM, SMELTER)
MINES = (MINE_A, MINE_B)
PAYEES = ("official", "public_security", "private_security", "armed_group")
DIGEST = "a" * 64


def inspect(
    story: Story, sites: str | Iterable[str] = MINES, *, by: str = AUTHORITY, date: str = "2026-03-20",
    result: str = "conform", **findings: Any,
) -> str:  # fmt: skip
    """A visit by the mines agency; findings: children, armed_presence, safety..."""
    statement = {"number": "I-1", "date": date, "office": "Mines agency", **findings}
    return story.attest(by, "inspection", sites, statement, result=result)


def declare_nil(
    story: Story, *parties: str, kinds: Iterable[str] = PAYEES, start: str = "2026-03-01", end: str = "2026-05-31"
) -> None:
    """Each says that it paid nothing to officials, security forces or armed groups."""
    for party in parties or UPSTREAM:
        story.attest(party, "nil_declaration", party, {"kinds": [*kinds], "from": start, "to": end})


def pay(
    story: Story, payer: str, about: str | Iterable[str], *, by: str = AUTHORITY, conceal: tuple[str, ...] = (),
    **members: Any,
) -> str:  # fmt: skip
    """A payment as somebody attests it: a royalty with its receipt, unless said otherwise."""
    statement = {
        "kind": "royalty", "purpose": "royalty on minerals", "payer": payer, "payee_class": "government",
        "amount": "100", "currency": "USD", "date": "2026-04-05", "method": "bank", "receipt": "R-1", **members,
    }  # fmt: skip
    statement = {name: value for name, value in statement.items() if value is not None}
    return story.attest(by, "payment", about, statement, conceal=conceal)


def pay_dues(story: Story, *payers: str) -> None:
    """Everybody who sent lots on paid the state, and the authority says so."""
    for payer in payers or UPSTREAM:
        pay(story, payer, payer)


def pay_price(story: Story, payer: str = SMELTER, about: str = "lot:export", **members: Any) -> str:
    """The buyer pays the seller through a bank."""
    more = {"kind": "price", "purpose": "price of the lot", "payee_class": "supplier", "receipt": None, **members}
    return pay(story, payer, about, by=EXPORTER, **more)


def sell(story: Story, seller: str = EXPORTER, buyer: str = SMELTER, about: str = "lot:export") -> str:
    """The sale of a lot."""
    return story.attest(
        seller, "ownership", about, {"seller": seller, "buyer": buyer, "price": "1000", "currency": "USD"}
    )


def declare_export(story: Story, *, paper: bool = True, conceal: tuple[str, ...] = (), **members: Any) -> str:
    """Customs attests the export declaration."""
    statement = {
        "declaration": "E-1", "code_system": "HS", "code": "261590", "net": "800", "value": "40000",
        "currency": "USD", "exporter": EXPORTER, "destination": "MY", "route": ["RW", "TZ"], **members,
    }  # fmt: skip
    documents: dict[str, Any] = {"documents": [{"kind": "export declaration", "digest": DIGEST}]} if paper else {}
    return story.attest(CUSTOMS, "export", "lot:export", statement, conceal=conceal, **documents)


def declare_import(story: Story, *, paper: bool = True, **members: Any) -> str:
    """The smelter attests its import declaration."""
    statement = {
        "declaration": "I-1", "code_system": "HS", "code": "261590", "net": "800", "importer": SMELTER,
        "country_of_origin": "CD", "country_of_dispatch": "CD", **members,
    }  # fmt: skip
    documents: dict[str, Any] = {"documents": [{"kind": "import declaration", "digest": DIGEST}]} if paper else {}
    return story.attest(SMELTER, "import", "lot:export", statement, **documents)


def own(story: Story, *parties: str, affiliation: str = "none", share: str = "100") -> None:
    """The registrar records owners; the name is that of a fictional holding."""
    for party in parties or (EXPORTER,):
        owner = {"name": "Example Holding", "capacity": "shareholder", "share": share, "affiliation": affiliation}
        story.amend(party, owners=[owner])


def adopt_policy(story: Story, *parties: str, covers: Iterable[str] = (*HEADS, "records_5y"), **members: Any) -> None:
    """Each publishes its supply-chain policy."""
    for party in parties or EVERYBODY:
        statement = {
            "title": "Supply chain policy",
            "covers": [*covers],
            "url": "https://example.org/policy",
            **members,
        }
        story.attest(party, "policy", party, statement)


def audit(
    story: Story, facility: str, *, start: str = "2026-01-01", end: str = "2026-12-31", result: str = "conform"
) -> str:
    """An independent audit of a site."""
    statement = {
        "facility": facility, "scheme": "RMAP", "standard": "2022", "metals": ["Ta"], "body": "Example Assurance",
    }  # fmt: skip
    times = {"from": f"{start}T00:00:00Z", "until": f"{end}T23:59:59Z"}
    return story.attest(AUDITOR, "audit", facility, statement, result=result, **times)


def assess(story: Story, *parties: str, date: str = "2026-05-19", red_flags: Iterable[str] = ()) -> None:
    """Each assesses its risks."""
    for party in parties or EVERYBODY:
        statement = {"scope": "all suppliers", "date": date, "red_flags": [*red_flags]}
        story.attest(party, "risk_assessment", party, statement)


def plan(
    story: Story, risk: str, about: str | Iterable[str] = MINE_A, *, by: str = EXPORTER, decision: str = "continue",
    start: str = "2026-05-01", review_by: str = "2026-10-01",
) -> str:  # fmt: skip
    """A mitigation plan."""
    statement = {
        "risk": risk, "decision": decision, "measures": ["training of guards"], "start": start, "review_by": review_by,
    }  # fmt: skip
    return story.attest(by, "mitigation_plan", about, statement)


def look_closer(
    story: Story, *red_flags: str, about: str | Iterable[str] = "lot:export", by: str = AUDITOR,
    visit: str = "2026-05-20",
    conclusion: str = "discharged",
) -> str:  # fmt: skip
    """A report of enhanced due diligence."""
    statement = {"red_flags": [*red_flags], "method": "on_the_ground", "visit": visit, "conclusion": conclusion}
    return story.attest(by, "edd_report", about, statement)


def know(story: Story, dataset: str, *rows: Any, published: str = "2026-05-15") -> None:
    """Reference data with these rows."""
    digest = hashlib.sha256(repr((dataset, published, rows)).encode()).hexdigest()
    story.snapshots.append(Snapshot(dataset, digest, published, "https://example.org/list", rows))
