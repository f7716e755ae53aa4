"""Test vectors made by others, read where they lie and never changed.

`LODELINE_VECTORS` names their folder; by default it is looked for beside the checkout.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

DEFAULT = Path(__file__).resolve().parents[2].parent / "shared" / "vectors"


def load_vector(*parts: str) -> Any:
    """The parsed JSON of one vector file, for example `load_vector("merkle", "inclusion.json")`.

    Skips the calling test when the folder is absent; `.ci/run` makes sure that it is not.
    """
    path = Path(os.environ.get("LODELINE_VECTORS", DEFAULT)).joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"no test vectors at {path}: set LODELINE_VECTORS to their folder")
    return json.loads(path.read_text(encoding="utf-8"))
