"""Where lots come from, reckoned from the derived tables: read once, then folded by `ledger.rules.origins`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

import orjson

from ledger.custody.provenance import Limits as GraphLimits
from ledger.custody.provenance import Making, Taken
from ledger.custody.quantity import MASS_PLACES, dry_mass, parse_analyte, read_grades
from ledger.errors import TooLarge
from ledger.rules.origins import Custody, Intervals, LotGraph, Origins, Place, format_origins, trace_origins
from ledger.rules.uncertainty import bound_vector
from service.storage.engine import Connection
from service.storage.graph_file import GraphView
from service.storage.read_graph import ChainRow, read_chain
from service.storage.read_subjects import SubjectFound, load_subjects
from service.usecases.graph_climbing import climb
from service.usecases.graph_shares import trace

DEPTH: Final = 512
"""Most transforms one after the other."""
_MILLIGRAM: Final = "0.000001"
_PARENT: Final = itemgetter(0)


def read_lot_graph(conn: Connection, lots: Collection[int], *, limit: int) -> LotGraph[int]:
    """The graph above these lots (by number). Raises TooLarge beyond `limit` lots."""
    rows = read_chain(conn, lots, limit=limit)
    if rows is None:
        raise TooLarge(
            f"There are more than {limit} lots upstream: ask for a lot nearer to the mines.", what="lots", limit=limit
        )
    ids, places = _read_sites(conn, {row[6] for row in rows})
    mined = {row[0]: ids[row[6]] for row in rows if row[1] is None}
    return LotGraph(_read_makings(rows, ids), mined, places)


def _read_sites(conn: Connection, numbers: Collection[int]) -> tuple[dict[int, str], dict[str, Place]]:
    """Ids by number, and what is asked of each site by id."""
    found = load_subjects(conn, numbers)
    places = {}
    for row in found.values():
        data = orjson.loads(row.data)
        places[row.id] = Place(data["country"], data["subdivision"], data["kind"])
    return {number: row.id for number, row in found.items()}, places


def _read_makings(rows: Iterable[ChainRow], ids: dict[int, str]) -> dict[int, Making[int]]:
    """How each lot was made; outputs of one record share one `Making`."""
    records: dict[int, tuple[int, str, str, list[Taken[int]]]] = {}  # the output by whose rows it is read, site, model
    record_of: dict[int, int] = {}
    current, taken = -1, None
    for lot, parent, mass, moisture, assay, seq, site, model in rows:
        if parent is None:
            continue
        if lot != current:
            current, record_of[lot] = lot, seq
            if seq not in records:
                records[seq] = lot, ids[site], model or "", []
            reader, _, _, inputs = records[seq]
            taken = inputs if reader == lot else None
        if taken is not None:
            taken.append(read_taken(parent, mass, moisture, assay))
    makings: dict[int, Making[int]] = {}
    for seq, (_, at, kept, inputs) in records.items():
        if len(inputs) > 1:
            inputs.sort(key=_PARENT)
        makings[seq] = Making(at, kept, tuple(inputs))
    return {lot: makings[seq] for lot, seq in record_of.items()}


def read_taken(parent: int, mass: str, moisture: str, assay: str) -> Taken[int]:
    """What was taken of a lot, from its row."""
    whole, _, places = mass.partition(".")
    return Taken(parent, int(whole + places) * _dry_share(moisture, len(places)), _grades(assay))


@lru_cache(maxsize=8192)
def _dry_share(moisture: str, places: int) -> int:
    """Dry mass of one unit in the last of `places` decimals of a kilogram."""
    units: int = 10 ** (MASS_PLACES - places)
    return dry_mass(_MILLIGRAM, moisture) * units


@lru_cache(maxsize=65536)
def _grades(assay: str) -> dict[str, int]:
    return read_grades(orjson.loads(assay))


def elements_of(lot: SubjectFound) -> list[str | None]:
    """The metals that a lot is assayed for, by symbol; None, for its dry mass, where there are none."""
    metals = sorted({parse_analyte(analyte).element for analyte in orjson.loads(lot.data)["assay"]})
    return [*metals] if metals else [None]


def describe_origins(
    conn: Connection, lot: SubjectFound, *, intervals: bool = False, limit: int, view: GraphView | None = None
) -> dict[str, Any]:
    """Shares of a lot's metals (else of its dry mass) as `format_origins` shows them.

    intervals: with the range that the usual uncertainty of masses and assays gives each; view: of the graph file,
    for what can be had from there: the same, faster. Raises TooLarge.
    """
    limits = GraphLimits(lots=limit, depth=DEPTH)
    if view is not None and not intervals:
        found = _trace_view(conn, view, lot, limits)
        if found is not None:
            return found
    graph = read_lot_graph(conn, (lot.num,), limit=limit)
    origins = trace_origins(lot.num, graph, elements_of(lot), limits=limits)
    ranges: dict[str | None, Intervals] = {}
    if intervals:
        vectors = origins.vectors.items()
        ranges = {element: bound_vector(lot.num, graph, vector, limits=limits) for element, vector in vectors}
    return format_origins(_with_ids(conn, origins), graph.sites, ranges)


def _trace_view(conn: Connection, view: GraphView, lot: SubjectFound, limits: GraphLimits) -> dict[str, Any] | None:
    climbed = climb(view, lot.num, limits)
    if climbed is None:
        return None
    ids, places = _read_sites(conn, set(climbed.site.tolist()))
    origins = trace(view, lot.num, elements_of(lot), ids, climbed)
    return None if origins is None else format_origins(_with_ids(conn, origins), places)


def _with_ids(conn: Connection, origins: Origins[int]) -> Origins[str]:
    model, weakest, upgrades = origins.custody
    found = load_subjects(conn, {origins.lot, *upgrades} | ({weakest} if weakest is not None else set()))
    names = {number: row.id for number, row in found.items()}
    custody = Custody(model, None if weakest is None else names[weakest], frozenset(names[one] for one in upgrades))
    return Origins(names[origins.lot], custody, origins.vectors)
