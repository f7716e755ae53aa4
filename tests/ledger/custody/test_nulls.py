"""Members that may be left out may also be null: the same then, and never a crash."""

from __future__ import annotations

import pytest

from ledger.custody.state import needs
from ledger.entry import parse_entry
from ledger.envelope import parse_record
from ledger.errors import SchemaError
from ledger.evidence.keyring import collect_keys
from tests.support.world import AUDITOR, MINER, REGISTRAR, World, chain_world, key_of


@pytest.fixture
def world() -> World:
    return chain_world()


def test_a_participant_whose_keys_are_null(world: World) -> None:
    body = {"id": "did:web:new.example", "country": "CD", "roles": ["trader"], "status": "active", "keys": None}
    with pytest.raises(SchemaError, match="needs its first keys"):
        world.do(REGISTRAR, "participant", body)
    amended = {"id": MINER, "country": "CD", "roles": ["producer"], "status": "active", "keys": None}
    world.do(REGISTRAR, "participant", amended, [MINER])
    assert world.state.subjects[MINER].keys  # type: ignore[union-attr]  # as before


def test_a_key_whose_other_members_are_null(world: World) -> None:
    spare = key_of("spare").public
    added = {"participant": MINER, "action": "add", "key": spare.jwk(), "kid": None, "from": None, "reason": "rotation"}
    world.do(REGISTRAR, "key", added, [MINER])
    assert world.state.keys[spare.kid].valid_from == ""
    gone = {"participant": MINER, "action": "revoke", "kid": spare.kid, "key": None, "from": None, "reason": "left"}
    world.do(REGISTRAR, "key", gone, [MINER])
    assert spare.kid in collect_keys(parse_record(parse_entry(one)[1]) for one in world.log)
    assert spare.kid not in world.state.subjects[MINER].keys  # type: ignore[union-attr]


def test_an_incident_that_follows_null(world: World) -> None:
    about = [{"subject": MINER, "record": world.state.subjects[MINER].head}]
    body = {"about": about, "category": "A2.1", "severity": 1, "status": "open", "follows": None}
    world.do(AUDITOR, "incident", body)
    record = parse_record(parse_entry(world.log[-1])[1])
    assert needs(record).records == {about[0]["record"]}
