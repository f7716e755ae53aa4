"""What is true of every request: ids, headers, deadlines, metrics, log lines, problems for whatever goes wrong."""

from __future__ import annotations

import asyncio
import io
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from sqlalchemy.exc import OperationalError

from ledger import errors as ledger_errors
from ledger.log.note import Ed25519Signer
from service import errors as service_errors
from service.adapters.keystore import save_log_key
from service.api.edge import Edge
from service.api.problems import (
    STATUS,
    codes,
    format_body,
    format_headers,
    format_problem,
    status_of,
    title_of,
    walk_errors,
)
from service.app import create_app
from service.bootstrap import wire
from service.config import Settings
from service.logs import blot_secrets
from service.metrics import Metrics
from service.storage.schema import migrate
from service.usecases.about import check_readiness, describe_service
from tests.service.api.harness import NDJSON, SECRET, Desk, listening, make_service, send_concealed, serving, settle_in
from tests.support.world import AUDITOR, MINER, ORIGIN, TRADER, World, empty_world, extract_body, new_lot

# ---- requests -------------------------------------------------------------------------------------------------------


def test_every_answer_has_an_id_and_the_security_headers(chain: Desk) -> None:
    for path, params in (("/healthz", {}), ("/v1/lots", {}), ("/nowhere", {}), ("/v1/records", {})):
        answer = chain.client.get(path, params=params)
        assert len(answer.headers["x-request-id"]) == 16
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
    assert (
        chain.client.get("/healthz", headers={"x-request-id": "from-the-proxy-1"}).headers["x-request-id"]
        == "from-the-proxy-1"
    )
    for bad in ("short", "x" * 65, "a b c d e f g h", "<script>alert</script>"):
        assert chain.client.get("/healthz", headers={"x-request-id": bad}).headers["x-request-id"] != bad


def test_head_is_get_without_the_content(chain: Desk) -> None:
    for path in ("/healthz", "/log/checkpoint", "/v1/sites"):
        head, get = chain.client.head(path), chain.client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]


def test_addresses_and_methods_that_mean_nothing(chain: Desk) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("GET", "/v1/lots/", 404),
        ("PUT", "/healthz", 405),
        ("OPTIONS", "/v1/lots", 405),
        ("DELETE", "/v1/records/batch", 405),
    ):
        answer = chain.client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json()["instance"] == answer.headers["x-request-id"]


def test_health_and_readiness(chain: Desk) -> None:
    assert chain.get("/healthz").json() == {"status": "ok"}
    ready = chain.get("/readyz")
    role = "single" if chain.service.store.sqlite else "leader"
    checks = {"database": True, "sequencer": True, "clock": True}
    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "checks": checks, "detail": "", "role": role}
    now, chain.now = chain.now, chain.now - 3600
    behind = chain.get("/readyz")
    chain.now = now
    assert (behind.status_code, behind.json()["checks"]["clock"]) == (503, False)
    assert behind.json()["detail"] == "The clock of the service is behind its log."
    assert behind.headers["retry-after"] == "5"


def test_readiness_without_a_log_or_a_database(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    save_log_key(settings.key_file, Ed25519Signer(ORIGIN, bytes(32)))
    service = wire(settings, clock=lambda: 5.0)
    assert check_readiness(service.context, "")[0] == {"database": False, "sequencer": True, "clock": False}
    migrate(service.store)
    checks, detail = check_readiness(service.context, "")
    assert (checks["database"], detail) == (False, "The log has not been started yet.")
    assert check_readiness(service.context, "It has stopped.")[1] == "It has stopped."
    with pytest.raises(service_errors.Unavailable):
        describe_service(service.context, ())
    service.close()


def test_what_the_service_says_of_itself(chain: Desk) -> None:
    told = chain.get("/.well-known/lodeline").json()
    assert told["origin"] == ORIGIN
    assert told["vkey"] == chain.service.context.vkey
    assert told["head"] == chain.state.subjects[ORIGIN].head
    assert (told["entries"], told["witnesses"], told["registrar"]) == ("members", [], "did:web:registrar.example")


def test_metrics_count_by_route_and_hold_no_ids(chain: Desk) -> None:
    chain.get("/v1/lots/lot:5", AUDITOR)
    chain.get("/v1/lots/lot:never", AUDITOR)
    chain.client.get("/nowhere/lot:5")
    chain.client.request("TRACE", "/coffee")
    text = chain.client.get("/metrics").text
    lines = text.splitlines()
    assert 'lodeline_requests_total{method="GET",route="/v1/lots/{id}",status="200"} 1.0' in lines
    assert 'lodeline_requests_total{method="GET",route="/v1/lots/{id}",status="404"} 1.0' in lines
    unmatched = 'lodeline_requests_total{method="GET",route="unmatched",status="404"}'
    assert any(line.startswith(unmatched) for line in lines)
    assert any(line.startswith('lodeline_requests_total{method="OTHER"') for line in lines)
    assert any(line.startswith('lodeline_refusals_total{code="not-found"}') for line in lines)
    assert f"lodeline_log_size {float(len(chain.log))}" in lines
    assert "lodeline_sequencer_queue_depth 0.0" in lines
    assert "lodeline_leads 1.0" in lines, "whether alone or by lease"
    assert any(line.startswith("lodeline_sequencer_batch_records_count") for line in lines)
    assert any(line.startswith("lodeline_sequencer_commit_seconds_sum") for line in lines)
    assert any(line.startswith('lodeline_request_seconds_bucket{le="0.005",route="/v1/records"}') for line in lines)
    for name in ("lot:5", MINER, "nowhere"):
        assert name not in text


def test_log_lines_are_json_and_hold_no_token_no_content_no_ids(chain: Desk, log_lines: io.BytesIO) -> None:
    log_lines.seek(0)
    log_lines.truncate()
    chain.extract(new_lot("lot:quiet"))
    record = send_concealed(chain, "lot:quiet")
    token = chain.token(MINER)
    chain.client.get(f"/v1/records/{record.id}?witnessed=lot:quiet", headers={"authorization": f"Bearer {token}"})
    chain.client.get(
        "/v1/lots/lot:quiet", headers={"authorization": f"Bearer {token}", "x-request-id": "request-to-find"}
    )
    chain.client.get("/healthz")  # a request is logged after its answer, but before the next on its connection
    lines = [orjson.loads(line) for line in log_lines.getvalue().splitlines()]
    mine = next(line for line in lines if line.get("request_id") == "request-to-find")
    assert (mine["event"], mine["route"], mine["method"], mine["status"]) == ("request", "/v1/lots/{id}", "GET", 200)
    assert mine["level"] == "info"
    assert mine["ms"] > 0
    text = log_lines.getvalue().decode()
    for secret in (
        token,
        token.split(".")[2],
        record.jws,
        record.disclosures[0],
        SECRET,
        "lot:quiet",
        MINER,
        record.id,
    ):
        assert secret not in text


def test_secret_looking_members_are_blotted_out() -> None:
    event = {"event": "x", "token": "abc", "Authorization": "abc", "jws": "abc", "size": 5}
    assert blot_secrets(None, "info", event) == {
        "event": "x", "token": "[withheld]", "Authorization": "[withheld]", "jws": "[withheld]", "size": 5,
    }  # fmt: skip
    assert structlog.is_configured()


def test_cors_is_off_and_can_be_allowed_for_an_origin(tmp_path: Path, chain: Desk) -> None:
    asked = {"origin": "https://portal.example.org"}
    assert "access-control-allow-origin" not in chain.client.get("/healthz", headers=asked).headers
    with serving(tmp_path, cors_origins="https://portal.example.org, ") as desk:
        for method, path in (("GET", "/healthz"), ("POST", "/v1/records")):
            answer = desk.client.request(method, path, headers=asked)
            assert answer.headers["access-control-allow-origin"] == "https://portal.example.org"
            assert "access-control-allow-credentials" not in answer.headers
        other = desk.client.get("/healthz", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_stopping_finishes_what_is_queued_and_starting_again_finds_it(tmp_path: Path) -> None:
    with serving(tmp_path) as desk:
        settle_in(desk)
        signed = [desk.sign(MINER, "extract", extract_body(new_lot(f"lot:{n}"), time=desk.now)) for n in range(20)]
        answers: list[int] = []
        senders = [
            threading.Thread(target=lambda one=one: answers.append(desk.post(one).status_code)) for one in signed
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert answers == [201] * 20
        size = len(desk.log) + 20
    service = wire(desk.service.settings, clock=lambda: float(desk.now))
    with listening(create_app(service)) as client:
        assert client.get("/log/checkpoint").text.split("\n")[1] == str(size)
        assert client.post("/v1/records", content=signed[0].text, headers=NDJSON).status_code == 200


# ---- faults inside --------------------------------------------------------------------------------------------------


def run(
    app: Any,
    path: str = "/x",
    *,
    method: str = "GET",
    seconds: float = 5.0,
    hot: dict[str, Any] | None = None,
    metrics: Metrics | None = None,
    kind: str = "http",
) -> list[dict[str, Any]]:
    """One request through an edge around `app`; what was sent."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    edge = Edge(app, hot or {}, metrics=metrics or Metrics(), seconds=seconds, realm="r")
    scope = {"type": kind, "method": method, "path": path, "headers": [], "query_string": b""}
    asyncio.run(edge(scope, receive, send))
    return sent


START = {"type": "http.response.start", "status": 200, "headers": []}


def test_a_fault_is_a_500_that_says_nothing_of_it(log_lines: io.BytesIO) -> None:
    async def broken(_scope: Any, _receive: Any, _send: Any) -> None:
        raise RuntimeError("the password is swordfish")

    for sent in (run(broken), run(broken, "/hot", method="POST", hot={"/hot": broken})):
        problem = orjson.loads(sent[1]["body"])
        assert (sent[0]["status"], problem["type"]) == (500, "urn:lodeline:problem:internal")
        assert b"swordfish" not in sent[1]["body"]
    assert b"request failed" in log_lines.getvalue()


def test_a_fault_after_the_answer_began_breaks_the_connection_off() -> None:
    async def torn(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("torn")

    async def after(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"whole"})
        raise RuntimeError("after the answer")

    with pytest.raises(RuntimeError, match="torn"):
        run(torn)
    assert [one["type"] for one in run(after)] == ["http.response.start", "http.response.body"]


def test_a_request_that_takes_too_long_is_503_and_what_comes_late_is_dropped() -> None:
    release = asyncio.Event()

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        try:
            await release.wait()
        except asyncio.CancelledError:
            await send(START)
            await send({"type": "http.response.body", "body": b"late"})
            raise

    async def slow_and_broken(_scope: Any, _receive: Any, _send: Any) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError("broken on the way out") from None

    async def begun(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await asyncio.Event().wait()

    for app in (slow, slow_and_broken):
        metrics = Metrics()
        sent = run(app, seconds=0.02, metrics=metrics)
        assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
        assert sent[0]["status"] == 503
        assert (b"retry-after", b"5") in sent[0]["headers"]
        assert b'status="503"' in metrics.render()
    assert [one["type"] for one in run(begun, seconds=0.02)] == ["http.response.start"]


def test_a_database_that_fails_is_503(chain: Desk) -> None:
    """The real application, on a store whose connections cannot be made."""
    store = chain.service.store
    engine = store.engine
    broken = engine.execution_options()

    def refuse() -> Any:
        raise OperationalError("SELECT secret", {}, Exception("disk I/O error"))

    broken.connect = refuse  # type: ignore[method-assign]  # the fault, at the seam
    store.engine = broken
    try:
        answer = chain.get("/v1/participants")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "secret" not in answer.text
        ready = chain.get("/readyz").json()
        assert (ready["checks"]["database"], ready["detail"]) == (False, "The database cannot be read.")
    finally:
        store.engine = engine
    assert chain.get("/v1/participants").status_code == 200


def test_only_http_is_served() -> None:
    async def nothing(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "lifespan.seen"})

    assert run(nothing, kind="websocket") == [{"type": "websocket.close", "code": 1000}]
    assert run(nothing, kind="lifespan") == [{"type": "lifespan.seen"}]


# ---- problems -------------------------------------------------------------------------------------------------------


def test_every_error_has_a_status_a_code_and_a_title() -> None:
    classes = [*walk_errors(ledger_errors.LedgerError), *walk_errors(service_errors.ServiceError)]
    mine = [one for one in classes if one.__module__ in ("ledger.errors", "service.errors")]
    assert len({ledger_errors.code_of(one) for one in mine}) == len(mine)  # type: ignore[arg-type]  # its name is used
    for one in mine:
        assert 400 <= status_of(one) < 600
        assert title_of(one)
        assert "`" not in title_of(one)
    assert codes()["stale-head"] == 409
    assert codes()["replayed-token" if "replayed-token" in codes() else "not-authenticated"] == 401
    assert status_of(ValueError) == 500
    assert STATUS[ledger_errors.LedgerError] == 422


def test_a_problem_object_holds_what_there_is_and_nothing_empty() -> None:
    bare = format_problem(service_errors.NotFound("Nothing here."))
    assert bare == {
        "type": "urn:lodeline:problem:not-found", "title": "There is nothing here that the caller may see",
        "status": 404, "detail": "Nothing here.",
    }  # fmt: skip
    full = format_problem(ledger_errors.StaleHead("Old.", pointer="/prev/x", head="h"), instance="i")
    assert (full["pointer"], full["values"], full["instance"]) == ("/prev/x", {"head": "h"}, "i")
    assert format_body({"values": {1, 2}.__class__}) == b'{"values":"<class \'set\'>"}'
    assert (b"allow", b"POST") in format_headers(service_errors.MethodNotAllowed("No.", allowed=["POST"]))


def test_the_app_does_not_start_on_a_log_that_may_not_be_opened(tmp_path: Path) -> None:
    world = World(keys=dict(empty_world().keys))
    service = make_service(tmp_path, world)
    service.settings.checkpoint_file.unlink()
    app = create_app(service)
    sent: list[dict[str, Any]] = []
    incoming = iter([{"type": "lifespan.startup"}])

    async def receive() -> dict[str, Any]:
        return next(incoming)

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(Exception, match="is missing"):
        asyncio.run(app({"type": "lifespan", "app": app, "state": {}}, receive, send))
    assert sent[0]["type"] == "lifespan.startup.failed"
    service.close()
    assert TRADER not in str(sent)
