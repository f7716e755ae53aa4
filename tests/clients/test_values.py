"""What one cell may hold: every refusal with its code and the spelling to use."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.importers import values
from clients.importers.faults import CellFault
from clients.importers.table import Cell

UTC, KINSHASA = ZoneInfo("UTC"), ZoneInfo("Africa/Kinshasa")


def refused(text: str, kind: str = "text", *, parse: object = values.parse_decimal) -> tuple[str, str]:
    with pytest.raises(CellFault) as caught:
        parse(Cell(text, kind))  # type: ignore[operator]
    return caught.value.code, caught.value.message


@pytest.mark.parametrize("text", ["0", "40", "25000.500", "0.000001", "999999999999"])
def test_decimals_stay_as_they_are_written(text: str) -> None:
    assert values.parse_decimal(Cell(text)) == text


@pytest.mark.parametrize(
    ("text", "code", "advice"),
    [
        ("25,5", "decimal-comma", "write 25.5"),
        ("0,123456", "decimal-comma", "write 0.123456"),
        ("1,000", "ambiguous-number", "1000 or 1.000"),
        ("25,000.5", "thousands-separator", "write 25000.5"),
        ("25.000,5", "thousands-separator", "write 25000.5"),
        ("1.234.567", "thousands-separator", "write 1234567"),
        ("25 000", "thousands-separator", "write 25000"),
        ("25\u00a0000,75", "thousands-separator", "write 25000.75"),
        ("1'250'000", "thousands-separator", "write 1250000"),
        ("1,250,000", "thousands-separator", "write 1250000"),
        ("40 kg", "bad-number", "write 40 alone"),
        ("8.5%", "bad-number", "write 8.5 alone"),
        ("007", "bad-number", "write 7"),
        ("1e3", "bad-number", "digits with a point"),
        (".5", "bad-number", "digits with a point"),
        ("12,", "bad-number", "digits with a point"),
        ("-4", "signed-number", "without one"),
        ("+4", "signed-number", "without one"),
        ("0.1234567", "too-precise", "at most 6"),
        ("n/a", "bad-number", "digits with a point"),
        ("=4", "formula-injection", "formula"),
        ("4\u200b0", "invisible-character", "U+200B"),
    ],
)
def test_numbers_that_could_be_read_in_two_ways(text: str, code: str, advice: str) -> None:
    found, message = refused(text)
    assert found == code
    assert advice in message


@pytest.mark.parametrize(
    ("kind", "code"),
    [("percent", "percent-format"), ("date", "date-in-number"), ("formula", "formula"), ("error", "error-cell"),
     ("boolean", "boolean")],
)  # fmt: skip
def test_cells_of_another_kind(kind: str, code: str) -> None:
    assert refused("0.085", kind)[0] == code


@given(st.decimals(min_value=0, max_value=999_999, places=3))
def test_every_plain_decimal_is_read_and_its_local_spelling_is_not(number: object) -> None:
    text = f"{number:f}"
    assert values.parse_decimal(Cell(text)) == text
    assert refused(text.replace(".", ","))[0] in ("decimal-comma", "ambiguous-number")


@pytest.mark.parametrize(
    ("text", "zone", "end", "time"),
    [
        ("2026-12-31T14:30:00Z", KINSHASA, False, "2026-12-31T14:30:00Z"),
        ("2026-12-31T14:30:00+02:00", UTC, False, "2026-12-31T12:30:00Z"),
        ("2026-12-31 14:30", KINSHASA, False, "2026-12-31T13:30:00Z"),
        ("2026-12-31T14:30:00", UTC, True, "2026-12-31T14:30:00Z"),
        ("2026-12-31", UTC, False, "2026-12-31T00:00:00Z"),
        ("2026-12-31", KINSHASA, True, "2026-12-31T22:59:59Z"),
    ],
)
def test_times(text: str, zone: ZoneInfo, end: bool, time: str) -> None:
    assert values.parse_moment(Cell(text), zone, end_of_day=end) == time
    assert values.parse_moment(Cell(text, "date"), zone, end_of_day=end) == time


@pytest.mark.parametrize(
    ("text", "kind", "code", "advice"),
    [
        ("31/12/2026", "text", "local-date", "write 2026-12-31"),
        ("12-31-26", "text", "local-date", "write 2026-12-31"),
        ("31.12.2026 14:30", "text", "local-date", "write 2026-12-31"),
        ("11/12/2026", "text", "ambiguous-date", "2026-11-12 or 2026-12-11"),
        ("2026/12/31", "text", "local-date", "write 2026-12-31"),
        ("99/99/2026", "text", "local-date", "year-month-day"),
        ("31 Dec 2026", "text", "local-date", "year-month-day"),
        ("décembre 31", "text", "local-date", "year-month-day"),
        ("46387", "number", "date-as-number", "format it as a date"),
        ("tomorrow", "text", "bad-date", "2026-12-31"),
        ("2026-02-30", "text", "bad-date", "2026-12-31"),
        ("2026-12-31T25:00:00Z", "text", "bad-date", "2026-12-31"),
        ("0001-01-01T00:00:00+14:00", "text", "bad-date", "2026-12-31"),
        ("=NOW()", "formula", "formula", "value"),
    ],
)
def test_dates_in_local_formats_are_refused_with_the_iso_form(text: str, kind: str, code: str, advice: str) -> None:
    with pytest.raises(CellFault) as caught:
        values.parse_moment(Cell(text, kind), UTC)
    assert caught.value.code == code
    assert advice in caught.value.message


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+cmd", "-2+3", "@SUM(A1)"])
def test_formulas_in_disguise(text: str) -> None:
    for parse in (values.parse_name, values.parse_note, values.parse_id, values.parse_code, values.parse_tag):
        assert refused(text, parse=parse)[0] == "formula-injection"


@pytest.mark.parametrize(
    ("parse", "good", "bad", "code"),
    [
        (values.parse_id, "did:web:mine.example/x#1", "lot 1", "bad-id"),
        (values.parse_id, "A" * 200, "A" * 201, "bad-id"),
        (values.parse_code, "CGO 1234 (AB)", "plate*", "bad-code"),
        (values.parse_tag, "CD-0047/11", "tag 1", "bad-tag"),
        (values.parse_name, "Équipe", "x" * 201, "too-long"),
        (values.parse_note, "y" * 2000, "y" * 2001, "too-long"),
        (values.parse_name, "Goma", "Go\u202ema", "invisible-character"),
        (values.parse_count, "120", "12.5", "bad-count"),
        (values.parse_count, "1000000", "1000001", "bad-count"),
    ],
)
def test_texts(parse: object, good: str, bad: str, code: str) -> None:
    assert str(parse(Cell(good))) == good  # type: ignore[operator]
    assert refused(bad, parse=parse)[0] == code


TEXTS = (values.parse_name, values.parse_note, values.parse_id, values.parse_code, values.parse_tag)


@pytest.mark.parametrize("parse", [*TEXTS, lambda cell: values.parse_list(cell, values.parse_tag)])
def test_a_text_that_the_spreadsheet_made_a_date_of(parse: object) -> None:
    assert refused("2026-03-01", "date", parse=parse)[0] == "date-in-text"
    assert parse(Cell("2026-03-01")) in ("2026-03-01", ["2026-03-01"])  # type: ignore[operator]


@pytest.mark.parametrize("parse", [values.parse_id, values.parse_code, values.parse_tag])
def test_a_number_so_long_that_a_spreadsheet_has_cut_it(parse: object) -> None:
    assert parse(Cell("1" * 15, "number")) == "1" * 15  # type: ignore[operator]
    assert refused("1" * 16, "number", parse=parse)[0] == "long-number"
    assert parse(Cell("1" * 16)) == "1" * 16  # type: ignore[operator]
    assert refused("1" * 16, "number", parse=lambda cell: values.parse_list(cell, values.parse_tag))[0] == "long-number"


def test_text_is_normalised() -> None:
    assert values.parse_name(Cell("E\u0301quipe")) == "Équipe"


def test_lists_choices_and_routes() -> None:
    assert values.parse_list(Cell("T1; T2|T3;"), values.parse_tag) == ["T1", "T2", "T3"]
    assert refused("T1;T1", parse=lambda cell: values.parse_list(cell, values.parse_tag))[0] == "duplicate-value"
    allowed = ("large_scale", "artisanal")
    assert values.parse_choice(Cell("Large-Scale"), allowed) == "large_scale"
    code, message = refused("deep", parse=lambda cell: values.parse_choice(cell, allowed))
    assert (code, "large_scale, artisanal" in message) == ("bad-choice", True)
    assert values.parse_route(Cell("CD Kolwezi; ZM Kasumbalesa")) == [
        {"country": "CD", "place": "Kolwezi"},
        {"country": "ZM", "place": "Kasumbalesa"},
    ]
    for text in ("Kolwezi", "CD", "cd Kolwezi"):
        assert refused(text, parse=values.parse_route)[0] == "bad-route"
