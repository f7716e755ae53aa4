"""Requests from people who mean harm: what no client sends, in every place where something can be put."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
from sqlalchemy import text

from ledger.encoding import format_b64url, format_json
from ledger.envelope import RECORD_TYP
from service.api.application import make_application
from service.api.deps import Backend
from service.api.judging import Judges
from service.storage.engine import DatabaseError
from tests.service.api.harness import NDJSON, Desk, make_service
from tests.support.world import (
    AUDITOR,
    MINER,
    ORIGIN,
    REGISTRAR,
    SMELTER,
    World,
    empty_world,
    extract_body,
    key_of,
    new_lot,
)

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
NUL = "lot:5\0"
"""PostgreSQL has no text for it, SQLite has."""
NOBODY: dict[str, Any] = {"check": None, "sequence": None, "trouble": str}
"""No records are sent to this backend."""


def places() -> Iterator[tuple[str, str, str]]:
    """Every parameter of every operation without a body: method, path and name."""
    for path, item in orjson.loads(COMMITTED.read_bytes())["paths"].items():
        for method, operation in item.items():
            if "requestBody" not in operation:
                yield from ((method, path, one["name"]) for one in operation.get("parameters", ()))


@pytest.mark.parametrize(("method", "path", "name"), list(places()))
def test_no_place_takes_a_nul(chain: Desk, method: str, path: str, name: str) -> None:
    place = f"{{{name}}}"
    address = path.replace(place, quote(NUL)) if place in path else f"{path}?{name}={quote(NUL)}"
    address = address.replace("{id}", "lot:5").replace("{sink}", "file").replace("{digest}", "A" * 43)
    for reader in ("", AUDITOR, SMELTER):
        answer = chain.client.request(method, address, headers=chain.as_(reader))
        assert answer.status_code in (400, 404), (reader, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_key_that_is_named_with_a_nul(chain: Desk) -> None:
    head, claims, signature = chain.grant(SMELTER, MINER, "lot:5").split(".")
    for kid, status in ((chain.keys[SMELTER].public.kid, 201), ("\0", 400), ("x" * 201, 400), ("ключ", 400), ("", 400)):
        given = format_b64url(format_json({"alg": "Ed25519", "kid": kid, "typ": "access-grant+jwt"}))
        answer = chain.give(f"{given if status == 400 else head}.{claims}.{signature}")
        assert answer.status_code == status, answer.text
    for kid in ("\0", "x" * 201):
        token = chain.token(SMELTER).split(".")
        token[0] = format_b64url(format_json({"alg": "Ed25519", "kid": kid, "typ": "JWT"}))
        answer = chain.client.get("/v1/grants", headers={"authorization": f"Bearer {'.'.join(token)}"})
        assert (answer.status_code, ORIGIN in answer.headers["www-authenticate"]) == (401, True)


def test_a_record_with_a_nul_spoils_no_other(chain: Desk) -> None:
    """Nobody need be enrolled to send one: it must not reach the database, where it would fail a whole commit."""
    honest = chain.sign(MINER, "extract", extract_body(new_lot("lot:nul"), time=chain.now))
    bent: list[dict[str, Any]] = [{"iss": "\0"}, {"aud": f"{ORIGIN}\0"}, {"prev": {"lot:5\0": "ab" * 32}}]
    lines = [forge(honest.record.payload | claims) for claims in bent]
    for line in lines:
        answer = chain.post(line)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:lodeline:problem:schema-error"), answer.text
    batch = chain.client.post("/v1/records/batch", content="\n".join([*lines, honest.text]), headers=NDJSON)
    *refused, taken, summary = map(orjson.loads, batch.text.splitlines())
    assert [one["status"] for one in refused] == [422] * len(bent)
    assert [one["problem"]["pointer"] for one in refused] == ["/iss", "/aud", "/prev/lot:5\0"]
    assert (taken["status"], summary["accepted"], summary["refused"]) == (201, 1, len(bent))
    World.submit(chain, honest)


def forge(payload: dict[str, Any]) -> str:
    """A record by a key that nobody knows, with a payload that `sign_record` would not sign."""
    key = key_of("nobody")
    head = {"alg": key.public.alg, "kid": key.public.kid, "typ": RECORD_TYP}
    text = ".".join(format_b64url(format_json(part)) for part in (head, payload))
    return f"{text}.{format_b64url(key.sign(text.encode()))}"


def test_an_error_of_the_database_tells_no_log_what_was_stored(chain: Desk, log_lines: io.BytesIO) -> None:
    """Twice the same key: PostgreSQL's own text has the values, and SQLAlchemy's would have the parameters."""
    store = chain.service.store
    twice = text("INSERT INTO nonces (issuer, jti, expires) VALUES (:name, :jti, 1), (:name, :jti, 1)")
    with store.writing() as conn, pytest.raises(DatabaseError) as failed:
        conn.execute(twice, {"name": "Ada", "jti": "a-secret"})
    assert "nonces" in str(failed.value)
    assert "parameters hidden" in str(failed.value)
    place = len(log_lines.getvalue())
    engine, store.engine = store.engine, store.engine.execution_options()

    def fail() -> Any:
        raise failed.value

    store.engine.connect = fail  # type: ignore[method-assign]  # the fault, at the seam
    try:
        assert chain.get("/v1/participants").status_code == 503
    finally:
        store.engine = engine
    (line,) = [one for one in log_lines.getvalue()[place:].splitlines() if b"database failed" in one]
    assert orjson.loads(line)["error"] == "IntegrityError"
    assert b"nonces" in line
    assert b"Ada" not in line
    assert b"a-secret" not in line


@pytest.mark.parametrize(
    ("hidden", "verdicts", "told"),
    [(700, 50, "A record to leave out is not in this bundle."), (701, 0, "at most 700 items")],
)
def test_as_many_records_as_a_bundle_may_hide_fit_into_an_address(
    chain: Desk, hidden: int, verdicts: int, told: str
) -> None:
    asked: list[tuple[str, Any]] = [("hash_only", f"{n:064x}") for n in range(hidden)] + [
        ("verdict", f"{n:064x}") for n in range(verdicts)
    ]
    answer = chain.client.get("/v1/lots/lot:5/bundle", params=asked, headers=chain.as_(SMELTER))
    assert (answer.status_code, told in answer.json()["detail"]) == (400, True), answer.text


def test_who_proves_nothing_does_not_wait_for_the_writer(chain: Desk) -> None:
    head, claims, _ = chain.grant(SMELTER, MINER, "lot:5").split(".")
    with chain.service.store.writing():
        answer = chain.give(f"{head}.{claims}.{format_b64url(bytes(64))}")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:lodeline:problem:bad-signature")


def test_bundles_and_papers_stand_in_the_line_of_the_verdicts(tmp_path: Path) -> None:
    """Else whoever asks for many of them holds up the records of everybody."""
    desk = Desk(keys=dict(empty_world().keys))
    desk.service = make_service(tmp_path, desk)
    app = make_application(Backend(desk.service.context, desk.service.metrics, **NOBODY))
    line = app.state.judges = Judges(at_once=1, waiting=0)
    addresses = ["/v1/lots/lot:5/bundle", "/v1/sites/s/bundle", f"/v1/participants/{REGISTRAR}/bundle"]
    addresses += [f"/v1/verdicts/{'0' * 64}?form={form}" for form in ("html", "pdf", "credential")]

    async def scene() -> tuple[list[int], list[int]]:
        transport, gate, inside = httpx.ASGITransport(app), threading.Event(), threading.Event()

        def occupy() -> None:
            inside.set()
            gate.wait()

        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            busy = asyncio.create_task(line.run(occupy))
            await asyncio.to_thread(inside.wait)
            while_busy = [await client.get(one, headers=desk.as_(REGISTRAR)) for one in addresses]
            gate.set()
            await busy
            after = [await client.get(one, headers=desk.as_(REGISTRAR)) for one in addresses]
            return [one.status_code for one in while_busy], [one.status_code for one in after]

    assert asyncio.run(scene()) == ([503] * 6, [404, 404, 200, 404, 404, 404])
    desk.service.close()
