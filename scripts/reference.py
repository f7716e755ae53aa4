"""The page docs/formats/reference.md, from the data sets, their row types and the CSV tables."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from ledger.rules.reference import limits, rows
from ledger.rules.reference.csvtext import Table
from ledger.rules.reference.datasets import DATASETS, Dataset
from ledger.rules.reference.names import THRESHOLD
from ledger.rules.reference.tables import TABLES

PREAMBLE = f"""\
# Reference data: lists that rules judge by

Generated from `ledger/rules/reference/` by `make pages`; `make check` compares. Code:
`ledger/rules/reference/datasets.py` (the list), `parsers.py` (who reads what), `tables.py` (the CSV formats),
`rows.py` and `acts.py` (what a row holds).

## Loading

    lodeline-server reference load ofac_sdn SDN.XML --published 2026-11-20 --source 'sanctions list service of OFAC'
    lodeline-server reference status
    lodeline-server reference list ofac_sdn

The file is kept as it came, named by the SHA-256 of its bytes, as the snapshot of the day `--published`: the day on
which the publisher served it as current, not the day on which something in it was last changed. A list that is
fetched every day and did not change is loaded every day; its bytes are kept once. A snapshot is never overwritten.
Verdicts name the snapshots that they were judged by (data set, digest, day), so anybody with the same file gets the
same verdict.

A rule takes the newest snapshot published by the moment it is judged for. If there is none, or it is older than its
limit below, the rule answers that evidence is insufficient and names the list: a list that is missing or stale is
never a pass. `reference status` shows both, and with `--strict` exits with 1 when a loaded list is stale, for a
monitor. Limits are parameters of this project, not law.

`GET /v1/reference` says what is loaded, to anybody. `GET /v1/reference/{{digest}}` gives participants the bytes,
except of `licensed` lists, which their publishers do not allow to be handed on: take those from the publisher and
compare the digest. None is shipped; the files under `tests/data/reference` are invented.

## What is refused

- A file without rows, or with less than half of the rows of the snapshot before it: a broken download must not clear
  a list. There is no option to force it; load what the publisher really serves, or ask the publisher.
- A file, or an act in it, that is dated after `--published`; a day that has not come.
- A compressed file: unpack it first, nothing is unpacked here.
- XML with a document type declaration, before any entity is read. OFAC's list when it holds another number of entries
  than it says.
- JSON with a name twice in one object, NaN, or numbers of thousands of digits. Fractions are read as decimals, never
  as floating point.
- A column that is missing, in a CSV of this project also one that is not known; a cell that is not spelled as below.
  Row and column are named.
- More than {limits.MAX_BYTES // 1024 // 1024} MB, {limits.MAX_ROWS:,} rows, {limits.MAX_DEPTH} levels,
  {limits.MAX_TEXT:,} characters of one value, {limits.MAX_VERTICES:,} positions of one place or
  {limits.MAX_ALL_VERTICES:,} of one file.

Entries of surveys and of protected areas that have no day or no place are left out and counted (`left_out`); an entry
of a sanctions list that cannot be read refuses the whole file.

## How names are matched

Names become lower-case Latin words without accents, punctuation or legal forms at their ends (`anyascii`, one pinned
version). Words are compared by Jaro-Winkler (`rapidfuzz`); the score is the share of letters, on both sides, in words
that match, in per mille. From {THRESHOLD} on an entry is a candidate for a person to look at, never a finding by
itself. So is a name that shares two long words and differs by one more (930), and one that is equal but for spaces
(990). Names that a list calls weak or low quality lose 5 %. Equal identifiers (LEI, register, tax, passport, IMO,
CID) are exact, unless their kinds or countries contradict each other.

## How places are measured

Areas and short distances: Lambert azimuthal equal-area around the place, on the sphere of the Earth's area; long
distances: haversine. Against the ellipsoid a length is off by at most 0.6 %, an area by 0.7 %. Answers are whole
metres and square metres. A protected area that is known as a point and an area counts as a circle, and says so. An
answer of the alerts' API says nothing about places outside the area asked for.
"""


DAYS = """\
Days are `YYYY-MM-DD`; `start` and `end` are both included. CSV is UTF-8 with commas, header first, columns in any
order."""


def columns(table: Table) -> Iterator[str]:
    """One row per column of a CSV format."""
    yield "| column | cell | |"
    yield "|---|---|---|"
    for column in table.columns:
        need = "required" if column.required else ""
        yield f"| `{column.name}` | {column.spelling.words}: {column.about} | {need} |"


def members(dataset: Dataset) -> str:
    """The members of a row, as rules see them."""
    return ", ".join(f"`{name}`" for name in dataset.row._fields)  # type: ignore[attr-defined]  # a NamedTuple


def section(dataset: Dataset) -> Iterator[str]:
    """Heading, facts and, for a CSV, the table of columns."""
    row = dataset.row.__name__
    yield from (f"### `{dataset.name}`", "", f"{dataset.title}. {dataset.format}. Row: [{row}](#{row.lower()}).", "")
    if dataset.name in TABLES:
        yield from (*columns(TABLES[dataset.name]), "")
        if TABLES[dataset.name].foreign:
            yield from ("Other columns of the publisher are ignored.", "")


def row_section(dataset: Dataset) -> Iterator[str]:
    """What a row holds, in the words of its type."""
    about = " ".join((inspect.getdoc(dataset.row) or "").split()).replace(" | ", ", ")
    yield from (f"### {dataset.row.__name__}", "", about, "", f"Members: {members(dataset)}.", "")


def format_page() -> str:
    """The whole page."""
    lines = [
        PREAMBLE,
        "## Data sets",
        "",
        "| data set | what | licence | days | why that long |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| [`{one.name}`](#{one.name}) | {one.title} | {one.licence} | {one.stale_after} | {one.reason} |"
        for one in DATASETS.values()
    ]
    lines += ["", "## Formats", "", DAYS, ""]
    for one in DATASETS.values():
        lines += section(one)
    lines += ["## Rows", "", " ".join((inspect.getdoc(rows) or "").split()), ""]
    for one in {one.row: one for one in DATASETS.values()}.values():
        lines += row_section(one)
    return "\n".join(lines).rstrip() + "\n"
