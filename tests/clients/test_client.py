"""The client against an honest service, and against one that is slow, loses answers or lies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from clients.sdk.client import LodelineClient
from clients.sdk.errors import LocalError, Misbehaviour, NotFound, Unreachable
from clients.sdk.store import PinnedLog, Store
from ledger.encoding import parse_time
from ledger.errors import (
    BadSignature,
    Equivocation,
    IdTaken,
    LotInTransit,
    ProofError,
    SchemaError,
    StaleHead,
    UnknownSubject,
    UntrustedNote,
)
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.note import Ed25519Signer, format_vkey
from ledger.log.proof import check_receipt
from tests.clients.events import dig, send
from tests.clients.fake import FakeService, busy, claims_of, lose
from tests.support.world import MINE, MINER, ORIGIN, TRADER

Connect = Callable[..., LodelineClient]


def test_a_record_is_signed_here_submitted_and_its_receipt_kept(service: FakeService, connect: Connect) -> None:
    client = connect()
    accepted = client.submit(dig("lot:1"))
    assert accepted.new
    assert service.world.log[accepted.index].decode() == accepted.entry
    folder = client.store.folder / "evidence"
    entry = (folder / f"{accepted.id}.record").read_bytes()
    receipt = (folder / f"{accepted.id}.tlog-proof").read_text()
    assert check_receipt(entry, receipt, ORIGIN, [service.signer.verifier]).size == len(service.world.log)
    with pytest.raises(ProofError):
        check_receipt(entry + b"A", receipt, ORIGIN, [service.signer.verifier])
    body = service.requests[-1].content
    assert service.world.keys[MINER].to_jwk()["d"].encode() not in b"".join(r.content for r in service.requests)
    assert body.decode().startswith(accepted.entry.partition(" ")[2])


def test_the_same_record_again_is_the_same_entry(service: FakeService, connect: Connect) -> None:
    client = connect()
    text = client.sign(dig("lot:1")).text
    first, again = client.submit_record(text), client.submit_record(text)
    assert (first.new, again.new) == (True, False)
    assert (first.id, first.index, first.entry) == (again.id, again.index, again.entry)
    assert len(service.world.log) == first.index + 1


def test_heads_come_from_the_service_and_a_stale_one_is_told(service: FakeService, connect: Connect) -> None:
    miner = connect()
    miner.submit(dig("lot:1", "lot:2"))
    stale = miner.sign(send(TRADER, "lot:1"))
    assert miner.submit(send(TRADER, "lot:1", "lot:2")).new
    with pytest.raises(StaleHead) as caught:
        miner.submit_record(stale.text)
    assert caught.value.values["subject"] == "lot:1"
    assert caught.value.values["head"] == miner.head("lot:1")
    with pytest.raises(LotInTransit):
        miner.submit(send(TRADER, "lot:1"))
    with pytest.raises(UnknownSubject):
        miner.submit(send(TRADER, "lot:9"))
    with pytest.raises(IdTaken):
        miner.submit(dig("lot:1"))


def test_nothing_is_signed_that_does_not_fit_the_schema(service: FakeService, connect: Connect) -> None:
    event = dig("lot:1")
    event.body["workers"] = "many"
    with pytest.raises(SchemaError) as caught:
        connect().submit(event)
    assert caught.value.pointer == "/body/workers"
    assert [r.url.path for r in service.requests] == ["/.well-known/lodeline"]


def test_a_lost_answer_is_asked_for_again(service: FakeService, connect: Connect, waits: list[float]) -> None:
    client = connect()
    text = client.sign(dig("lot:1")).text
    service.after = [lose]
    accepted = client.submit_record(text)
    assert not accepted.new  # it was stored the first time
    assert service.world.log[accepted.index].endswith(text.encode())
    assert waits == [0.25]


def test_busy_is_waited_out_as_long_as_the_service_asks(
    service: FakeService, connect: Connect, waits: list[float]
) -> None:
    client = connect()
    client.check_log()
    service.before = [busy, lose]
    assert client.submit(dig("lot:1")).new
    assert waits == [3.0, 0.5]


def test_a_service_that_stays_away_is_unreachable_and_nothing_is_lost(
    service: FakeService, connect: Connect, waits: list[float]
) -> None:
    client = connect()
    signed = client.sign(dig("lot:1"))
    before = len(service.world.log)
    service.before = [lose, lose, lose]
    with pytest.raises(Unreachable) as caught:
        client.submit_record(signed.text)
    assert "connection reset" in caught.value.message
    service.before = [busy] * 3
    with pytest.raises(Unreachable) as caught:
        client.submit_record(signed.text)
    assert caught.value.values["status"] == 503
    assert len(service.world.log) == before
    assert client.submit_record(signed.text).new


def test_concealed_members_travel_beside_the_record(service: FakeService, connect: Connect) -> None:
    client = connect()
    client.submit(dig("lot:1"))
    event = send(TRADER, "lot:1", driver="A. Driver", vehicle="CGO 1")
    signed = client.sign(event, reveal=["vehicle"])
    assert signed.record.body["transport"]["vehicle"] == "CGO 1"
    assert "driver" not in signed.record.body["transport"]
    accepted = client.submit_record(signed.text)
    path = client.store.folder / "evidence" / f"{accepted.id}.disclosures"
    assert path.read_text() == signed.disclosures[0] + "\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert service.world.disclosures[accepted.id] == signed.disclosures
    assert client.sign(send(TRADER, "lot:1", driver="B")).disclosures == ()  # "*": all in plain


# ---- lies ----------------------------------------------------------------------------------------------------------


def rewrite(change: Callable[[dict[str, object]], None]) -> Callable[[httpx.Request, httpx.Response], httpx.Response]:
    """A forger that changes the members of the answer to a submission."""

    def forge(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.url.path != "/v1/records":
            return response
        answer = json.loads(response.content)
        change(answer)
        return httpx.Response(response.status_code, json=answer)

    return forge


@pytest.mark.parametrize(
    ("member", "value", "error"),
    [
        ("index", 0, ProofError),
        ("id", "0" * 64, Misbehaviour),
        ("entry", "1 a.b.c", Misbehaviour),
        ("logged", 1, Misbehaviour),
        ("receipt", None, Misbehaviour),
        ("index", "3", Misbehaviour),
    ],
)
def test_an_answer_that_does_not_fit_what_was_sent(
    service: FakeService, connect: Connect, member: str, value: object, error: type[Exception]
) -> None:
    def change(answer: dict[str, object]) -> None:
        if member == "index" and value == 0:
            answer["receipt"] = str(answer["receipt"]).replace(f"index {answer['index']}", "index 0")
        answer[member] = value

    service.forge = rewrite(change)
    client = connect()
    with pytest.raises(error):
        client.submit(dig("lot:1"))
    assert not (client.store.folder / "evidence").exists()


def test_a_receipt_under_another_key(service: FakeService, connect: Connect) -> None:
    client = connect()
    client.check_log()
    honest = service.signer
    service.signer = Ed25519Signer(ORIGIN, bytes(32))
    with pytest.raises(UntrustedNote):
        client.submit(dig("lot:1"))
    service.signer = honest
    assert client.submit(dig("lot:2")).new


def test_a_receipt_with_a_flipped_signature(service: FakeService, connect: Connect) -> None:
    def flip(answer: dict[str, object]) -> None:
        text = str(answer["receipt"])
        at = text.rindex(" ") + 20
        answer["receipt"] = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]

    service.forge = rewrite(flip)
    with pytest.raises(BadSignature):
        connect().submit(dig("lot:1"))


def test_a_log_that_forks_between_two_visits(service: FakeService, connect: Connect) -> None:
    client = connect()
    client.check_log()
    client.close()
    service.world.log[3] = b"1 another.history.altogether"
    with pytest.raises(Equivocation):
        connect().check_log()
    service.world.extract({"id": "lot:8", "mineral": "coltan", "quantity": {"mass": "1", "moisture": "0", "assay": {}}})
    with pytest.raises(ProofError):
        connect().check_log()


def test_every_size_extends_every_earlier_one(service: FakeService, connect: Connect, tmp_path: Path) -> None:
    """Across the width of a tile, where partial tiles give way to full ones."""
    service.world.log += [b"%d x" % n for n in range(600)]
    for old, new in [(1, 14), (14, 255), (255, 256), (256, 257), (100, 600), (257, 512), (512, 600), (255, 600)]:
        view = connect(store=tmp_path / f"{old}-{new}").view
        assert view.observe(service.note(old)).size == old
        assert view.observe(service.note(new)).size == new
        assert view.observe(service.note(old)).size == old  # an older one of the same history is fine
        remembered = view.remembered()
        assert remembered is not None
        assert remembered.size == new
        forked = sign_checkpoint(Checkpoint(ORIGIN, new + 1, bytes(32)), [service.signer])
        with pytest.raises(ProofError):
            view.observe(forked)


def test_a_log_that_goes_back_in_time(service: FakeService, connect: Connect) -> None:
    client = connect()
    now = client.check_log().size
    service.forge = lambda request, response: (
        httpx.Response(200, text=service.note(now - 1)) if request.url.path == "/log/checkpoint" else response
    )
    with pytest.raises(Misbehaviour) as caught:
        client.check_log()
    assert caught.value.values == {"size": now - 1, "remembered": now}


def test_tiles_that_do_not_add_up(service: FakeService, connect: Connect) -> None:
    client = connect()
    client.check_log()
    service.forge = lambda request, response: (
        httpx.Response(200, content=bytes(len(response.content))) if "/tile/" in request.url.path else response
    )
    with pytest.raises(ProofError):
        client.submit(dig("lot:1"))


# ---- pinning -------------------------------------------------------------------------------------------------------


def test_the_log_is_pinned_at_first_contact_and_never_changes(service: FakeService, connect: Connect) -> None:
    client = connect()
    assert client.origin == ORIGIN
    assert client.store.read_pin() == PinnedLog(ORIGIN, service.vkey)
    service.signer = Ed25519Signer(ORIGIN, bytes(32))
    with pytest.raises(UntrustedNote):
        connect().check_log()
    other = format_vkey(service.signer.verifier)
    with pytest.raises(LocalError):
        connect(log_key=other).check_log()


def test_a_service_with_another_key_than_the_one_given(service: FakeService, connect: Connect, tmp_path: Path) -> None:
    given = service.vkey
    assert connect(log_key=given, store=None).check_log().size == len(service.world.log)
    service.signer = Ed25519Signer(ORIGIN, bytes(32))
    with pytest.raises(Misbehaviour):
        connect(log_key=given, store=tmp_path / "new").check_log()
    service.signer = Ed25519Signer("another.name/log", bytes(32))
    with pytest.raises(Misbehaviour):
        connect(store=tmp_path / "new").check_log()


def test_damaged_memory_is_refused(service: FakeService, connect: Connect) -> None:
    client = connect()
    client.check_log()
    store = client.store
    assert isinstance(store, Store)
    (store.folder / "checkpoint").write_text("nonsense")
    with pytest.raises(Exception, match="note"):
        connect().check_log()
    (store.folder / "log.toml").write_text("origin = ")
    with pytest.raises(LocalError):
        connect().check_log()


# ---- reading -------------------------------------------------------------------------------------------------------


def test_each_request_has_its_own_token(service: FakeService, connect: Connect) -> None:
    client = connect()
    service.before = []
    client.origin  # noqa: B018 - the first contact
    service.after = [lose]
    assert client.site(MINE)["operator"] == MINER
    tokens = [claims_of(r) for r in service.requests if r.url.path.startswith("/v1/sites")]
    assert len(tokens) == 2
    assert tokens[0]["jti"] != tokens[1]["jti"]
    for claims in tokens:
        assert (claims["iss"], claims["sub"], claims["aud"]) == (MINER, MINER, ORIGIN)
        assert 0 < claims["exp"] - claims["iat"] <= 300


def test_ids_are_escaped_in_paths(service: FakeService, connect: Connect) -> None:
    client = connect()
    client.submit(dig("lot:a/b#1"))
    assert client.lot("lot:a/b#1")["id"] == "lot:a/b#1"
    assert service.requests[-1].url.raw_path == b"/v1/lots/lot%3Aa%2Fb%231"
    with pytest.raises(NotFound):
        client.lot("lot:a")


def test_heads_of_many_lots_are_read_from_the_list(service: FakeService, connect: Connect) -> None:
    client = connect()
    lots = [f"lot:{n}" for n in range(30)]
    client.submit(dig(*lots))
    before = len(service.requests)
    heads = client.heads([*lots, "lot:none"])
    assert sorted(heads) == sorted(lots)
    assert len(service.requests) - before == 4  # the list, and three kinds of subject that lot:none is not
    assert client.heads(lots[:2]) == {lot: heads[lot] for lot in lots[:2]}


def test_signing_needs_a_key(connect: Connect) -> None:
    with pytest.raises(LocalError):
        connect(key=None).sign(dig("lot:1"))


def test_a_batch_has_an_outcome_for_each_line(service: FakeService, connect: Connect) -> None:
    client = connect()
    good, other = client.sign(dig("lot:1")), client.sign(dig("lot:2"))
    taken = client.sign(dig("lot:1", "lot:3"))
    result = client.submit_batch([good.text, taken.text, other.text, good.text])
    assert result.complete
    assert [(o.line, o.accepted.new if o.accepted else None) for o in result.outcomes] == [
        (1, True),
        (2, None),
        (3, True),
        (4, False),
    ]
    assert isinstance(result.outcomes[1].error, IdTaken)
    assert not result.outcomes[1].again
    with pytest.raises(Exception, match="one line"):
        client.submit_batch(["a\nb"])


def test_a_batch_answer_that_breaks_off(service: FakeService, connect: Connect) -> None:
    client = connect()
    texts = [client.sign(dig(f"lot:{n}")).text for n in range(3)]

    def cut(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith("/batch"):
            return response
        return httpx.Response(200, content=response.content[: response.content.index(b'"line": 3') + 12])

    service.forge = cut
    result = client.submit_batch(texts)
    assert not result.complete
    assert [o.line for o in result.outcomes] == [1, 2]
    service.forge = lambda _request, response: response
    again = client.submit_batch(texts, atomic=True)
    assert [o.accepted.new for o in again.outcomes if o.accepted] == [False, False, False]


@pytest.mark.parametrize(
    "line", ['{"line": 9, "status": 201}', '{"line": 1}', "[1]", '{"line": true, "status": 201}', '{"done": 1}']
)
def test_a_batch_answer_that_makes_no_sense(service: FakeService, connect: Connect, line: str) -> None:
    client = connect()
    text = client.sign(dig("lot:1")).text
    service.forge = lambda request, response: (
        httpx.Response(200, content=line.encode() + b"\n\n") if request.url.path.endswith("/batch") else response
    )
    with pytest.raises(Misbehaviour):
        client.submit_batch([text])


def test_times_are_the_clock_of_the_caller(service: FakeService, connect: Connect) -> None:
    event = dig("lot:1")
    signed = connect(clock=lambda: 1_800_000_000.9).sign(event)
    assert signed.record.iat == 1_800_000_000
    assert parse_time(signed.record.time) == parse_time(event.time)
