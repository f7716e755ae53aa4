"""The FastAPI application: routers, and every exception turned into a problem."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from ledger.errors import LedgerError
from service.api.bodies import ClientGone
from service.api.deps import Backend, refuse_unknown
from service.api.judging import Judges
from service.api.problems import Refusal, format_body, format_headers, format_problem
from service.api.reads import CompressedReads, ConditionalReads
from service.api.routers import (
    anchors,
    bundles,
    claims,
    grants,
    log,
    lots,
    portfolios,
    records,
    reference,
    register,
    statements,
    status,
)
from service.errors import BadRequest, Internal, MethodNotAllowed, NotFound, ServiceError, Unavailable
from service.logs import get_logger
from service.storage.engine import DatabaseError

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]
ROUTERS = (records, bundles, lots, register, statements, reference, grants, claims, portfolios, log, anchors, status)
_log = get_logger("service.api")


def make_application(backend: Backend | None, lifespan: Lifespan | None = None) -> FastAPI:
    """Everything but the hot operations. Without a backend it only describes itself."""
    app = FastAPI(
        title="Lodeline",
        version=version("lodeline"),
        summary="Traceability ledger for minerals: signed custody records in a log that anybody can check.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(refuse_unknown)],
        lifespan=lifespan,
    )
    app.state.service = backend
    app.state.judges = Judges()
    app.add_middleware(ConditionalReads)
    app.add_middleware(CompressedReads)  # outermost
    for module in ROUTERS:
        app.include_router(module.router)
    app.add_exception_handler(LedgerError, _answer_refusal)
    app.add_exception_handler(ServiceError, _answer_refusal)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(DatabaseError, _answer_database)
    app.add_exception_handler(ClientGone, _answer_nobody)
    app.add_exception_handler(Exception, _answer_fault)
    return app


def _problem(request: Request, error: Refusal) -> Response:
    backend: Backend = request.app.state.service
    backend.metrics.refusals.labels(error.code).inc()
    problem = format_problem(error, instance=request.scope.get("request_id", ""))
    headers = {name.decode(): value.decode() for name, value in format_headers(error, realm=backend.context.origin)}
    return Response(format_body(problem), status_code=problem["status"], headers=headers)


def _answer_refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, LedgerError | ServiceError):
        raise AssertionError("registered for refusals only")
    return _problem(request, error)


def _answer_invalid(request: Request, error: Exception) -> Response:
    """A parameter out of range: the first fault, without what was sent."""
    fault = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    name = str(fault.get("loc", ("", ""))[-1])
    return _problem(request, BadRequest(f"`{name}`: {fault.get('msg', 'not valid')}.", pointer=f"/{name}"))


def _answer_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        allowed = (getattr(error, "headers", None) or {}).get("Allow", "").split(", ")
        return _problem(request, MethodNotAllowed("This method means nothing here.", allowed=allowed))
    if status == 404:
        return _problem(request, NotFound("There is nothing at this address: see /openapi.json."))
    return _problem(request, BadRequest("The request cannot be read."))


def _answer_database(request: Request, error: Exception) -> Response:
    cause = str(getattr(error, "orig", "")).partition("\n")[0]  # further lines of PostgreSQL's hold values
    _log.error("database failed", error=type(error).__name__, cause=cause)
    return _problem(request, Unavailable("The database does not answer: try again.", retry_after=5))


def _answer_nobody(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)


def _answer_fault(request: Request, _error: Exception) -> Response:
    """Our fault; the edge logs what it was."""
    return _problem(request, Internal("Something went wrong here: tell the operator the instance id."))
