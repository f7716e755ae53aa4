"""A small honest service over the simulator's world, in process: real records, real receipts, real tiles.

`before` and `after` are queues of faults: the next request meets the first fault of `before` instead of the service,
or loses its answer (after the effect) to the first of `after`. `forge` may rewrite an answer: a dishonest operator.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httpx

from ledger.custody.subjects import Lot, Participant, Site
from ledger.encoding import parse_b64url
from ledger.envelope import SignedRecord, parse_presentation, parse_record
from ledger.errors import LedgerError
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import leaf_hash, prove_inclusion, tree_root
from ledger.log.note import Ed25519Signer, format_vkey
from ledger.log.proof import format_receipt
from ledger.log.tiles import WIDTH, parse_tile_path
from tests.support.world import ORIGIN, World

URL = "http://ledger.test"
Fault = Callable[[httpx.Request], httpx.Response]


def lose(_request: httpx.Request) -> httpx.Response:
    """The connection breaks."""
    raise httpx.ReadError("connection reset")


def busy(_request: httpx.Request, after: str = "3") -> httpx.Response:
    """Come back later."""
    return httpx.Response(503, headers={"retry-after": after}, json=problem(503, "unavailable", "The queue is full."))


def problem(status: int, code: str, detail: str, **more: Any) -> dict[str, Any]:
    """An RFC 9457 object."""
    return {"type": f"urn:lodeline:problem:{code}", "title": code, "status": status, "detail": detail, **more}


class FakeService:
    """The part of the API that a client writes to, over a World."""

    def __init__(self, world: World, seed: bytes = b"log" + bytes(29)) -> None:
        self.world = world
        self.signer = Ed25519Signer(ORIGIN, seed)
        self.before: list[Fault] = []
        self.after: list[Fault] = []
        self.forge: Callable[[httpx.Request, httpx.Response], httpx.Response] = lambda _request, response: response
        self.requests: list[httpx.Request] = []
        self.grants: list[dict[str, Any]] = []
        self.erased: list[str] = []

    @property
    def vkey(self) -> str:
        return format_vkey(self.signer.verifier)

    def http(self) -> httpx.Client:
        """A client that talks to this service in process."""
        return httpx.Client(transport=httpx.MockTransport(self._serve))

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.before:
            return self.before.pop(0)(request)
        response = self.forge(request, self._answer(request))
        if self.after:
            return self.after.pop(0)(request)
        return response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.raw_path.decode().partition("?")[0])
        try:
            match request.method, path.strip("/").split("/"):
                case "POST", ["v1", "records"]:
                    status, answer = self.submit(request.content.decode())
                    return httpx.Response(status, json=answer)
                case "POST", ["v1", "records", "batch"]:
                    return httpx.Response(200, content=self._batch(request.content.decode().splitlines()))
                case "GET", [".well-known", "lodeline"]:
                    return httpx.Response(200, json={"origin": ORIGIN, "vkey": self.vkey})
                case "GET", ["log", "checkpoint"]:
                    return httpx.Response(200, text=self.note())
                case "GET", ["log", *rest]:
                    return self._tile("/".join(rest))
                case "GET", ["v1", kind, *subject] if kind in ("lots", "participants", "sites"):
                    return self._subjects(kind, "/".join(subject))
                case _:
                    return httpx.Response(404, json=problem(404, "not-found", "There is nothing here."))
        except LedgerError as error:
            return httpx.Response(409, json=refusal(error))

    def submit(self, text: str) -> tuple[int, dict[str, Any]]:
        """One record, exactly as the service takes it: new, there already, or refused by the ledger."""
        jws, disclosures = parse_presentation(text)
        record = parse_record(jws)
        status = 200
        if record.id not in self.world.state.records:
            self.world.submit(SignedRecord(record, disclosures))
            status = 201
        index = next(i for i, entry in enumerate(self.world.log) if entry.endswith(b" " + jws))
        entry = self.world.log[index].decode()
        logged = int(entry.partition(" ")[0])
        answer = {"id": record.id, "index": index, "logged": logged, "entry": entry, "receipt": self.receipt(index)}
        return status, answer

    def _batch(self, lines: list[str]) -> str:
        counts = {"accepted": 0, "existing": 0, "refused": 0}
        out = []
        for number, text in enumerate(lines, 1):
            try:
                status, answer = self.submit(text)
                del answer["entry"]
                out.append({"line": number, "status": status, **answer})
                counts["accepted" if status == 201 else "existing"] += 1
            except LedgerError as error:
                out.append({"line": number, "status": 409, "problem": refusal(error)})
                counts["refused"] += 1
        return "".join(json.dumps(one) + "\n" for one in [*out, {**counts, "checkpoint": self.note()}])

    # ---- the log ----------------------------------------------------------------------------------------------------

    def hashes(self) -> list[bytes]:
        return [leaf_hash(entry) for entry in self.world.log]

    def note(self, size: int | None = None) -> str:
        """A signed checkpoint of the log at a size."""
        hashes = self.hashes()[:size]
        return sign_checkpoint(Checkpoint(ORIGIN, len(hashes), tree_root(hashes)), [self.signer])

    def receipt(self, index: int) -> str:
        hashes = self.hashes()
        proof = prove_inclusion(
            index, len(hashes), lambda nodes: [tree_root(hashes[i << k : (i + 1) << k]) for k, i in nodes]
        )
        return format_receipt(index, proof, self.note())

    def _tile(self, path: str) -> httpx.Response:
        level, n, width = parse_tile_path(path)
        span = WIDTH**level
        hashes = self.hashes()
        row = [tree_root(hashes[i : i + span]) for i in range(n * WIDTH * span, len(hashes) // span * span, span)]
        if len(row) < width or (len(row) >= WIDTH > width):
            return httpx.Response(404, json=problem(404, "not-found", "There is no such tile."))
        return httpx.Response(200, content=b"".join(row[:width]))

    def _subjects(self, kind: str, subject: str) -> httpx.Response:
        types = {"lots": Lot, "participants": Participant, "sites": Site}
        known = [one for one in self.world.state.subjects.values() if isinstance(one, types[kind])]
        if not subject:
            return httpx.Response(200, json={"items": [one._asdict() for one in known], "next": None})
        found = next((one for one in known if one.id == subject), None)
        if found is None:
            return httpx.Response(404, json=problem(404, "not-found", "There is no such subject."))
        return httpx.Response(200, json=found._asdict())


def refusal(error: LedgerError) -> dict[str, Any]:
    """The problem object of a ledger error."""
    out = problem(409, error.code, error.message)
    if error.pointer:
        out["pointer"] = error.pointer
    if error.values:
        out["values"] = error.values
    return out


def claims_of(request: httpx.Request) -> dict[str, Any]:
    """The claims of the bearer token of a request."""
    token = request.headers["authorization"].removeprefix("Bearer ")
    return dict(json.loads(parse_b64url(token.split(".")[1])))
