"""Reference data: /v1/reference, what is loaded and how old it is; the files themselves where licences allow it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from ledger.errors import SnapshotError
from service.api import examples, schemas
from service.api.answers import LOGIN, answers, raw
from service.api.deps import BackendDep, MemberDep
from service.api.routers.log import answer_bytes
from service.errors import Forbidden, NotFound
from service.usecases import reference

router = APIRouter(tags=["reference"])

MAX_SNAPSHOTS = 400
_BINARY = {"type": "string", "format": "binary"}
_LICENCE = Forbidden(
    "The licence of `rmi_conformant` forbids handing it on: take it from its publisher.", source="the publisher's site"
)
_UNKNOWN = SnapshotError("There is no data set `offac`: see the list of data sets.", dataset="offac")


@router.get(
    "/v1/reference", response_model=schemas.DatasetList, responses=answers({"items": [examples.DATASET]}, _UNKNOWN)
)
def list_datasets(
    service: BackendDep,
    dataset: Annotated[str | None, Query(max_length=60, description="Only this data set.")] = None,
    snapshots: Annotated[int, Query(ge=1, le=MAX_SNAPSHOTS, description="Most snapshots of each, newest first.")] = 1,
) -> dict[str, Any]:
    """Every data set that rules may ask for, with its newest snapshots and whether they are still taken. Public."""
    context = service.context
    found = reference.describe_datasets(context.store, now=context.now(), dataset=dataset, newest=snapshots)
    return {"items": found}


@router.get(
    "/v1/reference/{digest}",
    response_class=Response,
    responses=raw(
        "application/octet-stream",
        "",
        LOGIN,
        _LICENCE,
        NotFound("There is no reference data with this digest."),
        about="The bytes as the publisher served them.",
        schema=_BINARY,
    ),
)
def get_file(
    request: Request,
    service: BackendDep,
    _reader: MemberDep,
    digest: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file in lowercase hex.")],
) -> Response:
    """A file that verdicts name by its digest, for participants; not those whose licence forbids it."""
    data = reference.read_snapshot(service.context.store, digest)
    cache = "private, max-age=31536000, immutable"
    return answer_bytes(request, data, "application/octet-stream", cache, vary=True)
