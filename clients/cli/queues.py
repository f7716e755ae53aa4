"""`lodeline queue`: what was signed and is not (yet) in the log."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from clients.cli.options import AsJson

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Records that were signed without a network: list, send, retry, drop.",
)

Number = Annotated[str, typer.Argument(help="Number in the queue, or record id.", metavar="RECORD")]


@app.command("list")
def list_queue(
    everything: Annotated[bool, typer.Option("--all", help="Accepted and dropped ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the queue in order, with what is refused and what is blocked by it."""
    from clients.cli.home import Home
    from clients.cli.output import show_json, show_table

    with Home().queue() as queue:
        records = queue.records(pending=not everything)
    if as_json:
        show_json([one.to_json() for one in records])
        return
    rows = []
    for one in records:
        reason = (one.problem or {}).get("message", "")
        builds = ", ".join(str(seq) for seq in one.needs)
        rows.append([one.seq, one.state, one.type, one.time, builds, one.id[:16], reason])
    show_table("", ["no", "state", "event", "time", "builds on", "record", "reason"], rows)


@app.command("push")
def push(
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Send at most so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send what is queued, in order. Refused records block those that build on them; the others go on.

    It may be interrupted and repeated at any moment: nothing is lost, nothing is sent twice.
    """
    from clients.cli.home import Home
    from clients.cli.output import REFUSED, say, show_json, show_table
    from clients.sdk.push import push_queue

    home = Home()
    with home.client(signing=False) as client, home.queue() as queue, progress_bar("sending", not as_json) as tick:
        report = push_queue(client, queue, limit=limit, progress=tick)
    if as_json:
        show_json(report.to_json())
    else:
        rows = [
            [one.seq, one.state, one.type, one.id[:16], (one.problem or {}).get("message", "")]
            for group in (report.accepted, report.refused, report.blocked)
            for one in group
        ]
        show_table("", ["no", "state", "event", "record", "reason"], rows)
        if report.waiting:
            say(f"{len(report.waiting)} wait: run `lodeline queue push` again.")
        if report.gaps:
            numbers = ", ".join(str(seq) for seq in report.gaps)
            say(f"Gaps, not in the log although later records are: {numbers}.", style="yellow")
    if report.refused or report.blocked:
        raise typer.Exit(REFUSED)


@contextlib.contextmanager
def progress_bar(what: str, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, where that is a terminal, as a function of (done, all). It begins to move (in a
    thread of its own) with the first call: an audit forks its processes before."""
    if not (shown and sys.stderr.isatty()):
        yield lambda _done, _all: None
        return
    from rich.progress import Progress

    from clients.cli.output import console

    bar = Progress(console=console(stderr=True), transient=True)
    task = bar.add_task(what, total=None)

    def tick(done: int, total: int) -> None:
        bar.start()  # nothing, when it runs already
        bar.update(task, completed=done, total=total)

    try:
        yield tick
    finally:
        bar.stop()


@app.command("show")
def show(record: Number, as_json: AsJson = False) -> None:
    """Show a queued record: its claims, state, and why it was refused."""
    from clients.cli.home import Home
    from clients.cli.views import show_members
    from ledger.envelope import parse_presentation, parse_record

    with Home().queue() as queue:
        one = queue.get(record)
    payload = parse_record(parse_presentation(one.text)[0]).payload
    show_members({**one.to_json(), "payload": payload, "text": one.text}, as_json=as_json)


@app.command("retry")
def retry(record: Number, as_json: AsJson = False) -> None:
    """Queue a refused or dropped record again as it is, because what was missing is there now."""
    from clients.cli.home import Home
    from clients.cli.output import show_result

    with Home().queue() as queue:
        one = queue.get(record)
        queue.retry(one.seq)
        show_result(as_json=as_json, queued=one.seq, state=queue.get(one.seq).state)


@app.command("drop")
def drop(record: Number, as_json: AsJson = False) -> None:
    """Give a record up: it is never sent; its text stays in the file. What builds on it stays blocked."""
    from clients.cli.home import Home
    from clients.cli.output import show_result

    with Home().queue() as queue:
        one = queue.get(record)
        queue.drop(one.seq)
        show_result(as_json=as_json, queued=one.seq, state=queue.get(one.seq).state)


@app.command("fetch")
def fetch(
    subjects: Annotated[
        list[str], typer.Argument(help="Lots, sites, participants (default: all lots you may see).")
    ] = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Learn heads while there is a network, to build on them with --offline later.

    [bold]Example[/]: lodeline queue fetch LOT-0001 LOT-0002
    """
    from clients.cli.home import Home
    from clients.cli.output import say, show_json

    home = Home()
    with home.client() as client, home.queue() as queue:
        heads = client.heads(subjects) if subjects else {lot["id"]: lot["head"] for lot in client.lots()}
        queue.learn(heads)
    if as_json:
        show_json(heads)
    else:
        say(f"{len(heads)} heads are known here.")
