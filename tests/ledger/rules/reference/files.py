"""The invented reference files of tests/data/reference, and ways to bend them."""

from __future__ import annotations

from pathlib import Path

from ledger.rules.reference.datasets import DATASETS
from ledger.rules.reference.snapshot import Snapshot, parse_snapshot

FOLDER = Path(__file__).resolve().parents[3] / "data" / "reference"
PUBLISHED = "2026-11-20"
FILES = {
    "un_sanctions": "un.xml",
    "ofac_sdn": "ofac.xml",
    "eu_sanctions": "eu.xml",
    "eu_cahra": "cahra.json",
    "rmi_facilities": "rmi_facilities.html",
    "rmi_conformant": "rmi_conformant.xml",
    "rmi_active": "rmi_conformant.xml",
    "ipis_visits": "ipis_visits.geojson",
    "ipis_webmap": "ipis_webmap.json",
    "ipis_roadblocks": "ipis_roadblocks.json",
    "wdpa": "wdpa.geojson",
    "forest_alerts": "forest_alerts.json",
}


def read(dataset: str) -> bytes:
    """The file of a data set."""
    return (FOLDER / FILES.get(dataset, f"{dataset}.csv")).read_bytes()


def bent(dataset: str, old: str, new: str) -> bytes:
    """The file with the first `old`, which must be there, replaced."""
    text = read(dataset).decode()
    assert old in text
    return text.replace(old, new, 1).encode()


def load(dataset: str, raw: bytes | None = None) -> Snapshot:
    """The file of a data set, or other bytes, as a snapshot."""
    return parse_snapshot(dataset, read(dataset) if raw is None else raw, published=PUBLISHED, source="tests")


ALL = tuple(DATASETS)
"""Names of all data sets."""
