"""No list walks through a table: every statement behind every list finds its rows by an index, on both engines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from sqlalchemy import event, text

from service.storage.engine import Store
from service.storage.read_subjects import LotFilter, LotPage, find_subjects, list_lots
from service.storage.tables import METADATA
from service.usecases.lots import list_readable
from service.usecases.policy import Reader
from tests.service.api.harness import Desk, run_chain, serving, settle_in
from tests.support.world import AUDITOR, MINE, MINER, SMELTER, TRADER

pytestmark = pytest.mark.usefixtures("engine")

LISTS: Final = {
    "/v1/lots": (
        {},
        {"status": "held"},
        {"mineral": "coltan"},
        {"custodian": TRADER},
        {"status": "held", "custodian": MINER},
    ),
    "/v1/lots/lot:5/history": ({},),
    "/v1/lots/lot:5/provenance": ({"direction": "up"}, {"direction": "down"}),
    "/v1/attestations": (
        {},
        {"kind": "audit"},
        {"issuer": AUDITOR},
        {"subject": MINE},
        {"issuer": AUDITOR, "kind": "audit"},
    ),
    "/v1/incidents": ({}, {"status": "open"}, {"subject": MINE}),
    "/v1/participants": ({}, {"status": "active"}, {"country": "CD"}),
    "/v1/sites": ({}, {"operator": MINER}, {"country": "CD"}),
    "/v1/grants": ({}, {"lot": "lot:5"}),
    "/v1/verdicts": ({}, {"subject": "lot:5"}),
    "/v1/anchors": ({}, {"sink": "file"}, {"state": "final"}),
}
"""Every list, and what it can be narrowed to."""

NOT_STORED: Final = frozenset({"/v1/rule-packs"})

INDEXES: Final = {
    ("/v1/attestations", "issuer"): ("statements_issuer",),
    ("/v1/incidents", ""): ("statements_type",),
    ("/v1/grants", ""): ("grants_issuer", "grants_grantee"),
    ("/v1/verdicts", "subject"): ("verdicts_subject",),
    ("/v1/verdicts", ""): ("verdicts_created",),
}
"""By which indexes an auditor's lists are found (a participant's, of grants), where several would do."""

SMALL: Final = frozenset({"head", "meta", "anchor_sinks", "lease", "alembic_version"})
"""Tables of a few rows whatever the log's size."""


@pytest.fixture(scope="module")
def desk(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with serving(tmp_path_factory.mktemp("plans"), graph_seconds=0.0) as desk:
        settle_in(desk)
        run_chain(desk)
        yield desk


@contextmanager
def recorded(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """The SELECTs that reads run meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def walks(store: Store, statement: str, parameters: Any) -> list[str]:
    """The parts of a plan that go through a whole table."""
    with store.engine.connect() as conn:
        if store.sqlite:
            plan = [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            return [line for line in plan if is_walk(line, statement)]
        for way in ("seqscan", "hashjoin", "mergejoin"):  # tables are short here: is there another way at all?
            conn.execute(text(f"SET LOCAL enable_{way} = off"))
        (row,) = conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).one()
        told = row if isinstance(row, list) else json.loads(row)
        return list(seq_scans(told[0]["Plan"]))


def is_walk(line: str, statement: str) -> bool:
    """SQLite says SCAN for a table read from end to end; also for what a subquery has made, which has no such name."""
    found = re.match(r"SCAN (\w+)", line)
    if found is None or found[1] in SMALL:
        return False
    name = found[1]
    aliases = dict(re.findall(r"(?:FROM|JOIN) (\w+) (?:AS )?(\w+)", statement))
    tables = {alias: table for table, alias in aliases.items()} | {table: table for table in TABLES}
    return tables.get(name, "") in TABLES


TABLES: Final = frozenset({one.name for one in METADATA.tables.values()}) - SMALL


def seq_scans(node: dict[str, Any]) -> Iterator[str]:
    """Of a PostgreSQL plan: scans of tables without an index, or of a whole index."""
    table = node.get("Relation Name", "")
    if table and table not in SMALL:
        whole = node["Node Type"] == "Seq Scan"
        whole |= node["Node Type"] in ("Index Scan", "Index Only Scan") and "Index Cond" not in node
        if whole:
            yield f"{node['Node Type']} {table}"
    for inner in node.get("Plans", ()):
        yield from seq_scans(inner)


@pytest.mark.parametrize("reader", [AUDITOR, SMELTER])
@pytest.mark.parametrize("path", sorted(LISTS))
def test_lists_find_their_rows_by_an_index(desk: Desk, path: str, reader: str) -> None:
    store = desk.service.store
    for narrowed in LISTS[path]:
        with recorded(store) as seen:
            answer = desk.get(path, reader, **narrowed)
        assert answer.status_code == 200, answer.text
        assert seen
        for statement, parameters in seen:
            assert walks(store, statement, parameters) == [], (narrowed, statement)


def test_a_walk_would_be_seen(desk: Desk) -> None:
    store = desk.service.store
    mark = "?" if store.sqlite else "%s"
    statement = f"SELECT s.num FROM subjects s WHERE s.mineral = {mark} ORDER BY s.num"
    assert walks(store, statement, ("coltan",))
    assert walks(store, f"SELECT s.num FROM subjects s WHERE s.num > {mark} ORDER BY s.num", (3,)) == []
    joined = f"SELECT e.seq FROM subjects s JOIN entries e ON e.seq = s.seq WHERE s.status = {mark}"
    assert walks(store, joined, ("held",))


def test_every_list_of_the_description_is_here(desk: Desk) -> None:
    described = desk.client.get("/openapi.json").json()["paths"]
    paged = {
        path
        for path, operations in described.items()
        if "cursor" in {one["name"] for one in operations.get("get", {}).get("parameters", ())}
    }
    assert {re.sub(r"lot:5", "{id}", path) for path in LISTS} >= paged - NOT_STORED


@pytest.mark.parametrize(("path", "member"), sorted(INDEXES))
def test_the_index_that_is_meant(desk: Desk, path: str, member: str) -> None:
    """A range of the primary key is no walk to a planner, but may be one in truth."""
    store = desk.service.store
    (narrowed,) = [one for one in LISTS[path] if list(one) == ([member] if member else [])]
    with recorded(store) as seen:
        assert desk.get(path, TRADER if path == "/v1/grants" else AUDITOR, **narrowed).status_code == 200
    told = ""
    with store.engine.connect() as conn:
        if not store.sqlite:
            conn.execute(text("SET LOCAL enable_seqscan = off"))
        for statement, parameters in seen:
            explain = "EXPLAIN QUERY PLAN" if store.sqlite else "EXPLAIN"
            told += str(conn.exec_driver_sql(f"{explain} {statement}", parameters).all())
    assert [index for index in INDEXES[path, member] if index not in told] == []


def pages(desk: Desk, reader: str, look: int, limit: int, **chosen: str) -> Iterator[list[str]]:
    """The ids on each page of a list of lots, looking at `look` lots at a time."""
    with desk.service.store.reading() as conn:
        number = find_subjects(conn, [reader])[reader].num
    roles = frozenset({"auditor"}) if reader == AUDITOR else frozenset({"trader"})
    assert number > 0
    cursor = None
    while True:
        page = list_readable(
            desk.service.context, Reader(reader, roles), cursor=cursor, limit=limit, look=look, **chosen
        )
        yield [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            return


@pytest.mark.parametrize("reader", [AUDITOR, TRADER])
def test_a_rare_choice_ends_a_page_early_and_leaves_nothing_out(desk: Desk, reader: str) -> None:
    wanted = [f"lot:{n}" for n in range(1, 6)]
    whole = [one for page in pages(desk, reader, 1000, 100) for one in page]
    assert set(whole) <= set(wanted)
    statuses = {one: desk.get(f"/v1/lots/{one}", reader).json()["status"] for one in whole}
    for status in {*statuses.values(), "lost"}:
        expected = [one for one in whole if statuses[one] == status]
        for look, limit in ((1000, 100), (1000, 1), (1, 2), (2, 1), (2, 100)):
            found = list(pages(desk, reader, look, limit, status=status))
            assert [one for page in found for one in page] == expected, (status, look, limit)
            assert all(len(page) <= limit for page in found)
    assert len(list(pages(desk, reader, 1000, 2))) == (len(whole) + 1) // 2


def test_how_far_was_looked(desk: Desk) -> None:
    with desk.service.store.reading() as conn:
        numbers = [one.num for one in list_lots(conn, LotFilter(), after=-1, limit=100, most=100).lots]
        none = LotFilter(status="lost")
        assert list_lots(conn, none, after=-1, limit=5, most=2) == LotPage([], numbers[1])
        assert list_lots(conn, none, after=numbers[-2], limit=5, most=2) == LotPage([], None)
        assert list_lots(conn, none, after=numbers[-1], limit=5, most=2) == LotPage([], None)
