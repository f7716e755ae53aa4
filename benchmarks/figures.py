"""Every figure: its key in build/bench.json, what it means, and its goal. Page and table are made from these."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from benchmarks.run import FULL, Scale
from benchmarks.server import KINDS, USUAL

_SIGNS = {"≥": operator.ge, "≤": operator.le, "<": operator.lt}


class Figure(NamedTuple):
    """goal: a sign, a space and a number, or "" where there is none."""

    key: str
    meaning: str
    goal: str = ""

    def is_met(self, value: float) -> bool:
        """Whether the value reaches the goal; every value does where there is none, a figure not taken does not."""
        if not self.goal:
            return True
        sign, _, number = self.goal.partition(" ")
        return not math.isnan(value) and bool(_SIGNS[sign](value, float(number.replace(",", ""))))


class Chapter(NamedTuple):
    """What one benchmark measures. name: by which it is asked for; title: on the page; usual: whether it is part of a
    whole run, or takes too long for that."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    usual: bool = True


def list_chapters(scale: Scale = FULL) -> list[Chapter]:
    """All figures of a run of this scale, in the order of the page."""
    return [
        Chapter("signatures", "Yardsticks: signatures", _SIGNATURES),
        Chapter("audit", "Audit", tuple(_audit(scale))),
        Chapter("ingest", "Batch ingest", tuple(_ingest(scale))),
        Chapter("single", "Single records", tuple(_single(scale))),
        Chapter("commits", "One record per commit", tuple(_commits(scale))),
        Chapter("receipts", "Receipts", _RECEIPTS),
        Chapter("growth", "As the log grows", tuple(_growth(scale))),
        Chapter("provenance", "Provenance", _PROVENANCE),
        Chapter("provenance-large", f"Provenance in a graph of {scale.vast:,} lots", tuple(_vast(scale)), usual=False),
        Chapter("verdict", "Verdicts", _VERDICT),
        Chapter("portfolio", "Portfolios", _PORTFOLIO),
        Chapter("bundle", "What a buyer runs", _BUNDLE),
        Chapter("trees", "Merkle trees, and those of other packages", _TREES),
        Chapter("anchor", "Anchors", _ANCHOR),
        Chapter("gas", "Gas of anchors", _GAS),
    ]


def keys(chapters: Iterable[Chapter]) -> list[str]:
    """Of all their figures."""
    return [figure.key for chapter in chapters for figure in chapter.figures]


_SIGNATURES = (
    Figure(
        "raw_signature_checks_per_s",
        "Ed25519 checks of the same records by the fastest library that follows the ledger's rule (PyNaCl), all cores",
    ),
    Figure("raw_signature_checks_core_per_s", "the same per second of processor time: what one core can do"),
    Figure("raw_signature_checks_cryptography_per_s", "the same by `cryptography`, all cores"),
    Figure("batch_signature_checks_per_s", "the same signatures with the batch check (`native/`), 1,024 at once"),
)


def _audit(scale: Scale) -> Iterator[Figure]:
    small, middle, large = scale.sizes
    yield Figure(
        "audit_ratio", f"audit of {middle:,} records, everything checked, to raw checks on all cores", "≥ 0.85"
    )
    for size in scale.sizes:
        yield Figure(f"audit_{size}_per_s", f"records per second, of {size:,}, with a process per core")
        yield Figure(f"audit_{size}_ratio", "the same to raw checks on all cores")
        yield Figure(f"audit_{size}_singly_ratio", "the same without the batch check")
    for jobs in (1, 2):
        yield Figure(f"audit_jobs_{jobs}_per_s", f"{middle:,} records with `--jobs {jobs}`")
        yield Figure(f"audit_jobs_{jobs}_ratio", "the same to raw checks on all cores")
    yield Figure("audit_cost_growth", f"cost per record at {large:,} records to that at {small:,}", "≤ 1.15")
    for size in scale.sizes:
        yield Figure(f"audit_{size}_mb", f"most memory of `lodeline audit` at {size:,} records, all processes, in MB")


def _ingest(scale: Scale) -> Iterator[Figure]:
    for kind in KINDS if scale.whole else (USUAL,):
        goal = "≥ 0.6" if kind.workers == 1 else ""
        key = f"batch_ingest{kind.suffix}"
        yield Figure(f"{key}_per_s", f"{kind.text}: records per second over HTTP, durable and fully checked")
        yield Figure(f"{key}_ratio", "the same to raw checks on all cores", goal)
    yield Figure("stored_bytes_ratio", "everything kept on disk to the bytes of the entries, SQLite", "≤ 2.5")
    yield Figure("sqlite_bytes_per_record", f"bytes on disk per record of {scale.ingest:,}")
    if scale.whole:
        yield Figure("postgres_bytes_per_record", "the same with PostgreSQL, without its write-ahead log")
        yield Figure(
            "batch_ingest_singly_ratio", "SQLite, 1 worker, without the batch check, to raw checks on all cores"
        )


def _single(scale: Scale) -> Iterator[Figure]:
    for kind in KINDS if scale.whole else (USUAL,):
        usual = kind == USUAL
        yield Figure(f"single_post{kind.suffix}_per_s", f"{kind.text}: single POSTs per second at 64 connections")
        if usual:
            yield Figure("single_post_p50_ms", "their median, in ms")
        yield Figure(f"single_post{kind.suffix}_p99_ms", "their 99th percentile, in ms", "< 20" if usual else "")
    yield Figure("single_post_core_per_s", "POSTs per second of the server's processor time, SQLite, 1 worker")
    yield Figure("single_post_core_ratio", "the same to raw checks on one core, measured before and after", "≥ 0.3")
    yield Figure("http_echo_per_s", "the same requests to a server that only sends back what came, in the same way")
    yield Figure("http_echo_core_per_s", "the same per second of its processor time")
    yield Figure("http_echo_p99_ms", "its 99th percentile, in ms")


def _commits(scale: Scale) -> Iterator[Figure]:
    yield Figure(
        "raw_commits_per_s", "yardstick: appends of 1,000 bytes to a file, each flushed (`fdatasync`), per second"
    )
    yield Figure("single_commit_per_s", "records per second with one record per commit: rules, rows, tree, signed head")
    yield Figure("single_commit_ratio", "the same to the yardstick, SQLite", "≥ 0.7")
    if scale.whole:
        yield Figure("single_commit_postgres_ratio", "the same with PostgreSQL")


_RECEIPTS = (
    Figure("receipts_per_s", "fresh receipts per second at 64 connections, of records all over the log"),
    Figure("receipts_echo_per_s", "yardstick: `GET /healthz` of the same server in the same way"),
)


def _growth(scale: Scale) -> Iterator[Figure]:
    small, _, large = scale.sizes
    for size in scale.sizes:
        yield Figure(f"ingest_{size}_ratio", f"batch ingest at {size:,} records, to raw checks on all cores")
        yield Figure(f"ingest_{size}_cpu_us", "processor time of the service per record, in µs")
    yield Figure("ingest_cost_growth", f"that time at {large:,} records to that at {small:,}", "≤ 1.15")
    for size in scale.sizes:
        yield Figure(f"query_{size}_receipt_ms", f"a receipt at {size:,} records, alone on a connection: median, in ms")
        yield Figure(f"query_{size}_lot_ms", "a lot and how it stands, the same way")
        yield Figure(f"query_{size}_provenance_ms", "its provenance, 6 records upstream, the same way")
        yield Figure(f"query_{size}_echo_ms", "yardstick: `GET /healthz` the same way")
    yield Figure("query_cost_growth", f"the three together, in echoes, at {large:,} records to {small:,}", "≤ 1.15")
    for size in scale.sizes:
        yield Figure(f"service_{size}_mb", f"most memory of the service until {size:,} records, all processes, in MB")
    yield Figure(f"bytes_per_record_{large}", f"bytes on disk per record of {large:,}, SQLite")


_PROVENANCE = (
    Figure("provenance_ancestors", "lots upstream of the lots asked for in the next figures"),
    Figure(
        "provenance_5000_ms",
        "shares of origin by site, country, subdivision and facility, from a database with 1,000,000 records",
        "< 50",
    ),
    Figure("provenance_5000_rows_ms", "the same from the rows, without the arrays beside the database"),
    Figure("provenance_closure_ms", "yardstick: the recursive query alone, which only says which lots those are"),
    Figure("provenance_growth", "cost per lot upstream to that in a graph of 100,000 records", "≤ 1.15"),
    Figure("provenance_36000_ms", "the same shares of a lot with `provenance_36000_ancestors` lots upstream", "< 60"),
    Figure("provenance_36000_rows_ms", "the same from the rows"),
    Figure("provenance_36000_ancestors", "lots upstream of those"),
    Figure("provenance_36000_closure_ms", "yardstick: their recursive query alone"),
)


def _vast(scale: Scale) -> Iterator[Figure]:
    key = f"provenance_{scale.vast}"
    yield Figure(f"{key}_ms", f"shares of origin of a lot with `{key}_ancestors` lots upstream", "< 60")
    yield Figure(f"{key}_rows_ms", "the same from the rows")
    yield Figure(f"{key}_ancestors", "lots upstream of those")
    yield Figure(f"{key}_closure_ms", "yardstick: their recursive query alone")


_VERDICT = (
    Figure(
        "verdict_200_p50_ms",
        "a verdict by all packs on a lot with 200 records upstream, over HTTP, signed and stored; every lot another",
        "< 50",
    ),
    Figure("verdict_200_p95_ms", "its 95th percentile, in ms"),
    Figure("verdict_rules", "findings in it"),
    Figure("http_echo_ms", "yardstick: `GET /healthz` on a connection of its own"),
)

_PORTFOLIO = (
    Figure("portfolio_verdicts_speedup", "verdicts on drums, one by one to `POST /v1/portfolios`", "≥ 10"),
    Figure("portfolio_verdicts_lots", "drums, from five blends"),
    Figure("portfolio_verdicts_s", "all together, in s"),
    Figure("portfolio_single_verdict_ms", "yardstick: mean of single verdicts on some of them, before and after"),
)

_BUNDLE = (
    Figure("verify_bundle_200_s", "`lodeline verify` of a bundle with 200 records, start-up included", "< 1"),
    Figure("verify_bundle_records", "records in it"),
    Figure("import_ledger_ms", "`import ledger` with `log.merkle`, `log.note`, `envelope`, in a new process", "< 150"),
    Figure("import_verifier_ms", "the same with `evidence.verify`, which brings the schemas"),
)

_TREES = (
    Figure("merkle_hashing_per_s", "yardstick: one leaf of 900 bytes and one node hashed per entry, nothing else"),
    Figure("merkle_append_per_s", "entries per second appended by `ledger.log`, 1,024 at once, with all tiles"),
    Figure("merkle_inclusion_per_s", "inclusion proofs per second from these tiles, at 131,072 entries"),
    Figure("merkle_consistency_per_s", "consistency proofs"),
    Figure("peer_pymerkle_append_per_s", "`pymerkle` 7: entries per second into its tree in memory"),
    Figure("peer_pymerkle_inclusion_per_s", "its inclusion proofs"),
    Figure("peer_pymerkle_consistency_per_s", "its consistency proofs, which are not in the form of RFC 6962"),
    Figure("peer_aics_append_per_s", "`aics-tlog`: entries per second into its tree in memory, and its root"),
    Figure("peer_aics_inclusion_per_s", "its inclusion proofs"),
    Figure("peer_aics_consistency_per_s", "its consistency proofs"),
)

_ANCHOR = (
    Figure("anchor_evidence_bytes", "evidence of an anchor, from a chain with 4,096 accounts", "≤ 5,000"),
    Figure("anchor_verify_ms", "reading and checking it offline", "< 2"),
)

_GAS = (
    Figure(
        "anchor_gas_2_20", "dearest strict anchor to a tree of 2^20 entries, by receipt on cancun rules", "≤ 65,000"
    ),
    Figure("anchor_idle_calls", "calls to the node in a tick of the anchor worker with nothing to do", "≤ 3"),
    Figure("anchor_gas_deploy", "deploying `LogAnchor`"),
    Figure("anchor_gas_first", "the first anchor of a log"),
    Figure("anchor_gwei_per_record_1000", "an anchor an hour at 20 gwei, per record of 1,000 a day, in gwei"),
    Figure("anchor_gwei_per_record_100000", "of 100,000 a day"),
    Figure("anchor_gwei_per_record_10000000", "of 10,000,000 a day"),
)


def format_value(value: float) -> str:
    """Three digits that count, more for large numbers; a dash for what was not taken."""
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{float(f'{value:.3g}'):g}"
