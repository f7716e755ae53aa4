"""What naive implementations get wrong about material, mines and certificates (catalogue of mistakes), one test each.

The mistakes about parties, regimes and lists have their tests beside those packs. Outside checks stand at the end:
a published product passport that makes copper out of nothing, and a mine whose published years close.
"""

from __future__ import annotations

from typing import Any

import pytest

from ledger.errors import MetalGain
from ledger.rules.outcome import Answer, Outcome
from tests.ledger.rules.papers import (
    FAIL,
    FLAG,
    LACKING,
    NA,
    PASS,
    both,
    certificate,
    read_pack,
    status,
)
from tests.ledger.rules.tables import load
from tests.support.coltan import chain
from tests.support.story import (
    AUTHORITY,
    MINE_A,
    MINE_B,
    MINER,
    PLANT,
    SMELTER,
    Story,
    start_story,
)
from tests.support.world import MINE, honest_world, new_lot, quantity, transform_body
from tests.support.world import MINER as WORLD_MINER


def outcome(story: Story, pack: str, rule: str, **more: Any) -> Outcome:
    claim = story.claim("conduct", subject=story.subject, parameters=more.pop("parameters", {}))
    return story.finding(rule, claim=claim, packs={pack: read_pack(pack)}, **more).ruling.outcome


def cake(mass: str, moisture: str, grade: str = "32") -> Story:
    """25.0 wmt of cobalt hydroxide at 55 % moisture leave; so much arrives."""
    story = start_story()
    lot = new_lot("lot:export", quantity("25000", "55", {"Co": "32"}))
    story.on("2026-03-31").extract(MINE_A, lot, period=("2026-03-02", "2026-03-31"), method="large_scale")
    story.dispatch(MINER, SMELTER, MINE_A, PLANT, "lot:export")
    story.on("2026-05-02").receive(SMELTER, PLANT, {"lot:export": quantity(mass, moisture, {"Co": grade})})
    return story


def test_mistake_06_wet_weight_and_wrong_grade_basis() -> None:
    """A cake that dries from 55 % to 48 % loses 13.6 % of its weight and no cobalt; Ta2O5 is not Ta."""
    assert outcome(cake("21600", "48"), "fraud", "F-MASS") is PASS
    assert outcome(cake("21600", "55"), "fraud", "F-MASS") is FAIL
    story = chain()
    held = {"kg": "182.99", "element": "Ta"}  # 640 kg, dry, 28.5 % Ta2O5: 178.75 kg of pentoxide, 146.39 kg of metal
    own = read_pack("claims")
    for kg, expected in (("146.39", PASS), ("178.75", FAIL)):
        claim = story.claim("quantity", {**held, "kg": kg})
        assert story.finding("CLAIM.QUANTITY", claim=claim, packs={"claims": own}).ruling.outcome is expected


def test_mistake_08_current_status_instead_of_status_at_extraction() -> None:
    """Green when it was dug and red today passes; red when it was dug and green today fails. Green lapses."""
    then_green = chain(before=status(MINE_A, "green", "2025-11-01"), done=status(MINE_A, "red", "2026-05-01", "ARR-2"))
    assert outcome(then_green, "icglr-rcm", "ICGLR.SITE.STATUS") is PASS
    then_red = chain(before=status(MINE_A, "red", "2025-11-01"), done=status(MINE_A, "green", "2026-05-01", "ARR-2"))
    assert outcome(then_red, "icglr-rcm", "ICGLR.SITE.STATUS") is FAIL
    for since, expected in (("2025-06-01", PASS), ("2024-06-01", FLAG)):
        assert outcome(chain(before=status(MINE_A, "green", since)), "icglr-rcm", "ICGLR.SITE.GREEN1Y") is expected
    for since, expected in (("2023-06-01", PASS), ("2022-06-01", FAIL)):
        assert outcome(chain(before=status(MINE_A, "blue", since)), "icglr-rcm", "ICGLR.SITE.STATUS") is expected


def test_a_retroactive_act_is_in_later_verdicts_and_in_no_earlier_one() -> None:
    """A red status published in May that holds from February: unknown in April, known in May."""
    story = chain(before=status(MINE_A, "green", "2025-11-01"), done=status(MINE_A, "red", "2026-02-12", "ARR-2"))
    assert outcome(story, "icglr-rcm", "ICGLR.SITE.STATUS") is FAIL
    assert outcome(story, "icglr-rcm", "ICGLR.SITE.STATUS", known="2026-05-19") is PASS


def test_mistake_09_statuses_are_words_and_no_numbers() -> None:
    """ICGLR's 0 is Blue and IPIS's 0 is none: a number is no status, and yellow is not better than blue."""
    from ledger.errors import SnapshotError

    with pytest.raises(SnapshotError, match="status"):
        load(chain(), "site_statuses", f"{MINE_A},0,,,2025-11-01,,A,2025-11-02")
    outcomes = {
        word: outcome(chain(before=status(MINE_A, word, "2025-11-01")), "icglr-rcm", "ICGLR.SITE.STATUS")
        for word in ("green", "blue", "yellow", "red")
    }
    assert outcomes == {"green": PASS, "blue": PASS, "yellow": PASS, "red": FAIL}
    plan = ("yellow", FAIL), ("blue", NA), ("green", NA)
    for word, expected in plan:
        story = chain(before=status(MINE_A, word, "2025-11-01"))
        assert outcome(story, "icglr-rcm", "ICGLR.SITE.YELLOWGRACE.PLAN") is expected


def test_mistake_10_coordinates_are_not_parsed_out_of_an_id() -> None:
    """`RW-1.9641+30.0619-00001`: the minus may be a separator. Only the registered position counts."""
    site_id = "RW-1.9641+30.0619-00001"

    def national(story: Story) -> None:
        story.amend_site(MINE_A, national_id=site_id)

    row = f"{site_id},,Mine,CD,CD-NK,,{{}},{{}},coltan,active,,,register,2026-01-10"
    for place, expected in (("28.8815,-1.5485", PASS), ("30.0619,-1.9641", FLAG)):
        story = load(chain(before=national), "icglr_sites", row.format(*place.split(",")))
        assert outcome(story, "icglr-rcm", "ICGLR.SITE.REG") is expected


def test_mistake_11_one_row_is_one_visit_and_visits_age() -> None:
    """Two visits to one mine: the newer one counts, whatever their order in the file."""
    import json

    def visited(*mercury: tuple[str, int]) -> Story:
        story = start_story()
        story.amend_site(MINE_A, national_id="codmine00001")
        lot = new_lot("lot:export", quantity("2", "0", {"Au": "90"})) | {"mineral": "gold"}
        story.on("2026-03-31").extract(MINE_A, lot, period=("2026-03-02", "2026-03-31"))
        rows = [
            {
                "i": "codmine00001",
                "d": day,
                "n": "A",
                "lt": -1.55,
                "ln": 28.88,
                "q": 1,
                "m1": "Or",
                "pv": "NK",
                "m": used,
            }
            for day, used in mercury
        ]
        return story.load("ipis_webmap", json.dumps({"result": rows}).encode(), "2026-03-20")

    for visits in ((("2024-03-10", 1), ("2026-03-10", 0)), (("2026-03-10", 0), ("2024-03-10", 1))):
        assert outcome(visited(*visits), "environment", "ENV.HG.ASGM") is PASS
    for visits in ((("2024-03-10", 0), ("2026-03-10", 1)), (("2024-03-10", 0),)):
        assert outcome(visited(*visits), "environment", "ENV.HG.ASGM") is LACKING


def test_mistake_12_mass_balance_supports_no_claim_of_origin() -> None:
    """The chain's model is its weakest hop; an account shows no mine."""

    def balanced(model: str) -> Story:
        story = start_story()
        story.on("2026-03-31").extract(MINE_A, new_lot("lot:ore", quantity("100")), period=("2026-03-02", "2026-03-31"))
        made = new_lot("lot:one", quantity("100"))
        story.transform(MINER, MINE_A, {"lot:ore": "100"}, made, model=model, process="concentrate")
        last = new_lot("lot:export", quantity("100"))
        story.transform(MINER, MINE_A, {"lot:one": "100"}, last, model="mass_balance", process="concentrate")
        return story

    story = balanced("segregated")
    claim = story.claim("origin", {"country": "CD"})
    packs = {name: read_pack(name) for name in ("custody-models", "claims")}
    assert story.finding("COC.OECD", claim=claim, packs=packs).ruling.outcome is FAIL
    assert story.finding("CLAIM.ORIGIN", claim=claim, packs=packs).ruling.outcome is FAIL
    whole = story.claim("custody_model", {"model": "mass_balance"})
    assert story.finding("COC.MIX", claim=whole, packs=packs).ruling.outcome is PASS
    better = story.claim("custody_model", {"model": "segregated"})
    assert story.finding("COC.MIX", claim=better, packs=packs).ruling.outcome is FAIL


def test_mistake_14_tags_are_no_proof() -> None:
    """2,600 kg, every bag with a tag of its own mine: capacity, spillover and weights tell, tags do not."""
    story = chain(bags=["50.0"] * 52, before=status(MINE_B, "red", "2026-02-25"))
    said = {
        rule: outcome(story, "fraud", rule) for rule in ("F-TAGREUSE", "F-CAPACITY.ASM.GROSS", "F-SPILLOVER", "F-ROUND")
    }
    assert said == {"F-TAGREUSE": PASS, "F-CAPACITY.ASM.GROSS": FAIL, "F-SPILLOVER": FLAG, "F-ROUND": FLAG}
    honest = chain()
    assert {rule: outcome(honest, "fraud", rule) for rule in said} == dict.fromkeys(said, PASS) | {"F-ROUND": NA}


def test_mistake_21_sources_that_disagree_are_parameters() -> None:
    """Yellow for four months: too long by one source, in time by the other. Red for four months, likewise."""
    yellow = chain(before=status(MINE_A, "yellow", "2025-12-01"))
    red = chain(
        before=both(
            status(MINE_A, "red", "2025-11-01"), status(MINE_A, "green", "2026-02-15", "ARR-2"),
            lambda story: story.attest(
                AUTHORITY, "inspection", MINE_A, {"number": "I", "date": "2026-02-10", "office": "Mines agency"}
            ),
        )
    )  # fmt: skip
    for days, in_time, excluded in (("CD=183", PASS, FAIL), ("CD=92", FAIL, PASS)):
        grace, exclusion = {"yellow_grace_days": [days]}, {"red_exclusion_days": [days]}
        assert outcome(yellow, "icglr-rcm", "ICGLR.SITE.YELLOWGRACE", parameters=grace) is in_time
        assert outcome(red, "icglr-rcm", "ICGLR.SITE.REDMIN", parameters=exclusion) is excluded


def test_mistake_22_certified_weight_to_the_gram_or_not_at_all() -> None:
    """640 kg: 639.4 kg on the certificate is the same weight, 630 kg is another; the scale's uncertainty counts."""
    for mass, expected in (("639.4", PASS), ("640.001", PASS), ("630", FAIL), ("650", FAIL)):
        assert outcome(chain(merged=certificate(mass=mass)), "icglr-rcm", "ICGLR.CERT.WEIGHT") is expected


# outside checks ---------------------------------------------------------------------------------------------------


def test_outside_untp_copper_example_is_refused() -> None:
    """UNTP 0.7: 30,000 kg of concentrate at 30 % Cu (9,000 kg) into 10,000 kg of cathode at 99.99 % (9,999 kg)."""
    world = honest_world()
    world.extract(new_lot("lot:concentrate", quantity("30000", "0", {"Cu": "30"})))
    cathode = new_lot("lot:cathode", quantity("10000", "0", {"Cu": "99.99"}))
    body = transform_body({"lot:concentrate": "30000"}, cathode, process="refine", site=MINE)
    error = world.refused(MetalGain, world.sign(WORLD_MINER, "transform", body, ["lot:concentrate"]))
    assert (error.values["inputs"], error.values["outputs"]) == ("9000.000000", "9999.000000")
    world.do(
        WORLD_MINER,
        "transform",
        body | {"outputs": [new_lot("lot:cathode", quantity("9000", "0", {"Cu": "99.99"}))]},
        ["lot:concentrate"],
    )


BISIE = {
    "2022": ("436400", "3.82", "75", "12493", "-0.08"),
    "2023": ("400691", "4.15", "75", "12568", "0.77"),
    "Q3 2024": ("229107", "2.9", "73.4", "4917", "0.82"),
}
"""Tonnes of ore, % Sn, % recovery, tonnes of Sn as published, and by how many % they differ."""


@pytest.mark.parametrize("year", BISIE)
def test_outside_published_years_of_a_tin_mine_close(year: str) -> None:
    """Of 2022: 436,400 t at 3.82 % and 75 % are 12,503 t, and 12,493 t were reported; here as concentrate of 63 %."""
    ore, grade, recovery, reported, off = BISIE[year]

    def report(concentrate: int) -> tuple[Outcome, str]:
        story = start_story()
        story.amend_site(MINE_A, minerals=["cassiterite"], method="large_scale", capacity={})
        lot = new_lot("lot:ore", quantity(f"{ore}000", "0", {"Sn": grade})) | {"mineral": "cassiterite"}
        story.on("2026-03-31").extract(MINE_A, lot, period=("2025-03-31", "2026-03-30"), method="large_scale")
        made = new_lot("lot:export", quantity(str(concentrate), "0", {"Sn": "63"})) | {"mineral": "cassiterite"}
        story.transform(MINER, MINE_A, {"lot:ore": f"{ore}000"}, made, process="concentrate")
        claim = story.claim("conduct", subject=story.subject, parameters={"recoveries": [f"Sn={recovery}"]})
        found = story.finding("F-CAPACITY.LSM", claim=claim, packs={"fraud": read_pack("fraud")}).ruling
        return found.outcome, found.figures["deviation"]

    concentrate = int(reported) * 100_000 // 63
    assert report(concentrate) == (PASS, off)
    assert report(concentrate * 107 // 100)[0] is FAIL


def test_demo_the_fraud_twin_is_refuted_and_the_honest_month_is_not() -> None:
    """2,600 kg from 120 diggers: R = 3.28, against 640 kg: R = 0.81."""
    fraud = {"fraud": read_pack("fraud")}
    twin = chain(bags=["50.0"] * 52)
    found = twin.finding("F-CAPACITY.ASM.GROSS", packs=fraud)
    assert (found.ruling.figures["ratio"], found.rule.severity.value) == ("3.28", "blocker")
    assert chain().finding("F-CAPACITY.ASM", packs=fraud).ruling.figures["ratio"] == "0.81"
    packs = [read_pack("fraud"), read_pack("claims")]
    claim = twin.claim("conduct", packs=["fraud"])
    assert twin.judge(claim, packs=packs).answer is Answer.REFUTED
    green = chain(before=status(MINE_A, "green", "2025-11-01"), merged=certificate(), route=["RW", "TZ"])
    assert green.judge(claim, packs=packs).answer is Answer.SUPPORTED
