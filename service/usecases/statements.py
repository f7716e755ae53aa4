"""Evidence: attestations and incidents, as far as the reader may read them."""

from __future__ import annotations

from typing import Any, Literal

from service.errors import NotFound
from service.storage.read_records import StatementFilter, list_statements
from service.storage.read_subjects import find_subject
from service.usecases.access import View, open_view
from service.usecases.contents import Sight
from service.usecases.context import Context
from service.usecases.paging import cut_page, format_cursor, parse_number
from service.usecases.policy import Reader

STEP = 200
SCAN = 1000


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
    step: int = STEP,
    scan: int = SCAN,
) -> dict[str, Any]:
    """A page of statements in log order, filled up past those that the reader may not read.

    How many those are is nobody's business either: only after `scan` rows, read `step` at a time, does
    a page end early, with a next one. Raises NotAuthenticated, NotFound for a lot not seen.
    """
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
        items: list[tuple[int, dict[str, Any]]] = []
        for _ in range(scan // step):
            rows = list_statements(conn, chosen, after=after, limit=step)
            sight = Sight(view, rows)
            items += [(row.seq, sight.present(row.seq)) for row in rows if sight.may_read(row.seq)]
            if len(items) > limit or len(rows) < step:
                page, following = cut_page(items, limit, lambda item: item[0])
                return {"items": [item for _, item in page], "next": following}
            after = rows[-1].seq
    return {"items": [item for _, item in items], "next": format_cursor(after)}


def _subject_number(view: View, subject: str) -> int:
    found = find_subject(view.conn, subject)
    if found is None:
        raise NotFound("There is no such subject, or you may not see it.")
    if found.kind == "lot":
        view.require_lot(subject)
    return found.num
