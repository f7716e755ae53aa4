"""The witness over real HTTP: honest growth is cosigned, two histories never, and nothing is forgotten."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from clients.cli.main import app
from clients.cli.witnesses import read_cosigners
from clients.sdk.errors import LocalError
from clients.witness.memory import WitnessMemory
from clients.witness.server import MAX_THREADS, Witness, serve_witness
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import leaf_hash, prove_consistency, tree_root
from ledger.log.note import (
    CosignatureSigner,
    Cosigner,
    Ed25519Signer,
    MLDSA44Signer,
    Verifier,
    cosignature_time,
    format_skey,
    format_vkey,
)
from ledger.log.witness import MAX_REQUEST_BYTES, format_request, open_answer, parse_conflict

ORIGIN, NOW = "log.example/test", 1_790_000_000
LOG = Ed25519Signer(ORIGIN, b"l" * 32)
KEYS: list[Cosigner] = [
    CosignatureSigner("witness.example/w1", b"w" * 32),
    MLDSA44Signer("witness.example/w1", b"q" * 32),
]
HTTP = httpx.Client(trust_env=False)
LEAVES = [leaf_hash(b"%d" % n) for n in range(20)]


def note(size: int, leaves: list[bytes] = LEAVES, signer: Ed25519Signer = LOG) -> str:
    return sign_checkpoint(Checkpoint(signer.name, size, tree_root(leaves[:size])), [signer])


def request(old: int, new: int, text: str = "", leaves: list[bytes] = LEAVES) -> bytes:
    proof = prove_consistency(
        old, new, lambda nodes: [tree_root(leaves[i << k : (i + 1) << k]) for k, i in nodes]
    ) if 0 < old < new else []  # fmt: skip
    return format_request(old, proof, text or note(new, leaves))


@contextmanager
def running(folder: Path, *, seconds: float = 30.0) -> Iterator[str]:
    witness = Witness({ORIGIN: [LOG.verifier]}, KEYS, WitnessMemory(folder), clock=lambda: NOW)
    server = serve_witness(witness, "127.0.0.1", 0, prefix="/w1", seconds=seconds)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/w1/add-checkpoint"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def status_of_headers(url: str, length: int | str) -> int:
    """The status for a request of which only the head is sent."""
    address = httpx.URL(url)
    connection = http.client.HTTPConnection(address.host, address.port, timeout=10)
    connection.putrequest("POST", address.path)
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def verifiers() -> list[Verifier]:
    return [key.verifier for key in KEYS]


def test_honest_growth_is_cosigned_and_remembered_across_restarts(tmp_path: Path) -> None:
    with running(tmp_path) as url:
        for old, new in ((0, 3), (3, 3), (3, 9)):
            answer = HTTP.post(url, content=request(old, new))
            assert answer.status_code == 200
            signatures = open_answer(answer.text, note(new), verifiers())
            assert [cosignature_time(one.value) for one in signatures] == [NOW, NOW]
    with running(tmp_path) as url:
        stale = HTTP.post(url, content=request(3, 12))
        assert (stale.status_code, stale.headers["content-type"]) == (409, "text/x.tlog.size")
        assert parse_conflict(stale.text) == 9
        assert HTTP.post(url, content=request(9, 12)).status_code == 200
        assert WitnessMemory(tmp_path).read(ORIGIN) == Checkpoint(ORIGIN, 12, tree_root(LEAVES[:12]))


def test_two_histories_are_never_cosigned(tmp_path: Path) -> None:
    other = [*LEAVES[:2], leaf_hash(b"other"), *LEAVES[3:]]
    with running(tmp_path) as url:
        assert HTTP.post(url, content=request(0, 9)).status_code == 200
        for old, new in ((9, 9), (9, 12)):
            assert HTTP.post(url, content=request(old, new, leaves=other)).status_code == 422
        assert HTTP.post(url, content=request(9, 12)).status_code == 200


def test_what_is_not_cosigned(tmp_path: Path) -> None:
    stranger = Ed25519Signer("other.example/log", b"o" * 32)
    thief = Ed25519Signer(ORIGIN, b"t" * 32)
    with running(tmp_path) as url:
        for body, status in [
            (format_request(0, [], note(3, signer=stranger)), 404),
            (format_request(0, [], note(3, signer=thief)), 403),
            (request(9, 3), 400),
            (b"old 3\nnonsense", 400),
            (b"", 400),
        ]:
            assert HTTP.post(url, content=body).status_code == status
        assert HTTP.post(url.replace("/w1/", "/w2/"), content=request(0, 3)).status_code == 404
        for length in (MAX_REQUEST_BYTES + 1, "9" * 5_000):
            assert status_of_headers(url, length) == 413  # refused before a byte of it is read
        assert status_of_headers(url, "-1") == 411
        chunked = HTTP.post(url, content=iter([request(0, 3)]))
        assert chunked.status_code == 411
        assert WitnessMemory(tmp_path).read(ORIGIN) is None
        assert list(tmp_path.iterdir()) == []


def test_callers_who_take_for_ever_are_cut_off(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As many as there are threads, each with half a request: the witness is there for others again."""
    with running(tmp_path, seconds=0.5) as url, ExitStack() as slow:
        address = httpx.URL(url)
        for _ in range(MAX_THREADS):
            one = slow.enter_context(socket.create_connection((address.host, address.port or 0), timeout=30))
            one.sendall(f"POST {address.path} HTTP/1.1\r\nContent-Length: 9\r\n\r\n".encode())
        answer = HTTP.post(url, content=request(0, 3), timeout=30)
        assert answer.status_code == 200
        assert one.recv(1000) == b""
    assert capfd.readouterr().err == ""


def test_requests_at_the_same_time_are_decided_one_by_one(tmp_path: Path) -> None:
    """Two histories race: exactly one of them is cosigned."""
    other = [leaf_hash(b"other"), *LEAVES[1:]]
    with running(tmp_path) as url:
        statuses: list[int] = []
        bodies = [request(0, 3), request(0, 3, leaves=other)] * 4
        threads = [
            threading.Thread(target=lambda b=body: statuses.append(HTTP.post(url, content=b).status_code))  # type: ignore[misc]
            for body in bodies
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200] + [409] * 7


def test_a_state_that_cannot_be_written_is_not_answered_with_a_signature(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with running(folder) as url:
        folder.rmdir()
        folder.write_text("in the way")
        failed = HTTP.post(url, content=request(0, 3))
        assert failed.status_code == 500
        assert "—" not in failed.text


def test_a_damaged_memory_stops_the_witness(tmp_path: Path) -> None:
    memory = WitnessMemory(tmp_path)
    memory.write(Checkpoint(ORIGIN, 3, bytes(32)))
    (path,) = tmp_path.iterdir()
    honest = path.read_text()
    for text in ("", honest + "x", honest.replace(ORIGIN, "another/log")):
        path.write_text(text)
        with pytest.raises(LocalError, match="forgets"):
            Witness({ORIGIN: [LOG.verifier]}, KEYS, memory)


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with running(tmp_path) as url, pytest.raises(LocalError, match="listen"):
        serve_witness(Witness({}, KEYS, WitnessMemory(tmp_path)), "127.0.0.1", httpx.URL(url).port or 0)


def test_keygen_makes_a_key_once_and_prints_what_others_trust(tmp_path: Path) -> None:
    words = ["witness", "keygen", "witness.example/w1", "--state", str(tmp_path / "w"), "--post-quantum", "--json"]
    made = CliRunner().invoke(app, words)
    assert made.exit_code == 0
    answer = json.loads(made.stdout)
    file = Path(answer["file"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert answer["vkeys"] == [format_vkey(cosigner.verifier) for cosigner in read_cosigners(file)]
    assert CliRunner().invoke(app, words).exit_code == 2  # never overwritten
    plain = CliRunner().invoke(app, ["witness", "keygen", "witness.example/w2", "--state", str(tmp_path / "x")])
    assert plain.stdout.startswith("witness.example/w2+")
    file.write_text(format_skey(LOG) + "\n")
    serve = ["witness", "serve", "--state", str(tmp_path / "w"), "--log", format_vkey(LOG.verifier)]
    refused = CliRunner().invoke(app, serve)
    assert (refused.exit_code, "cannot cosign" in refused.stderr or "can cosign" in refused.stderr) == (2, True)
    assert CliRunner().invoke(app, [*serve, "--listen", "8101"]).exit_code == 2
