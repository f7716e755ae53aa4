"""Growing the log: every batching gives the same tree, and a step that was stored wrongly is not signed."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.errors import ProofError, TileError, TooLarge
from ledger.log import merkle, rfc9162, tiles
from ledger.log.sequence import Batch, Edge, check_step, plan_batch, plan_edge
from tests.ledger.log.trees import entry, leaf, root
from tests.support.vectors import load_vector

Tiles = dict[tuple[int, int], bytes]
BORDERS = [0, 1, 2, 3, 200, 255, 256, 257, 300, 511, 512, 600, 65_535, 65_536, 65_537, 66_000]


def entries(start: int, end: int) -> list[bytes]:
    return [entry(i) for i in range(start, end)]


@pytest.fixture(scope="module")
def edges() -> dict[int, tuple[Edge, Tiles]]:
    """The edge and all tiles of the log at each of BORDERS."""
    edge, stored = Edge.empty(), Tiles()
    found = {0: (edge, stored)}
    for start, end in pairwise(BORDERS):
        batch = plan_batch(edge, entries(start, end))
        edge, stored = batch.edge, stored | batch.tiles
        found[end] = edge, stored
    return found


# ---- sweep ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [*range(0, 65, 3), 64])
def test_every_small_step_proves_itself(old: int) -> None:
    start = plan_batch(Edge.empty(), entries(0, old)).edge
    assert start.root == root(old)
    for new in range(old, 65):
        batch = plan_batch(start, entries(old, new))
        assert (batch.edge.size, batch.edge.root) == (new, root(new))
        assert batch.leaf_hashes == tuple(leaf(i) for i in range(old, new))
        check_step(batch, entries(old, new), batch.tiles)
        for index in range(old, new):
            merkle.check_inclusion(leaf(index), index, new, batch.prove_inclusion(index), root(new))
        if old:
            proof = merkle.prove_consistency(old, new, batch.read)
            rfc9162.check_consistency(old, new, proof, root(old), root(new))


@pytest.mark.parametrize("old", BORDERS)
@pytest.mark.parametrize("more", [0, 1, 2, 255, 256, 257, 1024])
def test_steps_over_the_borders_of_tiles(old: int, more: int, edges: Any) -> None:
    edge, stored = edges[old]
    batch = plan_batch(edge, entries(old, old + more))
    written = stored | batch.tiles
    assert batch.edge.root == root(old + more)
    assert Edge.restore(old + more, written) == batch.edge
    assert {(level, n) for level, n, _ in tiles.list_tiles(old, old + more) if level >= 0} == batch.tiles.keys()
    assert all(len(written[level, n]) == 32 * w for level, n, w in tiles.list_tiles(0, old + more) if level >= 0)
    check_step(batch, entries(old, old + more), batch.tiles)
    assert merkle.compute_root(old + more, tiles.TileReader(written)) == root(old + more)
    for index in {old, old + more // 2, old + more - 1} if more else set():
        proof = batch.prove_inclusion(index)
        assert proof == merkle.prove_inclusion(index, old + more, tiles.TileReader(written))
        merkle.check_inclusion(leaf(index), index, old + more, proof, root(old + more))


def test_roots_and_proofs_of_a_log_of_70000() -> None:
    vector = load_vector("log", "decimal-70000.json")
    for size, expected in vector["roots"].items():
        assert plan_batch(Edge.empty(), entries(0, int(size))).edge.root.hex() == expected


def test_the_empty_log() -> None:
    assert Edge.empty() == Edge.restore(0, {}) == plan_batch(Edge.empty(), []).edge
    assert Edge.empty().root == merkle.EMPTY_ROOT
    assert (Edge.empty().peaks(), plan_edge(0)) == ([], [])
    check_step(plan_batch(Edge.empty(), []), [], {})


# ---- edges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", BORDERS)
def test_an_edge_needs_its_partial_tiles_only(size: int, edges: Any) -> None:
    edge, stored = edges[size]
    needed = plan_edge(size)
    assert Edge.restore(size, {tile: stored[tile] for tile in needed}) == edge
    for tile in needed:
        for bad in (None, b"", stored[tile][:-32], stored[tile][:-1], stored[tile] + leaf(0)):
            changed = {**stored, tile: bad}
            if bad is None:
                del changed[tile]
            with pytest.raises(TileError):
                Edge.restore(size, changed)
        flipped = bytes([stored[tile][0] ^ 1]) + stored[tile][1:]
        assert Edge.restore(size, {**stored, tile: flipped}).root != edge.root
    assert sum(1 << k for k in range(64) if size >> k & 1) == size
    assert len(edge.peaks()) == size.bit_count()


@given(st.lists(st.integers(0, 400), max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_any_batching_gives_the_same_tree(cuts: list[int], rng: random.Random) -> None:
    total = sum(cuts)
    edge, stored = Edge.empty(), Tiles()
    for count in cuts:
        batch = plan_batch(edge, entries(edge.size, edge.size + count))
        check_step(batch, entries(edge.size, edge.size + count), batch.tiles)
        stored |= batch.tiles
        edge = Edge.restore(batch.edge.size, stored) if rng.random() < 0.5 else batch.edge
    assert edge == plan_batch(Edge.empty(), entries(0, total)).edge
    assert stored == plan_batch(Edge.empty(), entries(0, total)).tiles


# ---- refusals -------------------------------------------------------------------------------------------------------


def test_an_entry_that_no_bundle_can_hold() -> None:
    assert plan_batch(Edge.empty(), [b"x" * 65_535]).edge.size == 1
    with pytest.raises(TooLarge):
        plan_batch(Edge.empty(), [b"", b"x" * 65_536])


@pytest.mark.parametrize("node", [(0, 299), (0, 400), (1, 150), (4, 0), (8, 5), (16, 0), (63, 0)])
def test_a_batch_reads_at_the_right_edge_only(node: merkle.Node, edges: Any) -> None:
    batch = plan_batch(edges[600][0], entries(600, 610))
    assert batch.read([(0, 512), (0, 609), (3, 75), (8, 1)])
    with pytest.raises(TileError):
        batch.read([node])


# ---- a step that was stored wrongly is not signed -------------------------------------------------------------------


def refuse(batch: Batch, read_back: list[bytes], stored: Tiles) -> None:
    with pytest.raises(ProofError):
        check_step(batch, read_back, stored)


@pytest.mark.parametrize(("old", "more"), [(0, 1), (0, 300), (255, 1), (200, 600), (256, 1), (65_535, 2)])
def test_any_flipped_bit_in_the_store_stops_the_signature(old: int, more: int, edges: Any) -> None:
    edge = edges[old][0]
    new = entries(old, old + more)
    batch = plan_batch(edge, new)
    check_step(batch, new, batch.tiles)
    for tile, data in batch.tiles.items():
        for at in {0, len(data) // 2, len(data) - 1}:
            refuse(batch, new, {**batch.tiles, tile: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]})
        refuse(batch, new, {**batch.tiles, tile: data[:-32]})
        refuse(batch, new, {**batch.tiles, tile: data + leaf(0)})
        refuse(batch, new, {key: value for key, value in batch.tiles.items() if key != tile})
    for at in {0, more // 2, more - 1}:
        refuse(batch, [*new[:at], new[at] + b" ", *new[at + 1 :]], batch.tiles)
    refuse(batch, new[:-1], batch.tiles)
    refuse(batch, [*new, b"one more"], batch.tiles)
    if more > 1:
        refuse(batch, [new[1], new[0], *new[2:]], batch.tiles)


@pytest.mark.parametrize("old", [1, 3, 200, 257, 65_537])
def test_any_flipped_bit_in_the_edge_stops_the_signature(old: int, edges: Any) -> None:
    edge = edges[old][0]
    new = entries(old, old + 3)
    for bad in (
        Edge(edge.size, leaf(0), edge.rows),
        *(_bent(edge, level, row) for level, rows in enumerate(edge.rows) for row in range(8) if rows[row]),
    ):
        batch = plan_batch(bad, new)
        try:
            check_step(batch, new, batch.tiles)
        except ProofError:
            continue
        # An inner hash that is no peak takes no part in the step: what is signed is right all the same.
        assert batch.edge.root == root(old + 3)
        assert merkle.compute_root(old + 3, tiles.TileReader(edges[old][1] | batch.tiles)) == root(old + 3)


def _bent(edge: Edge, level: int, row: int) -> Edge:
    rows = list(edge.rows[level])
    rows[row] = rows[row][:-1] + bytes([rows[row][-1] ^ 1])
    return Edge(edge.size, edge.root, (*edge.rows[:level], tuple(rows), *edge.rows[level + 1 :]))


def test_a_planned_root_that_is_off_is_not_signed(edges: Any) -> None:
    new = entries(300, 310)
    batch = plan_batch(edges[300][0], new)
    wrong = Edge(310, root(311), batch.edge.rows)
    refuse(Batch(batch.old, wrong, batch.leaf_hashes, batch.tiles, batch._runs), new, batch.tiles)


# ---- submit, sequence, crash, reload: against a plain list -----------------------------------------------------------


class LogMachine(RuleBasedStateMachine):
    """A store of tiles and entries that dies before or after a commit, beside a plain list of what was acknowledged."""

    @initialize()
    def start(self) -> None:
        self.tiles: Tiles = {}
        self.stored: list[bytes] = []
        self.edge = Edge.empty()
        self.acknowledged: list[bytes] = []
        self.signed = [(0, merkle.EMPTY_ROOT)]

    def _plan(self, count: int) -> tuple[Batch, list[bytes]]:
        new = entries(len(self.stored), len(self.stored) + count)
        return plan_batch(self.edge, new), new

    @rule(count=st.integers(0, 300))
    def sequence(self, count: int) -> None:
        batch, new = self._plan(count)
        self._commit(batch, new)
        self.edge = batch.edge

    @rule(count=st.integers(1, 300))
    def crash_before_the_commit(self, count: int) -> None:
        self._plan(count)
        self._reload()

    @rule(count=st.integers(1, 300))
    def crash_after_the_commit(self, count: int) -> None:
        batch, new = self._plan(count)
        self._commit(batch, new)
        self._reload()

    def _commit(self, batch: Batch, new: list[bytes]) -> None:
        self.tiles |= batch.tiles
        self.stored += new
        check_step(batch, self.stored[batch.old.size :], self.tiles)
        self.signed.append((batch.edge.size, batch.edge.root))
        self.acknowledged += new

    def _reload(self) -> None:
        size, signed_root = self.signed[-1]
        self.edge = Edge.restore(size, self.tiles)
        assert self.edge.root == signed_root

    @invariant()
    def the_tree_is_that_of_the_plain_list(self) -> None:
        size = len(self.acknowledged)
        assert (self.edge.size, self.edge.root) == (size, root(size)) == self.signed[-1]
        read = tiles.TileReader(self.tiles)
        for (old, old_root), (new, new_root) in pairwise(self.signed):
            if old:
                proof = merkle.prove_consistency(old, new, read)
                merkle.check_consistency(old, new, proof, old_root, new_root)


TestLog = LogMachine.TestCase
TestLog.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
