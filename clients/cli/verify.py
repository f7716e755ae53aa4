"""`lodeline verify`: evidence checked offline. Imports nothing but `ledger` and the standard library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clients.cli.options import AsJson, PackFiles, ReferenceFiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.evidence.anchored import NodeAnswer, Places
    from ledger.evidence.trust import TrustPolicy
    from ledger.rules.pack import Pack
    from ledger.rules.reference.snapshot import References

MAX_FILE = 256 * 1024 * 1024

LogKey = Annotated[str, typer.Option("--log-key", help="vkey of the log that you trust.")]
TrustFile = Annotated[
    Path | None, typer.Option("--trust", help="Trust policy: logs, witnesses and quorum (tlog-policy file).")
]

Rpc = Annotated[
    list[str] | None,
    typer.Option(
        "--rpc", metavar="URL", help="Ethereum node to ask for an anchor's block; all that are named must agree."
    ),
]
Contract = Annotated[
    list[str] | None,
    typer.Option(
        "--contract", metavar="CHAIN:ADDRESS", help="Contract whose anchors you take (default: any LogAnchor)."
    ),
]


def verify(
    file: Annotated[Path, typer.Argument(help="Evidence bundle, or a log entry (.record) with --receipt.")],
    log_key: LogKey = "",
    trust: TrustFile = None,
    receipt: Annotated[Path | None, typer.Option("--receipt", help="Receipt (.tlog-proof) of a log entry.")] = None,
    at: Annotated[str, typer.Option("--at", help="Judge as of this time (default: now).")] = "",
    pack_files: PackFiles = [],  # noqa: B006 - Typer copies defaults
    references: ReferenceFiles = [],  # noqa: B006
    rpc: Rpc = None,
    contract: Contract = None,
    as_json: AsJson = False,
) -> None:
    """Verify an evidence bundle, or a log entry with its receipt: offline, without the operator.

    Whom you trust: --trust, else --log-key, else the log that `lodeline init` pinned.
    Verdicts in the bundle are computed again: packs and lists that they rest on, and that do not ship, are given.
    Anchors are checked offline too; which block is canonical is asked of the nodes that --rpc names, and of no other.
    Exit code 0 verified, 1 refuted or incomplete, 2 not a file or no trust given.

    [bold]Examples[/]
      lodeline verify REF-2026-17.bundle.json
      lodeline verify lot.bundle.json --trust policy.txt --at 2031-01-01
      lodeline verify lot.bundle.json --reference un_sanctions:2026-11-20:consolidated.xml
      lodeline verify lot.bundle.json --rpc https://one.example --rpc https://two.example
      lodeline verify 3f1c.record --receipt 3f1c.tlog-proof
    """
    from datetime import UTC, datetime

    from clients.cli.output import REFUSED
    from clients.cli.views import show_report
    from clients.sdk.files import read_limited

    policy = load_trust(log_key, trust)
    content = read_limited(file, MAX_FILE)
    if receipt is not None:
        verify_entry(content, read_limited(receipt, MAX_FILE), policy, as_json=as_json)
        return
    from ledger.encoding import parse_time
    from ledger.evidence.verify import verify_bundle

    if at:
        from clients.cli.words import parse_when

        now = datetime.fromtimestamp(parse_time(parse_when(at, "--at", end_of_day=True)), UTC)
    else:
        now = datetime.now(UTC)
    packs, known = _read_grounds(pack_files, references)
    places, nodes = ask_about(contract, rpc, lambda: _carried(content))
    report = verify_bundle(content, policy, now, packs=packs, references=known, places=places, nodes=nodes)
    show_report(report, as_json=as_json)
    if not report.verified:
        raise typer.Exit(REFUSED)


def _read_grounds(pack_files: list[Path], references: list[str]) -> tuple[list[Pack], References | None]:
    """Packs and reference data that verdicts of the bundle were judged by, from files; LocalError for what is none."""
    if not pack_files and not references:
        return [], None
    from clients.cli.claims import read_pack_files
    from clients.cli.verdicts import read_references
    from clients.sdk.errors import LocalError
    from ledger.errors import PackError, SnapshotError
    from ledger.rules.reference.snapshot import References

    try:
        return read_pack_files(pack_files), References(read_references(references))
    except (PackError, SnapshotError) as error:
        what = "--pack-file" if isinstance(error, PackError) else "--reference"
        raise LocalError(f"What {what} gives cannot be used: {error.message}") from error


def ask_about(
    contract: list[str] | None, rpc: list[str] | None, anchors: Callable[[], list[Any]]
) -> tuple[Places | None, list[NodeAnswer]]:
    """What --contract and --rpc stand for. anchors: the evidence that nodes are to be asked about."""
    if not contract and not rpc:
        return None, []
    from clients.sdk.nodes import ask_nodes, parse_places

    return parse_places(contract or []), ask_nodes(rpc or [], anchors() if rpc else [])


def _carried(content: bytes) -> list[Any]:
    """The anchor evidence of a bundle; none of a file that is no bundle, which the report says."""
    from ledger.errors import LedgerError
    from ledger.evidence.bundle import parse_bundle

    try:
        return [one.evidence for one in parse_bundle(content).anchors]
    except LedgerError:
        return []


def verify_entry(entry: bytes, receipt: bytes, policy: TrustPolicy, *, as_json: bool) -> None:
    """Check that a trusted log holds an entry; refusals are raised. The signer's key is not judged here."""
    from clients.cli.output import say, show_json
    from ledger.entry import parse_entry
    from ledger.envelope import parse_record

    logged, jws = parse_entry(entry)
    record = parse_record(jws)
    trusted = policy.check_receipt(entry, receipt)
    head = trusted.checkpoint
    result = {"outcome": "verified", "record": record.id, "logged": logged, "origin": head.origin, "size": head.size}
    if as_json:
        show_json({**result, "witnesses": trusted.witnesses})
    else:
        say(f"verified: record {record.id} is in the log {head.origin} (size {head.size}).", style="green")


def load_trust(log_key: str, trust: Path | None) -> TrustPolicy:
    """The trust policy of the options, or of the pinned log; LocalError when there is neither, or no such thing."""
    from clients.sdk.errors import LocalError
    from clients.sdk.files import read_limited
    from ledger.errors import FormatError
    from ledger.evidence.trust import TrustedLog, TrustPolicy, parse_policy
    from ledger.log.note import parse_vkey

    if trust is not None:
        text = read_limited(trust, 1_000_000)
        try:
            return parse_policy(text)
        except FormatError as error:
            raise LocalError(f"{trust} is not a trust policy: {error.message}") from error
    if not log_key:
        from clients.cli.home import home_folder
        from clients.sdk.store import Store

        pin = Store(home_folder()).read_pin()
        if pin is None:
            raise LocalError("Say whom you trust: --log-key VKEY, --trust FILE, or pin a log with `lodeline init`.")
        log_key = pin.vkey
    try:
        return TrustPolicy((TrustedLog(parse_vkey(log_key)),))
    except FormatError as error:
        raise LocalError(f"{log_key!r} is not the key of a log: {error.message}") from error
