"""Collecting cosignatures: the newest checkpoint is offered to every configured witness, off the request path.

C2SP tlog-witness: `POST <prefix>/add-checkpoint` with the size that the witness saw last, a consistency
proof from there, and the checkpoint. A witness that is behind or ahead says so (409) and is asked
once more. Only lines that verify under the witness's own key are kept. A witness that is slow, down
or hostile delays nothing but its own cosignature.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from ledger.errors import LedgerError
from ledger.evidence.trust import TrustedWitness, TrustPolicy, parse_policy
from ledger.log.merkle import plan_consistency, prove_consistency
from ledger.log.note import (
    MAX_NOTE_BYTES,
    add_signatures,
    cosignature_time,
    format_signature,
    parse_note,
    parse_signatures,
)
from ledger.log.treehead import parse_checkpoint
from ledger.log.witness import format_request, open_answer, parse_conflict
from service.config import SettingsError
from service.logs import get_logger
from service.metrics import Metrics
from service.storage.read_log import (
    CosignatureFound,
    add_cosignature,
    cosignatures_of,
    newest_cosigned,
    read_witnessed,
    write_witnessed,
)
from service.storage.tree import node_reader
from service.usecases.context import Context
from service.usecases.receipts import cosigned_checkpoint

Result = TypeVar("Result")
TIMEOUT: Final = httpx.Timeout(10.0)
PATIENCE: Final = 30.0
"""Seconds that a witness has for all of its answer: each byte of it may come in time, and the whole never."""
_log = get_logger("service.witnessing")


def load_policy(path: Path | None) -> TrustPolicy:
    """The tlog-policy file that names witnesses and quorum; an empty policy without a file. Raises SettingsError."""
    if path is None:
        return TrustPolicy()
    try:
        return parse_policy(path.read_bytes())
    except (OSError, LedgerError) as error:
        raise SettingsError(f"LODELINE_WITNESSES must be a tlog-policy file, but {path} is none: {error}") from error


async def beside(call: Callable[..., Result], *values: Any) -> Result:
    """The call in a thread. Who is cancelled meanwhile waits for its end: it has a connection to the database."""
    job = asyncio.ensure_future(asyncio.to_thread(call, *values))
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        await asyncio.wait([job])
        raise


class Witnessing:
    """policy: witnesses with their submission prefixes, and the quorum; seconds: between two rounds; patience: seconds
    that each of them has; leads: whether this process is the one that asks them."""

    def __init__(
        self,
        context: Context,
        policy: TrustPolicy,
        *,
        metrics: Metrics,
        seconds: float = 10.0,
        patience: float = PATIENCE,
        transport: httpx.AsyncBaseTransport | None = None,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._leads = leads
        self._context = context
        self._policy = policy
        self._metrics = metrics
        self._seconds = seconds
        self._patience = patience
        self._transport = transport
        self.witnesses: Sequence[TrustedWitness] = [one for one in policy.witnesses if one.url]

    async def run(self) -> None:
        """A round every so many seconds, until it is cancelled; over at once without witnesses."""
        while self.witnesses:
            try:
                if self._leads():
                    await self.round()
            except Exception:  # whatever it was, the next round may go well, and nothing else depends on it
                _log.exception("witnessing failed")
            await asyncio.sleep(self._seconds)

    async def round(self) -> int:
        """Offer the newest checkpoint to every witness that has not cosigned it; how many did now."""
        note, seen = await beside(self._read_state)
        size = parse_checkpoint(parse_note(note).text).size
        behind = [one for one in self.witnesses if seen.get(one.name, 0) < size]
        if not size or not behind:
            return 0
        async with httpx.AsyncClient(timeout=TIMEOUT, transport=self._transport) as http:
            gained = await asyncio.gather(
                *(self._offer(http, one, note, size, seen.get(one.name, 0)) for one in behind)
            )
        if any(gained):
            await beside(self._publish, note, size)
        return sum(gained)

    def _read_state(self) -> tuple[str, dict[str, int]]:
        with self._context.store.reading() as conn:
            return cosigned_checkpoint(conn), newest_cosigned(conn)

    async def _offer(self, http: httpx.AsyncClient, witness: TrustedWitness, note: str, size: int, old: int) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                status, body = await self._post(http, witness, note, old, size)
                if status == 409 and 0 <= (stored := parse_conflict(body)) <= size and stored != old:
                    status, body = await self._post(http, witness, note, stored, size)
            if status != 200:
                return self._note_failure(witness, f"status {status}")
            signatures = open_answer(body, note, [witness.verifier])
        except (LedgerError, httpx.HTTPError, httpx.InvalidURL, UnicodeDecodeError, TimeoutError) as error:
            return self._note_failure(witness, type(error).__name__)
        line = "".join(map(format_signature, signatures))
        time = max(cosignature_time(signature.value) for signature in signatures)
        await beside(self._keep, CosignatureFound(size, witness.name, time, line))
        self._metrics.cosignatures.labels(witness.name, "cosigned").inc()
        return True

    async def _post(
        self, http: httpx.AsyncClient, witness: TrustedWitness, note: str, old: int, size: int
    ) -> tuple[int, str]:
        proof = await beside(self._prove, old, size)
        url = witness.url.rstrip("/") + "/add-checkpoint"
        async with http.stream("POST", url, content=format_request(old, proof, note)) as answer:
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > MAX_NOTE_BYTES:
                    raise httpx.DecodingError("the answer of the witness is too large")
        return answer.status_code, body.decode("utf-8")

    def _prove(self, old: int, size: int) -> list[bytes]:
        if not 0 < old < size:
            return []
        with self._context.store.reading() as conn:
            return prove_consistency(old, size, node_reader(conn, plan_consistency(old, size), size))

    def _note_failure(self, witness: TrustedWitness, why: str) -> bool:
        self._metrics.cosignatures.labels(witness.name, "failed").inc()
        _log.warning("no cosignature", witness=witness.name, why=why)
        return False

    def _keep(self, found: CosignatureFound) -> None:
        with self._context.store.writing() as conn:
            add_cosignature(conn, found)

    def _publish(self, note: str, size: int) -> None:
        """Keep the cosigned checkpoint as the newest one, once the quorum has signed it."""
        with self._context.store.writing() as conn:
            lines = cosignatures_of(conn, size)
            kept = read_witnessed(conn)  # another process may have been faster
            newer = kept is None or size >= parse_checkpoint(parse_note(kept).text).size
            if newer and self._policy.is_quorum(one.witness for one in lines):
                signatures = parse_signatures("".join(one.line for one in lines))
                write_witnessed(conn, add_signatures(note, signatures))
