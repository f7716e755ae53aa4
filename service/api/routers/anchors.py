"""GET /v1/anchors: where the log's checkpoints were anchored, and the evidence. Public: it says nothing of records."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from service.api import examples
from service.api.anchor_schemas import AnchorPage, Sink, State
from service.api.answers import answers, page, raw
from service.api.deps import USUAL_PAGE, BackendDep, CursorParam, LimitParam
from service.api.routers.log import answer_bytes
from service.errors import NotFound
from service.usecases import anchors

router = APIRouter(tags=["log"])

MEDIA = "application/json"
_BRIEFLY = "public, max-age=15"


@router.get(
    "/v1/anchors",
    response_model=AnchorPage,
    responses=answers(page(examples.ANCHOR) | {"sinks": [examples.SINK_STATE]}),
)
def list_anchors(
    service: BackendDep,
    sink: Annotated[Sink | None, Query(description="Only of this sink.")] = None,
    state: Annotated[State | None, Query(description="Only in this state.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = USUAL_PAGE,
) -> dict[str, Any]:
    """Checkpoints that were given to sinks, largest first, and how every sink is doing."""
    found = anchors.list_anchors(service.context, sink=sink, state=state, cursor=cursor, limit=limit)
    return {**found, "sinks": anchors.describe_sinks(service.context)}


@router.get(
    "/v1/anchors/{sink}/{size}",
    response_class=Response,
    responses=raw(
        MEDIA,
        examples.ANCHOR_EVIDENCE,  # type: ignore[arg-type]  # this one is JSON
        NotFound("There is no evidence of such an anchor, or not yet."),
        about="A lodeline-anchor/1, verifiable offline; of the sink `file` the signed checkpoint.",
        schema={"type": ["object", "string"]},
    ),
)
def get_evidence(
    request: Request,
    service: BackendDep,
    sink: Annotated[Sink, Path(description="`file` or `ethereum`.")],
    size: Annotated[int, Path(ge=1, le=2**53 - 1, description="Entries of the anchored checkpoint.")],
) -> Response:
    """The evidence of one anchor, to keep: it outlives the service."""
    data = anchors.get_evidence(service.context, sink, size)
    media = "text/plain; charset=utf-8" if sink == "file" else MEDIA
    return answer_bytes(request, data, media, _BRIEFLY)
