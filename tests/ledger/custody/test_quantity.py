"""Exact quantities: factors, dry mass, contained metal, balances."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.custody.balance import Portion, check_balance, sum_balance
from ledger.custody.quantity import (
    DRY_UNIT,
    METAL_UNIT,
    Analyte,
    check_assay,
    contained_metal,
    dry_mass,
    format_decimal,
    format_dry,
    format_metal,
    is_beyond,
    is_gain,
    parse_analyte,
    parse_decimal,
)
from ledger.errors import MassGain, MetalGain, SchemaError


@pytest.mark.parametrize(
    ("formula", "element", "factor"),
    [
        # catalogue section 6, to four decimals
        ("Ta2O5", "Ta", "0.8190"),
        ("Nb2O5", "Nb", "0.6990"),
        ("SnO2", "Sn", "0.7877"),
        ("WO3", "W", "0.7930"),
        ("Co(OH)2", "Co", "0.6340"),
        ("CoSO4.7H2O", "Co", "0.2097"),
        ("Li2CO3", "Li", "0.1878"),
        ("Li2O", "Li", "0.4645"),
        ("Au", "Au", "1.0000"),
        ("C", "C", "1.0000"),
        ("CO2", None, None),
        ("CuFeS2", None, None),
        ("Xx", None, None),
        ("EtOH", None, None),
        ("Co(OH", None, None),
        ("Co..", None, None),
        ("Co0", None, None),
    ],
)
def test_stoichiometric_factors(formula: str, element: str | None, factor: str | None) -> None:
    if element is None or factor is None:
        with pytest.raises(SchemaError):
            parse_analyte(formula)
        return
    assert parse_analyte(formula).element == element
    assert round(parse_analyte(formula).factor / 10**6, 4) == float(factor)


def test_a_truck_of_cobalt_hydroxide() -> None:
    dry = dry_mass("25000", "55")
    assert dry * DRY_UNIT == 11_250
    assert format_dry(dry) == "11250"
    metal = contained_metal("25000", "55", {"Co": "32"})
    assert {e: units * METAL_UNIT for e, units in metal.items()} == {"Co": 3600}
    assert format_metal(metal["Co"]) == "3600.000000"
    sulphate = contained_metal("16700", "0", {"CoSO4.7H2O": "100"})
    assert format_metal(sulphate["Co"]) == "3501.155000"


def test_a_container_of_tantalite() -> None:
    # 20 t at 2 % moisture and 30 % Ta2O5 hold 5,880 kg Ta2O5 = 4,816 kg Ta (catalogue section 9, D1)
    assert round(contained_metal("20000", "2", {"Ta2O5": "30"})["Ta"] * METAL_UNIT) == 4816


@given(st.integers(0, 10**18), st.integers(0, 8))
def test_decimals_survive(value: int, places: int) -> None:
    assert parse_decimal(format_decimal(value, places), places) == value


def test_tolerances_are_exact() -> None:
    assert not is_beyond(101, 100, "1")
    assert is_beyond(101, 100, "0.999999")
    assert not is_beyond(99, 100, "1")
    assert is_beyond(98, 100, "1")
    assert not is_gain(90, 100, "0")
    assert not is_gain(100, 100, "0")
    assert is_gain(101, 100, "0.5")


def test_assays_that_cannot_be() -> None:
    check_assay({"Ta2O5": "60", "Nb2O5": "40"}, "/a")
    for assay, pointer in (
        ({"Ta2O5": "60", "Nb2O5": "40.000001"}, "/a"),
        ({"Ta2O5": "10", "Ta": "8"}, "/a/Ta"),
        ({"Zz": "1"}, "/a/Zz"),
    ):
        with pytest.raises(SchemaError) as caught:
            check_assay(assay, "/a")
        assert caught.value.pointer == pointer


TOLERANCE = {"mass": "0.5", "metal": "2"}


def test_bisie_balances_and_a_published_copper_example_does_not() -> None:
    # FY2022: 436,400 t ore at 3.82 % Sn; 12,493 t Sn reported (catalogue section 6, F-CAPACITY)
    ore = Portion("436400000", "0", {"Sn": "3.82"})
    tin = Portion("12493000", "0", {"Sn": "100"})
    balance = sum_balance([ore], [tin], [])
    check_balance(balance, TOLERANCE)
    assert balance.to_json()["metal"]["Sn"]["recovery"] == "74.94"
    # 30,000 kg of concentrate at 30 % Cu can't become 10,000 kg of cathode at 99.99 %
    with pytest.raises(MetalGain) as caught:
        check_balance(
            sum_balance([Portion("30000", "0", {"Cu": "30"})], [Portion("10000", "0", {"Cu": "99.99"})], []), TOLERANCE
        )
    assert caught.value.values == {"element": "Cu", "inputs": "9000.000000", "outputs": "9999.000000"}


def test_balance_in_words() -> None:
    balance = sum_balance([Portion("10", "0", {})], [Portion("12", "0", {"Sn": "0"}), Portion("1", "0", {})], ["3.5"])
    assert balance.to_json() == {
        "mass_in": "10",
        "mass_added": "3.5",
        "mass_out": "13",
        "metal": {"Sn": {"in": "0.000000", "out": "0.000000", "recovery": ""}},
    }
    check_balance(balance, TOLERANCE)
    with pytest.raises(MassGain):
        check_balance(balance._replace(mass_out=13_600_000), TOLERANCE)


def test_analyte_is_cached_by_formula() -> None:
    assert parse_analyte("Sn") == Analyte("Sn", 10**6)
