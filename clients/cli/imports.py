"""`lodeline import`: spreadsheets of extracts, dispatches and receipts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clients.cli.options import AsJson, Offline, Reveal

if TYPE_CHECKING:
    from clients.importers.plan import ImportPlan
    from clients.importers.send import RowOutcome

SHOWN = 200


def import_file(
    kind: Annotated[str, typer.Argument(help="extracts, dispatches or receipts.")],
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8) or Excel (.xlsx) file.")],
    mapping: Annotated[Path | None, typer.Option("--mapping", "-m", help="TOML file: which column is which.")] = None,
    sheet: Annotated[str, typer.Option("--sheet", help="Excel sheet, when there are several.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file and show what would be signed.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Send the good rows of a file with bad ones.")] = False,
    reveal: Reveal = [],  # noqa: B006 - Typer copies defaults
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Import a list. Nothing is signed unless the whole file is fine (or --skip-bad leaves the bad rows out).

    Rows with the same shipment, waybill or batch (column `group`) become one record. The columns are described in
    docs/formats/lists.md; other names are mapped in a TOML file:

      timezone = "Africa/Kinshasa"
      columns = { lot = "Bag no.", mass = "Net kg" }
      assay = { Ta2O5 = "Grade" }
      defaults = { mineral = "coltan", method = "artisanal" }
      ignore = ["Remarks"]

    [bold]Examples[/]
      lodeline import extracts october.csv --dry-run
      lodeline import dispatches trucks.xlsx --sheet Transfers -m trucks.toml
    """
    from clients.cli.output import REFUSED
    from clients.importers.mapping import parse_mapping, read_mapping
    from clients.importers.plan import plan_import

    members = read_mapping(mapping) if mapping else {}
    plan = plan_import(file, parse_mapping(members, kind=kind, sheet=sheet))
    if dry_run or _stops(plan, skip_bad):
        _show_plan(plan, as_json=as_json)
        if plan.faults:
            raise typer.Exit(REFUSED)
        return
    outcomes, unknown = _send(plan, skip_bad=skip_bad, offline=offline, reveal=reveal, quiet=as_json)
    plan.faults += unknown
    if unknown and not skip_bad:
        _show_plan(plan, as_json=as_json)
        raise typer.Exit(REFUSED)
    _show_outcomes(plan, outcomes, as_json=as_json)
    wanted = "queued" if offline else "accepted"
    if plan.faults or any(one.record.state != wanted for one in outcomes):
        raise typer.Exit(REFUSED)


def _stops(plan: ImportPlan, skip_bad: bool) -> bool:
    """Faults stop everything; with --skip-bad only those after which the rest cannot be believed."""
    return plan.fatal or not plan.drafts or (bool(plan.faults) and not skip_bad)


def _send(
    plan: ImportPlan, *, skip_bad: bool, offline: bool, reveal: list[str], quiet: bool
) -> tuple[list[RowOutcome], list[Any]]:
    from clients.cli.home import Home
    from clients.cli.queues import progress_bar
    from clients.importers.send import find_unknown, learn_lots, send_drafts

    home = Home()
    with home.client() as client, home.queue() as queue:
        if not offline:
            learn_lots(client, queue, plan.drafts)
        unknown = find_unknown(plan.drafts, queue.head)
        if unknown and not skip_bad:
            return [], unknown
        bad = {fault.row for fault in unknown}
        drafts = [draft for draft in plan.drafts if bad.isdisjoint(draft.rows)]
        with progress_bar("sending", not quiet) as tick:
            return send_drafts(client, queue, drafts, reveal=reveal, offline=offline, progress=tick), unknown


def _show_plan(plan: ImportPlan, *, as_json: bool) -> None:
    from clients.cli.output import say, show_json, show_table
    from clients.cli.views import flat

    if as_json:
        drafts = [{"rows": d.rows, "type": d.type, "time": d.time, "body": d.body} for d in plan.drafts]
        faults = [fault.to_json() for fault in plan.faults]
        show_json({"kind": plan.kind, "rows": plan.rows, "records": drafts, "faults": faults, "sent": False})
        return
    if not plan.faults:
        rows = [[flat(d.rows), d.type, d.time, flat(d.lots)] for d in plan.drafts[:SHOWN]]
        show_table("Would be signed", ["rows", "event", "time (UTC)", "lots"], rows)
    _show_faults(plan)
    say(f"{plan.rows} rows, {len(plan.drafts)} records, {len(plan.faults)} faults; nothing was sent.")


def _show_faults(plan: ImportPlan) -> None:
    from clients.cli.output import say, show_table

    if plan.faults:
        show_table(
            "Faults", ["place", "what", "what to do"], [[f.place, f.code, f.message] for f in plan.faults[:SHOWN]]
        )
    if len(plan.faults) > SHOWN:
        say(f"and {len(plan.faults) - SHOWN} more faults (all of them with --json)")


def _show_outcomes(plan: ImportPlan, outcomes: list[RowOutcome], *, as_json: bool) -> None:
    from clients.cli.output import show_json, show_table
    from clients.cli.views import flat

    if as_json:
        faults = [fault.to_json() for fault in plan.faults]
        records = [one.to_json() for one in outcomes]
        show_json({"kind": plan.kind, "rows": plan.rows, "records": records, "faults": faults, "sent": True})
        return
    rows = []
    for one in outcomes:
        reason = (one.record.problem or {}).get("message", "")
        rows.append([flat(one.rows), one.record.state, flat(one.lots), one.record.id, one.record.index, reason])
    show_table("", ["rows", "state", "lots", "record", "index", "reason"], rows)
    _show_faults(plan)
