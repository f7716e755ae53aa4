"""`lodeline grant | disclose | erase`: who else may read, and what nobody may read any more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clients.cli.options import AsJson

grant_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Let others read a lot that you hold: give, list, revoke."
)

DAY = 86_400


@grant_app.command("give")
def give(
    lot: Annotated[str, typer.Argument(help="A lot in your custody.")],
    grantee: Annotated[str, typer.Argument(help="Participant who may read it, and what is upstream of it.")],
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="For how long.")] = 30,
    disclosures: Annotated[bool, typer.Option("--disclosures", help="Concealed members too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a participant read a lot.

    [bold]Example[/]: lodeline grant give REF-2026-17 did:web:buyer.example --days 90
    """
    from clients.cli.home import Home
    from clients.cli.views import show_members

    with Home().client() as client:
        answer = client.grant(lot, grantee, seconds=days * DAY, disclosures=disclosures)
    show_members(answer, as_json=as_json)


@grant_app.command("list")
def list_grants(as_json: AsJson = False) -> None:
    """List grants that you gave or got."""
    from clients.cli.home import Home
    from clients.cli.views import show_items

    with Home().client() as client:
        show_items(client.grants(), ("jti", "status", "lot", "issuer", "grantee", "disclosures"), as_json=as_json)


@grant_app.command("revoke")
def revoke(jti: Annotated[str, typer.Argument(help="The grant's jti.")], as_json: AsJson = False) -> None:
    """End a grant before its time."""
    from clients.cli.home import Home
    from clients.cli.output import show_result

    with Home().client() as client:
        client.revoke_grant(jti)
    show_result(as_json=as_json, jti=jti, status="revoked")


def disclose(
    record: Annotated[str, typer.Argument(help="Record id.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the presentation to this file.")] = None,
    only: Annotated[list[str], typer.Option("--only", help="Only these members (last part of the name).")] = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Show what a record conceals and you may see, or hand some of it on as a signed presentation.

    The file holds `<jws>~<disclosure>~...` (SD-JWT, RFC 9901): whoever gets it can check it against the record.

    [bold]Example[/]: lodeline disclose 3f1c... --only price -o price.sd-jwt
    """
    from clients.cli.home import Home
    from clients.cli.views import show_members
    from clients.cli.words import check_record_id
    from clients.sdk.files import SECRET, write_atomic
    from ledger.envelope import disclosure_digest, open_disclosures, parse_record

    with Home().client() as client:
        answer = client.record(check_record_id(record))
    parsed = parse_record(answer["record"])
    opened = open_disclosures(parsed, answer["disclosures"])
    wanted = {digest for pointer, digest in opened.pointers.items() if not only or pointer.rpartition("/")[2] in only}
    shown = [text for text in answer["disclosures"] if disclosure_digest(text) in wanted]
    chosen = open_disclosures(parsed, shown)
    if out is not None:
        write_atomic(out, "~".join([answer["record"], *shown, ""]).encode(), mode=SECRET)
    result = {"record": record, "disclosed": sorted(chosen.pointers), "body": chosen.body, "erased": answer["erased"]}
    show_members(result, as_json=as_json)


def erase(
    record: Annotated[str, typer.Argument(help="Record id.")],
    digest: Annotated[str, typer.Option("--digest", help="Only this disclosure (default: all).")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase what a record conceals, for good. Every chain and proof still verifies; the member reads "erased".

    [bold]Example[/]: lodeline erase 3f1c... --yes
    """
    from clients.cli.home import Home
    from clients.cli.views import show_members
    from clients.cli.words import check_record_id

    check_record_id(record)
    if not yes:
        typer.confirm(f"Erase the disclosures of {record} for good?", abort=True)
    with Home().client() as client:
        show_members(client.erase(record, digest), as_json=as_json)
