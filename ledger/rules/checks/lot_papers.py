"""What every lot carries on its way: a mine and a tag where it was dug, a recipient, a new tag after each change."""

from __future__ import annotations

from ledger.custody.draft import tag_key
from ledger.rules.case import Case
from ledger.rules.checks.fingerprint import mines_behind
from ledger.rules.checks.journeys import name_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import Hop, LotFacts
from ledger.rules.items import Item
from ledger.rules.ruling import Ruling, failed, inapplicable, passed, worst


class Tagged(Members):
    """untagged: mining methods whose lots travel without tags."""

    untagged: list[str]


@check
def mined_lot_tagged(case: Case, members: Tagged) -> Ruling:
    """A lot that was dug names its mine and carries a tag."""
    found = (_tagged(members, lot) for lot in case.facts.lots.values() if lot.is_mined)
    return worst(found, nothing=inapplicable("No lot here was dug."))


def _tagged(members: Tagged, lot: LotFacts) -> Ruling:
    method, day = lot.made_by.body["method"], lot.made_by.time[:10]
    if method in members.untagged:
        return inapplicable(f"Lots of {method.replace('_', ' ')} mines travel without tags.")
    if not lot.tags:
        return failed(f"{lot.id} was dug at {lot.site} and has no tag.", lot.made_by.id, since=day).about(lot.id)
    return passed(f"{lot.id} was dug at {lot.site} and is tagged.", lot.made_by.id).about(lot.id)


class NoMembers(Members):
    """A check without parameters."""


@check
def shipped_to_recipient(case: Case, members: NoMembers) -> Ruling:
    """A lot that changed hands was shipped to a named recipient and received where it was sent."""
    found = (_shipped(case, hop) for hop in case.facts.hops)
    return worst(found, nothing=inapplicable("Nothing has changed hands."))


def _shipped(case: Case, hop: Hop) -> Ruling:
    if hop.receive is None:
        text = f"{name_of(hop)}: {hop.consignee} has not answered yet."
        return case.lacking(text, "the recipient's receipt", evidence=hop.evidence).about(*hop.sent)
    if hop.accepted and hop.receive.body["site"] != hop.dispatch.body["to"]:
        text = f"{hop.dispatch.body['to']} was the destination, {hop.receive.body['site']} received it."
        return failed(text, *hop.evidence, since=hop.receive.time[:10]).about(*hop.sent)
    return passed(f"{name_of(hop)}: shipped to {hop.consignee}.", *hop.evidence).about(*hop.sent)


class Retagged(Tagged):
    """processes: in which outputs need tags of their own, unless all of it was mined by a method without tags."""

    processes: list[str]


@check
def output_retagged(case: Case, members: Retagged) -> Ruling:
    """Whatever is made from lots is a new lot with a tag of its own that names its inputs."""
    found = (_retagged(case, members, one) for one in case.facts.transforms if one.body["process"] in members.processes)
    return worst(found, nothing=inapplicable("Nothing was made from lots here."))


def _retagged(case: Case, members: Retagged, transform: Item) -> Ruling:
    mines = {mine for one in transform.body["inputs"] for mine in mines_behind(case, one["lot"])}
    methods = {lot.made_by.body["method"] for lot in case.facts.lots.values() if lot.is_mined and lot.site in mines}
    if methods and methods <= set(members.untagged):
        return inapplicable(f"What is mined by {', '.join(sorted(methods)).replace('_', ' ')} travels without tags.")
    taken = {tag for one in transform.body["inputs"] for tag in case.facts.lots[one["lot"]].tags}
    for one in transform.body["outputs"]:
        tags = set(map(tag_key, one.get("tags", ())))
        if one.get("role", "product") == "product" and (not tags or tags & taken):
            words = "carries the tag of its input" if tags else "has no tag"
            text = f"{one['id']} was made by a {transform.body['process']} and {words}."
            return failed(text, transform.id, since=transform.time[:10]).about(one["id"])
    text = f"The {transform.body['process']} at {transform.body['site']} gave its outputs tags of their own."
    return passed(text, transform.id).about(transform.body["site"])
