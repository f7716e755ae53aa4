"""Every benchmark runs, at a size that says nothing about speed, and gives the figures that it promises."""

from __future__ import annotations

import json
import math
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.__main__ import measure, run_all
from benchmarks.figures import Chapter, Figure, format_value, keys, list_chapters
from benchmarks.generate import Generator
from benchmarks.growth import windows
from benchmarks.results import load_results
from benchmarks.run import FULL, QUICK, TINY, Corpus, Figures, Run
from benchmarks.suite import BENCHMARKS

CHAPTERS = {chapter.name: chapter for chapter in list_chapters(TINY)}
PEERS_OF_LATER_PYTHONS = {"peer_aics_append_per_s", "peer_aics_inclusion_per_s", "peer_aics_consistency_per_s"}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_gives_its_figures(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODELINE_WORKERS", "0")  # fewer processes to start
    run = Run(TINY, tmp_path)
    figures, failed = measure(BENCHMARKS[name], run, CHAPTERS[name])
    assert failed == ""
    assert list(figures) == keys([CHAPTERS[name]])
    missing = {key for key, value in figures.items() if math.isnan(value)}
    assert missing <= PEERS_OF_LATER_PYTHONS
    assert bool(missing) == bool(run.take_notes())
    assert all(value > 0 for key, value in figures.items() if key not in missing)


def test_every_chapter_has_its_benchmark_and_every_figure_one_key() -> None:
    for scale in (FULL, QUICK, TINY):
        chapters = list_chapters(scale)
        assert {chapter.name for chapter in chapters} == set(BENCHMARKS)
        assert len(set(keys(chapters))) == len(keys(chapters))


def test_one_that_fails_is_reported_and_the_rest_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bench.json"

    def broken(run: Run) -> Figures:
        raise OSError("the disk is full")

    def sound(run: Run) -> Figures:
        return {"anchor_evidence_bytes": 4098.4, "anchor_verify_ms": 0.36123}

    def forgetful(run: Run) -> Figures:
        return {"receipts_per_s": 1.0}

    some = {"receipts": broken, "anchor": sound}
    assert run_all(["anchor", "receipts"], TINY, out, benchmarks=some) == 1
    assert "the disk is full" in capsys.readouterr().err
    told = json.loads(out.read_text())
    assert told.pop("about")["notes"] == {"receipts": ["failed: OSError: the disk is full"]}
    assert told == {"anchor_evidence_bytes": 4098.0, "anchor_verify_ms": 0.3612}

    assert run_all(["receipts"], TINY, out, benchmarks={"receipts": forgetful}) == 1
    assert load_results(out).notes["receipts"][0].startswith("failed: AssertionError: other figures than were promised")
    good = {"receipts": lambda run: {"receipts_per_s": 2.0, "receipts_echo_per_s": math.nan}}
    assert run_all(["receipts"], TINY, out, benchmarks=good) == 0
    results = load_results(out)
    assert results.notes == {}
    assert results.figures == {"anchor_evidence_bytes": 4098.0, "anchor_verify_ms": 0.3612, "receipts_per_s": 2.0}


def test_a_benchmark_that_fails_leaves_no_figure_of_an_earlier_run(tmp_path: Path) -> None:
    chapter = Chapter("x", "X", (Figure("a", "A"),))
    figures, failed = measure(lambda run: {"a": 1.0}, Run(TINY, tmp_path), chapter)
    assert (figures, failed) == ({"a": 1.0}, "")
    figures, failed = measure(lambda run: {"b": 1.0}, Run(TINY, tmp_path), chapter)
    assert math.isnan(figures["a"])
    assert failed.startswith("failed: ")


def test_goals() -> None:
    assert Figure("a", "", "≥ 0.6").is_met(0.6)
    assert not Figure("a", "", "≥ 0.6").is_met(0.599)
    assert Figure("a", "", "< 20").is_met(19.99)
    assert not Figure("a", "", "< 20").is_met(20.0)
    assert Figure("a", "", "≤ 65,000").is_met(65_000)
    assert not Figure("a", "", "≤ 65,000").is_met(math.nan)
    assert Figure("a", "").is_met(math.nan)


def test_values_are_shown_with_digits_that_count() -> None:
    shown = [format_value(one) for one in (0.48998, 1.0, 53.76, 999.4, 47_334.2, 0.00031, math.nan)]
    assert shown == ["0.49", "1", "53.8", "999", "47,334", "0.00031", "–"]


def test_records_are_made_once_and_are_the_generators(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path / "records", lambda: Generator(signers=10))
    made = list(islice(Generator(signers=10).records(), 50))
    assert list(corpus.records(20)) == made[:20]
    assert list(corpus.records(50)) == made
    assert list(corpus.records(20)) == made[:20]
    assert list(corpus.submissions(30)) == [jws for _, jws in made[1:31]]
    assert (tmp_path / "records").read_bytes().count(b"\n") == 50


def test_windows_of_growth_are_whole_batches_that_do_not_overlap() -> None:
    assert windows(FULL.sizes, FULL.batch) == [(10_000, 50_000), (100_000, 140_000), (960_000, 1_000_000)]
    assert windows(QUICK.sizes, QUICK.batch) == [(2_000, 6_000), (10_000, 14_000), (46_000, 50_000)]
    assert windows(TINY.sizes, TINY.batch) == [(900, 1_200), (1_500, 1_800), (2_100, 2_400)]
