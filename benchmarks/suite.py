"""The benchmarks by name. Each returns the figures that `benchmarks.figures` lists for it, no more and no fewer."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import (
    anchor,
    anchor_gas,
    anchor_ticks,
    audit,
    bundle,
    commits,
    echo,
    growth,
    load,
    provenance,
    trees,
    verdict,
)
from benchmarks.environment import program
from benchmarks.run import Figures, Run
from benchmarks.server import KINDS, USUAL, Kind, takes_workers
from benchmarks.yardstick import measure_batches, measure_core
from ledger import batch


def signatures(run: Run) -> Figures:
    """The yardstick, at the end of everything the median of all that was taken."""
    for _ in range(run.scale.rounds):
        run.yardstick.take()
    rates = run.yardstick.medians()
    if batch.native is None:
        run.notes.append("lodeline_native is not here: signatures are checked one by one (native/README.md)")
    return {
        "raw_signature_checks_per_s": max(rates.values()),
        "raw_signature_checks_cryptography_per_s": rates["cryptography"],
        "raw_signature_checks_core_per_s": measure_core(run.yardstick.parts),
        "batch_signature_checks_per_s": measure_batches(run.yardstick.parts),
    }


def audits(run: Run) -> Figures:
    """Three sizes; jobs at the middle one."""
    figures: Figures = {}
    small, middle, large = run.scale.sizes
    cost = {}
    for size in run.scale.sizes:
        run.say(f"audit of {size:,} records")
        rounds, jobs = (1 if size >= 1_000_000 else run.scale.rounds), ((1, 2) if size == middle else ())
        with run.temporary() as folder:
            done = audit.measure(Path(folder), run.corpus.records(size), run.yardstick, rounds, jobs)
            figures[f"audit_{size}_mb"] = audit.measure_memory(Path(folder)).together
        cost[size] = done.together.raw / done.together.per_s
        figures[f"audit_{size}_per_s"] = done.together.per_s
        figures[f"audit_{size}_ratio"] = done.together.ratio
        figures[f"audit_{size}_singly_ratio"] = done.singly.ratio
        for n, one in done.jobs.items():
            figures[f"audit_jobs_{n}_per_s"], figures[f"audit_jobs_{n}_ratio"] = one.per_s, one.ratio
    figures["audit_ratio"] = figures[f"audit_{middle}_ratio"]
    figures["audit_cost_growth"] = cost[large] / cost[small]
    return figures


def ingest(run: Run) -> Figures:
    """Every kind of ledger; the usual one without the extension, too."""
    sent = load.streams(run.scale.ingest, run.scale.signers)

    def measure(kind: Kind, native: bool = True) -> load.Ingest:
        run.say(
            f"batch ingest of {run.scale.ingest:,} records: {kind.text}{'' if native else ', signatures one by one'}"
        )
        with run.temporary() as folder:
            return load.measure_batches(
                Path(folder), sent, run.yardstick, batch=run.scale.batch, kind=kind, native=native
            )

    def measure_kind(kind: Kind) -> Figures:
        done = measure(kind)
        figures = {f"batch_ingest{kind.suffix}_per_s": done.per_s, f"batch_ingest{kind.suffix}_ratio": done.ratio}
        if kind == USUAL:
            figures |= {"stored_bytes_ratio": done.stored, "sqlite_bytes_per_record": done.bytes}
        return figures | ({"postgres_bytes_per_record": done.bytes} if kind == POSTGRES else {})

    figures = _each_kind(
        run,
        measure_kind,
        {
            kind: [f"batch_ingest{kind.suffix}_{name}" for name in ("per_s", "ratio")] + _STORED.get(kind, [])
            for kind in (KINDS if run.scale.whole else (USUAL,))
        },
    )
    if run.scale.whole:
        singly = "batch_ingest_singly_ratio"
        figures |= run.attempt([singly], lambda: {singly: measure(USUAL, native=False).ratio})
    return figures


POSTGRES = Kind(postgres=True)
_STORED = {USUAL: ["stored_bytes_ratio", "sqlite_bytes_per_record"], POSTGRES: ["postgres_bytes_per_record"]}


def _each_kind(run: Run, measure: Callable[[Kind], Figures], keys: Mapping[Kind, Sequence[str]]) -> Figures:
    """What is measured on each kind of ledger. keys: of its figures, for when one cannot be had, or fails."""
    figures: Figures = {}
    for kind, wanted in keys.items():
        if kind.workers > 1 and not takes_workers():
            figures |= run.lack("`lodeline-server serve` has no option --workers", *wanted)
        else:
            figures |= run.attempt(wanted, partial(measure, kind))
    return figures


def singles(run: Run) -> Figures:
    """Every kind of ledger; the usual one beside one core's raw checks; and bare HTTP."""
    register, records = load.single_records(run.scale.singles, run.scale.signers)

    def measure(kind: Kind) -> Figures:
        run.say(f"single records at 64 connections: {kind.text}")
        before = measure_core(run.yardstick.parts)
        with run.temporary() as folder:
            done = load.measure_single(Path(folder), register, records, kind)
        figures = {f"single_post{kind.suffix}_per_s": done.per_s, f"single_post{kind.suffix}_p99_ms": done.p99_ms}
        if kind == USUAL:
            core = (before + measure_core(run.yardstick.parts)) / 2
            figures |= {"single_post_p50_ms": done.p50_ms, "single_post_core_per_s": done.per_cpu_s}
            figures["single_post_core_ratio"] = done.per_cpu_s / core
        return figures

    more = {USUAL: [f"single_post_{name}" for name in ("p50_ms", "core_per_s", "core_ratio")]}
    figures = _each_kind(
        run,
        measure,
        {
            kind: [f"single_post{kind.suffix}_{name}" for name in ("per_s", "p99_ms")] + more.get(kind, [])
            for kind in (KINDS if run.scale.whole else (USUAL,))
        },
    )
    bare = echo.measure(records)
    echoes = {"http_echo_per_s": bare.per_s, "http_echo_core_per_s": bare.per_cpu_s, "http_echo_p99_ms": bare.p99_ms}
    return figures | echoes


def one_by_one(run: Run) -> Figures:
    """One record per commit."""
    register, records = load.single_records(run.scale.commits, run.scale.signers)

    def measure(kind: Kind) -> Figures:
        run.say(f"one record per commit: {kind.text}")
        with run.temporary() as folder:
            done = commits.measure(Path(folder), register, records, kind)
        figures = {f"single_commit{kind.suffix}_ratio": done.per_s / done.raw}
        return figures | ({"raw_commits_per_s": done.raw, "single_commit_per_s": done.per_s} if kind == USUAL else {})

    keys = {USUAL: ["raw_commits_per_s", "single_commit_per_s", "single_commit_ratio"]}
    if run.scale.whole:
        keys[POSTGRES] = ["single_commit_postgres_ratio"]
    return _each_kind(run, measure, keys)


def receipts(run: Run) -> Figures:
    """Receipts per second."""
    with run.temporary() as folder:
        done = growth.measure_receipts(Path(folder), run)
    return {"receipts_per_s": done.per_s, "receipts_echo_per_s": done.echo_per_s}


def growing(run: Run) -> Figures:
    """Ingest, questions and memory as one log grows."""
    figures: Figures = {}
    run.say(f"one log that grows to {run.scale.sizes[-1]:,} records")
    with run.temporary() as folder:
        grown, stored = growth.measure(Path(folder), run)
    for one in grown:
        figures[f"ingest_{one.size}_ratio"] = one.per_s / one.raw
        figures[f"ingest_{one.size}_cpu_us"] = one.cpu_us
        figures[f"service_{one.size}_mb"] = one.peak.together
        figures |= {f"query_{one.size}_{name}_ms": value for name, value in one.queries._asdict().items()}
    first, last = grown[0], grown[-1]
    figures["ingest_cost_growth"] = last.cpu_us * last.raw / (first.cpu_us * first.raw)
    figures["query_cost_growth"] = last.queries.cost / first.queries.cost
    figures[f"bytes_per_record_{last.size}"] = stored / last.size
    return figures


def origins(run: Run) -> Figures:
    """Two graphs."""
    small, large = run.scale.graphs
    run.say(f"origins in graphs of {small:,} and {large:,} records")
    with run.temporary() as folder:
        graphs = {size: provenance.build(Path(folder), size) for size in (small, large)}
        rounds = 3 * run.scale.rounds
        few = dict(zip(graphs, provenance.measure(graphs, rounds=rounds), strict=True))
        (many,) = provenance.measure({large: graphs[large]}, ancestors=provenance.MANY, rounds=rounds)
        for graph in graphs.values():
            graph.close()
    return {
        "provenance_ancestors": few[large].ancestors,
        "provenance_5000_ms": few[large].origins_ms,
        "provenance_5000_rows_ms": few[large].rows_ms,
        "provenance_closure_ms": few[large].closure_ms,
        "provenance_growth": few[large].per_ancestor / few[small].per_ancestor,
        "provenance_36000_ms": many.origins_ms,
        "provenance_36000_rows_ms": many.rows_ms,
        "provenance_36000_ancestors": many.ancestors,
        "provenance_36000_closure_ms": many.closure_ms,
    }


def vast_origins(run: Run) -> Figures:
    """A graph that takes a quarter of an hour to make, and 8 GB."""
    size, key = run.scale.vast, f"provenance_{run.scale.vast}"
    run.say(f"origins in a graph of {size:,} records, which takes long to make")
    with run.temporary() as folder:
        graph = provenance.build(Path(folder), size)
        (done,) = provenance.measure({size: graph}, ancestors=provenance.MANY, rounds=3 * run.scale.rounds)
        graph.close()
    figures = {f"{key}_ms": done.origins_ms, f"{key}_rows_ms": done.rows_ms}
    return figures | {f"{key}_ancestors": done.ancestors, f"{key}_closure_ms": done.closure_ms}


def verdicts(run: Run) -> Figures:
    """Single verdicts."""
    run.say(f"verdicts by all packs on lots with {run.scale.bags + 4} records")
    with run.temporary() as folder:
        done = verdict.measure(Path(folder), rounds=run.scale.verdicts, bags=run.scale.bags)
    figures = {"verdict_200_p50_ms": done.p50_ms, "verdict_200_p95_ms": done.p95_ms}
    return figures | {"verdict_rules": done.rules, "http_echo_ms": done.echo_ms}


def portfolios(run: Run) -> Figures:
    """Verdicts on many lots in one request."""
    scale = run.scale
    run.say(f"verdicts on a portfolio of {scale.blends * scale.drums:,} lots")
    with run.temporary() as folder:
        done = verdict.measure_portfolio(Path(folder), blends=scale.blends, bags=scale.bags, drums=scale.drums)
    figures = {"portfolio_verdicts_lots": done.lots, "portfolio_verdicts_s": done.together_s}
    return figures | {"portfolio_single_verdict_ms": done.alone_ms, "portfolio_verdicts_speedup": done.speedup}


def bundles(run: Run) -> Figures:
    """Import, and verification."""
    run.say("import, and verification of a bundle")
    rounds = 2 * run.scale.rounds - 1
    core = ("ledger.log.merkle", "ledger.log.note", "ledger.envelope")
    with run.temporary() as folder:
        records, seconds = bundle.measure_verify(Path(folder), run.scale.bags, rounds)
    return {
        "verify_bundle_200_s": seconds,
        "verify_bundle_records": records,
        "import_ledger_ms": bundle.measure_import(*core, rounds=rounds),
        "import_verifier_ms": bundle.measure_import("ledger.evidence.verify", rounds=rounds),
    }


def merkle(run: Run) -> Figures:
    """Our trees and those of others, which must have the same root."""
    leaves = run.scale.leaves
    run.say(f"trees of {leaves:,} entries")
    hashing = statistics.median(trees.measure_hashing(leaves) for _ in range(3))
    ours = trees.measure_ledger(leaves)
    figures = {"merkle_hashing_per_s": hashing}
    figures |= {f"merkle_{name}_per_s": getattr(ours, name) for name in _TREE}
    for name, one in trees.measure_peers(program("python"), leaves).items():
        mine = {f"peer_{name.partition('-')[0]}_{what}_per_s": what for what in _TREE}
        if isinstance(one, str):
            figures |= run.lack(f"{name} is {one}", *mine)
            continue
        if one.root != ours.root:
            raise RuntimeError(f"{name} has another root")
        figures |= {key: getattr(one, what) for key, what in mine.items()}
    return figures


_TREE = ("append", "inclusion", "consistency")


def anchors(run: Run) -> Figures:
    """Evidence of an anchor."""
    run.say("anchor evidence")
    size, ms = anchor.measure()
    return {"anchor_evidence_bytes": size, "anchor_verify_ms": ms}


def gas(run: Run) -> Figures:
    """Of anchors, from a real node."""
    run.say("gas of anchors, by receipts of a node")
    used = anchor_gas.measure()
    if run.scale.whole:
        anchor_gas.show(used, run.console)
    return anchor_gas.figures(used) | {"anchor_idle_calls": anchor_ticks.measure()}


Benchmark = Callable[[Run], Figures]

BENCHMARKS: dict[str, Benchmark] = {
    "bundle": bundles,
    "verdict": verdicts,
    "portfolio": portfolios,
    "anchor": anchors,
    "gas": gas,
    "trees": merkle,
    "commits": one_by_one,
    "single": singles,
    "ingest": ingest,
    "receipts": receipts,
    "growth": growing,
    "audit": audits,
    "provenance": origins,
    "provenance-large": vast_origins,
    "signatures": signatures,
}
"""In the order in which they run: the yardstick is last, since all the others take it."""
