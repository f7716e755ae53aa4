"""The state of an audit as JSON: it is read as it was written, and stands on the log that it was made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.generate import Generator
from ledger.custody.draft import State
from ledger.custody.subjects import Dispatched, Lot
from ledger.custody.topics import Topics
from ledger.encoding import parse_json
from ledger.entry import format_entry
from ledger.envelope import Record
from ledger.errors import LedgerError
from ledger.evidence.audit import Audit
from ledger.evidence.changes import (
    PER_LINE,
    Changes,
    format_changes,
    format_facts,
    format_subject_row,
    parse_changes,
    parse_facts,
    parse_subject_row,
    wanted,
)
from ledger.evidence.chunk import check_chunk
from ledger.evidence.completeness import sign_completeness, state_lists
from ledger.evidence.resume import (
    Mark,
    check_prefix,
    digest_questions,
    format_fold,
    is_savable,
    restore_changes,
    restore_fold,
)
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import leaf_hash, plan_consistency, tree_root
from ledger.log.tiles import WIDTH, plan_tiles
from tests.ledger.evidence.test_audit import audit, chunks_of, made, tile_of
from tests.support.evidence import LOG_SIGNER, LONE_POLICY, sign_log
from tests.support.mines import mining_world
from tests.support.world import DEPOT, MINE, MINER, ORIGIN, START, TRADER, World, chain_world, new_lot, receive_body

NOW = datetime.fromtimestamp(START, UTC) + timedelta(hours=1)


def disputed_world() -> World:
    world = chain_world()
    world.extract(new_lot("lot:x", tags=["T-1"]))
    world.dispatch(MINER, TRADER, "lot:x")
    heavy = {"lot:x": {"mass": "30", "moisture": "2"}}
    world.do(TRADER, "receive", receive_body(DEPOT, heavy), ["lot:x"])
    return world


def changes_of(state: State) -> Changes:
    return Changes(state.records, state.subjects, dict(state.tags), state.keys)


@pytest.mark.parametrize("world", [disputed_world(), mining_world()], ids=["disputed", "mines"])
def test_a_state_is_read_as_it_was_written(world: World) -> None:
    state = world.state
    read = State()
    for line in format_changes(changes_of(state)):
        assert line.endswith(b"\n")
        parse_changes(line).apply(read)
    assert (read.origin, read.subjects, read.keys) == (state.origin, state.subjects, state.keys)
    assert (read.records, read.tags) == (state.records, state.tags)
    for subject in state.subjects.values():
        again = parse_subject_row(format_subject_row(subject))
        assert (again, type(again)) == (subject, type(subject))
    for facts in state.records.values():
        assert parse_facts(format_facts(facts)) == facts


def test_a_disputed_lot_keeps_what_was_dispatched() -> None:
    lot = disputed_world().state.subjects["lot:x"]
    assert isinstance(lot, Lot)
    again = parse_subject_row(format_subject_row(lot))
    assert isinstance(again, Lot)
    assert (again.status, type(again.sent), type(again.tags)) == ("disputed", Dispatched, tuple)


def test_lines_are_short_and_later_changes_win() -> None:
    many = Changes(tags={f"itsci:{n}": "lot:a" for n in range(PER_LINE + 1)})
    assert [len(parse_changes(line).tags) for line in format_changes(many)] == [PER_LINE, 1]
    state = State(origin="log", tags={"itsci:0": "lot:z", "itsci:x": "lot:y"})
    many.update(Changes(tags={"itsci:0": None, "itsci:gone": None}))
    many.apply(state)
    assert "itsci:0" not in state.tags
    assert state.tags["itsci:1"] == "lot:a"
    assert state.tags["itsci:x"] == "lot:y"
    many.clear()
    assert many == Changes()


def test_what_the_rules_look_up_for_a_chunk() -> None:
    world = chain_world()
    world.log.append(b"junk")
    (chunk,) = chunks_of(world.log)
    found = wanted([check_chunk(chunk, {})])
    assert found.records >= set(world.state.records)
    assert found.subjects >= {ORIGIN, MINER, MINE}
    assert wanted([]).records == set()


def begin(entries: list[bytes], given: list[tuple[str, dict[str, list[str]]]]) -> Audit:
    run = Audit(LONE_POLICY, NOW)
    run.open(sign_log(entries, int(NOW.timestamp())).encode())
    run.open_statements(given)
    return run


def statement_of(entries: list[bytes], size: int) -> str:
    """Signed by the log, about the first three subjects of its records, complete as of this size."""
    topics = Topics.of({f"subject {one}" for one in (ORIGIN, "site:mine-0000", "lot:00000000:bag-a")})
    for chunk in chunks_of(entries[:size]):
        checked = check_chunk(chunk, {})
        for record_id, payload in zip(checked.ids, checked.payloads, strict=True):
            if payload:
                topics.take(Record(record_id, b"", "", "", parse_json(payload)))
    head = Checkpoint(ORIGIN, size, tree_root([leaf_hash(one) for one in entries[:size]]))
    return sign_completeness(state_lists(head, TRADER, topics.lists), [LOG_SIGNER])


def test_an_audit_goes_on_in_another_with_the_same_report() -> None:
    """Statements due before and after the interruption, a lie among them, and findings of every kind."""
    entries = made(700)
    logged, _, jws = entries[300].partition(b" ")
    entries[300] = logged + b" " + jws[:-86] + b"A" * 86
    entries[100] = b"junk"
    given = [(statement_of(entries, 120), {}), (statement_of(entries, 650), {"subject x": ["00"]})]
    chunks = chunks_of(entries)
    plain = begin(entries, given)
    for chunk in chunks:
        plain.fold(check_chunk(chunk, {}))
    expected = plain.finish().to_json()
    assert {one["check"] for one in expected["findings"]} == {"records", "signatures", "custody"}
    for done in (0, 1, 2):
        first = begin(entries, given)
        first.changes = Changes()
        mark = Mark.of(first)
        for chunk in chunks[:done]:
            first.fold(check_chunk(chunk, {}))
        assert is_savable(first, mark)
        lines = list(format_changes(first.changes))
        second = begin(entries, given)
        assert digest_questions(second, given) == digest_questions(first, given)
        restore_fold(second, format_fold(first, mark), done * WIDTH)
        for line in lines:
            restore_changes(second, parse_changes(line))
        assert second.tree.root() == first.tree.root() == tree_root([leaf_hash(one) for one in entries[: done * WIDTH]])
        for chunk in chunks[done:]:
            second.fold(check_chunk(chunk, second.keys))
        assert second.finish().to_json() == expected


def test_other_questions_have_another_digest() -> None:
    entries = made(300)
    note = statement_of(entries, 120)
    asked = [begin(entries, []), begin(entries, [(note, {})]), Audit(LONE_POLICY, NOW, "other")]
    digests = {digest_questions(asked[0], []), digest_questions(asked[1], [(note, {})])}
    digests |= {digest_questions(asked[1], [(note, {"t": ["a"]})]), digest_questions(asked[2], [])}
    asked[0].step.bounds.append((1, 2))
    assert len(digests | {digest_questions(asked[0], [])}) == 5


def test_what_may_not_be_saved() -> None:
    entries = made(300)
    run = begin(entries, [])
    mark = Mark.of(run)
    first, last = chunks_of(entries)
    run.fold(check_chunk(first, {}))
    assert is_savable(run, mark)
    run.fold(check_chunk(last, {}))
    assert not is_savable(run, mark)  # the last bundle may grow
    run = begin(entries, [])
    run.fold(check_chunk(first._replace(tile=bytes(32 * WIDTH)), {}))
    assert not is_savable(run, mark)  # a wrong hash
    run = begin(entries, [])
    run.fold(check_chunk(first._replace(entries=None), {}))
    run.missing_file(LedgerError("gone"), 0)
    assert not is_savable(run, mark)
    assert is_savable(run, Mark.of(run))  # as after a finding from before the entries


def test_only_the_beginning_of_the_same_log_is_gone_on_from() -> None:
    entries = [format_entry(*one) for one, _ in zip(Generator().records(), range(600), strict=False)]
    leaves = [leaf_hash(one) for one in entries]
    head = Checkpoint(ORIGIN, 600, tree_root(leaves))
    for size in (256, 512):
        tiles = {tile: tile_of(leaves, tile) for tile in plan_tiles(plan_consistency(size, 600))}
        root = tree_root(leaves[:size])
        check_prefix(size, root, head, tiles)
        bent = [
            (size, leaves[0], head, tiles),
            (size + 1, root, head, tiles),
            (size, root, Checkpoint(ORIGIN, 600, root), tiles),
            (size, root, Checkpoint(ORIGIN, size - 1, root), tiles),
            (size, root, head, {}),
        ]
        for case in bent:
            with pytest.raises(LedgerError):
                check_prefix(*case)
    assert audit(made(3)).verified
