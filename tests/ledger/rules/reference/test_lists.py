"""The EU's list of areas and the RMI's facilities."""

from __future__ import annotations

import pytest

from ledger.errors import SnapshotError, TooLarge
from ledger.rules.reference import gridtext
from ledger.rules.reference.cahra import find_areas
from ledger.rules.reference.countries import code_of_alpha3, country_code
from ledger.rules.reference.facilities import find_facilities
from ledger.rules.reference.rows import CahraArea, Facility
from tests.ledger.rules.reference.files import bent, load, read

ITURI = CahraArea("CD", "CD-IT", "Ituri", True, True)
KINSHASA = CahraArea("CD", "CD-KN", "Kinshasa", False, True)
BURUNDI = CahraArea("BI", "", "Burundi", False, True)
LIBYA = CahraArea("LY", "", "Libya", True, False)


def test_areas_by_subdivision_and_whole_countries() -> None:
    assert load("eu_cahra").rows == (BURUNDI, ITURI, KINSHASA, LIBYA)


def test_the_congo_is_listed_province_by_province() -> None:
    """Testing for whole countries only misses it; not being listed proves nothing about Rwanda."""
    areas = load("eu_cahra").rows
    assert find_areas(areas, "CD", "CD-IT") == (ITURI,)
    assert find_areas(areas, "CD", "CD-LU") == ()
    assert find_areas(areas, "CD", "") == (ITURI, KINSHASA)
    assert find_areas(areas, "BI", "BI-CI") == (BURUNDI,)
    assert find_areas(areas, "RW", "RW-01") == ()


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ('"COD"', '"CD"', "country_code"),
        ('"COD"', "null", "country_code"),
        ('"CD-IT"', '"RW-01"', "code"),
        ('"CD-IT"', '"Ituri"', "code"),
        ('"conflict_affected": true', '"conflict_affected": "yes"', "conflict_affected"),
        ('"high_risk": false', '"high_risk": 0', "high_risk"),
        ('"is_country_level": false', '"level": 2', "is_country_level"),
    ],
)
def test_area_that_is_malformed(old: str, new: str, column: str) -> None:
    with pytest.raises(SnapshotError) as caught:
        load("eu_cahra", bent("eu_cahra", old, new))
    assert caught.value.values == {"row": 1, "column": column}


@pytest.mark.parametrize("member", ["reports", "included_regions"])
def test_area_without_its_arrays(member: str) -> None:
    with pytest.raises(SnapshotError) as caught:
        load("eu_cahra", bent("eu_cahra", f'"{member}"', '"other"'))
    assert caught.value.pointer == f"/0/{member}"
    with pytest.raises(SnapshotError, match="Row 1 is not an object"):
        load("eu_cahra", b"[1]")


TIN = Facility("CID900001", "Sn", "Specimen Tin Works", "CN", "CHINA", "conformant", "2026-02-03", 3)
TANTALUM = Facility("CID900001", "Ta", "Specimen Tin Works", "", "Atlantis", "conformant")


def test_export_in_excel_xml() -> None:
    assert load("rmi_conformant").rows == (TIN, TANTALUM)
    active = load("rmi_active").rows
    assert [one.status for one in active] == ["active", "active"]
    assert find_facilities(active, "CID900001") == active
    assert find_facilities(active, "CID900009") == ()


def test_table_in_html() -> None:
    assert load("rmi_facilities").rows == (
        Facility("CID900002", "Co", "Specimen & Sons Cobalt", "FI", "Finland", "conformant"),
        Facility("CID900003", "Au", "Fixture Gold Refinery", "AE", "United Arab Emirates", "active"),
        Facility("CID900004", "Au", "Sham Refinery", "UG", "Uganda", "other"),
    )


def test_export_without_a_status_is_no_list_of_statuses() -> None:
    with pytest.raises(SnapshotError, match="load the exports as `rmi_conformant`"):
        load("rmi_facilities", read("rmi_conformant"))
    assert [one.status for one in load("rmi_conformant", read("rmi_facilities")).rows] == ["conformant"] * 3


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("CID900001", "CID90001", "cid"),
        ("CID900001", "900001", "cid"),
        (">Tin<", ">Unobtainium<", "metal"),
        (">Specimen Tin Works<", "><", "name"),
        ("2026-02-03T00", "2026-02-33T00", "audited_on"),
        (">Tantalum<", ">Tin<", "cid"),
        (">Smelter ID<", ">Id<", "cid"),
        (">Standard Smelter Name<", ">Who<", "name"),
    ],
)
def test_facility_that_is_malformed(old: str, new: str, column: str) -> None:
    with pytest.raises(SnapshotError) as caught:
        load("rmi_conformant", bent("rmi_conformant", old, new))
    assert caught.value.values["column"] == column


@pytest.mark.parametrize("index", ["0", "1", "x", "-4", "99999999999", "²"])
def test_cell_that_lies_about_its_column(index: str) -> None:
    with pytest.raises(SnapshotError, match="stands in column"):
        load("rmi_conformant", bent("rmi_conformant", 'ss:Index="6"', f'ss:Index="{index}"'))


def test_cell_far_to_the_right_takes_no_memory() -> None:
    with pytest.raises(TooLarge) as caught:
        load("rmi_conformant", bent("rmi_conformant", 'ss:Index="6"', 'ss:Index="99999999"'))
    assert caught.value.values == {"limit": 256, "actual": 99999999}


def test_table_that_was_cut_short_or_never_was_one() -> None:
    with pytest.raises(SnapshotError, match="was cut short"):
        load("rmi_facilities", bent("rmi_facilities", "</table>", ""))
    with pytest.raises(SnapshotError, match="no column for: cid, metal, name, country"):
        load("rmi_facilities", b"<table><tr><td>nothing</td></tr></table>")
    with pytest.raises(SnapshotError, match="neither an HTML table nor Excel XML"):
        load("rmi_facilities", b"Metal;Facility ID")
    with pytest.raises(SnapshotError, match="not UTF-8"):
        load("rmi_facilities", read("rmi_facilities") + b"\xff")


def test_limits_of_tables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = bent("rmi_facilities", "<td>Cobalt</td>", "<td>x</td>" * 300)
    with pytest.raises(TooLarge, match="columns; at most 256"):
        load("rmi_facilities", wide)
    monkeypatch.setattr(gridtext, "MAX_TEXT", 50)
    with pytest.raises(TooLarge, match="characters of one value; at most 50"):
        load("rmi_facilities", bent("rmi_facilities", "Finland", "F" * 51))
    for dataset in ("rmi_facilities", "rmi_conformant"):
        monkeypatch.setattr(gridtext, "MAX_ROWS", 2)
        with pytest.raises(TooLarge, match="rows; at most 2"):
            load(dataset)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Congo, Democratic Republic of the", "CD"), ("CONGO, DEMOCRATIC REPUBLIC OF", "CD"), ("Viet  Nam", "VN"),
        ("Türkiye", "TR"), ("Turkey", "TR"), ("Bolivia (Plurinational State of)", "BO"), ("RW", "RW"), ("RWA", "RW"),
        ("Atlantis", ""), ("", ""), ("00", ""), ("99", ""), ("x" * 5000, ""),
    ],
)  # fmt: skip
def test_country_is_recognised_or_nothing(name: str, code: str) -> None:
    assert country_code(name) == code


def test_alpha_3_codes() -> None:
    assert [code_of_alpha3(code) for code in ("COD", "RWA", "CD", "XKY", "")] == ["CD", "RW", "", "", ""]
