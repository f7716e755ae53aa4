"""Verdicts for people and files: asked of a service, judged from a bundle, read from a file, shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import typer

from clients.cli.claims import MAX_FILE, read_pack_files
from clients.cli.output import clean, console, mark, show_json, show_table
from clients.sdk.errors import LocalError
from clients.sdk.files import read_limited, write_atomic

ORDER = ("fail", "red_flag", "insufficient_evidence", "pass")
"""Outcomes as people are shown them, worst first; what does not apply is counted."""


class Told(NamedTuple):
    """A verdict, and the bytes of it (of its envelope, when it is signed)."""

    verdict: Mapping[str, Any]
    content: bytes
    signed: bool


def ask_service(question: dict[str, Any], pack_files: list[Path], bundle: Path | None) -> Told:
    """The service's signed verdict, its signature checked against the pinned log; with the evidence, if asked for."""
    from clients.cli.home import Home

    if pack_files:
        question = {**question, "packs": [pack.data.decode("utf-8") for pack in read_pack_files(pack_files)]}
    home = Home()
    with home.client() as client:
        content = client.claim(question)
        signed = client.view.open_verdict(content)
        if bundle is not None:
            write_atomic(bundle, client.bundle(question["claim"]["subject"], verdicts=[signed.id]))
    return Told(signed.verdict, content, True)


def judge_bundle(
    question: dict[str, Any],
    path: Path,
    pack_files: list[Path],
    references: list[str],
    *,
    log_key: str,
    trust: Path | None,
) -> Told:
    """A verdict from a bundle that was verified first; LocalError when it was not. Nobody signs it."""
    from clients.cli.verify import load_trust
    from clients.cli.words import parse_when
    from ledger.encoding import format_json
    from ledger.evidence.bundle import parse_bundle
    from ledger.evidence.judging import evidence_of, judge
    from ledger.evidence.verify import verify_bundle
    from ledger.rules.claim import parse_claim
    from ledger.rules.pack import index_packs
    from ledger.rules.packs import read_packs
    from ledger.rules.reference.snapshot import References
    from ledger.rules.verdict import format_verdict

    content = read_limited(path, MAX_FILE)
    claim = parse_claim(question["claim"])
    own = read_pack_files(pack_files)
    known = References(read_references(references))
    report = verify_bundle(content, load_trust(log_key, trust), datetime.now(UTC), packs=own, references=known)
    broken = [one for one in report.findings if one.check != "verdicts"]
    if broken or report.checkpoint is None:
        raise LocalError(f"{path} does not verify, so nothing is judged from it: see `lodeline verify {path}`.")
    now = parse_when("")
    judgement = judge(
        claim,
        evidence_of(parse_bundle(content)),
        index_packs([*read_packs().values(), *own]),
        known,
        valid_as_of=parse_when(question.get("valid_as_of", now), "--as-of", end_of_day=True),
        known_as_of=parse_when(question.get("known_as_of", now), "--known-as-of", end_of_day=True),
    )
    verdict = format_verdict(judgement, report.checkpoint)
    return Told(verdict, format_json(verdict), False)


def read_references(words: list[str]) -> list[Any]:
    """`DATASET:DATE:FILE` words as snapshots."""
    from ledger.rules.reference.snapshot import parse_snapshot

    found = []
    for word in words:
        dataset, _, rest = word.partition(":")
        published, colon, path = rest.partition(":")
        if not (dataset and colon and path):
            raise typer.BadParameter(
                f"{word!r} is not DATASET:DATE:FILE: write un_sanctions:2026-11-20:consolidated.xml.",
                param_hint="--reference",
            )
        raw = read_limited(Path(path), MAX_FILE)
        found.append(parse_snapshot(dataset, raw, published=published, source=Path(path).name))
    return found


def read_told(content: bytes) -> Told:
    """A verdict, signed or not, from bytes."""
    from ledger.encoding import format_json
    from ledger.errors import EncodingError, VerdictError
    from ledger.rules.verdict_form import check_verdict

    try:
        value = orjson.loads(content)
        format_json(value)  # numbers and texts as verdicts have them
        signed = isinstance(value, dict) and "verdict" in value
        return Told(check_verdict(value["verdict"] if signed else value), content, signed)
    except (ValueError, RecursionError) as error:
        raise LocalError("This is not a verdict: a JSON file from `lodeline claim` is expected.") from error
    except (EncodingError, VerdictError) as error:
        raise LocalError(f"A JSON file from `lodeline claim` is expected: {error.message}") from error


def write_documents(told: Told, html: Path | None, pdf: Path | None) -> None:
    """The verdict for people, as far as asked for."""
    from ledger.rules.documents import format_html, format_pdf
    from ledger.rules.packs import read_packs

    if html is not None:
        write_atomic(html, format_html(told.verdict, read_packs().values(), signed=told.signed).encode())
    if pdf is not None:
        write_atomic(pdf, format_pdf(told.verdict, read_packs().values(), signed=told.signed))


def show_verdict(told: Told, out: Path | None, *, as_json: bool) -> None:
    """The answer, both dates, and the findings, worst first; as JSON exactly what was given."""
    verdict = told.verdict
    if out is not None:
        write_atomic(out, told.content)
    if as_json:
        show_json(json.loads(told.content))
        return
    screen = console()
    claim = verdict["claim"]
    terms = ", ".join(f"{name} {value}" for name, value in claim["terms"].items())
    screen.print(
        f"{clean(claim['type'])} of [bold]{clean(claim['subject'])}[/] {clean(terms)}: {mark(verdict['answer'])}"
    )
    screen.print(
        f"valid as of {clean(verdict['valid_as_of'])}, known as of {clean(verdict['known_as_of'])}, "
        f"log of {clean(verdict['log']['size'])} records ({clean(verdict['log']['origin'])})"
    )
    rows = []
    for outcome in ORDER:
        for one in verdict["findings"]:
            if one["outcome"] == outcome:
                missing = "; ".join(f"{gap['what']} ({', '.join(gap['who'])})" for gap in one.get("missing", ()))
                note = f" Missing: {missing}." if missing else ""
                rows.append([one["rule"], outcome, one["severity"], one.get("grade", ""), one["sentence"] + note])
    show_table("", ["rule", "outcome", "severity", "grade", "finding"], rows)
    counts = verdict["counts"]
    screen.print(f"{counts['not_applicable']} rules do not apply.", style="dim")
    screen.print(
        f"{'Signed' if told.signed else 'Not signed'}; written to {clean(out)}." if out else "", end="\n" if out else ""
    )
