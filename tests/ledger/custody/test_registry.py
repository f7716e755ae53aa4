"""Attacks on the register: who may enrol, add keys, revoke them, register sites, change the policy."""

from __future__ import annotations

import pytest

from ledger.custody.subjects import LogHead, Participant, format_subject, kind_of, parse_subject
from ledger.encoding import format_time
from ledger.errors import (
    IdTaken,
    KeyFormatError,
    KeyInUse,
    KeyNotYetValid,
    KeyRevoked,
    MissingHead,
    SchemaError,
    SignerNotAllowed,
    TimeAhead,
    UnknownKey,
    UnknownSubject,
    WrongAudience,
)
from tests.support.world import (
    AUTHORITY,
    MINE,
    MINER,
    ORIGIN,
    POLICY,
    REGISTRAR,
    SMELTER,
    TRADER,
    World,
    chain_world,
    dispatch_body,
    empty_world,
    extract_body,
    genesis_body,
    honest_world,
    key_of,
    new_lot,
    quantity,
    site_body,
)


@pytest.fixture
def world() -> World:
    return honest_world()


def enrolment(name: str, **more: object) -> dict:
    return {"id": name, "country": "CD", "roles": ["trader"], "status": "active", **more}


def add_key(participant: str, name: str, **more: object) -> dict:
    jwk = key_of(name).public.jwk()
    return {"participant": participant, "action": "add", "key": jwk, "reason": "new_device", **more}


def revoke_key(participant: str, kid: str) -> dict:
    return {"participant": participant, "action": "revoke", "kid": kid, "reason": "stolen"}


# genesis and policy -----------------------------------------------------------------------------


def test_anything_before_genesis() -> None:
    world = empty_world()
    signed = world.sign(REGISTRAR, "participant", enrolment(TRADER))
    world.refused(WrongAudience, signed)


def test_second_genesis(world: World) -> None:
    world.refused(IdTaken, world.sign(REGISTRAR, "genesis", genesis_body(key_of("other"))))


def test_genesis_for_another_log() -> None:
    world = empty_world()
    world.refused(
        WrongAudience, world.sign(REGISTRAR, "genesis", genesis_body(world.keys[REGISTRAR]), aud="other.example/log")
    )


def test_genesis_signed_by_somebody_else() -> None:
    world = empty_world()
    body = genesis_body(world.keys[REGISTRAR])
    world.refused(SignerNotAllowed, world.sign(REGISTRAR, "genesis", body, key=key_of("thief")))
    world.refused(SignerNotAllowed, world.sign(TRADER, "genesis", body, key=world.keys[REGISTRAR]))


def test_genesis_from_the_future() -> None:
    world = empty_world()
    body = genesis_body(world.keys[REGISTRAR])
    world.refused(TimeAhead, world.sign(REGISTRAR, "genesis", body, iat=world.now + 301))


def test_genesis_that_names_its_registrar_after_the_log() -> None:
    world = empty_world()
    body = genesis_body(world.keys[REGISTRAR])
    body["registrar"]["id"] = ORIGIN
    world.refused(IdTaken, world.sign(ORIGIN, "genesis", body, key=world.keys[REGISTRAR]))


def test_record_of_another_log(world: World) -> None:
    signed = world.sign(REGISTRAR, "participant", enrolment("did:web:x"), aud="other.example/log")
    assert world.refused(WrongAudience, signed).pointer == "/aud"


def test_policy_changes_only_by_the_registrar_and_from_then_on(world: World) -> None:
    strict = POLICY | {"tolerance": {"mass": "0", "metal": "0", "receipt": "0"}}
    world.refused(SignerNotAllowed, world.sign(TRADER, "policy", {"policy": strict}, [ORIGIN]))
    world.refused(MissingHead, world.sign(REGISTRAR, "policy", {"policy": strict}))
    world.extract(new_lot("lot:1"))
    head = world.do(REGISTRAR, "policy", {"policy": strict}, [ORIGIN])
    log = world.state.subjects[ORIGIN]
    assert isinstance(log, LogHead)
    assert (log.head, log.policy) == (head, strict)
    world.dispatch(MINER, TRADER, "lot:1")
    world.receive(TRADER, "site:depot", {"lot:1": quantity("40.000001")})
    assert world.state.subjects["lot:1"].status == "disputed"


# participants -------------------------------------------------------------------------------------


def test_enrolment_by_a_participant(world: World) -> None:
    world.refused(SignerNotAllowed, world.sign(TRADER, "participant", enrolment("did:web:x")))


def test_enrolment_without_a_key(world: World) -> None:
    error = world.refused(SchemaError, world.sign(REGISTRAR, "participant", enrolment("did:web:x")))
    assert error.pointer == "/body/keys"


def test_enrolment_under_an_id_that_is_taken(world: World) -> None:
    world.refused(IdTaken, world.sign(REGISTRAR, "participant", enrolment(MINE, keys=[key_of("x").public.jwk()])))


def test_enrolment_with_somebody_elses_key(world: World) -> None:
    body = enrolment("did:web:x", keys=[key_of("x").public.jwk(), world.keys[TRADER].public.jwk()])
    assert world.refused(KeyInUse, world.sign(REGISTRAR, "participant", body)).pointer == "/body/keys/1"


def test_enrolment_with_one_key_twice(world: World) -> None:
    body = enrolment("did:web:x", keys=[key_of("x").public.jwk()] * 2)
    world.refused(KeyInUse, world.sign(REGISTRAR, "participant", body))


def test_enrolment_with_a_key_of_small_order(world: World) -> None:
    identity = {"kty": "OKP", "crv": "Ed25519", "x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
    body = enrolment("did:web:x", keys=[identity])
    assert world.refused(KeyFormatError, world.sign(REGISTRAR, "participant", body)).pointer == "/body/keys/0"
    world.refused(KeyFormatError, world.sign(REGISTRAR, "participant", enrolment("did:web:x", keys=[{"kty": "RSA"}])))


def test_amendment_keeps_keys_and_moves_the_head(world: World) -> None:
    before = world.state.subjects[TRADER]
    assert isinstance(before, Participant)
    body = enrolment(TRADER, identifiers={"cid": "CID001234"})
    world.refused(MissingHead, world.sign(REGISTRAR, "participant", body))
    world.refused(
        SchemaError, world.sign(REGISTRAR, "participant", body | {"keys": [key_of("x").public.jwk()]}, [TRADER])
    )
    head = world.do(REGISTRAR, "participant", body, [TRADER])
    after = world.state.subjects[TRADER]
    assert isinstance(after, Participant)
    assert after == before._replace(head=head, time=after.time, roles=("trader",), identifiers={"cid": "CID001234"})


def test_suspended_participant_signs(world: World) -> None:
    world.do(REGISTRAR, "participant", enrolment(TRADER) | {"status": "suspended"}, [TRADER])
    world.refused(SignerNotAllowed, world.sign(TRADER, "site", site_body("site:x", "depot", TRADER)))


# keys ---------------------------------------------------------------------------------------------


def test_unknown_key(world: World) -> None:
    world.refused(UnknownKey, world.sign(MINER, "extract", extract_body(new_lot("lot:1")), key=key_of("thief")))


def test_signature_in_the_name_of_another_participant(world: World) -> None:
    world.refused(UnknownKey, world.sign(MINER, "extract", extract_body(new_lot("lot:1")), key=world.keys[TRADER]))


def test_key_whose_owner_is_no_participant(world: World) -> None:
    kid = world.keys[TRADER].public.kid
    world.state.keys[kid] = world.state.keys[kid]._replace(participant="did:web:gone")
    signed = world.sign("did:web:gone", "extract", extract_body(new_lot("lot:1")), key=world.keys[TRADER])
    assert world.refused(UnknownSubject, signed).pointer == "/iss"


def test_stolen_key_after_its_revocation(world: World) -> None:
    stolen, new = world.keys[MINER], key_of("miner's new phone")
    world.do(MINER, "key", add_key(MINER, "miner's new phone"), [MINER])
    world.do(MINER, "key", revoke_key(MINER, stolen.public.kid), [MINER], key=new)
    miner = world.state.subjects[MINER]
    assert isinstance(miner, Participant)
    assert miner.keys == (new.public.kid,)
    world.refused(KeyRevoked, world.sign(MINER, "extract", extract_body(new_lot("lot:1"))))
    world.extract(new_lot("lot:1"), key=new)
    again = world.sign(MINER, "key", revoke_key(MINER, stolen.public.kid), [MINER], key=new)
    assert world.refused(KeyRevoked, again).pointer == "/body/kid"


def test_revoked_key_is_enrolled_again(world: World) -> None:
    kid = world.keys[MINER].public.kid
    world.do(REGISTRAR, "key", revoke_key(MINER, kid), [MINER])
    world.refused(KeyInUse, world.sign(REGISTRAR, "key", add_key(MINER, MINER), [MINER]))


def test_key_that_revokes_itself(world: World) -> None:
    body = revoke_key(MINER, world.keys[MINER].public.kid)
    world.refused(SignerNotAllowed, world.sign(MINER, "key", body, [MINER]))


def test_key_of_somebody_else_is_revoked_or_replaced(world: World) -> None:
    theirs = world.keys[TRADER].public.kid
    world.refused(UnknownKey, world.sign(MINER, "key", revoke_key(MINER, theirs), [MINER]))
    world.refused(UnknownKey, world.sign(MINER, "key", revoke_key(MINER, "A" * 43), [MINER]))
    world.refused(SignerNotAllowed, world.sign(MINER, "key", revoke_key(TRADER, theirs), [TRADER]))
    world.refused(SignerNotAllowed, world.sign(MINER, "key", add_key(TRADER, "mine"), [TRADER]))


def test_key_for_a_site(world: World) -> None:
    world.refused(SchemaError, world.sign(REGISTRAR, "key", add_key(MINE, "x"), [MINE]))


def test_malformed_key_is_added(world: World) -> None:
    body = add_key(MINER, "x") | {"key": {"kty": "OKP"}}
    assert world.refused(KeyFormatError, world.sign(MINER, "key", body, [MINER])).pointer == "/body/key"


def test_key_before_its_validity(world: World) -> None:
    later = format_time(world.now + 100)
    world.do(MINER, "key", add_key(MINER, "next", **{"from": later}), [MINER])
    early = world.sign(MINER, "extract", extract_body(new_lot("lot:1")), key=key_of("next"))
    assert world.refused(KeyNotYetValid, early).pointer == "/iat"
    world.now += 100
    world.extract(new_lot("lot:1"), key=key_of("next"))


# sites --------------------------------------------------------------------------------------------


def test_site_in_the_name_of_another_operator(world: World) -> None:
    world.refused(SignerNotAllowed, world.sign(TRADER, "site", site_body("site:x", "mine", MINER)))
    world.do(AUTHORITY, "site", site_body("site:x", "mine", MINER))
    world.refused(SignerNotAllowed, world.sign(TRADER, "site", site_body("site:x", "mine", TRADER), ["site:x"]))
    world.do(MINER, "site", site_body("site:x", "mine", TRADER), ["site:x"])
    world.refused(SignerNotAllowed, world.sign(MINER, "site", site_body("site:x", "mine", MINER), ["site:x"]))


def test_site_of_an_unknown_operator(world: World) -> None:
    body = site_body("site:x", "mine", "did:web:nobody")
    assert world.refused(UnknownSubject, world.sign(REGISTRAR, "site", body)).pointer == "/body/operator"


def test_site_under_an_id_that_is_taken(world: World) -> None:
    world.refused(IdTaken, world.sign(TRADER, "site", site_body(SMELTER, "depot", TRADER)))


# subjects as JSON -----------------------------------------------------------------------------------


def test_subjects_survive_their_json_form() -> None:
    world = chain_world()
    world.extract(new_lot("lot:9"))
    world.dispatch(MINER, TRADER, "lot:9")
    world.receive(TRADER, "site:depot", {"lot:9": quantity("30")})
    kinds = set()
    for subject in world.state.subjects.values():
        value = format_subject(subject)
        assert parse_subject(value) == subject
        assert value["subject"] == kind_of(subject)
        kinds.add(kind_of(subject))
    assert kinds == {"log", "participant", "site", "lot"}
    assert format_subject(world.state.subjects["lot:9"])["sent"] == {
        "mass": "40", "moisture": "2", "assay": {"Ta2O5": "28.5"},
    }  # fmt: skip


def test_dispatch_by_another_of_ones_own_keys(world: World) -> None:
    world.extract(new_lot("lot:1"))
    world.do(MINER, "key", add_key(MINER, "phone"), [MINER])
    world.do(MINER, "dispatch", dispatch_body(TRADER, "lot:1"), ["lot:1"], key=key_of("phone"))
