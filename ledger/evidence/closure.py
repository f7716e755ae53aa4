"""Which records a bundle for one lot needs: everything that an offline replay will look up.

Plan, fetch, compute: each round names all it wants to know and asks once. The rounds are

1. the lot and every lot it was made from, generation by generation: all records that moved them;
2. statements (attestations, incidents) about those lots, and about the participants and sites
   that handled them;
3. who everybody is: all records of every participant and site named so far, and of the log itself
   (genesis, custody policy), until nothing is missing.

Statements about people who only made a statement (an auditor, the registrar) are not followed, so
the bundle of one lot does not grow into the whole log. Where records come from is the caller's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ledger.custody.replay import parents_of
from ledger.custody.state import needs
from ledger.envelope import Record
from ledger.errors import TooLarge, UnknownSubject
from ledger.evidence.bundle import MAX_ENTRIES


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


@dataclass(frozen=True, slots=True)
class Closure:
    """lots: the subject and all lots upstream of it; indexes: of the entries needed, ascending."""

    lots: frozenset[str]
    indexes: tuple[int, ...]


def collect_closure(lot: str, origin: str, reader: Reader) -> Closure:
    """What the bundle of `lot` in the log `origin` must hold.

    Raises UnknownSubject when there is no such lot, TooLarge beyond MAX_ENTRIES records.
    """
    if reader.kinds([lot]).get(lot) != "lot":
        raise UnknownSubject("the log knows no such lot: check the id", subject=lot)
    found: dict[int, Record] = {}
    lots = _collect_lots(lot, reader, found)
    handlers = _named(found.values()) - lots
    _take(found, reader.about(lots | _identities(handlers, reader)))
    _collect_identities({origin}, lots, reader, found)
    return Closure(lots, tuple(sorted(found)))


def _collect_lots(lot: str, reader: Reader, found: dict[int, Record]) -> frozenset[str]:
    known: set[str] = set()
    frontier = {lot}
    while frontier:
        known |= frontier
        _take(found, reader.moved(frontier))
        parents = parents_of(found[index] for index in sorted(found))
        frontier = {parent for one in frontier for parent in parents.get(one, ())} - known
    return frozenset(known)


def _collect_identities(wanted: set[str], lots: frozenset[str], reader: Reader, found: dict[int, Record]) -> None:
    """Records of everyone named, until a round names nobody new."""
    done: set[str] = set(lots)
    scanned: set[int] = set()
    while wanted:
        fresh = [found[index] for index in found.keys() - scanned]
        scanned |= found.keys()
        wanted = (wanted | _named(fresh)) - done
        done |= wanted
        _take(found, reader.moved(_identities(wanted, reader)))
        wanted = _named(found[index] for index in found.keys() - scanned) - done


def _named(records: Iterable[Record]) -> set[str]:
    return {subject for record in records for subject in needs(record).subjects}


def _identities(subjects: Collection[str], reader: Reader) -> set[str]:
    """Those of the subjects that are participants, sites or the log: a lot outside the scope is left out."""
    kinds = reader.kinds(subjects)
    return {one for one in subjects if kinds.get(one, "lot") != "lot"}


def _take(found: dict[int, Record], more: Mapping[int, Record]) -> None:
    found.update(more)
    if len(found) > MAX_ENTRIES:
        raise TooLarge("this lot has more records upstream than one bundle holds", limit=MAX_ENTRIES, actual=len(found))
