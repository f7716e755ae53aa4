"""GET and DELETE below /v1/records; POST is `service.api.intake` and `service.api.batch`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import PlainTextResponse

from service.api import examples, schemas
from service.api.answers import LOGIN, answers, raw
from service.api.deps import AnybodyDep, BackendDep, MemberDep, RecordId
from service.errors import Forbidden, NotFound
from service.usecases import records, tiles

router = APIRouter(tags=["records"])

_NONE = NotFound("There is no such record, or you may not read it.")
_NOT_YOURS = Forbidden("Only the issuer of a record, or a registrar, may erase its disclosures.")
_ERASED = {"id": examples.RECORD_ID, "erased": 1}


@router.get("/v1/records/{id}", response_model=schemas.Record, responses=answers(examples.RECORD, _NONE, LOGIN))
def get_record(service: BackendDep, reader: AnybodyDep, id: RecordId) -> dict[str, Any]:
    """One record with its place in the log, and of what it conceals as much as the reader may see."""
    return records.get_record(service.context, reader, id)


@router.get(
    "/v1/records/{id}/receipt",
    response_class=PlainTextResponse,
    responses=raw("text/plain", examples.RECEIPT, NotFound("The log has no such record."), about="A C2SP tlog-proof."),
)
def get_receipt(
    service: BackendDep,
    id: RecordId,
    witnessed: Annotated[bool, Query(description="Against the newest checkpoint that witnesses cosigned.")] = False,
) -> PlainTextResponse:
    """A fresh receipt: inclusion proof and signed checkpoint. Public, because a proof betrays nothing."""
    return PlainTextResponse(tiles.get_receipt(service.context, id, witnessed=witnessed))


@router.delete(
    "/v1/records/{id}/disclosures",
    response_model=schemas.Erased,
    responses=answers(_ERASED, _NONE, _NOT_YOURS, LOGIN),
)
def erase_disclosures(service: BackendDep, reader: MemberDep, id: RecordId) -> dict[str, Any]:
    """Erase everything that this record conceals, for good. Signature, chain and proofs stand as before."""
    return records.erase(service.context, reader, id)


@router.delete(
    "/v1/records/{id}/disclosures/{digest}",
    response_model=schemas.Erased,
    responses=answers(_ERASED, _NONE, _NOT_YOURS, LOGIN),
)
def erase_disclosure(
    service: BackendDep,
    reader: MemberDep,
    id: RecordId,
    digest: Annotated[str, Path(pattern="^[A-Za-z0-9_-]{43}$", description="Digest of the disclosure, as in `_sd`.")],
) -> dict[str, Any]:
    """Erase one concealed member, with those concealed inside it, for good."""
    return records.erase(service.context, reader, id, digest)
