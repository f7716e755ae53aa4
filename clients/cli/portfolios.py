"""`lodeline portfolio`: one claim about many lots, answered together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from clients.cli.claims import MAX_FILE, SUPPORTED
from clients.cli.options import AsJson, AsOf, ClaimType, KnownAsOf, PackFiles, Packs, Parameters, Terms

PART = 250
"""Lots that are asked about at a time: the service answers each request within seconds."""


def portfolio(
    lots: Annotated[list[str], typer.Argument(metavar="FILE|ID...", help="Lots, or files that name one a line.")],
    kind: ClaimType,
    terms: Terms = [],  # noqa: B006
    packs: Packs = [],  # noqa: B006
    pack_files: PackFiles = [],  # noqa: B006
    parameters: Parameters = [],  # noqa: B006
    as_of: AsOf = "",
    known_as_of: KnownAsOf = "",
    as_json: AsJson = False,
) -> None:
    """Put one claim to many lots: the answer to each, and what speaks against it, as single verdicts would say.

    Answers are not signed: ask for the verdict on a lot with `lodeline claim` to have it in writing. Exit code 0 when
    every lot is supported, 1 anything else, 2 nothing was decided.

    [bold]Examples[/]
      lodeline portfolio stock.txt --claim oecd_aligned
      lodeline portfolio LOT-7 LOT-8 --claim origin --term country=CD --term share=100
    """
    from clients.cli.claims import read_pack_files, state_claim, state_dates
    from clients.cli.output import REFUSED, show_json

    question: dict[str, Any] = {
        "claim": state_claim(kind, terms, packs, pack_files, parameters), **state_dates(as_of, known_as_of)
    }  # fmt: skip
    if pack_files:
        question["packs"] = [pack.data.decode("utf-8") for pack in read_pack_files(pack_files)]
    told = ask_in_parts(question, read_lots(lots), shown=not as_json)
    if as_json:
        show_json(told)
    else:
        show_portfolio(told)
    if any(one["answer"] not in SUPPORTED for one in told["lots"]):
        raise typer.Exit(REFUSED)


def read_lots(given: list[str]) -> list[str]:
    """The lots that arguments name: themselves, or those in a file, one a line; each once."""
    from clients.sdk.errors import LocalError
    from clients.sdk.files import read_limited

    found: list[str] = []
    for one in given:
        path = Path(one)
        if path.is_file():
            lines = read_limited(path, MAX_FILE).decode("utf-8", "replace").splitlines()
            found += [line.strip() for line in lines if line.strip()]
        else:
            found.append(one)
    if not found:
        raise LocalError("No lot is named: give ids, or files that hold one a line.")
    return list(dict.fromkeys(found))


def ask_in_parts(question: dict[str, Any], lots: list[str], *, shown: bool) -> dict[str, Any]:
    """The service's answer for all lots, asked for `PART` at a time, as one."""
    from clients.cli.home import Home
    from clients.cli.queues import progress_bar

    told: dict[str, Any] = {}
    with Home().client() as client, progress_bar("judging", shown) as tick:
        tick(0, len(lots))
        for start in range(0, len(lots), PART):
            part = lots[start : start + PART]
            told = join(told, client.portfolio({**question, "subjects": part}))
            question = {**question, "valid_as_of": told["valid_as_of"], "known_as_of": told["known_as_of"]}
            tick(start + len(part), len(lots))
    return told


def join(told: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Two answers as one: places in the tables of the second move behind those of the first."""
    if not told:
        return more
    findings, evidence = len(told["findings"]), len(told["evidence"])
    lots = [{**one, "findings": [findings + place for place in one["findings"]]} for one in more["lots"]]
    moved = [{**one, "evidence": evidence + one["evidence"]} for one in more["findings"]]
    return {
        **told,
        "log": more["log"],
        "lots": told["lots"] + lots,
        "findings": told["findings"] + moved,
        "evidence": told["evidence"] + more["evidence"],
    }


def show_portfolio(told: dict[str, Any]) -> None:
    """A table of the lots, and one of the rules that speak against any of them."""
    from clients.cli.output import show_table

    rows = [
        [one["subject"], one["answer"], *(one["counts"][name] for name in ("fail", "red_flag")),
         one["counts"]["insufficient_evidence"], one["counts"]["pass"]]
        for one in told["lots"]
    ]  # fmt: skip
    show_table(f"{len(rows)} lots", ["lot", "status", "faults", "red flags", "unknown", "shown"], rows)
    found = [told["findings"][place] for one in told["lots"] for place in one["findings"]]
    lots = Counter((one["rule"], one["outcome"]) for one in found)
    first = {(one["rule"], one["outcome"]): one["sentence"] for one in reversed(found)}
    order = ("fail", "red_flag", "insufficient_evidence")
    table = [
        [rule, outcome, count, first[rule, outcome]]
        for (rule, outcome), count in sorted(lots.items(), key=lambda one: (order.index(one[0][1]), -one[1], one[0]))
    ]
    if table:
        show_table("", ["rule", "outcome", "lots", "finding (of the first)"], table)
