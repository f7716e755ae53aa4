"""Holding a party against a list: by identifier, by name, and by the day on which it was listed.

An equal identifier fails. A similar name is a red flag for a person to look at, as is a listing after
the party's last dealing with the chain: a later listing does not make an earlier trade unlawful.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.rules.case import Case
from ledger.rules.checks.parties import Party
from ledger.rules.reference.names import Candidate, index_of
from ledger.rules.reference.rows import ListedParty
from ledger.rules.reference.snapshot import Snapshot
from ledger.rules.ruling import Ruling, failed, flagged


@dataclass(frozen=True, slots=True)
class Screen:
    """A list, held against a claim's parties. similar: per mille from which a name is looked at; stale_after: days."""

    case: Case
    listed: Snapshot
    similar: int
    stale_after: int

    def hits(self, party: Party) -> list[Ruling]:
        """One ruling for each entry that the party is, or may be."""
        return [self._hit(one, party) for one in self.candidates(party)]

    def candidates(self, party: Party) -> list[Candidate]:
        """Entries that the party may be, without those taken off the list before its last dealing with the chain."""
        names = [party.name] if party.name else []
        found = index_of(self.listed).match(names, party.identifiers, threshold=self.similar)
        return [one for one in found if not one.party.delisted_on or one.party.delisted_on > party.day]

    def is_certain(self, party: Party) -> bool:
        """Whether the party is on the list by its number, and was so on its last day."""
        return any(one.exact and not self._listed_later(one.party, party.day) for one in self.candidates(party))

    def _hit(self, found: Candidate, party: Party) -> Ruling:
        entry, lists, who = found.party, [self.listed.dataset], party.words
        since = entry.listed_on or self.listed.published
        figures = {"entry": entry.id, "score": found.score, "name": found.name}
        if found.exact and not self._listed_later(entry, party.day):
            text = f"{who} is on the list: {entry.id}, {found.name}, by number {found.number}."
            return failed(text, *party.evidence, since=since, references=lists, **figures).about(*party.ids)
        if found.exact:
            text = f"{who} was listed ({entry.id}) after it last dealt with the chain on {party.day}."
        else:
            text = f"The name of {party.id or party.name} is like {found.name} ({entry.id}): a person must look."
        return flagged(text, *party.evidence, since=since, references=lists, **figures).about(*party.ids)

    def _listed_later(self, entry: ListedParty, day: str) -> bool:
        """By its date; of an entry without one, by a list that was current on that day and does not hold it."""
        if entry.listed_on:
            return entry.listed_on > day
        then = self.case.reference(self.listed.dataset, at=day, stale_after=self.stale_after)
        return isinstance(then, Snapshot) and all(row.id != entry.id for row in then.rows)
