"""How the service is: health, readiness, metrics, and what it says of itself."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.api import examples, schemas
from service.api.answers import answers, raw
from service.api.deps import BackendDep
from service.usecases import about

router = APIRouter(tags=["status"])

_CHECKS = {"database": True, "sequencer": True, "clock": True}
_READY = {"status": "ready", "checks": _CHECKS, "detail": "", "role": "single"}


@router.get("/healthz", response_model=schemas.Health, responses=answers({"status": "ok"}))
async def get_health() -> dict[str, Any]:
    """The process answers; says nothing of the database."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    response_model=schemas.Readiness,
    responses=answers(_READY, about="Records are taken.")
    | {503: {"model": schemas.Readiness, "description": "Records are not taken right now."}},
)
def get_readiness(service: BackendDep, response: Response) -> dict[str, Any]:
    """Whether records are taken: database reachable, sequencer running, clock not behind the log."""
    checks, detail = about.check_readiness(service.context, service.trouble())
    ready = all(checks.values()) and not service.closing
    if not ready:
        response.status_code = 503
        response.headers["retry-after"] = "5"
    return {"status": "ready" if ready else "not ready", "checks": checks, "detail": detail, "role": service.role()}


@router.get(
    "/metrics",
    response_class=Response,
    responses=raw("text/plain", "lodeline_log_size 1472.0\n", about="Prometheus text format."),
)
def get_metrics(service: BackendDep) -> Response:
    """Counts and times for Prometheus; holds no ids of lots, records or participants."""
    return Response(service.metrics.render(), headers={"content-type": CONTENT_TYPE_LATEST})


@router.get("/.well-known/lodeline", response_model=schemas.ServiceInfo, responses=answers(examples.INFO))
def get_info(service: BackendDep) -> dict[str, Any]:
    """Origin, log key, registrar, who may read entries, witnesses, version."""
    return about.describe_service(service.context, service.witnesses)
