"""The plot of docs/performance.md, in the environment of `benchmarks/bench.lock`: it knows nothing of the ledger.

python draw.py RESULTS.json OUT.svg    the same results give the same bytes
"""

import json
import re
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update(
    {
        "svg.hashsalt": "lodeline",
        "svg.fonttype": "none",  # letters stay letters: small, and readers can search them
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.6,
    }
)
from matplotlib import pyplot as plt  # noqa: E402  after the settings

INK, DONE, MISSED, SOFT = "#333333", "#2a6f97", "#bc4b51", "#7d9bb0"
RATIOS = (  # key, words, goal
    ("audit_1000000_ratio", "audit, 1,000,000 records", 0.85),
    ("audit_ratio", "audit, 100,000 records", 0.85),
    ("batch_ingest_ratio", "batch ingest, SQLite", 0.6),
    ("batch_ingest_workers_2_ratio", "batch ingest, SQLite, 2 workers", None),
    ("batch_ingest_postgres_ratio", "batch ingest, PostgreSQL", 0.6),
    ("batch_ingest_postgres_workers_2_ratio", "batch ingest, PostgreSQL, 2 workers", None),
    ("single_post_core_ratio", "single POST, per core", 0.3),
    ("single_commit_ratio", "one record per commit, of 1/fsync", 0.7),
)
GROWTH = (  # words, how the cost at a size is read from the figures
    ("audit", "o-", lambda told, size: 1 / told[f"audit_{size}_ratio"]),
    ("batch ingest", "s-", lambda told, size: told[f"ingest_{size}_cpu_us"]),
    (
        "receipt, lot and provenance",
        "^-",
        lambda told, size: (
            sum(told[f"query_{size}_{name}_ms"] for name in ("receipt", "lot", "provenance"))
            / told[f"query_{size}_echo_ms"]
        ),
    ),
)
MEMORY = (("lodeline audit", "o-", "audit_{}_mb"), ("service", "s-", "service_{}_mb"))


def draw_ratios(axes, told):
    """Bars against the yardstick, with the goal as a line."""
    bars = [(words, told[key], goal) for key, words, goal in RATIOS if key in told][::-1]
    for place, (_, value, goal) in enumerate(bars):
        color = SOFT if goal is None else DONE if value >= goal else MISSED
        axes.barh(place, value, color=color, height=0.6)
        axes.text(value - 0.01, place, f"{value:.2f}", va="center", ha="right", color="white")
        if goal is not None:
            axes.plot([goal, goal], [place - 0.4, place + 0.4], color=INK, linewidth=1.6)
    axes.set_yticks(range(len(bars)), [words for words, _, _ in bars])
    axes.set_xlim(0, max(1.1, 1.12 * max((value for _, value, _ in bars), default=1)))
    axes.set_title("Rate to its yardstick; the line is the goal", loc="left")
    axes.grid(axis="y", visible=False)


def draw_growth(axes, told, sizes):
    """Cost per record, to that of the smallest log."""
    for words, style, read in GROWTH:
        try:
            costs = [read(told, size) for size in sizes]
        except KeyError:
            continue
        axes.plot(sizes, [cost / costs[0] for cost in costs], style, label=words, markersize=4)
    axes.axhline(1.15, color=INK, linewidth=1.2, linestyle="--")
    axes.text(sizes[-1], 1.17, "goal", ha="right", va="bottom", color=INK)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("records in the log")
    axes.set_title(f"Cost to that at {sizes[0]:,} records", loc="left")
    show_legend(axes, "lower left")


def show_legend(axes, place):
    """If anything was drawn."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc=place)


def draw_memory(axes, told, sizes):
    """The most memory, against the length of the log."""
    for words, style, key in MEMORY:
        if all(key.format(size) in told for size in sizes):
            axes.plot(sizes, [told[key.format(size)] for size in sizes], style, label=words, markersize=4)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("records in the log")
    axes.set_title("Most memory, all processes, in MB", loc="left")
    show_legend(axes, "lower right")


def main():
    """Command line."""
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        told = json.load(file)
    sizes = sorted(int(key.split("_")[1]) for key in told if re.fullmatch(r"ingest_\d+_cpu_us", key))
    figure, axes = plt.subplot_mosaic([["ratios", "ratios"], ["growth", "memory"]], figsize=(9, 6.4))
    draw_ratios(axes["ratios"], told)
    draw_growth(axes["growth"], told, sizes or [1])
    draw_memory(axes["memory"], told, sizes or [1])
    figure.tight_layout()
    figure.savefig(target, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))


if __name__ == "__main__":
    main()
