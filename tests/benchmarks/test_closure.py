"""A closure table holds what the recursive query finds, and grows from generation to generation."""

from __future__ import annotations

from pathlib import Path

from benchmarks.closure import measure


def test_the_table_is_the_recursive_query_kept(tmp_path: Path) -> None:
    found = list(measure(tmp_path, 5_000, 3))  # compares every lot that it reads
    assert [one.number for one in found] == [1, 2, 3]
    assert 1 < found[0].rows < found[1].rows < found[2].rows
    assert all(one.read_ms > 0 and one.climb_ms > 0 and one.add_us > 0 for one in found)
