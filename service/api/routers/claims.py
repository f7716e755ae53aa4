"""Claims, verdicts, rule packs and risk: /v1/claims, /v1/verdicts, /v1/rule-packs, /v1/risk."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from ledger.errors import ClaimError, PackError, TooLarge, UnknownSubject
from service.api import schemas
from service.api import verdict_schemas as shapes
from service.api.answers import LOGIN, answers, page
from service.api.bodies import JSON_MEDIA, check_length, check_media, read_body
from service.api.deps import USUAL_PAGE, BackendDep, CursorParam, LimitParam, MemberDep
from service.api.judging import JudgesDep, busy
from service.errors import BodyTooLarge, NotFound, TimedOut, UnsupportedMedia
from service.usecases import claims, packs, verdicts

router = APIRouter(tags=["verification"])

MAX_CLAIM_BYTES = 6_000_000
PackName = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9-]{0,59}$", description="Id of the rule pack.")]
VerdictId = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the verdict's canonical JSON, hex.")]
SubjectParam = Annotated[str, Query(max_length=200, description="Lot, site or participant.")]
Form = Annotated[
    Literal["json", "html", "pdf", "credential"],
    Query(description="json is what is signed; the others are made of it."),
]
_SUFFIXES = {"html": "html", "pdf": "pdf", "credential": "jwt"}

_NONE = NotFound("There is no such lot, or you may not see it: ask its custodian for a grant.")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": shapes.CLAIM_SCHEMA, "example": shapes.QUESTION}},
    }
}
_FORMS = {
    "model": shapes.SignedVerdict,
    "description": "The verdict, in the form asked for.",
    "content": {
        "application/json": {"example": shapes.SIGNED_VERDICT},
        "text/html": {"schema": {"type": "string"}, "example": "<!doctype html>..."},
        "application/pdf": {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7..."},
        "application/vc+jwt": {"schema": {"type": "string"}, "example": "eyJhbGciOiJFZERTQSIsInR5cCI6InZjK2p3dCJ9..."},
    },
}
_AGAIN = {
    "model": shapes.SignedVerdict,
    "description": "The same question on the same evidence was answered before: the same verdict.",
    "content": {"application/json": {"example": shapes.SIGNED_VERDICT}},
}


@router.post(
    "/v1/claims",
    status_code=201,
    response_model=shapes.SignedVerdict,
    openapi_extra=_BODY,
    responses=answers(
        shapes.SIGNED_VERDICT,
        LOGIN,
        _NONE,
        ClaimError("There is no claim 'clean': use one of origin, quantity.", pointer="/claim/type"),
        PackError("There is no check 'magic'.", pointer="/packs/0/rule/0/check"),
        UnknownSubject("The evidence knows no lot, site or participant 'lot:1' as of 2026-03-31T23:59:59Z."),
        TooLarge("There are more records behind this than one bundle holds.", limit=5000, actual=5001),
        BodyTooLarge("The body may have at most 6000000 bytes: send it in parts.", limit=MAX_CLAIM_BYTES),
        UnsupportedMedia("Send this as application/json."),
        TimedOut("The body did not arrive in time: send it again."),
        busy(),
        status=201,
        about="The verdict, signed.",
    )
    | {200: _AGAIN},
)
async def make_verdict(request: Request, service: BackendDep, judges: JudgesDep, reader: MemberDep) -> Response:
    """Have a claim judged: what the rules say of it, on the evidence that the reader may see, as of two dates."""
    check_media(request.scope, JSON_MEDIA)
    check_length(request.scope, MAX_CLAIM_BYTES)
    body = await read_body(request.receive, limit=MAX_CLAIM_BYTES, seconds=service.context.limits.request_seconds)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ClaimError("The body is not JSON.") from None
    data, identity, new = await judges.run(claims.answer, service.context, reader, value)
    headers = {"location": f"/v1/verdicts/{identity}"}
    return Response(data, status_code=201 if new else 200, media_type="application/json", headers=headers)


@router.get(
    "/v1/verdicts",
    response_model=schemas.Page[shapes.VerdictSummary],
    responses=answers(page(shapes.VERDICT_SUMMARY), LOGIN),
)
def list_verdicts(
    service: BackendDep,
    reader: MemberDep,
    subject: SubjectParam = "",
    cursor: CursorParam = None,
    limit: LimitParam = USUAL_PAGE,
) -> dict[str, Any]:
    """Verdicts that the reader asked for, newest first; all for auditors and authorities."""
    return verdicts.list_own(service.context, reader, subject=subject, cursor=cursor, limit=limit)


@router.get(
    "/v1/verdicts/{id}",
    response_model=shapes.SignedVerdict,
    responses=answers(
        shapes.SIGNED_VERDICT, LOGIN, NotFound("There is no such verdict, or it was given to somebody else."), busy()
    )
    | {200: _FORMS},
)
async def get_verdict(
    service: BackendDep, judges: JudgesDep, reader: MemberDep, id: VerdictId, form: Form = "json"
) -> Response:
    """A verdict as it was signed, in canonical JSON; or for people, or as a verifiable credential (UNTP)."""
    if form == "json":
        signed = await run_in_threadpool(verdicts.get_verdict, service.context, reader, id)
        return Response(signed, media_type="application/json")
    data, media = await judges.run(verdicts.format_verdict_as, service.context, reader, id, form)
    headers = {
        "content-disposition": f'inline; filename="{id[:16]}.{_SUFFIXES[form]}"',
        "x-content-type-options": "nosniff",
    }
    if form == "html":  # its own styles and nothing else
        headers["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return Response(data, media_type=media, headers=headers)


@router.get("/v1/rule-packs", response_model=schemas.Page[shapes.RulePack], responses=answers(page(shapes.RULE_PACK)))
def list_rule_packs(service: BackendDep, cursor: CursorParam = None, limit: LimitParam = USUAL_PAGE) -> dict[str, Any]:
    """The rule packs that claims are judged by. Public."""
    return packs.list_packs(service.context, cursor=cursor, limit=limit)


@router.get(
    "/v1/rule-packs/{id}",
    response_model=shapes.RulePackDetail,
    responses=answers(shapes.RULE_PACK_DETAIL, NotFound("There is no such rule pack: see /v1/rule-packs.")),
)
def get_rule_pack(service: BackendDep, id: PackName) -> dict[str, Any]:
    """A rule pack with its rules, and the file that its digest is of. Public."""
    return packs.get_pack(service.context, id)


@router.get(
    "/v1/risk",
    response_model=shapes.Risk,
    responses=answers(
        shapes.RISK,
        LOGIN,
        _NONE,
        TooLarge("There are more records behind this than one bundle holds.", limit=5000),
        busy(),
    ),
)
async def get_risk(service: BackendDep, judges: JudgesDep, reader: MemberDep, subject: SubjectParam) -> dict[str, Any]:
    """The risk of a lot, site or participant in UNICRI's five areas, with the findings behind each level."""
    return await judges.run(claims.assess, service.context, reader, subject)
