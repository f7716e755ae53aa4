"""Taking records into the log: outcomes, order, duplicates, all-or-nothing, disclosures, receipts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.envelope import SignedRecord
from ledger.errors import BadSignature, KeyRevoked, ProofError, StaleHead, UnknownKey
from ledger.log.checkpoint import open_checkpoint
from ledger.log.proof import check_receipt
from service.bootstrap import Service
from service.errors import BatchRefused
from service.storage.head import HeadMoved
from service.storage.sql import execute
from service.storage.tables import DERIVED, KEPT
from service.usecases.receipts import read_receipt
from service.usecases.submit import Book, ClockBehind, Item, Outcome, Submission
from tests.service.test_replay import busy_world
from tests.support.server import SIGNER, candidate, candidates, dump, new_service
from tests.support.world import (
    MINER,
    ORIGIN,
    REGISTRAR,
    TRADER,
    World,
    chain_world,
    dispatch_body,
    extract_body,
    honest_world,
    key_of,
    new_lot,
)

pytestmark = pytest.mark.usefixtures("engine")

ALL = (*KEPT, *DERIVED)


@pytest.fixture
def world() -> World:
    return honest_world()


@pytest.fixture
def service(tmp_path: Path, world: World) -> Iterator[Service]:
    service = new_service(tmp_path, world)
    yield service
    service.close()


@pytest.fixture
def book(service: Service, world: World) -> Book:
    book = service.open_log()
    take(book, *candidates(world, service))
    return book


def take(book: Book, *items: Item, atomic: bool = False, now: int | None = None) -> list[Outcome]:
    at = book.head.logged + 1000 if now is None else now
    (sequenced,) = book.submit([Submission(items, atomic)], at)
    checkpoint = open_checkpoint(sequenced.checkpoint, ORIGIN, [SIGNER.verifier])
    assert (checkpoint.size, checkpoint.root) == (book.head.size, book.head.root)
    assert book.file.newest == sequenced.checkpoint
    return list(sequenced.outcomes)


def check_stored(outcome: Outcome) -> None:
    """The receipt shows the entry, and shows no other."""
    receipt = outcome.receipt()
    check_receipt(outcome.entry, receipt, ORIGIN, [SIGNER.verifier])
    with pytest.raises(ProofError):
        check_receipt(outcome.entry + b"x", receipt, ORIGIN, [SIGNER.verifier])


def test_whole_chain_in_one_batch(tmp_path: Path) -> None:
    world = chain_world()
    service = new_service(tmp_path, world)
    outcomes = take(service.open_log(), *candidates(world, service))
    assert [one.status for one in outcomes] == ["created"] * (len(world.log) - 1)
    assert [one.index for one in outcomes] == list(range(1, len(world.log)))
    for outcome in outcomes:
        check_stored(outcome)
    with service.store.reading() as conn:
        entries = [bytes(row[0]) for row in execute(conn, "SELECT entry FROM entries ORDER BY seq")]
    assert [one.split(b" ")[1] for one in entries] == [one.split(b" ")[1] for one in world.log]
    service.close()


def test_one_by_one_gives_the_same_rows_as_one_batch(tmp_path: Path) -> None:
    world = chain_world()
    dumps = []
    for folder, size in ((tmp_path / "one", 1), (tmp_path / "three", 3), (tmp_path / "all", 1000)):
        folder.mkdir()
        service = new_service(folder, world)
        book = service.open_log()
        items = candidates(world, service)
        for at in range(0, len(items), size):
            take(book, *items[at : at + size], now=world.now * 1000)
        dumps.append(dump(service.store, [name for name in DERIVED if name != "tiles"]))
        assert dump(service.store, ["entries"])["entries"] != []
        service.close()
    assert dumps[0] == dumps[1] == dumps[2]


def test_resubmission_is_answered_with_the_existing_entry(book: Book, service: Service, world: World) -> None:
    before = dump(service.store, ALL)
    first = take(book, *candidates(world, service))
    assert [one.status for one in first] == ["existing"] * len(first)
    assert [one.index for one in first] == list(range(1, len(world.log)))
    for outcome in first:
        check_stored(outcome)
    assert dump(service.store, ALL) == before


@pytest.mark.parametrize("together", [True, False])
def test_records_of_every_type_are_found_again(tmp_path: Path, together: bool) -> None:
    """A record that names a head is looked up when it is refused, one that names none beforehand."""
    world = busy_world()
    service = new_service(tmp_path, world)
    items = candidates(world, service)
    assert {one.record.type for one in items} >= {"extract", "transform", "attest", "incident", "correct", "key"}
    take(service.open_log(), *items, now=world.now * 1000)
    before = dump(service.store, ALL)
    book = service.open_log()  # remembers nothing
    groups = [items] if together else [[one] for one in items]
    again = [outcome for group in groups for outcome in take(book, *group)]
    assert [(one.status, one.index) for one in again] == [("existing", n) for n in range(1, len(world.log))]
    assert dump(service.store, ALL) == before
    service.close()


def test_same_record_twice_in_one_batch(book: Book, service: Service, world: World) -> None:
    item = candidate(world.sign(MINER, "extract", extract_body(new_lot("lot:1"))), service)
    first, second = take(book, item, item)
    assert (first.status, second.status) == ("created", "existing")
    assert (first.index, first.entry) == (second.index, second.entry)
    check_stored(second)


def test_two_records_race_for_one_head(book: Book, service: Service, world: World) -> None:
    world.extract(new_lot("lot:1"))
    items = candidates(world, service, -1)
    race = [
        world.sign(MINER, "dispatch", dispatch_body(to, "lot:1", time=world.now), ["lot:1"])
        for to in (TRADER, "did:web:smelter.example")
    ]
    outcomes = take(book, *items, *(candidate(one, service) for one in race))
    assert [one.status for one in outcomes] == ["created", "created", "refused"]
    assert type(outcomes[2].error) is StaleHead
    assert outcomes[2].error.values == {"subject": "lot:1", "head": race[0].id}
    assert book.head.size == len(world.log) + 1


def test_refused_record_leaves_nothing(book: Book, service: Service, world: World) -> None:
    before = dump(service.store, ALL)
    world.extract(new_lot("lot:1"))
    stale = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1", time=world.now), ["lot:1"])
    (outcome,) = take(book, candidate(stale, service))
    assert (outcome.status, outcome.error.code if outcome.error else "") == ("refused", "unknown-subject")
    with pytest.raises(ValueError, match="no receipt"):
        outcome.receipt()
    assert dump(service.store, ALL) == before


def test_atomic_batch_with_one_bad_record_stores_nothing(book: Book, service: Service, world: World) -> None:
    good = world.sign(MINER, "extract", extract_body(new_lot("lot:1")))
    also = world.sign(MINER, "extract", extract_body(new_lot("lot:2")))
    before = dump(service.store, ALL)
    bad = world.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:1", time=world.now), prev={"lot:1": "0" * 64})
    outcomes = take(book, *(candidate(one, service) for one in (good, bad, also)), atomic=True)
    assert [one.status for one in outcomes] == ["refused"] * 3
    assert [type(one.error) for one in outcomes] == [BatchRefused, StaleHead, BatchRefused]
    assert dump(service.store, ALL) == before
    outcomes = take(book, *(candidate(one, service) for one in (good, bad, also)))
    assert [one.status for one in outcomes] == ["created", "refused", "created"]


def test_atomic_batch_that_builds_on_itself(book: Book, service: Service, world: World) -> None:
    world.extract(new_lot("lot:1", tags=("T1",)))
    world.hand_over(MINER, TRADER, "site:depot", "lot:1")
    items = candidates(world, service, -3)
    outcomes = take(book, *items, items[0], atomic=True)
    assert [one.status for one in outcomes] == ["created", "created", "created", "existing"]
    assert [one.status for one in take(book, *items, atomic=True)] == ["existing"] * 3


def test_atomic_batch_with_a_malformed_record(book: Book, service: Service, world: World) -> None:
    good = candidate(world.sign(MINER, "extract", extract_body(new_lot("lot:1"))), service)
    outcomes = take(book, good, BadSignature("bad"), atomic=True)
    assert [type(one.error) for one in outcomes] == [BatchRefused, BadSignature]
    assert take(book, good)[0].status == "created"


def test_key_enrolled_in_the_same_batch_signs_at_once(book: Book, service: Service, world: World) -> None:
    fresh = key_of("a second key")
    body = {"participant": MINER, "action": "add", "key": fresh.public.jwk(), "reason": "rotation"}
    world.do(MINER, "key", body, [MINER])
    signed = world.sign(MINER, "extract", extract_body(new_lot("lot:1")), key=fresh)
    item = candidate(signed, service)
    assert not item.verified
    assert [one.status for one in take(book, *candidates(world, service, -1), item)] == ["created", "created"]
    assert candidate(signed, service).verified, "from now on the stateless checks know the key"


def test_forged_signature_of_a_key_enrolled_in_the_same_batch(book: Book, service: Service, world: World) -> None:
    fresh = key_of("a second key")
    body = {"participant": MINER, "action": "add", "key": fresh.public.jwk(), "reason": "rotation"}
    world.do(MINER, "key", body, [MINER])
    signed = world.sign(MINER, "extract", extract_body(new_lot("lot:1")), key=fresh)
    forged = signed.jws[:-86] + world.sign(MINER, "extract", extract_body(new_lot("lot:2")), key=fresh).jws[-86:]
    item = candidate(b"0 " + forged.encode(), service)
    outcomes = take(book, *candidates(world, service, -1), item)
    assert [type(one.error) for one in outcomes] == [type(None), BadSignature]
    assert book.head.size == len(world.log)


def test_unknown_key_is_refused(book: Book, service: Service, world: World) -> None:
    signed = world.sign(MINER, "extract", extract_body(new_lot("lot:1")), key=key_of("a stranger"))
    (outcome,) = take(book, candidate(signed, service))
    assert type(outcome.error) is UnknownKey


def test_key_revoked_in_the_same_batch_signs_no_more(book: Book, service: Service, world: World) -> None:
    late = candidate(world.sign(MINER, "extract", extract_body(new_lot("lot:1"))), service)
    body = {"participant": MINER, "action": "revoke", "kid": key_of(MINER).public.kid, "reason": "stolen"}
    world.do(REGISTRAR, "key", body, [MINER])
    outcomes = take(book, *candidates(world, service, -1), late)
    assert [type(one.error) for one in outcomes] == [type(None), KeyRevoked]


def concealed(world: World) -> SignedRecord:
    world.extract(new_lot("lot:1"))
    body = dispatch_body(TRADER, "lot:1", time=world.now)
    body["transport"]["driver"] = "plate 7"
    body["transport"]["vehicle"] = "truck 9"
    moves = ["/body/transport/driver", "/body/transport/vehicle"]
    return world.sign(MINER, "dispatch", body, ["lot:1"], conceal=moves)


def texts(service: Service) -> dict[str, str | None]:
    return {digest: text for _, digest, text in dump(service.store, ["disclosures"])["disclosures"]}


def test_missing_disclosures_can_follow_and_erased_ones_stay_erased(book: Book, service: Service, world: World) -> None:
    signed = concealed(world)
    take(book, *candidates(world, service, -1), candidate(SignedRecord(signed.record, signed.disclosures[:1]), service))
    assert list(texts(service).values()) == list(signed.disclosures[:1])
    (outcome,) = take(book, candidate(signed, service))
    assert outcome.status == "existing"
    assert set(texts(service).values()) == set(signed.disclosures)
    with service.store.writing() as conn:
        execute(conn, "UPDATE disclosures SET text = NULL WHERE text = ?", (signed.disclosures[0],))
    take(book, candidate(signed, service))
    assert set(texts(service).values()) == {None, signed.disclosures[1]}


def test_disclosures_of_a_refused_record_are_not_kept(book: Book, service: Service, world: World) -> None:
    signed = concealed(world)
    (outcome,) = take(book, candidate(signed, service))  # the extract was not submitted
    assert outcome.status == "refused"
    assert texts(service) == {}


def test_clock_behind_the_log_takes_nothing(book: Book, service: Service, world: World) -> None:
    before = dump(service.store, ALL)
    item = candidate(world.sign(MINER, "extract", extract_body(new_lot("lot:1"))), service)
    with pytest.raises(ClockBehind) as caught:
        take(book, item, now=book.head.logged - 1500)
    assert caught.value.seconds == 1.5
    assert dump(service.store, ALL) == before
    assert take(book, item, now=book.head.logged)[0].logged == book.head.logged


def test_second_writer_on_the_same_store_is_noticed(book: Book, service: Service, world: World) -> None:
    other = service.open_log()
    world.extract(new_lot("lot:1"))
    world.extract(new_lot("lot:2"))
    take(other, *candidates(world, service, -2, -1))
    before = dump(service.store, ALL)
    with pytest.raises(HeadMoved):
        take(book, *candidates(world, service, -1))
    assert dump(service.store, ALL) == before


def test_receipt_of_any_entry_later(book: Book, service: Service, world: World) -> None:
    with service.store.reading() as conn:
        entries = [bytes(row[0]) for row in execute(conn, "SELECT entry FROM entries ORDER BY seq")]
    for index, entry in enumerate(entries):
        receipt = read_receipt(service.store, index)
        check_receipt(entry, receipt, ORIGIN, [SIGNER.verifier])
        with pytest.raises(ProofError):
            check_receipt(entries[index - 1], receipt, ORIGIN, [SIGNER.verifier])


def test_full_memory_is_emptied_between_batches(
    book: Book, service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.storage.memory.MAX_REMEMBERED", 1)
    world.extract(new_lot("lot:1", tags=("T1",)))
    world.hand_over(MINER, TRADER, "site:depot", "lot:1")
    for item in candidates(world, service, -3):
        memory = book.memory
        assert take(book, item)[0].status == "created"
        assert book.memory is not memory


def test_record_for_another_log(book: Book, service: Service, world: World) -> None:
    signed = world.sign(MINER, "extract", extract_body(new_lot("lot:1")), aud="another.example/log")
    (outcome,) = take(book, candidate(signed, service))
    assert outcome.error is not None
    assert outcome.error.code == "wrong-audience"
