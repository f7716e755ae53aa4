"""Building the evidence set (`Facts`) from the records that a bundle shows.

1. what the log took after `known_as_of`, and moves of lots that happened after `valid_as_of`, are left out
2. the custody rules replay the rest; what they refuse is kept as a refusal, not lost
3. disclosures are filled in, corrections applied, grades given
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Protocol, cast

from ledger.custody.replay import Replay, parents_of, upstream
from ledger.custody.subjects import Edge, LogHead, Lot, Participant, Site
from ledger.encoding import format_time
from ledger.envelope import Record, open_disclosures
from ledger.errors import LedgerError, UnknownSubject
from ledger.rules.facts import Amount, Facts, Hop, Incident, LotFacts, Refusal, Registered
from ledger.rules.items import Item, exposed_members, grade_custody, grade_registration, grade_statement, moves_lots

_SPOKEN_OF: Final = ("facility", "site", "holder", "exporter", "importer", "payer", "seller", "buyer")
"""Members of statements that name whom they speak of, whatever the attestation says it is about."""


class ShownRecord(Protocol):
    """A record shown in full: its place, ms since the epoch at which it was logged, and its disclosures."""

    @property
    def index(self) -> int: ...
    @property
    def logged(self) -> int: ...
    @property
    def record(self) -> Record: ...
    @property
    def disclosures(self) -> tuple[str, ...]: ...


_moment: Final = lru_cache(maxsize=8192)(format_time)


def logged_at(shown: ShownRecord) -> str:
    """When the log took a record, as an RFC 3339 time."""
    return _moment(shown.logged // 1000)


def gather(
    subject: str,
    shown: Iterable[ShownRecord],
    *,
    hidden: Sequence[str] = (),
    lots: Collection[str] | None = None,
    also: Collection[str] = (),
    known_as_of: str,
    valid_as_of: str,
) -> Facts:
    """The evidence set for a claim about `subject`, from records in log order whose signatures were checked.

    lots: those that a claim about a site or participant is followed to (default: all that are made);
    also: lots to follow besides the subject and all upstream of it (`siblings`);
    known_as_of, valid_as_of: RFC 3339 times with Z. Raises UnknownSubject when the subject did not
    exist by then, EnvelopeError or EncodingError for disclosures that do not belong to their record.
    """
    known = [one for one in shown if logged_at(one) <= known_as_of]
    valid = [one for one in known if not moves_lots(one.record.type) or one.record.time <= valid_as_of]
    made = parents_of(one.record for one in valid)
    scope = upstream(subject, made) if subject in made else frozenset(made if lots is None else lots)
    gathering = _Gathering(Replay(scope.union(also)))
    for one in valid:
        gathering.take(one)
    kind = gathering.kind_of(subject)
    if not kind:
        raise UnknownSubject(
            f"The evidence knows no lot, site or participant '{subject}' as of {valid_as_of}: check id and date.",
            subject=subject,
        )
    return gathering.finish(subject, kind, tuple(hidden), known_as_of, valid_as_of)


@dataclass(slots=True)
class _Gathering:
    """The fold over the records."""

    replay: Replay
    items: dict[str, Item] = field(default_factory=dict)
    lots: dict[str, LotFacts] = field(default_factory=dict)
    open_hops: dict[str, tuple[Item, dict[str, Amount]]] = field(default_factory=dict)
    hops: list[Hop] = field(default_factory=list)
    transforms: list[Item] = field(default_factory=list)
    registered: dict[str, list[Item]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    interested: dict[str, frozenset[str]] = field(default_factory=dict)
    named: dict[str, frozenset[str]] = field(default_factory=dict)
    handlers: dict[str, None] = field(default_factory=dict)
    chain_sites: dict[str, None] = field(default_factory=dict)

    def take(self, shown: ShownRecord) -> None:
        """One record: replayed, kept as an item, and indexed by what it did."""
        record = shown.record
        item = self._item(shown)
        before = {one: self._amount(one) for one in record.prev}
        edges = len(self.replay.edges)
        try:
            self.replay.take(shown.index, shown.logged, record)
        except LedgerError as error:
            self.refusals.append(Refusal(item, error))
            return
        self.items[item.id] = item
        match record.type:
            case "extract" | "transform":
                self._make_lots(item, self.replay.edges[edges:])
            case "dispatch":
                self._dispatch(item, before)
            case "receive":
                self._receive(item)
            case "participant" | "site":
                self.registered.setdefault(item.body["id"], []).append(item)
            case "attest" | "incident":
                self.statements.append(item.id)
                self.interested[item.id] = self._behind(item.about)
                self.named[item.id] = self._behind(_named_in(item))
            case "correct":
                self._correct(item)
        for subject in record.prev:
            if subject in self.lots:
                self.lots[subject].records.append(item.id)

    def _item(self, shown: ShownRecord) -> Item:
        record = shown.record
        body, concealed = record.body, 0
        if shown.disclosures or "_sd_alg" in record.payload:
            disclosed = open_disclosures(record, shown.disclosures)
            body, concealed = disclosed.body, disclosed.erased
        signer = self.replay.state.subjects.get(record.iss)
        roles = signer.roles if isinstance(signer, Participant) else ("registrar",) if record.type == "genesis" else ()
        named = [one["subject"] for one in body.get("about", ())]
        if record.type in ("extract", "transform"):
            named = [body["site"], *(one["id"] for one in body.get("lots") or body.get("outputs", ()))]
        about = tuple(dict.fromkeys((*record.prev, *named)))
        if record.type in ("participant", "site"):
            about = (body["id"],)
            grade = grade_registration(record.iss, body["id"], roles)
        else:
            grade = grade_custody(record.type, answered=False)
        return Item(
            record.id, shown.index, logged_at(shown), _moment(record.iat), record.time,
            record.type, record.iss, roles, body, about, concealed, grade,
            kid=record.kid, exposed=exposed_members(record.type, record.body),
        )  # fmt: skip

    def _amount(self, lot_id: str) -> Amount | None:
        lot = self.replay.state.subjects.get(lot_id)
        return Amount(lot.left, lot.moisture, lot.assay) if isinstance(lot, Lot) else None

    def _make_lots(self, item: Item, added: Sequence[Edge]) -> None:
        body = item.body
        new = body["lots"] if item.type == "extract" else body["outputs"]
        if item.type == "transform" and added:  # none, when inputs are missing that a bundle does not follow
            self.transforms.append(item)
        edges: dict[str, list[Edge]] = {}
        for edge in added:
            edges.setdefault(edge.child, []).append(edge)
        for one in new:
            lot = self.replay.state.subjects.get(one["id"])
            if not isinstance(lot, Lot):
                continue  # of another chain
            amount = Amount(**one["quantity"])
            self.lots[lot.id] = LotFacts(
                lot.id, lot.mineral, item, lot.site, lot.model, amount, lot.tags, one.get("packages"),
                tuple(edges.get(lot.id, ())), amount, lot.status, [(item.issuer, item.id)], [item.id],
            )  # fmt: skip
            self._visit(body["site"], item.issuer)

    def _visit(self, site: str, *parties: str) -> None:
        self.chain_sites.setdefault(site)
        self.handlers.update(dict.fromkeys(parties))

    def _dispatch(self, item: Item, before: dict[str, Amount | None]) -> None:
        sent = {lot: amount for lot, amount in before.items() if amount is not None}
        for lot in sent:
            self.open_hops[lot] = (item, sent)
        if sent:
            self._visit(item.body["from"], item.issuer)

    def _receive(self, item: Item) -> None:
        answered: dict[str, tuple[Item, dict[str, Amount]]] = {}
        for one in item.body["lots"]:
            opened = self.open_hops.pop(one["id"], None)
            if opened is not None:
                answered[opened[0].id] = opened
        for dispatch, sent in answered.values():
            lots = [one["id"] for one in item.body["lots"] if one["id"] in sent]
            got = {lot: amount for lot in lots if (amount := self._received(lot)) is not None}
            accepted = item.body["outcome"] == "accepted"
            self.hops.append(Hop(dispatch, item, {lot: sent[lot] for lot in lots}, got if accepted else {}))
            if accepted:
                self._visit(item.body["site"], item.issuer)
                for lot in got:
                    self.lots[lot].holders.append((item.issuer, item.id))

    def _received(self, lot_id: str) -> Amount | None:
        return self._amount(lot_id) if lot_id in self.lots else None

    def _behind(self, subjects: Iterable[str]) -> frozenset[str]:
        """Who is, operates or holds any of these now."""
        parties: set[str] = set()
        for subject in subjects:
            known = self.replay.state.subjects.get(subject)
            if isinstance(known, Participant):
                parties.add(known.id)
            elif isinstance(known, Site):
                parties.add(known.operator)
            elif isinstance(known, Lot):
                parties.add(known.custodian)
        return frozenset(parties)

    def _correct(self, item: Item) -> None:
        target = item.body["record"]
        self.items[target] = self.items[target].with_correction(item.id, item.body["replace"])

    def kind_of(self, subject: str) -> str:
        """`lot`, `site` or `participant`; "" for what the evidence does not know."""
        known = self.replay.state.subjects.get(subject)
        return {Lot: "lot", Site: "site", Participant: "participant"}.get(type(known), "")

    def finish(self, subject: str, kind: str, hidden: tuple[str, ...], known: str, valid: str) -> Facts:
        """The facts, once all records are taken."""
        if kind == "participant":
            self.handlers.setdefault(subject)
        elif kind == "site":
            self.chain_sites.setdefault(subject)
        self._grade()
        state = self.replay.state
        for lot in self.lots.values():
            held = cast(Lot, state.subjects[lot.id])  # a lot keeps its kind
            lot.now, lot.status = Amount(held.left, held.moisture, held.assay), held.status
            lot.made_by = self.items[lot.made_by.id]
        sites, parties = self._registered()
        unanswered = {one.id: (one, sent) for one, sent in self.open_hops.values()}
        hops = [self._final(hop) for hop in self.hops]
        hops += [Hop(self.items[one.id], None, sent, {}) for one, sent in unanswered.values()]
        log = state.subjects.get(state.origin)
        return Facts(
            subject, kind, known, valid, self.items, self.lots, tuple(hops),
            tuple(self.items[one.id] for one in self.transforms), tuple(self.replay.balances),
            tuple(self.replay.edges), self.replay.mined, sites, parties, tuple(self.chain_sites),
            tuple(self.handlers), self._by_kind(), self._threads(), tuple(self.refusals), hidden,
            log.policy if isinstance(log, LogHead) else {},
        )  # fmt: skip

    def _final(self, hop: Hop) -> Hop:
        receive = self.items[hop.receive.id] if hop.receive else None
        return Hop(self.items[hop.dispatch.id], receive, hop.sent, hop.got)

    def _grade(self) -> None:
        for record_id in self.statements:
            one = self.items[record_id]
            grade = grade_statement(
                one.kind,
                one.issuer,
                one.roles,
                interested=self.interested[record_id],
                handlers=self.handlers,
                named=self.named[record_id],
            )
            self.items[record_id] = replace(one, grade=grade)
        for hop in self.hops:
            if hop.accepted:
                dispatch = self.items[hop.dispatch.id]
                self.items[dispatch.id] = replace(dispatch, grade=grade_custody(dispatch.type, answered=True))

    def _registered(self) -> tuple[dict[str, Registered], dict[str, Registered]]:
        sites: dict[str, Registered] = {}
        parties: dict[str, Registered] = {}
        for subject, history in self.registered.items():
            items = tuple(self.items[one.id] for one in history)
            place = sites if items[-1].type == "site" else parties
            place[subject] = Registered(subject, items[-1], items)
        return sites, parties

    def _by_kind(self) -> dict[str, tuple[Item, ...]]:
        kinds: dict[str, list[Item]] = {}
        for record_id in self.statements:
            one = self.items[record_id]
            if one.type == "attest":
                kinds.setdefault(one.kind, []).append(one)
        return {kind: tuple(items) for kind, items in kinds.items()}

    def _threads(self) -> tuple[Incident, ...]:
        threads: dict[str, list[Item]] = {}
        root: dict[str, str] = {}
        for record_id in self.statements:
            one = self.items[record_id]
            if one.type == "incident":
                first = root.get(str(one.body.get("follows")), record_id)
                root[record_id] = first
                threads.setdefault(first, []).append(one)
        return tuple(Incident(tuple(items)) for items in threads.values())


def _named_in(item: Item) -> list[str]:
    """Whom a statement names as doing what it states."""
    named = (item.statement.get(one) for one in _SPOKEN_OF) if item.type == "attest" else ()
    return [one for one in named if one]
