"""Claims and verdicts: a claim is judged from exactly what the reader's own bundle would show.

So the reader can have the same verdict recomputed offline, from the bundle, byte for byte
(`ledger.evidence.judging`). Verdicts are signed by the service's verifier key, which the log's key
certifies, and kept until something that they were made from is erased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ledger.encoding import format_time, join_pointer, parse_time
from ledger.entry import parse_entry
from ledger.envelope import Record
from ledger.errors import ClaimError, EncodingError, PackError
from ledger.evidence.judging import Evidence, judge
from ledger.log.checkpoint import Checkpoint
from ledger.rules.claim import OWN_PACK, Claim, parse_claim
from ledger.rules.engine import Judgement
from ledger.rules.pack import Pack, index_packs, parse_pack
from ledger.rules.risk import assess_risk
from ledger.rules.signed import seal_verdict
from ledger.rules.verdict import format_verdict
from service.errors import Unavailable
from service.storage.read_records import read_disclosures
from service.storage.read_subjects import find_subject
from service.storage.verdicts import VerdictFound, add_verdict
from service.usecases.access import open_view
from service.usecases.bundle import Gathered, gather_evidence
from service.usecases.context import Context
from service.usecases.policy import Reader
from service.usecases.reference import current_references

MAX_OWN_PACKS: Final = 5
ATTEMPTS: Final = 3
"""How often a claim is judged when something that it rests on is erased meanwhile."""
_MEMBERS: Final = frozenset({"claim", "valid_as_of", "known_as_of", "packs"})


@dataclass(frozen=True, slots=True)
class Question:
    """A claim to be judged, both clocks as RFC 3339 times, and the packs to judge by."""

    claim: Claim
    valid_as_of: str
    known_as_of: str
    packs: Mapping[str, Pack]


@dataclass(frozen=True, slots=True)
class Seen:
    """A record that the reader may read, as `ledger.rules.gather` takes it."""

    index: int
    logged: int
    record: Record
    disclosures: tuple[str, ...]


class Weighed(NamedTuple):
    """A judgement, the head of the log that it was made at, and the records that disclosed anything to it."""

    judgement: Judgement
    head: Checkpoint
    disclosing: list[Seen]


def parse_question(context: Context, value: Any) -> Question:
    """What `POST /v1/claims` is sent: {claim, valid_as_of?, known_as_of?, packs?: [TOML text]}.

    Raises ClaimError and PackError with a pointer to the member at fault.
    """
    if not isinstance(value, dict) or "claim" not in value:
        raise ClaimError("Send a JSON object with the member 'claim'.", pointer="/claim")
    for name in sorted(value.keys() - _MEMBERS):
        raise ClaimError(f"There is no member '{name[:60]}' here.", pointer=join_pointer("", name[:60]))
    try:
        claim = parse_claim(value["claim"])
    except ClaimError as error:
        raise ClaimError(error.message, pointer=f"/claim{error.pointer}") from error
    now = context.now()
    known = _moment(value.get("known_as_of"), "/known_as_of", now)
    valid = _moment(value.get("valid_as_of"), "/valid_as_of", now)
    return Question(claim, valid, known, _packs(context, value.get("packs", [])))


def _moment(value: Any, pointer: str, now: int) -> str:
    """A time, or the end of a day, that is not in the future; now without one."""
    if value is None:
        return format_time(now)
    text = f"{value}T23:59:59Z" if isinstance(value, str) and len(value) == len("2026-01-01") else value
    try:
        moment = parse_time(text) if isinstance(text, str) else -1
    except EncodingError:
        moment = -1
    if moment < 0:
        raise ClaimError("Give a day (2026-03-31) or a time (2026-03-31T12:00:00Z).", pointer=pointer)
    if moment > now and not value == format_time(now)[:10]:
        raise ClaimError("What will be known then cannot be judged now: give a day up to today.", pointer=pointer)
    return format_time(min(moment, now))


def _packs(context: Context, texts: Any) -> Mapping[str, Pack]:
    if not isinstance(texts, list) or len(texts) > MAX_OWN_PACKS or not all(isinstance(one, str) for one in texts):
        raise PackError(f"'packs' is a list of at most {MAX_OWN_PACKS} TOML texts.", pointer="/packs")
    own = []
    for number, text in enumerate(texts):
        try:
            own.append(parse_pack(text.encode("utf-8", "surrogatepass")))
        except PackError as error:
            raise PackError(error.message, pointer=f"/packs/{number}{error.pointer}", **error.values) from error
    try:
        return index_packs([*context.verifier.packs.values(), *own]) if own else context.verifier.packs
    except PackError as error:
        raise PackError(error.message, pointer="/packs", **error.values) from error


def answer(context: Context, reader: Reader, value: Any) -> tuple[bytes, str, bool]:
    """The signed verdict on a question as canonical JSON, its id, and whether it is new. Raises as the two below."""
    question = parse_question(context, value)
    try:
        return judge_claim(context, reader, question)
    except (ClaimError, PackError) as error:
        raise type(error)(error.message, pointer=f"/claim{error.pointer}", **error.values) from error


def judge_claim(context: Context, reader: Reader, question: Question) -> tuple[bytes, str, bool]:
    """The same for a question: the same one on the same evidence is answered once.

    What is erased between reading and storing is neither kept nor told: then the claim is judged again.

    Raises NotFound, Forbidden, TooLarge; ClaimError, PackError, UnknownSubject; Unavailable when there is no end
    to erasing, or when it takes too long.
    """
    for _ in range(ATTEMPTS):
        judged = weigh(context, reader, question)
        verdict = format_verdict(judged.judgement, judged.head)
        data, identity = seal_verdict(verdict, context.verifier.key, context.verifier.certificate)
        new = _store(context, reader, verdict, identity, data, judged.disclosing)
        if new is not None:
            return data, identity, new
    raise Unavailable("What this rests on is being erased: ask again.", retry_after=1)


def assess(context: Context, reader: Reader, subject: str) -> dict[str, Any]:
    """The risk of a lot, site or participant by area, from all rules of all packs. Raises as `judge_claim`."""
    now = format_time(context.now())
    packs = context.verifier.packs
    claim = parse_claim({"type": "conduct", "subject": subject, "packs": [one for one in packs if one != OWN_PACK]})
    return assess_risk(weigh(context, reader, Question(claim, now, now, packs)).judgement)


def weigh(context: Context, reader: Reader, question: Question) -> Weighed:
    """The judgement on a claim, from what the reader's bundle of its subject would show now."""
    subject, go_on = question.claim.subject, deadline(context)
    with context.store.reading() as conn:
        view = open_view(conn, context, reader)
        known = find_subject(conn, subject)
        kind = known.kind if known is not None and known.kind != "log" else "lot"
        gathered = gather_evidence(conn, context, view, subject, kind=kind)
        seen = see(gathered)
        shown = {one.index for one in seen}
        hidden = [record.id for index, record in gathered.closure.records.items() if index not in shown]
        judgement = judge(
            question.claim,
            Evidence(subject, context.origin, seen, hidden, gathered.closure.lots, collected=True),
            question.packs,
            current_references(conn),
            valid_as_of=question.valid_as_of,
            known_as_of=question.known_as_of,
            go_on=go_on,
        )
    head = Checkpoint(context.origin, gathered.head.size, gathered.head.root)
    return Weighed(judgement, head, [one for one in seen if one.disclosures])


def deadline(context: Context) -> Callable[[], None]:
    """What stops the work, between two rules, that nobody waits for any more."""
    end = context.clock() + context.limits.request_seconds

    def go_on() -> None:
        if context.clock() > end:
            raise Unavailable("This took too long: ask for less, or try again.", retry_after=5)

    return go_on


def see(gathered: Gathered) -> list[Seen]:
    """The records of the bundle that the reader may read, with their disclosures, in log order."""
    seen = []
    for index, record in gathered.closure.records.items():
        if gathered.sight.may_read(index):
            logged = parse_entry(gathered.entries[index])[0]
            seen.append(Seen(index, logged, record, tuple(gathered.sight.disclosures(index))))
    return seen


def _store(
    context: Context, reader: Reader, verdict: dict[str, Any], identity: str, data: bytes, disclosing: list[Seen]
) -> bool | None:
    """Keep the verdict: whether it is new, None when anything that was disclosed to it was erased since.

    Erasures and this exclude each other as writes do, so that either sees the other.
    """
    subject, answer = verdict["claim"]["subject"], verdict["answer"]
    row = VerdictFound(identity, subject, reader.participant, answer, context.now(), data.decode())
    with context.store.writing() as conn:
        held = read_disclosures(conn, [one.index for one in disclosing])
        if any(not set(one.disclosures) <= {*held.get(one.index, {}).values()} for one in disclosing):
            return None
        return add_verdict(conn, row, [one.record.id for one in disclosing])
