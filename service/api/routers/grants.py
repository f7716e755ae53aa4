"""Grants: /v1/grants."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from ledger.errors import BadSignature, SchemaError
from service.api import examples, schemas
from service.api.answers import LOGIN, answers, page
from service.api.bodies import GRANT_MEDIA, check_length, check_media, read_body
from service.api.deps import USUAL_PAGE, BackendDep, CursorParam, LimitParam, MemberDep
from service.errors import BodyTooLarge, Conflict, Forbidden, NotFound, TimedOut, UnsupportedMedia
from service.usecases import grants

router = APIRouter(tags=["grants"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            media: {"schema": {"type": "string", "maxLength": grants.MAX_GRANT_BYTES}, "example": examples.JWS}
            for media in ("application/access-grant+jwt", "text/plain")
        },
    }
}
_AGAIN = {
    "model": schemas.Grant,
    "description": "This very grant was there already.",
    "content": {"application/json": {"example": examples.GRANT}},
}


@router.post(
    "/v1/grants",
    status_code=201,
    response_model=schemas.Grant,
    openapi_extra=_BODY,
    responses=answers(
        examples.GRANT,
        NotFound("You are not the custodian of such a lot.", pointer="/lot"),
        Conflict("Another grant has this `jti`: sign one with a fresh random `jti`.", pointer="/jti"),
        BadSignature("The signature does not verify under this key."),
        BodyTooLarge("The body may have at most 4096 bytes: send it in parts.", limit=4096),
        UnsupportedMedia("Send this as application/access-grant+jwt or text/plain."),
        TimedOut("The body did not arrive in time: send it again."),
        SchemaError("The claim `lot` is missing from the grant.", pointer="/lot"),
        status=201,
        about="The grant is in force.",
    )
    | {200: _AGAIN},
)
async def give_grant(request: Request, response: Response, service: BackendDep) -> dict[str, Any]:
    """Let a participant read one lot with everything upstream. Signed by the custodian, so no login is needed."""
    check_media(request.scope, GRANT_MEDIA)
    check_length(request.scope, grants.MAX_GRANT_BYTES)
    seconds = service.context.limits.request_seconds
    body = await read_body(request.receive, limit=grants.MAX_GRANT_BYTES, seconds=seconds)
    grant, new = await run_in_threadpool(grants.give, service.context, body)
    if not new:
        response.status_code = 200
    return grant


@router.get("/v1/grants", response_model=schemas.Page[schemas.Grant], responses=answers(page(examples.GRANT), LOGIN))
def list_grants(
    service: BackendDep,
    reader: MemberDep,
    lot: Annotated[str | None, Query(max_length=200, description="Lot id.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = USUAL_PAGE,
) -> dict[str, Any]:
    """Grants that the reader gave or got; auditors, authorities and registrars see all."""
    return grants.list_mine(service.context, reader, lot=lot, cursor=cursor, limit=limit)


@router.delete(
    "/v1/grants/{jti}",
    response_model=schemas.Grant,
    responses=answers(
        examples.GRANT | {"status": "revoked", "revoked": 1790000200},
        NotFound("There is no such grant of yours."),
        Forbidden("Only who gave a grant, or a registrar, may revoke it."),
        LOGIN,
    ),
)
def revoke_grant(
    service: BackendDep, reader: MemberDep, jti: Annotated[str, Path(min_length=1, max_length=200)]
) -> dict[str, Any]:
    """End a grant now; the next request of its grantee is refused."""
    return grants.revoke(service.context, reader, jti)
