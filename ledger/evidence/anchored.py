"""The step `anchors` of a verification or an audit: every anchor that it is shown, against the log and its claims.

1. form         the evidence is `lodeline-anchor/1`
2. evidence     header, contract, code and head hold (`ledger.evidence.anchor`), at a place that the reader accepts
3. consistency  what was anchored and the checkpoint at hand are of one log
4. nodes        every node that was asked, by the caller, has this block as the canonical one
5. times        nothing that a final anchor covers claims to have been logged after the anchor's block

A checkpoint that the log signed and that somebody kept outside it is an anchor too, without a chain: step 3 alone.
Without the extra `anchor` nothing can be said of anchors, and that is said. Without nodes the report names what is
left to trust.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.encoding import format_time
from ledger.errors import Equivocation, FalseAnchor, FalseTime, Incomplete, LedgerError
from ledger.evidence.anchor import Anchor, check_anchor, check_same_log, read_anchor, remaining_trust
from ledger.evidence.report import Notebook
from ledger.log.checkpoint import Checkpoint, check_extends, open_checkpoint
from ledger.log.note import Verifier

CHECK = "anchors"
NONE_SHOWN = "No anchor was shown."
SKEW = 300
"""Seconds by which the clocks of a log and of a chain may differ."""


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """What one node said of one block. node: its URL; chain: the id it gave; hash: of its canonical block of this
    number, b"" for none; final: whether it counts as final there; problem: why there is no answer, or ""."""

    node: str
    chain: int
    number: int
    hash: bytes
    final: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the reader expects anchors: pairs of chain id and contract (20 bytes); empty accepts any."""

    pairs: Collection[tuple[int, bytes]] = ()

    def check(self, anchor: Anchor, origin: str) -> None:
        """Steps 1 to 5 of `check_anchor` at one of these places. Raises FalseAnchor."""
        chains = {chain for chain, _ in self.pairs}
        contracts = {contract for chain, contract in self.pairs if chain == anchor.chain}
        check_anchor(anchor, origin, chains=chains, contracts=contracts)


@dataclass(slots=True)
class AnchorStep:
    """One run of the step. origin: of the log at hand; nodes: answers for the blocks of all anchors.

    bounds: (size, time) of every final anchor: what it covers was logged by then; kept: signed checkpoints that were
    shown; without: what the report says when nothing was shown.
    """

    book: Notebook
    origin: str
    places: Places = field(default_factory=Places)
    nodes: Sequence[NodeAnswer] = ()
    anchors: list[Anchor] = field(default_factory=list)
    bounds: list[tuple[int, int]] = field(default_factory=list)
    kept: list[Checkpoint] = field(default_factory=list)
    shown: int = 0
    without: str = NONE_SHOWN

    def take(self, values: Iterable[Any]) -> list[Anchor]:
        """Steps 1, 2 and 4 for anchors as JSON values; those that hold."""
        for value in values:
            self.shown += 1
            try:
                anchor = read_anchor(value)
                self.places.check(anchor, self.origin)
                self._ask(anchor)
            except ImportError:
                error = Incomplete("Anchors cannot be checked here: install `lodeline[anchor]`.")
                self.book.fault(CHECK, error, missing=True)
            except LedgerError as error:
                self.book.fault(CHECK, error, missing=isinstance(error, Incomplete))
            else:
                self.anchors.append(anchor)
                if self.is_final(anchor):
                    self.bounds.append((anchor.head.size, anchor.head.time))
        return self.anchors

    def take_kept(self, notes: Iterable[bytes], verifiers: Collection[Verifier]) -> list[Checkpoint]:
        """Checkpoints that were kept outside the log, as signed notes; those that the log itself signed."""
        for note in notes:
            self.shown += 1
            try:
                self.kept.append(open_checkpoint(note, self.origin, verifiers))
            except LedgerError as error:
                self.book.fault(CHECK, error)
        return self.kept

    def relate_kept(self, kept: Checkpoint, checkpoint: Checkpoint, proof: Sequence[bytes]) -> None:
        """Step 3 for a signed checkpoint that is not larger than the one at hand."""
        try:
            check_extends(kept, checkpoint, proof)
        except LedgerError as error:
            told = "The log does not extend a checkpoint that it signed and that was kept elsewhere: keep both, "
            told += f"they are signed proof. {error.message}"
            self.book.fault(CHECK, Equivocation(told, anchored=kept.size, size=checkpoint.size))

    def relate(self, anchor: Anchor, checkpoint: Checkpoint, proof: Sequence[bytes]) -> None:
        """Step 3."""
        try:
            check_same_log(anchor, checkpoint, proof)
        except LedgerError as error:
            self.book.fault(CHECK, error)

    def see(self, index: int, logged: int, record: str) -> None:
        """Step 5 for one entry. logged: milliseconds, as the log claims."""
        for size, time in self.bounds:
            if index < size and logged > (time + SKEW) * 1000:
                error = FalseTime(
                    f"The log claims to have taken this entry at {format_time(logged // 1000)}; a final block of "
                    f"{format_time(time)} covers it already.",
                    claimed=logged // 1000,
                    anchored=time,
                )
                self.book.fault(CHECK, error, index=index, record=record)
                return

    def finish(self, indexes: Collection[int]) -> list[dict[str, Any]]:
        """Close the step. indexes: of the entries at hand; what the report says of each anchor that holds."""
        if not self.shown:
            self.book.close(CHECK, self.without)
            return []
        told = [self._tell(anchor, indexes) for anchor in self.anchors]
        newest = max(self.anchors, key=lambda one: one.head.size, default=None)
        if newest is not None:
            covered = sum(index < newest.head.size for index in indexes)
            hold = "1 anchor holds" if len(told) == 1 else f"{len(told)} anchors hold"
            self.book.close(
                CHECK,
                f"{hold}: {covered} of {len(indexes)} entries existed by "
                f"{format_time(newest.head.time)} ({self._state(newest)}). {self._trust(newest)}{self._also()}",
            )
        elif self.kept:
            self.book.close(CHECK, self._also().lstrip())
        return told

    def _also(self) -> str:
        count = len(self.kept)
        return f" The log extends {count} signed checkpoints that were kept outside it." if count else ""

    def is_final(self, anchor: Anchor) -> bool:
        """As the nodes say, or without any who took the evidence."""
        answers = self._answers(anchor)
        return all(one.final for one in answers) if answers else anchor.finality.state == "final"

    def _answers(self, anchor: Anchor) -> list[NodeAnswer]:
        number = _number(anchor)
        return [one for one in self.nodes if one.number == number and one.chain == anchor.chain and not one.problem]

    def _ask(self, anchor: Anchor) -> None:
        """Step 4. Raises FalseAnchor for a node with another block, Incomplete when there is none of this chain."""
        number = _number(anchor)
        asked = [one for one in self.nodes if one.number == number]
        for one in asked:
            if one.problem:
                raise Incomplete(f"The node {one.node} did not answer: {one.problem}.", node=one.node)
        answers = self._answers(anchor)
        if asked and not answers:
            raise Incomplete(
                f"None of the nodes follows chain {anchor.chain}: name one with --rpc.", chain=anchor.chain
            )
        for one in answers:
            if one.hash != anchor.block:
                raise FalseAnchor(
                    f"For the node {one.node} another block {number} is canonical on chain {anchor.chain}.",
                    reason="canonical",
                    node=one.node,
                )

    def _state(self, anchor: Anchor) -> str:
        if self.is_final(anchor):
            return "final"
        return f"mined, {anchor.finality.confirmations} confirmations"

    def _trust(self, anchor: Anchor) -> str:
        answers = self._answers(anchor)
        if not answers:
            return remaining_trust(anchor)
        names = ", ".join(one.node for one in answers)
        return f"Block {_number(anchor)} is canonical on chain {anchor.chain}, says {names}."

    def _tell(self, anchor: Anchor, indexes: Collection[int]) -> dict[str, Any]:
        return {
            "chain": anchor.chain,
            "contract": "0x" + anchor.contract.hex(),
            "size": anchor.head.size,
            "time": format_time(anchor.head.time),
            "block": {"number": _number(anchor), "hash": "0x" + anchor.block.hex()},
            "mode": anchor.head.mode,
            "state": "final" if self.is_final(anchor) else "mined",
            "confirmations": anchor.finality.confirmations,
            "covers": sum(index < anchor.head.size for index in indexes),
            "nodes": [one.node for one in self._answers(anchor)],
            "trust": self._trust(anchor),
        }


def _number(anchor: Anchor) -> int:
    from ledger.evidence.patricia import parse_header

    return parse_header(anchor.header).number
