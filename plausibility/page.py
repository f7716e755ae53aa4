"""The generated part of docs/plausibility.md."""

from __future__ import annotations

from typing import Final

PAGE: Final = "docs/plausibility.md"
BEGIN: Final = "<!-- table: written by `make plausibility` -->\n"
END: Final = "<!-- end of table -->\n"


def insert_table(page: str, table: str) -> str:
    """The page with this table between its marks."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def read_table(page: str) -> str:
    """The table that stands between the marks of a page."""
    return page.partition(BEGIN)[2].partition(END)[0].strip("\n") + "\n"
