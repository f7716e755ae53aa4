"""Where in a spreadsheet something is wrong, said so that a person finds the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clients.sdk.errors import LocalError


def column_letter(index: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA: the letter that a spreadsheet program shows."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong. row counts from 1 with the header, as a spreadsheet shows it; 0 for the file as a whole.

    column is the header's text, index its position from 0 (-1: the whole row); fatal: the rest of the file
    cannot be trusted either.
    """

    row: int
    code: str
    message: str
    column: str = ""
    index: int = -1
    fatal: bool = False

    @property
    def place(self) -> str:
        """`row 7, column mass (D)`."""
        if not self.row:
            return "file"
        if self.index < 0:
            return f"row {self.row}"
        return f"row {self.row}, column {self.column or '?'} ({column_letter(self.index)})"

    def to_json(self) -> dict[str, Any]:
        """row, column, letter, code, message."""
        letter = column_letter(self.index) if self.index >= 0 else ""
        return {
            "row": self.row,
            "column": self.column,
            "letter": letter,
            "code": self.code,
            "message": self.message,
        }


class CellFault(Exception):
    """A value that may not be used; the reader of the row adds where it stands."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class FileRefused(LocalError):
    """The file cannot be read as a table at all; `fault` says where and why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.place}: {fault.message}" if fault.row else fault.message, fault=fault.to_json())
        self.fault = fault


def sort_faults(faults: Sequence[Fault]) -> list[Fault]:
    """In the order in which a person walks through the sheet."""
    return sorted(faults, key=lambda fault: (fault.row, fault.index, fault.code))
