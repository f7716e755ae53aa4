"""Reading CSV and Excel: encodings, torn files, formulas, bombs; every fault with its row and column."""

from __future__ import annotations

import datetime
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from clients.importers.encodings import guess_encoding
from clients.importers.faults import FileRefused, column_letter
from clients.importers.table import Cell, Layout, Limits, Table, read_table

HEADER = "lot,mass,note\n"


def read(path: Path, content: bytes | str, limits: Limits | None = None, **layout: Any) -> Table:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, Layout(**layout), limits)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


@pytest.mark.parametrize(("index", "letter"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_column_letters(index: int, letter: str) -> None:
    assert column_letter(index) == letter


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_plain_files_in_all_their_spellings(file: Path, delimiter: str, bom: bytes, end: str) -> None:
    lines = [["lot", "mass", "note"], ["A", " 1 ", '"say ""hi"""'], [], ["B", "2", '"x, y; z"']]
    content = bom + end.join(delimiter.join(line) for line in lines).encode()
    table = read(file, content)
    assert table.header == ("lot", "mass", "note")
    assert texts(table) == [["A", "1", 'say "hi"'], ["B", "2", "x, y; z"]]
    assert [row.number for row in table.rows] == [2, 4]
    assert table.faults == []


def test_a_header_further_down_and_a_delimiter_of_its_own(file: Path) -> None:
    table = read(file, "Mine Ltd|October\nlot|mass\nA|1\n", header_row=2, delimiter="|")
    assert table.header == ("lot", "mass")
    assert [(row.number, row.cells[0].text) for row in table.rows] == [(3, "A")]


def test_the_line_that_only_excel_understands(file: Path) -> None:
    with pytest.raises(FileRefused, match="header_row = 2") as caught:
        read(file, "sep=;\r\nlot;mass\r\nA;1\r\n")
    assert (caught.value.fault.row, caught.value.fault.code) == (1, "sep-line")
    assert texts(read(file, "sep=;\r\nlot;mass\r\nA;1\r\n", header_row=2)) == [["A", "1"]]


@pytest.mark.parametrize("sign", ["\u2028", "\u0085", "\x0b", "\x0c", "\x1e"])
def test_a_sign_that_breaks_lines_elsewhere_makes_no_row(file: Path, sign: str) -> None:
    table = read(file, HEADER + f"A,1,a{sign}B,2,b\nC,3,c\n")
    assert texts(table) == [["C", "3", "c"]]
    assert [(one.row, one.code) for one in table.faults] == [(2, "field-count")]
    assert texts(read(file, HEADER + f"A,1,a{sign}b\n")) == [["A", "1", f"a{sign}b"]]


def test_torn_rows_are_named_and_the_others_read(file: Path) -> None:
    table = read(file, HEADER + "A,1,\nB,2\nC,3,,\nD,4,x\n")
    assert [(f.row, f.code, f.place) for f in table.faults] == [
        (3, "field-count", "row 3"),
        (4, "field-count", "row 4"),
    ]
    assert "has 2 fields, the header 3" in table.faults[0].message
    assert [row.cells[0].text for row in table.rows] == ["A", "D"]


@pytest.mark.parametrize(
    ("rest", "row", "code"),
    [
        ('A,1,"open\nB,2,\nC,3,\n', 2, "unclosed-quote"),
        ('A,1,\nB,2,"x"y\n', 3, "bad-quote"),
        ('A,1,\nB,2,"' + "x" * 140_000 + '"\n', 3, "unclosed-quote"),
    ],
)
def test_a_stray_quote_ends_what_can_be_believed(file: Path, rest: str, row: int, code: str) -> None:
    (fault,) = read(file, HEADER + rest).faults
    assert (fault.row, fault.code, fault.fatal) == (row, code, True)


ACCENTS = "Scellé à Goma, vérifié, Équipe n° 3, mañana, ção"


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("cp1252", "Windows-1252"), ("cp850", "cp850 (DOS)"), ("mac_roman", "Mac Roman"), ("gb18030", "GB18030")],
)
def test_a_wrong_encoding_is_named_with_row_and_column(file: Path, encoding: str, name: str) -> None:
    note = "钴精矿 刚果 科卢韦齐" if encoding == "gb18030" else ACCENTS.replace(",", " ")
    content = (HEADER + f"A,1,ok\nB,2,{note}\n").encode(encoding)
    assert guess_encoding(content) == name
    with pytest.raises(FileRefused) as caught:
        read(file, content)
    fault = caught.value.fault
    assert (fault.row, fault.index, fault.code) == (3, 2, "wrong-encoding")
    assert name in fault.message
    assert texts(read(file, content, encoding=encoding))[1][2] == note


@pytest.mark.parametrize(
    ("content", "code", "row"),
    [
        (HEADER.encode("utf-16"), "wrong-encoding", 0),
        (HEADER.encode() + b"A,1\x00,x\n", "not-text", 2),
        (HEADER.encode() + "A,1,é".encode()[:-1], "torn-file", 2),
        (b"\xef\xbb\xbf" + HEADER.encode() + b"A,\xff,x\n", "wrong-encoding", 2),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "old-excel", 0),
        (b"", "no-header", 1),
        (b",,\nA,1,x\n", "no-header", 1),
        (b"PK\x03\x04" + bytes(100), "torn-file", 0),
    ],
)
def test_files_that_are_no_table(file: Path, content: bytes, code: str, row: int) -> None:
    with pytest.raises(FileRefused) as caught:
        read(file, content)
    assert (caught.value.fault.code, caught.value.fault.row) == (code, row)
    assert caught.value.values["fault"]["code"] == code


def test_an_encoding_that_nobody_knows(file: Path) -> None:
    with pytest.raises(FileRefused, match="no encoding"):
        read(file, HEADER, encoding="klingon")


def test_headers_that_are_unclear(file: Path) -> None:
    table = read(file, "lot,,Lot\nA,1,B\n")
    assert [(f.code, f.index) for f in table.faults] == [("unnamed-column", 1), ("duplicate-column", 2)]


def test_limits(file: Path) -> None:
    small = Limits(file_bytes=60, rows=2, columns=3, cell=8)
    assert len(read(file, HEADER + "A,1,\nB,2,\n", small).rows) == 2
    for content, code in [
        (HEADER + "A,1,\nB,2,\nC,3,\n", "too-many-rows"),
        ("a,b,c,d\n", "too-many-columns"),
    ]:
        with pytest.raises(FileRefused) as caught:
            read(file, content, small)
        assert caught.value.fault.code == code
    (fault,) = read(file, HEADER + "A,1,123456789\n", small).faults
    assert (fault.code, fault.place) == ("cell-too-long", "row 2, column note (C)")
    with pytest.raises(Exception, match="larger than 60 bytes"):
        read(file, HEADER + "x" * 60, small)


# ---- Excel ---------------------------------------------------------------------------------------------------------


def workbook(*sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for number, rows in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet()
        assert sheet is not None
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_sheet_is_read_as_values(file: Path) -> None:
    when = datetime.datetime.fromisoformat("2026-10-31T14:30:00")  # a sheet knows no zones
    rows = [
        ["lot", "mass", "time"],
        ["A", 40, when],
        [None, None, None],
        ["B", 0.1, datetime.date(2026, 10, 31)],
        ["C", 25000.500, datetime.time(1, 2)],
        ["=1+1", True, "#REF!"],
    ]
    table = read(file, workbook(rows))
    assert table.header == ("lot", "mass", "time")
    assert [row.number for row in table.rows] == [2, 4, 5, 6]
    assert table.rows[0].cells == (Cell("A"), Cell("40", "number"), Cell("2026-10-31T14:30:00", "date"))
    assert table.rows[1].cells == (Cell("B"), Cell("0.1", "number"), Cell("2026-10-31", "date"))
    assert table.rows[2].cells == (Cell("C"), Cell("25000.5", "number"), Cell("01:02:00", "date"))
    assert table.rows[3].cells == (Cell("=1+1", "formula"), Cell("TRUE", "boolean"), Cell("#REF!", "error"))


@pytest.mark.parametrize(
    ("value", "shown", "text"),
    [
        (47, "0000", "0047"),
        (47, "General", "47"),
        (47, "0.00", "47"),
        (12345, "0000", "12345"),
        (4.5, "0000", "4.5"),
        (datetime.datetime.fromisoformat("2026-10-31"), "dd/mm/yyyy", "2026-10-31"),
        (datetime.datetime.fromisoformat("2026-10-31"), '[$-809]d"h"mmmm', "2026-10-31"),
        (datetime.datetime.fromisoformat("2026-10-31"), "dd/mm/yyyy hh:mm", "2026-10-31T00:00:00"),
        (datetime.datetime.fromisoformat("2026-10-31T14:30:00"), "dd/mm/yyyy", "2026-10-31T14:30:00"),
    ],
)
def test_a_cell_is_read_as_it_is_shown(file: Path, value: object, shown: str, text: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook([["lot"], [value]])))
    book["Sheet"]["A2"].number_format = shown
    out = io.BytesIO()
    book.save(out)
    assert texts(read(file, out.getvalue())) == [[text]]


@pytest.mark.parametrize(
    ("area", "header_row", "place"),
    [
        ("A2:A4", 1, "row 2, column lot (A)"),
        ("B3:C3", 1, "row 3, column mass (B)"),
        ("A1:A2", 2, "row 2, column ? (A)"),
        ("A1:B1", 2, ""),  # a title above the header
        ("D2:D4", 1, ""),  # beside the list
    ],
)
def test_merged_cells_hold_one_value_for_many_rows(file: Path, area: str, header_row: int, place: str) -> None:
    rows = [["lot", "mass", "note"], *([f"{letter}", 1, None] for letter in "ABC")]
    book = openpyxl.load_workbook(io.BytesIO(workbook(rows)))
    book["Sheet"].merge_cells(area)
    out = io.BytesIO()
    book.save(out)
    faults = [one for one in read(file, out.getvalue(), header_row=header_row).faults if one.code == "merged-cells"]
    assert [(one.place, one.fatal) for one in faults] == ([(place, True)] if place else [])


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        ((3,), (3, "This row is hidden in the sheet: show all rows, or delete them.")),
        ((4, 2, 9), (2, "This row and 1 more are hidden in the sheet: show all rows, or delete them.")),
        ((9,), None),  # nothing is written there
        ((), None),
    ],
)
def test_rows_that_nobody_sees_are_not_signed(
    file: Path, hidden: tuple[int, ...], told: tuple[int, str] | None
) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook([["lot", "mass"], ["A", 1], ["B", 1], ["C", 1]])))
    for number in hidden:
        book["Sheet"].row_dimensions[number].hidden = True
    out = io.BytesIO()
    book.save(out)
    faults = [one for one in read(file, out.getvalue()).faults if one.code == "hidden-rows"]
    assert [(one.row, one.message, one.fatal) for one in faults] == ([(*told, True)] if told else [])


def test_a_percentage_and_a_row_that_is_too_wide(file: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["lot", "moisture"])
    sheet.append(["A", 0.085])
    sheet["B2"].number_format = "0.00%"
    sheet.append(["B", 2, "beyond"])
    sheet.append(["C"])
    out = io.BytesIO()
    book.save(out)
    table = read(file, out.getvalue())
    assert table.rows[0].cells[1] == Cell("0.085", "percent")
    assert [(f.row, f.code) for f in table.faults] == [(3, "field-count")]
    assert table.rows[1].cells == (Cell("C"), Cell(""))


def test_which_sheet_is_meant(file: Path) -> None:
    content = workbook([["lot"], ["A"]], [["lot"], ["B"]])
    with pytest.raises(FileRefused) as caught:
        read(file, content)
    assert caught.value.fault.code == "which-sheet"
    assert texts(read(file, content, sheet="Sheet1")) == [["B"]]
    with pytest.raises(FileRefused) as caught:
        read(file, content, sheet="Sheet9")
    assert caught.value.fault.code == "no-such-sheet"


def test_an_empty_sheet_and_too_many_rows(file: Path) -> None:
    with pytest.raises(FileRefused) as caught:
        read(file, workbook([]))
    assert caught.value.fault.code == "no-header"
    with pytest.raises(FileRefused) as caught:
        read(file, workbook([["lot"], *([f"L{n}"] for n in range(4))]), Limits(rows=3))
    assert caught.value.fault.code == "too-many-rows"


def repacked(content: bytes, **parts: bytes) -> bytes:
    """The archive with some members replaced or added."""
    source, out = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in {*source.namelist(), *parts}:
            target.writestr(name, parts[name] if name in parts else source.read(name))
    return out.getvalue()


def test_zip_bombs_and_entity_bombs(file: Path) -> None:
    honest = workbook([["lot"], ["A"]])
    bomb = repacked(honest, **{"xl/media/zeros.bin": bytes(30_000_000)})
    entities = repacked(honest, **{"xl/workbook.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'})
    wide = repacked(honest, **{"xl/workbook.xml": "<a/>".encode("utf-16")})
    many = repacked(honest, **{f"x{n}": b"" for n in range(2_100)})
    foreign = io.BytesIO()
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    for content, code in [
        (bomb, "zip-bomb"),
        (many, "zip-bomb"),
        (entities, "xml-entities"),
        (wide, "xml-entities"),
        (foreign.getvalue(), "not-excel"),
        (repacked(honest, **{"xl/workbook.xml": b"<no"}), "torn-file"),
        (repacked(honest, **{"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row"}), "torn-file"),
        (honest[:-40], "torn-file"),
    ]:
        with pytest.raises(FileRefused) as caught:
            read(file, content)
        assert caught.value.fault.code == code
    refused = 0
    for at in range(0, len(honest), 97):
        damaged = bytearray(honest)
        damaged[at] ^= 0xFF
        try:
            assert texts(read(file, bytes(damaged))) == [["A"]]
        except FileRefused:
            refused += 1
    assert refused > len(honest) / 97 / 2
    assert texts(read(file, honest)) == [["A"]]


def test_a_sheet_that_claims_to_be_huge(file: Path) -> None:
    honest = workbook([["lot"], ["A"]])
    sheet = zipfile.ZipFile(io.BytesIO(honest)).read("xl/worksheets/sheet1.xml")
    far = sheet.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
    assert far != sheet
    table = read(file, repacked(honest, **{"xl/worksheets/sheet1.xml": far}), Limits(rows=1000))
    assert texts(table) == [["A"]]
