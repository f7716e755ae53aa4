"""Verdicts that were given: who may have them, one by one or in lists."""

from __future__ import annotations

from typing import Any

from ledger.encoding import MAX_INT, format_time, parse_json
from ledger.rules.credential import sign_credential
from ledger.rules.documents import format_html, format_pdf
from service.errors import BadCursor, NotFound
from service.storage.engine import Connection
from service.storage.verdicts import VerdictFound, find_verdicts, list_verdicts
from service.usecases.context import Context
from service.usecases.paging import cut_page, parse_text
from service.usecases.policy import SEES_DISCLOSURES, Reader


def get_verdict(context: Context, reader: Reader, verdict_id: str) -> bytes:
    """The signed verdict with this id as canonical JSON. Raises NotFound unless the reader may have it."""
    with context.store.reading() as conn:
        return read_own(conn, reader, verdict_id).envelope.encode()


def format_verdict_as(context: Context, reader: Reader, verdict_id: str, form: str) -> tuple[bytes, str]:
    """The verdict in another form and its media type. form: html, pdf or credential. Raises NotFound."""
    with context.store.reading() as conn:
        found = read_own(conn, reader, verdict_id)
    verdict = parse_json(found.envelope.encode())["verdict"]
    if form == "credential":
        issuer = f"Verification service of {context.origin}"
        token = sign_credential(verdict, context.verifier.key, issuer=issuer, holder=found.claimant)
        return token.encode(), "application/vc+jwt"
    packs = context.verifier.packs.values()
    if form == "pdf":
        return format_pdf(verdict, packs, signed=True), "application/pdf"
    return format_html(verdict, packs, signed=True).encode(), "text/html; charset=utf-8"


def read_own(conn: Connection, reader: Reader, verdict_id: str) -> VerdictFound:
    """The verdict with this id, if the reader may have it. Raises NotFound."""
    for found in find_verdicts(conn, verdict_id):
        if _may_read(reader, found):
            return found
    raise NotFound("There is no such verdict, or it was given to somebody else.")


def _may_read(reader: Reader, found: VerdictFound) -> bool:
    return reader.is_member and (reader.participant == found.claimant or _sees_all(reader))


def _sees_all(reader: Reader) -> bool:
    return not reader.roles.isdisjoint(SEES_DISCLOSURES)


def list_own(context: Context, reader: Reader, *, subject: str, cursor: str | None, limit: int) -> dict[str, Any]:
    """A page of the verdicts that the reader may have, newest first."""
    created, after = _place(cursor)
    with context.store.reading() as conn:
        found = list_verdicts(
            conn,
            reader.participant,
            everybody=_sees_all(reader),
            subject=subject,
            created=created,
            after=after,
            limit=limit + 1,
        )
    page, following = cut_page(found, limit, lambda one: f"{one.created} {one.id}")
    items = [
        {"id": one.id, "subject": one.subject, "answer": one.answer, "created": format_time(one.created)}
        for one in page
    ]
    return {"items": items, "next": following}


def _place(cursor: str | None) -> tuple[int, str]:
    """After which verdict a page begins: seconds and id."""
    if cursor is None:
        return MAX_INT, ""
    created, _, after = parse_text(cursor).partition(" ")
    if not (created.isdecimal() and created.isascii() and int(created) <= MAX_INT):
        raise BadCursor("Use a cursor as the service gave it out, or none to begin at the start.", pointer="/cursor")
    return int(created), after
