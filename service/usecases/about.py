"""What the service says of itself, and whether it is fit to take records."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import orjson

from ledger.entry import parse_entry
from ledger.envelope import parse_record
from service.errors import Unavailable
from service.storage.engine import DatabaseError
from service.storage.head import read_head
from service.storage.read_subjects import find_subject
from service.storage.tree import select_entries
from service.usecases.context import Context


def describe_service(context: Context, witnesses: Sequence[str]) -> dict[str, Any]:
    """Origin, key, registrar and policy of the log. Raises Unavailable before it has its genesis."""
    with context.store.reading() as conn:
        log = find_subject(conn, context.origin)
        first = select_entries(conn, 0, 1)
    if log is None or not first:
        raise Unavailable("The log has not been started yet.", retry_after=5)
    state = orjson.loads(log.data)
    genesis = parse_record(parse_entry(first[0])[1]).body
    return {
        "origin": context.origin,
        "vkey": context.vkey,
        "name": genesis["name"],
        "registrar": genesis["registrar"]["id"],
        "entries": state["policy"]["entries"],
        "head": state["head"],
        "witnesses": list(witnesses),
        "version": version("lodeline"),
    }


def check_readiness(context: Context, trouble: str) -> tuple[dict[str, bool], str]:
    """Each check by name, and one sentence for the operator when one fails. trouble: the sequencer's."""
    database = clock = False
    detail = trouble
    try:
        with context.store.reading() as conn:
            head = read_head(conn)
    except DatabaseError:
        detail = detail or "The database cannot be read."
    else:
        database = head is not None
        clock = head is not None and context.clock() * 1000 >= head.logged
        if head is None:
            detail = detail or "The log has not been started yet."
        elif not clock:
            detail = detail or "The clock of the service is behind its log."
    return {"database": database, "sequencer": not trouble, "clock": clock}, detail
