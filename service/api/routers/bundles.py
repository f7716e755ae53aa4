"""GET /v1/sites/{id}/bundle and /v1/participants/{id}/bundle; that of a lot stands with the lots."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from ledger.errors import TooLarge
from service.api import examples
from service.api.answers import LOGIN, Answers, raw
from service.api.deps import AnybodyDep, BackendDep, RecordId, SubjectId
from service.api.judging import JudgesDep, busy
from service.api.routers.lots import BUNDLE_MEDIA, MAX_HIDDEN, download_bundle
from service.errors import Forbidden, NotFound

router = APIRouter(tags=["register"])

HashOnly = Annotated[
    list[RecordId] | None, Query(max_length=MAX_HIDDEN, description="Records to show by their hash only.")
]
Verdicts = Annotated[list[RecordId] | None, Query(max_length=50, description="Verdicts on it to put in, by id.")]
_OTHERS: Final = Forbidden("Only the participant itself, auditors and authorities may fetch this bundle.")


def _answers(kind: str, subject: str) -> Answers:
    return raw(
        BUNDLE_MEDIA,
        examples.BUNDLE | {"subject": subject},  # type: ignore[arg-type]  # this one is JSON
        NotFound(f"There is no such {kind}: check the id."),
        _OTHERS,
        LOGIN,
        TooLarge("There are more records behind this than one bundle holds.", limit=5000, actual=5001),
        busy(),
        about="A lodeline-bundle/1, verifiable offline.",
        schema={"type": "object"},
    )


@router.get("/v1/sites/{id}/bundle", response_class=Response, responses=_answers("site", examples.SITE["id"]))
async def get_site_bundle(
    service: BackendDep,
    judges: JudgesDep,
    reader: AnybodyDep,
    id: SubjectId,
    hash_only: HashOnly = None,
    verdict: Verdicts = None,
) -> Response:
    """Everything about a site, the lots extracted or made there in its newest twelve months and all upstream of them.

    For the site's operator, auditors, authorities and the registrar; anybody when the log's entries are public.
    """
    return await download_bundle(service, judges, reader, id, "site", hash_only, verdict)


@router.get(
    "/v1/participants/{id}/bundle",
    response_class=Response,
    responses=_answers("participant", examples.PARTICIPANT["id"]),
)
async def get_participant_bundle(
    service: BackendDep,
    judges: JudgesDep,
    reader: AnybodyDep,
    id: SubjectId,
    hash_only: HashOnly = None,
    verdict: Verdicts = None,
) -> Response:
    """Everything about a participant, the lots that came to it in its newest twelve months and all upstream of them.

    For the participant itself, auditors, authorities and the registrar; anybody when the log's entries are public.
    """
    return await download_bundle(service, judges, reader, id, "participant", hash_only, verdict)
