"""`python -m plausibility train|evaluate`: see `make plausibility`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ledger.encoding import format_json
from ledger.rules.plausibility.model import parse_model
from ledger.rules.plausibility.shipped import MODEL_FILE
from plausibility.evaluate import SEED, WORLDS, evaluate, format_table
from plausibility.page import PAGE, insert_table

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "ledger" / "rules" / "plausibility" / MODEL_FILE


def main(words: list[str] | None = None) -> int:
    """Read the command line and do it; 1 when a check does not hold."""
    parser = argparse.ArgumentParser(prog="plausibility", description="The anomaly model: train it, measure it.")
    commands = parser.add_subparsers(dest="command", required=True)
    trained = commands.add_parser("train", help="train the model and write it into the package")
    trained.add_argument("--check", action="store_true", help="write nothing; exit 1 when the shipped model differs")
    measured = commands.add_parser("evaluate", help="precision and recall per fraud on worlds never seen")
    measured.add_argument("--model", type=Path, default=MODEL, help="model file (default: the shipped one)")
    measured.add_argument("--seed", default=SEED, help="another seed, other worlds")
    measured.add_argument("--worlds", type=int, default=WORLDS, help=f"worlds per fraud (default: {WORLDS})")
    shape = measured.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="figures as JSON instead of a table")
    shape.add_argument("--write", action="store_true", help="put the table into docs/plausibility.md too")
    given = parser.parse_args(words)
    return _train(check=given.check) if given.command == "train" else _evaluate(given)


def _train(*, check: bool) -> int:
    from plausibility.train import train  # needs scikit-learn, which `evaluate` does not

    data = train()
    if not check:
        MODEL.write_bytes(data)
        print(f"{MODEL.relative_to(ROOT)}: {len(data)} bytes, digest {parse_model(data).digest}")
        return 0
    if MODEL.read_bytes() == data:
        return 0
    print(f"{MODEL.relative_to(ROOT)} is not what training gives: run `make plausibility`", file=sys.stderr)
    return 1


def _evaluate(given: argparse.Namespace) -> int:
    rows = evaluate(parse_model(given.model.read_bytes()), seed=given.seed, worlds=given.worlds)
    if given.json:
        print(format_json([row.to_json() for row in rows]).decode())
        return 0
    table = format_table(rows)
    print(table, end="")
    if given.write:
        page = ROOT / PAGE
        page.write_text(insert_table(page.read_text(encoding="utf-8"), table), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
