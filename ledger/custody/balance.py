"""The balance of a transform: nothing comes out that did not go in.

    contained(output, element) <= contained(inputs, element) x (1 + tolerance.metal)
    wet(outputs) <= (wet(inputs taken) + declared additions) x (1 + tolerance.mass)

An element that an input's assay does not state counts as none: what was never measured can't be
claimed later. Losses need no proof here; unusual recovery is a finding of the verification
service. An outsider re-runs the same function over the same records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ledger.custody.quantity import MASS_PLACES, contained_metal, format_decimal, format_metal, is_gain, parse_decimal
from ledger.errors import MassGain, MetalGain


class Balance(NamedTuple):
    """Sums over a transform: wet masses in mg, contained metal per element in `METAL_UNIT`s."""

    mass_in: int
    mass_added: int
    mass_out: int
    metal_in: dict[str, int]
    metal_out: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """For reports: kg as decimal strings, recovery per element in % with two decimals."""
        return {
            "mass_in": format_decimal(self.mass_in, MASS_PLACES),
            "mass_added": format_decimal(self.mass_added, MASS_PLACES),
            "mass_out": format_decimal(self.mass_out, MASS_PLACES),
            "metal": {
                element: {
                    "in": format_metal(self.metal_in.get(element, 0)),
                    "out": format_metal(out),
                    "recovery": _recovery(out, self.metal_in.get(element, 0)),
                }
                for element, out in sorted(self.metal_out.items())
            },
        }


class Portion(NamedTuple):
    """An amount of material: wet kg, moisture in %, assay in % of dry mass."""

    mass: str
    moisture: str
    assay: Mapping[str, str]


def sum_balance(inputs: Iterable[Portion], outputs: Iterable[Portion], additions: Iterable[str]) -> Balance:
    """The sums on both sides; additions: wet kg each."""
    mass_in, metal_in = _sum(inputs)
    mass_out, metal_out = _sum(outputs)
    added = sum(parse_decimal(mass, MASS_PLACES) for mass in additions)
    return Balance(mass_in, added, mass_out, metal_in, metal_out)


def check_balance(balance: Balance, tolerance: Mapping[str, str]) -> None:
    """Raise MetalGain or MassGain when more comes out than went in; tolerance: `mass`, `metal` in %."""
    for element, out in balance.metal_out.items():
        held = balance.metal_in.get(element, 0)
        if is_gain(out, held, tolerance["metal"]):
            raise MetalGain(
                f"The outputs hold {format_metal(out)} kg of {element}, the inputs {format_metal(held)} kg: "
                "name every input, or correct the assays.",
                pointer="/body/outputs",
                element=element,
                inputs=format_metal(held),
                outputs=format_metal(out),
            )
    supply = balance.mass_in + balance.mass_added
    if is_gain(balance.mass_out, supply, tolerance["mass"]):
        had, has = format_decimal(supply, MASS_PLACES), format_decimal(balance.mass_out, MASS_PLACES)
        raise MassGain(
            f"The outputs weigh {has} kg, inputs and additions {had} kg: declare what was added.",
            pointer="/body/outputs",
            inputs=had,
            outputs=has,
        )


def _sum(portions: Iterable[Portion]) -> tuple[int, dict[str, int]]:
    mass = 0
    metal: dict[str, int] = {}
    for wet, moisture, assay in portions:
        mass += parse_decimal(wet, MASS_PLACES)
        for element, units in contained_metal(wet, moisture, assay).items():
            metal[element] = metal.get(element, 0) + units
    return mass, metal


def _recovery(out: int, inn: int) -> str:
    return format_decimal((2 * 10_000 * out + inn) // (2 * inn), 2) if inn else ""
