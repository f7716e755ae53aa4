"""The model policy (OECD guidance, Annex II): each risk with its own response, every outcome of every rule."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ledger.rules.outcome import Answer, Severity, combine
from ledger.rules.packs import read_packs
from ledger.rules.reference.rows import ArmedPresence, ConflictEvent, ExpertClaim, Roadblock, RoyaltyRate, SiteVisit
from tests.support.cases import (
    FAIL,
    FLAG,
    INSUFFICIENT,
    NOT_APPLICABLE,
    PASS,
    Bend,
    Case,
    both,
    check_case,
    finding_on,
    nobody,
)
from tests.support.oecd_papers import (
    audit,
    declare_export,
    declare_import,
    declare_nil,
    inspect,
    know,
    look_closer,
    pay,
    pay_price,
    plan,
    sell,
)
from tests.support.story import (
    AUTHORITY,
    BUYER,
    DEPOT,
    EXPORTER,
    MINE_A,
    MINE_B,
    MINER,
    MONITOR,
    PLANT,
    SMELTER,
    TRADER,
    WAREHOUSE,
    Story,
)

MARCH = {"from": "2026-03-10T00:00:00Z", "to": "2026-03-12T00:00:00Z"}
LAST_YEAR = {"from": "2025-01-10T00:00:00Z", "to": "2025-01-12T00:00:00Z"}


def honest(story: Story) -> None:
    """Custody only: nobody looked, nothing is reported."""


def reported(category: str, *, about: str = MINE_A, by: str = MONITOR, **body: Any) -> Bend:
    """Somebody reports an incident of March."""

    def bend(story: Story) -> str:
        return story.incident(by, about, category, **{"period": MARCH, **body})

    return bend


def closed_by(issuer: str, category: str = "A2.1.i") -> Bend:
    """An allegation that somebody closed without verifying it."""

    def bend(story: Story) -> None:
        inspect(story)
        first = reported(category)(story)
        story.incident(issuer, MINE_A, category, status="closed", follows=first)

    return bend


def without_period(story: Story) -> None:
    """Reported while the smelter held the lot, about the smelter, with no period given, and still open."""
    inspect(story)
    story.incident(MONITOR, PLANT, "A2.1.i", verified=True)


def visited(site: str = MINE_A, date: str = "2026-02-10", **seen: Any) -> SiteVisit:
    """A row of recorded visits; seen: interference, armed, child_under_15..."""
    members = {
        "workers": 100, "status": "green", "interference": None, "armed": (), "child_under_15": None,
        "child_15_to_18": None, "mercury": None, **seen,
    }  # fmt: skip
    return SiteVisit(
        site, f"{site}/{date}", date, "A", "Nord-Kivu", "T", (288800000, -15500000), ("coltan",), **members
    )


def force(kind: str, *acts: str) -> tuple[ArmedPresence, ...]:
    return (ArmedPresence("Group", kind, "weekly", acts),)


def visits(*rows: SiteVisit, published: str = "2026-05-15") -> Bend:
    return lambda story: know(story, "ipis_visits", *rows, published=published)


def good_visits(**seen: Any) -> Bend:
    return visits(visited(**seen), visited(MINE_B, **seen))


def inspected(**members: Any) -> Bend:
    return lambda story: inspect(story, **members) and None


def counted(under_15: int = 0, aged_15_to_18: int = 0, *tasks: str, **members: Any) -> Bend:
    children = {"under_15": under_15, "aged_15_to_18": aged_15_to_18, "tasks": [*tasks]}
    return inspected(children=children, **members)


def audited(story: Story) -> None:
    audit(story, MINE_A, start="2026-01-01")
    audit(story, MINE_B, start="2026-01-01")


def audited_elsewhere(story: Story) -> None:
    """Audits about the mines' operator that are of another of its facilities."""
    inspect(story, MINE_B)
    statement = {"facility": WAREHOUSE, "scheme": "RMAP", "standard": "2022", "metals": ["Ta"], "body": "Assurance"}
    story.attest("did:web:assurance.example", "audit", MINE_A, statement, result="conform")


def looked_after(date: str = "2026-04-20", **findings: Any) -> Bend:
    """An inspection after the lot was mined."""
    return lambda story: story.on("2026-05-25") and inspect(story, date=date, **findings) and None


def layers(*events: ConflictEvent, published: str = "2026-05-15") -> Bend:
    """Conflict events; a far one stands for a list that is not empty."""
    return lambda story: know(
        story, "conflict_events", *(events or (event(position=(300000000, 20000000)),)), published=published
    )


def event(
    day: str = "2026-03-10", kind: str = "Battles", position: tuple[int, int] = (288900000, -15600000)
) -> ConflictEvent:
    return ConflictEvent(day, kind, ("Group",), "CD", "Nord-Kivu", position, 2)


def claims(
    subject: str = "", subdivision: str = "CD-NK", category: str = "armed_group_control", end: str = "2026-06-30"
) -> Bend:
    row = ExpertClaim("S/2026/1", "44", "CD", subdivision, "", subject, category, "2026-01-01", end, "2026-05-01")
    return lambda story: know(story, "expert_claims", row)


def roadblocks(
    kind: str = "non_state",
    position: tuple[int, int] = (288910000, -15650000),
    seen: str = "2026-02-01",
    minerals: bool = True,
) -> Bend:
    """A roadblock between mine A and the depot, unless it lies elsewhere."""
    row = Roadblock("Pont", seen, position, "Group", (kind,), "minerals", "1000", ("x",), minerals, "IPIS")
    return lambda story: know(story, "ipis_roadblocks", row)


FAR = roadblocks(position=(300000000, 20000000))
UNARMED = inspected(armed_presence="none")


def location_concealed(story: Story) -> dict[str, Any]:
    story.world.do(TRADER, "site", story.body_of("site", DEPOT), [DEPOT], conceal=["/body/location"])
    return {"erase": True}


def paid_force(by: str = AUTHORITY, payee_class: str = "public_security", about: str = MINE_A, **members: Any) -> Bend:
    more = {"kind": "levy", "receipt": None, **members}
    return lambda story: pay(story, MINER, about, by=by, payee_class=payee_class, **more) and None


def arranged(*mines: str, screened: bool = True, by: str = AUTHORITY) -> Bend:
    def bend(story: Story) -> None:
        for mine in mines or (MINE_A, MINE_B):
            times = {"from": "2026-01-01T00:00:00Z", "until": "2026-12-31T00:00:00Z"}
            story.attest(by, "security_arrangement", mine, {"kind": "public", "screened": screened}, **times)

    return bend


def with_plan(risk: str, **more: Any) -> Bend:
    return lambda story: plan(story, risk, **more) and None


def bribed(story: Story) -> None:
    declare_nil(story)
    pay(story, MINER, MINE_A, by=MINER, kind="official", payee_class="official", receipt=None)


def receipt_concealed(story: Story) -> dict[str, Any]:
    declare_nil(story)
    pay(story, MINER, MINE_A, by=MINER, kind="official", payee_class="official", conceal=("/body/statement/receipt",))
    return {"erase": True}


def certified(*origins: str, scheme: str = "icglr", by: str = AUTHORITY) -> Bend:
    def bend(story: Story) -> None:
        statement = {
            "scheme": scheme, "country": "CD", "number": "CD-1", "exporter": EXPORTER, "mass": "800",
            "origins": [*origins], "authority": AUTHORITY, "verified": "2026-04-08", "issued": "2026-04-09",
            "expires": "2026-07-01",
        }  # fmt: skip
        story.attest(by, "certificate", "lot:export", statement)

    return bend


def a_trader(story: Story) -> dict[str, Any]:
    return {"subject": TRADER, "known": "2026-01-05T09:00:00Z"}


def royalties(*rows: RoyaltyRate) -> Bend:
    default = RoyaltyRate("CD", "Ta", 3_500_000, "2020-01-01", "", "Mining Code", "2020-01-01")
    return lambda story: know(story, "royalties", *(rows or (default,)))


def royalty(amount: str = "1400", **members: Any) -> Bend:
    return lambda story: pay(story, EXPORTER, "lot:export", amount=amount, **members) and None


def exported(**members: Any) -> Bend:
    return lambda story: declare_export(story, **members) and None


def value_concealed(story: Story) -> dict[str, Any]:
    declare_export(story, conceal=("/body/statement/value",))
    return {"erase": True}


def priced(**members: Any) -> Bend:
    return lambda story: pay_price(story, **members) and None


def cash_concealed(story: Story) -> dict[str, Any]:
    pay_price(story, method="cash", conceal=("/body/statement/amount",))
    return {"erase": True}


def sold(story: Story) -> None:
    sell(story)


OLD_RATE = RoyaltyRate("CD", "Ta2O5", 3_500_000, "2020-01-01", "2025-12-31", "Mining Code", "2020-01-01")
TIN_RATE = RoyaltyRate("CD", "Sn", 3_500_000, "2020-01-01", "", "Mining Code", "2020-01-01")
NEAR_FIELD = both(UNARMED, layers())

CASES: dict[str, Case] = {
    # serious abuses: somebody has to have looked
    "the mines were inspected": ("OECD-A2.1.TORTURE", inspected(), PASS),
    "the mines were audited": ("OECD-A2.1.TORTURE", audited, PASS),
    "another facility was audited": ("OECD-A2.1.TORTURE", audited_elsewhere, INSUFFICIENT),
    "nobody looked and nothing is reported": ("OECD-A2.1.TORTURE", honest, INSUFFICIENT),
    "only the miner inspected himself": ("OECD-A2.1.TORTURE", inspected(by=MINER), INSUFFICIENT),
    "the inspection was two years before": ("OECD-A2.1.TORTURE", inspected(date="2024-03-01"), INSUFFICIENT),
    "the inspection did not conform": ("OECD-A2.1.TORTURE", inspected(result="not_conform"), INSUFFICIENT),
    "a monitor verified it": ("OECD-A2.1.TORTURE", both(inspected(), reported("A2.1.i", verified=True)), FAIL),
    "a monitor alleges it": ("OECD-A2.1.TORTURE", both(inspected(), reported("A2.1.i")), FLAG),
    "a rival says it is verified": (
        "OECD-A2.1.TORTURE", both(inspected(), reported("A2.1.i", by=BUYER, verified=True)), FLAG,
    ),
    "the operator admits it": (
        "OECD-A2.1.TORTURE", both(inspected(), reported("A2.1.i", by=MINER, verified=True)), FAIL,
    ),
    "the last holder admits it of its lot": (
        "OECD-A2.1.TORTURE",
        both(inspected(), reported("A2.1.i", by=SMELTER, about="lot:export", verified=True)), FAIL,
    ),
    "it happened a year before": (
        "OECD-A2.1.TORTURE", both(inspected(), reported("A2.1.i", verified=True, period=LAST_YEAR)), PASS,
    ),
    "it happened at another site": (
        "OECD-A2.1.TORTURE", both(inspected(), reported("A2.1.i", about="did:web:buyer.example", verified=True)), PASS,
    ),
    "it is about the trader while he held the lot": (
        "OECD-A2.1.TORTURE",
        both(inspected(), reported("A2.1.i", about=TRADER, verified=True, period={
            "from": "2026-04-02T00:00:00Z", "to": "2026-04-02T10:00:00Z"})), FAIL,
    ),
    "it happens at the smelter, and goes on": ("OECD-A2.1.TORTURE", without_period, FAIL),
    "the authority found nothing in it": ("OECD-A2.1.TORTURE", closed_by(AUTHORITY), PASS),
    "the miner closed it himself": ("OECD-A2.1.TORTURE", closed_by(MINER), FLAG),
    "only 'serious abuse' is reported": ("OECD-A2.1.TORTURE", both(inspected(), reported("A2.1", verified=True)), FAIL),
    "the report is of bribery": ("OECD-A2.1.TORTURE", both(inspected(), reported("A2.11", verified=True)), PASS),
    "visits saw no forced labour": ("OECD-A2.1.FORCED", good_visits(interference=False), PASS),
    "soldiers dig, nobody is forced": (
        "OECD-A2.1.FORCED", good_visits(interference=True, armed=force("state_force", "digging")), PASS,
    ),
    "armed men make people work": (
        "OECD-A2.1.FORCED", good_visits(interference=True, armed=force("non_state", "forced_labour")), FAIL,
    ),
    "the visits did not ask": ("OECD-A2.1.FORCED", good_visits(), INSUFFICIENT),
    "forced labour is alleged": ("OECD-A2.1.FORCED", both(inspected(), reported("A2.1.ii")), FLAG),
    "no child was seen": ("OECD-A2.1.CHILD", counted(), PASS),
    "a visit saw no child": ("OECD-A2.1.CHILD", good_visits(child_under_15=False), PASS),
    "children under 15 work": ("OECD-A2.1.CHILD", counted(3), FAIL),
    "a visit saw children": ("OECD-A2.1.CHILD", both(counted(), good_visits(child_under_15=True)), FAIL),
    "sixteen-year-olds sell food": ("OECD-A2.1.CHILD", counted(0, 2, "cooking"), PASS),
    "sixteen-year-olds work underground": ("OECD-A2.1.CHILD", counted(0, 2, "underground"), FAIL),
    "nobody says what sixteen-year-olds do": ("OECD-A2.1.CHILD", counted(0, 2), INSUFFICIENT),
    "the inspector did not count children": ("OECD-A2.1.CHILD", inspected(), INSUFFICIENT),
    "the visit did not ask about children": ("OECD-A2.1.CHILD", good_visits(interference=False), INSUFFICIENT),
    "children were seen, and none later before the lot": (
        "OECD-A2.1.CHILD", both(counted(3, date="2025-11-01"), counted(date="2026-02-01")), PASS,
    ),
    "children were seen after the lot was mined": (
        "OECD-A2.1.CHILD", both(counted(), looked_after(children={"under_15": 1, "aged_15_to_18": 0})), FLAG,
    ),
    "children are alleged": ("OECD-A2.1.CHILD", both(counted(), reported("A2.1.iii")), FLAG),
    "no gross abuse was found": ("OECD-A2.1.GROSS", inspected(), PASS),
    "gross abuse is verified": ("OECD-A2.1.GROSS", both(inspected(), reported("A2.1.iv", verified=True)), FAIL),
    "gross abuse is alleged": ("OECD-A2.1.GROSS", both(inspected(), reported("A2.1.iv")), FLAG),
    "nobody looked for gross abuse": ("OECD-A2.1.GROSS", good_visits(interference=False), INSUFFICIENT),
    "no war crime was found": ("OECD-A2.1.WARCRIME", inspected(), PASS),
    "a war crime is verified": ("OECD-A2.1.WARCRIME", both(inspected(), reported("A2.1.v", verified=True)), FAIL),
    "a war crime is alleged": ("OECD-A2.1.WARCRIME", both(inspected(), reported("A2.1.v")), FLAG),
    "nobody looked for war crimes": ("OECD-A2.1.WARCRIME", honest, INSUFFICIENT),
    "no mine is known": ("OECD-A2.1.WARCRIME", a_trader, INSUFFICIENT),
    # armed groups
    "no armed man, no fighting near": ("OECD-A2.3.CONTROL", NEAR_FIELD, PASS),
    "visits saw no armed man": ("OECD-A2.3.CONTROL", both(good_visits(interference=False), layers()), PASS),
    "the inspector met an armed group": (
        "OECD-A2.3.CONTROL", both(inspected(armed_presence="armed_group"), layers()), FAIL,
    ),
    "a visit met an armed group": (
        "OECD-A2.3.CONTROL", both(NEAR_FIELD, good_visits(interference=True, armed=force("non_state"))), FAIL,
    ),
    "a visit met somebody armed, unknown who": (
        "OECD-A2.3.CONTROL", both(good_visits(interference=True, armed=force("unknown")), layers()), INSUFFICIENT,
    ),
    "there was fighting near the mine": ("OECD-A2.3.CONTROL", both(UNARMED, layers(event())), FLAG),
    "there was fighting on the way": (
        "OECD-A2.3.CONTROL", both(UNARMED, layers(event("2026-04-02", position=(290600000, -16300000)))), FLAG,
    ),
    "a protest is no fighting": ("OECD-A2.3.CONTROL", both(UNARMED, layers(event(kind="Protests"))), PASS),
    "the fighting was a year before": ("OECD-A2.3.CONTROL", both(UNARMED, layers(event("2025-03-10"))), PASS),
    "no conflict layer is loaded": ("OECD-A2.3.CONTROL", UNARMED, INSUFFICIENT),
    "the layer ends before the extraction": (
        "OECD-A2.3.CONTROL", both(UNARMED, layers(published="2026-03-20"), lambda s: {"known": "2026-04-15"}),
        INSUFFICIENT,
    ),
    "nobody says where the depot is": (
        "OECD-A2.3.CONTROL", both(NEAR_FIELD, location_concealed), INSUFFICIENT,
    ),
    "experts name the mine": ("OECD-A2.3.CONTROL", both(NEAR_FIELD, claims(MINE_A)), FAIL),
    "experts name the province": ("OECD-A2.3.CONTROL", both(NEAR_FIELD, claims()), FLAG),
    "experts name another province": ("OECD-A2.3.CONTROL", both(NEAR_FIELD, claims(subdivision="CD-IT")), PASS),
    "experts speak of something else": ("OECD-A2.3.CONTROL", both(NEAR_FIELD, claims(category="smuggling")), PASS),
    "experts speak of last year": ("OECD-A2.3.CONTROL", both(NEAR_FIELD, claims(end="2026-02-01")), PASS),
    "armed control is verified": ("OECD-A2.3.CONTROL", both(NEAR_FIELD, reported("A2.3.i", verified=True)), FAIL),
    "no armed group takes anything": ("OECD-A2.3.TAX", both(UNARMED, FAR), PASS),
    "a payment to an armed group is on file": (
        "OECD-A2.3.TAX", both(UNARMED, FAR, paid_force(payee_class="armed_group")), FAIL,
    ),
    "a stranger tells of a payment to an armed group": (
        "OECD-A2.3.TAX", both(UNARMED, FAR, paid_force(by=BUYER, payee_class="armed_group")), FLAG,
    ),
    "an armed group's roadblock is on the way": ("OECD-A2.3.TAX", both(UNARMED, roadblocks()), FLAG),
    "the roadblock was of years before": ("OECD-A2.3.TAX", both(UNARMED, roadblocks(seen="2023-01-01")), PASS),
    "roadblocks are not loaded": ("OECD-A2.3.TAX", UNARMED, INSUFFICIENT),
    "extortion is verified": ("OECD-A2.3.TAX", both(UNARMED, FAR, reported("A2.3.iii", verified=True)), FAIL),
    # security forces: a plan of six months
    "no security force was seen": ("OECD-A2.5.SECFORCE", both(UNARMED, FAR), PASS),
    "visits saw no security force": ("OECD-A2.5.SECFORCE", both(good_visits(interference=False), FAR), PASS),
    "guards stand under an arrangement": (
        "OECD-A2.5.SECFORCE", both(inspected(armed_presence="public_security"), FAR, arranged()), PASS,
    ),
    "guards stand under an arrangement of their own telling": (
        "OECD-A2.5.SECFORCE", both(inspected(armed_presence="public_security"), FAR, arranged(by=MINER)), INSUFFICIENT,
    ),
    "guards stand, and nothing is arranged": (
        "OECD-A2.5.SECFORCE", both(inspected(armed_presence="public_security"), FAR), INSUFFICIENT,
    ),
    "guards were paid under the arrangement": (
        "OECD-A2.5.SECFORCE", both(FAR, arranged(), paid_force(kind="security", receipt="R-9")), PASS,
    ),
    "guards were paid, nobody was screened": (
        "OECD-A2.5.SECFORCE", both(UNARMED, FAR, arranged(screened=False), paid_force(kind="security", receipt="R-9")),
        FAIL,
    ),
    "soldiers levy a tax": ("OECD-A2.5.SECFORCE", both(UNARMED, FAR, paid_force()), FAIL),
    "a stranger says that soldiers levy a tax": ("OECD-A2.5.SECFORCE", both(UNARMED, FAR, paid_force(by=BUYER)), FLAG),
    "soldiers take minerals at a roadblock": ("OECD-A2.5.SECFORCE", both(UNARMED, roadblocks("state_force")), FLAG),
    "soldiers stop the traffic": (
        "OECD-A2.5.SECFORCE", both(UNARMED, roadblocks("state_force", minerals=False)), PASS,
    ),
    "a visit saw soldiers levy": (
        "OECD-A2.5.SECFORCE",
        both(FAR, arranged(), good_visits(interference=True, armed=force("state_force", "taxing"))), FAIL,
    ),
    "a visit saw soldiers who did nothing": (
        "OECD-A2.5.SECFORCE", both(FAR, good_visits(interference=True, armed=force("state_force"))), INSUFFICIENT,
    ),
    # guards
    "guards are screened": ("OECD-A2.6.VPSHR", arranged(), PASS),
    "guards are not screened": ("OECD-A2.6.VPSHR", arranged(screened=False), FAIL),
    "guards were seen, and are not arranged": (
        "OECD-A2.6.VPSHR", inspected(armed_presence="private_security"), INSUFFICIENT,
    ),
    "a visit saw soldiers": ("OECD-A2.6.VPSHR", good_visits(armed=force("state_force")), INSUFFICIENT),
    "guards were paid": ("OECD-A2.6.VPSHR", both(UNARMED, paid_force()), INSUFFICIENT),
    "there are no guards": ("OECD-A2.6.VPSHR", UNARMED, NOT_APPLICABLE),
    "nobody looked for guards": ("OECD-A2.6.VPSHR", honest, INSUFFICIENT),
    "no mine that guards could stand at": ("OECD-A2.6.VPSHR", a_trader, INSUFFICIENT),
    # bribery, origin, money, taxes
    "no official was paid": ("OECD-A2.11.BRIBE", declare_nil, PASS),
    "an official was paid without a receipt": ("OECD-A2.11.BRIBE", bribed, FLAG),
    "an official was paid against a receipt": (
        "OECD-A2.11.BRIBE",
        both(declare_nil, lambda s: pay(s, MINER, MINE_A, by=MINER, kind="official", payee_class="official") and None),
        PASS,
    ),
    "the official's receipt is concealed": ("OECD-A2.11.BRIBE", receipt_concealed, INSUFFICIENT),
    "nobody says anything of officials": ("OECD-A2.11.BRIBE", honest, INSUFFICIENT),
    "bribery is verified": ("OECD-A2.11.BRIBE", both(declare_nil, reported("A2.11.bribery", verified=True)), FAIL),
    "there is nobody who could pay": ("OECD-A2.11.BRIBE", nobody, NOT_APPLICABLE),
    "the certificate names the country": ("OECD-A2.11.ORIGIN", certified("CD"), PASS),
    "the certificate names a neighbour": ("OECD-A2.11.ORIGIN", certified("RW"), FAIL),
    "a stranger's certificate names a neighbour": ("OECD-A2.11.ORIGIN", certified("RW", by=BUYER), FLAG),
    "only the smelter names the country": ("OECD-A2.11.ORIGIN", lambda s: declare_import(s) and None, INSUFFICIENT),
    "the certificate names no country": ("OECD-A2.11.ORIGIN", certified("0"), FAIL),
    "the certificate is of another kind": ("OECD-A2.11.ORIGIN", certified("RW", scheme="conformity"), INSUFFICIENT),
    "the import names the country": (
        "OECD-A2.11.ORIGIN", both(certified("CD"), lambda s: declare_import(s) and None), PASS,
    ),
    "the import names a neighbour": (
        "OECD-A2.11.ORIGIN", both(certified("CD"), lambda s: declare_import(s, country_of_origin="RW") and None), FAIL,
    ),
    "no paper names an origin": ("OECD-A2.11.ORIGIN", honest, INSUFFICIENT),
    "fraud is alleged": ("OECD-A2.11.ORIGIN", both(certified("CD"), reported("fraud.tags")), FLAG),
    "there is no lot yet": ("OECD-A2.11.ORIGIN", nobody, INSUFFICIENT),
    "the buyer paid the seller through a bank": ("OECD-A2.12.AML", both(sold, priced()), PASS),
    "no sale is on file, a custodian paid": ("OECD-A2.12.AML", priced(), PASS),
    "the payee is the seller by id": ("OECD-A2.12.AML", both(sold, priced(payee=EXPORTER)), PASS),
    "the payee is the seller by name": ("OECD-A2.12.AML", both(sold, priced(payee="Exporter SARL")), PASS),
    "somebody else was paid": ("OECD-A2.12.AML", both(sold, priced(payee="Example Offshore")), FLAG),
    "somebody else paid": ("OECD-A2.12.AML", both(sold, priced(payer=BUYER)), FLAG),
    "a little was paid in cash": ("OECD-A2.12.AML", priced(method="cash", amount="9000"), PASS),
    "a lot was paid in cash": ("OECD-A2.12.AML", priced(method="cash", amount="10001"), FLAG),
    "cash was paid in another currency": ("OECD-A2.12.AML", priced(method="cash", currency="CDF"), FLAG),
    "how much cash is concealed": ("OECD-A2.12.AML", cash_concealed, INSUFFICIENT),
    "no payment is on file": ("OECD-A2.12.AML", sold, INSUFFICIENT),
    "laundering is verified": ("OECD-A2.12.AML", both(priced(), reported("A2.12", verified=True)), FAIL),
    "the royalty was paid": ("OECD-A2.13.TAX", both(exported(), royalties(), royalty()), PASS),
    "98 % of the royalty was paid": ("OECD-A2.13.TAX", both(exported(), royalties(), royalty("1372")), PASS),
    "97 % of the royalty was paid": ("OECD-A2.13.TAX", both(exported(), royalties(), royalty("1358")), FAIL),
    "nothing was worth anything": ("OECD-A2.13.TAX", both(exported(value="0"), royalties(), royalty()), PASS),
    "the royalty has no receipt": (
        "OECD-A2.13.TAX", both(exported(), royalties(), royalty(receipt=None)), INSUFFICIENT,
    ),
    "the royalty was paid in francs": (
        "OECD-A2.13.TAX", both(exported(), royalties(), royalty(currency="CDF")), INSUFFICIENT,
    ),
    "the value is concealed": ("OECD-A2.13.TAX", both(royalties(), royalty(), value_concealed), INSUFFICIENT),
    "no rate is loaded": ("OECD-A2.13.TAX", both(exported(), royalty()), INSUFFICIENT),
    "the rate was of another year": (
        "OECD-A2.13.TAX", both(exported(), royalties(OLD_RATE, TIN_RATE), royalty()), INSUFFICIENT,
    ),
    "the exporter is not known": (
        "OECD-A2.13.TAX", both(exported(exporter="did:web:other.example"), royalties(), royalty()), INSUFFICIENT,
    ),
    "nothing was exported": ("OECD-A2.13.TAX", royalties(), INSUFFICIENT),
}  # fmt: skip


@pytest.mark.parametrize("words", CASES)
def test_annex_ii(base: Story, words: str) -> None:
    check_case(base, CASES[words])


def test_every_rule_has_cases() -> None:
    assert {rule for rule, _, _ in CASES.values()} == {rule.id for rule in read_packs()["oecd-annex-ii"].rules}


def test_a_mine_that_no_lot_came_from_is_looked_at_over_a_year(base: Story) -> None:
    story = copy.deepcopy(base)
    story.register("site:mine-c", "mine", MINER)
    story.incident(MONITOR, "site:mine-c", "A2.1.i", verified=True, period=MARCH)
    assert story.finding("OECD-A2.1.TORTURE", subject="site:mine-c").ruling.outcome is FAIL
    assert story.finding("OECD-A2.1.TORTURE", subject="site:mine-c", valid="2028-01-01").ruling.outcome is INSUFFICIENT


def test_a_participant_who_held_nothing_is_looked_at_over_a_year(base: Story) -> None:
    story = copy.deepcopy(base)
    story.incident(MONITOR, BUYER, "A2.1.i", verified=True, period=MARCH)
    assert story.finding("OECD-A2.1.TORTURE", subject=BUYER).ruling.outcome is FAIL
    assert story.finding("OECD-A2.1.TORTURE").ruling.outcome is INSUFFICIENT  # no lot of this chain was there


def test_papers_about_material_of_unknown_origin(base: Story) -> None:
    story = copy.deepcopy(base)
    certified("CD")(story)
    assert finding_on(story, "OECD-A2.11.ORIGIN", mined={}).ruling.outcome is INSUFFICIENT


# ---- the responses differ -------------------------------------------------------------------------------------------


def test_armed_groups_cannot_be_mitigated(base: Story) -> None:
    """Paragraphs 2 and 4 ask for disengagement: a plan changes nothing."""
    story = copy.deepcopy(base)
    both(UNARMED, FAR, paid_force(payee_class="armed_group"), with_plan("OECD-A2.3.TAX"))(story)
    found = story.finding("OECD-A2.3.TAX")
    assert (found.rule.severity, found.plan) == (Severity.BLOCKER, "")
    assert combine([found.standing]) is Answer.REFUTED


def test_security_forces_can_be_mitigated_for_six_months(base: Story) -> None:
    story = copy.deepcopy(base)
    both(UNARMED, FAR, paid_force())(story)
    assert combine([story.finding("OECD-A2.5.SECFORCE").standing]) is Answer.REFUTED
    made = plan(story, "OECD-A2.5.SECFORCE")
    found = story.finding("OECD-A2.5.SECFORCE")
    assert (found.ruling.outcome, found.plan) == (FAIL, made)
    assert combine([found.standing]) is Answer.SUPPORTED_WITH_PLAN
    story.on("2026-10-02")
    assert combine([story.finding("OECD-A2.5.SECFORCE").standing]) is Answer.REFUTED


def test_a_plan_of_a_year_covers_nothing(base: Story) -> None:
    story = copy.deepcopy(base)
    both(UNARMED, FAR, paid_force(), with_plan("OECD-A2.5.SECFORCE", review_by="2027-05-01"))(story)
    assert story.finding("OECD-A2.5.SECFORCE").plan == ""


def test_an_allegation_can_be_looked_into(base: Story) -> None:
    story = copy.deepcopy(base)
    both(inspected(), reported("A2.1.i"))(story)
    assert story.finding("OECD-A2.1.TORTURE").ruling.outcome is FLAG
    look_closer(story, "OECD-A2.1.TORTURE", about=MINE_A)
    found = story.finding("OECD-A2.1.TORTURE")
    assert (found.ruling.outcome, bool(found.discharged)) == (PASS, True)
