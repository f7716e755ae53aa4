"""`lodeline rules`: the claims, packs, rules and checks there are, and whether a pack of one's own loads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from clients.cli.options import AsJson

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Show the rules that claims are judged by; check a pack of your own.",
)


@app.command("list")
def list_rules(
    pack: Annotated[str, typer.Option("--pack", help="Only the rules of this pack.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the packs that ship with Lodeline, or the rules of one.

    [bold]Example[/]: lodeline rules list --pack icglr-rcm
    """
    from clients.cli.views import show_items
    from clients.sdk.errors import LocalError
    from ledger.rules.packs import read_packs

    packs = read_packs()
    if pack and pack not in packs:
        raise LocalError(f"There is no pack '{pack}': see `lodeline rules list`.")
    if pack:
        rules = [_rule(rule) for rule in packs[pack].rules]
        show_items(rules, ("id", "severity", "grade", "requirement"), as_json=as_json, title=packs[pack].title)
        return
    rows = [
        {**one.reference(), "rules": len(one.rules), "effective": one.head.effective, "title": one.title}
        for one in packs.values()
    ]
    show_items(rows, ("id", "version", "rules", "effective", "title"), as_json=as_json)


@app.command("claims")
def list_claims(as_json: AsJson = False) -> None:
    """List the claims that can be made, their terms and the packs that judge them."""
    from clients.cli.views import show_items
    from ledger.rules.claim import CLAIMS

    rows = [
        {
            "type": name,
            "says": one.title,
            "about": ", ".join(one.subjects),
            "terms": ", ".join(one.terms.model_fields),
            "packs": ", ".join(one.rules),
        }
        for name, one in CLAIMS.items()
    ]
    show_items(rows, ("type", "says", "about", "terms", "packs"), as_json=as_json)


@app.command("checks")
def list_checks(as_json: AsJson = False) -> None:
    """List the vocabulary of checks that a pack may use, with their members."""
    from clients.cli.views import show_items
    from ledger.rules.checks import CHECKS

    rows = [
        {"check": name, "members": ", ".join(one.model.model_fields), "passes when": one.summary}
        for name, one in sorted(CHECKS.items())
    ]
    show_items(rows, ("check", "members", "passes when"), as_json=as_json)


@app.command("show")
def show(
    rule: Annotated[str, typer.Argument(help="Id of a rule.")],
    as_json: AsJson = False,
) -> None:
    """Show a rule: what it asks for, whose words, what evidence, and how it is checked.

    [bold]Example[/]: lodeline rules show ICGLR.CERT.90D
    """
    from clients.cli.views import show_members
    from clients.sdk.errors import LocalError
    from ledger.rules.packs import read_packs

    for pack in read_packs().values():
        for one in pack.rules:
            if one.id == rule:
                values = {name: pack.head.parameters[name].model_dump(exclude_none=True) for name in _used(one.with_)}
                show_members({"pack": pack.id, **_rule(one), "parameters": values}, as_json=as_json)
                return
    raise LocalError(f"There is no rule '{rule}': see `lodeline rules list --pack PACK`.")


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A rule pack (TOML).")],
    as_json: AsJson = False,
) -> None:
    """Check a rule pack of your own: whether it loads, and what its digest is.

    [bold]Example[/]: lodeline rules check our-rules.toml
    """
    from clients.cli.claims import read_pack_files
    from clients.cli.output import show_result
    from ledger.rules.pack import index_packs
    from ledger.rules.packs import read_packs

    (pack,) = read_pack_files([file])
    index_packs([*read_packs().values(), pack])
    show_result(as_json=as_json, **pack.reference(), rules=len(pack.rules), title=pack.title)


def _rule(rule: Any) -> dict[str, Any]:
    told: dict[str, Any] = rule.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=False)
    return told


def _used(members: Any) -> list[str]:
    """The pack's parameters that a rule's members name."""
    if isinstance(members, str):
        return [members[1:]] if members.startswith("$") else []
    below = members.values() if isinstance(members, dict) else members if isinstance(members, list) else ()
    return sorted({name for one in below for name in _used(one)})
