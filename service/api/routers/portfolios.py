"""Many lots at once: /v1/portfolios."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request, Response

from ledger.errors import ClaimError, PackError, TooLarge, UnknownSubject
from service.api import portfolio_schemas as shapes
from service.api.answers import LOGIN, answers
from service.api.bodies import JSON_MEDIA, check_length, check_media, read_body
from service.api.deps import BackendDep, MemberDep
from service.api.judging import JudgesDep, busy
from service.api.routers.claims import MAX_CLAIM_BYTES
from service.errors import BodyTooLarge, NotFound, TimedOut, UnsupportedMedia
from service.usecases import portfolios

router = APIRouter(tags=["verification"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": shapes.PORTFOLIO_SCHEMA, "example": shapes.PORTFOLIO}},
    }
}


@router.post(
    "/v1/portfolios",
    response_model=shapes.PortfolioAnswer,
    openapi_extra=_BODY,
    responses=answers(
        shapes.PORTFOLIO_ANSWER,
        LOGIN,
        NotFound("There is no such lot, or you may not see it: ask its custodian for a grant.", pointer="/subjects/7"),
        ClaimError("'subjects' is a list of 1 to 1000 lots.", pointer="/subjects"),
        PackError("There is no check 'magic'.", pointer="/packs/0/rule/0/check"),
        UnknownSubject(
            "The evidence knows no lot, site or participant 'lot:1' as of 2026-03-31T23:59:59Z: check id and date.",
            pointer="/subjects/7",
        ),
        TooLarge("There are more records behind this than one bundle holds.", limit=5000, actual=5001),
        BodyTooLarge("The body may have at most 6000000 bytes: send it in parts.", limit=MAX_CLAIM_BYTES),
        UnsupportedMedia("Send this as application/json."),
        TimedOut("The body did not arrive in time: send it again."),
        busy(),
        about="The answers, as single verdicts would give them; not signed and not kept.",
    ),
)
async def judge_portfolio(request: Request, service: BackendDep, judges: JudgesDep, reader: MemberDep) -> Response:
    """Put one claim to many lots: the answer and the open findings that a verdict on each would give, in one go."""
    check_media(request.scope, JSON_MEDIA)
    check_length(request.scope, MAX_CLAIM_BYTES)
    body = await read_body(request.receive, limit=MAX_CLAIM_BYTES, seconds=service.context.limits.request_seconds)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ClaimError("The body is not JSON.") from None
    found = await judges.run(portfolios.answer, service.context, reader, value)
    return Response(orjson.dumps(found), media_type="application/json")
