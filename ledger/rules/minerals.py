"""Which materials a lot is, in the words that rules use: from its assay, else from its mineral code.

An HS code is not a mineral (2615.90 covers niobium, tantalum and vanadium), and a mineral code is
what the exporter wrote; the assay is what was measured. Rules therefore ask for the elements that
the assay states first. Names follow the regulations' lists (EU 2017/821, 2023/1542, ICGLR).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from ledger.custody.quantity import parse_analyte

BY_ELEMENT: Final[dict[str, str]] = {
    "Sn": "tin", "Ta": "tantalum", "Nb": "niobium", "W": "tungsten", "Au": "gold", "Co": "cobalt", "Cu": "copper",
    "Li": "lithium", "Ni": "nickel", "C": "graphite", "Al": "aluminium", "Mn": "manganese", "Ge": "germanium",
    "Ag": "silver", "Zn": "zinc", "Pb": "lead", "Pt": "platinum", "Pd": "palladium", "Si": "silicon", "Fe": "iron",
}  # fmt: skip

BY_MINERAL: Final[dict[str, tuple[str, ...]]] = {
    "coltan": ("tantalum", "niobium"), "tantalite": ("tantalum",), "columbite": ("niobium",),
    "cassiterite": ("tin",), "wolframite": ("tungsten",), "scheelite": ("tungsten",), "gold": ("gold",),
    "dore": ("gold",), "graphite": ("graphite",), "rough_diamond": ("diamond",), "diamond": ("diamond",),
    "spodumene": ("lithium",), "heterogenite": ("cobalt",), "cobalt_hydroxide": ("cobalt",),
    "cobalt_sulphate": ("cobalt",), "cobalt hydroxide": ("cobalt",), "cobalt sulphate": ("cobalt",),
    "tin": ("tin",), "tantalum": ("tantalum",), "tungsten": ("tungsten",), "cobalt": ("cobalt",),
    "7108.12.00": ("gold",), "2609.00.00": ("tin",), "2611.00.00": ("tungsten",), "2615.90.00": (),
    "7102.10": ("diamond",), "7102.21": ("diamond",), "7102.31": ("diamond",), "2504": ("graphite",),
}  # fmt: skip

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "3t": ("tin", "tantalum", "tungsten"),
    "3tg": ("tin", "tantalum", "tungsten", "gold"),
    "battery": ("cobalt", "graphite", "lithium", "nickel"),
}

MATERIALS: Final = frozenset((*BY_ELEMENT.values(), *GROUPS, *(one for names in BY_MINERAL.values() for one in names)))
"""Every name that the scope of a rule may use."""

TRACE_PERCENT: Final = 1
"""An element below this share of dry mass does not make the lot that material; precious metals always do."""

_ALWAYS: Final = frozenset({"gold", "silver", "platinum", "palladium"})


def materials_of(mineral: str, assay: Mapping[str, str]) -> tuple[str, ...]:
    """The materials that a lot is, sorted, with the groups they belong to.

    mineral: the lot's code; assay: % of dry mass by analyte.
    """
    return _materials(mineral, tuple(assay.items()))


@lru_cache(maxsize=8192)
def _materials(mineral: str, assay: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    found = set(BY_MINERAL.get(mineral.lower(), ()))
    for analyte, share in assay:
        name = BY_ELEMENT.get(parse_analyte(analyte).element)
        if name and (name in _ALWAYS or int(share.partition(".")[0]) >= TRACE_PERCENT):
            found.add(name)
    groups = {group for group, members in GROUPS.items() if not found.isdisjoint(members)}
    return tuple(sorted(found | groups))


def expand(names: tuple[str, ...] | list[str]) -> frozenset[str]:
    """Materials and groups, with every group's members."""
    return frozenset((*names, *(one for name in names for one in GROUPS.get(name, ()))))
