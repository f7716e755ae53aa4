"""Fraud in the material: balances, yields, assays, weights, fingerprints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest

from ledger.rules.checks.fingerprint import distance_squared
from ledger.rules.checks.weights import chi_square, tail
from tests.ledger.rules.papers import (
    FAIL,
    FLAG,
    LACKING,
    NA,
    PASS,
    Case,
    about,
    judge,
    one_lot,
)
from tests.support.coltan import chain
from tests.support.story import (
    LAB,
    MINE_A,
    MINER,
    PLANT,
    SMELTER,
    TRADER,
    Story,
    coltan_story,
    start_story,
)
from tests.support.world import new_lot, quantity

RATIOS = ("Ta/(Ta+Nb)", "Mn/(Mn+Fe)", "Ti", "Sn", "W", "U")


def smelted(recovered: str, *, past: Sequence[str] = (), assayed: bool = True) -> Story:
    """The smelter turns 640 kg with 149.4 kg Ta into metal; past: kg of Ta from 100 kg of concentrate each, before."""
    story = start_story()
    names = [f"lot:old-{n}" for n in range(len(past))]
    amount = quantity("100", "0", {"Ta2O5": "30"})
    lots = [new_lot(one, amount) for one in names]
    lots.append(new_lot("lot:ore", quantity("100", "0", {"Ta2O5": "30"} if assayed else {})))
    story.on("2026-03-31").extract(MINE_A, *lots, period=("2026-03-02", "2026-03-31"))
    story.dispatch(MINER, SMELTER, MINE_A, PLANT, *names, "lot:ore")
    story.on("2026-05-01").receive(SMELTER, PLANT, {**dict.fromkeys(names), "lot:ore": {"mass": "100"}})
    for n, mass in enumerate(past):
        metal = new_lot(f"lot:metal-{n}", quantity(mass, "0", {"Ta": "99.9"}))
        story.transform(SMELTER, PLANT, {names[n]: "100"}, metal, process="smelt")
    made = new_lot("lot:metal", quantity(recovered, "0", {"Ta": "99.9"} if assayed else {}))
    story.transform(SMELTER, PLANT, {"lot:ore": "100"}, made, process="smelt")
    finals = [f"lot:metal-{n}" for n in range(len(past))]
    if finals:
        total = sum(Fraction(one) for one in (*past, recovered))
        alloy = new_lot("lot:export", quantity(f"{float(total):g}", "0", {"Ta": "99.9"}))
        masses = dict(zip((*finals, "lot:metal"), (*past, recovered), strict=True))
        story.transform(SMELTER, PLANT, masses, alloy, process="merge")
    story.subject = "lot:export" if finals else "lot:metal"
    return story


def poorer() -> Story:
    return chain(merged_as=quantity("640", "2", {"Ta2O5": "25"}))


BALANCE: dict[str, Case] = {
    "640 kg from sixteen bags of 40 kg": ("F-BLEND", PASS, chain),
    "a blend 12 % poorer than its inputs": ("F-BLEND", FAIL, poorer),
    "10 % lost and declared": ("F-BLEND", PASS, lambda: lossy("10", declared=True)),
    "10 % lost in silence": ("F-BLEND", FAIL, lambda: lossy("10", declared=False)),
    "a richer blend than its inputs, to the precision of the laboratory": (
        "F-BLEND", FAIL, lambda: chain(merged_as=quantity("640", "2", {"Ta2O5": "28.9"})),
        {"mass_uncertainty": "0.1", "grade_uncertainty": "0.2"},
    ),
    "no assays": ("F-BLEND", LACKING, lambda: chain(assayed=False)),
    "nothing blended": ("F-BLEND", NA, lambda: one_lot("artisanal")),
    "nothing appeared": ("F-ORPHAN", PASS, chain),
    "1.4 % more metal, to the precision of the laboratory": (
        "F-ORPHAN", FAIL, lambda: chain(merged_as=quantity("640", "2", {"Ta2O5": "28.9"})),
        {"mass_uncertainty": "0.1", "grade_uncertainty": "0.2"},
    ),
    "less metal is no gain": ("F-ORPHAN", PASS, poorer),
    "0.4 % more mass, to the precision of the scale": (
        "F-ORPHAN", FAIL, lambda: chain(merged_as=quantity("642.5", "2", {"Ta2O5": "28.2"})),
        {"mass_uncertainty": "0.1"},
    ),
    "no assays, no orphan": ("F-ORPHAN", LACKING, lambda: chain(assayed=False)),
    "nothing made": ("F-ORPHAN", NA, lambda: one_lot("artisanal")),
    "95 % of the tantalum": ("F-YIELD", PASS, lambda: smelted("23.3")),
    "60 % of the tantalum": ("F-YIELD", FLAG, lambda: smelted("14.7")),
    "1.8 % more tantalum than came in, to the precision of the laboratory": (
        "F-YIELD", FAIL, lambda: smelted("25.02"), {"mass_uncertainty": "0.1", "grade_uncertainty": "0.2"},
    ),
    "as ever at this plant": ("F-YIELD", PASS, lambda: smelted("23.3", past=PAST)),
    "less than ever at this plant": ("F-YIELD", FLAG, lambda: smelted("21.5", past=PAST)),
    "nobody knows what is usual": ("F-YIELD", LACKING, lambda: smelted("23.3"), {"recoveries": ["Sn=75"]}),
    "no assay of the input": ("F-YIELD", LACKING, lambda: smelted("23.3", assayed=False)),
    "nothing processed": ("F-YIELD", NA, chain),
}  # fmt: skip
PAST: tuple[str, ...] = ("23.3", "23.2", "23.4", "23.3", "23.25")


def lossy(kg: str, *, declared: bool) -> Story:
    """Of two bags of 50 kg, 10 kg get lost in a merge."""
    story = start_story()
    bags = [new_lot(f"lot:{n}", quantity("50")) for n in (1, 2)]
    story.on("2026-03-31").extract(MINE_A, *bags, period=("2026-03-02", "2026-03-31"))
    more: dict[str, Any] = {"losses": [{"kind": "spill", "mass": kg}]} if declared else {}
    story.transform(MINER, MINE_A, {"lot:1": "50", "lot:2": "50"}, new_lot("lot:export", quantity("90")), **more)
    return story


def assay(issuer: str, value: str, uncertainty: str | None = None) -> Callable[[Story], Any]:
    grade = {"value": value} | ({"uncertainty": uncertainty} if uncertainty else {})
    said = {
        "sample": "S-1", "protocol": "ISO", "laboratory": issuer, "method": "XRF",
        "grades": {"Nb2O5": {"value": "22"}, "Ta2O5": grade},
    }  # fmt: skip
    return lambda story: story.attest(issuer, "assay", "lot:a-0", said)


def cake(moisture: str, mass: str) -> Story:
    """25.0 wmt of cobalt hydroxide at 55 % moisture leave; so much arrives."""
    story = start_story()
    lot = new_lot("lot:export", quantity("25000", "55", {"Co": "32"}))
    story.on("2026-03-31").extract(MINE_A, lot, period=("2026-03-02", "2026-03-31"), method="large_scale")
    story.dispatch(MINER, SMELTER, MINE_A, PLANT, "lot:export")
    story.on("2026-05-02").receive(SMELTER, PLANT, {"lot:export": quantity(mass, moisture, {"Co": "32"})})
    return story


HANDOVERS: dict[str, Case] = {
    "measured again and the same": ("F-ASSAY", PASS, chain),
    "28.5 % left, 28.0 % arrived": ("F-ASSAY", PASS, lambda: chain(got=quantity("40", "2", {"Ta2O5": "28.0"}))),
    "28.5 % left, 25.0 % arrived": ("F-ASSAY", FAIL, lambda: settled("25.0")),
    "28.5 +- 0.1 % left, 27.5 +- 0.1 % arrived": (
        "F-ASSAY", FAIL,
        lambda: settled("27.5", dug=assay(LAB, "28.5", "0.1"), arrived=assay(TRADER, "27.5", "0.1"))
    ),
    "an umpire agrees with the receiver": ("F-ASSAY", PASS, lambda: settled("25.0", arrived=assay(LAB, "25.1", "0.2"))),
    "an umpire who states no uncertainty": ("F-ASSAY", PASS, lambda: settled("25.0", arrived=assay(LAB, "25.1"))),
    "an umpire who does not": ("F-ASSAY", FAIL, lambda: settled("25.0", arrived=assay(LAB, "28.4", "0.2"))),
    "an umpire of another metal": ("F-ASSAY", FAIL, lambda: settled("25.0", arrived=other_metal)),
    "not measured again": ("F-ASSAY", LACKING, lambda: chain(got={"mass": "40"})),
    "nothing arrived anywhere": ("F-ASSAY", NA, lambda: one_lot("artisanal")),
    "the same dry mass": ("F-MASS", PASS, chain),
    "the cobalt cake lost water and no cobalt": ("F-MASS", PASS, lambda: cake("48", "21600")),
    "the same cake without having dried": ("F-MASS", FAIL, lambda: cake("55", "21600")),
    "0.9 % of the dry mass is missing": ("F-MASS", FLAG, lambda: cake("55", "24775")),
    "nothing was carried": ("F-MASS", NA, lambda: one_lot("artisanal")),
}  # fmt: skip


def other_metal(story: Story) -> None:
    said = {
        "sample": "S-1", "protocol": "ISO", "laboratory": LAB, "method": "XRF", "grades": {"Sn": {"value": "1"}}
    }  # fmt: skip
    story.attest(LAB, "assay", "lot:a-0", said)


def settled(grade: str, **stages: Any) -> Story:
    """The first bag arrives with another grade; the miner settles."""
    arrived = stages.pop("arrived", lambda _: None)

    def settle(story: Story) -> None:
        if story.world.state.subjects["lot:a-0"].status == "disputed":  # type: ignore[union-attr]
            body = {"lots": [{"id": "lot:a-0", "quantity": story.amount("lot:a-0")}]}
            story.world.do(MINER, "settle", body, ["lot:a-0"])
        arrived(story)

    return chain(got=quantity("40", "2", {"Ta2O5": grade}), arrived=settle, **stages)


def weighed(count: int) -> list[str]:
    """Weights as an honest scale shows them: 38.0 to 41.9 kg, every last digit as often."""
    return [f"{38 + (7 * n) % 40 / 10:.1f}" for n in range(count)]


WEIGHTS: dict[str, Case] = {
    "120 bags as a scale shows them": ("F-ROUND", PASS, lambda: chain(bags=weighed(120))),
    "52 bags of 50.0 kg": ("F-ROUND", FLAG, lambda: chain(bags=["50.0"] * 52)),
    "60 bags, most of them 39.7 kg": ("F-ROUND", FLAG, lambda: chain(bags=["39.7"] * 40 + weighed(20))),
    "120 bags that all end in 3": ("F-ROUND", FLAG, lambda: chain(bags=[f"{36 + n % 9}.3" for n in range(120)])),
    "60 bags that all end in 3 are too few for digits": (
        "F-ROUND", PASS, lambda: chain(bags=[f"{36 + n % 9}.3" for n in range(60)])
    ),
    "sixteen bags": ("F-ROUND", NA, chain),
    "no mine": ("F-ROUND", NA, lambda: about(SMELTER, start_story())),
}  # fmt: skip


def sample(
    place: str, values: Sequence[str], stage: str = "before_homogenising", issuer: str = LAB
) -> Callable[[Story], Any]:
    said = {"sample": "F-1", "method": "AFP", "stage": stage, "ratios": dict(zip(RATIOS, values, strict=False))}
    return lambda story: story.attest(issuer, "fingerprint", place, said)


def references(story: Story) -> None:
    """Seventeen samples of the mine: each of six ratios 0.1 up and down, and five in the middle."""
    middle = ["1.0"] * 6
    for n in range(6):
        for value in ("1.1", "0.9"):
            sample(MINE_A, [*middle[:n], value, *middle[n + 1 :]])(story)
    for _ in range(5):
        sample(MINE_A, middle)(story)


LIKE, UNLIKE = ["1.05", *["1.0"] * 5], ["1.225", "1.025", *["1.0"] * 4]
FINGERPRINTS: dict[str, Case] = {
    "a sample like the mine's": ("F-FPRINT", PASS, lambda: chain(before=references, dug=sample("lot:a-0", LIKE))),
    "D2 = 41 where 22.46 is the limit": (
        "F-FPRINT", FLAG, lambda: chain(before=references, dug=sample("lot:a-0", UNLIKE))
    ),
    "the miner's own sample": (
        "F-FPRINT", LACKING, lambda: chain(before=references, dug=sample("lot:a-0", LIKE, issuer=MINER))
    ),
    "no reference samples": ("F-FPRINT", LACKING, lambda: chain(dug=sample("lot:a-0", LIKE))),
    "reference samples that do not vary": (
        "F-FPRINT", LACKING, lambda: chain(before=flat, dug=sample("lot:a-0", LIKE))
    ),
    "a sample of two mines": ("F-FPRINT", LACKING, lambda: two_mines(sample("lot:export", LIKE))),
    "no sample": ("F-FPRINT", LACKING, chain),
    "no lot": ("F-FPRINT", NA, lambda: about(SMELTER, start_story())),
    "drawn before homogenising": ("F-FPRINT.STAGE", PASS, lambda: chain(dug=sample("lot:a-0", LIKE))),
    "drawn after homogenising": (
        "F-FPRINT.STAGE", LACKING, lambda: chain(dug=sample("lot:a-0", LIKE, "after_homogenising"))
    ),
    "drawn from a mixed lot": ("F-FPRINT.STAGE", LACKING, lambda: two_mines(sample("lot:export", LIKE))),
    "no sample drawn": ("F-FPRINT.STAGE", LACKING, chain),
    "no lot to sample": ("F-FPRINT.STAGE", NA, lambda: about(SMELTER, start_story())),
}  # fmt: skip


def flat(story: Story) -> None:
    for _ in range(17):
        sample(MINE_A, ["1.0"] * 6)(story)


def two_mines(paper: Callable[[Story], Any]) -> Story:
    story = coltan_story()
    paper(story)
    return story


CASES = BALANCE | HANDOVERS | WEIGHTS | FINGERPRINTS


@pytest.mark.parametrize("words", CASES)
def test_rule(words: str) -> None:
    judge("fraud", CASES[words])


def test_cobalt_cake_figures() -> None:
    """21.6 wmt of 25.0: 13.6 % lighter, and of the cobalt 0.16 % less than the scale can tell."""
    figures = judge("fraud", HANDOVERS["the cobalt cake lost water and no cobalt"]).ruling.figures
    assert figures == {"dry_change": "-0.16", "wet_change": "-13.60", "dry_kg": "11250.00"}


def test_fingerprint_figures() -> None:
    figures = judge("fraud", FINGERPRINTS["D2 = 41 where 22.46 is the limit"]).ruling.figures
    assert figures == {"d2": "41.00", "limit": "22.46", "ratios": 6, "mine": MINE_A}


def test_mahalanobis_needs_more_samples_than_ratios() -> None:
    rows = [[Fraction(n), Fraction(n * n)] for n in range(4)]
    assert distance_squared(rows[0], rows) == Fraction(21, 10)
    assert distance_squared(rows[0], rows[:3]) is None
    assert distance_squared(rows[0], [[Fraction(n), Fraction(2 * n)] for n in range(9)]) is None


def test_chance_of_round_weights() -> None:
    assert tail(3, 0, 50) == 1
    assert tail(3, 3, 50) == Fraction(1, 125_000)
    assert tail(2, 1, 5) == Fraction(9, 25)


def test_chi_square_of_digits() -> None:
    assert chi_square(list(range(10)) * 10) == 0
    assert chi_square([3] * 100) == 900
