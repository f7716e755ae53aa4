"""The server as one ASGI application: `create_app(wire(settings))`.

Starting it opens the log with every check and starts the sequencer; nothing is answered before.
Stopping it refuses new records, finishes those that are queued, and lets go of the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.middleware.cors import CORSMiddleware

from service.adapters.shelves import make_shelf
from service.api.application import make_application
from service.api.batch import BatchIntake
from service.api.deps import Backend
from service.api.edge import App, Edge
from service.api.intake import RecordIntake
from service.api.openapi import install
from service.bootstrap import Service
from service.config import Settings
from service.logs import get_logger
from service.usecases.check import check_presentations
from service.usecases.submit import Item
from service.workers.alone import Alone, make_writer
from service.workers.anchorer import Anchorer
from service.workers.checkers import Checkers
from service.workers.grapher import Grapher
from service.workers.publisher import Publisher
from service.workers.replica import Replica
from service.workers.witnessing import Witnessing, load_policy

_FEW = 64  # records: two or three milliseconds of work, no more than sending them elsewhere would cost

_log = get_logger("service.app")


def check_settings(settings: Settings) -> None:
    """Refuse at once what every process would end by: who witnesses, where to publish. Raises SettingsError."""
    load_policy(settings.witnesses)
    make_shelf(settings)


def create_app(service: Service, *, transport: httpx.AsyncBaseTransport | None = None) -> App:
    """The application on a wired service; the workers start with its lifespan. transport: to the witnesses."""
    settings, context = service.settings, service.context
    writer = make_writer(service)
    witnessing = Witnessing(
        context,
        load_policy(settings.witnesses),
        metrics=service.metrics,
        seconds=settings.witness_seconds,
        transport=transport,
        leads=lambda: writer.role != "follower",
    )
    anchorer = Anchorer(
        context.store,
        settings.anchor,
        origin=context.origin,
        verifier=service.signer.verifier,
        clock=context.clock,
        metrics=service.metrics,
    )
    publisher = Publisher(
        context.store,
        make_shelf(settings),
        service.signer.verifier,
        seconds=settings.publish_seconds,
        metrics=service.metrics,
        leads=lambda: writer.role != "follower",
    )
    grapher = Grapher(context.store, context.graph, seconds=settings.graph_seconds, metrics=service.metrics)
    running = _Running(service, writer, witnessing, (anchorer, grapher, publisher))
    backend = Backend(
        context=context,
        metrics=service.metrics,
        check=running.check,
        sequence=writer.submit,
        trouble=lambda: writer.trouble,
        role=lambda: writer.role,
        witnesses=tuple(witness.name for witness in witnessing.witnesses),
    )
    running.backend = backend
    app = make_application(backend, running.lifespan)
    install(app)
    inner: App = app
    hot: dict[str, App] = {"/v1/records": RecordIntake(backend), "/v1/records/batch": BatchIntake(backend)}
    origins = [one.strip() for one in settings.cors_origins.split(",") if one.strip()]
    if origins:
        inner = _allow(inner, origins)
        hot = {path: _allow(handler, origins) for path, handler in hot.items()}
    return Edge(inner, hot, metrics=service.metrics, seconds=settings.limits.request_seconds, realm=context.origin)


def _allow(app: App, origins: Sequence[str]) -> App:
    """Let browsers on these origins read answers; no cookies are involved, ever."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["authorization", "content-type"],
        expose_headers=["x-request-id", "retry-after", "etag"],
    )


class _Running:
    """The workers of one server, between start and stop."""

    def __init__(
        self,
        service: Service,
        writer: Alone | Replica,
        witnessing: Witnessing,
        followers: Sequence[Anchorer | Grapher | Publisher],
    ) -> None:
        self._service = service
        self._writer = writer
        self._witnessing = witnessing
        self._followers = followers
        self._checkers: Checkers | None = None
        self.backend: Backend | None = None

    async def check(self, texts: Sequence[bytes]) -> list[Item]:
        """The stateless checks: a few records here and now, more of them in the checking processes."""
        if self._checkers is None or len(texts) <= _FEW:
            return check_presentations(texts, self._service.keys.get)
        parts = await asyncio.gather(*map(asyncio.wrap_future, self._checkers.check(texts)))
        return [item for part in parts for item in part]

    @asynccontextmanager
    async def lifespan(self, _app: Any) -> AsyncIterator[None]:
        """Open, serve, drain, close. Raises RefuseToOpen: then the server does not start."""
        await self._writer.start()
        self._checkers = Checkers(self._service.keys, self._service.settings.workers)
        await asyncio.to_thread(self._checkers.warm_up)
        witnessing = asyncio.ensure_future(self._witnessing.run())
        for follower in self._followers:
            follower.start()
        _log.info("serving", origin=self._service.context.origin)
        try:
            yield
        finally:
            if self.backend is not None:
                self.backend.closing = True
            witnessing.cancel()
            await asyncio.wait([witnessing])
            for follower in self._followers:
                await asyncio.to_thread(follower.stop)
            await self._writer.stop()
            self._checkers.close()
            self._service.close()
            _log.info("stopped", origin=self._service.context.origin)
