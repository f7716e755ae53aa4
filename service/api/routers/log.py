"""The log for monitors, witnesses and auditors: C2SP paths below /log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from ledger.errors import TileError
from service.api import examples
from service.api.answers import LOGIN, raw
from service.api.deps import AnybodyDep, BackendDep
from service.api.reads import has_tag, make_tag
from service.errors import Forbidden, NotFound
from service.usecases import tiles
from service.usecases.tiles import Tile

router = APIRouter(tags=["log"])

_BINARY = {"type": "string", "format": "binary"}
_BRIEFLY = "public, max-age=1"
_NO_TILE = NotFound("The log has no such tile yet.")
_BAD_PATH = TileError("This path of a tile is not in its canonical spelling.")
_NOT_YOU = Forbidden("Entries of this log are for auditors, authorities and the registrar.")
TilePath = Annotated[str, Path(max_length=60, description="`<N>` in groups of three digits; `.p/<W>` if partial.")]


@router.get(
    "/log/checkpoint",
    response_class=Response,
    responses=raw("text/plain", examples.CHECKPOINT, about="A C2SP signed note."),
)
def get_checkpoint(request: Request, service: BackendDep) -> Response:
    """The newest signed checkpoint, with the cosignatures that it has by now."""
    return answer_bytes(request, tiles.get_checkpoint(service.context).encode(), "text/plain; charset=utf-8", _BRIEFLY)


@router.get(
    "/log/witnessed-checkpoint",
    response_class=Response,
    responses=raw(
        "text/plain",
        examples.CHECKPOINT,
        NotFound("No witness has cosigned a checkpoint of this log yet."),
        about="A C2SP signed note.",
    ),
)
def get_witnessed(request: Request, service: BackendDep) -> Response:
    """The newest checkpoint that witnesses have cosigned; the log itself may be further."""
    return answer_bytes(request, tiles.get_witnessed(service.context).encode(), "text/plain; charset=utf-8", _BRIEFLY)


@router.get(
    "/log/tile/entries/{n:path}",
    response_class=Response,
    responses=raw(
        "application/octet-stream", "", _BAD_PATH, _NO_TILE, LOGIN, _NOT_YOU, about="Entries.", schema=_BINARY
    ),
)
def get_entries(request: Request, service: BackendDep, reader: AnybodyDep, n: TilePath) -> Response:
    """An entry bundle: `u16be length || entry`, 256 in a full one. Public or for auditors, as the log's policy says."""
    return _answer_tile(request, tiles.get_entries(service.context, reader, f"tile/entries/{n}"))


@router.get(
    "/log/tile/{level}/{n:path}",
    response_class=Response,
    responses=raw("application/octet-stream", "", _BAD_PATH, _NO_TILE, about="Hashes.", schema=_BINARY),
)
def get_tile(
    request: Request, service: BackendDep, level: Annotated[str, Path(pattern="^[0-9]{1,2}$")], n: TilePath
) -> Response:
    """A hash tile: 32 bytes each, 256 in a full one."""
    return _answer_tile(request, tiles.get_tile(service.context, f"tile/{level}/{n}"))


def _answer_tile(request: Request, tile: Tile) -> Response:
    """A full tile never changes; a partial one does not either, but is superseded."""
    seconds = 31_536_000 if tile.full else 86_400
    cache = f"{'public' if tile.public else 'private'}, max-age={seconds}, immutable"
    return answer_bytes(request, tile.data, "application/octet-stream", cache, vary=not tile.public)


def answer_bytes(request: Request, data: bytes, media: str, cache: str, *, vary: bool = False) -> Response:
    """The bytes with an entity tag, or 304 when the client has them (RFC 9110 section 13.1.2)."""
    tag = make_tag(data)
    headers = {"etag": tag, "cache-control": cache} | ({"vary": "Authorization"} if vary else {})
    if has_tag(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media, headers=headers)
