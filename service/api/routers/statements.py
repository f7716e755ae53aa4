"""Evidence: /v1/attestations and /v1/incidents."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from service.api import examples, schemas
from service.api.answers import LOGIN, answers, page
from service.api.deps import USUAL_PAGE, AnybodyDep, BackendDep, CursorParam, LimitParam
from service.errors import NotFound
from service.usecases.statements import list_evidence

router = APIRouter(tags=["evidence"])

SubjectParam = Annotated[str | None, Query(max_length=200, description="Id of the lot, site or participant.")]
IssuerParam = Annotated[str | None, Query(max_length=200, description="Participant id.")]
KindParam = Annotated[str | None, Query(max_length=60, description="Kind of attestation, category of incident.")]
_NONE = NotFound("There is no such subject, or you may not see it.")


@router.get(
    "/v1/attestations",
    response_model=schemas.Page[schemas.Record],
    responses=answers(page(examples.STATEMENT), _NONE, LOGIN),
)
def list_attestations(
    service: BackendDep,
    reader: AnybodyDep,
    subject: SubjectParam = None,
    kind: KindParam = None,
    issuer: IssuerParam = None,
    cursor: CursorParam = None,
    limit: LimitParam = USUAL_PAGE,
) -> dict[str, Any]:
    """Attestations that the reader may read, in log order; a page may hold fewer than `limit` and have a next one."""
    return list_evidence(
        service.context, reader, "attest", subject=subject, kind=kind, issuer=issuer, cursor=cursor, limit=limit
    )


@router.get(
    "/v1/incidents",
    response_model=schemas.Page[schemas.Record],
    responses=answers(page(examples.STATEMENT), _NONE, LOGIN),
)
def list_incidents(
    service: BackendDep,
    reader: AnybodyDep,
    subject: SubjectParam = None,
    status: Annotated[Literal["open", "mitigating", "closed"] | None, Query()] = None,
    category: KindParam = None,
    issuer: IssuerParam = None,
    cursor: CursorParam = None,
    limit: LimitParam = USUAL_PAGE,
) -> dict[str, Any]:
    """Incidents in log order, each as it was recorded: a follow-up is a record of its own."""
    return list_evidence(
        service.context,
        reader,
        "incident",
        subject=subject,
        kind=category,
        status=status,
        issuer=issuer,
        cursor=cursor,
        limit=limit,
    )
