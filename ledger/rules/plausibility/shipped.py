"""The model that ships with the project, read as package data.

Package data are part of the program, as its code is: with `ledger.rules.packs` this is the place
under `ledger` that reads a file, and it reads no other.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from ledger.rules.plausibility.model import Model, parse_model

MODEL_FILE = "model.json"


@lru_cache(maxsize=1)
def read_model() -> Model:
    """The shipped model, checked."""
    return parse_model(files(__package__).joinpath(MODEL_FILE).read_bytes())
