"""What one cell may hold, by kind. A value that can be read in two ways is refused with the spelling to use.

Decimals: digits with a point. Times: ISO 8601. Ids and codes: the characters of records.md. A text that begins with
= + - or @ is refused everywhere: a spreadsheet program that opens an export of the ledger would run it as a formula.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from clients.importers.faults import CellFault
from clients.importers.table import Cell

_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]+)?")
_COMMA = re.compile(r"[0-9]{1,12},[0-9]+")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([,. '\u00a0\u202f\u2019])[0-9]{3})(?:\1[0-9]{3})*(?:[.,][0-9]+)?")
_LOCAL_DATE = re.compile(r"([0-9]{1,4})[./\- ]([0-9]{1,2})[./\- ]([0-9]{1,4})(?:[ T].*)?")
_NAMED_DATE = re.compile(r"[0-9]{1,2}[ .\-]*[^\W\d_]{3,}|[^\W\d_]{3,}[ .\-]+[0-9]{1,2}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#@+-]{0,199}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/#@+()-]{0,79}")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,59}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_KINDS = {
    "formula": (
        "formula",
        "The cell holds a formula: copy it and paste it as a value, because what is signed may not change.",
    ),
    "error": ("error-cell", "The cell shows an error of the spreadsheet: correct it first."),
    "boolean": ("boolean", "The cell holds TRUE or FALSE where a value is expected: write the value as text."),
}
_DATE_IN_TEXT = "The spreadsheet turned the text into a date: format the cell as text and type it again."
_DIGITS = 15
"""A spreadsheet keeps so many digits of a number, and makes the others zeros."""


def plain_text(cell: Cell) -> str:
    """The text of a cell that is no date, formula, error or boolean, is no formula in disguise, and has no invisible
    signs."""
    if cell.kind == "date":
        raise CellFault("date-in-text", _DATE_IN_TEXT)
    return _visible_text(cell)


def _visible_text(cell: Cell) -> str:
    if cell.kind in _KINDS:
        raise CellFault(*_KINDS[cell.kind])
    text = unicodedata.normalize("NFC", cell.text.strip(" "))
    if cell.kind == "text" and text[:1] in ("=", "+", "-", "@"):
        raise CellFault(
            "formula-injection", f"A value may not begin with {text[0]!r}: a spreadsheet would run it as a formula."
        )
    for sign in text:
        if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cn") or sign in "\u00a0\u202f\u2007":
            raise CellFault(
                "invisible-character", f"The value holds the invisible sign U+{ord(sign):04X}: type it again."
            )
    return text


def parse_decimal(cell: Cell, places: int = 6) -> str:
    """`25000.500`: digits, a point, at most `places` decimals. No comma, thousands separator, unit or exponent."""
    if cell.kind == "percent":
        raise CellFault(
            "percent-format",
            f"The cell is formatted as a percentage (it holds {cell.text}): format it as a number, with 8.5 for 8.5 %.",
        )
    if cell.kind == "date":
        raise CellFault(
            "date-in-number",
            "The spreadsheet turned the number into a date: format the cell as text and type it again.",
        )
    _refuse_separators(cell)
    if re.fullmatch(r"[-+] ?[0-9].*", cell.text):
        raise CellFault("signed-number", f"{cell.text!r} has a sign: a quantity is written without one.")
    text = plain_text(cell)
    if not _DECIMAL.fullmatch(text):
        raise CellFault("bad-number", _number_advice(text))
    decimals = len(text.partition(".")[2])
    if decimals > places:
        raise CellFault(
            "too-precise", f"{text} has {decimals} decimals, at most {places} are allowed: round it yourself."
        )
    return text


def _refuse_separators(cell: Cell) -> None:
    text = cell.text.strip(" ")
    bare = re.sub(r"[,. '\u00a0\u202f\u2019]", "", text)
    if _COMMA.fullmatch(text) and not _GROUPED.fullmatch(text):
        raise CellFault("decimal-comma", f"{text!r} has a decimal comma: write {text.replace(',', '.')}.")
    if _GROUPED.fullmatch(text) and not _DECIMAL.fullmatch(text):
        if _COMMA.fullmatch(text):
            raise CellFault(
                "ambiguous-number", f"{text!r} can be {bare} or {text.replace(',', '.')}: write one of them."
            )
        last = re.search(r"[.,]([0-9]+)$", text)
        whole, part = (bare[: -len(last[1])], "." + last[1]) if last and _ends_in_decimals(text) else (bare, "")
        raise CellFault("thousands-separator", f"{text!r} has thousands separators: write {whole}{part}.")


def _ends_in_decimals(text: str) -> bool:
    """True when the last separator differs from the first: `25.000,5`, `25 000.5`."""
    signs = re.findall(r"[^0-9]", text)
    return len(signs) > 1 and signs[-1] != signs[0]


def _number_advice(text: str) -> str:
    unit = re.fullmatch(r"([0-9.]+) ?(kg|kgs|t|g|%|mt|to)", text, re.IGNORECASE)
    if unit:
        return f"{text!r} has a unit: write {unit[1]} alone (masses are in kg, moisture and assay in %)."
    if re.fullmatch(r"0[0-9]+(\.[0-9]+)?", text):
        return f"{text!r} begins with a zero: write {text.lstrip('0') or '0'}."
    return f"{text!r} is not a number: write digits with a point, for example 25000.5."


def parse_count(cell: Cell) -> int:
    """A whole number from 0 to 1,000,000."""
    text = parse_decimal(cell)
    if not text.isdigit() or int(text) > 1_000_000:
        raise CellFault("bad-count", f"{text!r} is not a whole number from 0 to 1000000.")
    return int(text)


def parse_moment(cell: Cell, zone: ZoneInfo, *, end_of_day: bool = False) -> str:
    """A time as `YYYY-MM-DDTHH:MM:SSZ`; without zone it is local to `zone`, a date alone its first or last second."""
    text = _visible_text(cell)
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise CellFault(*_date_advice(cell, text))
    try:
        if _DATE.fullmatch(text):
            moment = datetime.fromisoformat(text)
            moment = moment + timedelta(seconds=86_399) if end_of_day else moment
        else:
            moment = datetime.fromisoformat(text)
        local = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)
    except (ValueError, OverflowError) as error:
        raise CellFault(
            "bad-date", f"{text!r} is not a time that exists: write 2026-12-31 or 2026-12-31T14:30:00Z."
        ) from error


def _date_advice(cell: Cell, text: str) -> tuple[str, str]:
    if cell.kind == "number":
        return (
            "date-as-number",
            f"The cell holds the number {text}, not a date: format it as a date, or write 2026-12-31 as text.",
        )
    match = _LOCAL_DATE.fullmatch(text)
    readings = _readings(*(int(part) for part in match.groups())) if match else []
    if len(readings) == 1:
        return "local-date", f"{text!r} is a date in a local format: write {readings[0]}."
    if readings:
        return "ambiguous-date", f"{text!r} can be {' or '.join(readings)}: write it in that form (year-month-day)."
    if match or _NAMED_DATE.search(text):
        return "local-date", f"{text!r} is a date in a local format: write year-month-day, for example 2026-12-31."
    return "bad-date", f"{text!r} is not a date: write 2026-12-31 or 2026-12-31T14:30:00Z."


def _readings(first: int, second: int, third: int) -> list[str]:
    """Every calendar date that day-month-year, month-day-year or year-month-day may mean, in ISO form."""
    candidates = {(_year(third), second, first), (_year(third), first, second), (first, second, third)}
    found = set()
    for year, month, day in candidates:
        try:
            if year >= 1900:
                found.add(date(year, month, day).isoformat())
        except ValueError:
            continue
    return sorted(found)


def _year(number: int) -> int:
    return number + 2000 if number < 100 else number


def _matching(pattern: re.Pattern[str], code: str, allowed: str) -> Callable[[Cell], str]:
    def parse(cell: Cell) -> str:
        text = plain_text(cell)
        if cell.kind == "number" and len(text) > _DIGITS:
            raise CellFault("long-number", f"{text} has lost digits: format the cell as text and type it again.")
        if not pattern.fullmatch(text):
            raise CellFault(code, f"{text!r} is not allowed here: {allowed}.")
        return text

    return parse


parse_id = _matching(
    _ID, "bad-id", "an id has 1 to 200 letters, digits or . _ : / # @ + - and begins with a letter or digit"
)
parse_code = _matching(_CODE, "bad-code", "a code has 1 to 80 letters, digits, spaces or . _ : / # @ + ( ) -")
parse_tag = _matching(_TAG, "bad-tag", "a tag number has 1 to 60 letters, digits or . _ / -")


def parse_name(cell: Cell) -> str:
    """Text of at most 200 characters."""
    text = plain_text(cell)
    if len(text) > 200:
        raise CellFault("too-long", f"The text has {len(text)} characters, at most 200 are allowed.")
    return text


def parse_note(cell: Cell) -> str:
    """Text of at most 2,000 characters."""
    text = plain_text(cell)
    if len(text) > 2000:
        raise CellFault("too-long", f"The text has {len(text)} characters, at most 2000 are allowed.")
    return text


def parse_list(cell: Cell, each: Callable[[Cell], str]) -> list[str]:
    """Values between `;` or `|`, none empty, none twice."""
    parts = [part.strip(" ") for part in re.split(r"[;|]", plain_text(cell))]
    values = [each(Cell(part, cell.kind)) for part in parts if part]
    twice = next((value for index, value in enumerate(values) if value in values[:index]), None)
    if twice is not None:
        raise CellFault("duplicate-value", f"{twice!r} is there twice.")
    return values


def parse_choice(cell: Cell, allowed: tuple[str, ...]) -> str:
    """One of the words of the schema; case and spaces are forgiven (`Large scale` is `large_scale`)."""
    text = plain_text(cell).lower().replace(" ", "_").replace("-", "_")
    if text not in allowed:
        raise CellFault("bad-choice", f"{cell.text!r} is none of: {', '.join(allowed)}.")
    return text


def parse_route(cell: Cell) -> list[dict[str, str]]:
    """`CD Kolwezi; ZM Kasumbalesa`: country code and place, between `;` or `|`."""
    route = []
    for part in parse_list(cell, parse_name):
        country, _, place = part.partition(" ")
        if not re.fullmatch(r"[A-Z]{2}", country) or not place.strip():
            raise CellFault(
                "bad-route",
                f"{part!r} is no place on a route: write the country code and the place, as in ZM Kasumbalesa.",
            )
        route.append({"country": country, "place": place.strip()})
    return route
