"""Chain-of-custody models: what each allows, and that none is upgraded."""

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
    judge,
    read_pack,
)
from tests.support.story import (
    AUDITOR,
    MINE_A,
    MINE_B,
    MINER,
    MINER_B,
    SMELTER,
    Story,
    start_story,
)
from tests.support.world import new_lot, quantity

COBALT = {"Co": "32"}


def blend(
    model: str = "segregated",
    *,
    artisanal: str = "0",
    method: str = "large_scale",
    second: str | None = None,
    made: str | None = None,
    assay: dict[str, str] | None = None,
    **stages: Callable[[Story], Any],
) -> Story:
    """A large mine's cobalt hydroxide, with so many kg in 1,000 dug by hand, refined under a model.

    method: of the larger mine; second: model of a further step; made: kg that come out of the first.
    """
    story = start_story()
    large = str(1000 - int(artisanal))
    lots = {"lot:large": large} | ({"lot:hand": artisanal} if artisanal != "0" else {})
    story.on("2026-03-31")
    held = COBALT if assay is None else assay
    story.extract(
        MINE_A,
        new_lot("lot:large", quantity(large, "0", held)),
        period=("2026-03-02", "2026-03-31"),
        method=method,
    )
    if artisanal != "0":
        story.extract(MINE_B, new_lot("lot:hand", quantity(artisanal, "0", held)), period=("2026-03-02", "2026-03-31"))
        story.dispatch(MINER_B, MINER, MINE_B, MINE_A, "lot:hand")
        story.receive(MINER, MINE_A, {"lot:hand": None})
    stages.pop("dug", lambda _: None)(story)
    story.transform(
        MINER, MINE_A, lots, new_lot("lot:blend", quantity(made or "1000", "0", held)), model=model, process="refine"
    )
    story.subject = "lot:blend"
    if second:
        last = new_lot("lot:last", quantity(made or "1000", "0", held))
        story.transform(MINER, MINE_A, {"lot:blend": made or "1000"}, last, model=second, process="refine")
        story.subject = "lot:last"
    stages.pop("done", lambda _: None)(story)
    assert not stages
    return story


def unknown_origin() -> Story:
    """A lot whose mine the reader does not see is asked about as a participant's: there is no lot."""
    return about(SMELTER, start_story())


def credit(number: str = "CR-1", lots: str | list[str] = "lot:blend", **more: Any) -> Callable[[Story], Any]:
    return certificate(number, lots, scheme="conformity", route=[], mass="1000", **more)


def audit(scheme: str) -> Callable[[Story], Any]:
    said = {"facility": MINE_A, "scheme": scheme, "standard": "CoC 2", "metals": ["Co"], "body": "Assurance"}
    return lambda story: story.attest(AUDITOR, "audit", MINE_A, said)


def stocktake(story: Story) -> None:
    said = {"site": MINE_A, "material": "Co", "opening": "0", "closing": "0", "method": "count"}
    story.attest(MINER, "stocktake", MINE_A, said)


def overdrawn(kg: str, **stages: Any) -> Story:
    """Under mass balance, with only the large mine characteristic: `kg` in 1,000 were dug by hand and earn nothing."""
    return blend("mass_balance", artisanal=kg, **stages)


def years_apart() -> Story:
    """100 kg earn credit in 2023 and are not used; in 2026 the account draws on them."""
    story = start_story("2023-01-05")

    def dig(name: str, day: str, method: str) -> None:
        lot = new_lot(f"lot:{name}", quantity("100", "0", COBALT))
        story.on(day).extract(MINE_A, lot, period=(day, day), method=method)

    dig("old", "2023-03-01", "large_scale")
    idle = new_lot("lot:idle", quantity("50", "0", COBALT))
    story.transform(MINER, MINE_A, {"lot:old": "100"}, idle, model="mass_balance", process="refine")
    dig("new", "2026-03-01", "artisanal")
    made = new_lot("lot:export", quantity("50", "0", COBALT))
    story.transform(MINER, MINE_A, {"lot:new": "50"}, made, model="mass_balance", process="refine")
    last = new_lot("lot:final", quantity("100", "0", COBALT))
    story.transform(
        MINER, MINE_A, {"lot:export": "50", "lot:idle": "50"}, last, model="book_and_claim", process="refine"
    )
    return about("lot:final", story)


LARGE = {"characteristic_methods": ["large_scale"]}
MODELS_: dict[str, Case] = {
    "one mine": ("COC.IP", PASS, lambda: blend("identity_preserved")),
    "two mines": ("COC.IP", FAIL, lambda: blend("identity_preserved", artisanal="80")),
    "kept segregated, not preserved": ("COC.IP", NA, blend),
    "no lot": ("COC.IP", NA, unknown_origin),
    "one kind of material": ("COC.SEG", PASS, blend),
    "an 8 % artisanal blend": ("COC.SEG", FAIL, lambda: blend(artisanal="80")),
    "8 % dug by hand beside a small mine with machines": (
        "COC.SEG", PASS, lambda: blend(method="semi_mechanised", artisanal="80")
    ),
    "an 8 % artisanal blend, where both kinds are characteristic": (
        "COC.SEG", PASS, lambda: blend(artisanal="80"), {"characteristic_methods": ["large_scale", "artisanal"]}
    ),
    "a mine that is not on the list": ("COC.SEG", FAIL, blend, {"characteristic_sites": [MINE_B]}),
    "a mine that is": ("COC.SEG", PASS, blend, {"characteristic_sites": [MINE_A]}),
    "blended openly": ("COC.SEG", NA, lambda: blend("controlled_blending", artisanal="80")),
    "no lot, segregated": ("COC.SEG", NA, unknown_origin),
    "92 % known": ("COC.CB", PASS, lambda: blend("controlled_blending", artisanal="80")),
    "not blended": ("COC.CB", NA, blend),
    "no lot, blended": ("COC.CB", NA, unknown_origin),
    "an account in balance": ("COC.MB", PASS, lambda: blend("mass_balance")),
    "an account overdrawn": ("COC.MB", FAIL, lambda: overdrawn("80"), LARGE),
    "no account": ("COC.MB", NA, blend),
    "what was claimed came in": ("COC.MB.POSITIVE", PASS, lambda: blend("mass_balance")),
    "what was claimed came in, by site": (
        "COC.MB.POSITIVE", PASS, lambda: blend("mass_balance"), {"characteristic_sites": [MINE_A]}
    ),
    "8 % of what was claimed did not": ("COC.MB.POSITIVE", FAIL, lambda: overdrawn("80"), LARGE),
    "a conversion factor of 0.9": (
        "COC.MB.POSITIVE", FAIL, lambda: blend("mass_balance"), {"conversion_factors": ["Co=0.9"]}
    ),
    "nothing was balanced": ("COC.MB.POSITIVE", NA, blend),
    "an account under ASI in balance": ("COC.MB.ASI", PASS, lambda: blend("mass_balance", dug=audit("ASI"))),
    "8 % overdrawn under ASI": ("COC.MB.ASI", FLAG, lambda: overdrawn("80", dug=audit("ASI")), LARGE),
    "30 % overdrawn under ASI": ("COC.MB.ASI", FAIL, lambda: overdrawn("300", dug=audit("ASI")), LARGE),
    "not under ASI": ("COC.MB.ASI", NA, lambda: blend("mass_balance")),
    "reconciled under Copper Mark": (
        "COC.MB.CM", PASS, lambda: blend("mass_balance", dug=both(audit("Copper Mark"), stocktake))
    ),
    "overdrawn under Copper Mark": (
        "COC.MB.CM", FAIL, lambda: overdrawn("80", dug=both(audit("Copper Mark"), stocktake)), LARGE
    ),
    "never reconciled under Copper Mark": (
        "COC.MB.CM", LACKING, lambda: blend("mass_balance", dug=audit("Copper Mark"))
    ),
    "not under Copper Mark": ("COC.MB.CM", NA, lambda: blend("mass_balance")),
    "reconciled under IRMA": ("COC.MB.IRMA", PASS, lambda: blend("mass_balance", dug=both(audit("IRMA"), stocktake))),
    "overdrawn under IRMA": ("COC.MB.IRMA", FAIL, lambda: overdrawn("80", dug=both(audit("IRMA"), stocktake)), LARGE),
    "never reconciled under IRMA": ("COC.MB.IRMA", LACKING, lambda: blend("mass_balance", dug=audit("IRMA"))),
    "not under IRMA": ("COC.MB.IRMA", NA, lambda: blend("mass_balance")),
    "a yield of 97 % as documented": ("COC.MB.CF", PASS, lambda: blend("mass_balance", made="970")),
    "a yield of 80 %": ("COC.MB.CF", FAIL, lambda: blend("mass_balance", made="800")),
    "no factor documented": ("COC.MB.CF", LACKING, lambda: blend("mass_balance"), {"documented_recoveries": []}),
    "no account, no factor": ("COC.MB.CF", NA, blend),
    "cobalt for cobalt": ("COC.MB.SITE", PASS, lambda: blend("mass_balance")),
    "no characteristic cobalt at all": (
        "COC.MB.SITE", FAIL, lambda: blend("mass_balance"), {"characteristic_methods": ["artisanal"]}
    ),
    "no account, no site": ("COC.MB.SITE", NA, blend),
    "fresh credit": ("COC.MB.EXPIRY", PASS, lambda: blend("mass_balance")),
    "credit of two years ago": ("COC.MB.EXPIRY", FAIL, years_apart, LARGE),
    "no account, no expiry": ("COC.MB.EXPIRY", NA, blend),
    "a credit used once": ("COC.MB.NODOUBLE", PASS, lambda: blend("mass_balance", done=credit())),
    "a credit used for two lots": (
        "COC.MB.NODOUBLE", FAIL, lambda: blend("mass_balance", done=both(credit(), credit(lots="lot:large")))
    ),
    "a lot sold under two schemes": (
        "COC.MB.NODOUBLE", FAIL,
        lambda: blend("mass_balance", done=both(credit(), credit("CR-2", authority=AUDITOR)))
    ),
    "two credits of one scheme": (
        "COC.MB.NODOUBLE", PASS, lambda: blend("mass_balance", done=both(credit(), credit("CR-2")))
    ),
    "no credit on file": ("COC.MB.NODOUBLE", LACKING, lambda: blend("mass_balance")),
    "no account, no credit": ("COC.MB.NODOUBLE", NA, blend),
    "no lot, no credit": ("COC.MB.NODOUBLE", NA, unknown_origin),
    "a credit booked once": ("COC.BC", PASS, lambda: blend("book_and_claim", done=credit())),
    "a credit booked for two lots": (
        "COC.BC", FAIL, lambda: blend("book_and_claim", done=both(credit(), credit(lots="lot:large")))
    ),
    "no credit booked": ("COC.BC", LACKING, lambda: blend("book_and_claim")),
    "nothing booked": ("COC.BC", NA, blend),
    "the weakest hop is known": ("COC.MIX", PASS, lambda: blend("controlled_blending")),
    "no weakest hop": ("COC.MIX", NA, unknown_origin),
    "segregated, then blended": ("COC.DOWNGRADE", PASS, lambda: blend(second="controlled_blending")),
    "blended, then called segregated": (
        "COC.DOWNGRADE", FAIL, lambda: blend("controlled_blending", artisanal="80", second="segregated")
    ),
    "no lot to upgrade": ("COC.DOWNGRADE", NA, unknown_origin),
    "the material itself": ("COC.OECD", PASS, blend),
    "an account in its place": ("COC.OECD", FAIL, lambda: blend("mass_balance")),
    "a credit in its place": ("COC.OECD", FAIL, lambda: blend("book_and_claim")),
    "no lot, no material": ("COC.OECD", NA, unknown_origin),
}  # fmt: skip


@pytest.mark.parametrize("words", MODELS_)
def test_rule(words: str) -> None:
    judge("custody-models", MODELS_[words])


def test_every_rule_of_the_pack_has_a_case() -> None:
    assert {case[0] for case in MODELS_.values()} == {rule.id for rule in read_pack("custody-models").rules}


@pytest.mark.parametrize(("share", "outcome"), [("92", PASS), ("92.01", FAIL), ("100", FAIL)])
def test_controlled_blend_supports_what_it_holds(share: str, outcome: Any) -> None:
    """8 % artisanal material leaves 92 % to be claimed, and not a hundredth more."""
    story = blend("controlled_blending", artisanal="80")
    claim = story.claim("custody_model", {"model": "controlled_blending", "share": share})
    found = story.finding("COC.CB", claim=claim, packs={"custody-models": read_pack("custody-models")})
    assert (found.ruling.outcome, found.ruling.figures) == (outcome, {"proportion": "92"})


@pytest.mark.parametrize(("model", "outcome"), [("controlled_blending", PASS), ("segregated", FAIL)])
def test_no_claim_is_stronger_than_the_weakest_hop(model: str, outcome: Any) -> None:
    story = blend("controlled_blending")
    found = story.finding(
        "COC.MIX",
        claim=story.claim("custody_model", {"model": model}),
        packs={"custody-models": read_pack("custody-models")},
    )
    assert found.ruling.outcome is outcome


def test_a_segregated_claim_on_a_blend_is_refuted() -> None:
    """The claim asks for segregated material, whatever the transform says: 8 % of it is not."""
    story = blend("controlled_blending", artisanal="80")
    claim = story.claim("custody_model", {"model": "segregated"})
    pack = {"custody-models": read_pack("custody-models")}
    assert story.finding("COC.SEG", claim=claim, packs=pack).ruling.outcome is FAIL
    assert story.finding("COC.IP", claim=claim, packs=pack).ruling.outcome is NA
