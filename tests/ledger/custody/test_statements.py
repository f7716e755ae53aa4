"""Attacks on evidence and corrections."""

from __future__ import annotations

import pytest

from ledger.errors import (
    EnvelopeError,
    MissingHead,
    SchemaError,
    SignerNotAllowed,
    StaleHead,
    UnknownRecord,
    UnknownSubject,
)
from tests.support.world import (
    AUDITOR,
    AUTHORITY,
    DEPOT,
    MINER,
    REGISTRAR,
    TRADER,
    World,
    chain_world,
    dispatch_body,
    honest_world,
    new_lot,
)

ASSAY = {
    "sample": "S-17", "protocol": "ISO 12743", "laboratory": AUDITOR, "method": "ICP",
    "grades": {"Ta2O5": {"value": "28.5", "uncertainty": "0.4"}},
}  # fmt: skip


@pytest.fixture
def world() -> World:
    made = honest_world()
    made.extract(new_lot("lot:1", tags=("T1",)))
    return made


def about(world: World, *subjects: str) -> list[dict[str, str]]:
    return [{"subject": one, "record": world.state.subjects[one].head} for one in subjects]


def assay(world: World, *subjects: str, **more: object) -> dict:
    return {"kind": "assay", "about": about(world, *subjects), "statement": ASSAY, **more}


def test_attestation_moves_no_head(world: World) -> None:
    before = dict(world.state.subjects)
    record = world.do(AUDITOR, "attest", assay(world, "lot:1", DEPOT), [])
    assert world.state.subjects == before
    assert world.state.records[record].subjects == ()


def test_attestation_about_an_earlier_record_of_the_chain(world: World) -> None:
    body = assay(world, "lot:1")
    world.dispatch(MINER, TRADER, "lot:1")
    world.do(AUDITOR, "attest", body)


def test_attestation_that_claims_a_head(world: World) -> None:
    signed = world.sign(AUDITOR, "attest", assay(world, "lot:1"), ["lot:1"])
    assert world.refused(MissingHead, signed).pointer == "/prev"


def test_attestation_about_nothing_known(world: World) -> None:
    body = assay(world, "lot:1")
    body["about"] = [{"subject": "lot:x", "record": "0" * 64}]
    assert world.refused(UnknownSubject, world.sign(AUDITOR, "attest", body)).pointer == "/body/about/0/subject"
    body["about"] = [{"subject": "lot:1", "record": "0" * 64}]
    assert world.refused(UnknownRecord, world.sign(AUDITOR, "attest", body)).pointer == "/body/about/0/record"


def test_attestation_about_a_record_of_another_lot(world: World) -> None:
    other = world.extract(new_lot("lot:2"))
    body = assay(world, "lot:1")
    body["about"] = [{"subject": "lot:1", "record": other}]
    world.refused(UnknownRecord, world.sign(AUDITOR, "attest", body))


def test_disclosed_member_that_may_not_be_concealed(world: World) -> None:
    lots = [new_lot("lot:2")]
    body = {
        "site": "site:mine", "period": {"from": "2026-09-01T00:00:00Z", "to": "2026-09-02T00:00:00Z"},
        "method": "artisanal", "workers": 3, "lots": lots, "team": "Team 7",
    }  # fmt: skip
    world.submit(world.sign(MINER, "extract", body, conceal=["/body/team"]))
    lots = [new_lot("lot:3") | {"packages": 4}]
    signed = world.sign(MINER, "extract", body | {"lots": lots}, conceal=["/body/lots/0/packages"])
    world.refused(SchemaError, signed)
    follows = {"category": "A2.1", "severity": 2, "status": "open", "about": about(world, "lot:1"), "verified": True}
    hidden = world.sign(MINER, "incident", follows, conceal=["/body/verified"])
    error = world.refused(EnvelopeError, hidden)
    assert error.pointer == "/body/verified"


def test_incident_is_followed_up(world: World) -> None:
    body = {"about": about(world, "lot:1"), "category": "A2.3.ii", "severity": 3, "status": "open"}
    first = world.do(AUDITOR, "incident", body)
    world.do(MINER, "incident", body | {"status": "mitigating", "follows": first})
    wrong = world.state.subjects["lot:1"].head
    for record in (wrong, "0" * 64):
        signed = world.sign(MINER, "incident", body | {"follows": record})
        assert world.refused(UnknownRecord, signed).pointer == "/body/follows"


def correction(record: str, event: str, **replace: object) -> dict:
    return {"record": record, "type": event, "reason": "typing error", "replace": replace}


def test_correction_replaces_what_describes_and_moves_the_heads(world: World) -> None:
    record = world.state.subjects["lot:1"].head
    head = world.do(MINER, "correct", correction(record, "extract", workers=110, method="semi_mechanised"), ["lot:1"])
    assert world.state.subjects["lot:1"].head == head
    world.refused(StaleHead, world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1"), prev={"lot:1": record}))
    world.dispatch(MINER, TRADER, "lot:1")


@pytest.mark.parametrize(
    ("replace", "pointer"),
    [
        ({"lots": []}, "/body/replace/lots"),
        ({"site": "site:x"}, "/body/replace/site"),
        ({"workers": "many"}, "/body/replace/workers"),
        ({"workers": None}, "/body/replace/workers"),
        ({"period": {"from": "2026-09-02T00:00:00Z", "to": "2026-09-01T00:00:00Z"}}, "/body/replace/period"),
        ({"unknown": 1}, "/body/replace/unknown"),
    ],
)
def test_correction_of_what_moved_mass(world: World, replace: dict, pointer: str) -> None:
    record = world.state.subjects["lot:1"].head
    signed = world.sign(MINER, "correct", correction(record, "extract", **replace), ["lot:1"])
    assert world.refused(SchemaError, signed).pointer == pointer


def test_correction_by_somebody_else(world: World) -> None:
    record = world.state.subjects["lot:1"].head
    signed = world.sign(TRADER, "correct", correction(record, "extract", workers=1), ["lot:1"])
    world.refused(SignerNotAllowed, signed)


def test_correction_of_an_unknown_record_or_another_type(world: World) -> None:
    signed = world.sign(MINER, "correct", correction("0" * 64, "extract", workers=1))
    world.refused(UnknownRecord, signed)
    record = world.state.subjects["lot:1"].head
    signed = world.sign(MINER, "correct", correction(record, "dispatch", expected="2026-10-01T00:00:00Z"), ["lot:1"])
    world.refused(SchemaError, signed)


def test_correction_of_evidence_moves_nothing(world: World) -> None:
    record = world.do(AUDITOR, "attest", assay(world, "lot:1", until="2027-01-01T00:00:00Z"))
    world.do(AUDITOR, "correct", correction(record, "attest", until="2026-12-01T00:00:00Z"))


def test_scoped_replay_passes_over_subjects_and_incidents_that_it_does_not_follow() -> None:
    whole = chain_world()
    body = {"about": about(whole, "lot:5", "lot:3"), "category": "fraud", "severity": 1, "status": "open"}
    first = whole.do(AUTHORITY, "incident", body)
    whole.do(AUTHORITY, "incident", body | {"follows": first})
    whole.do(REGISTRAR, "attest", assay(whole, "lot:3"))
    part = World()
    part.state.scope = frozenset(("lot:1", "lot:2", "lot:3"))
    for entry in whole.log:
        stamp, jws = entry.decode().split(" ")
        part.now = int(stamp) // 1000
        part.submit(type("Signed", (), {"jws": jws, "disclosures": ()})())
    assert part.state.subjects["lot:3"] == whole.state.subjects["lot:3"]
    assert "lot:5" not in part.state.subjects
    part.state.scope = frozenset(("lot:3", "lot:77"))
    body["about"] = [{"subject": "lot:77", "record": first}]
    part.keys = whole.keys
    part.refused(UnknownSubject, part.sign(AUTHORITY, "incident", body))


def test_statement_schema_is_that_of_its_kind(world: World) -> None:
    body = assay(world, "lot:1") | {"statement": ASSAY | {"grades": {"Xx": {"value": "1"}}}}
    assert world.refused(SchemaError, world.sign(AUDITOR, "attest", body)).pointer == "/body/statement/grades/Xx"
    body = assay(world, "lot:1") | {"kind": "weighing"}
    assert world.refused(SchemaError, world.sign(AUDITOR, "attest", body)).pointer.startswith("/body/statement/")
    body = assay(world, "lot:1", **{"from": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"})
    assert world.refused(SchemaError, world.sign(AUDITOR, "attest", body)).pointer == "/body/until"
