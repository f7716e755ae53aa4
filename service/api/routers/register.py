"""The public register: /v1/participants and /v1/sites."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from service.api import examples, schemas
from service.api.answers import answers, page
from service.api.deps import USUAL_PAGE, BackendDep, CursorParam, LimitParam, SubjectId
from service.errors import NotFound
from service.usecases import register

router = APIRouter(tags=["register"])

Country = Annotated[str | None, Query(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.")]
_DETAIL = examples.PARTICIPANT | {"enrolled_keys": examples.KEYS}


@router.get(
    "/v1/participants",
    response_model=schemas.Page[schemas.Participant],
    responses=answers(page(examples.PARTICIPANT)),
)
def list_participants(
    service: BackendDep,
    status: Annotated[Literal["active", "suspended", "closed"] | None, Query()] = None,
    country: Country = None,
    cursor: CursorParam = None,
    limit: LimitParam = USUAL_PAGE,
) -> dict[str, Any]:
    """Participants in the order of their enrolment. Public."""
    return register.list_participants(service.context, status=status, country=country, cursor=cursor, limit=limit)


@router.get(
    "/v1/participants/{id}",
    response_model=schemas.ParticipantDetail,
    responses=answers(_DETAIL, NotFound("There is no such participant: check the id.")),
)
def get_participant(service: BackendDep, id: SubjectId) -> dict[str, Any]:
    """One participant with every key that it ever had. Public."""
    return register.get_participant(service.context, id)


@router.get("/v1/sites", response_model=schemas.Page[schemas.Site], responses=answers(page(examples.SITE)))
def list_sites(
    service: BackendDep,
    status: Annotated[Literal["active", "inactive", "abandoned"] | None, Query()] = None,
    country: Country = None,
    operator: Annotated[str | None, Query(max_length=200, description="Participant id.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = USUAL_PAGE,
) -> dict[str, Any]:
    """Sites in the order of their registration. Public."""
    return register.list_sites(
        service.context, status=status, country=country, operator=operator, cursor=cursor, limit=limit
    )


@router.get(
    "/v1/sites/{id}",
    response_model=schemas.Site,
    responses=answers(examples.SITE, NotFound("There is no such site: check the id.")),
)
def get_site(service: BackendDep, id: SubjectId) -> dict[str, Any]:
    """One site. Public."""
    return register.get_site(service.context, id)
