"""One record as a reader may see it: its claims, what of the concealed members may be shown, what was erased.

Shared by the operations on records, histories, statements and bundles. A concealed member is in one
of four states: `disclosed` (shown), `withheld` (kept here, not for this reader), `erased` (its text
was deleted), `absent` (never handed in). Only the digest of the last three is known to a reader.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ledger.disclosure import find_digests
from ledger.encoding import parse_b64url, parse_json
from ledger.entry import parse_entry
from ledger.envelope import Record, digests_of, open_disclosures, parse_record
from service.storage.engine import Connection
from service.storage.read_records import EntryFound, find_records, lots_of_entries, read_disclosures
from service.usecases import policy
from service.usecases.access import View
from service.usecases.policy import RecordFacts

ANSWERS = frozenset({"receive", "settle"})
KNOWN = policy.Relation(linked=True)
"""To a lot that the reader may read, without asking how."""


class Sight:
    """What a reader may see of a set of entries, found out with few queries.

    records: by index, parsed from the entries themselves, or `known` as far as the caller has parsed them already;
    measures: ids of records that are evidence about mines (`policy`), readable: lots (by number) that the reader is
    known to read; both are set by whoever makes a bundle.
    """

    def __init__(
        self,
        view: View,
        entries: Iterable[EntryFound],
        *,
        known: Mapping[int, Record] | None = None,
    ) -> None:
        self.view = view
        self.records: dict[int, Record] = {}
        self.logged: dict[int, int] = {}
        for found in entries:
            self.logged[found.seq], jws = parse_entry(found.entry)
            self.records[found.seq] = known[found.seq] if known else parse_record(jws)
        self.measures: Collection[str] = ()
        self.readable: frozenset[int] = frozenset()
        self._lots = lots_of_entries(view.conn, self.records.keys())
        self._issuers = _answered_issuers(view.conn, self.records.values())
        self._held = read_disclosures(view.conn, self.records.keys())
        self._relations: dict[tuple[int, ...], policy.Relation] = {}

    def facts(self, seq: int) -> RecordFacts:
        """What the policy asks about the record at `seq`."""
        record = self.records[seq]
        answered = (self._issuers[head] for head in record.prev.values() if head in self._issuers)
        return RecordFacts(
            record.type,
            record.iss,
            bool(self._lots.get(seq, ())),
            policy.counterparties(record.payload, answered),
            measures=record.id in self.measures,
        )

    def may_read(self, seq: int) -> bool:
        """Whether the content of this record is there for the reader."""
        reader, facts, public = self.view.reader, self.facts(seq), self.view.public
        known = KNOWN if not self.readable.isdisjoint(self._lots.get(seq, ())) else policy.STRANGER
        return policy.may_read_record(reader, facts, known, public=public) or policy.may_read_record(
            reader, facts, self._relation(seq), public=public
        )

    def disclosures(self, seq: int) -> list[str]:
        """The disclosures of this record that the reader may see, in the order of their digests."""
        held = self._held.get(seq, {})
        if not held or not policy.may_read_disclosures(self.view.reader, self.facts(seq), self._relation(seq)):
            return []
        return reachable(self.records[seq], {digest: text for digest, text in held.items() if text is not None})

    def present(self, seq: int) -> dict[str, Any]:
        """The record as the API shows it to a reader who may read it."""
        record = self.records[seq]
        shown = self.disclosures(seq)
        opened = open_disclosures(record, shown)
        concealed = self._concealed(seq, opened.pointers)
        return {
            "id": record.id,
            "index": seq,
            "logged": self.logged[seq],
            "record": record.jws.decode("ascii"),
            "payload": record.payload,
            "disclosures": shown,
            "disclosed": opened.body,
            "concealed": concealed,
            "erased": sum(one["state"] == "erased" for one in concealed),
        }

    def _concealed(self, seq: int, pointers: Mapping[str, str]) -> list[dict[str, str]]:
        held = self._held.get(seq, {})
        out = [{"digest": digest, "pointer": pointer, "state": "disclosed"} for pointer, digest in pointers.items()]
        shown = set(pointers.values())
        for digest, within in digests_of(self.records[seq]).items():
            if digest not in shown:
                state = "absent" if digest not in held else "erased" if held[digest] is None else "withheld"
                out.append({"digest": digest, "pointer": within, "state": state})
        return sorted(out, key=lambda one: (one["pointer"], one["digest"]))

    def _relation(self, seq: int) -> policy.Relation:
        lots = tuple(self._lots.get(seq, ()))
        if lots not in self._relations:
            self._relations[lots] = self.view.relation(lots)
        return self._relations[lots]


def _answered_issuers(conn: Connection, records: Iterable[Record]) -> dict[str, str]:
    """Record id -> issuer, for the records that a receipt or settlement answers."""
    heads = {head for record in records if record.type in ANSWERS for head in record.prev.values()}
    return {one: parse_record(parse_entry(found.entry)[1]).iss for one, found in find_records(conn, heads).items()}


def reachable(record: Record, held: Mapping[str, str]) -> list[str]:
    """The disclosures that belong to the record: named by its body, or inside one that is."""
    found: list[str] = []
    frontier: Sequence[str] = sorted(find_digests(record.body))
    while frontier:
        texts = [held[digest] for digest in frontier if digest in held]
        found += texts
        frontier = sorted(digest for text in texts for digest in digests_inside(text))
    return found


def digests_inside(disclosure: str) -> dict[str, str]:
    """The digests that stand in the value of a disclosure: members concealed inside a concealed one."""
    return find_digests(parse_json(parse_b64url(disclosure))[2])
