"""`lodeline claim | verdict | risk`: what the rules say of a lot, a site or a participant, online or from a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clients.cli.options import (
    AsJson,
    AsOf,
    ClaimType,
    KnownAsOf,
    PackFiles,
    Packs,
    Parameters,
    ReferenceFiles,
    Terms,
)

if TYPE_CHECKING:
    from ledger.rules.pack import Pack

MAX_FILE = 256 * 1024 * 1024
SUPPORTED = frozenset({"supported", "supported_with_plan"})

Subject = Annotated[str, typer.Argument(help="Lot, site or participant.")]

verdict_app = typer.Typer(add_completion=False, no_args_is_help=True, help="Show verdicts that you were given.")


def claim(
    subject: Subject,
    kind: ClaimType,
    terms: Terms = [],  # noqa: B006
    packs: Packs = [],  # noqa: B006
    pack_files: PackFiles = [],  # noqa: B006
    parameters: Parameters = [],  # noqa: B006
    as_of: AsOf = "",
    known_as_of: KnownAsOf = "",
    offline: Annotated[
        Path | None, typer.Option("--offline", help="Judge from this bundle, without a service.")
    ] = None,
    references: ReferenceFiles = [],  # noqa: B006
    log_key: Annotated[str, typer.Option("--log-key", help="With --offline: vkey of the log that you trust.")] = "",
    trust: Annotated[Path | None, typer.Option("--trust", help="With --offline: trust policy.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the verdict to this file.")] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Fetch the evidence with the verdict in it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have a claim judged: what each rule says, on which evidence, and what is missing.

    Exit code 0 supported, 1 anything else, 2 nothing was decided.

    [bold]Examples[/]
      lodeline claim LOT-7 --claim origin --term country=CD --term share=100
      lodeline claim LOT-7 --claim oecd_aligned --as-of 2026-06-30 --bundle LOT-7.bundle.json
      lodeline claim LOT-7 --claim not_from --term countries=RW,UG --offline LOT-7.bundle.json --log-key KEY
    """
    from clients.cli.output import REFUSED
    from clients.cli.verdicts import ask_service, judge_bundle, show_verdict

    stated = {"subject": subject, **state_claim(kind, terms, packs, pack_files, parameters)}
    question: dict[str, Any] = {"claim": stated, **state_dates(as_of, known_as_of)}
    if offline is not None:
        told = judge_bundle(question, offline, pack_files, references, log_key=log_key, trust=trust)
    else:
        told = ask_service(question, pack_files, bundle)
    show_verdict(told, out, as_json=as_json)
    if told.verdict["answer"] not in SUPPORTED:
        raise typer.Exit(REFUSED)


def state_claim(
    kind: str, terms: list[str], packs: list[str], pack_files: list[Path], parameters: list[str]
) -> dict[str, Any]:
    """A claim about anything, from the options that say it."""
    from clients.cli.words import parse_pairs

    stated: dict[str, Any] = {"type": kind, "terms": parse_terms(parse_pairs(terms, "--term", "country=CD"))}
    if packs or pack_files:
        stated["packs"] = [*packs, *(pack.id for pack in read_pack_files(pack_files))]
    given = parse_pairs(parameters, "--parameter", "yellow_grace_days=90")
    if given:
        stated["parameters"] = {name: _scalar(value) for name, value in given.items()}
    return stated


def state_dates(as_of: str, known_as_of: str) -> dict[str, str]:
    """The two dates of a question, as far as they were given."""
    return {name: day for name, day in (("valid_as_of", as_of), ("known_as_of", known_as_of)) if day}


def parse_terms(given: dict[str, str]) -> dict[str, Any]:
    """Terms as the claim has them: lists at commas for those that are lists, true and false as such."""
    lists = {"countries", "subdivisions", "sites", "parties"}
    words = {"true": True, "false": False}
    return {name: value.split(",") if name in lists else words.get(value, value) for name, value in given.items()}


def _scalar(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.removeprefix("-").isdigit() and text.isascii() else text


def read_pack_files(paths: list[Path]) -> list[Pack]:
    """Rule packs from files."""
    from clients.sdk.files import read_limited
    from ledger.rules.pack import MAX_PACK_BYTES, parse_pack

    return [parse_pack(read_limited(path, MAX_PACK_BYTES)) for path in paths]


@verdict_app.command("list")
def list_verdicts(
    subject: Annotated[str, typer.Option("--subject", help="Only about this lot, site or participant.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the verdicts that you asked for, newest first."""
    from clients.cli.home import Home
    from clients.cli.views import show_items

    with Home().client() as client:
        show_items(client.verdicts(subject=subject), ("created", "answer", "subject", "id"), as_json=as_json)


@verdict_app.command("show")
def show(
    verdict: Annotated[str, typer.Argument(help="Id of the verdict, or a file that holds it.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write it to this file.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write it as a page for people.")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Write it as PDF.")] = None,
    credential: Annotated[
        Path | None, typer.Option("--credential", help="Fetch it as a verifiable credential (JWT); needs the id.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a verdict: the answer, and every rule with its evidence.

    [bold]Example[/]: lodeline verdict show verdict.json --pdf verdict.pdf
    """
    from clients.cli.home import Home
    from clients.cli.verdicts import read_told, show_verdict, write_documents
    from clients.sdk.errors import LocalError
    from clients.sdk.files import read_limited, write_atomic

    path = Path(verdict)
    if path.is_file():
        if credential is not None:
            raise LocalError("The credential is fetched from the service: give the id of the verdict, not a file.")
        content = read_limited(path, MAX_FILE)
    else:
        with Home().client() as client:
            content = client.verdict(verdict)
            if credential is not None:
                write_atomic(credential, client.verdict(verdict, form="credential"))
    told = read_told(content)
    write_documents(told, html, pdf)
    show_verdict(told, out, as_json=as_json)


def risk(subject: Subject, as_json: AsJson = False) -> None:
    """Show the risk of a lot, site or participant in UNICRI's five areas, with the findings behind each.

    [bold]Example[/]: lodeline risk site:pit-7
    """
    from clients.cli.home import Home
    from clients.cli.output import show_json, show_table

    with Home().client() as client:
        told = client.risk(subject)
    if as_json:
        show_json(told)
        return
    rows = [
        [
            area,
            one["level"],
            one["counts"]["fail"],
            one["counts"]["red_flag"],
            len(one["unknown"]),
            one["counts"]["pass"],
        ]
        for area, one in told["areas"].items()
    ]
    show_table(f"Risk of {subject}", ["area", "level", "faults", "red flags", "unknown", "shown"], rows)
    found = {one["rule"]: one for area in told["areas"].values() for one in area["findings"]}
    if found:
        rows = [[rule, one["outcome"], one["sentence"], len(one["evidence"])] for rule, one in sorted(found.items())]
        show_table("", ["rule", "outcome", "finding", "records"], rows)
