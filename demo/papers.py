"""Papers: what authorities, laboratories, auditors and companies attest, signed by each and sent in one batch each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clients.sdk import events
from demo.shapes import Json
from ledger.errors import LedgerError

if TYPE_CHECKING:
    from demo.actor import Actor
    from demo.stage import Stage

PAPER_DIGEST = "5d" * 32
"""Stands for the SHA-256 of a scanned paper."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A record to be signed by an actor. what: it in a few words; reveal: members left in plain."""

    by: Actor
    event: events.Event
    what: str
    reveal: Sequence[str] = ("*",)

    @property
    def kind(self) -> str:
        """Type, or kind of an attestation."""
        return str(self.event.body.get("kind", self.event.type)) if self.event.type == "attest" else self.event.type


def attested(
    stage: Stage, by: str, day: str, kind: str, about: Iterable[str], what: str, /,
    *, reveal: Sequence[str] = ("*",), more: Json | None = None, **statement: Any,
) -> Paper:  # fmt: skip
    """An attestation to be. more: members of the body beside the statement."""
    names = {"start": "from", "end": "to"} if kind == "nil_declaration" else {}
    filled = {names.get(name, name): value for name, value in statement.items()}
    body = {"kind": kind, "about": stage.about(*about), "statement": filled, **(more or {})}
    return Paper(stage[by], events.attest(day, **body), what, reveal)


def file_papers(stage: Stage, papers: Sequence[Paper]) -> list[str]:
    """Sign each paper, send one batch per signer, tell them in groups; their record ids in the order given."""
    ids: dict[int, str] = {}
    by_signer: dict[str, list[int]] = {}
    for number, paper in enumerate(papers):
        by_signer.setdefault(paper.by.id, []).append(number)
    for numbers in by_signer.values():
        actor = papers[numbers[0]].by
        signed = [actor.client.sign(papers[n].event, find_head=actor.head, reveal=papers[n].reveal) for n in numbers]
        result = actor.client.submit_batch([one.text for one in signed], atomic=True)
        for number, one, outcome in zip(numbers, signed, result.outcomes, strict=True):
            if outcome.accepted is None:
                raise outcome.error or LedgerError(f"A paper was not taken: {papers[number].what}")
            ids[number] = outcome.accepted.id
            moved = events.moved(one.record.payload)
            stage.heads.update(dict.fromkeys(moved, outcome.accepted.id))
        _tell(stage, actor, [papers[n] for n in numbers], [ids[n] for n in numbers])
    return [ids[number] for number in range(len(papers))]


def _tell(stage: Stage, actor: Actor, papers: Sequence[Paper], ids: Sequence[str]) -> None:
    """One line per kind of paper of a signer: the first record, how many, about what."""
    kinds: dict[str, list[int]] = {}
    for number, paper in enumerate(papers):
        kinds.setdefault(paper.kind, []).append(number)
    for kind, numbers in kinds.items():
        words = list(dict.fromkeys(papers[n].what for n in numbers))
        shown = ", ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "")
        stage.narrator.papers(ids[numbers[0]], kind, len(numbers), actor.role.name, shown)
