"""Fraud in trade: exports without production, mirrors, prices, certificates, customs codes, scrap, collusion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.ledger.rules.papers import (
    FAIL,
    FLAG,
    LACKING,
    NA,
    PASS,
    Case,
    about,
    both,
    certificate,
    export,
    imported,
    inspected,
    judge,
    one_lot,
    prices,
    read_pack,
    sold,
)
from tests.ledger.rules.tables import load
from tests.support.coltan import chain
from tests.support.story import (
    AUTHORITY,
    BUYER,
    EXPORTER,
    LAB,
    MINE_A,
    MINE_B,
    MINER,
    SMELTER,
    WAREHOUSE,
    Story,
    point,
    start_story,
)
from tests.support.world import new_lot, quantity


def flows(produced: str, exported: str, period: str = "2024") -> Callable[[Story], Story]:
    return lambda story: load(
        story, "national_flows", f"CD,Ta2O5,production,{period},{produced},contained,A,2026-01-10",
        f"CD,Ta2O5,export,{period},{exported},contained,A,2026-01-10", published="2026-01-10",
    )  # fmt: skip


def mirrored(imports: str, period: str = "2024", exported: str = "2024") -> Callable[[Story], Story]:
    return lambda story: load(
        flows("2000", "1000", exported)(story), "mirror_imports",
        f"CD,CN,261590,Ta2O5,{period},{imports},contained,A,2026-01-10",
        f"RW,CN,261590,Ta2O5,{period},9999,contained,A,2026-01-10", published="2026-01-10",
    )  # fmt: skip


def upgraded(story: Story) -> None:
    """The exporter makes 160 kg of richer concentrate of 320 kg."""
    rich = new_lot("lot:rich", quantity("160", "2", {"Ta2O5": "55"}))
    story.transform(EXPORTER, WAREHOUSE, {"lot:export": "320"}, rich, process="concentrate")


def gold(bought: str, exported: str, **stock: str) -> Story:
    """A province's gold: one exporter extracts 20 kg, buys the rest, and declares exports. stock: opening, closing."""
    story = start_story()
    own, other = (
        new_lot(f"lot:{name}", quantity(kg, "0", {"Au": "88"})) for name, kg in (("own", "20"), ("other", bought))
    )
    story.register("site:shaft", "mine", EXPORTER)
    story.on("2026-03-31").extract("site:shaft", own, period=("2026-03-02", "2026-03-31"))
    story.extract(MINE_A, other, period=("2026-03-02", "2026-03-31"))
    story.dispatch(MINER, EXPORTER, MINE_A, WAREHOUSE, "lot:other")
    story.on("2026-04-01").receive(EXPORTER, WAREHOUSE, {"lot:other": None})
    if stock:
        said = {"site": WAREHOUSE, "material": "gold", "method": "count", **stock}
        story.attest(EXPORTER, "stocktake", WAREHOUSE, said)
    export(exported, code="71081200", about=["lot:own", "lot:other"])(story)
    story.subject = EXPORTER
    return story


def bare_exporter() -> Story:
    """Exports are declared, and nothing shows where they came from."""
    story = chain(merged=lambda story: None)
    export("640", exporter=BUYER)(story)
    return story


def visited(sites: tuple[str, ...], issuer: str = AUTHORITY) -> Callable[[Story], Any]:
    said = {"number": "I-1", "date": "2026-03-20", "office": "Mines agency", "inspector": "Inspector 7"}
    return lambda story: [story.attest(issuer, "inspection", site, said) for site in sites]


def far_visit(story: Story) -> None:
    story.register("site:far", "mine", MINER, "CD-LU", location=point("27.5000", "-11.6000"))
    visited((MINE_A, "site:far"))(story)


def owned(story: Story) -> None:
    owner = [{"name": "Holding A", "capacity": "shareholder", "share": "60"}]
    story.amend(LAB, owners=owner)
    story.amend(EXPORTER, owners=owner)


def scrap(held: dict[str, str], country: str = "") -> Story:
    """A lot that its holder calls recycled."""
    story = start_story()
    lot = new_lot("lot:export", quantity("5", "0", held)) | {"mineral": "recycled_gold"}
    story.on("2026-03-31").extract(MINE_A, lot, period=("2026-03-02", "2026-03-31"))
    if country:
        load(story, "transit_countries", f"{country},gold,2020-01-01,,A,2025-12-01", published="2026-03-01")
    return story


FLOWS: dict[str, Case] = {
    "60 kg came in and 60 kg went out": ("F-OVEREXPORT", PASS, lambda: gold("40", "60")),
    "60 kg came in and 73 kg went out": ("F-OVEREXPORT", FAIL, lambda: gold("40", "73")),
    "60 kg came in, 13 kg from stock, 73 kg went out": (
        "F-OVEREXPORT", PASS, lambda: gold("40", "73", opening="20", closing="7")
    ),
    "stock that grew explains nothing": ("F-OVEREXPORT", FAIL, lambda: gold("40", "73", opening="7", closing="20")),
    "640 kg of the lot are declared": ("F-OVEREXPORT", PASS, lambda: chain(merged=export("640"))),
    "700 kg of a lot of 640 kg are declared": ("F-OVEREXPORT", FAIL, lambda: chain(merged=export("700"))),
    "160 kg went with the tailings of the exporter's plant": (
        "F-OVEREXPORT", FAIL, lambda: about(EXPORTER, chain(exported=export("640"), shipped=upgraded))
    ),
    "one declaration counts once": ("F-OVEREXPORT", PASS, lambda: chain(merged=both(export("640"), export("640")))),
    "an exporter without any record": ("F-OVEREXPORT", LACKING, bare_exporter),
    "no export declared": ("F-OVEREXPORT", NA, chain),
    "the country produces more than it exports": ("F-OVEREXPORT.COUNTRY", PASS, lambda: flows("100", "80")(chain())),
    "the country exports more than it produces": ("F-OVEREXPORT.COUNTRY", FLAG, lambda: flows("60", "73")(chain())),
    "figures not loaded": ("F-OVEREXPORT.COUNTRY", LACKING, chain),
    "figures of other years only": (
        "F-OVEREXPORT.COUNTRY", LACKING,
        lambda: load(
            chain(), "national_flows", "CD,Ta2O5,production,2023,60,contained,A,2026-01-10",
            "CD,Sn,export,2024,80,contained,A,2026-01-10", published="2026-01-10",
        )
    ),
    "no material": ("F-OVEREXPORT.COUNTRY", NA, lambda: chain(assayed=False)),
    "importers declare what exporters did": ("F-MIRROR", PASS, lambda: chain(merged=export(), done=imported())),
    "20 % more": ("F-MIRROR", FLAG, lambda: chain(merged=export(), done=imported("768"))),
    "half as much again": ("F-MIRROR", FAIL, lambda: chain(merged=export(), done=imported("960"))),
    "imported, never exported": ("F-MIRROR", LACKING, lambda: chain(done=imported())),
    "never imported": ("F-MIRROR", NA, chain),
    "partners report what the country does": ("F-MIRROR.COUNTRY", PASS, lambda: mirrored("1100")(chain())),
    "partners report half as much again": ("F-MIRROR.COUNTRY", FLAG, lambda: mirrored("1500")(chain())),
    "partners' figures three months later": (
        "F-MIRROR.COUNTRY", PASS,
        lambda: mirrored("1100", "2025-06", "2025-03")(chain())
    ),
    "partners' figures of another year": ("F-MIRROR.COUNTRY", LACKING, lambda: mirrored("1100", "2022")(chain())),
    "no partners' figures": ("F-MIRROR.COUNTRY", LACKING, lambda: flows("100", "80")(chain())),
    "no figures at all": ("F-MIRROR.COUNTRY", LACKING, chain),
    "no material, no mirror": ("F-MIRROR.COUNTRY", NA, lambda: chain(assayed=False)),
}  # fmt: skip


def sold_on() -> Story:
    return prices(chain(merged=sold("35000")))


# 640 kg at 2 % moisture and 28.5 % hold 178.752 kg of Ta2O5: 35,750 USD at 200 USD/kg
PRICES: dict[str, Case] = {
    "at the benchmark": ("F-PRICE", PASS, lambda: prices(chain(merged=sold("35000")))),
    "at half of it": ("F-PRICE", FLAG, lambda: prices(chain(merged=sold("17800")))),
    "beside three peers at half of it": (
        "F-PRICE", PASS,
        lambda: prices(chain(merged=both(*(sold(price) for price in ("17800", "17900", "18000", "18100")))))
    ),
    "received and sold on, heavier": ("F-PRICE", PASS, lambda: prices(chain(done=sold("35000")))),
    "in another currency": ("F-PRICE", LACKING, lambda: prices(chain(merged=sold("35000", "EUR")))),
    "in a month without a benchmark": ("F-PRICE", LACKING, lambda: prices(chain(dug=sold("2000", lots="lot:a-1")))),
    "without knowing what is paid": ("F-PRICE", LACKING, sold_on, {"payables": ["Sn=1"]}),
    "benchmarks not loaded": ("F-PRICE", LACKING, lambda: chain(merged=sold("35000"))),
    "the price is concealed": ("F-PRICE", LACKING, lambda: prices(chain(merged=sold(None)))),
    "no sale": ("F-PRICE", LACKING, lambda: prices(chain())),
    "nothing to sell": ("F-PRICE", NA, lambda: about(SMELTER, start_story())),
}  # fmt: skip


CERTIFICATES: dict[str, Case] = {
    "one certificate for one consignment": ("F-CERTREUSE", PASS, lambda: chain(merged=certificate())),
    "the same number for another lot": (
        "F-CERTREUSE", FAIL, lambda: chain(merged=both(certificate(), certificate(lots="lot:a-1", mass="40")))
    ),
    "used after its end": ("F-CERTREUSE", FAIL, lambda: chain(merged=certificate(expires="2026-04-09"))),
    "for 500 kg, and 640 kg left": ("F-CERTREUSE", FAIL, lambda: chain(merged=certificate(mass="500"))),
    "no certificate": ("F-CERTREUSE", NA, chain),
    "a certificate of another scheme": ("F-CERTREUSE", NA, lambda: chain(merged=certificate(scheme="origin"))),
    "two signers": ("F-COLLUDE", PASS, lambda: chain(merged=certificate())),
    "one signer": ("F-COLLUDE", FAIL, lambda: chain(merged=certificate(validator="Officer one"))),
    "signers concealed": ("F-COLLUDE", NA, lambda: chain(merged=certificate(validator=None))),
    "one inspector at one mine": ("F-COLLUDE", PASS, lambda: chain(dug=visited((MINE_A, MINE_B)))),
    "one inspector at mines 1,100 km apart": ("F-COLLUDE", FAIL, lambda: chain(dug=far_visit)),
    "an owner of the laboratory owns the exporter": (
        "F-COLLUDE", FLAG, lambda: chain(before=owned, dug=visited((MINE_A,), issuer=LAB))
    ),
    "an inspection without a name": ("F-COLLUDE", NA, lambda: chain(dug=inspected(100))),
    "nobody checked anything": ("F-COLLUDE", NA, chain),
}  # fmt: skip


CODES: dict[str, Case] = {
    "coltan as 2615 90": ("F-CLASS", PASS, lambda: chain(merged=export())),
    "coltan as tin ore": ("F-CLASS", FAIL, lambda: chain(merged=export(code="26090000"))),
    "coltan imported as tungsten ore": ("F-CLASS", FAIL, lambda: chain(done=imported(code="26110000"))),
    "a code that the table lacks": ("F-CLASS", LACKING, lambda: chain(merged=export(code="99990000"))),
    "a lot without assay": ("F-CLASS", LACKING, lambda: chain(assayed=False, merged=export())),
    "no declaration": ("F-CLASS", NA, chain),
    "fine scrap": ("F-RECYCLED", PASS, lambda: scrap({"Au": "75", "Cu": "20"})),
    "scrap as fine as dore, with mercury": ("F-RECYCLED", FLAG, lambda: scrap({"Au": "88", "Hg": "0.2"})),
    "scrap as fine as dore, with silver": ("F-RECYCLED", FLAG, lambda: scrap({"Au": "88", "Ag": "8"})),
    "scrap as fine as dore, from a transit country": ("F-RECYCLED", FLAG, lambda: scrap({"Au": "88"}, "CD")),
    "scrap as fine as dore, from elsewhere": ("F-RECYCLED", PASS, lambda: scrap({"Au": "88"}, "AE")),
    "scrap of unknown fineness": ("F-RECYCLED", LACKING, lambda: scrap({}), {"recycled_minerals": ["recycled_gold"]}),
    "gold that nobody calls recycled": (
        "F-RECYCLED", NA, lambda: scrap({"Au": "88"}), {"recycled_minerals": ["something else"]}
    ),
    "no gold": ("F-RECYCLED", NA, chain),
    "no sign": ("F-NEIGHBOUR", PASS, chain),
    "far too much, and a jump": ("F-NEIGHBOUR", FLAG, lambda: chain(bags=["50.0"] * 52)),
    "far too much, from a mine that is new": ("F-NEIGHBOUR", FLAG, lambda: chain(past=(), bags=["50.0"] * 52)),
    "nothing to compute a sign from": (
        "F-NEIGHBOUR", LACKING, lambda: one_lot("artisanal", mineral="cassiterite", capacity={})
    ),
    "nothing mined": ("F-NEIGHBOUR", LACKING, lambda: about(SMELTER, start_story())),
}  # fmt: skip

CASES = FLOWS | PRICES | CERTIFICATES | CODES


@pytest.mark.parametrize("words", CASES)
def test_rule(words: str) -> None:
    judge("fraud", CASES[words])


def test_gold_figures() -> None:
    """Production 60 kg, exports 73 kg."""
    figures = judge("fraud", FLOWS["60 kg came in and 73 kg went out"]).ruling.figures
    assert figures == {"exported": "73.00", "came_in": "60.00", "stock": "0.00"}


def test_every_rule_of_the_pack_has_a_case() -> None:
    from tests.ledger.rules import test_fraud_journeys, test_fraud_material, test_fraud_mines

    modules = (test_fraud_journeys, test_fraud_material, test_fraud_mines)
    tried = {case[0] for cases in (CASES, *(one.CASES for one in modules)) for case in cases.values()}
    assert tried == {rule.id for rule in read_pack("fraud").rules}
