"""One record over HTTP: accepted with proof, repeated, refused with the typed problem, shown, erased."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.envelope import disclosure_digest
from ledger.evidence.bundle import FullEntry, parse_bundle
from ledger.log.proof import check_receipt
from service.storage.tables import DERIVED, KEPT
from service.usecases.records import check_record_id
from tests.service.api.harness import (
    RECORD,
    SECRET,
    STRANGER,
    Desk,
    send_concealed,
    serving,
    settle_in,
)
from tests.support.server import dump
from tests.support.world import (
    AUDITOR,
    MINER,
    ORIGIN,
    REGISTRAR,
    TRADER,
    dispatch_body,
    extract_body,
    key_of,
    new_lot,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("engine")


def verifiers(desk: Desk) -> list[object]:
    return [desk.service.signer.verifier]


@pytest.fixture(scope="module")
def fresh(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with serving(tmp_path_factory.mktemp("records")) as desk:
        settle_in(desk)
        yield desk


def test_a_new_record_comes_with_entry_and_receipt(fresh: Desk) -> None:
    signed = fresh.sign(MINER, "extract", extract_body(new_lot("lot:a"), time=fresh.now))
    answer = fresh.post(signed)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/records/{signed.id}"
    told = answer.json()
    assert told.keys() == {"id", "index", "logged", "entry", "receipt"}
    assert told["entry"] == f"{fresh.now * 1000} {signed.jws}"
    checkpoint = check_receipt(told["entry"].encode(), told["receipt"], ORIGIN, verifiers(fresh))
    assert checkpoint.size == told["index"] + 1
    again = fresh.post(signed)
    assert again.status_code == 200
    assert "location" not in again.headers
    assert {**again.json(), "receipt": ""} == {**told, "receipt": ""}
    check_receipt(told["entry"].encode(), again.json()["receipt"], ORIGIN, verifiers(fresh))
    super(Desk, fresh).submit(signed)
    assert fresh.client.get(f"/v1/records/{signed.id}/receipt").text == again.json()["receipt"]


def test_text_plain_and_a_closing_newline_are_taken(fresh: Desk) -> None:
    signed = fresh.sign(MINER, "extract", extract_body(new_lot("lot:plain"), time=fresh.now))
    answer = fresh.client.post(
        "/v1/records", content=signed.text + "\n", headers={"content-type": "text/plain; charset=utf-8"}
    )
    assert answer.status_code == 201
    super(Desk, fresh).submit(signed)


def refused(desk: Desk, signed: object, status: int, code: str, pointer: str | None = None) -> dict[str, object]:
    size = desk.client.get("/log/checkpoint").text
    answer = desk.post(signed)  # type: ignore[arg-type]  # text or record
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = dict(answer.json())
    assert problem["type"] == f"urn:lodeline:problem:{code}"
    assert problem["status"] == status
    assert problem.get("pointer") == pointer
    assert problem["instance"] == answer.headers["x-request-id"]
    assert desk.client.get("/log/checkpoint").text == size, "nothing was stored"
    return problem


def test_what_the_ledger_refuses_is_a_typed_problem(fresh: Desk) -> None:
    lot = fresh.extract(new_lot("lot:b"))
    honest = fresh.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:b", time=fresh.now), ["lot:b"])
    refused(fresh, "not a record", 400, "envelope-error")
    refused(fresh, honest.jws[:-8] + "AAAAAAAA", 403, "bad-signature")
    refused(
        fresh, fresh.sign(MINER, "dispatch", {"lots": ["lot:b"]}, ["lot:b"]), 422, "schema-error", "/body/consignee"
    )
    stale = fresh.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:b", time=fresh.now), prev={"lot:b": "0" * 64})
    assert refused(fresh, stale, 409, "stale-head", "/prev/lot:b")["values"] == {"subject": "lot:b", "head": lot}
    refused(
        fresh,
        fresh.sign(TRADER, "dispatch", dispatch_body(MINER, "lot:b", time=fresh.now), ["lot:b"]),
        403,
        "lot-not-held",
        "/iss",
    )
    refused(fresh, fresh.sign(MINER, "site", {"id": 5}, key=key_of("nobody")), 422, "schema-error", "/body/id")
    forged = fresh.sign(MINER, "extract", extract_body(new_lot("lot:forged"), time=fresh.now), key=key_of("nobody"))
    refused(fresh, forged, 403, "unknown-key")
    refused(
        fresh,
        fresh.sign(MINER, "dispatch", dispatch_body(TRADER, "lot:b", time=fresh.now), ["lot:b"], aud="other.example"),
        422,
        "wrong-audience",
        "/aud",
    )
    refused(fresh, "x" * 500_000, 413, "body-too-large")
    refused(fresh, "x" * 100_000, 413, "too-large")
    fresh.submit(honest)


@pytest.mark.parametrize(
    ("headers", "params", "status"),
    [
        ({"content-type": "application/json"}, {}, 415),
        ({}, {}, 415),
        ({"content-type": RECORD, "content-encoding": "gzip"}, {}, 415),
        ({"content-type": RECORD}, {"atomic": "true"}, 400),
    ],
)
def test_a_request_of_the_wrong_form(fresh: Desk, headers: dict[str, str], params: dict[str, str], status: int) -> None:
    answer = fresh.client.post("/v1/records", content=b"x", headers=headers, params=params)
    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_other_methods_are_told_what_is_allowed(fresh: Desk) -> None:
    answer = fresh.client.get("/v1/records")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = fresh.client.post("/v1/lots")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("bad", ["0" * 63, "0" * 65, "G" * 64, "ABCDEF" + "0" * 58, "%2e%2e"])
def test_a_record_id_of_the_wrong_form(fresh: Desk, bad: str) -> None:
    assert fresh.client.get(f"/v1/records/{bad}").status_code == 400
    assert fresh.client.get(f"/v1/records/{bad}/receipt").status_code == 400


def test_a_record_that_is_not_there(fresh: Desk) -> None:
    for tail in ("", "/receipt"):
        assert fresh.get(f"/v1/records/{'0' * 64}{tail}").status_code == 404
    assert fresh.get(f"/v1/records/{'0' * 64}/receipt", witnessed="true").status_code == 404
    assert fresh.delete(f"/v1/records/{'0' * 64}/disclosures", MINER).status_code == 404
    check_record_id("0" * 64)


# ---- disclosures and their erasure ----------------------------------------------------------------------------------


def bytes_of(desk: Desk) -> bytes:
    """All that the service keeps: on SQLite the files, where erased text could linger; else all rows."""
    if not desk.service.store.sqlite:
        return repr(dump(desk.service.store, (*KEPT, *DERIVED))).encode()
    return b"".join(path.read_bytes() for path in desk.service.settings.state.glob("lodeline.db*"))


def test_erasing_leaves_every_proof_and_no_byte_of_the_content(fresh: Desk) -> None:
    fresh.extract(new_lot("lot:c"))
    signed = send_concealed(fresh, "lot:c")
    (disclosure,) = signed.disclosures
    digest = disclosure_digest(disclosure)
    path = f"/v1/records/{signed.id}"
    shown = fresh.get(path, TRADER).json()
    assert shown["disclosed"]["transport"]["driver"] == SECRET
    assert shown["concealed"] == [{"digest": digest, "pointer": "/body/transport/driver", "state": "disclosed"}]
    assert disclosure.encode() in bytes_of(fresh)

    for nobody, status in ((TRADER, 403), (AUDITOR, 403), (STRANGER, 404)):
        assert fresh.delete(f"{path}/disclosures", nobody).status_code == status
    assert fresh.get(path, TRADER).json() == shown

    erased = fresh.delete(f"{path}/disclosures/{digest}", MINER)
    assert (erased.status_code, erased.json()) == (200, {"id": signed.id, "erased": 1})
    assert fresh.delete(f"{path}/disclosures", REGISTRAR).json()["erased"] == 0
    for reader in (MINER, TRADER, AUDITOR):
        after = fresh.get(path, reader).json()
        assert after["erased"] == 1
        assert after["concealed"] == [{"digest": digest, "pointer": "/body/transport", "state": "erased"}]
        assert "driver" not in after["disclosed"]["transport"]
        assert after["record"] == signed.jws
    assert disclosure.encode() not in bytes_of(fresh)
    entry = fresh.log[shown["index"]]
    check_receipt(entry, fresh.get(f"{path}/receipt").text, ORIGIN, verifiers(fresh))
    bundle = parse_bundle(fresh.get("/v1/lots/lot:c/bundle", MINER).content)
    assert [one.disclosures for one in bundle.entries if isinstance(one, FullEntry) and one.entry == entry] == [()]


def test_erased_stays_erased_when_the_record_is_sent_again(fresh: Desk) -> None:
    fresh.extract(new_lot("lot:d"))
    signed = send_concealed(fresh, "lot:d")
    assert fresh.delete(f"/v1/records/{signed.id}/disclosures", MINER).json()["erased"] == 1
    assert fresh.post(signed).status_code == 200
    assert fresh.get(f"/v1/records/{signed.id}", MINER).json()["erased"] == 1
    assert signed.disclosures[0].encode() not in bytes_of(fresh)


def test_what_was_never_handed_in_is_absent_until_it_is_erased(fresh: Desk) -> None:
    fresh.extract(new_lot("lot:e"))
    body = dispatch_body(TRADER, "lot:e", time=fresh.now)
    body["transport"]["driver"] = SECRET
    signed = fresh.sign(MINER, "dispatch", body, ["lot:e"], conceal=["/body/transport/driver"])
    assert fresh.post(signed.jws).status_code == 201  # without its disclosures
    super(Desk, fresh).submit(signed)
    path = f"/v1/records/{signed.id}"
    assert [one["state"] for one in fresh.get(path, MINER).json()["concealed"]] == ["absent"]
    assert fresh.delete(f"{path}/disclosures", MINER).json()["erased"] == 0
    assert [one["state"] for one in fresh.get(path, MINER).json()["concealed"]] == ["erased"]
    assert fresh.post(signed).status_code == 200
    assert [one["state"] for one in fresh.get(path, MINER).json()["concealed"]] == ["erased"]
    assert fresh.delete(f"{path}/disclosures/{'A' * 43}", MINER).status_code == 404


def test_erasing_a_member_erases_what_is_concealed_inside_it(fresh: Desk) -> None:
    body = {
        "id": "did:web:nested.example", "country": "CD", "roles": ["trader"], "status": "active",
        "keys": [key_of("nested").public.jwk()], "name": "Nested Minerals", "address": "Plot 7, Goma",
    }  # fmt: skip
    signed = fresh.sign(REGISTRAR, "participant", body, conceal=["/body/name", "/body/address"])
    fresh.submit(signed)
    path = f"/v1/records/{signed.id}"
    nested = fresh.get(path, REGISTRAR).json()
    assert (nested["disclosed"]["name"], nested["disclosed"]["address"]) == ("Nested Minerals", "Plot 7, Goma")
    name = next(one["digest"] for one in nested["concealed"] if one["pointer"] == "/body/name")
    assert fresh.delete(f"{path}/disclosures/{name}", REGISTRAR).json()["erased"] == 1
    after = fresh.get(path, REGISTRAR).json()
    assert "name" not in after["disclosed"]
    assert after["disclosed"]["address"] == "Plot 7, Goma"
    assert after["erased"] == 1
    assert fresh.get(path).json()["disclosures"] == []  # public record, but no disclosures for anybody
