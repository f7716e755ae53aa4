"""Handovers between places: speed, declared countries, risky ground, stops, and seals.

    v = straight-line distance / time          between the places where somebody signed

A road is longer than the straight line, so a speed that is impossible along the line is impossible.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Annotated

from pydantic import Field, StringConstraints

from ledger.custody.quantity import dry_mass
from ledger.custody.vocabulary import Country, Percent
from ledger.rules.case import Case, seconds_between
from ledger.rules.checks.figures import look_up, number, once, show
from ledger.rules.checks.places import Stop, checkpoints, metres, stops_of
from ledger.rules.checks.registry import Members, check
from ledger.rules.facts import Hop
from ledger.rules.ruling import Ruling, failed, flagged, inapplicable, passed, worst

SHORTEST = 1_000
"""Metres below which a wrong minute makes any speed."""
_HOUR = 3_600


def moves(case: Case) -> list[Hop]:
    """Accepted handovers from one site to another."""
    return [one for one in case.facts.hops if one.accepted and one.receive and one.receive.body["site"] != _from(one)]


def _from(hop: Hop) -> str:
    return str(hop.dispatch.body["from"])


def name_of(hop: Hop) -> str:
    """A handover for sentences."""
    end = hop.receive.body["site"] if hop.receive else hop.dispatch.body["to"]
    return f"{_from(hop)} to {end} on {hop.dispatch.time[:10]}"


def journey(case: Case, hop: Hop) -> list[Stop] | None:
    """The stops of a handover, None when an end of it is not known."""
    return once(case, f"stops {hop.dispatch.id} {hop.evidence}", lambda: stops_of(case.facts, hop))


Limits = Annotated[str, StringConstraints(pattern=r"^[^=]{1,60}=[1-9][0-9]{0,5}/[1-9][0-9]{0,5}$")]


class Speed(Members):
    """limits: `mode=flag/fail` in km/h; off_tarmac: the same for legs that begin or end at one of `kinds` of site in

    one of `countries`.
    """

    limits: list[Limits]
    off_tarmac: list[Limits]
    countries: list[Country]
    kinds: list[str] = Field(default_factory=lambda: ["mine", "washing", "depot"])


@check
def travel_plausible(case: Case, members: Speed) -> Ruling:
    """No leg is faster, along a straight line, than its mode of transport allows."""
    found = (_speed(case, members, hop) for hop in moves(case))
    return worst(found, nothing=inapplicable("Nothing was moved between sites."))


def _speed(case: Case, members: Speed, hop: Hop) -> Ruling:
    stops, mode = journey(case, hop), str(hop.dispatch.body["transport"]["mode"])
    if stops is None:
        text = f"{name_of(hop)}: the position of a site is not known."
        return case.lacking(text, "the positions of both sites", evidence=hop.evidence).about(*hop.sent)
    limits = look_up(members.off_tarmac, mode) if _is_off_tarmac(case, members, hop) else None
    limits = limits or look_up(members.limits, mode)
    if limits is None:
        return inapplicable(f"No speed is impossible for {mode} in this pack.")
    flag, fail = (number(one) for one in limits.split("/"))
    fastest, legs = Fraction(0), pairwise(stops)
    for start, end in legs:
        seconds = seconds_between(start.time, end.time)
        distance = metres(start.place, end.place)
        if distance >= SHORTEST and seconds > 0:
            fastest = max(fastest, Fraction(distance * 36, seconds * 10))
    text = f"{name_of(hop)}: {show(fastest, 0)} km/h by {mode} along a straight line, more than {fail} is impossible."
    figures = {"km_h": show(fastest, 1), "mode": mode, "flag": str(flag), "fail": str(fail)}
    if fastest > fail:
        return failed(text, *hop.evidence, since=hop.dispatch.time[:10], **figures).about(*hop.sent)
    if fastest > flag:
        return flagged(text, *hop.evidence, since=hop.dispatch.time[:10], **figures).about(*hop.sent)
    return passed(text, *hop.evidence, **figures).about(*hop.sent)


def _is_off_tarmac(case: Case, members: Speed, hop: Hop) -> bool:
    ends = (_from(hop), hop.receive.body["site"]) if hop.receive else ()
    sites = [case.facts.sites[one].body for one in ends]
    return any(one["kind"] in members.kinds and one["country"] in members.countries for one in sites)


class NoMembers(Members):
    """A check without parameters."""


@check
def arrives_after_leaving(case: Case, members: NoMembers) -> Ruling:
    """Nothing arrives at another site at or before the time at which it left."""
    found = (_in_time(hop) for hop in moves(case))
    return worst(found, nothing=inapplicable("Nothing was moved between sites."))


def _in_time(hop: Hop) -> Ruling:
    assert hop.receive is not None  # noqa: S101 - moves are accepted
    if hop.receive.time <= hop.dispatch.time:
        text = f"{name_of(hop)}: it arrived at the time at which it left."
        return failed(text, *hop.evidence, since=hop.dispatch.time[:10]).about(*hop.sent)
    return passed(f"{name_of(hop)}: it arrived after it left.", *hop.evidence).about(*hop.sent)


@check
def route_declared(case: Case, members: NoMembers) -> Ruling:
    """A consignment goes through no country that its certificate or export declaration does not name."""
    found = (_countries(case, hop) for hop in moves(case))
    return worst(found, nothing=inapplicable("Nothing was moved between sites."))


def ends_of(case: Case, hop: Hop) -> tuple[str, str]:
    """Countries from and to which a handover went."""
    sites, end = case.facts.sites, hop.receive.body["site"] if hop.receive else hop.dispatch.body["to"]
    return str(sites[_from(hop)].body["country"]), str(sites[end].body["country"])


def _countries(case: Case, hop: Hop) -> Ruling:
    ends = ends_of(case, hop)
    travelled = [one["country"] for one in hop.dispatch.body["transport"].get("route", ())]
    travelled += [one.statement["country_of_dispatch"] for one in case.facts.attestations("import", *hop.sent)]
    others = [one for one in dict.fromkeys(travelled) if one not in ends]
    papers = [
        one
        for kind in ("certificate", "export")
        for one in case.facts.attestations(kind, *hop.sent)
        if one.statement.get("route")
    ]
    if ends[0] == ends[1] and not others:
        text = f"{name_of(hop)}: it stayed in {ends[0]}."
        return passed(text, *hop.evidence).about(*hop.sent)
    if not papers:
        text = f"{name_of(hop)}: no certificate or export declaration names its route."
        return case.lacking(text, "the declared route", evidence=hop.evidence).about(*hop.sent)
    declared = {one for paper in papers for one in paper.statement["route"]}
    undeclared = [one for one in others if one not in declared]
    records = (*hop.evidence, *(paper.id for paper in papers))
    if undeclared:
        text = f"{name_of(hop)}: it went through {', '.join(undeclared)}, which no paper declares."
        return failed(text, *records, since=hop.dispatch.time[:10], countries=undeclared).about(*hop.sent)
    return passed(f"{name_of(hop)}: every country on the way is declared.", *records).about(*hop.sent)


class Dwell(Members):
    """hours of a stop, or of lateness, that ask for a reason; mass: change of dry mass in % that makes one suspect;

    modes: of transport that are looked at.
    """

    hours: Annotated[int, Field(ge=1, le=240)]
    mass: Percent
    modes: list[str]


@check
def no_long_stops(case: Case, members: Dwell) -> Ruling:
    """No consignment stands for hours at a place that is no site, or comes late and changed."""
    found = (_stops(case, members, hop) for hop in moves(case))
    return worst(found, nothing=inapplicable("Nothing was moved between sites."))


def _stops(case: Case, members: Dwell, hop: Hop) -> Ruling:
    receive, mode = hop.receive, hop.dispatch.body["transport"]["mode"]
    assert receive is not None  # noqa: S101 - moves are accepted
    if mode not in members.modes:
        return inapplicable(f"Stops by {mode} are not looked at.")
    stops, limit = journey(case, hop) or [], members.hours * _HOUR
    for start, end in pairwise(stops[1:-1]):
        stood = seconds_between(start.time, end.time)
        if stood > limit and metres(start.place, end.place) < SHORTEST:
            text = f"{name_of(hop)}: it stood for {stood // _HOUR} h at a place that is none of its sites."
            records = (*hop.evidence, start.record, end.record)
            return flagged(text, *records, since=start.time[:10], hours=stood // _HOUR).about(*hop.sent)
    late = seconds_between(hop.dispatch.body["expected"], receive.time)
    if late <= limit:
        return passed(f"{name_of(hop)}: no long stop, not late.", *hop.evidence).about(*hop.sent)
    text = f"{name_of(hop)}: it came {late // _HOUR} h later than expected"
    if _changed(hop, members.mass) or seals_differ(hop.dispatch.body["transport"], receive.body):
        text += ", with other seals or another dry mass."
        return flagged(text, *hop.evidence, since=receive.time[:10], hours=late // _HOUR).about(*hop.sent)
    if not checkpoints(case.facts, hop):
        text += ", and nothing on the way is on file."
        return case.lacking(text, "checkpoints on the way", evidence=hop.evidence).about(*hop.sent)
    return passed(f"{text}, unchanged, with its way on file.", *hop.evidence).about(*hop.sent)


def _changed(hop: Hop, limit: str) -> bool:
    """Whether dry mass changed on the way by more than `limit` %."""
    sent = sum(dry_mass(one.mass, one.moisture) for one in hop.sent.values())
    got = sum(dry_mass(one.mass, one.moisture) for one in hop.got.values())
    return abs(got - sent) * 100 > sent * number(limit)


def seals_differ(transport: dict[str, list[str]], arrival: dict[str, list[str]]) -> bool:
    """Whether seals stated at both ends differ."""
    put, found = transport.get("seals"), arrival.get("seals")
    return bool(put and found and set(put) != set(found))


@check
def seals_whole(case: Case, members: NoMembers) -> Ruling:
    """The seals found on the way and on arrival are those put on at departure."""
    found = (_seals(case, hop) for hop in moves(case))
    return worst(found, nothing=inapplicable("Nothing was moved between sites."))


def _seals(case: Case, hop: Hop) -> Ruling:
    assert hop.receive is not None  # noqa: S101 - moves are accepted
    put, found = hop.dispatch.body["transport"].get("seals", ()), hop.receive.body.get("seals", ())
    records = list(hop.evidence)
    for one in checkpoints(case.facts, hop):
        records.append(one.id)
        if put and one.statement.get("seals") and set(put) != set(one.statement["seals"]):
            text = f"{name_of(hop)}: other seals were found at {one.statement['place']} than were put on."
            return failed(text, *records, since=one.statement["at"][:10]).about(*hop.sent)
    if not put and not found:
        text = f"{name_of(hop)}: no seal is stated at either end."
        return case.lacking(text, "seals at departure and arrival", evidence=hop.evidence).about(*hop.sent)
    if not put or not found:
        end = "departure" if not put else "arrival"
        text = f"{name_of(hop)}: no seal is stated at {end}."
        return case.lacking(text, f"seals at {end}", evidence=hop.evidence).about(*hop.sent)
    if set(put) != set(found):
        text = f"{name_of(hop)}: seals {', '.join(sorted(put))} left, {', '.join(sorted(found))} arrived."
        return failed(text, *records, since=hop.receive.time[:10]).about(*hop.sent)
    return passed(f"{name_of(hop)}: the seals are those put on.", *records).about(*hop.sent)
