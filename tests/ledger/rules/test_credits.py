"""Credit accounts of mass balance: never overdrawn at the close of a period, re-run by an outsider."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ledger.custody.balance import Portion
from ledger.custody.quantity import METAL_UNIT
from ledger.errors import SchemaError
from ledger.rules.credits import AccountLine, Posting, Terms, read_postings, settle_credits

KG = int(1 / METAL_UNIT)
SITE = "site:refinery"


def post(month: str, credit: int, debit: int, *, site: str = SITE, material: str = "Co", record: str = "") -> Posting:
    return Posting(site, material, f"{month}-15T08:00:00Z", record or f"record:{month}", credit * KG, debit * KG)


def closes(lines: list[AccountLine]) -> list[tuple[str, int, bool]]:
    return [(line.start, int(line.balance / KG), line.holds) for line in lines]


def test_a_year_that_closes() -> None:
    (line,) = settle_credits([post("2025-02", 1000, 0), post("2025-06", 0, 700), post("2025-11", 100, 400)])
    assert line.to_json() == {
        "site": SITE, "material": "Co", "start": "2025-01", "end": "2025-12", "factor": "1/1",
        "opening": "0", "inputs": "1100", "credited": "1100", "outputs": "1100", "balance": "0", "expired": "0",
        "holds": True, "records": ["record:2025-02", "record:2025-06", "record:2025-11"],
    }  # fmt: skip


def test_an_overdrawn_account_does_not_hold_and_is_owed_next_year() -> None:
    lines = settle_credits([post("2025-02", 1000, 1001), post("2026-02", 5, 3), post("2027-02", 0, 0)])
    assert closes(lines) == [("2025-01", -1, False), ("2026-01", 1, True), ("2027-01", 1, True)]
    assert lines[0].to_json()["balance"] == "-1"
    assert lines[1].to_json()["opening"] == "-1"
    assert settle_credits([post("2025-02", 1001, 1001)])[0].holds


def test_only_the_close_counts() -> None:
    assert closes(settle_credits([post("2025-02", 0, 10), post("2025-12", 10, 0)])) == [("2025-01", 0, True)]
    quarters = settle_credits([post("2025-02", 0, 10), post("2025-12", 10, 0)], Terms(months=3))
    assert closes(quarters) == [
        ("2025-01", -10, False), ("2025-04", -10, False), ("2025-07", -10, False), ("2025-10", 0, True),
    ]  # fmt: skip


def test_inputs_are_converted() -> None:
    terms = Terms(factors={"Co": Fraction(97, 100)})
    (line,) = settle_credits([post("2025-02", 1000, 970)], terms)
    assert (line.holds, line.balance, line.to_json()["factor"]) == (True, 0, "97/100")
    assert not settle_credits([post("2025-02", 1000, 971)], terms)[0].holds
    (third,) = settle_credits([post("2025-02", 1, 0)], Terms(factors={"Co": Fraction(1, 3)}))
    assert third.to_json()["credited"] == "0.333333"
    (short,) = settle_credits([post("2025-02", 1, 1)], Terms(factors={"Co": Fraction(1, 3)}))
    assert short.to_json()["balance"] == "-0.666667"


def test_unused_credit_expires() -> None:
    postings = [post("2025-02", 100, 0), post("2026-02", 50, 30), post("2027-02", 0, 60)]
    lines = settle_credits(postings)
    # 70 of the 100 are left after 2026 and end with it, the 50 remain for 2027
    assert [(int(line.opening / KG), int(line.expired / KG)) for line in lines] == [(0, 0), (100, 70), (50, 0)]
    assert closes(lines) == [("2025-01", 100, True), ("2026-01", 120, True), ("2027-01", -10, False)]
    at_once = settle_credits(postings, Terms(carried=0))
    assert [int(line.expired / KG) for line in at_once] == [100, 20, 0]
    longer = settle_credits(postings, Terms(carried=2))
    assert closes(longer)[-1] == ("2027-01", 60, True)


def test_accounts_do_not_pay_for_each_other() -> None:
    lines = settle_credits(
        [
            post("2025-02", 100, 0, material="Co"),
            post("2025-02", 0, 1, material="Cu"),
            post("2025-02", 0, 1, site="site:other"),
        ]
    )
    assert [(line.site, line.material, line.holds) for line in lines] == [
        ("site:other", "Co", False), (SITE, "Co", True), (SITE, "Cu", False),
    ]  # fmt: skip


def test_periods_begin_where_the_scheme_says() -> None:
    terms = Terms(first="2024-04")
    lines = settle_credits([post("2025-03", 0, 10), post("2025-04", 10, 0)], terms)
    assert [(line.start, line.end, line.holds) for line in lines] == [
        ("2024-04", "2025-03", False), ("2025-04", "2026-03", True),
    ]  # fmt: skip
    (before,) = settle_credits([post("1999-12", 1, 0)], Terms(months=6))
    assert (before.start, before.end) == ("1999-07", "1999-12")


@pytest.mark.parametrize("terms", [Terms(months=0), Terms(months=13), Terms(carried=-1)])
def test_terms_that_no_scheme_may_have(terms: Terms) -> None:
    with pytest.raises(SchemaError):
        settle_credits([post("2025-01", 1, 1)], terms)


def test_postings_of_a_transform() -> None:
    cake = Portion("25000", "55", {"Co": "32"})
    sulphate = Portion("10000", "0", {"Co": "20", "Ni": "0.1"})
    assert read_postings(SITE, "2025-01-01T00:00:00Z", "r", [cake], [sulphate]) == [
        Posting(SITE, "Co", "2025-01-01T00:00:00Z", "r", 3600 * KG, 2000 * KG),
        Posting(SITE, "Ni", "2025-01-01T00:00:00Z", "r", 0, 10 * KG),
    ]
    assert settle_credits([]) == []
