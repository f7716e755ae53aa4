"""`lodeline audit`: a whole log, by URL or exported folder, everything recomputed."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clients.cli.options import AsJson
from clients.cli.verify import Contract, LogKey, Rpc, TrustFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from clients.audit.anchors import Anchored
    from clients.audit.folding import Checkers
    from clients.audit.sources import Source

Place = Annotated[
    str, typer.Argument(help="Address of a service or log (default: the one set up), or folder of an export.")
]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=0, help="Worker processes (0: none).")]
OnCluster = Annotated[
    str,
    typer.Option("--cluster", metavar="ADDRESS", help="Dask scheduler whose workers check the entries."),
]
Remembered = Annotated[
    Path | None, typer.Option("--memory", help="Folder of remembered checkpoints (default: in the home folder).")
]
Statements = Annotated[
    list[Path] | None,
    typer.Option("--statement", "-s", help="Bundle or statement of completeness to hold against the log."),
]
Anchors = Annotated[
    list[Path] | None,
    typer.Option("--anchor", help="Anchor evidence, a bundle with some, or a checkpoint kept elsewhere."),
]


def audit(
    place: Place = "",
    log_key: LogKey = "",
    trust: TrustFile = None,
    jobs: Jobs = None,
    cluster: OnCluster = "",
    memory: Remembered = None,
    forget: Annotated[bool, typer.Option("--forget", help="Do not compare with an earlier audit.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Let the next audit begin where this one ends.")] = False,
    statement: Statements = None,
    anchor: Anchors = None,
    rpc: Rpc = None,
    contract: Contract = None,
    login: Annotated[bool, typer.Option("--login", help="Log in, for a log whose entries are for members.")] = False,
    as_json: AsJson = False,
) -> None:
    """Audit a whole log: every hash, every signature, every custody rule, from its public files alone.

    The checkpoint that was verified is remembered: a later audit proves that the log only grew. A bundle given with
    --statement carries the log's word on which records there are: the audit counts them anew, and a list that leaves
    one out is signed proof against the operator. Anchors that the log publishes, and those of --anchor, are held
    against it; --rpc asks nodes for the block. Exit code 0 verified, 1 refuted or incomplete, 2 not to be judged.

    An audit that was interrupted goes on where it was when the same command is run again. With --cluster the workers
    of a Dask scheduler fetch and check the entries, and this machine replays the rules (docs/auditing.md).

    [bold]Examples[/]
      lodeline audit https://ledger.example --login
      lodeline audit ./export --trust policy.txt --jobs 8
      lodeline audit ./export --trust policy.txt --statement lot.bundle.json
      lodeline audit https://ledger.example --trust policy.txt --cluster tls://10.0.0.7:8786
    """
    from datetime import UTC, datetime

    from clients.audit.driver import run_audit
    from clients.audit.memory import Memory
    from clients.audit.statements import read_statement
    from clients.cli.home import home_folder
    from clients.cli.output import REFUSED, notify
    from clients.cli.queues import progress_bar
    from clients.cli.verify import load_trust
    from clients.cli.views import show_report

    policy = load_trust(log_key, trust)
    remembered = None if forget else Memory(memory or home_folder() / "audits")
    anchored = _read_anchored(anchor or [], rpc, contract)
    with _opened(place, login) as source, progress_bar("auditing", not as_json) as tick:
        report = run_audit(
            source, policy, datetime.now(UTC),
            memory=remembered, statements=[read_statement(one) for one in statement or ()], anchored=anchored,
            workers=jobs, checkers=_on_cluster(cluster, jobs), progress=tick, notice=notify, keep=keep,
        )  # fmt: skip
    show_report(report, as_json=as_json)
    if not report.verified:
        raise typer.Exit(REFUSED)


@contextmanager
def _opened(place: str, login: bool) -> Iterator[Source]:
    """Where the log is read; LocalError where there is none or it is not shown, which is no finding about it."""
    from clients.audit.sources import open_source
    from clients.cli.home import Home
    from clients.sdk.errors import LocalError, ServiceRefused

    try:
        with closing(open_source(place or Home().config().url, headers=_login() if login else dict)) as source:
            yield source
    except ServiceRefused as error:
        raise LocalError(f"Nothing can be audited there: {error.message}") from error


def _on_cluster(address: str, jobs: int | None) -> Callable[[Source], AbstractContextManager[Checkers]] | None:
    """Who checks instead of processes of this machine, if anybody."""
    if not address:
        return None
    from clients.audit.cluster import Cluster
    from clients.sdk.errors import LocalError

    if jobs is not None:
        raise LocalError("Give --jobs for processes of this machine, or --cluster for those of others, not both.")
    return lambda source: Cluster(address, source)


def _read_anchored(files: list[Path], rpc: list[str] | None, contract: list[str] | None) -> Anchored:
    """Anchors out of files, where they may be from, and which nodes are asked about them."""
    from clients.audit.anchors import Anchored, read_anchors
    from clients.cli.verify import ask_about

    shown = [read_anchors(one) for one in files]
    return Anchored(
        [value for one in shown for value in one.evidence],
        [note for one in shown for note in one.kept],
        ask_about(contract, None, list)[0],
        lambda evidence: ask_about(None, rpc, lambda: list(evidence))[1],
    )


def _login() -> Callable[[], Mapping[str, str]]:
    """Fresh login headers for each request, signed with the key of the home folder."""
    import time

    from clients.cli.home import Home
    from clients.sdk.errors import LocalError
    from clients.sdk.store import Store
    from clients.sdk.tokens import sign_token

    home = Home()
    key, participant, pin = home.private_key(), home.config().participant, Store(home.folder).read_pin()
    if pin is None:
        raise LocalError("The log is not pinned yet: run `lodeline init` first.")
    origin = pin.origin
    return lambda: {"authorization": f"Bearer {sign_token(key, participant, origin, now=int(time.time()))}"}
