"""`lodeline attest | incident | correct`: evidence about subjects, and corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clients.cli.options import AsJson, BodyFile, Offline, Reveal, When

if TYPE_CHECKING:
    from collections.abc import Callable

About = Annotated[
    list[str],
    typer.Option("--about", metavar="SUBJECT[=RECORD]", help="Lot, site or participant (default record: its head)."),
]


def attest(
    kind: Annotated[str, typer.Argument(help="assay, weighing, site_status, inspection, certificate, ...")],
    about: About,
    statement: Annotated[
        list[str], typer.Option("--set", metavar="MEMBER=TEXT", help="A member of the statement.")
    ] = [],  # noqa: B006
    body: BodyFile = None,
    start: Annotated[str, typer.Option("--from", help="Valid from.")] = "",
    until: Annotated[str, typer.Option("--until", help="Valid until.")] = "",
    result: Annotated[str, typer.Option("--result", help="conform, not_conform or inconclusive.")] = "",
    reveal: Reveal = [],  # noqa: B006
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Give evidence of one kind. Nested members of the statement go into a file: {"statement": {...}}.

    [bold]Examples[/]
      lodeline attest site_status --about site:pit-7 --set status=green --set effective=2026-10-01
      --set act=ARR-12 --set authority=did:web:mines.example
      lodeline attest assay --about LOT-0001 --body assay.json
    """
    from clients.cli.deliver import deliver
    from clients.cli.words import merge, nested, parse_pairs, parse_when, read_body
    from clients.sdk import events

    base = read_body(body)
    given = parse_pairs(statement, "--set", "status=green")
    members = merge(
        base,
        kind=kind,
        result=result,
        start=parse_when(start, "--from") if start else "",
        until=parse_when(until, "--until", end_of_day=True) if until else "",
    )
    members["statement"] = {**nested(base, "statement"), **given}
    members["about"] = find_about(about, offline=offline)
    event = events.attest(parse_when(time), **members)
    deliver(event, offline=offline, reveal=reveal, as_json=as_json)


def incident(
    about: About,
    category: Annotated[str, typer.Option("--category", help="Risk category, for example A2.1 or fraud.tags")],
    severity: Annotated[int, typer.Option("--severity", min=1, max=3, help="1 low to 3 high.")],
    status: Annotated[str, typer.Option("--status", help="open, mitigating or closed.")] = "open",
    narrative: Annotated[str, typer.Option("--narrative", help="What happened (concealed unless revealed).")] = "",
    source: Annotated[str, typer.Option("--source", help="Who said so (concealed unless revealed).")] = "",
    follows: Annotated[str, typer.Option("--follows", help="Record id of the incident that this continues.")] = "",
    verified: Annotated[bool, typer.Option("--verified", help="Somebody has checked it.")] = False,
    body: BodyFile = None,
    reveal: Reveal = [],  # noqa: B006
    time: When = "",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Report a risk that showed itself, or follow an earlier one up.

    [bold]Example[/]
      lodeline incident --about site:pit-7 --category A2.1 --severity 3 --narrative 'armed men at the gate'
    """
    from clients.cli.deliver import deliver
    from clients.cli.words import merge, parse_when, read_body
    from clients.sdk import events

    members = merge(
        read_body(body),
        category=category,
        severity=severity,
        status=status,
        narrative=narrative,
        source=source,
        follows=follows,
        verified=verified or None,
        about=find_about(about, offline=offline),
    )
    deliver(events.incident(parse_when(time), **members), offline=offline, reveal=reveal, as_json=as_json)


def find_about(words: list[str], *, offline: bool) -> list[dict[str, str]]:
    """`SUBJECT` or `SUBJECT=RECORD` as members of `about`; the head stands in for a record that is not named."""
    from clients.cli.home import Home
    from clients.sdk.errors import LocalError

    home = Home()
    found = []
    with home.client() as client, home.queue() as queue:
        find: Callable[[str], str | None] = queue.head if offline else client.head
        for word in words:
            subject, _, record = word.partition("=")
            head = record or (queue.head(subject) if queue.is_pending(subject) else find(subject))
            if head is None:
                raise LocalError(f"The head of {subject!r} is not known here: write {subject}=RECORD.", subject=subject)
            found.append({"subject": subject, "record": head})
    return found


def correct(
    record: Annotated[str, typer.Argument(help="Record id of your own earlier record.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; both versions stay visible.")],
    replace: Annotated[list[str], typer.Option("--set", metavar="MEMBER=TEXT", help="A member that replaces.")] = [],  # noqa: B006
    body: BodyFile = None,
    time: When = "",
    as_json: AsJson = False,
) -> None:
    """Replace descriptive members of a record. Members that are no text go into a file: {"replace": {...}}.

    [bold]Example[/]: lodeline correct 3f1c... --reason 'plate misread' --body transport.json
    """
    from clients.cli.deliver import deliver
    from clients.cli.home import Home
    from clients.cli.words import check_record_id, merge, nested, parse_pairs, parse_when, read_body
    from clients.sdk import events

    given = parse_pairs(replace, "--set", "note=corrected")
    base = read_body(body)
    with Home().client() as client:
        payload: dict[str, Any] = client.record(check_record_id(record))["payload"]
    members = merge(base, record=record, type=payload["type"], reason=reason)
    members["replace"] = {**nested(base, "replace"), **given}
    deliver(events.correct(parse_when(time), subjects=events.moved(payload), **members), offline=False, as_json=as_json)
