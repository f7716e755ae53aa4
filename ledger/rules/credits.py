"""Credit accounts of mass balance: per site, material and accounting period, what went in against what was claimed.

    credited = inputs x conversion factor
    opening + credited - outputs >= 0            at every close of a period of at most 12 months

Metals have accounts of their own: no credit of one pays for another. Credits are used oldest first; what is left
of a period may be used in those that follow, as many as the scheme says, and then expires. Nothing here
says where material comes from: an account does not follow it. ISO 22095; rules-catalogue section 5.4, COC.MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple

from ledger.custody.balance import Portion, sum_balance
from ledger.custody.quantity import METAL_UNIT, format_decimal
from ledger.custody.topics import format_month, number_of_month
from ledger.errors import SchemaError

MAX_MONTHS: Final = 12
_PLACES: Final = 6


class Posting(NamedTuple):
    """What one transform adds to an account. material: element; credit, debit: contained mass in `METAL_UNIT`s."""

    site: str
    material: str
    time: str
    record: str
    credit: int
    debit: int


def read_postings(
    site: str, time: str, record: str, inputs: Iterable[Portion], outputs: Iterable[Portion]
) -> list[Posting]:
    """The postings of one transform, per element.

    inputs: of the material that earns credit, as taken; outputs: those sold with the claim; time: of the event.
    """
    balance = sum_balance(inputs, outputs, ())
    metals = sorted({*balance.metal_in, *balance.metal_out})
    return [
        Posting(site, one, time, record, balance.metal_in.get(one, 0), balance.metal_out.get(one, 0)) for one in metals
    ]


class Terms(NamedTuple):
    """How a scheme keeps its accounts.

    months: length of a period, 1 to 12; first: month (`YYYY-MM`) in which some period begins; carried: following
    periods in which unused credit may still be used; factors: conversion factor by element, one where none is given.
    """

    months: int = MAX_MONTHS
    first: str = "2000-01"
    carried: int = 1
    factors: Mapping[str, Fraction] = {}  # read only


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account at the close of one period; amounts in `METAL_UNIT`s.

    start, end: first and last month; opening: usable credit from before, or the debt; expired: credit that
    ends with this period; balance: opening + credited - outputs; records: the transforms that were posted.
    """

    site: str
    material: str
    start: str
    end: str
    opening: Fraction
    inputs: int
    factor: Fraction
    outputs: int
    expired: Fraction
    records: tuple[str, ...]

    @property
    def credited(self) -> Fraction:
        """Inputs as converted."""
        return self.inputs * self.factor

    @property
    def balance(self) -> Fraction:
        """At the close, before anything expires."""
        return self.opening + self.credited - self.outputs

    @property
    def holds(self) -> bool:
        """The account was not overdrawn."""
        return self.balance >= 0

    def to_json(self) -> dict[str, Any]:
        """As a JSON object, masses in kg."""
        amounts = {
            "opening": self.opening,
            "inputs": Fraction(self.inputs),
            "credited": self.credited,
            "outputs": Fraction(self.outputs),
            "balance": self.balance,
            "expired": self.expired,
        }
        return {
            "site": self.site,
            "material": self.material,
            "start": self.start,
            "end": self.end,
            "factor": f"{self.factor.numerator}/{self.factor.denominator}",
            **{name: _kilograms(amount) for name, amount in amounts.items()},
            "holds": self.holds,
            "records": list(self.records),
        }


def settle_credits(postings: Iterable[Posting], terms: Terms = Terms()) -> list[AccountLine]:  # noqa: B008  # immutable
    """Every account at every close of a period with a posting, and of those between, in order.

    Raises SchemaError for terms that no scheme may have.
    """
    if not 1 <= terms.months <= MAX_MONTHS or terms.carried < 0:
        raise SchemaError("An accounting period has 1 to 12 months, and credit is carried over no negative number.")
    accounts: dict[tuple[str, str], dict[int, list[Posting]]] = {}
    for posting in postings:
        periods = accounts.setdefault((posting.site, posting.material), {})
        periods.setdefault(_period(posting.time, terms), []).append(posting)
    return [line for name in sorted(accounts) for line in _settle(*name, accounts[name], terms)]


def _settle(site: str, material: str, periods: Mapping[int, list[Posting]], terms: Terms) -> list[AccountLine]:
    factor = terms.factors.get(material, Fraction(1))
    lines: list[AccountLine] = []
    held: list[Fraction] = []  # unused credit of the periods before, oldest first
    debt = Fraction(0)
    for number in range(min(periods), max(periods) + 1):
        posted = periods.get(number, [])
        inputs, outputs = sum(one.credit for one in posted), sum(one.debit for one in posted)
        opening = sum(held, Fraction(0)) - debt
        held, debt = _draw([*held, inputs * factor], debt + outputs)
        expired = held.pop(0) if len(held) > terms.carried else Fraction(0)
        start = terms.months * number + number_of_month(terms.first)
        names = format_month(start), format_month(start + terms.months - 1)
        records = tuple(dict.fromkeys(one.record for one in posted))
        lines.append(AccountLine(site, material, *names, opening, inputs, factor, outputs, expired, records))
    return lines


def _draw(held: list[Fraction], owed: Fraction) -> tuple[list[Fraction], Fraction]:
    """What is left of the credits after paying from the oldest on, and of the debt."""
    left: list[Fraction] = []
    for credit in held:
        paid = min(credit, owed)
        owed -= paid
        left.append(credit - paid)
    return left, owed


def _period(time: str, terms: Terms) -> int:
    return (number_of_month(time) - number_of_month(terms.first)) // terms.months


def _kilograms(units: Fraction) -> str:
    """Rounded down to a milligram, towards the debt."""
    amount = units * METAL_UNIT * 10**_PLACES // 1
    return format_decimal(amount, _PLACES) if amount >= 0 else f"-{format_decimal(-amount, _PLACES)}"
