"""Visits to mine sites and roadblocks, as IPIS publishes them: the open-data layer and the web map.

One row is one visit, not one mine: a mine is all rows of one `pcode`, and how old a visit may be is for
the rule to say. Values are French and partly free text, so they are recoded here: what is not
recognised becomes "unknown", but a qualification that is not recognised is refused, because the
numbers of IPIS (4 Bleu, 0 none) and of ICGLR (0 Blue) contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ledger.errors import SnapshotError
from ledger.rules.reference.french import (
    recode_flag,
    recode_force,
    recode_frequency,
    recode_mineral,
    recode_qualification,
)
from ledger.rules.reference.jsontext import (
    iterate_features,
    iterate_rows,
    parse_foreign_json,
    parse_position,
    read_text,
)
from ledger.rules.reference.parsed import Parsed, parse_day
from ledger.rules.reference.rows import ArmedPresence, Roadblock, SiteVisit

GROUPS: Final = (1, 2, 3)
_NEEDED: Final = ("vid", "pcode", "visit_date", "name", "interference", "mineral1", "armed_group1", "workers_numb")
_OPEN_ACTS: Final = {
    "digging": "digging_armed_group{}",
    "buying": "buying_armed_group{}",
    "taxing": "taxation_armed_group{}",
    "tax_commerce": "taxation_commerce_armed_group{}",
    "tax_entrance": "taxation_entrance_armed_group{}",
    "forced_labour": "forced_labour_armed_group{}",
    "monopoly": "monopoly_armed_group{}",
    "pillage": "pillaging_armed_group{}",
    "pit_ownership": "pit_ownership_armed_group{}",
}
_MAP_ACTS: Final = {
    "digging": "a{}d",
    "buying": "a{}b",
    "taxing": "a{}t",
    "tax_commerce": "a{}c",
    "tax_entrance": "a{}e",
    "forced_labour": "a{}l",
    "monopoly": "a{}m",
    "pillage": "a{}p",
    "pit_ownership": "a{}o",
}


def parse_visits(raw: bytes) -> Parsed:
    """The open-data layer: GeoJSON with one feature per visit. A visit without site, day or place is left out."""
    visits, left_out = [], 0
    for row, properties, shape in iterate_features(parse_foreign_json(raw)):
        for name in _NEEDED:
            if name not in properties:
                raise SnapshotError(f"Row {row} has no member `{name}`.", row=row, column=name)
        if shape.points:
            position = shape.points[0]
        elif read_text(properties, "longitude") and read_text(properties, "latitude"):
            position = parse_position(properties["longitude"], properties["latitude"], row)
        else:
            left_out += 1
            continue
        if not read_text(properties, "pcode") or not read_text(properties, "visit_date"):
            left_out += 1
            continue
        visits.append(_open_visit(properties, position, row))
    return Parsed(_in_order(visits), left_out=left_out)


def _open_visit(properties: Mapping[str, Any], position: tuple[int, int], row: int) -> SiteVisit:
    minerals = (read_text(properties, f"mineral{n}") for n in (1, 2, 3))
    armed = _armed(properties, ("armed_group{}", "type_armed_group{}", "frequency_armed_group{}"), _OPEN_ACTS)
    return SiteVisit(
        site=read_text(properties, "pcode"),
        visit=read_text(properties, "vid"),
        visited_on=_day(properties, "visit_date", row),
        name=read_text(properties, "name"),
        subdivision_name=read_text(properties, "province"),
        territory=read_text(properties, "territoire"),
        position=position,
        minerals=_minerals(minerals),
        workers=_count(properties, "workers_numb", row),
        status=_status(properties, "qualification", row),
        interference=recode_flag(read_text(properties, "interference")),
        armed=armed,
        child_under_15=recode_flag(read_text(properties, "childunder15")),
        child_15_to_18=recode_flag(read_text(properties, "child1518")),
        mercury=recode_flag(read_text(properties, "mercury")),
        traceability=read_text(properties, "traceability"),
        source=read_text(properties, "source"),
    )


def parse_webmap(raw: bytes) -> Parsed:
    """The web map's `/api/data/<scope>/all`: `{"result": [...]}` with short keys (`i` pcode, `d` day, `q` status)."""
    visits, left_out = [], 0
    for row, item in _results(raw, ("i", "d", "lt", "ln", "n")):
        if not (read_text(item, "i") and read_text(item, "d") and _is_placed(item)):
            left_out += 1
            continue
        visits.append(_map_visit(item, row))
    return Parsed(_in_order(visits), left_out=left_out)


def _map_visit(item: Mapping[str, Any], row: int) -> SiteVisit:
    site, day = read_text(item, "i"), _day(item, "d", row)
    destinations = (read_text(item, f"m{n}{end}") for n in (1, 2, 3) for end in ("sp", "fd"))
    return SiteVisit(
        site=site,
        visit=f"{site}/{day}",
        visited_on=day,
        name=read_text(item, "n"),
        subdivision_name=read_text(item, "pv"),
        territory=read_text(item, "te"),
        position=parse_position(item["ln"], item["lt"], row),
        minerals=_minerals(read_text(item, f"m{n}") for n in (1, 2, 3)),
        workers=_count(item, "w", row),
        status=_status(item, "q", row),
        interference=recode_flag(read_text(item, "ap")),
        armed=_armed(item, ("a{}", "a{}y", "a{}f"), _MAP_ACTS),
        child_under_15=recode_flag(read_text(item, "cu")),
        child_15_to_18=recode_flag(read_text(item, "pu")),
        mercury=recode_flag(read_text(item, "m")),
        traceability=read_text(item, "tr") or read_text(item, "it"),
        source=read_text(item, "s"),
        destinations=tuple(dict.fromkeys(filter(None, destinations))),
    )


def parse_roadblocks(raw: bytes) -> Parsed:
    """The web map's `/roadblocksall`: place, day, operator, its types, what is taxed, how much, kind of barrier."""
    blocks, left_out = [], 0
    for row, item in _results(raw, ("lp", "d", "lt", "ln", "o", "t", "b")):
        if not (read_text(item, "d") and _is_placed(item)):
            left_out += 1
            continue
        barriers = _split(item, "b")
        blocks.append(
            Roadblock(
                name=read_text(item, "lp"),
                seen_on=_day(item, "d", row),
                position=parse_position(item["ln"], item["lt"], row),
                operator=read_text(item, "o"),
                operator_types=tuple(dict.fromkeys(map(recode_force, _split(item, "t")))),
                taxed=read_text(item, "tc"),
                amount=read_text(item, "tm"),
                barrier_types=barriers,
                natural_resources=any("naturelles" in barrier.lower() for barrier in barriers),
                source=read_text(item, "s"),
            )
        )
    return Parsed(tuple(blocks), left_out=left_out)


def _results(raw: bytes, needed: Iterable[str]) -> Iterable[tuple[int, Mapping[str, Any]]]:
    value = parse_foreign_json(raw)
    if not isinstance(value, dict) or "result" not in value:
        raise SnapshotError("The file holds no member `result`: it is no answer of the web map.")
    for row, item in iterate_rows(value["result"], "/result"):
        for name in needed:
            if name not in item:
                raise SnapshotError(f"Row {row} has no member `{name}`.", row=row, column=name)
        yield row, item


def _is_placed(item: Mapping[str, Any]) -> bool:
    return bool(read_text(item, "lt") and read_text(item, "ln"))


def _armed(
    properties: Mapping[str, Any], keys: tuple[str, str, str], acts: Mapping[str, str]
) -> tuple[ArmedPresence, ...]:
    """The armed groups of a visit. Type "0" is how the map says that there is none."""
    found = []
    for n in GROUPS:
        name, kind, frequency = (read_text(properties, key.format(n)) for key in keys)
        if (name or kind) and kind != "0":
            done = (act for act, key in acts.items() if recode_flag(read_text(properties, key.format(n))))
            force = recode_force(f"{name} {kind}")
            found.append(ArmedPresence(name or kind, force, recode_frequency(frequency), tuple(done)))
    return tuple(found)


def _minerals(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(recode_mineral(name) for name in names if name))


def _split(item: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in read_text(item, name).split(",") if part.strip())


def _count(properties: Mapping[str, Any], name: str, row: int) -> int | None:
    """Workers: a whole number, or None when nobody was counted (nothing, or the map's -1)."""
    text = read_text(properties, name).removesuffix(".0")
    if text in ("", "-1"):
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 7):
        raise SnapshotError(f"Row {row}: `{name}` is not a number of workers: '{text[:40]}'.", row=row, column=name)
    return int(text)


def _status(properties: Mapping[str, Any], name: str, row: int) -> str:
    try:
        return recode_qualification(read_text(properties, name))
    except SnapshotError as error:
        raise SnapshotError(f"Row {row}: {error.message}", row=row, column=name) from None


def _day(properties: Mapping[str, Any], name: str, row: int) -> str:
    try:
        return parse_day(read_text(properties, name), f"`{name}`")
    except SnapshotError as error:
        raise SnapshotError(f"Row {row}: {error.message}", row=row, column=name) from None


def _in_order(visits: list[SiteVisit]) -> tuple[SiteVisit, ...]:
    """By site, then by day: the last of a site is its newest visit."""
    return tuple(sorted(visits, key=lambda visit: (visit.site, visit.visited_on, visit.visit)))
