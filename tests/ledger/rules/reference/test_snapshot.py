"""Snapshots: every data set's own file is read; what is empty, cut short, compressed or too long is not."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from contextlib import suppress

import pytest

from ledger.errors import SnapshotError, SnapshotShrunk, TooLarge
from ledger.rules.reference import limits, snapshot
from ledger.rules.reference.datasets import DATASETS, Dataset
from ledger.rules.reference.parsers import PARSERS
from ledger.rules.reference.snapshot import (
    Missing,
    References,
    Snapshot,
    Stale,
    age_in_days,
    check_shrink,
    parse_snapshot,
)
from ledger.rules.reference.tables import TABLES
from tests.ledger.rules.reference.files import ALL, PUBLISHED, load, read

ROWS = {
    "un_sanctions": 2, "ofac_sdn": 3, "eu_sanctions": 2, "uflpa_entities": 2, "eu_cahra": 4, "rmi_facilities": 3,
    "rmi_conformant": 2, "rmi_active": 2, "lbma_gdl": 1, "ipis_visits": 2, "ipis_webmap": 2, "ipis_roadblocks": 2,
    "wdpa": 2, "forest_alerts": 4, "expert_claims": 1, "conflict_events": 1, "icglr_sites": 2, "site_statuses": 2,
    "orders": 3, "quotas": 2, "scheme_coverage": 2, "transit_countries": 2, "minamata": 1, "eiti": 1, "kimberley": 1,
    "royalties": 2, "prices": 1, "national_flows": 2, "mirror_imports": 1,
}  # fmt: skip
LEFT_OUT = {"ipis_visits": 2, "ipis_webmap": 1, "ipis_roadblocks": 1, "wdpa": 1}


def test_every_data_set_has_a_parser_and_a_file() -> None:
    assert set(ALL) == set(PARSERS) == set(ROWS)
    assert set(TABLES) < set(ALL)


@pytest.mark.parametrize("dataset", ALL)
def test_file_is_read(dataset: str) -> None:
    found = load(dataset)
    assert (len(found.rows), found.left_out) == (ROWS[dataset], LEFT_OUT.get(dataset, 0))
    assert found.digest == hashlib.sha256(read(dataset)).hexdigest()
    assert found.name() == {"dataset": dataset, "digest": found.digest, "published": PUBLISHED}
    assert all(type(row) is DATASETS[dataset].row for row in found.rows)
    assert load(dataset) == found
    assert hash(load(dataset)) == hash(found)


@pytest.mark.parametrize("dataset", ALL)
def test_file_that_was_cut_short_is_refused(dataset: str) -> None:
    """A download that broke off: markup and JSON are not whole, a table ends inside of a row."""
    raw = read(dataset).rstrip()
    cut = raw[: raw.rfind(b",")] if dataset in TABLES else raw[: len(raw) * 3 // 4]
    with pytest.raises(SnapshotError):
        load(dataset, cut)


@pytest.mark.parametrize("dataset", ALL)
@pytest.mark.parametrize(
    "raw", [b"", b" \r\n\t", b"\x00\xff\xfe\x80", b"<html></html>", b"{}", b"[]", b"null"], ids=repr
)
def test_file_of_something_else_is_refused(dataset: str, raw: bytes) -> None:
    with pytest.raises(SnapshotError) as caught:
        load(dataset, raw)
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("dataset", ALL)
def test_file_in_another_encoding_is_refused(dataset: str) -> None:
    wide = read(dataset).replace(b'encoding="utf-8"', b"").replace(b'encoding="UTF-8"', b"").decode()
    for raw in (wide.encode("latin-1", "replace") + b"\xe9", wide.encode("utf-32")):
        with pytest.raises(SnapshotError):
            load(dataset, raw)


@pytest.mark.parametrize("dataset", ALL)
def test_hostile_bytes_give_typed_errors_only(dataset: str) -> None:
    raw = read(dataset)
    for at in range(0, len(raw), max(1, len(raw) // 60)):
        for flipped in (raw[:at] + b"\xff" + raw[at + 1 :], raw[:at] + b"9" + raw[at:], raw[:at] + raw[at + 9 :]):
            with suppress(SnapshotError, TooLarge):
                assert load(dataset, flipped).rows


@pytest.mark.parametrize("dataset", ["un_sanctions", "wdpa", "quotas"])
def test_compressed_file_is_refused_and_never_unpacked(dataset: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("list", bytes(10_000_000))
    for raw, name in ((packed.getvalue(), "zip"), (gzip.compress(bytes(10_000_000)), "gzip")):
        assert len(raw) < 20_000
        with pytest.raises(SnapshotError, match=rf"compressed \({name}\): unpack it first"):
            load(dataset, raw)


def test_file_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = read("quotas")
    monkeypatch.setattr(limits, "MAX_BYTES", len(raw))
    assert len(load("quotas").rows) == 2
    monkeypatch.setattr(limits, "MAX_BYTES", len(raw) - 1)
    with pytest.raises(TooLarge) as caught:
        load("quotas")
    assert caught.value.values == {"limit": len(raw) - 1, "actual": len(raw)}


def test_table_without_rows_would_clear_the_list() -> None:
    header = read("orders").splitlines()[0]
    with pytest.raises(SnapshotShrunk) as caught:
        load("orders", header)
    assert caught.value.values == {"rows": 0, "previous": 0}


@pytest.mark.parametrize(("previous", "rows"), [(0, 1), (1, 1), (10, 5), (10, 11), (11, 6)])
def test_file_that_kept_half_of_its_rows_is_taken(previous: int, rows: int) -> None:
    check_shrink(previous, rows)


@pytest.mark.parametrize(("previous", "rows"), [(0, 0), (10, 4), (11, 5), (19391, 9695)])
def test_file_that_shrank_is_refused(previous: int, rows: int) -> None:
    with pytest.raises(SnapshotShrunk) as caught:
        check_shrink(previous, rows)
    assert caught.value.values == {"rows": rows, "previous": previous}
    assert caught.value.code == "snapshot-shrunk"


@pytest.mark.parametrize("published", ["2026-11-31", "20.11.2026", "2026-11-20T00:00:00Z", ""])
def test_day_of_publication_is_a_day(published: str) -> None:
    with pytest.raises(SnapshotError, match="day of publication"):
        parse_snapshot("quotas", read("quotas"), published=published, source="tests")


@pytest.mark.parametrize(
    ("dataset", "day"),
    [
        ("un_sanctions", "2026-11-19"), ("ofac_sdn", "2026-11-18"), ("eu_sanctions", "2026-11-17"),
        ("forest_alerts", "2026-07-02"), ("site_statuses", "2025-11-05"), ("lbma_gdl", "2026-11-01"),
    ],
)  # fmt: skip
def test_file_is_not_older_than_what_it_says(dataset: str, day: str) -> None:
    raw = read(dataset)
    assert parse_snapshot(dataset, raw, published=day, source="tests").published == day
    before = f"{day[:-2]}{int(day[-2:]) - 1:02d}" if day[-2:] != "01" else "2026-10-31"
    with pytest.raises(SnapshotError, match=f"holds the date {day}"):
        parse_snapshot(dataset, raw, published=before, source="tests")


def test_unknown_data_set() -> None:
    with pytest.raises(SnapshotError, match="no data set `ofac`"):
        parse_snapshot("ofac", b"x", published=PUBLISHED, source="tests")
    for ask in (References().at, References().require):
        with pytest.raises(SnapshotError, match="no data set `ofac`"):
            ask("ofac", PUBLISHED)


def snap(published: str, digest: str = "a", dataset: str = "ofac_sdn") -> Snapshot:
    return Snapshot(dataset, digest * 64, published, "tests", ())


def test_newest_snapshot_that_was_there_then() -> None:
    first, second, third = snap("2026-01-01"), snap("2026-01-05", "b"), snap("2026-01-09", "c")
    other = snap("2026-01-02", "d", "eiti")
    references = References([third, other, first, second])
    assert list(references) == [other, first, second, third]
    found = {day: references.at("ofac_sdn", day) for day in ("2025-12-31", "2026-01-01", "2026-01-08", "2026-02-01")}
    assert found == {"2025-12-31": None, "2026-01-01": first, "2026-01-08": second, "2026-02-01": third}
    assert references.at("ofac_sdn", "2026-01-05T00:00:00Z") is second
    assert references.at("prices", "2026-01-05") is None


def test_missing_and_stale_are_answers() -> None:
    first = snap("2026-01-01")
    references = References([first])
    missing = references.require("ofac_sdn", "2025-12-31T23:59:59Z")
    assert missing == Missing(DATASETS["ofac_sdn"])
    assert missing.reason == ("Reference data is not loaded: OFAC list of specially designated nationals (`ofac_sdn`).")
    assert references.require("ofac_sdn", "2026-01-01T23:59:59Z") is first
    assert references.require("ofac_sdn", "2026-01-02T23:59:59Z") is first
    stale = references.require("ofac_sdn", "2026-01-03T00:00:00Z")
    assert stale == Stale(DATASETS["ofac_sdn"], first, 2, 1)
    assert stale.reason.endswith("was published 2 days before, at most 1 are allowed.")
    assert references.require("ofac_sdn", "2026-01-03", stale_after=2) is first
    assert isinstance(references.require("ofac_sdn", "2026-01-02", stale_after=0), Stale)


def test_two_files_of_one_day_contradict_each_other() -> None:
    assert len(list(References([snap("2026-01-01"), snap("2026-01-01")]))) == 1
    with pytest.raises(SnapshotError, match="two snapshots of `ofac_sdn` for 2026-01-01"):
        References([snap("2026-01-01"), snap("2026-01-01", "b")])


def test_age_is_counted_in_days() -> None:
    assert [age_in_days("2024-02-28", day) for day in ("2024-02-28", "2024-03-01", "2025-02-28T23:00:00Z")] == [
        0,
        2,
        366,
    ]


def test_screening_lists_are_good_for_a_day_and_licensed_lists_stay_here() -> None:
    assert {name for name, one in DATASETS.items() if one.stale_after == 1} == {
        "un_sanctions",
        "ofac_sdn",
        "eu_sanctions",
    }
    licensed = {name for name, one in DATASETS.items() if not one.may_be_handed_on}
    assert licensed == {
        "eu_cahra", "rmi_facilities", "rmi_conformant", "rmi_active", "lbma_gdl", "wdpa", "conflict_events", "prices",
    }  # fmt: skip
    assert all(isinstance(one, Dataset) and one.reason and one.title and one.format for one in DATASETS.values())
    assert snapshot.DATASETS is DATASETS
