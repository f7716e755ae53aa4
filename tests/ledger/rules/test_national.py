"""National acts of the DRC and Rwanda."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.errors import PackError
from ledger.rules.pack import parse_pack
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
    judge,
    one_lot,
    read_pack,
)
from tests.ledger.rules.tables import load
from tests.support.coltan import chain
from tests.support.story import (
    AUTHORITY,
    EXPORTER,
    MINE_A,
    MINER,
    PLANT,
    SMELTER,
    Story,
    point,
    start_story,
)
from tests.support.world import new_lot, quantity

ORDER = "ARR-2025"


def ordered(*rows: str, **more: Any) -> Story:
    return load(chain(**more), "orders", *rows)


def zone(sites: str = MINE_A, start: str = "2026-02-12", end: str = "", **more: str) -> str:
    minerals, methods = more.get("minerals", ""), more.get("methods", "")
    return f"red_zone,CD,CD-NK,Masisi,{sites},{minerals},{methods},{start},{end},{ORDER},2026-02-12"


def lift(start: str) -> str:
    return f"lift,CD,CD-NK,Masisi,{MINE_A},,,{start},,{ORDER},2026-02-20"


def cobalt(
    mass: str = "25000", *, method: str = "large_scale", day: str = "2026-01-31", certified: bool = True
) -> Story:
    """25.0 wmt of cobalt hydroxide at 55 % moisture and 32 % Co leave the country: 3,600 kg Co."""
    story = start_story("2025-11-01")
    lot = new_lot("lot:export", quantity(mass, "55", {"Co": "32"})) | {"mineral": "cobalt hydroxide"}
    story.on(day).extract(MINE_A, lot, period=(f"{day[:8]}02", day), method=method)
    if certified:
        certificate(scheme="conformity", mass=mass, route=[])(story)
    story.dispatch(MINER, SMELTER, MINE_A, PLANT, "lot:export")
    return story


def quota(actor: str = MINER, kg: str = "4250000", start: str = "2026-01-01") -> str:
    return f"ARECOMS,CD,{actor},Co,{kg},{start},2026-12-31,ARECOMS 1,2026-01-02"


def with_quota(*rows: str, **more: Any) -> Story:
    return load(cobalt(**more), "quotas", *rows, published="2026-01-20")


def royalty(amount: str | None, currency: str = "USD", kind: str = "royalty") -> Callable[[Story], Any]:
    said = {
        "kind": kind, "purpose": "royalty", "payer": EXPORTER, "payee_class": "government",
        "currency": currency, "date": "2026-04-09", "method": "bank",
    } | ({"amount": amount} if amount else {})  # fmt: skip
    return lambda story: story.attest(EXPORTER, "payment", "lot:export", said)


def valued(paid: str | None = "3500", *, by: str = "export", rate: str = "10", **more: Any) -> Story:
    """A lot worth USD 35,000; royalty in USD."""
    paper = export(value="35000", currency="USD") if by == "export" else certificate(customs_value="35000")
    story = chain(merged=both(paper, royalty(paid, **more)))
    rows = (f"CD,Ta2O5,{rate},2018-06-08,,Decree 18/042,2018-06-09", "CD,Sn,3.5,2018-06-08,,Decree 18/042,2018-06-09")
    return load(story, "royalties", *rows)


def licensed(klass: str | None, mass: str = "640") -> Story:
    """A mine in Rwanda with a month of output."""
    story = start_story()
    story.register("site:rw", "mine", MINER, "RW-01", location=point("29.9", "-1.9"))
    if klass:
        said = {"kind": "mining_licence", "number": "L-1", "holder": MINER, "granted": "2020-01-01", "class": klass}
        story.attest(AUTHORITY, "licence", "site:rw", said)
    story.on("2026-03-31").extract(
        "site:rw", new_lot("lot:export", quantity(mass)), period=("2026-03-02", "2026-03-31")
    )
    return story


def idle() -> Story:
    story = licensed("ASM")
    story.register("site:idle", "mine", MINER, "RW-01")
    said = {"kind": "mining_licence", "number": "L-1", "holder": MINER, "granted": "2020-01-01", "class": "ASM"}
    story.attest(AUTHORITY, "licence", "site:idle", said)
    return story


def at_home() -> Story:
    story = start_story()
    lot = new_lot("lot:export", quantity("100", "55", {"Co": "32"}))
    story.on("2026-03-31").extract(MINE_A, lot, period=("2026-03-02", "2026-03-31"), method="large_scale")
    return story


def no_value() -> Story:
    return load(chain(merged=royalty("3500")), "royalties", "CD,Ta2O5,10,2018-06-08,,Decree 18/042,2018-06-09")


CASES: dict[str, tuple[str, Case]] = {
    "no order closed the mine": ("cd-national", ("CD.REDZONE2025", PASS, lambda: ordered(zone("CD-9")))),
    "an order closed it by name": ("cd-national", ("CD.REDZONE2025", FAIL, lambda: ordered(zone()))),
    "an order closed the province": ("cd-national", ("CD.REDZONE2025", FAIL, lambda: ordered(zone("")))),
    "an order closed it for tin": ("cd-national", ("CD.REDZONE2025", PASS, lambda: ordered(zone(minerals="tin")))),
    "an order closed it for coltan dug by hand": (
        "cd-national", ("CD.REDZONE2025", FAIL, lambda: ordered(zone(minerals="coltan", methods="artisanal")))
    ),
    "an order closed it for large mines": (
        "cd-national", ("CD.REDZONE2025", PASS, lambda: ordered(zone(methods="large_scale")))
    ),
    "an order that had ended": (
        "cd-national", ("CD.REDZONE2025", PASS, lambda: ordered(zone(start="2025-02-12", end="2025-08-11")))
    ),
    "an order that was lifted before": (
        "cd-national", ("CD.REDZONE2025", PASS, lambda: ordered(zone(), lift("2026-02-25")))
    ),
    "orders of another country": (
        "cd-national",
        ("CD.REDZONE2025", PASS, lambda: ordered(f"red_zone,UG,,,{MINE_A},,,2026-01-01,,ACT,2026-02-12")),
    ),
    "orders not loaded": ("cd-national", ("CD.REDZONE2025", LACKING, chain)),
    "a mine in Rwanda": ("cd-national", ("CD.REDZONE2025", NA, lambda: licensed("ASM"))),
    "within the exporter's quota": ("cd-national", ("CD.COQUOTA", PASS, lambda: with_quota(quota()))),
    "within the country's quota": ("cd-national", ("CD.COQUOTA", PASS, lambda: with_quota(quota("")))),
    "beyond the quota": ("cd-national", ("CD.COQUOTA", FAIL, lambda: with_quota(quota(kg="3599")))),
    "no certificate of traceability": (
        "cd-national", ("CD.COQUOTA", LACKING, lambda: with_quota(quota(), certified=False))
    ),
    "no quota of this year": ("cd-national", ("CD.COQUOTA", LACKING, lambda: with_quota(quota(start="2026-06-01")))),
    "quotas not loaded": ("cd-national", ("CD.COQUOTA", LACKING, cobalt)),
    "no cobalt": ("cd-national", ("CD.COQUOTA", NA, chain)),
    "cobalt that was not exported": ("cd-national", ("CD.COQUOTA", NA, at_home)),
    "cobalt dug by hand in January 2026": ("cd-national", ("CD.ASMCO2025", FAIL, lambda: cobalt(method="artisanal"))),
    "cobalt dug by hand in November 2025": (
        "cd-national", ("CD.ASMCO2025", PASS, lambda: cobalt(method="artisanal", day="2025-11-30"))
    ),
    "cobalt dug by hand after it was lifted": (
        "cd-national",
        ("CD.ASMCO2025", PASS, lambda: cobalt(method="artisanal"), {"suspended_until": "2025-12-31"}),
    ),
    "cobalt of a large mine": ("cd-national", ("CD.ASMCO2025", NA, cobalt)),
    "ten per cent paid": ("cd-national", ("CD.ROYALTY", PASS, valued)),
    "ten per cent paid, by the certificate's value": (
        "cd-national", ("CD.ROYALTY", PASS, lambda: valued(by="certificate"))
    ),
    "five per cent paid": ("cd-national", ("CD.ROYALTY", FAIL, lambda: valued("1750"))),
    "the amount is concealed": ("cd-national", ("CD.ROYALTY", LACKING, lambda: valued(None))),
    "paid in francs": ("cd-national", ("CD.ROYALTY", LACKING, lambda: valued(currency="CDF"))),
    "a tax is no royalty": ("cd-national", ("CD.ROYALTY", LACKING, lambda: valued(kind="tax"))),
    "the value is not known": ("cd-national", ("CD.ROYALTY", LACKING, no_value)),
    "rates not loaded": ("cd-national", ("CD.ROYALTY", LACKING, chain)),
    "nothing exported": ("cd-national", ("CD.ROYALTY", NA, lambda: one_lot("artisanal"))),
    "a small mine with small output": ("rw-national", ("RW.LICCLASS", PASS, lambda: licensed("ASM"))),
    "a small mine with the output of a large one": (
        "rw-national", ("RW.LICCLASS", FLAG, lambda: licensed("ASM", "9000"))
    ),
    "a large mine": ("rw-national", ("RW.LICCLASS", PASS, lambda: licensed("LSM", "90000"))),
    "no licence": ("rw-national", ("RW.LICCLASS", LACKING, lambda: licensed(None))),
    "a class that nobody knows": ("rw-national", ("RW.LICCLASS", LACKING, lambda: licensed("XL"))),
    "a mine that never produced": ("rw-national", ("RW.LICCLASS", LACKING, lambda: about("site:idle", idle()))),
    "a mine in the DRC": ("rw-national", ("RW.LICCLASS", NA, chain)),
}  # fmt: skip


@pytest.mark.parametrize("words", CASES)
def test_rule(words: str) -> None:
    pack, case = CASES[words]
    judge(pack, case)


def test_every_rule_of_the_packs_has_a_case() -> None:
    tried = {case[0] for _, case in CASES.values()}
    assert tried == {rule.id for name in ("cd-national", "rw-national") for rule in read_pack(name).rules}


def test_cobalt_of_a_truck() -> None:
    """25.0 wmt at 55 % and 32 % Co are 3,600 kg of cobalt."""
    figures = judge(*CASES["beyond the quota"]).ruling.figures
    assert figures == {"exported": "3600.00", "quota": "3599.00"}


def test_a_quota_is_of_an_element_or_a_compound() -> None:
    whole = read_pack("cd-national").data
    assert parse_pack(whole).id == "cd-national"
    with pytest.raises(PackError) as caught:
        parse_pack(whole.replace(b'analyte = "Co", scheme', b'analyte = "Xx", scheme'))
    assert caught.value.pointer.endswith("/with")
