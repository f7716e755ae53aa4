"""From a file to drafts, and from drafts to records: mapping, groups, duplicates, row-by-row outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clients.importers.fields import COLUMNS
from clients.importers.mapping import parse_mapping, read_mapping
from clients.importers.plan import ImportPlan, plan_import
from clients.importers.send import find_unknown, learn_lots, send_drafts
from clients.sdk.client import LodelineClient
from clients.sdk.errors import LocalError
from clients.sdk.queue import OfflineQueue
from ledger.errors import UnknownSubject
from tests.clients.events import dig, send
from tests.clients.fake import FakeService
from tests.support.world import DEPOT, MINE, MINER, TRADER

Connect = Callable[..., LodelineClient]

EXTRACTS = """batch,site,from,to,method,workers,lot,mineral,mass (kg),moisture %,Ta2O5 %,tag scheme,tag,team
B1,site:mine,2026-08-01,2026-08-31,artisanal,120,lot:1,coltan,40.000,2,28.5,itsci,T1;T2,North
B1,site:mine,2026-08-01,2026-08-31,artisanal,120,lot:2,coltan,40,2,28.5,itsci,T3,North
,site:mine,2026-08-01,2026-08-31,artisanal,120,lot:3,coltan,20,2,,,,
"""
DISPATCHES = """Waybill,Bag no,consignee,from,to,mode,time,expected,driver,seal,route,document,document no
W1,lot:1,did:web:trader.example,site:mine,site:depot,truck,2026-09-01T08:00Z,2026-09-02,D,S1;S2,CD Goma,waybill,W1
W1,lot:2,did:web:trader.example,site:mine,site:depot,truck,2026-09-01T08:00Z,2026-09-02,D,S1;S2,CD Goma,waybill,W1
"""
RECEIPTS = """lot,result,site,received,net weight,moisture,assay Ta2O5,remark
lot:1,accepted,site:depot,2026-09-03,39.9,2.1,28.4,fine
lot:2,refused,site:depot,2026-09-03,,,,seal broken
"""


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., ImportPlan]:
    def make(kind: str, text: str, **mapping: Any) -> ImportPlan:
        path = tmp_path / "list.csv"
        path.write_text(text, encoding="utf-8")
        return plan_import(path, parse_mapping(mapping, kind=kind))

    return make


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[OfflineQueue]:
    made = OfflineQueue(tmp_path / "queue.db")
    yield made
    made.close()


Plan = Callable[..., ImportPlan]


def codes(plan: ImportPlan) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.code) for fault in plan.faults]


def test_extracts_with_two_lots_in_one_batch(plan: Plan) -> None:
    made = plan("extracts", EXTRACTS)
    assert made.faults == []
    assert [draft.rows for draft in made.drafts] == [(2, 3), (4,)]
    first, last = made.drafts
    assert first.body["period"] == {"from": "2026-08-01T00:00:00Z", "to": "2026-08-31T23:59:59Z"}
    assert first.time == "2026-08-31T23:59:59Z"
    assert first.body["workers"] == 120
    assert first.body["team"] == "North"
    assert first.body["lots"][0] == {
        "id": "lot:1",
        "mineral": "coltan",
        "quantity": {"mass": "40.000", "moisture": "2", "assay": {"Ta2O5": "28.5"}},
        "tags": [{"scheme": "itsci", "number": "T1"}, {"scheme": "itsci", "number": "T2"}],
    }
    assert last.body["lots"][0]["quantity"]["assay"] == {}
    assert "tags" not in last.body["lots"][0]


def test_dispatches_and_receipts(plan: Plan) -> None:
    (draft,) = plan("dispatches", DISPATCHES).drafts
    assert draft.body["lots"] == ["lot:1", "lot:2"]
    assert draft.body["transport"] == {
        "mode": "truck",
        "driver": "D",
        "seals": ["S1", "S2"],
        "route": [{"country": "CD", "place": "Goma"}],
    }
    assert draft.body["documents"] == [{"kind": "waybill", "number": "W1"}]
    accepted, refused = plan("receipts", RECEIPTS, timezone="Africa/Kinshasa").drafts
    assert accepted.time == "2026-09-02T23:00:00Z"
    assert accepted.body["lots"] == [
        {"id": "lot:1", "quantity": {"mass": "39.9", "moisture": "2.1", "assay": {"Ta2O5": "28.4"}}}
    ]
    assert refused.body == {
        "outcome": "refused", "site": "site:depot", "lots": [{"id": "lot:2"}], "note": "seal broken",
    }  # fmt: skip


def bend(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("kind", "text", "old", "new", "fault"),
    [
        ("extracts", EXTRACTS, "40.000", '"40,000"', (2, "mass (kg)", "ambiguous-number")),
        ("extracts", EXTRACTS, "lot:2", "lot:1", (3, "lot", "duplicate-lot")),
        ("extracts", EXTRACTS, "T3", "T2", (3, "tag", "duplicate-tag")),
        ("extracts", EXTRACTS, "itsci,T3", ",T3", (2, "", "no-tag-scheme")),
        ("extracts", EXTRACTS, "lot:3,coltan,20", "lot:3,coltan,", (4, "mass (kg)", "empty-cell")),
        ("extracts", EXTRACTS, "lot:3,coltan,20,2", "lot:3,coltan,20,100", (4, "moisture %", "schema-error")),
        ("extracts", EXTRACTS, "lot:3,coltan,20", "lot:3,coltan,0", (4, "mass (kg)", "schema-error")),
        ("extracts", EXTRACTS, ",lot:3,coltan,20,2,", ",lot:3,coltan,20,2,101", (4, "Ta2O5 %", "schema-error")),
        ("extracts", EXTRACTS, ",lot:3,coltan,20,2,", ",lot:3,coltan,20,2,x", (4, "Ta2O5 %", "bad-number")),
        ("extracts", EXTRACTS, "B1,site:mine,2026-08-01,2026-08-31,artisanal,120,lot:2",
         "B1,site:mine,2026-08-01,2026-08-31,artisanal,99,lot:2", (3, "workers", "group-differs")),
        ("extracts", EXTRACTS, ",site:mine,2026-08-01,2026-08-31,artisanal,120,lot:3",
         ",site:mine,2026-08-31,2026-08-01,artisanal,120,lot:3", (4, "", "schema-error")),
        ("dispatches", DISPATCHES, "2026-09-02", "02/09/2026", (2, "expected", "ambiguous-date")),
        ("dispatches", DISPATCHES, "truck", "lorry", (2, "mode", "bad-choice")),
        ("receipts", RECEIPTS, "39.9", "", (2, "", "empty-cell")),
        ("receipts", RECEIPTS, "2026-09-03,,", "2026-09-03,5,", (3, "", "refused-quantity")),
        ("receipts", RECEIPTS, "fine", "=1+1", (2, "remark", "formula-injection")),
    ],
)  # fmt: skip
def test_each_bad_cell_is_named_and_its_record_held_back(
    plan: Plan, kind: str, text: str, old: str, new: str, fault: tuple[int, str, str]
) -> None:
    honest = len(plan(kind, text).drafts)
    made = plan(kind, bend(text, old, new))
    assert codes(made) == [fault]
    assert not made.fatal
    assert len(made.drafts) == honest - 1
    held = {row for draft in made.drafts for row in draft.rows}
    assert fault[0] not in held
    if fault[1]:
        assert made.faults[0].place.startswith(f"row {fault[0]}, column {fault[1]} (")


def test_a_document_number_without_kind(plan: Plan) -> None:
    made = plan(
        "dispatches", DISPATCHES.replace(",document,", ",Remarks,").replace(",waybill,", ",,"), ignore=["remarks"]
    )
    assert codes(made) == [(2, "", "no-document-kind")]


def test_a_bad_row_holds_its_whole_group_back(plan: Plan) -> None:
    """A truck of which one bag is unreadable is not signed as a truck with one bag less."""
    made = plan("extracts", bend(EXTRACTS, "lot:2,coltan,40", "lot:2,coltan,4o"))
    assert codes(made) == [(3, "mass (kg)", "bad-number")]
    assert [draft.rows for draft in made.drafts] == [(4,)]


def test_columns_that_are_missing_unknown_or_double(plan: Plan) -> None:
    made = plan("receipts", "lot,date,received,colour\nlot:1,2026-09-03,2026-09-03,red\n")
    assert codes(made) == [
        (1, "", "missing-column"),
        (1, "received", "duplicate-column"),
        (1, "colour", "unknown-column"),
    ]
    assert made.fatal
    assert made.drafts == []
    assert "site" in made.faults[0].message
    fine = plan("receipts", "lot,date,colour\nlot:1,2026-09-03,red\n", ignore=["Colour"], defaults={"site": DEPOT})
    assert codes(fine) == [(2, "", "empty-cell")]  # accepted, but not weighed


def test_a_mapping_names_columns_and_gives_defaults(plan: Plan) -> None:
    text = "Sac,Poids,Teneur,Humidité\nlot:1,40,28.5,2\n"
    mapping: dict[str, Any] = {
        "columns": {"lot": "Sac", "mass": "POIDS", "moisture": "Humidité"},
        "assay": {"Ta2O5": "Teneur"},
        "defaults": {
            "site": MINE, "from": "2026-08-01", "to": "2026-08-31", "method": "artisanal", "workers": "12",
            "mineral": "coltan",
        },
    }  # fmt: skip
    (draft,) = plan("extracts", text, **mapping).drafts
    assert draft.body["lots"][0]["quantity"] == {"mass": "40", "moisture": "2", "assay": {"Ta2O5": "28.5"}}
    mapping["columns"]["lot"] = "Bag"
    assert (1, "", "no-such-column") in codes(plan("extracts", text, **mapping))
    mapping["columns"]["lot"], mapping["defaults"]["workers"] = "Sac", "many"
    assert codes(plan("extracts", text, **mapping)) == [(2, "workers", "bad-number")]


@pytest.mark.parametrize(
    ("members", "hint"),
    [
        ({"colour": "red"}, "unknown member"),
        ({"header_row": "1"}, "type int"),
        ({"header_row": True}, "type int"),
        ({"header_row": 0}, "from 1 to 1000"),
        ({"delimiter": ";;"}, "one character"),
        ({"timezone": "Mars/Base"}, "unknown"),
        ({"columns": {"colour": "x"}}, "none of"),
        ({"columns": {"lot": 5}}, "text"),
        ({"kind": "sales"}, "one of"),
    ],
)
def test_mappings_that_are_wrong(members: dict[str, Any], hint: str) -> None:
    with pytest.raises(LocalError, match=hint):
        parse_mapping({"kind": "receipts", **members})


def test_an_assay_where_there_is_none() -> None:
    with pytest.raises(LocalError, match="nothing"):
        parse_mapping({"assay": {"Co": "Co"}}, kind="dispatches")


def test_a_mapping_for_another_kind_of_list() -> None:
    assert parse_mapping({"kind": "receipts"}, kind="receipts").kind == "receipts"
    with pytest.raises(LocalError, match="for receipts, not for extracts"):
        parse_mapping({"kind": "receipts"}, kind="extracts")


def test_mapping_files(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('kind = "receipts"\n[columns]\nlot = "Bag"\n')
    assert parse_mapping(read_mapping(path)).columns == {"lot": "Bag"}
    path.write_text("kind = ")
    with pytest.raises(LocalError, match="TOML"):
        read_mapping(path)


def test_a_group_that_is_too_large(plan: Plan) -> None:
    rows = "".join(f"B1,lot:{n},accepted,site:depot,2026-09-03,1\n" for n in range(1001))
    made = plan("receipts", "batch,lot,result,site,time,mass\n" + rows)
    assert codes(made) == [(2, "", "group-too-large")]


# ---- sending -------------------------------------------------------------------------------------------------------


def test_rows_become_records(service: FakeService, connect: Connect, plan: Plan, queue: OfflineQueue) -> None:
    miner = connect()
    outcomes = send_drafts(miner, queue, plan("extracts", EXTRACTS).drafts)
    assert [(one.rows, one.record.state) for one in outcomes] == [((2, 3), "accepted"), ((4,), "accepted")]
    drafts = plan("dispatches", DISPATCHES).drafts
    learn_lots(miner, queue, drafts)
    assert find_unknown(drafts, queue.head) == []
    (sent,) = send_drafts(miner, queue, drafts, reveal=["seals"])
    assert sent.to_json()["index"] == len(service.world.log) - 1
    assert sent.record.text.count("~") == 3  # driver and document number are concealed
    assert service.world.state.subjects["lot:1"].head == sent.record.id
    again = send_drafts(miner, queue, plan("extracts", EXTRACTS).drafts[1:])
    assert [(one.record.state, (one.record.problem or {})["code"]) for one in again] == [("refused", "id-taken")]


def test_lots_that_nobody_knows_stop_everything(
    service: FakeService, connect: Connect, plan: Plan, queue: OfflineQueue
) -> None:
    miner = connect()
    miner.submit(dig("lot:1"))
    drafts = plan("dispatches", DISPATCHES).drafts
    learn_lots(miner, queue, drafts)
    (fault,) = find_unknown(drafts, queue.head)
    assert (fault.row, fault.code) == (3, "unknown-lot")
    before = len(service.world.log)
    with pytest.raises(UnknownSubject) as caught:
        send_drafts(miner, queue, drafts)
    assert caught.value.values["rows"] == [2, 3]
    assert queue.records() == []
    assert len(service.world.log) == before


def test_an_import_without_a_network_builds_on_the_queue(
    service: FakeService, connect: Connect, plan: Plan, queue: OfflineQueue
) -> None:
    miner = connect()
    miner.check_log()
    asked = len(service.requests)
    drafts = [*plan("extracts", EXTRACTS).drafts, *plan("dispatches", DISPATCHES).drafts]
    outcomes = send_drafts(miner, queue, drafts, offline=True)
    assert [one.record.state for one in outcomes] == ["queued"] * 3
    assert len(service.requests) == asked
    assert queue.get(3).needs == (1,)
    with pytest.raises(UnknownSubject):
        queue.add(lambda find: miner.sign(send(TRADER, "lot:none"), find_head=find))
    assert MINER in queue.get(1).text or queue.get(1).text


def test_the_documentation_names_every_column() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "formats" / "lists.md").read_text()
    for kind, columns in COLUMNS.items():
        section = text.partition(f"## {kind}\n")[2].partition("\n## ")[0]
        rows = [line.split("|")[1:5] for line in section.splitlines() if line.startswith("| `")]
        assert [[cell.strip() for cell in row] for row in rows] == [
            [f"`{c.name}`", "yes" * c.required, "yes" * c.shared, ", ".join(c.aliases)] for c in columns
        ]
