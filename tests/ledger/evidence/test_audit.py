"""An audit finds every lie of an operator, says where it stands, and goes on behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.generate import Generator
from ledger.encoding import format_b64url, format_json, parse_b64url, parse_json
from ledger.entry import format_entry
from ledger.errors import LedgerError, TileError
from ledger.evidence.audit import CHECKS, Audit, Tree
from ledger.evidence.bundle import Completeness
from ledger.evidence.chunk import Checked, Chunk, check_chunk, check_chunks
from ledger.evidence.closure import collect_closure
from ledger.evidence.completeness import sign_completeness, state_lists
from ledger.evidence.report import Report
from ledger.evidence.trust import TrustedLog, TrustPolicy
from ledger.log import merkle
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import EMPTY_ROOT, leaf_hash, plan_consistency, tree_root
from ledger.log.note import Ed25519Signer
from ledger.log.tiles import WIDTH, TileId, format_bundle, plan_tiles
from tests.support.evidence import LOG_SIGNER, LONE_POLICY, POLICY, LogReader, outcomes, sign_log, state_complete
from tests.support.mines import mining_world
from tests.support.world import (
    AUDITOR,
    DEPOT,
    MINE,
    MINER,
    ORIGIN,
    START,
    TRADER,
    World,
    chain_world,
    dispatch_body,
    extract_body,
    key_of,
    new_lot,
)

NOW = datetime.fromtimestamp(START, UTC) + timedelta(hours=1)


def chunks_of(entries: list[bytes]) -> list[Chunk]:
    """The files that an honest log publishes for these entries."""
    out = []
    for first in range(0, len(entries), WIDTH):
        some = entries[first : first + WIDTH]
        tile = b"".join(leaf_hash(one) for one in some)
        out.append(Chunk(first // WIDTH, len(some), format_bundle(some), tile))
    return out


def tile_of(leaves: list[bytes], tile: TileId) -> bytes:
    """A hash tile computed from all leaf hashes, slowly."""
    level, n = tile
    wide = WIDTH**level
    rows = [tree_root(leaves[i : i + wide]) for i in range(0, len(leaves) - wide + 1, wide)]
    return b"".join(rows[n * WIDTH : (n + 1) * WIDTH])


def audit(
    entries: list[bytes],
    *,
    policy: TrustPolicy = LONE_POLICY,
    now: datetime = NOW,
    note: str | None = None,
    given: Sequence[tuple[str, Any]] = (),
    bend: Callable[[list[Chunk]], list[Chunk]] = lambda chunks: chunks,
    bend_tile: Callable[[TileId, bytes], bytes] = lambda _, computed: computed,
) -> Report:
    """Audit a log in this process, as a driver does."""
    run = Audit(policy, now)
    head = run.open((note or sign_log(entries, int(now.timestamp()))).encode())
    if head is None:
        return run.finish()
    leaves = [leaf_hash(one) for one in entries]
    for old in run.open_statements(given):
        run.check_extends(
            old, {tile: tile_of(leaves, tile) for tile in plan_tiles(plan_consistency(old.size, head.size))}
        )
    for chunk in bend(chunks_of(entries)):
        for tile, computed in run.fold(check_chunk(chunk, run.keys)):
            run.compare_tile(tile, computed, bend_tile(tile, computed))
    for tile, computed in run.tree.partial():
        run.compare_tile(tile, computed, bend_tile(tile, computed))
    return run.finish()


def codes(report: Report) -> list[tuple[str, str, int | None]]:
    return [(one.check, one.error.code, one.index) for one in report.findings]


def made(count: int, signers: int = 10) -> list[bytes]:
    """Entries of a generated log, which spans several bundles."""
    records = Generator(origin=ORIGIN, signers=signers, first=START - 1000).records()
    return [format_entry(*next(records)) for _ in range(count)]


def force(world: World, jws: str, logged: int | None = None) -> None:
    """The operator takes a record that the rules refuse."""
    world.log.append(format_entry(logged or world.now * 1000, jws.encode()))
    world.now += 1


# ---- honest logs ----------------------------------------------------------------------------------------------------


def test_an_honest_log_is_verified() -> None:
    report = audit(chain_world().log, policy=POLICY)
    assert (report.verified, report.outcome, report.findings) == (True, "verified", ())
    assert tuple(one.name for one in report.checks) == CHECKS
    assert report.details["records"] == 17
    assert report.details["types"]["participant"] == 6
    assert report.details["witnesses"] == {"w1": "2026-09-21T15:13:20Z"}
    assert report.lot is None
    assert report.checks[2].sentence.startswith("No earlier checkpoint")


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 600])
def test_honest_logs_of_several_sizes(count: int) -> None:
    entries = made(count)
    report = audit(entries)
    assert report.verified, report.findings
    assert report.details["records"] == count
    assert report.checkpoint == Checkpoint(ORIGIN, count, tree_root([leaf_hash(one) for one in entries]))


def test_keys_may_be_unknown_to_the_checker_of_a_chunk() -> None:
    entries = made(600)
    run = Audit(LONE_POLICY, NOW)
    run.open(sign_log(entries, START).encode())
    for chunk in chunks_of(entries):
        checked = check_chunk(chunk, {})
        assert len(checked.late) == (chunk.width if chunk.n else 0)  # the first enrols everybody, for itself
        run.fold(checked)
    assert run.finish().verified


def test_the_tree_above_the_leaves_agrees_with_the_plain_tree() -> None:
    roots = [hashlib.sha256(b"%d" % n).digest() for n in range(WIDTH * WIDTH + 3)]
    tree, filled = Tree(), []
    for count, root in enumerate(roots, 1):
        filled += tree.add(root)
        if count in (1, 2, 3, 255, 256, 257, 511, 512, 1000) or count > WIDTH * WIDTH - 2:
            assert tree.root() == tree_root(roots[:count])
            assert tree.size() == count * WIDTH
            tree.last = roots[0] + roots[1] + roots[2]
            assert tree.root() == tree_root([*roots[:count], tree_root(roots[:3])])
            tree.last = b""
    assert [tile for tile, _ in filled] == [(1, n) for n in range(WIDTH)] + [(2, 0)]
    assert filled[1] == ((1, 1), b"".join(roots[256:512]))
    assert filled[256] == ((2, 0), b"".join(tree_root(roots[n : n + WIDTH]) for n in range(0, WIDTH * WIDTH, WIDTH)))
    assert [(tile, len(hashes)) for tile, hashes in tree.partial()] == [((1, 256), 96), ((3, 0), 32)]
    assert Tree().root() == EMPTY_ROOT


# ---- what an operator may try ---------------------------------------------------------------------------------------


def test_a_second_dispatch_of_the_same_lot() -> None:
    world = chain_world()
    for consignee in (TRADER, MINER):
        signed = world.sign(
            TRADER.replace("trader", "smelter"),
            "dispatch",
            dispatch_body(consignee, "lot:5", time=world.now),
            ["lot:5"],
        )
        force(world, signed.jws)
    report = audit(world.log)
    assert outcomes(report) == {"custody": "fail"}
    assert codes(report) == [("custody", "stale-head", 18)]
    assert report.findings[0].record == signed.id


def test_a_bad_signature_by_a_known_and_by_a_late_key() -> None:
    world = chain_world()
    world.extract(new_lot("lot:9"))
    head, _, _ = world.log[-1].rpartition(b".")
    world.log[-1] = head + b"." + b"A" * 86
    assert codes(audit(world.log)) == [("signatures", "bad-signature", 17)]
    run = Audit(LONE_POLICY, NOW)
    run.open(sign_log(world.log, START).encode())
    (chunk,) = chunks_of(world.log)
    first = run.fold(check_chunk(chunk, {}))
    assert first == []
    again = Audit(LONE_POLICY, NOW)
    again.open(sign_log(world.log, START).encode())
    again.fold(check_chunk(chunk, run.keys))
    assert codes(again.finish()) == codes(run.finish()) == [("signatures", "bad-signature", 17)]


def test_faults_stand_in_log_order_whatever_found_them() -> None:
    """Another algorithm is found at once, a bad signature at the end, with all others of the chunk."""
    entries = made(600)
    run = Audit(LONE_POLICY, NOW)
    run.open(sign_log(entries, START).encode())
    for chunk in chunks_of(entries):
        run.fold(check_chunk(chunk, run.keys))

    def bend(at: int, change: Callable[[bytes, bytes, bytes], tuple[bytes, bytes, bytes]]) -> None:
        logged, _, jws = entries[at].partition(b" ")
        header, payload, signature = jws.split(b".")
        entries[at] = logged + b" " + b".".join(change(header, payload, signature))

    def with_es256(header: bytes, payload: bytes, signature: bytes) -> tuple[bytes, bytes, bytes]:
        members = parse_json(parse_b64url(header)) | {"alg": "ES256"}
        return format_b64url(format_json(members)).encode(), payload, signature

    bend(520, lambda header, payload, _: (header, payload, b"A" * 86))
    bend(530, with_es256)
    bend(540, lambda header, payload, _: (header, payload, b"B" * 86))  # its last bits are not zero
    bend(550, lambda header, payload, signature: (header, payload, signature[:10] + b"AAAA" + signature[14:]))
    checked = check_chunks(chunks_of(entries)[1:], run.keys)
    assert [(check, place, error.code) for check, place, error in checked[1].faults] == [
        ("signatures", 8, "bad-signature"),
        ("signatures", 18, "bad-signature"),
        ("records", 28, "encoding-error"),
        ("signatures", 38, "bad-signature"),
    ]
    assert checked[0].faults == []
    assert "algorithm" in checked[1].faults[1][2].message


def test_a_key_that_was_revoked_before() -> None:
    world = chain_world()
    new = key_of("new key")
    added = {"participant": MINER, "action": "add", "key": new.public.jwk(), "reason": "rotation"}
    world.do(MINER, "key", added, [MINER])
    revoked = {"participant": MINER, "action": "revoke", "kid": world.keys[MINER].public.kid, "reason": "lost"}
    world.do(MINER, "key", revoked, [MINER], key=new)
    assert audit(world.log).verified
    force(world, world.sign(MINER, "key", revoked | {"kid": new.public.kid}, [MINER]).jws)
    assert codes(audit(world.log)) == [("custody", "key-revoked", 19)]


def test_a_key_that_nobody_enrolled() -> None:
    world = chain_world()
    signed = world.sign(
        MINER,
        "extract",
        {"site": MINE}
        | {
            "lots": [new_lot("lot:9")],
            "method": "artisanal",
            "workers": 1,
            "period": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        },
        key=key_of("stranger"),
    )
    force(world, signed.jws)
    report = audit(world.log)
    assert outcomes(report) == {"signatures": "fail", "custody": "fail"}
    assert codes(report) == [("custody", "unknown-key", 17), ("signatures", "unknown-key", 17)]


def test_what_a_checker_knew_of_keys_changes_no_report() -> None:
    """Keys of the log, none, more than the log enrolled, or every signature left to the fold: the same findings."""
    world = chain_world()
    stranger, refused = key_of("stranger"), key_of("refused")
    enrolling = {"id": "did:web:new.example", "country": "CD", "roles": ["trader"], "status": "active"}
    force(world, world.sign(MINER, "participant", enrolling | {"keys": [refused.public.jwk()]}).jws)
    broken = refused.public.jwk() | {"x": "A" * 43}
    force(world, world.sign(MINER, "participant", enrolling | {"keys": [broken]}).jws)
    force(world, world.sign(MINER, "extract", extract_body(new_lot("lot:8")), key=refused).jws)
    force(world, world.sign(MINER, "extract", extract_body(new_lot("lot:9")), key=stranger).jws[:-86] + "A" * 86)
    world.extract(new_lot("lot:10"))
    world.log[-1] = world.log[-1][:-86] + b"A" * 86
    (chunk,) = chunks_of(world.log)
    seen = check_chunk(chunk, {})
    everything = [(at, entry.partition(b" ")[2]) for at, entry in enumerate(world.log)]
    others = [fault for fault in seen.faults if fault[0] != "signatures"]
    more = {one.public.kid: one.public for one in (stranger, refused)}
    ways = [seen, check_chunk(chunk, more), seen._replace(faults=others, late=everything)]
    assert [len(one.late) for one in ways] == [1, 0, len(world.log)]
    for checked in ways:
        run = Audit(LONE_POLICY, NOW)
        run.open(sign_log(world.log, START).encode())
        run.fold(checked)
        assert codes(run.finish()) == [
            ("custody", "signer-not-allowed", 17),
            ("custody", "signer-not-allowed", 18),
            ("custody", "unknown-key", 19),
            ("signatures", "unknown-key", 19),
            ("custody", "unknown-key", 20),
            ("signatures", "unknown-key", 20),
            ("signatures", "bad-signature", 21),
        ]


def test_entries_that_are_no_records_do_not_end_the_audit() -> None:
    world = chain_world()
    world.log += [b"junk", b"%d a.b.c" % (world.now * 1000)]
    world.extract(new_lot("lot:9"))
    force(world, world.sign(MINER, "extract", {"site": MINE}).jws)
    report = audit(world.log)
    assert outcomes(report) == {"records": "fail"}
    assert codes(report) == [
        ("records", "envelope-error", 17),
        ("records", "encoding-error", 18),
        ("records", "schema-error", 20),
    ]
    assert report.details["records"] == 18


def test_a_clock_that_runs_backwards_and_one_that_runs_ahead() -> None:
    world = chain_world()
    world.extract(new_lot("lot:9"))
    world.log[-1] = format_entry((world.now - 5) * 1000, world.log[-1].partition(b" ")[2])
    assert codes(audit(world.log)) == [("times", "time-before", 17)]
    early = NOW - timedelta(hours=1, minutes=5)
    assert outcomes(audit(chain_world().log, now=early)) == {"times": "fail"}
    late = sign_log(chain_world().log, START - 300)
    assert outcomes(audit(chain_world().log, note=late)) == {}
    assert outcomes(audit(chain_world().log, note=late, policy=POLICY)) == {"times": "fail"}


def test_a_log_that_holds_other_entries_than_it_signed() -> None:
    world = chain_world()
    note = sign_log(world.log, world.now)
    world.log[5] = world.log[6]
    report = audit(world.log, note=note)
    assert outcomes(report)["hashes"] == "fail"
    assert codes(report)[-1] == ("hashes", "proof-error", None)


def test_a_tile_that_holds_other_hashes() -> None:
    entries = made(300)

    def bend(chunks: list[Chunk]) -> list[Chunk]:
        tile = bytearray(chunks[0].tile or b"")
        tile[7 * 32] ^= 1
        return [chunks[0]._replace(tile=bytes(tile)), *chunks[1:]]

    report = audit(entries, bend=bend)
    assert outcomes(report) == {"hashes": "fail"}
    assert codes(report) == [("hashes", "proof-error", 7)]
    report = audit(entries, bend_tile=lambda _, computed: computed[::-1])
    assert outcomes(report) == {"hashes": "fail"}
    assert report.findings[0].error.values == {"tile": [1, 0]}


# ---- files that are not there, or broken ----------------------------------------------------------------------------


def test_missing_entries_leave_the_hashes_and_a_gap() -> None:
    entries = made(600)
    report = audit(entries, bend=lambda chunks: [chunks[0], chunks[1]._replace(entries=None), chunks[2]])
    assert outcomes(report)["custody"] == "incomplete"
    assert "hashes" not in outcomes(report)
    assert codes(report)[0] == ("custody", "incomplete", 256)
    assert {one.outcome.value for one in report.findings} == {"incomplete"}
    assert report.outcome == "incomplete"


def test_a_bundle_that_is_cut() -> None:
    entries = made(300)
    report = audit(
        entries, bend=lambda chunks: [chunks[0]._replace(entries=(chunks[0].entries or b"")[:-1]), chunks[1]]
    )
    assert outcomes(report)["files"] == "fail"
    assert codes(report)[0] == ("files", "tile-error", 0)


def test_a_tile_that_is_cut_or_missing_is_made_up_for_by_the_entries() -> None:
    entries = made(300)
    report = audit(entries, bend=lambda chunks: [chunks[0]._replace(tile=b"short"), chunks[1]])
    assert outcomes(report) == {"files": "fail"}
    assert audit(entries, bend=lambda chunks: [one._replace(tile=None) for one in chunks]).verified


@pytest.mark.parametrize("which", [0, 1])
def test_neither_entries_nor_tile(which: int) -> None:
    entries = made(300)

    def bend(chunks: list[Chunk]) -> list[Chunk]:
        chunks[which] = chunks[which]._replace(entries=None, tile=None)
        return chunks

    report = audit(entries, bend=bend)
    assert not report.verified
    assert outcomes(report)["hashes"] == "fail"
    assert ("hashes", "incomplete", which * WIDTH) in codes(report)


def test_files_that_could_not_be_read_are_findings() -> None:
    run = Audit(LONE_POLICY, NOW)
    run.open(sign_log([], START).encode())
    run.missing_file(TileError("There is no such file."), 256)
    report = run.finish()
    assert outcomes(report) == {"files": "incomplete"}
    assert codes(report) == [("files", "tile-error", 256)]


# ---- statements of completeness -------------------------------------------------------------------------------------


def recount(entries: list[bytes], *given: tuple[str, Any], **more: Any) -> Report:
    """Audit a log with statements to hold against it."""
    return audit(entries, given=given, **more)


def stated(world: World, subject: str, size: int | None = None, **lies: tuple[str, ...]) -> Completeness:
    """What the log signs about a subject when it has `size` entries; lies: `subject`, `status`, ... -> another list."""
    entries = world.log[:size]
    lists = collect_closure(subject, ORIGIN, LogReader(entries)).lists()
    told = {topic: next((ids for kind, ids in lies.items() if topic.startswith(kind)), lists[topic]) for topic in lists}
    return state_complete(entries, subject, told)


def test_honest_statements_of_any_age_are_what_the_entries_give() -> None:
    world = mining_world()
    given = [stated(world, one, size) for size in (None, -1, -4) for one in ("lot:a", MINE, TRADER)]
    report = recount(world.log, *((one.note, one.topics) for one in given))
    assert report.verified, report.findings
    count = sum(len(one.topics) for one in given)
    assert report.checks[9].sentence == f"All {count} lists of 9 statements of completeness are what the entries give."
    assert recount(world.log, *((one.note, {}) for one in given)).verified
    assert audit(world.log).checks[9].sentence.startswith("No statement of completeness was given")


@pytest.mark.parametrize("subject", ["lot:c", MINE, DEPOT, TRADER, AUDITOR])
def test_a_statement_that_lies_in_any_list_is_proof_against_the_operator(subject: str) -> None:
    world = mining_world()
    lists = collect_closure(subject, ORIGIN, LogReader(world.log)).lists()
    stranger = "ab" * 32
    for topic, ids in lists.items():
        for lie, record in ((ids[1:], ids[0]) if ids else ((stranger,), stranger), ((*ids, stranger), stranger)):
            false = state_complete(world.log, subject, lists | {topic: lie})
            report = recount(world.log, (false.note, false.topics))
            assert outcomes(report) == {"completeness": "fail"}
            (finding,) = report.findings
            assert (finding.error.code, finding.record) == ("false-statement", record)
            assert finding.error.values == {
                "topic": topic,
                "size": len(world.log),
                "signed": len(lie),
                "counted": len(ids),
                "record": record,
            }
            assert "signed proof against the operator" in finding.error.message


def test_a_lie_is_found_without_its_list_and_not_named_by_a_list_that_was_not_signed() -> None:
    world = mining_world()
    false = stated(world, "lot:c", status=("cd" * 32,))
    for lists in ({}, {"status CD-NK": ("ab" * 32,)}):
        (finding,) = recount(world.log, (false.note, lists)).findings
        assert (finding.error.code, finding.record) == ("false-statement", "")
        assert (finding.error.values["signed"], finding.error.values["counted"]) == (1, 2)
        assert "entries give 2:" in finding.error.message
    true = stated(world, "lot:c")
    swapped = state_complete(world.log, "lot:c", {**true.topics, "status CD-NK": true.topics["status CD-NK"][::-1]})
    (finding,) = recount(world.log, (swapped.note, swapped.topics)).findings
    assert (finding.record, "entries give others:" in finding.error.message) == ("", True)


def test_a_lie_told_earlier_is_found_when_the_log_has_gone_on() -> None:
    world = mining_world()
    false = stated(world, "lot:c", -2, status=())
    assert outcomes(recount(world.log, (false.note, false.topics))) == {"completeness": "fail"}


def test_a_statement_that_this_copy_of_the_log_cannot_answer() -> None:
    world = mining_world()
    later = stated(world, "lot:c")
    report = recount(world.log[:-1], (later.note, later.topics))
    assert outcomes(report) == {"completeness": "incomplete"}
    assert codes(report) == [("completeness", "incomplete", None)]
    report = recount(world.log, (later.note, later.topics), bend=lambda chunks: [chunks[0]._replace(entries=None)])
    assert outcomes(report)["completeness"] == "incomplete"


def test_a_statement_that_is_none_or_of_another_log() -> None:
    world = mining_world()
    lists = stated(world, "lot:c").topics
    other = state_complete(world.log, "lot:c", lists, "other.example")
    report = recount(world.log, ("nonsense", {}), (other.note, {}), (sign_log(world.log, START), {}))
    assert outcomes(report) == {"completeness": "fail"}
    assert [code for _, code, _ in codes(report)] == ["note-error", "untrusted-note", "completeness-error"]
    run = Audit(LONE_POLICY, NOW)
    assert run.open_statements([(other.note, {})]) == []


def test_a_statement_for_another_root_is_a_fork() -> None:
    world = mining_world()
    head = Checkpoint(ORIGIN, len(world.log), bytes(32))
    note = sign_completeness(state_lists(head, "lot:c", {}), [LOG_SIGNER])
    report = recount(world.log, (note, {}))
    assert outcomes(report) == {"consistency": "fail"}
    assert codes(report) == [("consistency", "equivocation", None)]


# ---- whom one trusts, and what one remembers ------------------------------------------------------------------------


def test_a_log_that_is_not_trusted() -> None:
    stranger = TrustPolicy((TrustedLog(Ed25519Signer("other.example", bytes(32)).verifier),))
    report = audit(chain_world().log, policy=stranger)
    assert outcomes(report) == {"checkpoint": "fail", "witnesses": "skipped"}
    assert report.details["witnesses"] == {}
    run = Audit(LONE_POLICY, NOW)
    assert run.open(b"nonsense") is None
    report = run.finish()
    assert (report.verified, report.checkpoint) == (False, None)
    assert [one.outcome.value for one in report.checks] == ["fail"] + ["skipped"] * 10


def test_another_log_than_the_one_asked_for() -> None:
    run = Audit(LONE_POLICY, NOW, "log.lodeline.example/other")
    run.open(sign_log([], START).encode())
    assert outcomes(run.finish())["checkpoint"] == "fail"


def extends(
    old: Checkpoint, entries: list[bytes], bend: Callable[[dict[TileId, bytes]], None] = lambda _: None
) -> Report:
    run = Audit(LONE_POLICY, NOW)
    head = run.open(sign_log(entries, START + 1000).encode())
    assert head is not None
    leaves = [leaf_hash(one) for one in entries]
    tiles: dict[TileId, bytes] = {}
    if 0 < old.size <= head.size:
        tiles = {tile: tile_of(leaves, tile) for tile in plan_tiles(plan_consistency(old.size, head.size))}
    bend(tiles)
    run.check_extends(old, tiles)
    for chunk in chunks_of(entries):
        run.fold(check_chunk(chunk, run.keys))
    return run.finish(remembered=1)


def test_a_log_that_extends_what_was_remembered() -> None:
    entries = made(520)
    leaves = [leaf_hash(one) for one in entries]
    for size in (0, 1, 2, 255, 256, 257, 511, 512, 519, 520):
        old = Checkpoint(ORIGIN, size, tree_root(leaves[:size]))
        report = extends(old, entries)
        assert report.verified, size
        assert report.checks[2].sentence == "The log extends the checkpoint that you remember."
        if size:
            forked = replace(old, root=bytes(32))
            report = extends(forked, entries)
            assert outcomes(report) == {"consistency": "fail"}
            assert report.findings[0].error.code == ("equivocation" if size == 520 else "proof-error")


def test_a_log_that_shrank_or_is_another_one() -> None:
    entries = made(20)
    leaves = [leaf_hash(one) for one in entries]
    longer = extends(Checkpoint(ORIGIN, 20, tree_root(leaves)), entries[:10])
    assert codes(longer) == [("consistency", "equivocation", None)]
    assert longer.findings[0].error.values == {"remembered": 20, "size": 10}
    assert "this copy is old, or the log was cut back" in longer.findings[0].error.message  # neither is a proof
    other = extends(Checkpoint("other.example", 20, tree_root(leaves)), entries)
    assert codes(other) == [("consistency", "equivocation", None)]
    assert "they are signed proof" in other.findings[0].error.message


def test_tiles_that_do_not_prove_it() -> None:
    entries = made(520)
    old = Checkpoint(ORIGIN, 257, tree_root([leaf_hash(one) for one in entries[:257]]))

    def flip(tiles: dict[TileId, bytes]) -> None:
        tiles[0, 1] = bytes([tiles[0, 1][0] ^ 1]) + tiles[0, 1][1:]

    assert codes(extends(old, entries, flip)) == [("consistency", "proof-error", None)]
    assert codes(extends(old, entries, dict.clear)) == [("consistency", "tile-error", None)]


def test_nothing_is_compared_without_a_checkpoint() -> None:
    run = Audit(LONE_POLICY, NOW)
    run.open(b"nonsense")
    run.check_extends(Checkpoint(ORIGIN, 1, bytes(32)), {})
    assert outcomes(run.finish())["consistency"] == "skipped"


def test_what_a_worker_answers_can_be_sent() -> None:
    import pickle

    entries = made(10)
    entries[3] = b"junk"
    (chunk,) = chunks_of(entries)
    checked = check_chunk(chunk, {})
    again = pickle.loads(pickle.dumps(checked))  # noqa: S301 - our own
    assert isinstance(again, Checked)
    assert again._replace(faults=[]) == checked._replace(faults=[])
    ((check, position, error),) = again.faults
    assert (check, position) == ("records", 3)
    assert isinstance(error, LedgerError)
    assert error.to_json() == checked.faults[0][2].to_json()
    assert merkle.HASH_SIZE == 32
