"""What an operation is given: the service, the reader, and parameters that were looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from fastapi import Depends, Path, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator

from service.api.auth import parse_bearer
from service.config import Limits
from service.errors import BadRequest, NotAuthenticated
from service.metrics import Metrics
from service.usecases.access import authenticate
from service.usecases.context import Context
from service.usecases.policy import ANYBODY, Reader
from service.usecases.submit import Item, Sequenced

MAX_PAGE = Limits().page_items
MAX_DEPTH = Limits().graph_depth
USUAL_PAGE = 50


class Queue(Protocol):
    """The sequencer's queue, as the HTTP layer sees it."""

    def __call__(self, items: Sequence[Item], *, atomic: bool = False, proofs: bool = False) -> Future[Sequenced]:
        """proofs: receipts of new records are wanted with the answer.

        Raises Unavailable when it is full or not running, TooLarge.
        """
        ...


@dataclass(slots=True)
class Backend:
    """What the HTTP layer knows of the server that it is the face of.

    check: the stateless checks, one item per text; sequence: queues items, at once and in the order
    of the calls; trouble: why records are not taken right now, "" when they are; role: `single`,
    `leader` or `follower`; witnesses: names for `/.well-known/lodeline`.
    """

    context: Context
    metrics: Metrics
    check: Callable[[Sequence[bytes]], Awaitable[list[Item]]]
    sequence: Queue
    trouble: Callable[[], str]
    role: Callable[[], str] = lambda: "single"
    witnesses: tuple[str, ...] = ()
    closing: bool = field(default=False)


def get_backend(request: Request) -> Backend:
    """The service that this application was made for."""
    service: Backend = request.app.state.service
    return service


_bearer = HTTPBearer(
    bearerFormat="JWT",
    scheme_name="participant",
    description="A JWT signed by an active key of the participant: header `alg`, `kid`, `typ: JWT`; claims "
    "`iss` = `sub` = participant id, `aud` = origin of the log, `iat`, `exp` (at most 300 s later), `jti` (used once).",
    auto_error=False,
)
BackendDep = Annotated[Backend, Depends(get_backend)]


def read_anybody(
    request: Request,
    service: BackendDep,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
) -> Reader:
    """Who asks: anybody without a token; with one, the participant that it proves."""
    header = request.headers.get("authorization")
    if header is None:
        return ANYBODY
    token = parse_bearer(header, origin=service.context.origin, now=service.context.now())
    return authenticate(service.context, token)


def read_member(reader: Annotated[Reader, Depends(read_anybody)]) -> Reader:
    """Who asks, when only participants may."""
    if not reader.is_member:
        raise NotAuthenticated("Log in: send a token signed by your own key.")
    return reader


def refuse_unknown(request: Request) -> None:
    """A query parameter that the operation does not know, or that comes twice, is an error: a filter
    that is misspelt must not show everything. Nor is there anything with U+0000 in its name: PostgreSQL
    has no text for it."""
    if "\0" in request.scope["path"]:
        raise BadRequest("No id holds the character U+0000.")
    known = _query_names(request.scope["route"].dependant)
    seen: set[str] = set()
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise BadRequest(f"There is no parameter `{name[:60]}` here.", pointer=f"/{name[:60]}", known=sorted(known))
        if name in seen and not known[name]:
            raise BadRequest(f"The parameter `{name}` stands twice.", pointer=f"/{name}")
        if "\0" in value:
            raise BadRequest(f"`{name}` must not hold the character U+0000.", pointer=f"/{name}")
        seen.add(name)


def _query_names(dependant: Any) -> dict[str, bool]:
    """Name -> whether it may be repeated, for the parameters of an operation and what it depends on."""
    names = {one.alias: _is_list(one) for one in dependant.query_params}
    for below in dependant.dependencies:
        names |= _query_names(below)
    return names


def _is_list(field_of_query: Any) -> bool:
    return "list" in str(field_of_query.field_info.annotation)


def _decode(segment: str) -> str:
    return segment.replace("%2F", "/").replace("%2f", "/")


AnybodyDep = Annotated[Reader, Depends(read_anybody)]
MemberDep = Annotated[Reader, Depends(read_member)]
CursorParam = Annotated[
    str | None, Query(max_length=400, description="`next` of the page before; leave it out for the first page.")
]
LimitParam = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most items of the page.")]
SubjectId = Annotated[
    str,
    Path(min_length=1, max_length=600, description="Id, percent-encoded (a slash as %2F)."),
    AfterValidator(_decode),
]
RecordId = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the compact JWS in lowercase hex.")]
