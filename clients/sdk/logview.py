"""The client's own view of the log: every checkpoint it is shown must be signed by the pinned key and extend the last.

A log that shows two clients, or one client at two times, histories that cannot both be true is caught here: the
consistency proof is computed from the log's public tiles, never taken from an answer. Two processes that write the
memory at once can only make it forget progress, never accept what contradicts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clients.sdk.errors import Misbehaviour, NotFound
from clients.sdk.store import MAX_NOTE, Store
from clients.sdk.transport import Transport
from ledger.errors import CheckpointError
from ledger.log.checkpoint import Checkpoint, check_extends, open_checkpoint
from ledger.log.merkle import plan_consistency, prove_consistency
from ledger.log.note import Verifier
from ledger.log.proof import check_receipt, parse_receipt
from ledger.log.tiles import TILE_BYTES, WIDTH, TileId, TileReader, plan_tiles, tile_path, tile_width

if TYPE_CHECKING:
    from ledger.rules.signed import SignedVerdict

HASH_BYTES = TILE_BYTES // WIDTH


class LogView:
    """Checkpoints and receipts of one log, checked against `verifier` and the memory in `store`."""

    def __init__(self, transport: Transport, origin: str, verifier: Verifier, store: Store) -> None:
        self.origin = origin
        self._transport = transport
        self._verifiers = (verifier,)
        self._store = store
        self._known: Checkpoint | None = None

    def remembered(self) -> Checkpoint | None:
        """The newest checkpoint that was verified, None before the first."""
        if self._known is None:
            note = self._store.read_checkpoint()
            self._known = None if note is None else open_checkpoint(note, self.origin, self._verifiers)
        return self._known

    def open_verdict(self, content: bytes) -> SignedVerdict:
        """A signed verdict of this log's service. Raises what `ledger.rules.signed.open_verdict` raises."""
        from ledger.rules.signed import open_verdict, parse_envelope  # brings the rules: 0.2 s that others need not pay

        return open_verdict(parse_envelope(content), self._verifiers)

    def observe(self, note: str) -> Checkpoint:
        """Verify a signed checkpoint and that it and the remembered one belong to one history; remember the newer.

        Raises what `open_checkpoint` raises, Equivocation, ProofError.
        """
        seen = open_checkpoint(note, self.origin, self._verifiers)
        known = self.remembered()
        if known == seen:
            return seen
        if known is not None:
            old, new = sorted((known, seen), key=lambda checkpoint: checkpoint.size)
            check_extends(old, new, self._prove(old.size, new.size))
        if known is None or seen.size > known.size:
            self._store.write_checkpoint(note)
            self._known = seen
        return seen

    def check(self, entry: str, receipt: str) -> Checkpoint:
        """Verify that the log holds `entry` (`<ms> <jws>`), and observe the receipt's checkpoint."""
        checkpoint = check_receipt(entry.encode("ascii"), receipt, self.origin, self._verifiers)
        self.observe(parse_receipt(receipt).checkpoint)
        return checkpoint

    def latest(self) -> Checkpoint:
        """The log's current checkpoint; Misbehaviour when it is older than the remembered one."""
        seen = self.observe(self._transport.send("GET", "/log/checkpoint", limit=MAX_NOTE).text)
        known = self.remembered()
        if known is not None and seen.size < known.size:
            raise Misbehaviour(
                f"The log shows an older state (size {seen.size}) than before ({known.size}): keep both and ask why.",
                size=seen.size,
                remembered=known.size,
            )
        return seen

    def _prove(self, old: int, new: int) -> list[bytes]:
        if not 0 < old < new:
            return []
        tiles = {tile: self._read_tile(tile, new) for tile in plan_tiles(plan_consistency(old, new))}
        return prove_consistency(old, new, TileReader(tiles))

    def _read_tile(self, tile: TileId, size: int) -> bytes:
        """The tile at its width in a tree of `size`; once it is full the log may offer the full one only."""
        width = tile_width(*tile, size)
        if width == 0:
            raise CheckpointError("A tile is asked for that the tree does not have.", size=size)
        try:
            return self._get(tile_path(*tile, width))
        except NotFound:
            if width == WIDTH:
                raise
            return self._get(tile_path(*tile))[: width * HASH_BYTES]

    def _get(self, path: str) -> bytes:
        return self._transport.send("GET", f"/log/{path}", limit=TILE_BYTES).content
