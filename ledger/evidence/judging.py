"""Judging a claim from the records that a bundle shows, and checking a verdict by judging again.

The evidence of a verdict is what a bundle about the subject would have held at `known_as_of`, seen
as far as its reader may: `select_known` takes exactly that out of a bundle that may be newer, so
that records which came later or belong to others change nothing. Service and verifier call the
same functions and get the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from ledger.encoding import format_json, join_pointer, parse_b64url
from ledger.entry import parse_entry
from ledger.envelope import Record, parse_record
from ledger.errors import EncodingError, Incomplete, VerdictError
from ledger.evidence.bundle import Bundle, FullEntry
from ledger.evidence.closure import collect_closure
from ledger.evidence.coverage import lots_of
from ledger.evidence.known import Known
from ledger.log.checkpoint import Checkpoint
from ledger.rules.claim import Claim, parse_claim
from ledger.rules.engine import Judgement, decide
from ledger.rules.gather import ShownRecord, gather, logged_at
from ledger.rules.pack import Pack
from ledger.rules.portfolio_verdicts import LotVerdict, judge_siblings
from ledger.rules.reference.snapshot import References
from ledger.rules.siblings import gather_siblings
from ledger.rules.verdict import format_verdict
from ledger.rules.verdict_form import check_verdict

MOST_TOGETHER: Final = 50
"""Siblings judged together: with more, telling their ids apart costs more than is shared."""


class Evidence(NamedTuple):
    """What a bundle shows: records in log order whose signatures were checked, and ids of those by hash only.

    lots: that a site's or participant's bundle is about, with all upstream of them; unused for a lot;
    collected: the records are exactly those that `collect_closure` found, so that nothing has to be
    left out when all of them are known and none is hidden.
    """

    subject: str
    origin: str
    shown: Sequence[ShownRecord]
    hidden: Sequence[str]
    lots: Collection[str] | None = None
    collected: bool = False


@dataclass(frozen=True, slots=True)
class _Shown:
    index: int
    logged: int
    record: Record
    disclosures: tuple[str, ...]


def evidence_of(bundle: Bundle) -> Evidence:
    """The evidence that a bundle shows; verify the bundle first: nothing is authenticated here.

    Raises what `parse_entry` and `parse_record` raise.
    """
    shown, hidden = [], []
    for entry in bundle.entries:
        if isinstance(entry, FullEntry):
            logged, jws = parse_entry(entry.entry)
            shown.append(_Shown(entry.index, logged, parse_record(jws), entry.disclosures))
        else:
            hidden.append(entry.record)
    records = [one.record for one in shown]
    return Evidence(bundle.subject, bundle.origin, shown, hidden, lots_of(bundle, records))


def judge(
    claim: Claim,
    evidence: Evidence,
    packs: Mapping[str, Pack],
    references: References,
    *,
    valid_as_of: str,
    known_as_of: str,
    go_on: Callable[[], None] | None = None,
) -> Judgement:
    """The judgement on a claim about the evidence's subject. Raises as `gather` and `decide` do.

    go_on: called before each rule, may raise to stop.
    """
    shown, hidden = select_known(evidence, known_as_of)
    facts = gather(
        claim.subject, shown, hidden=hidden, lots=evidence.lots, known_as_of=known_as_of, valid_as_of=valid_as_of
    )
    return decide(claim, facts, packs, references, go_on=go_on)


def judge_alike(
    claim: Claim,
    lots: Sequence[str],
    evidence: Evidence,
    packs: Mapping[str, Pack],
    references: References,
    *,
    valid_as_of: str,
    known_as_of: str,
    go_on: Callable[[], None] | None = None,
) -> Iterator[LotVerdict]:
    """What `judge` finds for each of these lots, of which the evidence is that of the first; in no order.

    lots: that the same records move and speak of (`Known.group`), so that their bundles show the same records;
    claim: about any of them. Raises as `judge` does.
    """
    shown, hidden = select_known(evidence, known_as_of)
    for start in range(0, len(lots), MOST_TOGETHER):
        alone = part = lots[start : start + MOST_TOGETHER]
        if len(part) > 1:
            siblings = gather_siblings(part, shown, hidden=hidden, known_as_of=known_as_of, valid_as_of=valid_as_of)
            yield from judge_siblings(claim, siblings, packs, references, go_on=go_on)
            alone = siblings.others
        for lot in alone:
            facts = gather(lot, shown, hidden=hidden, known_as_of=known_as_of, valid_as_of=valid_as_of)
            yield LotVerdict.of(decide(replace(claim, subject=lot), facts, packs, references, go_on=go_on))


def select_known(evidence: Evidence, known_as_of: str) -> tuple[list[ShownRecord], list[str]]:
    """The records that the log held by then and that a lot's bundle needs, and the hidden ones they build on.

    For a site or participant, all that the log held by then.
    """
    known = [one for one in evidence.shown if logged_at(one) <= known_as_of]
    if evidence.collected and not evidence.hidden and len(known) == len(evidence.shown):
        return known, []
    reader = Known((one.index, one.record) for one in known)
    if reader.kinds([evidence.subject]).get(evidence.subject) == "lot":
        needed = collect_closure(evidence.subject, evidence.origin, reader).records
        known = [one for one in known if one.index in needed]
    built_on = {head for one in known for head in one.record.prev.values()}
    return known, [one for one in evidence.hidden if one in built_on]


def recompute(
    verdict: Mapping[str, Any], evidence: Evidence, packs: Iterable[Pack], references: References
) -> dict[str, Any]:
    """The verdict that follows from the evidence for the same claim, clocks, packs and snapshots.

    packs, references: at least those that the verdict names, found by digest. Raises Incomplete when
    one is not there, VerdictError when the verdict is not one about this subject and log, and what
    judging raises.
    """
    claim, checkpoint = _read(verdict, evidence)
    by_digest = {pack.digest: pack for pack in packs}
    chosen = {}
    for named in verdict["packs"]:
        if named["digest"] not in by_digest:
            raise Incomplete(
                f"The rule pack '{named['id']}' {named['version']} is not at hand: give the file with this digest.",
                pack=named["id"],
                digest=named["digest"],
            )
        chosen[named["id"]] = by_digest[named["digest"]]
    judgement = judge(
        claim,
        evidence,
        chosen,
        _as_named(verdict, references),
        valid_as_of=verdict["valid_as_of"],
        known_as_of=verdict["known_as_of"],
    )
    if max(one.index for one in judgement.facts.items.values()) >= checkpoint.size:
        raise VerdictError(
            "The verdict rests on records that the log which it names does not have.", pointer="/log/size"
        )
    return format_verdict(judgement, checkpoint)


def find_differences(given: Any, again: Any, pointer: str = "") -> list[str]:
    """JSON Pointers of all members in which two verdicts differ, in order."""
    if format_json([given]) == format_json([again]):
        return []
    if isinstance(given, dict) and isinstance(again, dict):
        names = sorted(given.keys() | again.keys())
        pairs = [(join_pointer(pointer, name), given.get(name), again.get(name)) for name in names]
    elif isinstance(given, list) and isinstance(again, list) and len(given) == len(again):
        pairs = [(f"{pointer}/{n}", one, other) for n, (one, other) in enumerate(zip(given, again, strict=True))]
    else:
        return [pointer]
    return [found for place, one, other in pairs for found in find_differences(one, other, place)]


def _read(verdict: Mapping[str, Any], evidence: Evidence) -> tuple[Claim, Checkpoint]:
    check_verdict(verdict)
    claim, log = parse_claim(verdict["claim"]), verdict["log"]
    try:
        checkpoint = Checkpoint(log["origin"], log["size"], parse_b64url(log["root"]))
    except EncodingError as error:
        raise VerdictError(error.message, pointer="/log/root") from error
    if claim.subject != evidence.subject or checkpoint.origin != evidence.origin:
        raise VerdictError(
            f"The verdict is about '{claim.subject}', this evidence about '{evidence.subject}'.",
            pointer="/claim/subject",
        )
    return claim, checkpoint


def _as_named(verdict: Mapping[str, Any], references: References) -> References:
    """Only the snapshots that the verdict names: others were not there, or not looked at."""
    at_hand = {(one.dataset, one.digest): one for one in references}
    chosen = []
    for named in verdict["references"]:
        snapshot = at_hand.get((named["dataset"], named["digest"]))
        if snapshot is None:
            raise Incomplete(
                f"The snapshot of '{named['dataset']}' of {named['published']} is not at hand: "
                "give the file with this digest.",
                dataset=named["dataset"],
                digest=named["digest"],
                published=named["published"],
            )
        chosen.append(snapshot)
    return References(chosen)
