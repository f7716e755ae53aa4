"""GET below /v1/lots."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from ledger.errors import TooLarge
from service.api import examples, schemas
from service.api.anchor_schemas import LotStanding
from service.api.answers import LOGIN, answers, page, raw
from service.api.deps import (
    MAX_DEPTH,
    USUAL_PAGE,
    AnybodyDep,
    Backend,
    BackendDep,
    CursorParam,
    LimitParam,
    RecordId,
    SubjectId,
)
from service.api.judging import Judges, JudgesDep, busy
from service.errors import NotFound
from service.usecases import bundle, lots
from service.usecases.policy import Reader

router = APIRouter(tags=["lots"])

BUNDLE_MEDIA = "application/vnd.lodeline.bundle+json"
MAX_HIDDEN = 700
"""Records that a request for a bundle may name: with them an address is as long as the parser takes."""
_NONE = NotFound("There is no such lot, or you may not see it: ask its custodian for a grant.")


@router.get("/v1/lots", response_model=schemas.Page[schemas.Lot], responses=answers(page(examples.LOT_STATE), LOGIN))
def list_lots(
    service: BackendDep,
    reader: AnybodyDep,
    status: Annotated[Literal["held", "in_transit", "disputed", "closed"] | None, Query()] = None,
    custodian: Annotated[str | None, Query(max_length=200, description="Participant id.")] = None,
    mineral: Annotated[str | None, Query(max_length=60)] = None,
    cursor: CursorParam = None,
    limit: LimitParam = USUAL_PAGE,
) -> dict[str, Any]:
    """Lots that the reader holds, held, sent, is about to receive or was granted; all for auditors and authorities."""
    return lots.list_readable(
        service.context, reader, status=status, custodian=custodian, mineral=mineral, cursor=cursor, limit=limit
    )


@router.get(
    "/v1/lots/{id}",
    response_model=LotStanding,
    responses=answers(examples.LOT_STATE | {"standing": examples.STANDING}, _NONE, LOGIN),
)
def get_lot(service: BackendDep, reader: AnybodyDep, id: SubjectId) -> dict[str, Any]:
    """One lot as it stands now; `head` is what the next record about it names in `prev`, `standing` is about that."""
    return lots.get_lot(service.context, reader, id)


@router.get(
    "/v1/lots/{id}/history",
    response_model=schemas.Page[schemas.HistoryItem],
    responses=answers(page(examples.RECORD | {"moved": True}), _NONE, LOGIN),
)
def get_history(
    service: BackendDep, reader: AnybodyDep, id: SubjectId, cursor: CursorParam = None, limit: LimitParam = USUAL_PAGE
) -> dict[str, Any]:
    """The records that moved a lot and the evidence about it, oldest first."""
    return lots.get_history(service.context, reader, id, cursor=cursor, limit=limit)


@router.get(
    "/v1/lots/{id}/provenance",
    response_model=schemas.Provenance,
    responses=answers(examples.PROVENANCE, _NONE, LOGIN),
)
def get_provenance(
    service: BackendDep,
    reader: AnybodyDep,
    id: SubjectId,
    direction: Annotated[
        Literal["up", "down"], Query(description="up: what it was made from; down: what was made from it (a recall).")
    ] = "up",
    depth: Annotated[int, Query(ge=1, le=MAX_DEPTH, description="Steps to go.")] = MAX_DEPTH,
    intervals: Annotated[
        bool, Query(description="Add the range of each share, at the usual uncertainty of masses and assays.")
    ] = False,
) -> dict[str, Any]:
    """The lots that one was made from, or that were made from it, the mass that went each way, and shares of origin."""
    return lots.get_provenance(service.context, reader, id, direction=direction, depth=depth, intervals=intervals)


@router.get(
    "/v1/lots/{id}/bundle",
    response_class=Response,
    responses=raw(
        BUNDLE_MEDIA,
        examples.BUNDLE,  # type: ignore[arg-type]  # this one is JSON
        _NONE,
        LOGIN,
        TooLarge("This lot has more records upstream than one bundle holds.", limit=5000, actual=5001),
        busy(),
        about="A lodeline-bundle/1, verifiable offline.",
        schema={"type": "object"},
    ),
)
async def get_bundle(
    service: BackendDep,
    judges: JudgesDep,
    reader: AnybodyDep,
    id: SubjectId,
    hash_only: Annotated[
        list[RecordId] | None, Query(max_length=MAX_HIDDEN, description="Records to show by their hash only.")
    ] = None,
    verdict: Annotated[
        list[RecordId] | None, Query(max_length=50, description="Verdicts on this lot to put in, by id.")
    ] = None,
) -> Response:
    """Everything about a lot that an outsider needs to check it without this service, in one file."""
    return await download_bundle(service, judges, reader, id, "lot", hash_only, verdict)


async def download_bundle(
    service: Backend,
    judges: Judges,
    reader: Reader,
    subject: str,
    kind: str,
    hash_only: Sequence[str] | None,
    verdicts: Sequence[str] | None,
) -> Response:
    """The bundle of a lot, site or participant as a file. Raises as `make_bundle`, and Unavailable."""
    make = partial(bundle.make_bundle, kind=kind, hash_only=hash_only or (), verdicts=verdicts or ())
    data = await judges.run(make, service.context, reader, subject)
    return Response(
        data, media_type=BUNDLE_MEDIA, headers={"content-disposition": 'attachment; filename="bundle.json"'}
    )
