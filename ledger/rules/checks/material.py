"""The balance of every transform on a dry basis, with the uncertainty of weighing and assay.

    x = dry mass x grade        sigma^2 = sum x^2 (u_m^2 + u_g^2)        |in - out| <= k sigma

Compared squared, in integers. A blend holds what went into it, nothing may appear, and a plant
recovers what it always recovered. Formulas: catalogue of fraud patterns.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import isqrt
from typing import Annotated, NamedTuple

from pydantic import Field

from ledger.custody.quantity import contained_metal, format_metal
from ledger.custody.vocabulary import Percent
from ledger.errors import MassGain, MetalGain
from ledger.rules.case import Case
from ledger.rules.checks.figures import NumberEntry, look_up, number, once, show
from ledger.rules.checks.production import products_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

MIXING = ("split", "merge", "blend", "retag")
"""Processes that change no grade."""


class Uncertainty(Members):
    """k; mass, grade: standard uncertainty of a weighing and of an assay, in % of the value."""

    k: Annotated[int, Field(ge=1, le=10)] = 3
    mass: Percent = "0.5"
    grade: Percent = "1.5"

    @property
    def variance(self) -> Fraction:
        """Relative variance of one contained mass."""
        return (number(self.mass) / 100) ** 2 + (number(self.grade) / 100) ** 2


class Side(NamedTuple):
    """Contained metal of one element on both sides of a transform, in `METAL_UNIT`s, item by item."""

    element: str
    came: tuple[int, ...]
    went: tuple[int, ...]

    def exceeds(self, members: Uncertainty, lost: Fraction = Fraction(0)) -> bool:
        """Whether the two differ by more than k sigma, when up to a share `lost` of the input was declared as lost."""
        squares = sum(one * one for one in (*self.came, *self.went))
        came, went = sum(self.came), sum(self.went)
        off = max(Fraction(went - came), came * (1 - lost) - went, Fraction(0))
        return off**2 > members.k**2 * squares * members.variance

    def words(self) -> str:
        """Both sums for a sentence."""
        came, went = sum(self.came), sum(self.went)
        return f"{format_metal(came)} kg of {self.element} went in, {format_metal(went)} kg came out"


def sides_of(case: Case, transform: Item) -> list[Side]:
    """Both sides of a transform per element that the outputs state; empty without any assay."""
    return once(case, f"sides {transform.id}", lambda: _sides(case, transform))


def _sides(case: Case, transform: Item) -> list[Side]:
    outputs = [contained_metal(**one["quantity"]) for one in transform.body["outputs"]]
    child = next(one for one in case.facts.lots.values() if one.made_by.id == transform.id)
    inputs = [contained_metal(edge.mass, edge.moisture, edge.assay) for edge in child.edges]
    elements = dict.fromkeys(element for one in outputs for element in one)
    return [
        Side(element, tuple(one.get(element, 0) for one in inputs), tuple(one.get(element, 0) for one in outputs))
        for element in elements
    ]


def _each(case: Case, processes: Iterable[str] | None) -> list[Item]:
    return [one for one in case.facts.transforms if processes is None or one.body["process"] in processes]


@check
def blend_balances(case: Case, members: Uncertainty) -> Ruling:
    """A blend, split or retag holds the contained metal of what went into it, within k sigma."""
    found = (_blend(case, members, one) for one in _each(case, MIXING))
    return worst(found, nothing=inapplicable("Nothing was blended or split."))


def _blend(case: Case, members: Uncertainty, transform: Item) -> Ruling:
    sides, site = sides_of(case, transform), transform.body["site"]
    if not sides:
        text = f"The {transform.body['process']} at {site} states no assay."
        return case.lacking(text, "assays of inputs and outputs", evidence=[transform.id]).about(site)
    for side in sides:
        if side.exceeds(members, _lost(transform)):
            text = f"The {transform.body['process']} at {site} does not balance: {side.words()}."
            return failed(text, transform.id, since=transform.time[:10], element=side.element).about(site)
    return passed(f"The {transform.body['process']} at {site} balances.", transform.id).about(site)


def _lost(transform: Item) -> Fraction:
    """The share of its inputs that a transform declares as lost."""
    lost = sum((number(one["mass"]) for one in transform.body.get("losses", ())), Fraction(0))
    return lost / sum(number(one["mass"]) for one in transform.body["inputs"])


@check
def nothing_appears(case: Case, members: Uncertainty) -> Ruling:
    """No transform puts out more of any metal, or more mass, than went into it."""
    refused = [one for one in case.facts.refusals if isinstance(one.error, (MassGain, MetalGain))]
    found = [failed(one.error.message, one.item.id, since=one.item.time[:10]) for one in refused]
    found += [_gain(case, members, one) for one in _each(case, None)]
    return worst(found, nothing=inapplicable("Nothing was made from anything."))


def _gain(case: Case, members: Uncertainty, transform: Item) -> Ruling:
    site, process = transform.body["site"], transform.body["process"]
    sides = sides_of(case, transform)
    line = next(one.balance for one in case.facts.balances if one.record == transform.id)
    if not sides:
        text = f"The {process} at {site} states no assay."
        return case.lacking(text, "assays of inputs and outputs", evidence=[transform.id]).about(site)
    for side in sides:
        if sum(side.went) > sum(side.came) and side.exceeds(members):
            text = f"More came out of the {process} at {site} than went in: {side.words()}."
            return failed(text, transform.id, since=transform.time[:10], element=side.element).about(site)
    supply = line.mass_in + line.mass_added
    if (line.mass_out - supply) * 100 > supply * members.k * number(members.mass):
        text = f"The {process} at {site} put out more mass than it took in."
        return failed(text, transform.id, since=transform.time[:10]).about(site)
    return passed(f"Nothing appeared in the {process} at {site}.", transform.id).about(site)


class Yield(Uncertainty):
    """recoveries: usual % by `process:element` or element, where a plant has no past of its own; least: transforms

    that make a past; below: standard deviations under it that look like diversion; margin: % under the usual
    recovery where there is no past.
    """

    recoveries: list[NumberEntry]
    least: Annotated[int, Field(ge=3, le=100)]
    below: Annotated[int, Field(ge=1, le=10)]
    margin: Percent


@check
def yield_plausible(case: Case, members: Yield) -> Ruling:
    """A plant recovers no more metal than it took in, and no less than it usually does."""
    found = (_yield(case, members, one) for one in _each(case, ("concentrate", "smelt", "refine")))
    return worst(found, nothing=inapplicable("Nothing was processed."))


def recovered(case: Case, transform: Item) -> tuple[str, Fraction] | None:
    """The main metal of a transform's products and the share of it that was recovered, None when not known."""
    made = products_of(transform)
    held = {side.element: sum(side.came) for side in sides_of(case, transform)}
    element = max(made, key=lambda one: (made[one], one), default="")
    return (element, Fraction(made[element], held[element])) if held.get(element) else None


def _yield(case: Case, members: Yield, transform: Item) -> Ruling:
    site, process = transform.body["site"], transform.body["process"]
    found = recovered(case, transform)
    if found is None:
        text = f"The {process} at {site}: the metal of its input is not known."
        return case.lacking(text, "assays of inputs and outputs", evidence=[transform.id]).about(site)
    element, share = found
    figures = {"element": element, "recovery": show(share * 100), "process": process}
    text = f"The {process} at {site} recovered {show(share * 100)} % of the {element}"
    if share > 1 and (share - 1) ** 2 > members.k**2 * members.variance * (1 + share * share):
        text += ": metal that did not come with its inputs."
        return failed(text, transform.id, since=transform.time[:10], **figures).about(site)
    least = _least(case, members, transform, element)
    if least is None:
        text += "; what is usual there is not known."
        what = f"earlier yields of {site}, or its usual recovery of {element}"
        return case.lacking(text, what, evidence=[transform.id], **figures).about(site)
    if share < least:
        text += f", less than {show(least * 100)} %: metal may have left on the way."
        return flagged(text, transform.id, since=transform.time[:10], **figures).about(site)
    return passed(f"{text}.", transform.id, **figures).about(site)


def _least(case: Case, members: Yield, transform: Item, element: str) -> Fraction | None:
    """The least recovery that is usual: the past's mean less some deviations, else the table's less a margin."""
    past = [
        found[1]
        for one in _each(case, (transform.body["process"],))
        if one.body["site"] == transform.body["site"] and one.index < transform.index
        if (found := recovered(case, one)) is not None and found[0] == element
    ]
    if len(past) >= members.least:
        mean = sum(past, Fraction(0)) / len(past)
        variance = sum(((one - mean) ** 2 for one in past), Fraction(0)) / (len(past) - 1)
        return mean - members.below * root(variance)
    usual = look_up(members.recoveries, f"{transform.body['process']}:{element}", element)
    return None if usual is None else number(usual) / 100 * (1 - number(members.margin) / 100)


def root(value: Fraction) -> Fraction:
    """The square root, rounded down to nine decimals."""
    return Fraction(isqrt(value.numerator * 10**18 // value.denominator), 10**9)
