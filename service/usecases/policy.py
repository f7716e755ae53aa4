"""Who may see what: the access policy of log.md "Visibility", as pure functions of a few facts.

    what                                   anybody  member  linked  granted  granted+d  auditor*  registrar
    ------------------------------------------------------------------------------------------------------
    checkpoint, hash tiles, receipts         yes      yes     yes     yes      yes        yes        yes
    participants, sites, the log's policy    yes      yes     yes     yes      yes        yes        yes
      and the records that made them
    evidence about participants and sites     -       yes     yes     yes      yes        yes        yes
    a lot and the records that moved it,      -        -      yes     yes      yes        yes        yes
      evidence about it, its bundle
    what a mine produced, statuses of mines   -        -      yes*    yes*     yes*       yes        yes
      around it: within a bundle
    the bundle of a site, of a participant    -        -      own     own      own        yes        yes
    entry bundles                             -        -       -       -        -         yes        yes
    disclosures of a record that one reads    -        -       -       -        yes       yes         -
    erase disclosures                        the issuer of the record, or a registrar; nobody else

    member    an active participant of this log; everybody else is "anybody", however they sign
    linked    holds, held, sent or is about to receive the lot, or one that was made from it: so a
              holder reads everything upstream of what it holds, and nothing downstream
    granted   grantee of a grant in force on the lot, or on one that was made from it; "+d" when the
              grant includes disclosures; in force = signed by a custodian, not expired, not revoked,
              and its issuer still active
    auditor*  roles `auditor` and `authority`
    yes*      the extracts, without what they conceal, that the bundle of a lot holds to measure its mines by,
              whosever lots they made (decision 0016); outside the bundle they stay with their owners
    own       the participant's own bundle, that of a site which it operates; records in it that it may not
              read are there by their hash

Beside the table: the issuer of a record reads it, with its disclosures; so does the counterparty
that the record names, or whose record it answers (`counterparties`). A record about several lots
is one signed text: who may read one of them reads it. When the log's policy says
`entries: public`, the rows "evidence", "a lot" and "entry bundles" read "yes" throughout; the
disclosures row never changes. Who may not see a lot or its records is told that they do not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SEES_ALL_RECORDS = frozenset({"auditor", "authority", "registrar"})
SEES_DISCLOSURES = frozenset({"auditor", "authority"})

PUBLIC_TYPES = frozenset({"genesis", "policy", "participant", "key", "site"})
EVIDENCE_TYPES = frozenset({"attest", "incident"})


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks. participant "" is anybody; only active participants ever become a Reader with an id."""

    participant: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def is_member(self) -> bool:
        """An active participant of this log."""
        return bool(self.participant)

    @property
    def sees_all_records(self) -> bool:
        """Has a role that reads every record."""
        return not self.roles.isdisjoint(SEES_ALL_RECORDS)


ANYBODY = Reader()


@dataclass(frozen=True, slots=True)
class Relation:
    """How a reader stands to a lot, or to any one of the lots that a record is about."""

    linked: bool = False
    granted: bool = False
    granted_disclosures: bool = False


STRANGER = Relation()


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What the policy needs to know of a record.

    has_lots: it is about at least one lot; measures: it is in the bundle that the reader fetches, as evidence
    of what mines upstream produced or of the status of mines.
    """

    type: str
    issuer: str
    has_lots: bool
    counterparties: frozenset[str] = frozenset()
    measures: bool = False


def may_read_entries(reader: Reader, *, public: bool) -> bool:
    """Entry bundles: the whole log, record after record."""
    return public or reader.sees_all_records


def may_read_lot(reader: Reader, relation: Relation, *, public: bool) -> bool:
    """A lot, its history, its provenance upstream and its bundle."""
    return may_read_entries(reader, public=public) or (reader.is_member and (relation.linked or relation.granted))


def may_read_bundle_of(reader: Reader, owner: str, *, public: bool) -> bool:
    """The bundle of a site or participant; owner: the site's operator, or the participant itself."""
    return may_read_entries(reader, public=public) or (reader.is_member and reader.participant == owner)


def may_read_record(reader: Reader, facts: RecordFacts, relation: Relation, *, public: bool) -> bool:
    """The content of one record; its proof is public."""
    if facts.type in PUBLIC_TYPES or _is_party(reader, facts):
        return True
    if facts.measures or (facts.type in EVIDENCE_TYPES and not facts.has_lots):
        return public or reader.is_member
    return may_read_lot(reader, relation, public=public)


def may_read_disclosures(reader: Reader, facts: RecordFacts, relation: Relation) -> bool:
    """What the record conceals, as far as it is not erased."""
    if not reader.is_member:
        return False
    return _is_party(reader, facts) or not reader.roles.isdisjoint(SEES_DISCLOSURES) or relation.granted_disclosures


def may_erase(reader: Reader, issuer: str) -> bool:
    """Erase the disclosures of a record of `issuer`."""
    return reader.is_member and (reader.participant == issuer or "registrar" in reader.roles)


def may_revoke(reader: Reader, issuer: str) -> bool:
    """End a grant of `issuer` before its time."""
    return may_erase(reader, issuer)


def _is_party(reader: Reader, facts: RecordFacts) -> bool:
    return reader.is_member and (reader.participant == facts.issuer or reader.participant in facts.counterparties)


def counterparties(payload: Mapping[str, Any], answered: Iterable[str] = ()) -> frozenset[str]:
    """The participants, other than the issuer, whom a record is addressed to.

    payload: of the record; answered: issuers of the records in its `prev`, which is who a receipt
    or a settlement answers. An incident names nobody here: whoever it accuses must not read what
    its author concealed.
    """
    body = payload.get("body", {})
    kind = payload.get("type")
    if kind in ("receive", "settle"):
        return frozenset(answered)
    if kind == "attest":
        statement = body.get("statement", {})
        named = {statement.get(name) for name in ("seller", "buyer", "payer")} if isinstance(statement, dict) else set()
    else:
        member = {"dispatch": "consignee", "participant": "id", "key": "participant", "site": "operator"}.get(str(kind))
        named = {body.get(member)} if member else set()
    return frozenset(name for name in named if isinstance(name, str) and name)
