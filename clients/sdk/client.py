"""The client of one service: signs here, submits, and believes nothing that it can check.

1. The log's origin and key are pinned: given, or taken at the first contact and kept in the store.
2. A record is signed locally; the key never leaves this process.
3. Submissions are repeated until there is an answer (records are idempotent).
4. Every receipt is verified against the exact bytes that were sent, and its checkpoint must extend the last one seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from clients.sdk.answers import Accepted, BatchResult, LineOutcome, member, read_accepted, read_lines, read_problem_line
from clients.sdk.errors import LocalError, Misbehaviour
from clients.sdk.events import Event, FindHead, build_payload, sign_payload
from clients.sdk.logview import LogView
from clients.sdk.reads import Reads, escape
from clients.sdk.store import NoStore, PinnedLog, Store
from clients.sdk.tokens import sign_grant, sign_token
from clients.sdk.transport import Retries, Transport
from ledger.envelope import SignedRecord, parse_presentation, parse_record
from ledger.errors import EnvelopeError
from ledger.keys import PrivateKey
from ledger.log.checkpoint import Checkpoint
from ledger.log.note import parse_vkey

RECORD_TYPE = "application/custody-record+sd-jwt"
BATCH_BYTES = 4 * 1024 * 1024
BATCH_LINES = 512


class LodelineClient(Reads):
    """A participant's connection to a service.

    url: of the service; key and participant: who signs (reading public things needs neither); store: a folder or Store
    for what is remembered (nothing outlives the process without one); log_key: vkey of the log, to pin it from outside.
    clock: seconds since the epoch. Close it, or use it in a `with` block.
    """

    def __init__(
        self,
        url: str,
        *,
        key: PrivateKey | None = None,
        participant: str = "",
        store: Store | Path | None = None,
        log_key: str = "",
        http: httpx.Client | None = None,
        retries: Retries | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transport = Transport(url, http=http, retries=retries)
        self._key = key
        self.participant_id = participant
        self.store = Store(store) if isinstance(store, Path) else store or NoStore()
        self._log_key = log_key
        self._clock = clock
        self._view: LogView | None = None

    def __enter__(self) -> LodelineClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    # ---- whom one talks to ------------------------------------------------------------------------------------------

    def service_info(self) -> dict[str, Any]:
        """What the service says of itself: origin, vkey, registrar, who may read entries. Not checked."""
        return dict(member({"answer": self._transport.send("GET", "/.well-known/lodeline").json()}, "answer", dict))

    @property
    def view(self) -> LogView:
        """The pinned log; at the first use without a pin, the service's own statement is pinned."""
        if self._view is None:
            pin = self.store.read_pin() or self._first_contact()
            if self._log_key and pin.vkey != self._log_key:
                raise LocalError(
                    "The log that is pinned here is not the one of the key given: use another home folder."
                )
            self._view = LogView(self._transport, pin.origin, parse_vkey(pin.vkey), self.store)
        return self._view

    @property
    def origin(self) -> str:
        """Origin of the pinned log: the `aud` of everything that is signed."""
        return self.view.origin

    def _first_contact(self) -> PinnedLog:
        info = self.service_info()
        pin = PinnedLog(member(info, "origin", str), member(info, "vkey", str))
        if self._log_key and pin.vkey != self._log_key:
            raise Misbehaviour("The service names another log key than the one that was given.", vkey=pin.vkey)
        if parse_vkey(pin.vkey).name != pin.origin:
            raise Misbehaviour("The service's log key is not named like its origin.", vkey=pin.vkey)
        self.store.write_pin(pin)
        return pin

    def check_log(self) -> Checkpoint:
        """Fetch the current checkpoint and check that it extends what was seen before."""
        return self.view.latest()

    def _headers(self) -> Mapping[str, str]:
        if self._key is None:
            return {}
        token = sign_token(self._key, self.participant_id, self.origin, now=int(self._clock()))
        return {"authorization": f"Bearer {token}"}

    @property
    def signer(self) -> PrivateKey:
        """The key that signs; LocalError when the client was made without one."""
        if self._key is None or not self.participant_id:
            raise LocalError("Signing needs a key and a participant id: run `lodeline init` and `lodeline key new`.")
        return self._key

    def head(self, subject: str) -> str | None:
        """The current head of a subject; that of the log itself, under its origin, moves with its policy."""
        if subject == self.origin:
            return str(member(self.service_info(), "head", str))
        return super().head(subject)

    # ---- signing and submitting -------------------------------------------------------------------------------------

    def sign(self, event: Event, *, find_head: FindHead | None = None, reveal: Iterable[str] = ("*",)) -> SignedRecord:
        """Sign an event over the current heads. reveal: members to leave in plain, `*` for all (conceals nothing)."""
        key = self.signer
        payload = build_payload(
            event,
            iss=self.participant_id,
            aud=self.origin,
            iat=int(self._clock()),
            find_head=find_head or self.head,
        )
        return sign_payload(payload, key, reveal=reveal)

    def submit(self, event: Event, *, reveal: Iterable[str] = ("*",)) -> Accepted:
        """Sign an event and submit it; the answer's receipt is verified and kept."""
        return self.submit_record(self.sign(event, reveal=reveal).text)

    def submit_record(self, text: str) -> Accepted:
        """Submit a signed record `<jws>~<disclosure>~...`; sent again until there is an answer.

        Raises the ledger's refusal, Unreachable, or Misbehaviour and ProofError when the receipt does not verify.
        """
        jws, record, disclosures = _parse_text(text)
        headers = {"content-type": RECORD_TYPE}
        answer = self._transport.send("POST", "/v1/records", content=text.encode(), headers=lambda: headers)
        accepted = read_accepted(answer.json(), jws, record, new=answer.status == 201)
        return self._verified(accepted, disclosures)

    def submit_batch(self, texts: Sequence[str], *, atomic: bool = False) -> BatchResult:
        """Submit records in order, each accepted or refused by itself (with `atomic`: all or none).

        Every receipt is verified. When the answer breaks off, `complete` is False and the rest has no outcome: send it
        again. Raises only when nothing can be said of any line.
        """
        parsed = [_parse_text(text) for text in texts]
        params = {"receipts": "true", **({"atomic": "true"} if atomic else {})}
        body = "".join(f"{text}\n" for text in texts).encode()
        headers = {"content-type": "text/plain; charset=utf-8"}
        answer = self._transport.send("POST", "/v1/records/batch", content=body, headers=lambda: headers, params=params)
        result = BatchResult()
        for value in read_lines(answer):
            if "line" not in value:
                result.checkpoint, result.complete = member(value, "checkpoint", str), True
                self.view.observe(result.checkpoint)
                continue
            result.outcomes.append(self._read_line(value, parsed))
        return result

    def _read_line(self, value: dict[str, Any], parsed: list[tuple[str, str, tuple[str, ...]]]) -> LineOutcome:
        line = member(value, "line", int)
        if not 1 <= line <= len(parsed):
            raise Misbehaviour(f"The service answered for line {line}, which was not sent.", line=line)
        jws, record, disclosures = parsed[line - 1]
        if member(value, "status", int) in (200, 201):
            accepted = read_accepted(value, jws, record, new=value["status"] == 201)
            return LineOutcome(line, accepted=self._verified(accepted, disclosures))
        error, again = read_problem_line(value)
        return LineOutcome(line, error=error, again=again)

    def _verified(self, accepted: Accepted, disclosures: tuple[str, ...]) -> Accepted:
        self.view.check(accepted.entry, accepted.receipt)
        self.store.write_evidence(accepted.id, accepted.entry, accepted.receipt, disclosures)
        return accepted

    # ---- grants and erasure -----------------------------------------------------------------------------------------

    def grant(self, lot: str, grantee: str, *, seconds: int, disclosures: bool = False) -> dict[str, Any]:
        """Let `grantee` read a lot (and what is upstream) for `seconds`; the answer has the grant's `jti`."""
        now = int(self._clock())
        text = sign_grant(
            self.signer,
            self.participant_id,
            self.origin,
            grantee=grantee,
            lot=lot,
            now=now,
            expires=now + seconds,
            disclosures=disclosures,
        )
        headers = {"content-type": "application/access-grant+jwt"}
        answer = self._transport.send(
            "POST", "/v1/grants", content=text.encode(), headers=lambda: {**headers, **self._headers()}
        )
        return dict(member({"answer": answer.json()}, "answer", dict))

    def revoke_grant(self, jti: str) -> None:
        """End a grant before its time."""
        self._transport.send("DELETE", f"/v1/grants/{escape(jti)}", headers=self._headers)

    def erase(self, record: str, digest: str = "") -> dict[str, Any]:
        """Erase one disclosure of a record, or all: every proof still verifies, the content is gone for good."""
        path = f"/v1/records/{escape(record)}/disclosures" + (f"/{escape(digest)}" if digest else "")
        answer = self._transport.send("DELETE", path, headers=self._headers)
        return answer.json() if answer.content else {"id": record}


def _parse_text(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Compact JWS, record id and disclosures of a presentation that is fit to send."""
    if "\n" in text:
        raise EnvelopeError("A record is one line.")
    jws, disclosures = parse_presentation(text)
    return jws.decode("ascii"), parse_record(jws).id, disclosures
