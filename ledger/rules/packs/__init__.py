"""The rule packs that ship with the project: TOML files beside this module, read as package data.

Package data are part of the program, as its code is: this is the one place under `ledger` that
reads files, and it reads no others.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from ledger.rules.pack import Pack, index_packs, parse_pack


@lru_cache(maxsize=1)
def read_packs() -> dict[str, Pack]:
    """All shipped packs by id, in the order of their file names."""
    found = sorted((one for one in files(__name__).iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    return index_packs(parse_pack(one.read_bytes()) for one in found)
