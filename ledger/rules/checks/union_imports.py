"""When Regulation (EU) 2017/821 applies: the Union importer, the Annex I item, and what was imported in the year.

The threshold is per importer, item and calendar year, in kg of product (wet, as customs weighs it),
never of contained metal and never per shipment. The items stand in the pack, one per line:

    part; item; codes of the Combined Nomenclature; TARIC; materials; purity in %; threshold in kg; seen | check
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints

from ledger.custody.quantity import ASSAY_PLACES, MASS_PLACES, format_decimal, parse_analyte, parse_decimal
from ledger.rules.case import Case
from ledger.rules.checks.registry import Members
from ledger.rules.checks.upstream import NOT_A_LOT, party_words
from ledger.rules.facts import LotFacts
from ledger.rules.items import Item
from ledger.rules.minerals import materials_of
from ledger.rules.outcome import Grade, Outcome
from ledger.rules.ruling import Ruling, failed, inapplicable, passed

_LINE: Final = re.compile(
    r"([AB]); ([^;]+); ([0-9]{4,8}(?: [0-9]{4,8})*); ([0-9]{2})?; ([a-z]+(?: [a-z]+)*); ((?:<|>=)[0-9.]+)?;"
    r" ([1-9][0-9]*); (seen|check)"
)
CN_DIGITS: Final = 8
CONFLICT_MATERIALS: Final = frozenset(("tin", "tantalum", "tungsten", "gold"))
STOCK_BEFORE: Final = "2013-02-01"
"""Stocks made in their present form before this day are exempt (Art. 1)."""


class AnnexItem(NamedTuple):
    """An item of Annex I. part: A minerals, B metals; kg: threshold; certain: seen in the official text."""

    part: str
    name: str
    codes: tuple[str, ...]
    taric: str
    materials: frozenset[str]
    purity: str
    kg: int
    certain: bool


def parse_item(line: str) -> AnnexItem:
    """The item that a line of the pack spells. Raises ValueError."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"'{line[:60]}' is not an item of Annex I: see the parameter's remark for the form")
    part, name, codes, taric, materials, purity, kg, seen = found.groups()
    return AnnexItem(
        part,
        name,
        tuple(codes.split()),
        taric or "",
        frozenset(materials.split()),
        purity or "",
        int(kg),
        seen == "seen",
    )


@lru_cache(maxsize=64)
def parse_annex(lines: tuple[str, ...]) -> tuple[AnnexItem, ...]:
    """All items. Raises ValueError for a line that is none."""
    return tuple(map(parse_item, lines))


def _check_annex(lines: list[str]) -> list[str]:
    parse_annex(tuple(lines))
    return lines


class UnionImport(Members):
    """annex: lines of Annex I; members: states whose importers are Union importers (ISO 3166-1)."""

    annex: Annotated[list[str], Field(min_length=1, max_length=200), AfterValidator(_check_annex)]
    states: Annotated[list[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]], Field(min_length=1)]


class Volume(NamedTuple):
    """An importer's kg of one item in one calendar year, in 1e-6 kg, and the declarations that it is summed from."""

    year: str
    milligrams: int
    declarations: tuple[str, ...]

    @property
    def kg(self) -> str:
        """In kg."""
        return format_decimal(self.milligrams, MASS_PLACES)


class Entry(NamedTuple):
    """A lot in the hands of a Union importer, of an item whose threshold is reached."""

    lot: LotFacts
    importer: str
    item: AnnexItem
    volume: Volume
    declarations: tuple[Item, ...]

    @property
    def figures(self) -> dict[str, Any]:
        """What the scope rests on."""
        return volume_figures(self.item, self.volume)


def volume_figures(item: AnnexItem, volume: Volume) -> dict[str, Any]:
    """Running total, threshold and item, and whether the threshold was seen in the official text."""
    return {
        "item": item.name, "part": item.part, "year": volume.year, "imported_kg": volume.kg,
        "threshold_kg": str(item.kg), "threshold_checked": "yes" if item.certain else "no",
    }  # fmt: skip


def enter_union(case: Case, members: UnionImport) -> Entry | Ruling:
    """The lot as an import to which the regulation applies, or why it does not, or what is missing to tell."""
    lot = case.facts.lot
    if lot is None:
        return NOT_A_LOT
    declared = [one for one in case.facts.attestations("import", lot.id) if _is_by_claimed(case, one)]
    importer = getattr(case.claim.terms, "importer", "") or (declared[-1].statement["importer"] if declared else "")
    codes = [getattr(case.claim.terms, "cn", "")] + [one.statement["code"] for one in declared]
    codes = [one for one in dict.fromkeys(codes) if one]
    if not importer or not codes:
        return case.lacking("Who imports the lot under which code is not on file.", "the import declaration of the lot")
    outside = _outside_union(case, importer, members.states)
    if outside is not None:
        return outside
    item = _item_of(case, lot, codes, parse_annex(tuple(members.annex)), bool(declared))
    if isinstance(item, Ruling):
        return item
    if getattr(case.claim.terms, "exemption", None) == "stock_2013" and old_stock(case, lot).outcome is Outcome.PASS:
        return inapplicable(f"The lot is a stock from before {STOCK_BEFORE}: it is exempt.")
    volume = _greater(case, lot, importer, item, declared)
    if volume.milligrams < item.kg * 10**MASS_PLACES:
        text = (
            f"{importer} imported {volume.kg} kg of {item.name} in {volume.year}: below the threshold of {item.kg} kg a"
            f" year.{unchecked(item)}"
        )
        return inapplicable(text, **volume_figures(item, volume))
    return Entry(lot, importer, item, volume, tuple(declared))


def old_stock(case: Case, lot: LotFacts) -> Ruling:
    """Whether the lot is shown to have been made in its present form before 1 February 2013.

    Shown means: by an authority or a third party, as a stock that they took before that day.
    """
    made = lot.made_by
    day = (made.body["period"]["to"] if lot.is_mined else made.time)[:10]
    if day >= STOCK_BEFORE:
        return failed(f"The lot was made on {day}: not before {STOCK_BEFORE}.", made.id, since=day)
    taken = [
        one
        for one in case.facts.attestations("stocktake", lot.id)
        if one.grade >= Grade.COMPETENT_AUTHORITY and one.starts[:10] < STOCK_BEFORE
    ]
    if not taken:
        text = f"The lot is said to be of {day}, but no authority or third party saw it before {STOCK_BEFORE}."
        return case.lacking(text, f"a stocktake of before {STOCK_BEFORE}", evidence=[made.id])
    return passed(f"The lot is of {day}, and was in stock on {taken[-1].starts[:10]}.", made.id, taken[-1].id)


def unchecked(item: AnnexItem) -> str:
    """What a sentence adds for a threshold that was not seen in the official text."""
    return "" if item.certain else " (This threshold could not be checked against the official text.)"


def _is_by_claimed(case: Case, declaration: Item) -> bool:
    return bool(getattr(case.claim.terms, "importer", "") in ("", declaration.statement["importer"]))


def _outside_union(case: Case, importer: str, states: list[str]) -> Ruling | None:
    record, body = party_words(case, importer)
    if record is None:
        text = f"The importer '{importer}' is not enrolled: nobody knows where it is established."
        return case.lacking(text, f"the country of {importer}").about(importer)
    if body["country"] not in states:
        return inapplicable(f"{importer} is established in {body['country']}, outside of the Union.")
    return None


def _item_of(
    case: Case, lot: LotFacts, codes: list[str], items: tuple[AnnexItem, ...], declared: bool
) -> AnnexItem | Ruling:
    """The item that the lot is: by code and by what it holds, as one code may cover other minerals too."""
    held = frozenset(materials_of(lot.mineral, lot.now.assay))
    fitting = [one for one in items for code in codes if _has_code(one, code)]
    found = {one for one in fitting if one.materials & held and _is_pure(one, lot)}
    if len(found) == 1:
        return found.pop()
    if len(found) > 1:
        names = ", ".join(sorted(one.name for one in found))
        return case.lacking(f"The code {', '.join(codes)} may be {names}.", "the full code of the lot", codes=codes)
    suspected = CONFLICT_MATERIALS & held
    if suspected and not declared:
        text = f"It holds {', '.join(sorted(suspected))}, but the code {', '.join(codes)} is no item of Annex I."
        return case.lacking(text, "the import declaration that shows the code", codes=codes)
    return inapplicable(f"The code {', '.join(codes)} of this lot is no item of Annex I.", codes=codes)


def _has_code(item: AnnexItem, code: str) -> bool:
    head, taric = code[:CN_DIGITS], code[CN_DIGITS:]
    if item.taric and len(taric) > 1 and taric != item.taric:
        return False
    return any(head.startswith(one) or one.startswith(head) for one in item.codes)


def _is_pure(item: AnnexItem, lot: LotFacts) -> bool:
    """Whether the lot's assay is on the item's side of the purity that tells two items apart."""
    if not item.purity:
        return True
    limit = parse_decimal(item.purity.lstrip("<>="), ASSAY_PLACES)
    held = max(
        (parse_decimal(share, ASSAY_PLACES) for name, share in lot.now.assay.items() if _is_of(name, item)), default=0
    )
    return held < limit if item.purity.startswith("<") else held >= limit


def _is_of(analyte: str, item: AnnexItem) -> bool:
    return not item.materials.isdisjoint(materials_of("", {parse_analyte(analyte).element: "100"}))


def _greater(case: Case, lot: LotFacts, importer: str, item: AnnexItem, declared: list[Item]) -> Volume:
    """The greater of the volume of the year of this import and that of the year before."""
    year = int((declared[-1].starts if declared else case.today)[:4])
    this = _volume(case, importer, item, year, "annual_kg")
    if not declared:  # on its way: what is about to be imported counts
        own = parse_decimal(lot.now.mass, MASS_PLACES)
        this = Volume(this.year, this.milligrams + own, (*this.declarations, lot.records[-1]))
    before = _volume(case, importer, item, year - 1, "previous_kg")
    return max(this, before, key=lambda one: one.milligrams)


def _volume(case: Case, importer: str, item: AnnexItem, year: int, term: Literal["annual_kg", "previous_kg"]) -> Volume:
    """Declarations of the year on file, and what the claim says was imported besides."""
    seen: dict[tuple[Any, ...], tuple[int, str]] = {}
    for one in case.facts.attestations("import"):
        statement = one.statement
        if statement["importer"] != importer or one.starts[:4] != str(year) or not _has_code(item, statement["code"]):
            continue
        key = statement["declaration"], statement["code"], frozenset(one.about)  # customs and importer both attest it
        net = parse_decimal(statement["net"], MASS_PLACES)
        seen[key] = max(seen.get(key, (0, "")), (net, one.id))
    besides = parse_decimal(getattr(case.claim.terms, term, None) or "0", MASS_PLACES)
    return Volume(
        str(year), besides + sum(net for net, _ in seen.values()), tuple(record for _, record in seen.values())
    )
