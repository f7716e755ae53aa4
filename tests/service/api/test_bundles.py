"""Bundles as the service makes them: complete by the log's own word, for who may have them, and no wider than that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ledger.custody.topics import Topics
from ledger.entry import parse_entry
from ledger.envelope import parse_record
from ledger.evidence.bundle import Bundle, FullEntry, HashOnlyEntry, format_bundle, parse_bundle
from ledger.evidence.closure import collect_closure
from ledger.evidence.completeness import check_extends, check_list, open_completeness
from ledger.evidence.report import Report
from ledger.evidence.trust import TrustedLog, TrustPolicy
from ledger.evidence.verify import verify_bundle
from tests.service.api.harness import STRANGER, Desk, serving, settle_in
from tests.support.evidence import LogReader, lists_of
from tests.support.mines import COOPERATIVE, FAR, NEIGHBOUR, attest_status, correct, live, mine_in, note_incident
from tests.support.world import (
    AUDITOR,
    AUTHORITY,
    BUYER,
    DEPOT,
    MINE,
    MINER,
    ORIGIN,
    POLICY,
    REGISTRAR,
    SMELTER,
    TRADER,
    dispatch_body,
)

pytestmark = pytest.mark.usefixtures("engine")

SUBJECTS = {
    "lot:a": "lots",
    "lot:c": "lots",
    MINE: "sites",
    DEPOT: "sites",
    MINER: "participants",
    TRADER: "participants",
}


@pytest.fixture(scope="module")
def mines(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service that has taken the records of the mining world; no test changes it."""
    yield from run_mines(tmp_path_factory)


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The same for one test alone."""
    yield from run_mines(tmp_path_factory)


def run_mines(folders: pytest.TempPathFactory) -> Iterator[Desk]:
    """With a correction that moves a period."""
    with serving(folders.mktemp("mines")) as desk:
        settle_in(desk)
        live(desk)
        early = mine_in(desk, "2024-01", "lot:early")
        moved = {"from": "2026-06-03T00:00:00Z", "to": "2026-06-04T00:00:00Z"}
        correct(desk, MINER, "extract", early, "lot:early", period=moved)
        yield desk


def fetch(desk: Desk, subject: str, reader: str = AUDITOR) -> Bundle:
    kind = SUBJECTS.get(subject) or ("lots" if subject.startswith("lot:") else "sites")
    answer = desk.get(f"/v1/{kind}/{subject.replace('/', '%2F')}/bundle", reader)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.lodeline.bundle+json"
    return parse_bundle(answer.content)


def verify(desk: Desk, bundle: Bundle) -> Report:
    policy = TrustPolicy(logs=(TrustedLog(desk.service.signer.verifier),))
    return verify_bundle(format_bundle(bundle), policy, datetime.fromtimestamp(desk.now, UTC))


def hidden(bundle: Bundle) -> set[str]:
    return {one.record for one in bundle.entries if isinstance(one, HashOnlyEntry)}


def extracted(bundle: Bundle) -> set[str]:
    """Lots of the extracts that are shown in full."""
    records = [parse_record(parse_entry(one.entry)[1]) for one in bundle.entries if isinstance(one, FullEntry)]
    return {lot["id"] for record in records if record.type == "extract" for lot in record.body["lots"]}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_log_signs_exactly_what_a_replay_of_all_entries_gives(mines: Desk, subject: str) -> None:
    bundle = fetch(mines, subject)
    assert verify(mines, bundle).verified
    reader = LogReader(mines.log)
    closure = collect_closure(subject, ORIGIN, reader)
    assert tuple(one.index for one in bundle.entries) == closure.indexes
    assert bundle.completeness.topics == lists_of(reader.records, closure.topics)
    statement = open_completeness(bundle.completeness.note, [mines.service.signer.verifier])
    assert {one.topic for one in statement.lists} == set(bundle.completeness.topics)
    for one in statement.lists:
        check_list(one, bundle.completeness.topics[one.topic])
    assert (statement.subject, statement.head.size) == (subject, len(mines.log))


def test_leaving_a_record_out_is_noticed(mines: Desk) -> None:
    bundle = fetch(mines, "lot:c")
    listed = {one for ids in bundle.completeness.topics.values() for one in ids}
    reader = LogReader(mines.log)
    for entry in bundle.entries:
        rest = tuple(one for one in bundle.entries if one is not entry)
        report = verify(mines, Bundle(**{name: getattr(bundle, name) for name in bundle.__slots__} | {"entries": rest}))
        assert not report.verified
        record = reader.records[entry.index].id
        named = {one.record for one in report.findings if one.check == "completeness"}
        assert named == ({record} if record in listed else named & {record})


def test_a_later_statement_extends_an_earlier_one(fresh: Desk) -> None:
    verifiers = [fresh.service.signer.verifier]
    before = fetch(fresh, "lot:c")
    note_incident(fresh, TRADER)
    attest_status(fresh, "yellow", MINE)
    after = fetch(fresh, "lot:c")
    old, new = (open_completeness(one.completeness.note, verifiers) for one in (before, after))
    check_extends(old, new, after.completeness.topics)
    assert (
        len(after.completeness.topics[f"subject {TRADER}"]) == len(before.completeness.topics[f"subject {TRADER}"]) + 1
    )
    assert len(after.completeness.topics["status CD-NK"]) == len(before.completeness.topics["status CD-NK"]) + 1


# ---- decision 0016: what a mine produced is evidence about the mine --------------------------------------------------


def test_a_holder_reads_what_the_mine_produced_without_what_it_concealed(fresh: Desk) -> None:
    period = {"from": "2026-08-05T00:00:00Z", "to": "2026-08-06T00:00:00Z"}
    lot = {"id": "lot:sealed", "mineral": "coltan", "quantity": {"mass": "9", "moisture": "2", "assay": {}}, "tags": []}
    body = {"site": MINE, "period": period, "method": "artisanal", "workers": 3, "lots": [lot], "price": "EUR 900"}
    signed = fresh.sign(MINER, "extract", body, conceal=["/body/price"])
    record = fresh.submit(signed)
    bundle = fetch(fresh, "lot:c", SMELTER)
    assert hidden(bundle) == set()
    assert extracted(bundle) == {"lot:mid", "lot:a", "lot:b", "lot:beside", "lot:sealed", "lot:early"}
    assert verify(fresh, bundle).verified
    shown = {parse_record(parse_entry(one.entry)[1]).id: one for one in bundle.entries if isinstance(one, FullEntry)}
    assert shown[record].disclosures == ()
    full = fetch(fresh, "lot:c", AUDITOR)
    of_auditor = {parse_record(parse_entry(one.entry)[1]).id: one for one in full.entries if isinstance(one, FullEntry)}
    assert of_auditor[record].disclosures == signed.disclosures
    # Outside the bundle the record stays with its owners.
    assert fresh.get(f"/v1/records/{record}", SMELTER).status_code == 404
    assert fresh.get("/v1/lots/lot:sealed", SMELTER).status_code == 404
    assert fresh.get(f"/v1/records/{record}", AUDITOR).status_code == 200


def test_a_status_that_names_a_lot_as_well_is_read_all_the_same(fresh: Desk) -> None:
    """Else a red status could be kept from buyers by naming somebody's lot beside the mine."""
    about = [{"subject": one, "record": fresh.state.subjects[one].head} for one in (NEIGHBOUR, "lot:neighbour")]
    statement = {"status": "red", "effective": "2026-02-01", "act": "Decree 9", "authority": AUTHORITY}
    red = fresh.do(AUTHORITY, "attest", {"kind": "site_status", "about": about, "statement": statement})
    bundle = fetch(fresh, "lot:c", SMELTER)
    assert red in bundle.completeness.topics["status CD-NK"]
    assert red not in hidden(bundle)
    assert about[1]["record"] in hidden(bundle)  # the neighbour's lot stays its owner's business
    assert verify(fresh, bundle).verified


# ---- sites and participants -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        (f"/v1/sites/{MINE}/bundle", MINER),
        (f"/v1/sites/{DEPOT}/bundle", TRADER),
        (f"/v1/participants/{TRADER}/bundle", TRADER),
    ],
)
def test_bundles_of_sites_and_participants_are_for_who_may_see_everything_and_their_owner(
    mines: Desk, path: str, owner: str
) -> None:
    for reader in (AUDITOR, AUTHORITY, REGISTRAR, owner):
        answer = mines.get(path, reader)
        assert answer.status_code == 200, answer.text
        assert verify(mines, parse_bundle(answer.content)).verified
        assert hidden(parse_bundle(answer.content)) == set()
    for reader in (BUYER, STRANGER, SMELTER, COOPERATIVE):
        answer = mines.get(path, reader)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:lodeline:problem:forbidden")
    assert mines.get(path).status_code == 401


def test_only_sites_have_bundles_of_sites(mines: Desk) -> None:
    for path in (
        "/v1/sites/site:none",
        f"/v1/sites/{MINER}",
        "/v1/sites/lot:c",
        f"/v1/participants/{MINE}",
        f"/v1/lots/{MINE}",
    ):
        assert mines.get(f"{path}/bundle", AUDITOR).status_code == 404
        assert mines.get(f"{path}/bundle").status_code == 401


def test_a_plant_does_not_learn_of_the_mines_of_its_customers(fresh: Desk) -> None:
    """The smelter treats the trader's material at the trader's depot: the operator of the depot is another."""
    desk = fresh
    desk.receive(SMELTER, DEPOT, {"lot:c": {"mass": "58", "moisture": "2", "assay": {"Ta2O5": "28.5"}}})
    desk.do(TRADER, "site", {**_site(desk), "operator": BUYER}, [DEPOT])
    records = dict(enumerate(LogReader(desk.log).records))
    bundle = fetch(desk, DEPOT, BUYER)
    withheld = {records[one.index].type for one in bundle.entries if isinstance(one, HashOnlyEntry)}
    assert withheld >= {"extract", "transform", "dispatch", "receive"}
    assert extracted(bundle) == set()
    assert not any(one.check == "completeness" for one in verify(desk, bundle).findings)
    assert hidden(fetch(desk, DEPOT, AUDITOR)) == set()


def _site(desk: Desk) -> dict[str, object]:
    record = parse_record(parse_entry(desk.log[_index(desk, desk.state.subjects[DEPOT].head)])[1])
    return dict(record.body)


def _index(desk: Desk, record: str) -> int:
    return next(i for i, one in enumerate(LogReader(desk.log).records) if one.id == record)


def test_a_public_log_shows_every_bundle_to_anybody(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("public"), policy={**POLICY, "entries": "public"}) as desk:
        settle_in(desk)
        live(desk)
        for subject in SUBJECTS:
            bundle = fetch(desk, subject, "")
            assert (hidden(bundle), verify(desk, bundle).verified) == (set(), True)


def test_lots_that_go_to_and_fro_come_to_a_participant_once(fresh: Desk) -> None:
    desk = fresh
    desk.do(SMELTER, "receive", {"outcome": "refused", "site": DEPOT, "lots": [{"id": "lot:c"}]}, ["lot:c"])
    desk.do(TRADER, "dispatch", dispatch_body(SMELTER, "lot:c", time=desk.now), ["lot:c"])
    for participant in (SMELTER, TRADER, MINER, COOPERATIVE, AUDITOR):
        bundle = parse_bundle(desk.get(f"/v1/participants/{participant}/bundle", participant).content)
        assert verify(desk, bundle).verified
        held = [topic for topic in bundle.completeness.topics if topic.startswith("held ")]
        topics = Topics.of(held)
        for record in LogReader(desk.log).records:
            topics.take(record)
        assert {topic: tuple(ids) for topic, ids in topics.lists.items()} == {
            topic: bundle.completeness.topics[topic] for topic in held
        }
    assert FAR in {name for topic in fetch_topics(desk, COOPERATIVE) for name in topic.split(" ")}


def fetch_topics(desk: Desk, participant: str) -> list[str]:
    answer = desk.get(f"/v1/participants/{participant}/bundle", participant)
    return list(parse_bundle(answer.content).completeness.topics)
