"""POST /v1/records, as raw ASGI: read one presentation, have it checked and sequenced, answer with its receipt.

Records authenticate themselves: nobody logs in to submit one. FastAPI's routing would cost more
here than checking the signature does; `service.api.openapi` describes the operation all the same.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from ledger.envelope import MAX_PRESENTATION_BYTES
from ledger.errors import LedgerError
from service.api.bodies import RECORD_MEDIA, ClientGone, check_length, check_media, read_body
from service.api.deps import Backend
from service.api.edge import Receive, Scope, Send, send_problem
from service.api.gathering import Gathering
from service.errors import BadRequest, ServiceError, Unavailable
from service.usecases.submit import Outcome

_JSON = (b"content-type", b"application/json")


class RecordIntake:
    """The handler of one record per request."""

    def __init__(self, service: Backend) -> None:
        self._service = service
        self._gathering = Gathering(service, largest=service.context.limits.commit_records)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """201 for a new record, 200 for one that the log has already, else a problem."""
        try:
            outcome = await self._take(scope, receive)
        except ClientGone:
            return
        except (LedgerError, ServiceError) as error:
            self._service.metrics.refusals.labels(error.code).inc()
            await send_problem(send, error, instance=scope["request_id"], realm=self._service.context.origin)
            return
        status = 201 if outcome.status == "created" else 200
        # The receipt of a new record is at hand; that of an old one is read from the store.
        receipt = outcome.receipt() if status == 201 else await asyncio.to_thread(outcome.receipt)
        body = orjson.dumps({**accepted_members(outcome), "receipt": receipt})
        headers = [_JSON, (b"content-length", str(len(body)).encode())]
        if status == 201:
            headers.append((b"location", b"/v1/records/" + outcome.id.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _take(self, scope: Scope, receive: Receive) -> Outcome:
        if scope.get("query_string"):
            raise BadRequest("This operation has no parameters.")
        check_media(scope, RECORD_MEDIA)
        check_length(scope, MAX_PRESENTATION_BYTES)
        if self._service.closing:
            raise Unavailable("The service is shutting down.", retry_after=5)
        seconds = self._service.context.limits.request_seconds
        body = (await read_body(receive, limit=MAX_PRESENTATION_BYTES, seconds=seconds)).strip(b"\r\n")
        outcome = await self._gathering.take(body)
        if outcome.error is not None:
            raise outcome.error
        return outcome


def accepted_members(outcome: Outcome) -> dict[str, Any]:
    """What is said of an accepted record: id, index, logged (ms) and the entry's exact text."""
    return {
        "id": outcome.id,
        "index": outcome.index,
        "logged": outcome.logged,
        "entry": outcome.entry.decode("ascii"),
    }
