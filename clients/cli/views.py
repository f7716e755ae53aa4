"""How single things, lists, histories and lot graphs look to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from clients.cli.output import clean, console, mark, say, show_json, show_table

if TYPE_CHECKING:
    from rich.tree import Tree

Json = Mapping[str, Any]


def flat(value: Any) -> str:
    """A value in one cell."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {flat(one)}" for name, one in value.items() if one not in (None, ""))
    if isinstance(value, (list, tuple)):
        return ", ".join(flat(one) for one in value)
    return "" if value is None else str(value)


def show_members(thing: Json, *, as_json: bool) -> None:
    """One thing, a member a line; empty ones are left out."""
    if as_json:
        show_json(thing)
        return
    rows = [(name, flat(value)) for name, value in thing.items() if value not in (None, "", [], {})]
    show_table("", ["member", "value"], rows)


def show_items(items: Iterable[Json], columns: Sequence[str], *, as_json: bool, title: str = "") -> None:
    """A list of things by some of their members."""
    found = list(items)
    if as_json:
        show_json(found)
        return
    show_table(title, columns, [[flat(one.get(name)) for name in columns] for one in found])


def show_history(records: Sequence[Json], *, as_json: bool) -> None:
    """The chain of a lot: time, type, who signed, record id, and what the record says."""
    if as_json:
        show_json(list(records))
        return
    rows = []
    for record in records:
        payload = record["payload"]
        what = payload["type"] + (f" {payload['body']['kind']}" if payload["type"] == "attest" else "")
        moved = "moved" if record.get("moved", True) else "about"
        erased = f"{record['erased']} erased" if record.get("erased") else ""
        rows.append([record["index"], payload["time"], what, moved, payload["iss"], record["id"], erased])
    show_table("", ["index", "time", "event", "effect", "signed by", "record", "note"], rows)


def show_tree(graph: Json, *, as_json: bool) -> None:
    """A lot graph as a tree; a lot that is reached on several ways is drawn once and named again after that."""
    if as_json:
        show_json(graph)
        return
    nodes = {node["id"]: node for node in graph["nodes"]}
    up = graph["direction"] == "up"
    links: dict[str, list[tuple[str, str]]] = {}
    for edge in graph["edges"]:
        here, there = (edge["child"], edge["parent"]) if up else (edge["parent"], edge["child"])
        links.setdefault(here, []).append((there, edge["mass"]))
    screen = console()
    screen.print(_grow(graph["lot"], nodes, links))
    if not graph.get("complete", True):
        screen.print("[yellow]There is more beyond this depth: ask for it with --depth.[/]")
    if graph.get("hidden"):
        screen.print(f"[yellow]Lots that are not yours to see: {graph['hidden']}.[/]")
    if graph.get("origins"):
        _show_origins(graph["origins"])


def _show_origins(origins: Json) -> None:
    """Shares of origin, largest first, and what the chain of custody makes of them."""
    rows: list[list[Any]] = []
    for one in origins["elements"]:
        element = one["element"] or "dry mass"
        for what, name in (("sites", "site"), ("countries", "code"), ("facilities", "site")):
            rows += [[element, _SHARES[what], at[name], at.get("country"), *_shares(at)] for at in one[what]]
        if one["uncovered"]["share"] != "0":
            rows.append([element, "unknown origin", "", "", *_shares(one["uncovered"])])
    columns = ["of", "share", "name", "country", "%", "range", "exact"]
    if not any(row[5] for row in rows):  # nobody asked for ranges
        columns, rows = columns[:5] + columns[6:], [row[:5] + row[6:] for row in rows]
    show_table("", columns, rows)
    screen = console()
    weakest = f", first at {clean(origins['weakest'])}" if origins["weakest"] else ""
    screen.print(f"Chain of custody: {clean(origins['model'])}{weakest}.")
    if not origins["supports_origin"]:
        screen.print("[yellow]The shares are those of an account: they support no claim of origin.[/]")
    for lot in origins["upgrades"]:
        screen.print(f"[red]{clean(lot)} was made under a stronger model than its inputs had.[/]")


_SHARES: Final = {"sites": "mined at", "countries": "mined in", "facilities": "passed through"}


def _shares(share: Json) -> list[str]:
    low, high = share.get("low"), share.get("high")
    return [share["share"], f"{low} to {high}" if low else "", share["fraction"]]


def _grow(root: str, nodes: Mapping[str, Json], links: Mapping[str, list[tuple[str, str]]]) -> Tree:
    """Built with a stack, not by recursion: a chain may be longer than Python's stack."""
    from rich.tree import Tree

    tree = Tree(_label(root, nodes, ""))
    drawn = {root}
    stack = [(root, tree)]
    while stack:
        lot, branch = stack.pop()
        for there, mass in links.get(lot, ()):
            if there in drawn:
                branch.add(f"{clean(mass)} kg of {clean(there)} [dim](see above)[/]")
                continue
            drawn.add(there)
            stack.append((there, branch.add(_label(there, nodes, mass))))
    return tree


def _label(lot: str, nodes: Mapping[str, Json], mass: str) -> str:
    node = nodes.get(lot, {})
    taken = f"{clean(mass)} kg of " if mass else ""
    assay = flat(node.get("assay", {}))
    parts = [f"{taken}[bold]{clean(lot)}[/]", clean(node.get("mineral", ""))]
    if node:
        parts += [f"{clean(node.get('mass'))} kg", clean(assay), mark(node.get("status")), clean(node.get("site"))]
        parts.append(f"[dim]{clean(node.get('custodian'))}[/]")
    return "  ".join(part for part in parts if part)


def show_report(report: Any, *, as_json: bool) -> None:
    """A verification report: numbered checks in plain words, what is wrong, and the lot that it is about."""
    if as_json:
        show_json(report.to_json())
        return
    screen = console()
    for check in report.checks:
        name, outcome = check.name, check.outcome.value
        gap = " " * (11 - len(outcome))
        screen.print(f"{check.step:3} {mark(outcome)}{gap}[bold]{clean(name)}[/]: {clean(check.sentence)}")
    for finding in report.findings:
        place = f" at index {finding.index}" if finding.index is not None else ""
        record = f" record {finding.record}" if finding.record else ""
        screen.print(f"    [red]{clean(finding.error.code)}[/]{place}{clean(record)}: {clean(finding.error.message)}")
        _show_remedy(finding.error.values)
    if report.omitted:
        screen.print(f"    and {report.omitted} more findings")
    _show_lot(report.details.get("lot"))
    size = f" (log of {report.checkpoint.size} records, {report.origin})" if report.checkpoint else ""
    screen.print(f"[bold]{mark(report.outcome)}[/] {clean(report.subject)}{clean(size)}")


def _show_remedy(missing: Json) -> None:
    """How to give the file that a verdict rests on."""
    if "dataset" in missing and "published" in missing:
        word = f"--reference {missing['dataset']}:{missing['published']}:FILE"
        say(f"      Add {word}; the service gives participants the file at /v1/reference/{missing['digest']}.")
    elif "pack" in missing and "digest" in missing:
        say(f"      Add --pack-file FILE, the pack of digest {missing['digest']}.")


def _show_lot(lot: Json | None) -> None:
    if not lot:
        return
    screen = console()
    screen.print(
        f"lot {clean(lot['id'])}: {clean(lot['mass'])} kg {clean(lot['mineral'])}, moisture {clean(lot['moisture'])} %,"
        f" contains {clean(flat(lot['contained'])) or 'no declared metal'} (kg); {mark(lot['status'])},"
        f" custodian {clean(lot['custodian']['id'])}, model {clean(lot['model'])}"
    )
    for origin in lot["origins"]:
        shares = flat({f"{metal}": f"{share} %" for metal, share in origin["shares"].items()})
        where = f"{origin['site']} ({origin['subdivision']})"
        screen.print(f"  from {clean(where)}: {clean(origin['dry_mass_share'])} % of dry mass; {clean(shares)}")
