"""Claims as they come in: what fits, and where one that does not is at fault."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.errors import ClaimError
from ledger.rules.claim import CLAIMS, OWN_PACK, parse_claim
from ledger.rules.packs import read_packs

GOOD: dict[str, dict[str, Any]] = {
    "origin": {"country": "CD", "share": "92.5", "element": "Ta2O5"},
    "custody_model": {"model": "segregated"},
    "eu_2017_821_import_file": {"importer": "did:web:importer.example", "cn": "2615900010"},
    "quantity": {"kg": "12.5", "element": "Ta"},
    "not_from": {"countries": ["RW"]},
    "smelter_declaration": {"answers": {"q3": "yes"}},
}


@pytest.mark.parametrize("kind", CLAIMS)
def test_a_claim_reads_back_as_it_was_written(kind: str) -> None:
    claim = parse_claim({"type": kind, "subject": "lot:1", "terms": GOOD.get(kind, {})})
    assert parse_claim(claim.to_json()) == claim
    assert list(claim.rules()) == [OWN_PACK, *CLAIMS[kind].rules]


def test_packs_and_parameters_are_kept() -> None:
    claim = parse_claim(
        {"type": "chain_complete", "subject": "lot:1", "packs": ["fraud", "fraud"], "parameters": {"b": 1, "a": "x"}}
    )
    assert claim.rules() == {OWN_PACK: ("",), "fraud": ("",)}
    assert claim.to_json() == {
        "type": "chain_complete", "subject": "lot:1", "terms": {}, "packs": ["fraud"], "parameters": {"a": "x", "b": 1},
    }  # fmt: skip


BAD: list[tuple[Any, str]] = [
    ([], ""),
    ({}, "/type"),
    ({"type": "clean", "subject": "lot:1"}, "/type"),
    ({"type": "quantity", "subject": "lot:1"}, "/terms/kg"),
    ({"type": "quantity", "subject": "lot:1", "terms": {"kg": 5}}, "/terms/kg"),
    ({"type": "quantity", "subject": "lot:1", "terms": {"kg": "5", "color": "red"}}, "/terms/color"),
    ({"type": "origin", "subject": "lot:1", "terms": {}}, "/terms"),
    ({"type": "origin", "subject": "lot:1", "terms": {"country": "CD", "site": "site:a"}}, "/terms"),
    ({"type": "not_from", "subject": "lot:1", "terms": {}}, "/terms"),
    ({"type": "chain_complete", "subject": "<lot>"}, "/subject"),
    ({"type": "chain_complete", "subject": "lot:1", "packs": ["../etc"]}, "/packs/0"),
    ({"type": "chain_complete", "subject": "lot:1", "parameters": {"A B": 1}}, "/parameters/A B/[key]"),
    ({"type": "chain_complete", "subject": "lot:1", "more": 1}, "/more"),
]


@pytest.mark.parametrize(("value", "pointer"), BAD)
def test_a_claim_that_does_not_fit_names_the_member_at_fault(value: Any, pointer: str) -> None:
    with pytest.raises(ClaimError) as caught:
        parse_claim(value)
    assert caught.value.pointer == pointer


def test_shipped_packs_are_whole() -> None:
    """Every pack that a claim asks for is there, and every prefix of rules finds some."""
    packs = read_packs()
    for kind, claim in CLAIMS.items():
        for pack, prefixes in {OWN_PACK: ("",), **claim.rules}.items():
            for prefix in prefixes:
                assert any(rule.id.startswith(prefix) for rule in packs[pack].rules), (kind, pack, prefix)
