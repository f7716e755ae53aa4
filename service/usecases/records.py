"""Records by id: content, receipt, and the erasure of what came beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.entry import parse_entry
from ledger.envelope import digests_of, parse_record
from service.errors import BadRequest, Forbidden, NotFound
from service.storage.engine import Connection
from service.storage.read_records import EntryFound, erase_disclosures, find_records, read_disclosures
from service.storage.verdicts import forget_verdicts
from service.usecases import policy
from service.usecases.access import View, open_view
from service.usecases.contents import Sight, digests_inside
from service.usecases.context import Context
from service.usecases.policy import Reader

HEX_DIGITS = frozenset("0123456789abcdef")


def get_record(context: Context, reader: Reader, record_id: str) -> dict[str, Any]:
    """The record as this reader may see it. Raises BadRequest, NotFound."""
    check_record_id(record_id)
    with context.store.reading() as conn:
        found = _find(conn, record_id)
        sight = Sight(open_view(conn, context, reader), [found] if found else [])
        if found is None or not sight.may_read(found.seq):
            raise _not_found()
        return sight.present(found.seq)


def erase(context: Context, reader: Reader, record_id: str, digest: str | None = None) -> dict[str, Any]:
    """Erase one disclosure of a record, with those inside it, or all of them.

    Raises NotFound (no such record for this reader, no such disclosure) and Forbidden.
    """
    check_record_id(record_id)
    with context.store.reading() as conn:
        found = _find(conn, record_id)
        view = open_view(conn, context, reader)
        if found is None or not _may_erase(view, found):
            raise _not_found()
    record = parse_record(parse_entry(found.entry)[1])
    with context.store.writing() as conn:
        held = read_disclosures(conn, [found.seq]).get(found.seq, {})
        known = {*digests_of(record), *held}
        if digest is not None and digest not in known:
            raise NotFound("This record has no such disclosure.")
        erased = erase_disclosures(conn, found.seq, known if digest is None else _inside(digest, held))
        if erased:
            forget_verdicts(conn, record_id)
    if erased:
        context.store.scrub()
    return {"id": record_id, "erased": erased}


def _may_erase(view: View, found: EntryFound) -> bool:
    """Raises Forbidden for who may read the record but not erase anything of it."""
    issuer = parse_record(parse_entry(found.entry)[1]).iss
    if policy.may_erase(view.reader, issuer):
        return True
    if Sight(view, [found]).may_read(found.seq):
        raise Forbidden("Only the issuer of a record, or a registrar, may erase its disclosures.")
    return False


def _inside(digest: str, held: Mapping[str, str | None]) -> set[str]:
    """`digest` and the digests of all disclosures below it."""
    doomed: set[str] = set()
    frontier = [digest]
    while frontier:
        one = frontier.pop()
        doomed.add(one)
        text = held.get(one)
        if text is not None:
            frontier += [inner for inner in digests_inside(text) if inner in held and inner not in doomed]
    return doomed


def check_record_id(record_id: str) -> None:
    """Raises BadRequest unless this is 64 lowercase hex digits."""
    if len(record_id) != 64 or not HEX_DIGITS.issuperset(record_id):
        raise BadRequest("A record id is 64 lowercase hexadecimal digits.", pointer="/id")


def _find(conn: Connection, record_id: str) -> EntryFound | None:
    return find_records(conn, [record_id]).get(record_id)


def _not_found() -> NotFound:
    return NotFound("There is no such record, or you may not read it.")
