"""CSV lists: what each holds, and that a column, a cell or a date that does not fit is refused by row and column."""

from __future__ import annotations

import pytest

from ledger.errors import SnapshotError, TooLarge
from ledger.rules.reference import csvtext, rows
from ledger.rules.reference.tables import TABLES
from tests.ledger.rules.reference.files import bent, load, read


def test_acts_registers_and_statuses() -> None:
    assert load("icglr_sites").rows == (
        rows.RegisteredSite(
            "CD-SITE-0001", "PR/1234", "Pit of the Tests, North", "CD", "CD-NK", "Masisi", (287000000, -15000000),
            ("coltan", "cassiterite"), "active", "Example Cooperative", "PE 0001", "Register 2026-10", "2026-10-01",
        ),
        rows.RegisteredSite(
            "CD-SITE-0002", "", "Pit without a place", "CD", "", "", None, ("gold",), "", "", "", "Register 2026-10",
            "2026-10-01",
        ),
    )  # fmt: skip
    first, retroactive, suspended = load("orders").rows
    assert first == rows.Order(
        "Order of 12 February 2025", "red_zone", "CD", "CD-NK", "Masisi", ("CD-SITE-0001", "CD-SITE-0002"), (), (),
        "2025-02-12", "2025-08-11", "2025-02-12",
    )  # fmt: skip
    assert (suspended.minerals, suspended.methods, suspended.end) == (("copper", "cobalt"), ("artisanal",), "")
    assert (retroactive.start, retroactive.published) == ("2025-08-12", "2025-11-05")
    green, red = load("site_statuses").rows
    assert green == rows.SiteStatus(
        "CD-SITE-0001", "green", "2025-01-15", "2025-11-30", "2025-01-10", "Mines division", "Decision 1", "2025-01-15"
    )
    assert (red.status, red.start, red.published) == ("red", "2025-08-12", "2025-11-05")


def test_amounts_are_exact_integers() -> None:
    country, plant = load("quotas").rows
    assert (country.actor, country.mass) == ("", 18_125_000 * 10**6)
    assert (plant.actor, plant.mass) == ("did:web:plant.example", 1_250_000_500_000)
    assert [one.rate for one in load("royalties").rows] == [10_000_000, 3_500_000]
    assert load("prices").rows == (rows.Price("Ta2O5", "2026-09", 155_250_000, "Invented bulletin", "2026-10-02"),)
    produced, exported = load("national_flows").rows
    assert (produced.period, produced.mass, produced.basis) == ("2025", 412_000 * 10**6, "contained")
    assert (exported.flow, exported.period, exported.mass) == ("export", "2025-12", 60_000_250_000)
    (mirror,) = load("mirror_imports").rows
    assert (mirror.origin, mirror.reporter, mirror.hs) == ("RW", "CN", "261590")


def test_parties_countries_and_events() -> None:
    listed, removed = load("uflpa_entities").rows
    assert listed == rows.ListedParty(
        "FR-2026-00001-1", "entity",
        (rows.Alias("Specimen Aluminium Co. Ltd.", True), rows.Alias("Ceshi Lü", True), rows.Alias("测试铝业", True)),
        programmes=("UFLPA", "Aluminium"), listed_on="2023-06-12", countries=("CN",),
    )  # fmt: skip
    assert (removed.delisted_on, removed.programmes) == ("2025-01-15", ("UFLPA",))
    assert load("conflict_events").rows == (
        rows.ConflictEvent("2026-10-03", "Battles", ("Invented Front",), "CD", "Nord-Kivu", (287000000, -15000000), 3),
    )
    assert [load(name).rows[0].status for name in ("minamata", "eiti", "kimberley")] == [
        "action_plan", "implementing", "participant",
    ]  # fmt: skip
    assert load("transit_countries").rows[0].minerals == ("coltan", "gold")
    assert load("lbma_gdl").rows[0].reviewed_on == "2026-04-01"
    assert load("expert_claims").rows[0].category == "armed_group_control"
    assert [one.participant for one in load("scheme_coverage").rows] == ["", "did:web:exporter.example"]


@pytest.mark.parametrize("dataset", TABLES)
def test_every_column_is_needed_and_no_other_is_taken(dataset: str) -> None:
    header, _, body = read(dataset).decode().partition("\n")
    for column in (one.name for one in TABLES[dataset].columns):
        with pytest.raises(SnapshotError) as caught:
            load(dataset, f"{header.replace(column, 'x' + column[1:], 1)}\n{body}".encode())
        assert caught.value.values["row"] == 1
    more = "\n".join(f"{line},x" for line in f"{header}\n{body}".splitlines()).encode()
    if TABLES[dataset].foreign:
        assert load(dataset, more).rows == load(dataset).rows
    else:
        with pytest.raises(SnapshotError, match="There is no column `x` in this format"):
            load(dataset, more)


@pytest.mark.parametrize("dataset", TABLES)
def test_order_of_columns_mark_line_ends_and_empty_lines_do_not_matter(dataset: str) -> None:
    text = read(dataset).decode()
    assert load(dataset, b"\xef\xbb\xbf" + text.replace("\n", "\r\n\r\n").encode()).rows == load(dataset).rows


@pytest.mark.parametrize(
    ("dataset", "old", "new", "row", "column"),
    [
        ("quotas", "2025-10-16", "2025-02-30", 2, "start"),
        ("quotas", "2025-10-16", "16/10/2025", 2, "start"),
        ("quotas", "2025-10-16", "10/16/2025", 2, "start"),
        ("quotas", "2025-10-16", "2025-10-16T00:00:00Z", 2, "start"),
        ("quotas", "2025-10-16", "", 2, "start"),
        ("quotas", "2025-12-31", "2025-10-15", 2, "end"),
        ("quotas", "18125000", "18,125,000", 2, None),
        ("quotas", "18125000", "18125000.1234567", 2, "mass"),
        ("quotas", "18125000", "-1", 2, "mass"),
        ("quotas", "18125000", "1e9", 2, "mass"),
        ("quotas", "1250000.5", "", 3, "mass"),
        ("quotas", ",Co,", ",cobalt,", 2, "analyte"),
        ("quotas", ",CD,", ",Congo,", 2, "country"),
        ("royalties", ",10,", ",101,", 2, "rate"),
        ("prices", "2026-09,", "2026-13,", 2, "month"),
        ("prices", "155.25", "1.0000001", 2, "price"),
        ("national_flows", ",2025,", ",25,", 2, "period"),
        ("national_flows", "contained", "net", 2, "basis"),
        ("mirror_imports", "261590", "26", 2, "hs"),
        ("site_statuses", ",green,", ",1,", 2, "status"),
        ("site_statuses", ",green,", ",Green,", 2, "status"),
        ("orders", "CD-SITE-0001; CD-SITE-0002", "CD-SITE-0001;;", 2, "sites"),
        ("orders", ",artisanal,", ",by hand,", 4, "methods"),
        ("orders", ",red_zone,", ",redzone,", 2, "kind"),
        ("orders", "CD-NK", "CD-NORD", 2, "subdivision"),
        ("icglr_sites", "28.7,", "287,", 2, "longitude"),
        ("icglr_sites", "28.7,", "28.70000001,", 2, "longitude"),
        ("icglr_sites", ",-1.5,", ",-90.1,", 2, "latitude"),
        ("icglr_sites", ",28.7,", ",,", 2, "longitude"),
        ("icglr_sites", ",-1.5,", ",,", 2, "longitude"),
        ("conflict_events", ",3,", ",-3,", 2, "fatalities"),
        ("uflpa_entities", "FR-2026-00001-1", "", 2, "reference"),
        ("uflpa_entities", "Specimen Aluminium", "Specimen\x07Aluminium", 2, "name"),
    ],
)  # fmt: skip
def test_cell_that_does_not_fit(dataset: str, old: str, new: str, row: int, column: str | None) -> None:
    with pytest.raises(SnapshotError) as caught:
        load(dataset, bent(dataset, old, new))
    assert (caught.value.values["row"], caught.value.values.get("column")) == (row, column)
    assert f"Row {row}" in caught.value.message


@pytest.mark.parametrize(
    ("text", "longitude", "latitude"),
    [
        ("180", 1800000000, None), ("-180.0000000", -1800000000, None), ("179.9999999", 1799999999, None),
        ("180.0000001", None, None), ("90", 900000000, 900000000), ("-89.9", -899000000, -899000000),
        ("90.0000001", 900000001, None), ("-0", 0, 0), ("01", None, None), ("+1", None, None), ("1.", None, None),
        ("", None, None), ("١", None, None),
    ],
)  # fmt: skip
def test_degrees_are_spelled_one_way(text: str, longitude: int | None, latitude: int | None) -> None:
    for spelling, value in ((csvtext.LONGITUDE, longitude), (csvtext.LATITUDE, latitude)):
        if value is None:
            with pytest.raises(SnapshotError):
                spelling.read(text)
        else:
            assert spelling.read(text) == value


def test_header_with_a_column_twice() -> None:
    header, _, body = read("eiti").decode().partition("\n")
    with pytest.raises(SnapshotError, match="`act` stands twice"):
        load("eiti", f"{header},act\n{body}".encode())


def test_quotes_that_do_not_close_and_fields_without_end() -> None:
    with pytest.raises(SnapshotError, match="not whole CSV"):
        load("eiti", read("eiti") + b'CD,implementing,2020-01-01,,"Invented')
    with pytest.raises(SnapshotError, match="not whole CSV"):
        load("eiti", bent("eiti", "Invented", "x" * 200_000))
    with pytest.raises(TooLarge, match="row 2, column `act`"):
        load("eiti", bent("eiti", "Invented", "x" * 70_000))


def test_limits_of_tables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooLarge, match="columns; at most 256"):
        load("eiti", b"a," * 300 + b"\n")
    monkeypatch.setattr(csvtext, "MAX_ROWS", 1)
    assert len(load("eiti").rows) == 1
    with pytest.raises(TooLarge, match="rows; at most 1"):
        load("quotas")
