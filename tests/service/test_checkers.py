"""Checking many records in processes: the same verdicts as in line, in order."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from ledger.custody.state import needs
from ledger.errors import BadSignature, EncodingError, EnvelopeError, LedgerError, SchemaError
from service.errors import Unavailable
from service.usecases.check import Candidate, KeyRing, needs_of
from service.usecases.submit import Item
from service.workers.checkers import CHUNK, Checkers, _Task
from tests.support.world import MINER, World, dispatch_body, extract_body, honest_world, key_of, new_lot


@pytest.fixture(scope="module")
def world() -> World:
    return honest_world()


@pytest.fixture(scope="module")
def keys(world: World) -> KeyRing:
    ring = KeyRing()
    for kid, key in world.state.keys.items():
        ring.add(kid, key.jwk)
    return ring


@pytest.fixture(scope="module")
def pool(keys: KeyRing) -> Iterator[Checkers]:
    pool = Checkers(keys, 1)
    pool.warm_up()
    yield pool
    pool.close()


def texts(world: World) -> list[bytes]:
    plain = world.sign(MINER, "extract", extract_body(new_lot("lot:1")))
    body = dispatch_body("did:web:trader.example", "lot:1")
    body["transport"]["driver"] = "plate 7"
    hidden = world.sign(MINER, "dispatch", body, prev={"lot:1": "0" * 64}, conceal=["/body/transport/driver"])
    strange = world.sign(MINER, "extract", extract_body(new_lot("lot:2")), key=key_of("a stranger"))
    es256 = world.sign(MINER, "extract", extract_body(new_lot("lot:3")), key=key_of("a stranger", "ES256"))
    forged = plain.jws[:-86] + hidden.jws[-86:]
    return [
        plain.text.encode(),
        hidden.text.encode(),
        strange.text.encode(),
        es256.text.encode(),
        forged.encode(),
        b"nonsense",
        b"",
        b"e30.e30.e30",
        plain.jws.encode() + b"~x~",
        plain.jws.encode().replace(b".", b"!", 1),
        "ü".encode(),
    ]


def flat(checkers: Checkers, lines: list[bytes]) -> list[Item]:
    return [item for future in checkers.check(lines) for item in future.result(60)]


def same(one: Item, other: Item) -> bool:
    if isinstance(one, Candidate):
        assert isinstance(other, Candidate)
        return (one, one.record.payload) == (other, other.record.payload)
    return type(one) is type(other) and one.to_json() == other.to_json()


def test_processes_and_line_agree(world: World, keys: KeyRing, pool: Checkers) -> None:
    lines = texts(world) * (CHUNK // 4)
    inline, apart = flat(Checkers(keys, 0), lines), flat(pool, lines)
    assert len(inline) == len(apart) == len(lines)
    assert all(same(one, other) for one, other in zip(inline, apart, strict=True))


def test_verdicts(world: World, pool: Checkers) -> None:
    items = flat(pool, texts(world))
    assert [item.verified if isinstance(item, Candidate) else type(item) for item in items] == [
        True, True, False, False,
        BadSignature, EnvelopeError, EnvelopeError, EnvelopeError, EncodingError, EnvelopeError, EnvelopeError,
    ]  # fmt: skip
    hidden = items[1]
    assert isinstance(hidden, Candidate)
    assert len(hidden.disclosures) == 1, "disclosures travel with their record"


def test_what_the_rules_will_look_up_is_named_once_for_all(world: World, pool: Checkers) -> None:
    lines = texts(world)
    other = world.sign(MINER, "extract", extract_body(new_lot("lot:9"))).jws.encode()
    passed = [one for one in flat(pool, lines) if isinstance(one, Candidate)]
    assert len({id(one.needs) for one in passed}) == 1
    assert needs_of(passed) == needs(*(one.record for one in passed))
    assert "lot:9" not in passed[0].needs.subjects
    forged = flat(pool, [*lines, other[:-86] + lines[0][-86:]])
    assert isinstance(forged[-1], BadSignature)
    assert forged[0] == passed[0], "nothing is looked up for what was refused"
    (later,) = flat(pool, [other])
    assert isinstance(later, Candidate)
    assert later.needs == needs(later.record)
    assert needs_of([*passed, later]) == needs(*(one.record for one in (*passed, later)))
    assert needs_of([]) == needs()


def test_refusals_cross_processes_whole(world: World, pool: Checkers) -> None:
    body = extract_body(new_lot("lot:1"))
    del body["workers"]
    body["nonsense"] = 1
    (item,) = flat(pool, [world.sign(MINER, "extract", body).text.encode()])
    assert isinstance(item, SchemaError)
    assert isinstance(item, LedgerError)
    assert item.pointer.startswith("/body/")
    assert item.to_json()["code"] == "schema-error"


def kill_processes(checkers: Checkers) -> None:
    for driver in checkers._threads:
        assert driver.process is not None
        driver.process.kill()
        driver.process.join(20)


def test_dead_process_is_replaced(world: World, keys: KeyRing) -> None:
    checkers = Checkers(keys, 1)
    checkers.warm_up()
    assert len(flat(checkers, texts(world))) == len(texts(world))
    kill_processes(checkers)
    verdicts = flat(checkers, texts(world))
    assert [one.verified for one in verdicts if isinstance(one, Candidate)] == [True, True, False, False]
    checkers.close()


def test_lines_that_kill_every_process_are_given_up(
    world: World, keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkers = Checkers(keys, 1)
    checkers.warm_up()
    deadly = _Task([b"deadly"])
    real = Connection.send_bytes

    def send_and_die(self: Connection, data: bytes) -> None:
        real(self, data)
        if b"deadly" in data:
            kill_processes(checkers)

    monkeypatch.setattr(Connection, "send_bytes", send_and_die)
    checkers._tasks.put(deadly)
    with pytest.raises(Unavailable, match="for now"):
        deadly.done.result(60)
    monkeypatch.undo()
    assert len(flat(checkers, texts(world)[:1])) == 1
    checkers.close()


def test_closed_checkers_take_nothing(world: World, keys: KeyRing) -> None:
    checkers = Checkers(keys, 1)
    waiting = checkers.check(texts(world) * CHUNK)
    checkers.close()
    assert sum(len(one.result(0)) for one in waiting) == len(texts(world)) * CHUNK, "what was given is finished"
    with pytest.raises(Unavailable):
        flat(checkers, texts(world)[:1])


def test_key_that_becomes_known_later_is_sent_later(world: World) -> None:
    ring = KeyRing()
    checkers = Checkers(ring, 1)
    line = texts(world)[0]
    (before,) = flat(checkers, [line])
    for kid, key in world.state.keys.items():
        ring.add(kid, key.jwk)
    (after,) = flat(checkers, [line])
    assert isinstance(before, Candidate)
    assert isinstance(after, Candidate)
    assert (before.verified, after.verified) == (False, True)
    checkers.close()


def test_answers_larger_than_any_pipe_hold_nobody_up(world: World, pool: Checkers) -> None:
    """Both directions are full at once: disclosures are sent, and come back with the verdicts."""
    hidden = texts(world)[1]
    items = flat(pool, [bytes(bytearray(hidden)) for _ in range(8 * CHUNK)])  # each sent on its own
    assert len(items) == 8 * CHUNK
    assert all(isinstance(item, Candidate) and item.verified and item.disclosures for item in items)
