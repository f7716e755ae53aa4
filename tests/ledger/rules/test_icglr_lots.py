"""The ICGLR mechanism on the way: lots, tags, certificates, exporters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.ledger.rules import test_icglr_sites
from tests.ledger.rules.papers import (
    FAIL,
    LACKING,
    NA,
    PASS,
    Case,
    both,
    certificate,
    foreign,
    judge,
    one_lot,
    read_pack,
    status,
)
from tests.ledger.rules.tables import load
from tests.support.coltan import chain
from tests.support.story import (
    CUSTOMS,
    DEPOT,
    EXPORTER,
    MINE_A,
    MINER,
    PLANT,
    SMELTER,
    TRADER,
    WAREHOUSE,
    Story,
    start_story,
)
from tests.support.world import new_lot, quantity


def elsewhere() -> Story:
    """Dispatched to the depot, received at the warehouse."""
    story = start_story()
    story.on("2026-03-31").extract(MINE_A, new_lot("lot:export", quantity("40")), period=("2026-03-02", "2026-03-31"))
    story.dispatch(MINER, EXPORTER, MINE_A, DEPOT, "lot:export")
    story.on("2026-04-02").receive(EXPORTER, WAREHOUSE, {"lot:export": None})
    return story


def on_the_way() -> Story:
    story = start_story()
    story.on("2026-03-31").extract(MINE_A, new_lot("lot:export", quantity("40")), period=("2026-03-02", "2026-03-31"))
    story.dispatch(MINER, SMELTER, MINE_A, PLANT, "lot:export")
    return story


def paid(kind: str = "tax") -> Callable[[Story], Any]:
    said = {
        "kind": kind, "purpose": "provincial tax", "payer": MINER, "payee_class": "government", "amount": "412",
        "currency": "USD", "date": "2026-03-31", "method": "bank",
    }  # fmt: skip
    return lambda story: story.attest(MINER, "payment", "lot:a-0", said)


def weighing(uncertainty: str) -> Callable[[Story], Any]:
    said = {"gross": "641", "tare": "1", "net": "640", "scale": "SC-1", "uncertainty": uncertainty}
    return lambda story: story.attest(EXPORTER, "weighing", "lot:export", said)


def exporter_is(to: str) -> Callable[[Story], Any]:
    return status(EXPORTER, to, "2025-06-01")


def exporter_listed(to: str) -> Story:
    return load(chain(), "site_statuses", f"{EXPORTER},{to},,,2025-06-01,,A,2025-06-02")


def self_certified(story: Story) -> None:
    statement = {
        "scheme": "icglr", "country": "CD", "number": "CD-9", "exporter": EXPORTER, "mass": "640", "origins": ["CD"],
        "authority": CUSTOMS, "verified": "2026-04-04", "issued": "2026-04-05", "expires": "2026-07-04",
    }  # fmt: skip
    story.attest(TRADER, "certificate", "lot:export", statement)


def concentrated(method: str) -> Story:
    """A mine makes a concentrate of its own lot, without any tag."""
    story = start_story()
    ore, made = new_lot("lot:ore", quantity("100"), []), new_lot("lot:export", quantity("40"), [])
    story.on("2026-03-31").extract(MINE_A, ore, period=("2026-03-02", "2026-03-31"), method=method)
    losses = [{"kind": "tailings", "mass": "60"}]
    story.transform(MINER, MINE_A, {"lot:ore": "100"}, made, process="concentrate", losses=losses)
    return story


PAPER: dict[str, Any] = {"merged": certificate()}
LOTS: dict[str, Case] = {
    "tagged at the mine": ("ICGLR.LOT.PROD", PASS, chain),
    "not tagged at the mine": ("ICGLR.LOT.PROD", FAIL, lambda: chain(tagged=False)),
    "a large mine's lot": ("ICGLR.LOT.PROD", NA, lambda: one_lot("large_scale")),
    "shipped and received": ("ICGLR.LOT.SHIP", PASS, chain),
    "received where it was not sent": ("ICGLR.LOT.SHIP", FAIL, elsewhere),
    "not answered yet": ("ICGLR.LOT.SHIP", LACKING, on_the_way),
    "never shipped": ("ICGLR.LOT.SHIP", NA, lambda: one_lot("artisanal")),
    "merged under a new tag": ("ICGLR.LOT.RETAG", PASS, chain),
    "merged without a tag": ("ICGLR.LOT.RETAG", FAIL, lambda: merged([])),
    "merged under an old tag": ("ICGLR.LOT.RETAG", FAIL, lambda: merged(["A00001"])),
    "a large mine's concentrate, as its trucks carry it": ("ICGLR.LOT.RETAG", NA, lambda: concentrated("large_scale")),
    "a small mine's concentrate without a tag": ("ICGLR.LOT.RETAG", FAIL, lambda: concentrated("artisanal")),
    "nothing made": ("ICGLR.LOT.RETAG", NA, lambda: one_lot("artisanal")),
    "tax paid": ("ICGLR.LOT.TAXES", PASS, lambda: chain(dug=paid())),
    "only a price paid": ("ICGLR.LOT.TAXES", LACKING, lambda: chain(dug=paid("price"))),
    "copper, taxes": ("ICGLR.LOT.TAXES", NA, foreign),
    "the verifier is named": (
        "ICGLR.LOT.STAFF", PASS, lambda: chain(merged=certificate(verifier_position="Inspector"))
    ),
    "the verifier's position is not": ("ICGLR.LOT.STAFF", LACKING, lambda: chain(**PAPER)),
    "copper, staff": ("ICGLR.LOT.STAFF", NA, foreign),
    "certified": ("ICGLR.CERT.REQ", PASS, lambda: chain(**PAPER)),
    "one number twice": (
        "ICGLR.CERT.REQ", FAIL, lambda: chain(merged=both(certificate(), certificate(lots="lot:a-1", mass="40")))
    ),
    "no certificate": ("ICGLR.CERT.REQ", LACKING, chain),
    "the exporter's own certificate": ("ICGLR.CERT.REQ", LACKING, lambda: chain(merged=self_certified)),
    "nothing exported": ("ICGLR.CERT.REQ", NA, lambda: one_lot("artisanal")),
    "ninety days": ("ICGLR.CERT.90D", PASS, lambda: chain(**PAPER)),
    "ninety-one days": ("ICGLR.CERT.90D", FAIL, lambda: chain(merged=certificate(expires="2026-07-05"))),
    "shipped after its end": ("ICGLR.CERT.90D", FAIL, lambda: chain(merged=certificate(expires="2026-04-09"))),
    "no certificate, no days": ("ICGLR.CERT.90D", LACKING, chain),
    "nothing exported, no days": ("ICGLR.CERT.90D", NA, lambda: one_lot("artisanal")),
    "from the DRC": ("ICGLR.CERT.ORIGIN", PASS, lambda: chain(**PAPER)),
    "from Rwanda, it says": ("ICGLR.CERT.ORIGIN", FAIL, lambda: chain(merged=certificate(origins=["RW"]))),
    "from the DRC and Rwanda, it says": (
        "ICGLR.CERT.ORIGIN", FAIL, lambda: chain(merged=certificate(origins=["CD", "RW"]))
    ),
    "partly unknown, it says": ("ICGLR.CERT.ORIGIN", LACKING, lambda: chain(merged=certificate(origins=["CD", "0"]))),
    "no certificate, no origin": ("ICGLR.CERT.ORIGIN", LACKING, chain),
    "nothing exported, no origin": ("ICGLR.CERT.ORIGIN", NA, lambda: one_lot("artisanal")),
    "640 kg": ("ICGLR.CERT.WEIGHT", PASS, lambda: chain(**PAPER)),
    "a kilogram less": ("ICGLR.CERT.WEIGHT", PASS, lambda: chain(merged=certificate(mass="639"))),
    "ten kilograms less": ("ICGLR.CERT.WEIGHT", FAIL, lambda: chain(merged=certificate(mass="630"))),
    "ten kilograms less, on a scale that can't tell": (
        "ICGLR.CERT.WEIGHT", PASS, lambda: chain(merged=both(certificate(mass="630"), weighing("4")))
    ),
    "four decimals": ("ICGLR.CERT.WEIGHT", FAIL, lambda: chain(merged=certificate(mass="640.0001"))),
    "no certificate, no weight": ("ICGLR.CERT.WEIGHT", LACKING, chain),
    "nothing exported, no weight": ("ICGLR.CERT.WEIGHT", NA, lambda: one_lot("artisanal")),
    "two persons": ("ICGLR.CERT.2PERSON", PASS, lambda: chain(**PAPER)),
    "one person": ("ICGLR.CERT.2PERSON", FAIL, lambda: chain(merged=certificate(validator="Officer one"))),
    "issued before it was verified": (
        "ICGLR.CERT.2PERSON", FAIL, lambda: chain(merged=certificate(verified="2026-04-06"))
    ),
    "persons concealed": ("ICGLR.CERT.2PERSON", LACKING, lambda: chain(merged=certificate(verifier=None))),
    "no certificate, no persons": ("ICGLR.CERT.2PERSON", LACKING, chain),
    "nothing exported, no persons": ("ICGLR.CERT.2PERSON", NA, lambda: one_lot("artisanal")),
    "the exporter is green": ("ICGLR.EXPORTER", PASS, lambda: chain(before=exporter_is("green"))),
    "the exporter is red": ("ICGLR.EXPORTER", FAIL, lambda: chain(before=exporter_is("red"))),
    "the exporter is green by the list": ("ICGLR.EXPORTER", PASS, lambda: exporter_listed("green")),
    "the exporter is red by the list": ("ICGLR.EXPORTER", FAIL, lambda: exporter_listed("red")),
    "the exporter has no status": ("ICGLR.EXPORTER", LACKING, chain),
    "nobody exports": ("ICGLR.EXPORTER", NA, lambda: one_lot("artisanal")),
}  # fmt: skip


def merged(tags: list[str]) -> Story:
    story = start_story()
    bags = [new_lot(f"lot:{n}", quantity("40"), [f"A{n:05d}"]) for n in (1, 2)]
    story.on("2026-03-31").extract(MINE_A, *bags, period=("2026-03-02", "2026-03-31"))
    made = new_lot("lot:export", quantity("80"), tags)
    story.transform(MINER, MINE_A, {"lot:1": "40", "lot:2": "40"}, made)
    return story


CASES = LOTS


@pytest.mark.parametrize("words", CASES)
def test_rule(words: str) -> None:
    judge("icglr-rcm", CASES[words])


def test_every_rule_of_the_pack_has_a_case() -> None:
    tried = {case[0] for cases in (CASES, test_icglr_sites.CASES) for case in cases.values()}
    assert tried == {rule.id for rule in read_pack("icglr-rcm").rules}
