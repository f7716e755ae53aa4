"""The ICGLR mechanism at the mine: registers, statuses as a time series, inspections."""

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
    Build,
    Case,
    both,
    foreign,
    judge,
    self_made,
    status,
)
from tests.ledger.rules.tables import load
from tests.support.coltan import chain
from tests.support.story import (
    AUDITOR,
    AUTHORITY,
    MINE_A,
    MINER,
    MONITOR,
    Story,
    start_story,
)
from tests.support.world import new_lot, quantity


def registered(site: str = MINE_A, place: tuple[str, str] = ("28.8815", "-1.5485"), **more: Any) -> Story:
    row = f"{site},,Mine A,CD,CD-NK,,{place[0]},{place[1]},coltan,active,,,register,2026-01-10"
    return load(chain(**more), "icglr_sites", row)


def national(story: Story) -> None:
    story.amend_site(MINE_A, national_id="CD-NK-00017")


def visit(
    day: str = "2026-03-20", issuer: str = AUTHORITY, result: str | None = None, **found: Any
) -> Callable[[Story], Any]:
    said = {"number": "I-1", "date": day, "office": "Mines agency", **found}
    more = {"result": result} if result else {}
    return lambda story: story.attest(issuer, "inspection", MINE_A, said, **more)


def statuses(*acts: tuple[str, str]) -> Callable[[Story], Any]:
    return both(*(status(MINE_A, to, day, f"ARR-{n}") for n, (to, day) in enumerate(acts, 1)))


def acts(*acts: tuple[str, str]) -> Build:
    """A chain whose mine has these statuses, each from a day on."""
    return lambda: chain(before=statuses(*acts))


def listed_act(row: str) -> Build:
    return lambda: listed(row)


def report(day: str = "2025-08-01") -> Callable[[Story], Any]:
    return lambda story: story.attest(MINER, "risk_assessment", MINE_A, {"scope": "the mine", "date": day})


def objection(story: Story) -> None:
    story.attest(
        AUTHORITY, "risk_assessment", MINE_A, {"scope": "the mine", "date": "2025-08-01"}, result="not_conform"
    )


def incident(category: str, *, verified: bool, state: str = "open") -> Callable[[Story], Any]:
    return lambda story: story.incident(MONITOR, MINE_A, category, verified=verified, status=state)


def audited(story: Story) -> None:
    said = {"facility": MINE_A, "scheme": "ICGLR", "standard": "RCM 2", "metals": ["Ta"], "body": "Assurance"}
    story.attest(AUDITOR, "audit", MINE_A, said)


def green(day: str = "2025-11-01") -> Callable[[Story], Any]:
    return both(status(MINE_A, "green", day), visit(day))


def listed(row: str, **more: Any) -> Story:
    return load(chain(**more), "site_statuses", f"{MINE_A},{row}")


def two_batches() -> Story:
    """Two extracts of one month become one lot."""
    story = start_story()
    status(MINE_A, "green", "2025-11-01")(story)
    story.on("2026-03-31")
    for name in ("lot:1", "lot:2"):
        story.extract(MINE_A, new_lot(name, quantity("40")), period=("2026-03-02", "2026-03-31"))
    story.transform(MINER, MINE_A, {"lot:1": "40", "lot:2": "40"}, new_lot("lot:export", quantity("80")))
    return story


SITES: dict[str, Case] = {
    "in the register": ("ICGLR.SITE.REG", PASS, registered),
    "in the register under its national id": (
        "ICGLR.SITE.REG", PASS, lambda: registered("CD-NK-00017", before=national)
    ),
    "not in the register": ("ICGLR.SITE.REG", FAIL, lambda: registered("CD-1")),
    "in the register, 110 km away": ("ICGLR.SITE.REG", FLAG, lambda: registered(place=("29.8815", "-1.5485"))),
    "in the register, no position": ("ICGLR.SITE.REG", PASS, lambda: registered(place=("", ""))),
    "the register is not loaded": ("ICGLR.SITE.REG", LACKING, chain),
    "copper is not designated": ("ICGLR.SITE.REG", NA, foreign),
    "green when it was dug": ("ICGLR.SITE.STATUS", PASS, acts(("green", "2025-11-01"))),
    "green when both batches were dug": ("ICGLR.SITE.STATUS", PASS, two_batches),
    "green by the list": ("ICGLR.SITE.STATUS", PASS, listed_act("green,2025-11-01,,2025-11-01,,A,2025-11-02")),
    "yellow when it was dug": ("ICGLR.SITE.STATUS", PASS, acts(("yellow", "2026-02-01"))),
    "red when it was dug": ("ICGLR.SITE.STATUS", FAIL, acts(("red", "2026-02-01"))),
    "red by the list": ("ICGLR.SITE.STATUS", FAIL, listed_act("red,,,2026-02-01,,A,2026-02-02")),
    "red for three days of the month": (
        "ICGLR.SITE.STATUS", FAIL,
        acts(("green", "2025-11-01"), ("red", "2026-03-10"), ("green", "2026-03-13"))
    ),
    "red after it was dug": (
        "ICGLR.SITE.STATUS", PASS,
        lambda: chain(before=status(MINE_A, "green", "2025-11-01"), done=status(MINE_A, "red", "2026-05-01"))
    ),
    "blue for four years": ("ICGLR.SITE.STATUS", FAIL, acts(("blue", "2022-01-01"))),
    "a status by the miner is none": ("ICGLR.SITE.STATUS", LACKING, lambda: chain(before=self_made)),
    "a status that had ended": ("ICGLR.SITE.STATUS", LACKING, listed_act("green,,,2025-01-01,2025-12-31,A,2025-01-02")),
    "a red that had ended stays red": (
        "ICGLR.SITE.STATUS", FAIL, listed_act("red,,,2025-01-01,2025-12-31,A,2025-01-02")
    ),
    "no status": ("ICGLR.SITE.STATUS", LACKING, chain),
    "copper, status": ("ICGLR.SITE.STATUS", NA, foreign),
    "green and inspected in the year before": ("ICGLR.SITE.GREEN1Y", PASS, lambda: chain(before=green())),
    "green for two years without an inspection": (
        "ICGLR.SITE.GREEN1Y", FLAG, acts(("green", "2024-02-01"))
    ),
    "green for two years, inspected and found wanting": (
        "ICGLR.SITE.GREEN1Y", FLAG,
        lambda: chain(before=both(status(MINE_A, "green", "2024-02-01"), visit("2025-11-01", result="not_conform")))
    ),
    "green for two years, inspected anew": (
        "ICGLR.SITE.GREEN1Y", PASS,
        lambda: chain(before=both(status(MINE_A, "green", "2024-02-01"), visit("2025-08-01")))
    ),
    "blue is not green": ("ICGLR.SITE.GREEN1Y", NA, acts(("blue", "2025-11-01"))),
    "no status, no green": ("ICGLR.SITE.GREEN1Y", LACKING, chain),
    "blue for a year": ("ICGLR.SITE.BLUE3Y", PASS, acts(("blue", "2025-02-01"))),
    "blue for four years is red": ("ICGLR.SITE.BLUE3Y", FAIL, acts(("blue", "2022-01-01"))),
    "blue renewed, four years in all": (
        "ICGLR.SITE.BLUE3Y", FAIL, acts(("blue", "2022-01-01"), ("blue", "2025-01-01"))
    ),
    "blue again after green": (
        "ICGLR.SITE.BLUE3Y", PASS,
        acts(("blue", "2021-01-01"), ("green", "2023-01-01"), ("blue", "2025-01-01"))
    ),
    "green lapsed to blue lapsed to red": (
        "ICGLR.SITE.BLUE3Y", FAIL, acts(("green", "2020-02-29"))
    ),
    "green is not blue": ("ICGLR.SITE.BLUE3Y", NA, lambda: chain(before=green())),
    "no status, no blue": ("ICGLR.SITE.BLUE3Y", LACKING, chain),
    "blue on request, with a report": (
        "ICGLR.SITE.BLUE.REQ", PASS, lambda: chain(before=both(report(), status(MINE_A, "blue", "2025-08-15")))
    ),
    "blue on request, an authority objected": (
        "ICGLR.SITE.BLUE.REQ", FAIL,
        lambda: chain(before=both(report(), objection, report(), status(MINE_A, "blue", "2025-08-15")))
    ),
    "blue without a report": ("ICGLR.SITE.BLUE.REQ", LACKING, acts(("blue", "2025-08-15"))),
    "no status, no request": ("ICGLR.SITE.BLUE.REQ", LACKING, chain),
    "green by an act": ("ICGLR.SITE.BLUE.REQ", NA, lambda: chain(before=green())),
    "yellow for two months": ("ICGLR.SITE.YELLOWGRACE", PASS, acts(("yellow", "2026-02-01"))),
    "yellow for eight months": ("ICGLR.SITE.YELLOWGRACE", FAIL, acts(("yellow", "2025-08-01"))),
    "green is not yellow": ("ICGLR.SITE.YELLOWGRACE", NA, lambda: chain(before=green())),
    "no status, no yellow": ("ICGLR.SITE.YELLOWGRACE", LACKING, chain),
    "yellow asks for a plan": (
        "ICGLR.SITE.YELLOWGRACE.PLAN", FAIL, acts(("yellow", "2026-02-01"))
    ),
    "green asks for none": ("ICGLR.SITE.YELLOWGRACE.PLAN", NA, lambda: chain(before=green())),
    "no status, no plan": ("ICGLR.SITE.YELLOWGRACE.PLAN", LACKING, chain),
    "red a year ago, inspected since": (
        "ICGLR.SITE.REDMIN", PASS,
        lambda: chain(before=both(statuses(("red", "2025-02-01"), ("green", "2025-08-01")), visit("2025-07-20")))
    ),
    "red a year ago, inspected by the list": (
        "ICGLR.SITE.REDMIN", PASS,
        lambda: load(
            chain(), "site_statuses", f"{MINE_A},red,,,2025-02-01,,A,2025-02-02",
            f"{MINE_A},green,2025-07-20,,2025-08-01,,B,2025-08-02",
        )
    ),
    "red a year ago, never cleared": (
        "ICGLR.SITE.REDMIN", LACKING,
        lambda: chain(before=both(status(MINE_A, "red", "2025-02-01"), status(MINE_A, "green", "2025-08-01")))
    ),
    "red a month ago, green again": (
        "ICGLR.SITE.REDMIN", FAIL, acts(("red", "2026-02-01"), ("green", "2026-02-20"))
    ),
    "never red": ("ICGLR.SITE.REDMIN", NA, lambda: chain(before=green())),
    "nothing known of red": ("ICGLR.SITE.REDMIN", LACKING, chain),
    "inspected and audited": ("ICGLR.SITE.INSPECT", PASS, lambda: chain(before=both(green(), audited))),
    "inspected before each change, and audited": (
        "ICGLR.SITE.INSPECT", PASS,
        lambda: chain(
            before=both(statuses(("yellow", "2025-06-01"), ("green", "2025-12-01")), visit("2025-11-20"), audited)
        )
    ),
    "inspected, not audited": ("ICGLR.SITE.INSPECT", LACKING, lambda: chain(before=green())),
    "inspected two years ago": ("ICGLR.SITE.INSPECT", LACKING, lambda: chain(before=visit("2024-03-01"))),
    "never inspected": ("ICGLR.SITE.INSPECT", LACKING, chain),
    "a status changed without an inspection": (
        "ICGLR.SITE.INSPECT", FLAG, acts(("yellow", "2025-06-01"), ("green", "2025-12-01"))
    ),
    "a listed status changed without an inspection": (
        "ICGLR.SITE.INSPECT", FLAG,
        lambda: load(
            chain(), "site_statuses", f"{MINE_A},yellow,,,2025-02-01,,A,2025-02-02",
            f"{MINE_A},green,,,2025-08-01,,B,2025-08-02",
        )
    ),
    "copper, inspected": ("ICGLR.SITE.INSPECT", NA, foreign),
    "an inspection without soldiers": ("ICGLR.SITE.YELLOWCRIT", PASS, lambda: chain(dug=visit(armed_presence="none"))),
    "soldiers at the pit": ("ICGLR.SITE.YELLOWCRIT", FAIL, lambda: chain(dug=visit(armed_presence="public_security"))),
    "a rumour of tax by soldiers": (
        "ICGLR.SITE.YELLOWCRIT", FLAG, lambda: chain(dug=incident("A2.5", verified=False))
    ),
    "tax by soldiers, verified": ("ICGLR.SITE.YELLOWCRIT", FAIL, lambda: chain(dug=incident("A2.5", verified=True))),
    "tax by soldiers, closed": (
        "ICGLR.SITE.YELLOWCRIT", LACKING, lambda: chain(dug=incident("A2.5", verified=True, state="closed"))
    ),
    "nobody looked": ("ICGLR.SITE.YELLOWCRIT", LACKING, chain),
    "copper, soldiers": ("ICGLR.SITE.YELLOWCRIT", NA, foreign),
    "an inspection without children": (
        "ICGLR.SITE.REDCRIT", PASS, lambda: chain(dug=visit(children={"under_15": 0, "aged_15_to_18": 2}))
    ),
    "children in the pit": (
        "ICGLR.SITE.REDCRIT", FAIL, lambda: chain(dug=visit(children={"under_15": 3, "aged_15_to_18": 2}))
    ),
    "an armed group at the pit": ("ICGLR.SITE.REDCRIT", FAIL, lambda: chain(dug=visit(armed_presence="armed_group"))),
    "a rumour of an armed group": ("ICGLR.SITE.REDCRIT", FLAG, lambda: chain(dug=incident("A2.3.i", verified=False))),
    "nobody looked for children": ("ICGLR.SITE.REDCRIT", LACKING, chain),
    "copper, armed groups": ("ICGLR.SITE.REDCRIT", NA, foreign),
}  # fmt: skip


CASES = SITES


@pytest.mark.parametrize("words", CASES)
def test_rule(words: str) -> None:
    judge("icglr-rcm", CASES[words])


def test_yellow_is_covered_by_a_plan() -> None:
    """Yellow within grace: a fault that a live plan covers."""

    def plan(story: Story) -> None:
        said = {
            "risk": "ICGLR.SITE.YELLOWGRACE.PLAN", "decision": "continue", "measures": ["Train the guards"],
            "start": "2026-02-10", "review_by": "2026-07-10",
        }  # fmt: skip
        story.attest(MINER, "mitigation_plan", MINE_A, said)

    before = both(status(MINE_A, "yellow", "2026-02-01"), plan)
    found = judge("icglr-rcm", ("ICGLR.SITE.YELLOWGRACE.PLAN", FAIL, lambda: chain(before=before)))
    assert found.plan
    bare = judge("icglr-rcm", SITES["yellow asks for a plan"])
    assert not bare.plan
