"""Rebuild and fsck: everything derived is a function of the entries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.custody.subjects import format_subject
from ledger.custody.topics import format_month
from ledger.encoding import format_json
from service.bootstrap import Service
from service.storage.engine import Store
from service.storage.schema import current_step, migrate
from service.storage.sql import execute
from service.storage.tables import DERIVED, KEPT
from service.usecases.fsck import Fsck, accept_head, check_database
from service.usecases.replay import ReplayFailed, find_differences, rebuild
from service.usecases.submit import Submission
from tests.support.evidence import LogReader, lists_of
from tests.support.server import SIGNER, candidates, downgrade, dump, new_service
from tests.support.world import (
    AUDITOR,
    BUYER,
    DEPOT,
    MINE,
    MINER,
    REGISTRAR,
    SMELTER,
    TRADER,
    World,
    chain_world,
    dispatch_body,
    key_of,
    new_lot,
)

pytestmark = pytest.mark.usefixtures("engine")

ALL = (*KEPT, *DERIVED)


def busy_world() -> World:
    """A chain with everything that leaves a row somewhere: keys, tags that come free, statements, corrections."""
    world = chain_world()
    body = {"participant": MINER, "action": "add", "key": key_of("a second key").public.jwk(), "reason": "rotation"}
    world.do(MINER, "key", body, [MINER])
    kid = key_of(MINER).public.kid
    world.do(REGISTRAR, "key", {"participant": MINER, "action": "revoke", "kid": kid, "reason": "stolen"}, [MINER])
    world.keys[MINER] = key_of("a second key")
    about = [{"subject": "lot:5", "record": world.state.subjects["lot:5"].head}]
    incident = {
        "about": about,
        "category": "environment",
        "severity": 1,
        "status": "open",
        "narrative": "A truck spilt some water.",
    }
    followed = world.do(AUDITOR, "incident", incident)
    world.do(AUDITOR, "incident", {**incident, "status": "closed", "follows": followed})
    correction = {"type": "incident", "record": followed, "reason": "typing error", "replace": {"narrative": "Water."}}
    world.do(AUDITOR, "correct", correction)
    site_status(world, MINE)
    set_by = site_status(world, MINE, DEPOT)
    world.do(AUDITOR, "correct", correct("attest", set_by, until="2027-01-01T00:00:00Z"))
    mined = world.extract(new_lot("lot:6", tags=("T6",)))
    period = {"from": "2026-03-31T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
    world.do(MINER, "correct", correct("extract", mined, period=period), ["lot:6"])
    world.do(MINER, "correct", correct("extract", mined, workers=7), ["lot:6"])
    dispatched = dispatch_body(TRADER, "lot:6", time=world.now)
    dispatched["transport"]["driver"] = "plate 7"
    world.submit(world.sign(MINER, "dispatch", dispatched, ["lot:6"], conceal=["/body/transport/driver"]))
    return world


def site_status(world: World, *sites: str) -> str:
    about = [{"subject": one, "record": world.state.subjects[one].head} for one in sites]
    statement = {"status": "green", "effective": "2026-01-01", "act": "Decree 1", "authority": AUDITOR}
    return world.do(AUDITOR, "attest", {"kind": "site_status", "about": about, "statement": statement})


def correct(kind: str, record: str, **replace: Any) -> dict[str, Any]:
    return {"type": kind, "record": record, "reason": "typing error", "replace": replace}


@pytest.fixture(scope="module")
def world() -> World:
    return busy_world()


@pytest.fixture
def service(tmp_path: Path, world: World) -> Iterator[Service]:
    service = new_service(tmp_path, world)
    book = service.open_log()
    items = candidates(world, service)
    for at in range(0, len(items), 4):
        for one in book.submit([Submission(items[at : at + 4])], world.now * 1000)[0].outcomes:
            assert one.status == "created", one.error
    yield service
    service.close()


def fsck(service: Service, world: World) -> Fsck:
    return check_database(service.store, service.file, service.signer, now=world.now + 5000)


def run(store: Store, statement: str, *values: object) -> None:
    with store.writing() as conn:
        execute(conn, statement, values)


def test_rebuild_gives_every_table_byte_for_byte(service: Service) -> None:
    before = dump(service.store, ALL)
    empty = set(KEPT) - {"meta", "head", "entries", "disclosures"}
    assert {name for name, rows in before.items() if not rows} == empty | {"record_ids"}, "of a long log: test_id_index"
    seen: list[tuple[int, int]] = []
    rebuild(service.store, SIGNER.verifier, lambda done, total: seen.append((done, total)))
    assert dump(service.store, ALL) == before
    assert seen[-1] == (len(before["entries"]), len(before["entries"]))


def test_forgetful_sequencer_writes_the_same_rows(service: Service, world: World, tmp_path: Path) -> None:
    """Opened anew before every record, so that everything is read back from rows."""
    (tmp_path / "forgetful").mkdir()
    forgetful = new_service(tmp_path / "forgetful", world)
    for item in candidates(world, forgetful):
        (done,) = forgetful.open_log().submit([Submission([item])], world.now * 1000)
        assert done.outcomes[0].status == "created", done.outcomes[0].error
    assert dump(forgetful.store, DERIVED) == dump(service.store, DERIVED)
    forgetful.close()


def test_a_database_of_the_first_step_is_filled_as_a_rebuild_would(service: Service, world: World) -> None:
    before = dump(service.store, ALL)
    downgrade(service.store, "0001")
    with service.store.reading() as conn:
        assert current_step(conn) == "0001"
    migrate(service.store)
    assert dump(service.store, ALL) == before
    assert fsck(service, world).sound


def test_what_a_topic_is_made_from(service: Service, world: World) -> None:
    rows = dump(service.store, ("production", "site_statuses"))
    ids = [hashlib.sha256(entry.partition(b" ")[2]).hexdigest() for entry in world.log]
    records = LogReader(world.log).records
    months = {(format_month(month), kind, records[seq].type) for _, month, seq, kind in rows["production"]}
    assert months == {
        ("2026-03", "correct", "correct"),
        ("2026-09", "correct", "correct"),
        ("2026-09", "extract", "extract"),
        ("2026-09", "transform", "transform"),
    }
    topics = ["production site:mine 2026-09", "production site:mine 2026-03", "status CD-NK"]
    lists = lists_of(records, topics)
    assert {ids[seq] for _, seq in rows["site_statuses"]} == set(lists["status CD-NK"])
    assert [len(lists[topic]) for topic in topics] == [4, 1, 3]


def test_stored_state_is_the_canonical_json_of_every_subject(service: Service, world: World) -> None:
    rows = {row[1]: row[9] for row in dump(service.store, ["subjects"])["subjects"]}
    assert rows == {one.id: format_json(format_subject(one)).decode() for one in world.state.subjects.values()}


def test_correction_of_evidence_is_filed_under_its_subjects(service: Service) -> None:
    with service.store.reading() as conn:
        rows = execute(
            conn,
            "SELECT r.seq FROM subject_records r JOIN subjects s ON s.num = r.subject "
            "WHERE s.id = 'lot:5' AND NOT r.moved ORDER BY r.seq",
        ).fetchall()
    first = rows[0][0]
    assert [row[0] for row in rows] == [first, first + 1, first + 2], "incident, its end, its correction"


@pytest.mark.parametrize("table", [name for name in DERIVED if name != "record_ids"])  # that one: test_id_index
def test_rebuild_makes_a_lost_table_anew(service: Service, world: World, table: str) -> None:
    before = dump(service.store, ALL)
    run(service.store, f"DELETE FROM {table}")
    lost = find_differences(service.store)
    assert {one.table for one in lost} == {table}
    assert all(one.stored is None for one in lost)
    assert [one.computed for one in lost] == before[table][:20]
    assert not fsck(service, world).sound
    rebuild(service.store, SIGNER.verifier)
    assert dump(service.store, ALL) == before
    assert fsck(service, world).sound


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("subjects", "UPDATE subjects SET status = 'closed' WHERE id = 'lot:5'"),
        ("subjects", "UPDATE subjects SET data = replace(data, '40', '41') WHERE id = 'lot:1'"),
        ("keys", "UPDATE keys SET revoked = false WHERE revoked"),
        ("edges", "UPDATE edges SET mass = '41' WHERE mass = '40'"),
        ("tags", "UPDATE tags SET lot = 1"),
        ("statements", "UPDATE statements SET status = 'closed' WHERE status = 'open'"),
        ("lot_parties", "DELETE FROM lot_parties WHERE seq = (SELECT max(seq) FROM lot_parties)"),
        ("subject_records", "UPDATE subject_records SET moved = NOT moved WHERE seq = 12"),
        ("record_ids", "INSERT INTO record_ids (prefix, seq) VALUES (7, 0)"),
        ("subjects", "INSERT INTO subjects (num, id, kind, status, seq, data) VALUES (999, 'x', 'lot', 'held', 1, '')"),
    ],
)
def test_changed_row_is_found_and_mended(service: Service, world: World, table: str, change: str) -> None:
    before = dump(service.store, ALL)
    run(service.store, change)
    result = fsck(service, world)
    assert not result.sound
    assert {one.table for one in result.differences} == {table}
    assert any("rebuild" in line for line in result.sentences())
    assert result.to_json()["differences"][0]["table"] == table
    rebuild(service.store, SIGNER.verifier)
    assert dump(service.store, ALL) == before


def test_sound_database(service: Service, world: World) -> None:
    result = fsck(service, world)
    assert result.sound
    assert result.to_json()["report"]["outcome"] == "verified"
    assert list(result.sentences())[-1].startswith("pass")


def test_wrong_count_of_subjects_is_mended(service: Service, world: World) -> None:
    before = dump(service.store, ALL)
    run(service.store, "UPDATE head SET subjects = subjects + 1")
    assert [one.table for one in find_differences(service.store)] == ["head"]
    rebuild(service.store, SIGNER.verifier)
    assert dump(service.store, ALL) == before


def test_changed_entry_is_named_and_never_rebuilt_over(service: Service, world: World) -> None:
    entry = dump(service.store, ["entries"])["entries"][12][1]
    for at in (0, 20, len(entry) // 2, len(entry) - 1):
        flipped = entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1 :]
        run(service.store, "UPDATE entries SET entry = ? WHERE seq = 12", flipped)
        before = dump(service.store, ALL)
        result = fsck(service, world)
        assert result.report.outcome == "refuted"
        assert 12 in {one.index for one in result.report.findings}
        with pytest.raises(ReplayFailed, match=r"[Rr]estore a backup"):
            rebuild(service.store, SIGNER.verifier)
        assert dump(service.store, ALL) == before, "nothing was changed"


def test_missing_entry_is_never_rebuilt_over(service: Service) -> None:
    run(service.store, "DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)")
    with pytest.raises(ReplayFailed, match="where its head says"):
        rebuild(service.store, SIGNER.verifier)


def test_forged_checkpoint_is_never_rebuilt_over(service: Service) -> None:
    run(service.store, "UPDATE head SET checkpoint = replace(checkpoint, 'example', 'exemple')")
    with pytest.raises(ReplayFailed, match="does not verify"):
        rebuild(service.store, SIGNER.verifier)


def test_empty_store_has_nothing_to_replay(service: Service) -> None:
    run(service.store, "DELETE FROM head")
    for work in (lambda: rebuild(service.store, SIGNER.verifier), lambda: find_differences(service.store)):
        with pytest.raises(ReplayFailed, match="init"):
            work()


def test_disclosure_that_belongs_nowhere(service: Service, world: World) -> None:
    ((seq, digest, text),) = dump(service.store, ["disclosures"])["disclosures"]
    run(service.store, "UPDATE disclosures SET text = ?", text + "x")
    assert any(digest in fault for fault in fsck(service, world).faults)
    run(service.store, "UPDATE disclosures SET text = NULL")
    assert fsck(service, world).sound, "erased, and everything still verifies"
    run(service.store, "UPDATE disclosures SET text = ?, seq = ?", text, seq - 1)
    assert any("not in that record" in fault for fault in fsck(service, world).faults)


def test_disclosure_of_a_damaged_entry(service: Service, world: World) -> None:
    ((seq, _, _),) = dump(service.store, ["disclosures"])["disclosures"]
    run(service.store, "UPDATE entries SET entry = ? WHERE seq = ?", b"1 nonsense", seq)
    result = fsck(service, world)
    assert any("not in that record" in fault for fault in result.faults)
    assert any("refused by the replay" in fault for fault in result.faults)


def test_fsck_says_when_the_checkpoint_file_is_ahead(service: Service, world: World) -> None:
    service.file.path.unlink()
    assert any("missing" in fault for fault in fsck(service, world).faults)
    accept_head(service.store, service.file, SIGNER.verifier)
    assert fsck(service, world).sound


def test_parties_of_the_world_are_all_there(service: Service) -> None:
    """What the listings rest on: who is a party of which lot."""
    with service.store.reading() as conn:
        rows = execute(
            conn,
            "SELECT s.id, l.id FROM lot_parties p JOIN subjects s ON s.num = p.participant "
            "JOIN subjects l ON l.num = p.lot ORDER BY l.num, s.num",
        ).fetchall()
    parties: dict[str, set[str]] = {}
    for participant, lot in rows:
        parties.setdefault(lot, set()).add(participant)
    assert parties == {
        **{f"lot:{n}": {MINER, TRADER} for n in (1, 2, 3, 6)},
        "lot:4": {TRADER, SMELTER},
        "lot:5": {SMELTER},
    }
    assert BUYER not in {participant for participant, _ in rows}
