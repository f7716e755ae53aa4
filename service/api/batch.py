"""POST /v1/records/batch, as raw ASGI: presentations line by line in, outcomes line by line out.

Lines are read as they arrive, handed on in chunks of at most one commit, and answered as soon as
each chunk is durable, in their order. The answer may begin while the request is still coming in. A
client that sends everything before it reads anything must not stall the two against each other, so
reading never waits for writing: outcomes wait in memory, a few hundred bytes each, and their number
is bounded by the limit on lines. Receipts are made at the moment they are sent.

What stops a batch half-way (a line that is too long, a pause that is too long, a full queue) is
the problem of the line it happened at; the lines before it keep their outcomes. With `?atomic=true` the
whole batch is one transaction: all lines are stored or none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from ledger.envelope import MAX_PRESENTATION_BYTES
from ledger.errors import LedgerError
from service.api.bodies import BATCH_MEDIA, ClientGone, check_length, check_media, read_lines
from service.api.deps import Backend
from service.api.edge import Receive, Scope, Send, send_problem
from service.api.problems import Refusal, format_problem
from service.errors import BadRequest, BodyTooLarge, ServiceError, Unavailable
from service.usecases.submit import Item, Outcome, Sequenced
from service.usecases.tiles import get_checkpoint

Lines = Sequence[tuple[int, bytes]]
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/x-ndjson"), (b"x-accel-buffering", b"no")],
}
_PIECE = 64 * 1024
_FIRST = 128  # lines that are checked and queued together at first; twice as many each time: nobody waits at the start
_CHUNK = 1024  # and at most; the sequencer commits all that wait at once
_AHEAD = 4  # chunks being checked while the one before them is queued
_UNDER_WAY = 8  # chunks of one batch that wait for the sequencer


@dataclass(frozen=True, slots=True)
class Options:
    """The parameters of a batch."""

    atomic: bool = False
    receipts: bool = False


@dataclass(slots=True)
class _Answer:
    """Outcomes on their way to the client, and what the last line says of them.

    ready: None ends it; unbounded, but no longer than the batch may be. begun: something was put in.
    """

    ready: asyncio.Queue[list[tuple[int, Outcome | Refusal]] | None] = field(default_factory=asyncio.Queue)
    begun: bool = False
    accepted: int = 0
    existing: int = 0
    refused: int = 0

    def put(self, outcomes: list[tuple[int, Outcome | Refusal]]) -> None:
        """Hand over the outcomes of some lines."""
        self.begun = True
        self.ready.put_nowait(outcomes)


class BatchIntake:
    """The handler of many records per request."""

    def __init__(self, service: Backend) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """200 and one line per record, whatever became of it; a problem when no line has an outcome."""
        answer = _Answer()
        instance = scope["request_id"]
        writer: asyncio.Future[None] | None = None
        try:
            options = parse_options(scope.get("query_string", b""))
            check_media(scope, BATCH_MEDIA)
            check_length(scope, self._service.context.limits.batch_bytes)
            if self._service.closing:
                raise Unavailable("The service is shutting down.", retry_after=5)
            writer = asyncio.ensure_future(self._write(send, answer, options, instance))
            await self._work(self._chunks(receive, options), answer, options)
            if not answer.begun:
                raise BadRequest("The body holds no record: one presentation per line.")
            answer.ready.put_nowait(None)
            await writer
        except ClientGone:
            return
        except (LedgerError, ServiceError) as error:
            self._service.metrics.refusals.labels(error.code).inc()
            await send_problem(send, error, instance=instance)
        finally:
            if writer is not None:
                writer.cancel()

    async def _chunks(self, receive: Receive, options: Options) -> AsyncIterator[Lines]:
        """Lines in groups of at most one commit; all of them as one group when the batch is atomic."""
        limits = self._service.context.limits
        largest = min(_CHUNK, limits.commit_records)
        size = min(_FIRST, largest)
        most = limits.commit_records if options.atomic else limits.batch_records
        waiting: list[tuple[int, bytes]] = []
        taken = 0
        try:
            async for lines in read_lines(
                receive, limit=limits.batch_bytes, line_limit=MAX_PRESENTATION_BYTES, seconds=limits.request_seconds
            ):
                room = max(0, most - taken)
                taken += len(lines)
                waiting += lines[:room]
                while not options.atomic and len(waiting) >= size:
                    yield waiting[:size]
                    waiting = waiting[size:]
                    size = min(2 * size, largest)
                if taken > most:
                    line = lines[room][0]
                    raise BodyTooLarge(
                        f"A batch may have at most {most} lines: send it in parts.", limit=most, line=line
                    )
        except ServiceError:  # the lines before the fault are whole
            if waiting and not options.atomic:
                yield waiting
            raise
        if waiting:
            yield waiting

    async def _checked(self, chunks: AsyncIterator[Lines]) -> AsyncIterator[tuple[Lines, list[Item]]]:
        """Chunks with their candidates, in order; the next ones are being checked meanwhile."""
        ahead: deque[tuple[Lines, asyncio.Future[list[Item]]]] = deque()
        fault: LedgerError | ServiceError | None = None
        try:
            try:
                async for chunk in chunks:
                    ahead.append((chunk, asyncio.ensure_future(self._service.check([text for _, text in chunk]))))
                    if len(ahead) > _AHEAD:
                        lines, items = ahead.popleft()
                        yield lines, await items
            except (LedgerError, ServiceError) as error:  # the lines before the fault are whole
                fault = error
            while ahead:
                lines, items = ahead.popleft()
                yield lines, await items
        finally:
            for _, left in ahead:
                left.cancel()
        if fault is not None:
            raise fault

    async def _work(self, chunks: AsyncIterator[Lines], answer: _Answer, options: Options) -> None:
        """Check each chunk while those before it are sequenced. Raises what ends a batch without any outcome."""
        under_way: deque[tuple[Lines, asyncio.Future[Sequenced]]] = deque()
        stopped: ServiceError | None = None
        last = 0
        try:
            async for chunk, items in self._checked(chunks):
                last = chunk[-1][0]
                if stopped is None:
                    stopped = await self._queue(chunk, items, under_way, answer, options)
                if stopped is not None:
                    await self._settle(under_way, answer, 0)
                    answer.put([(number, stopped) for number, _ in chunk])
        except (LedgerError, ServiceError) as error:
            await self._settle(under_way, answer, 0)
            if not answer.begun:
                raise
            answer.put([(error.values.get("line", last + 1), error)])
        await self._settle(under_way, answer, 0)

    async def _queue(
        self,
        chunk: Lines,
        items: list[Item],
        under_way: deque[tuple[Lines, asyncio.Future[Sequenced]]],
        answer: _Answer,
        options: Options,
    ) -> ServiceError | None:
        """Hand a chunk to the sequencer. When its queue is full, wait for our own chunks to leave it first;
        with none there, answer the refusal, which then stands for every later line too."""
        while True:
            try:
                future = asyncio.wrap_future(
                    self._service.sequence(items, atomic=options.atomic, proofs=options.receipts)
                )
            except Unavailable as full:
                if not under_way:
                    if not answer.begun:
                        raise
                    return full
                await self._settle(under_way, answer, len(under_way) - 1)
            else:
                under_way.append((chunk, future))
                await self._settle(under_way, answer, _UNDER_WAY)
                return None

    async def _settle(
        self, under_way: deque[tuple[Lines, asyncio.Future[Sequenced]]], answer: _Answer, left: int
    ) -> None:
        """Wait until at most `left` chunks are under way, oldest first."""
        while len(under_way) > left:
            chunk, future = under_way.popleft()
            try:
                done = await future
            except ServiceError as error:
                answer.put([(number, error) for number, _ in chunk])
            else:
                answer.put([(number, one) for (number, _), one in zip(chunk, done.outcomes, strict=True)])

    async def _write(self, send: Send, answer: _Answer, options: Options, instance: str) -> None:
        started = False
        while (outcomes := await answer.ready.get()) is not None:
            if not started:
                await send(_START)
                started = True
            if options.receipts:  # they may have to be read from the store: not in the event loop
                data = await asyncio.to_thread(self._format_all, outcomes, answer, options, instance)
            else:
                data = self._format_all(outcomes, answer, options, instance)
            for at in range(0, len(data), _PIECE):
                await send({"type": "http.response.body", "body": data[at : at + _PIECE], "more_body": True})
        checkpoint = await asyncio.to_thread(get_checkpoint, self._service.context)
        summary = {
            "accepted": answer.accepted,
            "existing": answer.existing,
            "refused": answer.refused,
            "checkpoint": checkpoint,
        }
        await send({"type": "http.response.body", "body": _line(summary)})

    def _format_all(
        self, outcomes: list[tuple[int, Outcome | Refusal]], answer: _Answer, options: Options, instance: str
    ) -> bytes:
        return b"".join([self._format(number, one, answer, options, instance) for number, one in outcomes])

    def _format(
        self, number: int, outcome: Outcome | Refusal, answer: _Answer, options: Options, instance: str
    ) -> bytes:
        error = outcome.error if isinstance(outcome, Outcome) else outcome
        if error is not None:
            answer.refused += 1
            self._service.metrics.refusals.labels(error.code).inc()
            problem = format_problem(error, instance=instance)
            return _line({"line": number, "status": problem["status"], "problem": problem})
        if not isinstance(outcome, Outcome):
            raise AssertionError("what is no error is an outcome")
        created = outcome.status == "created"
        answer.accepted += created
        answer.existing += not created
        # What a single record is answered with, but for the entry: `<logged> <jws>`, and the client has the record.
        members = {
            "line": number,
            "status": 201 if created else 200,
            "id": outcome.id,
            "index": outcome.index,
            "logged": outcome.logged,
        }
        if options.receipts:
            members["receipt"] = outcome.receipt()
        return _line(members)


def parse_options(query: bytes) -> Options:
    """`atomic` and `receipts`, each `true` or `false`. Raises BadRequest for anything else."""
    given: dict[str, bool] = {}
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise BadRequest("The query is not well-formed.") from None
    for name, value in pairs:
        if name not in ("atomic", "receipts"):
            raise BadRequest(f"There is no parameter `{name[:60]}` here.", pointer=f"/{name[:60]}")
        if name in given or value not in ("true", "false"):
            raise BadRequest(f"`{name}` is either true or false, once.", pointer=f"/{name}")
        given[name] = value == "true"
    return Options(**given)


def _line(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_APPEND_NEWLINE)
