"""Growing the log: which tiles a batch of entries writes, and the root that follows. Pure: nothing is stored here.

`plan_batch` works from the right edge of the tree, so its cost depends on the batch and not on the log. `check_step`
is asked after the tiles were stored and before the checkpoint is signed: it computes everything again, from what was
read back, in another way, and ends with the verifier that auditors use. Transactions, clocks and keys are left to
others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from ledger.errors import ProofError, TileError
from ledger.log import merkle
from ledger.log.merkle import EMPTY_ROOT, HASH_SIZE, Node
from ledger.log.tiles import EMPTY_ROWS, HEIGHT, TILE_BYTES, WIDTH, TileId, check_entry, check_tile, extend_rows

Rows = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: all that is needed to append to it.

    size: number of leaves; root: 32 bytes; rows: for each tile level from 0 the partial tile at its end as eight rows
    of complete subtrees (row 0 is the tile itself, "" where it is full or empty).
    """

    size: int
    root: bytes
    rows: tuple[Rows, ...] = field(repr=False)

    @classmethod
    def empty(cls) -> Edge:
        """The edge of a log without entries."""
        return cls(0, EMPTY_ROOT, ())

    @classmethod
    def restore(cls, size: int, tiles: Mapping[TileId, bytes]) -> Edge:
        """The edge of a stored log, from the tiles of `plan_edge(size)`, exactly as wide as the size says.

        Raises TileError for a missing tile or another width. Compare `.root` with the signed checkpoint.
        """
        rows = []
        for level, count in enumerate(_counts(size)):
            width = count % WIDTH
            tile = tiles.get((level, count // WIDTH), b"") if width else b""
            rows.append(tuple(extend_rows(EMPTY_ROWS, check_tile(tile, width))[:HEIGHT]))
        return cls(size, _bag(_peaks(size, rows)), tuple(rows))

    def peaks(self) -> list[bytes]:
        """The hashes of the complete subtrees that make up the tree, left (largest) to right."""
        return _peaks(self.size, self.rows)


def plan_edge(size: int) -> list[TileId]:
    """The partial tiles, each (level, n), that `Edge.restore` needs."""
    return [(level, count // WIDTH) for level, count in enumerate(_counts(size)) if count % WIDTH]


@dataclass(frozen=True, slots=True)
class Batch:
    """A planned step. Store `tiles`, then `check_step`, then sign (edge.size, edge.root).

    old, edge: before and after; leaf_hashes: of the new entries, the first at index old.size; tiles: (level, n) ->
    hashes of every tile that is new or wider than before.
    """

    old: Edge
    edge: Edge
    leaf_hashes: tuple[bytes, ...] = field(repr=False)
    tiles: dict[TileId, bytes] = field(repr=False)
    _runs: tuple[tuple[int, Sequence[bytes]], ...] = field(repr=False)  # per tile level: first tile, rows from there

    def read(self, nodes: Sequence[Node]) -> list[bytes]:
        """Node hashes for proofs about the new entries and about the step; raises TileError for others."""
        return [self._node(level, index) for level, index in nodes]

    def prove_inclusion(self, index: int) -> list[bytes]:
        """The inclusion proof of one of the new entries in the new tree."""
        return merkle.prove_inclusion(index, self.edge.size, self.read)

    def _node(self, level: int, index: int) -> bytes:
        tile_level, up = divmod(level, HEIGHT)
        if tile_level < len(self._runs):
            first, rows = self._runs[tile_level]
            at = (index - (first << HEIGHT - up)) * HASH_SIZE
            if at >= 0 and len(found := rows[up][at : at + HASH_SIZE]) == HASH_SIZE:
                return found
        raise TileError("This hash does not lie at the right edge: read it from the tiles.", level=level, index=index)


def plan_batch(edge: Edge, entries: Sequence[bytes]) -> Batch:
    """Append entries to the tree; nothing is stored or changed. Raises TooLarge for an entry over 65535 bytes."""
    for entry in entries:
        check_entry(entry)
    # SHA-256(0x00 || entry), RFC 6962 section 2.1
    leaf_hashes = [sha256(b"\x00" + entry).digest() for entry in entries]
    tiles: dict[TileId, bytes] = {}
    runs: list[tuple[int, Sequence[bytes]]] = []
    rows: list[Rows] = []
    more = b"".join(leaf_hashes)
    for level, count in enumerate(_counts(edge.size + len(entries))):
        known = edge.rows[level] if level < len(edge.rows) else EMPTY_ROWS
        first = (edge.size >> HEIGHT * level) // WIDTH
        run = extend_rows(known, more)
        full = len(run[0]) // TILE_BYTES
        if more:
            for n in range(first, -(-count // WIDTH)):
                tiles[level, n] = run[0][(n - first) * TILE_BYTES : (n - first + 1) * TILE_BYTES]
        runs.append((first, run))
        rows.append(tuple(row[full * (TILE_BYTES >> k) :] for k, row in enumerate(run[:HEIGHT])))
        more = run[HEIGHT]
    size = edge.size + len(entries)
    return Batch(edge, Edge(size, _bag(_peaks(size, rows)), tuple(rows)), tuple(leaf_hashes), tiles, tuple(runs))


def check_step(batch: Batch, entries: Sequence[bytes], tiles: Mapping[TileId, bytes]) -> None:
    """Check a stored batch before its checkpoint is signed; raises ProofError, upon which nothing may be signed.

    entries: the new entries as read back from the store; tiles: at least those of `batch.tiles`, as read back.
    1. the entries are as many as planned; 2. the stored tiles are what these entries and the old edge give, level by
    level, and hash up to the new edge; 3. the new root follows from the old peaks and these entries; 4. the auditors'
    verifier agrees.
    """
    old, new = batch.old, batch.edge
    if len(entries) != new.size - old.size:
        raise ProofError("Another number of entries was stored than was planned: do not sign.")
    leaf_hashes = [merkle.leaf_hash(entry) for entry in entries]
    _check_tiles(old, new, leaf_hashes, tiles)
    peaks = _append(old, leaf_hashes)
    if _bag(old.peaks()) != old.root or peaks != new.peaks() or _bag(peaks) != new.root:
        raise ProofError("The root computed again from the stored entries is another one: do not sign.")
    if old.size:
        proof = merkle.prove_consistency(old.size, new.size, batch.read)
        merkle.check_consistency(old.size, new.size, proof, old.root, new.root)


def _check_tiles(old: Edge, new: Edge, leaf_hashes: list[bytes], tiles: Mapping[TileId, bytes]) -> None:
    level, more = 0, b"".join(leaf_hashes)
    while more:
        expected = (old.rows[level][0] if level < len(old.rows) else b"") + more
        first = (old.size >> HEIGHT * level) // WIDTH
        more, top = b"", b""
        for at in range(0, len(expected), TILE_BYTES):
            tile = expected[at : at + TILE_BYTES]
            if tiles.get((level, first + at // TILE_BYTES)) != tile:
                raise ProofError("A stored tile does not hold what its entries give: do not sign.", level=level)
            *rows, top = extend_rows(EMPTY_ROWS, tile)
            more += top
        if tuple(EMPTY_ROWS if top else rows) != new.rows[level]:
            raise ProofError("A stored tile does not hash up to the planned edge: do not sign.", level=level)
        level += 1


def _append(old: Edge, leaf_hashes: list[bytes]) -> list[bytes]:
    """The peaks after appending one leaf at a time: every set bit that a size loses is one merge."""
    peaks, size = old.peaks(), old.size
    for leaf in leaf_hashes:
        merged, carry = leaf, size
        while carry & 1:
            merged, carry = merkle.node_hash(peaks.pop(), merged), carry >> 1
        peaks.append(merged)
        size += 1
    return peaks


def _counts(size: int) -> list[int]:
    """How many hashes each tile level has in a tree of `size` leaves, from level 0 up."""
    return [size >> shift for shift in range(0, size.bit_length(), HEIGHT)]


def _peaks(size: int, rows: Sequence[Rows]) -> list[bytes]:
    # A set bit k of the size is a complete subtree of height k: the last hash of its row, as the row is odd there.
    bits = [k for k in range(size.bit_length() - 1, -1, -1) if size >> k & 1]
    return [rows[k // HEIGHT][k % HEIGHT][-HASH_SIZE:] for k in bits]


def _bag(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for left in reversed(peaks[:-1]):
        root = merkle.node_hash(left, root)
    return root
