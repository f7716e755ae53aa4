"""Where a lot comes from: shares of contained metal by mine, country, subdivision and facility passed.

`trace_origins` answers from one fold (`ledger.custody.provenance`). The chain's model is that of its weakest hop
(ISO 22095), and models may only fall on the way. Behind a hop kept under mass balance or book and claim the shares
are those of an account, not of the material: they support no claim of origin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from math import gcd
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple

from ledger.custody.provenance import (
    LIMITS,
    Fold,
    Limits,
    Lot,
    Making,
    Ratios,
    Upstream,
    climb,
    fold_shares,
    plan_ratios,
    widen,
)
from ledger.custody.quantity import format_decimal
from ledger.errors import TooLarge
from ledger.rules.chain import ACCOUNT_MODELS as ACCOUNT_MODELS
from ledger.rules.chain import Custody as Custody
from ledger.rules.chain import trace_custody

SHARE_PLACES: Final = 6
MAX_RETURNS: Final = 64
"""Most facilities to which material came back after it had left them: each costs a fold of its own."""
MAX_DIGITS: Final = 200
"""A fraction is shown to people up to this many digits of its denominator."""
Intervals = Mapping[tuple[str, str], tuple[str, str]]
"""(`site` | `country` | `subdivision`, its name) -> lowest and highest share in % as decimal strings."""


class Place(NamedTuple):
    """What is asked of a site: ISO 3166-1 and 3166-2 codes, and its kind (`mine`, `smelter`, ...)."""

    country: str
    subdivision: str
    kind: str


@dataclass(frozen=True, slots=True)
class LotGraph(Generic[Lot]):
    """made: lots that a transform made; mined: lot -> the site where it was extracted; a lot in
    neither is of unknown origin. sites: every site that either names."""

    made: Mapping[Lot, Making[Lot]]
    mined: Mapping[Lot, str]
    sites: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OriginVector:
    """Shares in `unit`s of a lot's contained metal (element None: of its dry mass).

    mines: by site of extraction; uncovered: of lots that nothing in the evidence made; they sum to
    `unit`. facilities: by site at which a transform took it in, each share counted once per site.
    exact: no ratio was rounded; error: most that any sum of shares is off, as a fraction of one.
    """

    element: str | None
    unit: int
    mines: dict[str, int]
    uncovered: int
    facilities: dict[str, int]
    exact: bool
    error: Fraction

    def by_site(self) -> dict[str, Fraction]:
        """Share of each mine site, largest first."""
        return self._shares(self.mines)

    def by_facility(self) -> dict[str, Fraction]:
        """Share that passed through each site where something was made from it."""
        return self._shares(self.facilities)

    def by_country(self, sites: Mapping[str, Place]) -> dict[str, Fraction]:
        """Share of each country (ISO 3166-1 alpha-2), largest first."""
        return self._shares(_sum_by(self.mines, lambda site: sites[site].country))

    def by_subdivision(self, sites: Mapping[str, Place]) -> dict[str, Fraction]:
        """Share of each subdivision (ISO 3166-2), largest first."""
        return self._shares(_sum_by(self.mines, lambda site: sites[site].subdivision))

    @property
    def unknown(self) -> Fraction:
        """Share whose origin the evidence does not show."""
        return Fraction(self.uncovered, self.unit)

    def _shares(self, parts: Mapping[str, int]) -> dict[str, Fraction]:
        order = sorted(parts, key=lambda one: (-parts[one], one))
        return {one: Fraction(parts[one], self.unit) for one in order}


@dataclass(frozen=True, slots=True)
class Origins(Generic[Lot]):
    """The origins of one lot: its chain of custody, and a vector per element that was asked for."""

    lot: Lot
    custody: Custody[Lot]
    vectors: dict[str | None, OriginVector]

    @property
    def basis(self) -> str:
        """`physical`, or `account` behind a hop of mass balance or book and claim."""
        return "physical" if self.custody.supports_origin else "account"


def trace_origins(
    lot: Lot, graph: LotGraph[Lot], elements: Sequence[str | None] = (None,), *, limits: Limits = LIMITS
) -> Origins[Lot]:
    """Where `lot` comes from. elements: symbols of metals, None for dry mass.

    Raises TooLarge (values: what, limit, actual), LotCycle.
    """
    upstream = climb((lot,), graph.made, limits)
    plans = {element: plan_ratios(upstream, element) for element in elements}
    return trace_upstream(upstream, graph.mined, plans, find_returns(upstream))


def trace_upstream(
    upstream: Upstream[Lot], mined: Mapping[Lot, str], plans: Mapping[str | None, Ratios], returns: set[str]
) -> Origins[Lot]:
    """The same of the first lot of a graph that somebody else has climbed and weighed.

    returns: see `find_returns`.
    """
    vectors = {element: _trace(upstream, mined, plan, returns, element) for element, plan in plans.items()}
    return Origins(upstream.lots[0], trace_custody(upstream), vectors)


def _trace(
    upstream: Upstream[Lot], mined: Mapping[Lot, str], plan: Ratios, returns: set[str], element: str | None
) -> OriginVector:
    fold, longest = fold_shares(upstream, plan), plan.longest
    sums: dict[tuple[str | None, int], int] = {}  # by site (None: uncovered) and level
    for lot, share, step, level in zip(upstream.lots, fold.shares, upstream.step, plan.level, strict=True):
        if step < 0 and share:
            found = mined.get(lot), level
            sums[found] = sums.get(found, 0) + share
    mines: dict[str, int] = {}
    uncovered = 0
    for (site, level), share in sums.items():
        if site is None:
            uncovered += widen(share, level, longest)
        else:
            mines[site] = mines.get(site, 0) + widen(share, level, longest)
    passed = _pass_facilities(upstream, plan, fold, returns)
    return reduce_vector(OriginVector(element, plan.unit, mines, uncovered, passed, plan.exact, plan.error))


def reduce_vector(vector: OriginVector) -> OriginVector:
    """The same in the largest unit there is, so that equal shares are equal vectors."""
    parts = (*vector.mines.values(), vector.uncovered, *vector.facilities.values())
    common = reduce(gcd, parts, vector.unit)
    return OriginVector(
        vector.element,
        vector.unit // common,
        {site: part // common for site, part in vector.mines.items()},
        vector.uncovered // common,
        {site: part // common for site, part in vector.facilities.items()},
        vector.exact,
        vector.error,
    )


def _pass_facilities(upstream: Upstream[Lot], plan: Ratios, fold: Fold, returns: set[str]) -> dict[str, int]:
    """What passed through each site. Entries are that, unless something entered, left and entered again."""
    passed = dict(fold.entered)
    for site in returns & passed.keys():
        shares = fold_shares(upstream, plan, stop_at=site).in_units(plan)
        passed[site] = sum([share for share, made_at in zip(shares, upstream.site, strict=True) if made_at == site])
    return passed


def find_returns(upstream: Upstream[Lot]) -> set[str]:
    """Sites that took in material which they had made themselves and which other sites had made into something since.

    Raises TooLarge beyond `MAX_RETURNS`.
    """
    sites = upstream.site
    bits: dict[str, int] = {}
    ahead = [0] * len(sites)  # by place, the sites that material of this lot passed later and left for it
    found: set[str] = set()
    for place, site in enumerate(sites):
        if site is None:
            continue
        passed = ahead[place]
        bit = bits.get(site) or bits.setdefault(site, 1 << len(bits))
        if passed & bit:
            found.add(site)
        left = passed | bit
        for above in upstream.inputs[upstream.step[place]]:
            ahead[above] |= passed if sites[above] == site else left
    if len(found) > MAX_RETURNS:
        raise TooLarge(
            f"Material came back to {len(found)} sites that it had left, the limit is {MAX_RETURNS}.",
            what="returns",
            limit=MAX_RETURNS,
            actual=len(found),
        )
    return found


def _sum_by(parts: Mapping[str, int], key: Callable[[str], str]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for site, part in parts.items():
        name = key(site)
        sums[name] = sums.get(name, 0) + part
    return sums


# ---- for people and programs ----------------------------------------------------------------------------------------


def format_origins(
    origins: Origins[str], sites: Mapping[str, Place], intervals: Mapping[str | None, Intervals] = MappingProxyType({})
) -> dict[str, Any]:
    """As a JSON object: shares in % as decimal strings, the exact fraction beside each.

    intervals: per element, of those shares for which `ledger.rules.uncertainty` has worked them out.
    """
    custody = origins.custody
    return {
        "model": custody.model,
        "weakest": custody.weakest,
        "upgrades": sorted(custody.upgrades),
        "basis": origins.basis,
        "supports_origin": custody.supports_origin,
        "elements": [format_vector(v, sites, intervals.get(one, {})) for one, v in origins.vectors.items()],
    }


def format_vector(vector: OriginVector, sites: Mapping[str, Place], intervals: Intervals) -> dict[str, Any]:
    """One vector of `format_origins`; element "" is dry mass."""

    def located(site: str) -> dict[str, Any]:
        place = sites[site]
        return {"site": site, "country": place.country, "subdivision": place.subdivision, "kind": place.kind}

    def bounded(kind: str, name: str, share: Fraction) -> dict[str, str]:
        low, high = intervals.get((kind, name), ("", ""))
        return {**format_share(share), "low": low, "high": high}

    countries, subdivisions = vector.by_country(sites), vector.by_subdivision(sites)
    return {
        "element": vector.element or "",
        "exact": vector.exact,
        "sites": [{**located(one), **bounded("site", one, s)} for one, s in vector.by_site().items()],
        "countries": [{"code": one, **bounded("country", one, s)} for one, s in countries.items()],
        "subdivisions": [{"code": one, **bounded("subdivision", one, s)} for one, s in subdivisions.items()],
        "facilities": [{**located(one), **format_share(s)} for one, s in vector.by_facility().items()],
        "uncovered": format_share(vector.unknown),
    }


def format_share(share: Fraction) -> dict[str, str]:
    """`share` in % with up to six decimals, rounded half up, and `fraction`; "" when that is too long to read."""
    fits = share.denominator.bit_length() <= MAX_DIGITS * 10 // 3
    return {
        "share": format_decimal(int(share * 100 * 10**SHARE_PLACES + Fraction(1, 2)), SHARE_PLACES),
        "fraction": f"{share.numerator}/{share.denominator}" if fits else "",
    }
