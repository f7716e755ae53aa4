"""`python -m plausibility train|evaluate`: see `make plausibility`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ledger.encoding import format_json
from ledger.rules.plausibility.model import parse_model
from ledger.rules.plausibility.shipped import MODEL_FILE
from plausibility.evaluate import SEED, WORLDS, evaluate, format_table
from plausibility.frauds import PATTERNS
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
    measured.add_argument("--fraud", action="append", choices=list(PATTERNS), help="only this fraud; may be repeated")
    measured.add_argument("--json", action="store_true", help="print counts and figures as JSON instead of a table")
    page = measured.add_mutually_exclusive_group()
    page.add_argument("--write", action="store_true", help="put the table into docs/plausibility.md")
    page.add_argument("--check", action="store_true", help="exit 1 when the table of docs/plausibility.md differs")
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
    model = parse_model(given.model.read_bytes())
    rows = evaluate(model, seed=given.seed, worlds=given.worlds, frauds=given.fraud or PATTERNS)
    table = format_table(rows)
    print(format_json([row.to_json() for row in rows]).decode() if given.json else table.rstrip())
    path = ROOT / PAGE
    page = path.read_text(encoding="utf-8")
    wanted = insert_table(page, table)
    if given.write:
        path.write_text(wanted, encoding="utf-8")
    elif given.check and page != wanted:
        print(f"{PAGE} has other figures: run `make plausibility`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
