"""Evidence: attestations and incidents, as far as the reader may read them."""

from __future__ import annotations

from typing import Any, Literal

from service.errors import NotFound
from service.storage.read_records import EntryFound, StatementFilter, list_statements
from service.storage.read_subjects import find_subject
from service.usecases.access import View, open_view
from service.usecases.contents import Sight
from service.usecases.context import Context
from service.usecases.paging import cut_page, parse_number
from service.usecases.policy import Reader


def list_evidence(
    context: Context,
    reader: Reader,
    kind_of_record: Literal["attest", "incident"],
    *,
    subject: str | None = None,
    issuer: str | None = None,
    kind: str | None = None,
    status: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> dict[str, Any]:
    """A page of statements in log order. What the reader may not read is passed over: a page may
    hold fewer than `limit` items and still have a next one. Raises NotFound for a lot not seen."""
    after = parse_number(cursor)
    with context.store.reading() as conn:
        view = open_view(conn, context, reader)
        view.require_somebody()
        about = None if subject is None else _subject_number(view, subject)
        by = None
        if issuer is not None:
            found = find_subject(conn, issuer)
            by = found.num if found else -1
        chosen = StatementFilter(kind_of_record, kind, status, by, about)
        rows: list[EntryFound] = list_statements(conn, chosen, after=after, limit=limit + 1)
        page, following = cut_page(rows, limit, lambda row: row.seq)
        sight = Sight(view, page)
        return {"items": [sight.present(row.seq) for row in page if sight.may_read(row.seq)], "next": following}


def _subject_number(view: View, subject: str) -> int:
    found = find_subject(view.conn, subject)
    if found is None:
        raise NotFound("There is no such subject, or you may not see it.")
    if found.kind == "lot":
        view.require_lot(subject)
    return found.num
