"""Which records a bundle needs: all that an offline replay looks up, and all that rules weigh.

Plan, fetch, compute: each round names all it wants to know and asks once. The rounds are

1. the lots: of a lot's bundle that lot; of a site's those extracted or made there, of a participant's
   those that came to it, in each of the newest SUBJECT_MONTHS months that have any; and every lot
   they were made from, generation by generation: all records that moved them;
2. statements (attestations, incidents) about those lots, about the participants and sites that
   handled them, and about the subject; all records of these participants and sites;
3. what the mines upstream are measured by: all they produced in the months in which the lots were
   extracted and WINDOW_MONTHS before, and every status set for a mine in the same subdivision;
4. who everybody is: all records of every participant and site named so far, and of the log itself
   (genesis, custody policy), until nothing is missing.

Statements about people who only made a statement (an auditor, the registrar) are not followed, so
the bundle of one lot does not grow into the whole log. Where records come from is the caller's.
Rounds 1 to 3 are also topics: lists that the operator signs as complete (`ledger.custody.topics`).
`demand_topics` says which follow from the records shown, for whoever makes a bundle and whoever
checks it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from ledger.custody.replay import parents_of
from ledger.custody.state import needs
from ledger.custody.topics import (
    MINE,
    Topics,
    format_month,
    held_topic,
    is_site_status,
    lots_made,
    made_topic,
    month_of,
    moved_by,
    number_of_month,
    production_month,
    production_topic,
    status_topic,
    subject_topic,
)
from ledger.envelope import Record
from ledger.errors import TooLarge, UnknownSubject
from ledger.evidence.bundle import MAX_ENTRIES

WINDOW_MONTHS: Final = 6
"""Calendar months before an extraction whose production belongs in the bundle, to measure the mine by."""
SUBJECT_MONTHS: Final = 12
"""Newest months with any lots that the bundle of a site or participant goes back."""
KINDS: Final = ("lot", "site", "participant")


class Reader(Protocol):
    """Look-ups in a whole log; every answer maps the index of an entry to its record."""

    def kinds(self, subjects: Collection[str]) -> Mapping[str, str]:
        """`lot`, `participant`, `site` or `log` for each id that the log knows."""
        ...

    def moved(self, subjects: Collection[str]) -> Mapping[int, Record]:
        """All records that moved the head of any of these subjects."""
        ...

    def about(self, subjects: Collection[str]) -> Mapping[int, Record]:
        """All records about any of these subjects that moved no head, and their corrections."""
        ...

    def produced(self, months: Collection[tuple[str, str]]) -> Mapping[int, Record]:
        """All records of the topic `production` of any of these sites and months (`YYYY-MM`)."""
        ...

    def statuses(self, subdivisions: Collection[str]) -> Mapping[int, Record]:
        """All records of the topic `status` of any of these ISO 3166-2 subdivisions."""
        ...

    def newest(self, subject: str, months: int) -> Mapping[int, Record]:
        """Of a site the extracts and the transforms there, of a participant the records by which lots first came to it.

        Those of the newest `months` months that have any; extracts and transforms are counted apart.
        """
        ...

    def named(self, records: Collection[str]) -> Mapping[int, Record]:
        """The records with these ids."""
        ...


@dataclass(frozen=True, slots=True)
class Closure:
    """What a bundle must hold. lots: those that the replay follows; records: by index, ascending; topics: sorted."""

    subject: str
    lots: frozenset[str]
    records: Mapping[int, Record]
    topics: tuple[str, ...]

    @property
    def indexes(self) -> tuple[int, ...]:
        """Of the entries needed, ascending."""
        return tuple(self.records)

    def lists(self) -> dict[str, tuple[str, ...]]:
        """The list of each topic: record ids in log order."""
        topics = Topics.of(self.topics, self.lots)
        for record in self.records.values():
            topics.take(record)
        return {topic: tuple(ids) for topic, ids in topics.lists.items()}


def collect_closure(subject: str, origin: str, reader: Reader) -> Closure:
    """What the bundle of a lot, site or participant of the log `origin` must hold.

    Raises UnknownSubject when there is no such subject, TooLarge beyond MAX_ENTRIES records.
    """
    kind = reader.kinds([subject]).get(subject)
    if kind not in KINDS:
        raise UnknownSubject("The log knows no such lot, site or participant: check the id.", subject=subject)
    newest = {} if kind == "lot" else reader.newest(subject, SUBJECT_MONTHS)
    found: dict[int, Record] = {}
    roots = {subject} if kind == "lot" else {lot for record in newest.values() for lot in lots_begun(record)}
    lots = _collect_lots(roots, reader, found)
    handlers = {subject, *_handlers(found.values())} - lots
    _take(found, reader.about(lots | handlers))
    _take(found, reader.moved(handlers))
    topics = demand_topics(subject, lots, found.values()) | begun_topics(subject, newest.values())
    _collect_measures(topics, reader, found)
    _collect_identities({origin}, lots | handlers, reader, found)
    return Closure(subject, lots, {index: found[index] for index in sorted(found)}, tuple(sorted(topics)))


def collect_union(lots: Collection[str], origin: str, reader: Reader) -> tuple[dict[int, Record], set[str]]:
    """What the bundles of these lots must hold together, by index, and the topics in which it is complete.

    Raises UnknownSubject when one of them is no lot, TooLarge.
    """
    kinds = reader.kinds(lots)
    for lot in lots:
        if kinds.get(lot) != "lot":
            raise UnknownSubject("The log knows no such lot: check the id.", subject=lot)
    found: dict[int, Record] = {}
    upstream = _collect_lots(lots, reader, found)
    handlers = _handlers(found.values()) - upstream
    _take(found, reader.about(upstream | handlers))
    _take(found, reader.moved(handlers))
    topics = demand_topics(next(iter(lots)), upstream, found.values())
    _collect_measures(topics, reader, found)
    _collect_identities({origin}, upstream | handlers, reader, found)
    return {index: found[index] for index in sorted(found)}, topics


def demand_topics(subject: str, lots: Collection[str], records: Iterable[Record]) -> set[str]:
    """The topics that a bundle about `subject` with these lots and records must be complete in.

    Those of every lot, of who handled it and of the subject; of what the mines produced in the months of
    extraction and before; and of the statuses of mines in their subdivisions, whichever these ever were.
    """
    scope, records = frozenset(lots), list(records)
    moving = [record for record in records if not scope.isdisjoint(moved_by(record))]
    found = {subject_topic(one) for one in (subject, *scope, *_handlers(moving))}
    mines = {subject}
    months: set[tuple[str, str]] = set()
    for record in moving:
        if record.type == "extract":
            mines.add(record.body["site"])
            months.add((record.body["site"], production_month(record)))
    for site, month in months:
        last = number_of_month(month)
        found |= {production_topic(site, format_month(last - back)) for back in range(WINDOW_MONTHS + 1)}
    for record in records:
        if record.type == "site" and record.body["id"] in mines and record.body["kind"] == MINE:
            found.add(status_topic(record.body["subdivision"]))
    return found


def begun_topics(subject: str, records: Iterable[Record]) -> set[str]:
    """The topics that bind which lots the bundle of a site or participant is about, from `Reader.newest`."""
    found = set()
    for record in records:
        at, month = record.body.get("site"), month_of(record.time)
        if at != subject:
            found.add(held_topic(subject, month))
        elif record.type == "extract":
            found.add(production_topic(subject, production_month(record)))
        else:
            found.add(made_topic(subject, month))
    return found


def begun_lots(subject: str, lists: Mapping[str, Collection[str]], records: Mapping[str, Record]) -> set[str]:
    """The lots that the bundle of a site or participant is about, from its lists (topic -> ids) and records (by id)."""
    months: dict[str, list[str]] = {}
    begun: set[str] = set()
    for topic, ids in lists.items():
        kind, name, *rest = topic.split(" ")
        if name == subject and kind in ("made", "held"):
            begun.update(ids)
        elif name == subject and kind == "production":
            extracts = [one for one in ids if one in records and records[one].type == "extract"]
            months |= {rest[0]: extracts} if extracts else {}
    for month in sorted(months)[-SUBJECT_MONTHS:]:
        begun.update(months[month])
    return {lot for one in begun if one in records for lot in lots_begun(records[one])}


def lots_begun(record: Record) -> list[str]:
    """The lots that a record brings into being or hands over."""
    handed: list[str] = record.body["lots"] if record.type == "dispatch" else lots_made(record)
    return handed


def _handlers(records: Iterable[Record]) -> set[str]:
    """The log, and the participants and sites that records which moved lots name."""
    names: set[str] = set()
    for record in records:
        body = record.body
        names.update((record.aud, record.iss))
        names.update(body[name] for name in ("site", "consignee", "from", "to") if name in body)
    return names


def _collect_lots(roots: Collection[str], reader: Reader, found: dict[int, Record]) -> frozenset[str]:
    known: set[str] = set()
    frontier = set(roots)
    while frontier:
        known |= frontier
        _take(found, reader.moved(frontier))
        parents = parents_of(found[index] for index in sorted(found))
        frontier = {parent for one in frontier for parent in parents.get(one, ())} - known
    return frozenset(known)


def _collect_measures(topics: Collection[str], reader: Reader, found: dict[int, Record]) -> None:
    """What the mines produced and the statuses of mines around them; also the records that any of these names."""
    split = [topic.split(" ") for topic in sorted(topics)]
    _take(found, reader.produced([(site, month[0]) for kind, site, *month in split if kind == "production"]))
    _take(found, reader.statuses([name for kind, name, *_ in split if kind == "status"]))
    wanted: set[str] = set()
    for record in found.values():
        if record.type == "correct":
            wanted.add(record.body["record"])
        elif is_site_status(record):
            wanted.update(about["record"] for about in record.body["about"])
    _take(found, reader.named(wanted - {record.id for record in found.values()}))


def _collect_identities(wanted: set[str], done: Collection[str], reader: Reader, found: dict[int, Record]) -> None:
    """Records of everyone named, until a round names nobody new; done: whose records are there, or not wanted."""
    known = set(done)
    scanned: set[int] = set()
    while wanted:
        fresh = [found[index] for index in found.keys() - scanned]
        scanned |= found.keys()
        known.update(lot for record in fresh for lot in lots_made(record))
        wanted = (wanted | _named(fresh)) - known
        known |= wanted
        _take(found, reader.moved(_identities(wanted, reader)))
        wanted = _named(found[index] for index in found.keys() - scanned) - known


def _named(records: Iterable[Record]) -> set[str]:
    return {subject for record in records for subject in needs(record).subjects}


def _identities(subjects: Collection[str], reader: Reader) -> set[str]:
    """Those of the subjects that are participants, sites or the log: a lot outside the scope is left out."""
    kinds = reader.kinds(subjects)
    return {one for one in subjects if kinds.get(one, "lot") != "lot"}


def _take(found: dict[int, Record], more: Mapping[int, Record]) -> None:
    found.update(more)
    if len(found) > MAX_ENTRIES:
        raise TooLarge(
            "There are more records behind this than one bundle holds.", limit=MAX_ENTRIES, actual=len(found)
        )
