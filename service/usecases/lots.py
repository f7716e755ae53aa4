"""Lots: lists, one, its history, and the graph above and below it."""

from __future__ import annotations

from typing import Any, Final

import orjson

from ledger.errors import TooLarge
from service.storage.engine import Connection
from service.storage.read_graph import Direction, EdgeFound, lots_of_party, read_edges
from service.storage.read_records import list_history
from service.storage.read_subjects import (
    LotFilter,
    LotPage,
    SubjectFound,
    find_subject,
    list_lots,
    list_lots_of,
    load_subjects,
)
from service.usecases.access import View, open_view
from service.usecases.anchors import describe_standing
from service.usecases.contents import Sight
from service.usecases.context import Context
from service.usecases.graph_following import current_view
from service.usecases.origins import describe_origins
from service.usecases.paging import cut_page, format_cursor, parse_number
from service.usecases.policy import Reader

LOOK: Final = 5_000
"""Lots that are looked at in one go for those that are asked for, and"""
ROUNDS: Final = 10
"""how often, before a page ends early."""


def list_readable(
    context: Context,
    reader: Reader,
    *,
    status: str | None = None,
    mineral: str | None = None,
    custodian: str | None = None,
    cursor: str | None = None,
    limit: int,
    look: int = LOOK,
) -> dict[str, Any]:
    """A page of lots, oldest first: all for who reads all, else the reader's own and those granted.

    Where few of many lots are chosen a page may hold fewer than `limit`, even none, and have a next one.

    Lots that a reader sees only because they lie upstream are reached through provenance.
    """
    after = parse_number(cursor)
    with context.store.reading() as conn:
        view = open_view(conn, context, reader)
        view.require_somebody()
        number = None
        if custodian is not None:
            found = find_subject(conn, custodian)
            if found is None or found.kind != "participant":
                return {"items": [], "next": None}
            number = found.num
        chosen = LotFilter(status, mineral, number)
        rows, looked = _look(view, chosen, after, limit + 1, look)
    page, following = cut_page(rows, limit, lambda row: row.num)
    if following is None and looked is not None:
        following = format_cursor(looked)
    return {"items": [present(row) for row in page], "next": following}


def _look(view: View, chosen: LotFilter, after: int, limit: int, look: int) -> LotPage:
    """At most `limit` lots, and how far was looked: only so far that a rare choice costs no more than a common one."""
    granted = [grant.number for grant in view.grants]
    found: list[SubjectFound] = []
    looked: int | None = after
    most = limit if chosen == LotFilter() else look
    for _ in range(ROUNDS):
        wanted = limit - len(found)
        if looked is None or not wanted:
            break
        if view.sees_all_lots:
            page = list_lots(view.conn, chosen, after=looked, limit=wanted, most=most)
        else:
            page = list_lots_of(
                view.conn, chosen, party=view.number, granted=granted, after=looked, limit=wanted, most=most
            )
        found += page.lots
        looked = page.looked
    return LotPage(found, looked)


def get_lot(context: Context, reader: Reader, lot: str) -> dict[str, Any]:
    """One lot as it stands, and how far its newest record is out of the operator's hands. Raises NotFound."""
    with context.store.reading() as conn:
        found = open_view(conn, context, reader).require_lot(lot)
        return {**present(found), "standing": describe_standing(conn, found.seq)}


def get_history(context: Context, reader: Reader, lot: str, *, cursor: str | None = None, limit: int) -> dict[str, Any]:
    """The records that moved a lot and the evidence about it, oldest first. Raises NotFound."""
    after = parse_number(cursor)
    with context.store.reading() as conn:
        view = open_view(conn, context, reader)
        found = view.require_lot(lot)
        page, following = cut_page(
            list_history(conn, found.num, after=after, limit=limit + 1), limit, lambda row: row.seq
        )
        sight = Sight(view, page)
        items = [{"moved": row.moved, **sight.present(row.seq)} for row in page if sight.may_read(row.seq)]
    return {"items": items, "next": following}


def get_provenance(
    context: Context, reader: Reader, lot: str, *, direction: Direction, depth: int, intervals: bool = False
) -> dict[str, Any]:
    """The lots above or below one, `depth` steps far, with the mass that went along each edge.

    complete: nothing was left out for depth or size; hidden: edges to lots that the reader may not
    see; origins: upwards, shares over all lots upstream however many steps are shown (None when they
    are more than the limit). Raises NotFound.
    """
    with context.store.reading() as conn:
        view = open_view(conn, context, reader)
        root = view.require_lot(lot)
        found = read_edges(conn, root.num, direction, limit=context.limits.graph_nodes + 1)
        complete = len(found) <= context.limits.graph_nodes
        edges = found[: context.limits.graph_nodes]
        hidden = 0
        if direction == "down" and not view.sees_all_lots:
            visible = _visible_below(view, root.num, edges)
            kept = [edge for edge in edges if edge.child in visible]
            hidden = sum(edge.parent in visible and edge.child not in visible for edge in edges)
            edges = kept
        distance, cut = _walk(root.num, edges, direction, depth)
        edges = [edge for edge in edges if edge.child in distance and edge.parent in distance]
        return _present_graph(conn, lot, direction, distance, edges) | {
            "complete": complete and not cut,
            "hidden": hidden,
            "origins": _origins(context, conn, root, intervals) if direction == "up" else None,
        }


def _origins(context: Context, conn: Connection, lot: SubjectFound, intervals: bool) -> dict[str, Any] | None:
    try:
        view = None if context.graph is None else current_view(conn, context.graph)
        return describe_origins(conn, lot, intervals=intervals, limit=context.limits.origin_lots, view=view)
    except TooLarge:
        return None


def _visible_below(view: View, root: int, edges: list[EdgeFound]) -> set[int]:
    """The lots below `root` that the reader may see: its own, those granted, and all above either."""
    nodes = {root, *(edge.child for edge in edges)}
    own = lots_of_party(view.conn, view.number, nodes) | ({grant.number for grant in view.grants} & nodes)
    parents: dict[int, list[int]] = {}
    for edge in edges:
        parents.setdefault(edge.child, []).append(edge.parent)
    visible = {root}
    stack = list(own)
    while stack:
        one = stack.pop()
        if one not in visible:
            visible.add(one)
            stack += parents.get(one, ())
    return visible


def _walk(root: int, edges: list[EdgeFound], direction: Direction, depth: int) -> tuple[dict[int, int], bool]:
    """Distance of every lot within `depth` steps of the root, and whether there were more beyond."""
    ahead: dict[int, list[int]] = {}
    for edge in edges:
        here, there = (edge.child, edge.parent) if direction == "up" else (edge.parent, edge.child)
        ahead.setdefault(here, []).append(there)
    distance = {root: 0}
    frontier = [root]
    for step in range(1, depth + 1):
        following = [there for here in frontier for there in ahead.get(here, ())]
        frontier = [there for there in dict.fromkeys(following) if there not in distance]
        distance.update(dict.fromkeys(frontier, step))
    cut = any(there not in distance for here in frontier for there in ahead.get(here, ()))
    return distance, cut


def _present_graph(
    conn: Connection, lot: str, direction: Direction, distance: dict[int, int], edges: list[EdgeFound]
) -> dict[str, Any]:
    found = load_subjects(conn, distance)
    nodes = [
        {**present(found[num]), "depth": distance[num]} for num in sorted(distance, key=lambda n: (distance[n], n))
    ]
    links = [
        {"child": found[edge.child].id, "parent": found[edge.parent].id, "mass": edge.mass, "index": edge.seq}
        for edge in sorted(edges)
    ]
    return {"lot": lot, "direction": direction, "nodes": nodes, "edges": links}


def present(found: SubjectFound) -> dict[str, Any]:
    """A subject as the API shows it: its state and the index of the entry that is its head."""
    return {**orjson.loads(found.data), "index": found.seq}
