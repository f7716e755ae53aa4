"""`make bench`: every figure of docs/performance.md in one run, as a table and in build/bench.json.

python -m benchmarks            all of it (some minutes)
python -m benchmarks --quick    smaller logs, for a look while working
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import anchor, anchor_gas, audit, bundle, load, provenance, verdict
from benchmarks.generate import Generator
from benchmarks.yardstick import CORES, Signed, Yardstick, measure_batches, signed_parts
from ledger import batch

Figures = dict[str, float]
console = Console()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="logs of 10,000 to 50,000 records instead of 1,000,000")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    given = parser.parse_args()
    sizes = [10_000, 50_000] if given.quick else [10_000, 100_000, 1_000_000]
    figures: Figures = {}
    if batch.native is None:
        console.print("lodeline_native is not here: what follows checks signatures one by one (native/README.md)")
    yardstick = Yardstick(_parts(8_000))
    figures["batch_signature_checks_per_s"] = measure_batches(yardstick.parts)
    _bundle(figures)
    _verdict(figures, blends=1 if given.quick else 5)
    _anchor(figures)
    _load(figures, yardstick, 30_000 if given.quick else 100_000)
    _audit(figures, yardstick, sizes)
    _provenance(figures, sizes[-2:])
    figures["raw_signature_checks_per_s"] = max(yardstick.medians().values())
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({k: float(f"{v:.4g}") for k, v in sorted(figures.items())}, indent=2) + "\n")
    _show(figures, yardstick)


@contextmanager
def _doing(what: str) -> Iterator[None]:
    """Say what is being measured: a plain line, because a moving one would be a thread of its own."""
    console.print(what, style="dim")
    yield


def _parts(count: int) -> list[Signed]:
    generator = Generator()
    owners = [generator.registrar, *generator.miners, *generator.traders, *generator.smelters]
    headers = {one.header: one.key.public for one in owners}
    records = (jws for _, jws in islice(generator.records(), count))
    return [signed_parts(jws, headers[jws[: jws.index(b".") + 1]]) for jws in records]


def _bundle(figures: Figures) -> None:
    with _doing("import, and verification of a bundle"), tempfile.TemporaryDirectory() as folder:
        figures["import_ledger_ms"] = bundle.measure_import("ledger.log.merkle", "ledger.log.note", "ledger.envelope")
        figures["import_verifier_ms"] = bundle.measure_import("ledger.evidence.verify")
        figures["verify_bundle_records"], figures["verify_bundle_200_s"] = bundle.measure_verify(Path(folder))


def _anchor(figures: Figures) -> None:
    with _doing("anchor evidence"):
        figures["anchor_evidence_bytes"], figures["anchor_verify_ms"] = anchor.measure()
    with _doing("gas of anchors, by receipts of a node"):
        gas = anchor_gas.measure()
        figures.update(anchor_gas.figures(gas))
        anchor_gas.show(gas, console)


def _verdict(figures: Figures, blends: int) -> None:
    with _doing("a verdict by all packs on a lot with 200 records"), tempfile.TemporaryDirectory() as folder:
        single = verdict.measure(Path(folder))
    figures["verdict_200_p50_ms"], figures["verdict_200_p95_ms"] = single.p50_ms, single.p95_ms
    figures["verdict_rules"], figures["http_echo_ms"] = single.rules, single.echo_ms
    with _doing(f"verdicts on a portfolio of {blends * verdict.DRUMS} lots"), tempfile.TemporaryDirectory() as folder:
        together = verdict.measure_portfolio(Path(folder), blends=blends)
    figures["portfolio_verdicts_lots"] = together.lots
    figures["portfolio_verdicts_s"] = together.together_s
    figures["portfolio_single_verdict_ms"] = together.alone_ms
    figures["portfolio_verdicts_speedup"] = together.speedup


def _load(figures: Figures, yardstick: Yardstick, count: int) -> None:
    generator = Generator()
    records = [jws for _, jws in generator.register()]
    records += [jws for _, jws in islice(generator.stories(), count - len(records))]
    with _doing(f"batch ingest of {count} records"), tempfile.TemporaryDirectory() as folder:
        ingest = load.measure_batches(Path(folder), records, yardstick, native=True)
    with _doing("the same, signatures one by one"), tempfile.TemporaryDirectory() as folder:
        singly = load.measure_batches(Path(folder), records, yardstick, native=False)
    figures["batch_ingest_singly_ratio"] = singly.per_s / singly.raw
    figures["batch_ingest_per_s"] = ingest.per_s
    figures["batch_ingest_ratio"] = ingest.per_s / ingest.raw
    figures["stored_bytes_ratio"] = ingest.stored
    register, singles = load.single_records(count // 4)
    with _doing("single records at 64 connections"), tempfile.TemporaryDirectory() as folder:
        single = load.measure_single(Path(folder), register, singles)
    figures["single_post_per_s"], figures["single_post_p99_ms"] = single.per_s, single.p99_ms
    figures["single_post_p50_ms"] = single.p50_ms


def _audit(figures: Figures, yardstick: Yardstick, sizes: list[int]) -> None:
    cost: dict[int, float] = {}
    for size in sizes:
        with _doing(f"audit of {size} records"), tempfile.TemporaryDirectory() as folder:
            done, singly = audit.measure(Path(folder), size, yardstick, rounds=1 if size >= 1_000_000 else 3)
        cost[size] = done.raw / done.per_s
        figures[f"audit_{size}_per_s"] = done.per_s
        figures[f"audit_{size}_ratio"] = done.per_s / done.raw
        figures[f"audit_{size}_singly_ratio"] = singly.per_s / singly.raw
    figures["audit_ratio"] = figures[f"audit_{sizes[1]}_ratio"]
    figures["audit_cost_growth"] = cost[sizes[-1]] / cost[sizes[0]]


def _provenance(figures: Figures, sizes: list[int]) -> None:
    with _doing(f"origins in graphs of {sizes} records"), tempfile.TemporaryDirectory() as folder:
        stores = {size: provenance.build(Path(folder), size) for size in sizes}
        small, large = provenance.measure(stores)
        portfolio = provenance.measure_portfolio(stores[sizes[-1]], sizes[-1])
        for store in stores.values():
            store.close()
    figures["provenance_ancestors"] = large.ancestors
    figures["provenance_5000_ms"] = large.origins_ms
    figures["provenance_closure_ms"] = large.closure_ms
    figures["provenance_growth"] = large.per_ancestor / small.per_ancestor
    figures["portfolio_speedup"] = portfolio.speedup
    figures["portfolio_1000_s"] = portfolio.together_s


def _show(figures: Figures, yardstick: Yardstick) -> None:
    table = Table(title=f"Lodeline on {CORES} cores, Python {platform.python_version()}")
    for column in ("figure", "value", "goal"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, rate in yardstick.medians().items():
        table.add_row(f"yardstick: raw Ed25519 checks per second, all cores, {name}", f"{rate:,.0f}", "")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.4g}" if value < 10_000 else f"{value:,.0f}", _GOALS.get(name, ""))
    console.print(table)


_GOALS = {
    "audit_ratio": ">= 0.6",
    "audit_cost_growth": "flat",
    "batch_ingest_ratio": ">= 0.4",
    "single_post_per_s": ">= 2,500",
    "single_post_p99_ms": "< 60",
    "verify_bundle_200_s": "< 1",
    "import_ledger_ms": "< 150",
    "anchor_evidence_bytes": "<= 5,000",
    "anchor_verify_ms": "< 2",
    "anchor_gas_2_20": "<= 65,000",
    "stored_bytes_ratio": "<= 2.5",
    "provenance_5000_ms": "< 50",
    "provenance_growth": "flat",
    "portfolio_speedup": ">= 10",
    "verdict_200_p50_ms": "< 50",
    "portfolio_verdicts_speedup": ">= 10",
}

if __name__ == "__main__":
    main()
