"""The public register: participants with their keys, sites. Names and addresses may be disclosures of the records."""

from __future__ import annotations

from typing import Any

import orjson

from service.errors import NotFound
from service.storage.engine import Connection
from service.storage.read_access import keys_of
from service.storage.read_subjects import SubjectFound, find_subject, list_subjects
from service.usecases.context import Context
from service.usecases.lots import present
from service.usecases.paging import cut_page, parse_number


def list_participants(
    context: Context, *, status: str | None = None, country: str | None = None, cursor: str | None = None, limit: int
) -> dict[str, Any]:
    """A page of participants in the order of their enrolment."""
    with context.store.reading() as conn:
        return _page(conn, "participant", {"status": status, "country": country}, cursor, limit)


def list_sites(
    context: Context,
    *,
    status: str | None = None,
    country: str | None = None,
    operator: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> dict[str, Any]:
    """A page of sites in the order of their registration."""
    with context.store.reading() as conn:
        holder = None
        if operator is not None:
            found = find_subject(conn, operator)
            holder = found.num if found else -1
        return _page(conn, "site", {"status": status, "country": country, "holder": holder}, cursor, limit)


def get_participant(context: Context, participant: str) -> dict[str, Any]:
    """A participant and every key that it ever had. Raises NotFound."""
    with context.store.reading() as conn:
        found = _require(conn, participant, "participant")
        keys = [
            {
                "kid": key["kid"],
                "jwk": orjson.loads(key["jwk"]),
                "valid_from": key["valid_from"],
                "revoked": bool(key["revoked"]),
            }
            for key in keys_of(conn, found.num)
        ]
        return {**present(found), "enrolled_keys": keys}


def get_site(context: Context, site: str) -> dict[str, Any]:
    """A site. Raises NotFound."""
    with context.store.reading() as conn:
        return present(_require(conn, site, "site"))


def _require(conn: Connection, subject: str, kind: str) -> SubjectFound:
    found = find_subject(conn, subject)
    if found is None or found.kind != kind:
        raise NotFound(f"There is no such {kind}: check the id.")
    return found


def _page(
    conn: Connection, kind: str, filters: dict[str, str | int | None], cursor: str | None, limit: int
) -> dict[str, Any]:
    rows = list_subjects(conn, kind, after=parse_number(cursor), limit=limit + 1, filters=filters)
    page, following = cut_page(rows, limit, lambda row: row.num)
    return {"items": [present(row) for row in page], "next": following}
