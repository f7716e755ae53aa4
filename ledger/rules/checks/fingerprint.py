"""Geochemical fingerprints: does a sample look like those of the mine that is declared?

    D^2 = (x - mean)^T S^-1 (x - mean)      Mahalanobis, S the covariance of the mine's reference samples

Beyond the 99.9 % point of chi-square with as many degrees of freedom as ratios, the declared origin is
not plausible. Below it is plausible, which is never a proof of origin. A sample says something only
when it was drawn before lots of different mines were homogenised. All fractions are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ledger.rules.case import Case
from ledger.rules.checks.figures import NumberEntry, look_up, number, once, show
from ledger.rules.checks.registry import Members, check
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, flagged, inapplicable, passed, worst


class Fingerprint(Members):
    """limits: `degrees=chi-square`."""

    limits: list[NumberEntry]


class NoMembers(Members):
    """A check without parameters."""


def samples_of(case: Case) -> list[tuple[str, Item]]:
    """Competent fingerprints of lots of the chain, with the lot."""
    lots = case.facts.lots
    return [(lot, one) for one in case.attested("fingerprint", *lots) for lot in one.about if lot in lots]


def _none(case: Case) -> Ruling:
    if not case.facts.lots:
        return inapplicable("There is no lot here.")
    return case.lacking_attestation("fingerprint", *case.facts.lots, of="the lots of this chain")


@check
def fingerprint_plausible(case: Case, members: Fingerprint) -> Ruling:
    """A lot's geochemical fingerprint is plausible for the mine it is said to come from."""
    found = (_compare(case, members, lot, one) for lot, one in samples_of(case))
    return worst(found, nothing=_none(case))


def _compare(case: Case, members: Fingerprint, lot: str, sample: Item) -> Ruling:
    mines = mines_behind(case, lot)
    if len(mines) != 1:
        text = f"The sample of {lot} mixes {len(mines)} mines: it can't be compared with any of them."
        return case.lacking(text, "a sample of one mine's material", evidence=[sample.id]).about(lot)
    (mine,) = mines
    references = case.attested("fingerprint", mine)
    names = sorted(sample.statement["ratios"])
    rows = [one.statement["ratios"] for one in references]
    rows = [[Fraction(row[name]) for name in names] for row in rows if all(name in row for name in names)]
    limit = look_up(members.limits, str(len(names)))
    measured = [Fraction(sample.statement["ratios"][name]) for name in names]
    squared = distance_squared(measured, rows)
    if limit is None or squared is None:
        text = f"{mine} has too few reference samples with the ratios of {lot}."
        return case.lacking(text, f"reference samples of {mine}", evidence=[sample.id]).about(lot, mine)
    records = (sample.id, *(one.id for one in references))
    text = f"{lot}: D2 = {show(squared)} from the samples of {mine}, {limit} is the limit for {len(names)} ratios"
    figures: dict[str, Any] = {"d2": show(squared), "limit": limit, "ratios": len(names), "mine": mine}
    if squared > number(limit):
        text += ": not plausible."
        return flagged(text, *records, since=sample.time[:10], **figures).about(lot, mine)
    return passed(f"{text}: plausible, which is no proof.", *records, **figures).about(lot, mine)


def mines_behind(case: Case, lot: str) -> frozenset[str]:
    """The mines from which material of a lot came."""
    return frozenset(site for site, _ in digs_behind(case, lot))


def digs_behind(case: Case, lot: str) -> frozenset[tuple[str, str]]:
    """The mines from which material of a lot came, with the method by which it was dug."""
    return once(case, "digs behind", lambda: _trace(case))[lot]


def _trace(case: Case) -> dict[str, frozenset[tuple[str, str]]]:
    found: dict[str, frozenset[tuple[str, str]]] = {}
    for lot in case.facts.lots.values():  # parents come first
        body = lot.made_by.body
        own = ((str(body["site"]), str(body["method"])),) if lot.is_mined else ()
        found[lot.id] = frozenset(own).union(*(found[edge.parent] for edge in lot.edges))
    return found


def distance_squared(sample: Sequence[Fraction], references: Sequence[Sequence[Fraction]]) -> Fraction | None:
    """Mahalanobis distance squared; None when there are too few references, or they lie in a plane."""
    size, count = len(sample), len(references)
    if count < size + 2:
        return None
    mean = [sum(column, Fraction(0)) / count for column in zip(*references, strict=True)]
    spread = [[one - centre for one, centre in zip(row, mean, strict=True)] for row in references]
    matrix = [
        [sum((row[i] * row[j] for row in spread), Fraction(0)) / (count - 1) for j in range(size)] for i in range(size)
    ]
    off = [one - centre for one, centre in zip(sample, mean, strict=True)]
    solved = solve(matrix, off)
    return None if solved is None else sum((a * b for a, b in zip(off, solved, strict=True)), Fraction(0))


def solve(matrix: list[list[Fraction]], right: Sequence[Fraction]) -> list[Fraction] | None:
    """x of matrix x = right, by elimination; None when the matrix is singular."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for n in range(len(rows)):
        pivot = next((i for i in range(n, len(rows)) if rows[i][n]), None)
        if pivot is None:
            return None
        rows[n], rows[pivot] = rows[pivot], rows[n]
        rows[n] = [value / rows[n][n] for value in rows[n]]
        for i, row in enumerate(rows):
            if i != n and row[n]:
                rows[i] = [a - row[n] * b for a, b in zip(row, rows[n], strict=True)]
    return [row[-1] for row in rows]


@check
def fingerprint_in_time(case: Case, members: NoMembers) -> Ruling:
    """A sample for fingerprinting was drawn before the material of different mines was homogenised."""
    found = (_stage(case, lot, one) for lot, one in samples_of(case))
    return worst(found, nothing=_none(case))


def _stage(case: Case, lot: str, sample: Item) -> Ruling:
    if sample.statement["stage"] != "before_homogenising" or len(mines_behind(case, lot)) > 1:
        text = f"The sample of {lot} was drawn after lots were homogenised: it says nothing of one mine."
        return case.lacking(text, "a sample drawn before homogenising", evidence=[sample.id]).about(lot)
    return passed(f"The sample of {lot} was drawn before homogenising.", sample.id).about(lot)
