"""Ceilings of gas, from receipts: what an operator pays, and what the figures of the benchmark say."""

from __future__ import annotations

import pytest

from benchmarks.anchor_gas import SIZE, Gas, cost_per_record, figures, measure


@pytest.fixture(scope="module")
def gas() -> Gas:
    return measure((SIZE // 2, SIZE - 2**14, SIZE - 2, SIZE - 1))


def test_no_strict_anchor_at_a_million_entries_costs_more_than_65000(gas: Gas) -> None:
    assert gas.worst == gas.steps[SIZE - 1]  # the longest proof, and every hash of it counts for both roots
    assert 60_000 < gas.worst <= 65_000
    assert gas.steps[SIZE // 2] < gas.steps[SIZE - 2**14] < gas.steps[SIZE - 2] < gas.steps[SIZE - 1]


def test_what_is_paid_once_and_for_a_retry(gas: Gas) -> None:
    assert 700_000 < gas.deploy < 800_000
    assert 300_000 < gas.deploy_verifier < 400_000
    assert 70_000 < gas.register < 75_000
    assert 70_000 < gas.first < 80_000
    assert 21_000 < gas.again < 32_000


def test_the_cost_of_a_record_falls_with_their_number(gas: Gas) -> None:
    assert cost_per_record(65_000, 1000) == 31_200.0
    assert cost_per_record(65_000, 10**7) == 3.12
    shown = figures(gas)
    assert shown["anchor_gas_2_20"] == gas.worst
    assert shown["anchor_gwei_per_record_1000"] == 100 * shown["anchor_gwei_per_record_100000"]
