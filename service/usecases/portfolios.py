"""Portfolios: one claim about up to a thousand lots, each answered as a verdict on it alone would be.

Plan, fetch, compute: what all their bundles hold is read once; lots that the same records move and
speak of share one closure and one replay, and the rules are judged once for what they share
(`ledger.rules.portfolio_verdicts`). The answer is not signed and not kept: ask for the verdict on a
lot to have it in writing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ledger.custody.vocabulary import ID_PATTERN
from ledger.encoding import format_b64url
from ledger.envelope import Record
from ledger.errors import ClaimError, LedgerError, PackError, TooLarge
from ledger.evidence.closure import collect_closure, collect_union
from ledger.evidence.judging import Evidence, judge_alike
from ledger.evidence.known import Known
from ledger.rules.engine import Finding
from ledger.rules.portfolio_verdicts import SHOWN, LotVerdict
from ledger.rules.reference.snapshot import References
from service.errors import NotFound
from service.storage.engine import Connection
from service.storage.head import Head
from service.storage.read_records import EntryFound
from service.storage.read_subjects import find_subjects
from service.storage.tree import select_entries_at
from service.usecases.access import View, open_view
from service.usecases.bundle import Gathered, Rows, find_measures
from service.usecases.claims import Question, deadline, parse_question, see
from service.usecases.contents import Sight
from service.usecases.context import Context
from service.usecases.policy import Reader
from service.usecases.reference import current_references
from service.usecases.tiles import require_head

MAX_LOTS: Final = 1_000
MAX_RECORDS: Final = 50_000
"""That all bundles of a portfolio may hold together."""
_ID: Final = re.compile(ID_PATTERN, re.ASCII)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A question about the first of these lots, to be put to all of them."""

    question: Question
    lots: tuple[str, ...]


def parse_portfolio(context: Context, value: Any) -> Portfolio:
    """What `POST /v1/portfolios` is sent: as a claim, but `subjects` for the claim's subject.

    Raises ClaimError and PackError with a pointer to the member at fault.
    """
    if not isinstance(value, dict) or not isinstance(value.get("claim"), dict):
        raise ClaimError("Send a JSON object with the members 'claim' and 'subjects'.", pointer="/claim")
    if "subject" in value["claim"]:
        raise ClaimError("Name the lots in 'subjects': the claim is about each of them.", pointer="/claim/subject")
    lots = value.get("subjects")
    if not isinstance(lots, list) or not 1 <= len(lots) <= MAX_LOTS:
        raise ClaimError(f"'subjects' is a list of 1 to {MAX_LOTS} lots.", pointer="/subjects")
    seen: set[str] = set()
    for number, lot in enumerate(lots):
        if not isinstance(lot, str) or not _ID.fullmatch(lot) or lot in seen:
            raise ClaimError("This is no id of a lot, or stands here twice.", pointer=f"/subjects/{number}")
        seen.add(lot)
    rest = {name: one for name, one in value.items() if name != "subjects"}
    question = parse_question(context, rest | {"claim": {**value["claim"], "subject": lots[0]}})
    return Portfolio(question, tuple(lots))


def answer(context: Context, reader: Reader, value: Any) -> dict[str, Any]:
    """The answers for all lots of a portfolio.

    Raises what a claim about each lot raises, with a pointer to the lot at fault: NotFound, TooLarge, UnknownSubject;
    ClaimError, PackError; Unavailable when it takes too long.
    """
    portfolio = parse_portfolio(context, value)
    try:
        return _answer(context, reader, portfolio)
    except (ClaimError, PackError) as error:
        raise type(error)(error.message, pointer=f"/claim{error.pointer}", **error.values) from error


def _answer(context: Context, reader: Reader, portfolio: Portfolio) -> dict[str, Any]:
    question, go_on = portfolio.question, deadline(context)
    with context.store.reading() as conn:
        view = open_view(conn, context, reader)
        _check_lots(conn, view, portfolio.lots)
        gathering = _Gathering(conn, context, view, portfolio.lots)
        references = current_references(conn)
        found = {one.lot: one for one in _judge(gathering, portfolio, references, go_on)}
    table, claim = _Table(), question.claim.to_json()
    lots = [table.brief(found[lot]) for lot in portfolio.lots]
    return {
        "claim": {name: one for name, one in claim.items() if name != "subject"},
        "valid_as_of": question.valid_as_of,
        "known_as_of": question.known_as_of,
        "log": gathering.log(),
        "lots": lots,
        "findings": table.findings,
        "evidence": table.evidence,
    }


def _check_lots(conn: Connection, view: View, lots: Sequence[str]) -> None:
    view.require_somebody()
    found = find_subjects(conn, lots)
    for number, lot in enumerate(lots):
        known = found.get(lot)
        if known is None or known.kind != "lot" or not view.may_read_lot(known.num):
            raise NotFound(
                f"There is no lot '{lot}', or you may not see it: ask its custodian for a grant.",
                pointer=f"/subjects/{number}",
            )


def _judge(
    gathering: _Gathering, portfolio: Portfolio, references: References, go_on: Callable[[], None]
) -> Iterator[LotVerdict]:
    question = portfolio.question
    for lots in gathering.known.group(portfolio.lots):
        go_on()
        try:
            yield from judge_alike(
                question.claim,
                lots,
                gathering.evidence_of(lots[0]),
                question.packs,
                references,
                valid_as_of=question.valid_as_of,
                known_as_of=question.known_as_of,
                go_on=go_on,
            )
        except (ClaimError, PackError):
            raise
        except LedgerError as error:
            lot = error.values.get("subject", lots[0])
            number = portfolio.lots.index(lot) if lot in portfolio.lots else portfolio.lots.index(lots[0])
            error.pointer = f"/subjects/{number}"
            raise


class _Gathering:
    """What the bundles of all lots hold, read once."""

    def __init__(self, conn: Connection, context: Context, view: View, lots: Sequence[str]) -> None:
        self._origin, self._limit = context.origin, context.limits.bundle_records
        self._head: Head = require_head(conn)
        union, topics = collect_union(lots, context.origin, Rows(conn, MAX_RECORDS))
        self._entries: Mapping[int, bytes] = select_entries_at(conn, list(union))
        found = [EntryFound(index, entry) for index, entry in self._entries.items()]
        self._sight = Sight(view, found, known=union)
        self.known = Known(union.items())
        self.known.prepare(topics)
        self._numbers = {one.id: one.num for one in find_subjects(conn, _lots_in(union)).values()}

    def evidence_of(self, lot: str) -> Evidence:
        """The same that `claims.weigh` judges by. Raises TooLarge."""
        closure = collect_closure(lot, self._origin, self.known)
        if len(closure.records) > self._limit:
            raise TooLarge(
                "There are more records behind this than one bundle holds: "
                "ask for those of the lots that it was made from.",
                limit=self._limit,
                actual=len(closure.records),
            )
        sight = self._sight
        sight.readable = frozenset(self._numbers[one] for one in closure.lots if one in self._numbers)
        sight.measures = ()
        lists = closure.lists()
        sight.measures = find_measures(closure, lists, sight)
        seen = see(Gathered(self._head, closure, lists, self._entries, sight))
        shown = {one.index for one in seen}
        hidden = [record.id for index, record in closure.records.items() if index not in shown]
        return Evidence(lot, self._origin, seen, hidden, closure.lots, collected=True)

    def log(self) -> dict[str, Any]:
        """The head of the log that it was read at."""
        return {"origin": self._origin, "size": self._head.size, "root": format_b64url(self._head.root)}


def _lots_in(records: Mapping[int, Record]) -> set[str]:
    made = {"extract": "lots", "transform": "outputs"}
    return {one["id"] for record in records.values() if record.type in made for one in record.body[made[record.type]]}


@dataclass(slots=True)
class _Table:
    """Findings and lists of evidence, each once, however many lots have them."""

    findings: list[dict[str, Any]] = field(default_factory=list)
    evidence: list[tuple[str, ...]] = field(default_factory=list)
    _known: dict[int, tuple[Finding, int]] = field(default_factory=dict)
    _places: dict[tuple[str, str, str, int], int] = field(default_factory=dict)
    _lists: dict[tuple[str, ...], int] = field(default_factory=dict)

    def brief(self, verdict: LotVerdict) -> dict[str, Any]:
        """A lot's answer, how many findings there are of each outcome, and which of `findings` speak against it."""
        shown = [self._number(one) for one in verdict.findings if one.ruling.outcome in SHOWN]
        return {"subject": verdict.lot, "answer": verdict.answer.value, "counts": verdict.counts(), "findings": shown}

    def _number(self, finding: Finding) -> int:
        known = self._known.get(id(finding))  # kept with it, so that the number is of no other
        if known is None:
            ruling = finding.ruling
            evidence = self._lists.setdefault(ruling.evidence, len(self._lists))
            if evidence == len(self.evidence):
                self.evidence.append(ruling.evidence)
            told = finding.rule.id, ruling.outcome.value, ruling.sentence, evidence
            place = self._places.setdefault(told, len(self.findings))
            if place == len(self.findings):
                self.findings.append(dict(zip(("rule", "outcome", "sentence", "evidence"), told, strict=True)))
            known = self._known[id(finding)] = finding, place
        return known[1]
