"""Checks of the reporting templates for smelters (CMRT for tin, tantalum, tungsten, gold; EMRT for cobalt and others).

The templates are forms about a company's whole supply; a ledger holds what one lot adds to them. What
the answers would be is worked out from the records, and answers that contradict them fail.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from ledger.custody.vocabulary import Country
from ledger.rules.case import Case
from ledger.rules.checks.facilities import NO_SMELTER, Listed, number_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.checks.upstream import NOT_A_LOT, Smelter, metals_of, name_and_address, risky_places, smelters_of
from ledger.rules.outcome import Outcome
from ledger.rules.ruling import Ruling, failed, passed, worst

Answer = Literal["yes", "no", "unknown"]
_SUPPLY: Final = (
    "intentionally added", "necessary and remaining in the product", "from covered countries", "from areas of risk",
    "all recycled", "share of suppliers that answered", "all smelters identified", "all smelters reported",
)  # fmt: skip


class Template(Members):
    """covered: countries of the template's question on origin."""

    covered: Annotated[list[Country], Field(min_length=1)]


def answers_of(case: Case, covered: list[str]) -> dict[str, Answer | Ruling]:
    """What the records of the chain answer to the questions 3 (origin), 4 (areas), 5 (recycled), 7 (smelters)."""
    facts = case.facts
    countries = {facts.sites[one].body["country"] for one in facts.mines()}
    risky = risky_places(case)
    smelters = smelters_of(case)
    known = bool(smelters) and not any(isinstance(number_of(case, one), Ruling) for one in smelters)
    return {
        "q3": "yes" if countries & set(covered) else "no",
        "q4": risky if isinstance(risky, Ruling) else "yes" if risky.reasons else "unknown",
        "q5": "no" if countries else "unknown",
        "q7": "yes" if known else "no",
    }


@check
def template_consistent(case: Case, members: Template) -> Ruling:
    """Answers of the template do not contradict the records: origin, areas, recycled metal, smelters."""
    if case.facts.lot is None:
        return NOT_A_LOT
    given: dict[str, str] = dict(getattr(case.claim.terms, "answers", None) or {})
    if not given:
        text = "No answers of a template are stated; the records answer questions 3, 4, 5 and 7 only."
        return case.lacking(text, "the answers of the template", questions=list(_SUPPLY))
    worked = answers_of(case, members.covered)
    records = tuple(dict.fromkeys(one.made_by.id for one in case.facts.lots.values()))
    return worst(_agree(case, question, given[question], worked, records) for question in sorted(given))


def _agree(
    case: Case, question: str, said: str, worked: dict[str, Answer | Ruling], records: tuple[str, ...]
) -> Ruling:
    found = worked.get(question)
    words = f"Question {question[1:]} ({_SUPPLY[int(question[1:]) - 1]})"
    if isinstance(found, Ruling):
        return found
    if found in (None, "unknown"):
        text = f"{words} is answered with '{said}', which the records can neither show nor refute."
        return case.lacking(text, f"evidence for {words.lower()}")
    if said != found:
        text = f"{words} is answered with '{said}', but the records say '{found}'."
        return failed(text, *records, since=case.facts.lots[case.facts.subject].made_by.time[:10])
    return passed(f"{words}: '{said}', as the records say.", *records)


@check
def template_row_complete(case: Case, members: Listed) -> Ruling:
    """Every row of the smelter list can be filled: metal, number, name, country, place, mines."""
    rows = [
        _row(case, smelter, metal)
        for smelter in smelters_of(case)
        for metal in metals_of(case, smelter, members.metals)
    ]
    return worst(rows, nothing=NO_SMELTER)


def _row(case: Case, smelter: Smelter, metal: str) -> Ruling:
    number = number_of(case, smelter)
    if isinstance(number, Ruling):
        return number
    named = name_and_address(case, smelter.operator, "smelter")
    if named.outcome is not Outcome.PASS:
        return named
    site = smelter.site.body
    text = f"{metal}: {number.cid}, {site['country']}, {site['subdivision']}. {named.sentence}"
    records = dict.fromkeys((number.record, smelter.site.item.id, *named.evidence))
    return passed(text, *records, mines=list(case.facts.mines())).about(smelter.site.id)
