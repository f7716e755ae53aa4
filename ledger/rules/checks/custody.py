"""Chain-of-custody models of ISO 22095 over the whole chain: what each allows, and that none is upgraded.

    identity preserved > segregated > controlled blending > mass balance > book and claim

The weakest hop decides. What is characteristic (of the certified kind) is what the members say: mines
by id or by mining method; without either, the kind of mining (small-scale or industrial) that most of the
metal came from.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pydantic import Field

from ledger.custody.provenance import index_parents, share_origins
from ledger.custody.vocabulary import MODELS
from ledger.rules.case import Case
from ledger.rules.checks.claims import element_of, percent
from ledger.rules.checks.figures import number, once, total
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import LotFacts
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, failed, inapplicable, lacking, passed

SMALL_SCALE = ("artisanal", "semi_mechanised")
ACCOUNTS = ("mass_balance", "book_and_claim")


class Characteristic(Members):
    """sites, methods: of mines whose material is characteristic; neither: the kind of mining of most of the metal."""

    sites: list[str] = Field(default_factory=list)
    methods: list[str] = Field(default_factory=list)


class Kept(Characteristic):
    """model: the one that the rule is about."""

    model: str


def levels_of(case: Case) -> dict[str, int]:
    """How strong each lot's chain is, as the number of its weakest model in MODELS; parents come first."""
    return once(case, "custody levels", lambda: _levels(case))


def _levels(case: Case) -> dict[str, int]:
    found: dict[str, int] = {}
    for lot in case.facts.lots.values():
        found[lot.id] = max(MODELS.index(lot.model), *(found.get(edge.parent, 0) for edge in lot.edges), 0)
    return found


def weakest_of(case: Case) -> tuple[str, LotFacts]:
    """The model of the subject's chain, and the first lot on the way that has fallen so low."""
    levels, lots = levels_of(case), case.facts.lots
    level = levels[case.facts.subject]
    return MODELS[level], next(lots[one] for one in lots if levels[one] == level)


def shares_of(case: Case) -> dict[str, Fraction]:
    """The share that each mined lot has in the subject's main metal."""
    facts = case.facts
    assert facts.lot is not None  # noqa: S101 - callers ask about lots
    element = element_of(case, facts.lot)
    return once(
        case, f"mined shares {element}", lambda: share_origins(facts.subject, index_parents(facts.edges), element)
    )


def proportion(case: Case, members: Characteristic) -> tuple[Fraction, list[str]]:
    """The share of the subject that is characteristic, and the extracts behind it.

    The custody rules take no lot whose inputs are not on file, so every share leads back to an extract.
    """
    shares, lots = shares_of(case), case.facts.lots
    methods = members.methods or _main_kind(case)
    found, records = [], []
    for one, share in shares.items():
        body = lots[one].made_by.body
        records.append(lots[one].made_by.id)
        if body["site"] in members.sites if members.sites else body["method"] in methods:
            found.append(share)
    return total(found), list(dict.fromkeys(records))


def _main_kind(case: Case) -> tuple[str, ...]:
    """The mining methods of the kind that most of the metal came from: small-scale or industrial."""
    by_kind: dict[tuple[str, ...], list[Fraction]] = {}
    for one, share in shares_of(case).items():
        method = str(case.facts.lots[one].made_by.body["method"])
        kind = SMALL_SCALE if method in SMALL_SCALE else (method,)
        by_kind.setdefault(kind, []).append(share)
    return max(by_kind, key=lambda one: (total(by_kind[one]), one))


def _wanted(case: Case) -> str:
    """The model that the claim asks for, "" when it is about something else."""
    return str(case.claim.terms.model) if case.claim.type == "custody_model" else ""


def _applies(case: Case, model: str) -> Ruling | None:
    """Why a rule about a model does not apply: there is no lot, or neither chain nor claim is of that model."""
    if case.facts.lot is None:
        return inapplicable("There is no lot here.")
    kept = weakest_of(case)[0]
    if model not in (kept, _wanted(case)):
        return inapplicable(f"The chain is kept under {kept.replace('_', ' ')}.")
    return None


@check
def identity_preserved(case: Case, members: Kept) -> Ruling:
    """Material whose identity is preserved comes from a single mine, all the way."""
    out = _applies(case, members.model)
    if out is not None:
        return out
    mines, records = case.facts.mines(), tuple(dict.fromkeys(one.made_by.id for one in case.facts.lots.values()))
    if len(mines) > 1:
        text = f"It comes from {len(mines)} mines: {', '.join(mines[:3])}."
        since = case.facts.lots[case.facts.subject].made_by.time[:10]
        return failed(text, *records, since=since, mines=len(mines)).about(case.facts.subject)
    return passed(f"All of it comes from {mines[0]}.", *records, mines=1).about(case.facts.subject)


@check
def segregated(case: Case, members: Kept) -> Ruling:
    """Segregated material holds nothing that is not characteristic."""
    return _proportion(case, members, _whole)


@check
def blending_controlled(case: Case, members: Kept) -> Ruling:
    """The proportion of characteristic material in a controlled blend is known, and no more is claimed."""
    return _proportion(case, members, _claimed)


def _proportion(case: Case, members: Kept, judge: Any) -> Ruling:
    out = _applies(case, members.model)
    if out is not None:
        return out
    share, records = proportion(case, members)
    since = case.facts.lots[case.facts.subject].made_by.time[:10]
    ruling: Ruling = judge(case, share, records, since)
    return ruling.about(case.facts.subject)


def _whole(case: Case, share: Fraction, records: list[str], since: str) -> Ruling:
    figures = {"proportion": percent(share)}
    if share < 1:
        text = f"{percent(share)} % of its metal is characteristic: a blend, not segregated."
        return failed(text, *records, since=since, **figures)
    return passed("All of its metal is characteristic.", *records, **figures)


def _claimed(case: Case, share: Fraction, records: list[str], since: str) -> Ruling:
    figures = {"proportion": percent(share)}
    wanted = case.claim.terms.share if _wanted(case) else None
    if wanted is not None and share * 100 < number(wanted):
        text = f"{percent(share)} % of its metal is characteristic, {wanted} % is claimed."
        return failed(text, *records, since=since, **figures)
    return passed(f"{percent(share)} % of its metal is characteristic: so much may be claimed.", *records, **figures)


class NoMembers(Members):
    """A check without parameters."""


@check
def weakest_decides(case: Case, members: NoMembers) -> Ruling:
    """The chain allows claims of its weakest hop's model, and of no stronger one."""
    if case.facts.lot is None:
        return inapplicable("There is no lot here.")
    model, lot = weakest_of(case)
    wanted = _wanted(case)
    words = model.replace("_", " ")
    if wanted and MODELS.index(wanted) < MODELS.index(model):
        text = f"{lot.id} was made under {words}: weaker than the {wanted.replace('_', ' ')} that is claimed."
        return failed(text, lot.made_by.id, since=lot.made_by.time[:10], model=model).about(lot.id)
    return passed(f"The weakest hop of the chain is {words}.", lot.made_by.id, model=model).about(lot.id)


@check
def never_upgraded(case: Case, members: NoMembers) -> Ruling:
    """No lot is made under a stronger model than the lots that it was made from had, or holds more than it allows."""
    if case.facts.lot is None:
        return inapplicable("There is no lot here.")
    levels, records = levels_of(case), []
    for lot in case.facts.lots.values():
        inherited = max((levels.get(edge.parent, 0) for edge in lot.edges), default=0)
        records.append(lot.made_by.id)
        if lot.edges and MODELS.index(lot.model) < inherited:
            words, was = lot.model.replace("_", " "), MODELS[inherited].replace("_", " ")
            text = f"{lot.id} was made under {words} from material that was kept under {was}."
            return failed(text, lot.made_by.id, since=lot.made_by.time[:10]).about(lot.id)
    return passed("No lot was upgraded.", *dict.fromkeys(records))


@check
def account_supports_no_origin(case: Case, members: NoMembers) -> Ruling:
    """Mass balance and book and claim say nothing of where the physical lot comes from."""
    if case.facts.lot is None:
        return inapplicable("There is no lot here.")
    model, lot = weakest_of(case)
    words = model.replace("_", " ")
    if model in ACCOUNTS:
        text = f"{lot.id} was made under {words}: it shows no mine of origin and answers no question about one."
        return failed(text, lot.made_by.id, since=lot.made_by.time[:10], model=model).about(lot.id)
    return passed(f"Under {words} the material itself is followed.", lot.made_by.id, model=model).about(lot.id)


class Credits(Members):
    """model: whose credits; scheme: of the certificates that stand for them."""

    model: list[str]
    scheme: str = "conformity"


@check
def credits_single(case: Case, members: Credits) -> Ruling:
    """A credit is issued once, used for one lot, and not sold under two schemes."""
    if case.facts.lot is None:
        return inapplicable("There is no lot here.")
    if weakest_of(case)[0] not in members.model:
        return inapplicable(f"The chain is kept under {weakest_of(case)[0].replace('_', ' ')}.")
    found = case.facts.attestations("certificate", *case.facts.lots)
    papers = [one for one in found if one.statement["scheme"] == members.scheme]
    if not papers:
        return lacking("No certificate of a credit is on file.", "the credits used for this lot", *case.supplier)
    return _single(papers)


def _single(papers: list[Item]) -> Ruling:
    by_number: dict[tuple[str, str], Item] = {}
    by_lot: dict[str, Item] = {}
    for one in papers:
        said = one.statement
        twin = by_number.setdefault((said["authority"], said["number"]), one)
        if set(twin.about) != set(one.about):
            text = f"The credit {said['number']} is used for {twin.about[0]} and for {one.about[0]}."
            return failed(text, twin.id, one.id, since=one.time[:10]).about(*twin.about, *one.about)
        for lot in one.about:
            other = by_lot.setdefault(lot, one)
            if other.statement["authority"] != said["authority"]:
                text = f"{lot} is sold under two schemes."
                return failed(text, other.id, one.id, since=one.time[:10]).about(lot)
    return passed("Every credit is used once.", *(one.id for one in papers))
