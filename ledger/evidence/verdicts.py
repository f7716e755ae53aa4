"""The verdicts that a bundle carries: whose they are, and whether the bundle's own records lead to them again.

A verdict is checked by judging its claim again (`ledger.evidence.judging`) with the packs and the
reference snapshots that it names by digest. What is not at hand is named: then the verdict is
neither confirmed nor refuted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from ledger.encoding import format_b64url, join_pointer
from ledger.errors import Equivocation, Incomplete, LedgerError, OtherVerdict
from ledger.evidence.judging import Evidence, find_differences, recompute
from ledger.evidence.report import Notebook
from ledger.log.checkpoint import Checkpoint
from ledger.log.note import Verifier
from ledger.rules.pack import Pack
from ledger.rules.packs import read_packs
from ledger.rules.reference.snapshot import References
from ledger.rules.signed import SignedVerdict, open_verdict

MAX_DIFFERENCES: Final = 20
"""Pointers of one verdict that a report names."""


def check_verdicts(
    envelopes: Sequence[Any],
    evidence: Evidence,
    head: Checkpoint | None,
    book: Notebook,
    *,
    verifiers: Iterable[Verifier],
    packs: Iterable[Pack],
    references: References,
) -> list[dict[str, Any]]:
    """Check every verdict, write findings into the book under `verdicts`, and say what each one was found to be.

    head: of the bundle's checkpoint; verifiers: of its log; packs: beside those that ship with the
    project. The answer has id, claim, answer and `recomputed` (same, different or not) per verdict.
    """
    known = [*read_packs().values(), *packs] if envelopes else []
    keys = tuple(verifiers)
    told = []
    for number, envelope in enumerate(envelopes):
        pointer = f"/verdicts/{number}"
        try:
            signed = open_verdict(envelope, keys)
        except LedgerError as error:
            book.fault("verdicts", _at(error, pointer))
            continue
        result = _again(signed, evidence, head, book, pointer, known, references)
        verdict = signed.verdict
        told.append({"id": signed.id, "claim": verdict["claim"], "answer": verdict["answer"], "recomputed": result})
    count = len(envelopes)
    book.close(
        "verdicts",
        f"{'1 verdict follows' if count == 1 else f'{count} verdicts follow'} from this evidence."
        if count
        else "The bundle carries no verdict.",
    )
    return told


def _again(
    signed: SignedVerdict,
    evidence: Evidence,
    head: Checkpoint | None,
    book: Notebook,
    pointer: str,
    packs: Iterable[Pack],
    references: References,
) -> str:
    """`same`, `different` or `not` (recomputed)."""
    try:
        again = recompute(signed.verdict, evidence, packs, references)
        _check_head(signed.verdict["log"], head)
    except LedgerError as error:
        missing = isinstance(error, Incomplete)
        book.fault("verdicts", _at(error, pointer), missing=missing)
        return "not" if missing else "different"
    differences = find_differences(signed.verdict, again, join_pointer(pointer, "verdict"))
    if not differences:
        return "same"
    book.fault(
        "verdicts",
        OtherVerdict(
            f"From this evidence the answer is {again['answer']}, the verdict says {signed.verdict['answer']}: "
            f"they differ in {len(differences)} places, the first is {differences[0]}.",
            pointer=differences[0],
            given=signed.verdict["answer"],
            again=again["answer"],
            differences=differences[:MAX_DIFFERENCES],
        ),
    )
    return "different"


def _check_head(log: dict[str, Any], head: Checkpoint | None) -> None:
    """A verdict as of the bundle's own tree names its root; one from the future of the bundle can't be checked."""
    if head is None:
        raise Incomplete(
            "Without a checkpoint that is trusted no verdict can be placed in the log.", pointer="/verdict/log"
        )
    if log["size"] > head.size:
        raise Incomplete(
            f"The verdict is from a log of {log['size']} entries, this bundle from one of {head.size}: "
            "ask for a newer bundle.",
            pointer="/verdict/log/size",
        )
    if log["size"] == head.size and log["root"] != format_b64url(head.root):
        raise Equivocation("The verdict names another root for a log of this size.", pointer="/verdict/log/root")


def _at(error: LedgerError, pointer: str) -> LedgerError:
    """The same error, pointing into the bundle."""
    return type(error)(error.message, pointer=f"{pointer}{error.pointer}", **error.values)
