"""Rule packs as files: what loads, and where one that does not is at fault."""

from __future__ import annotations

import hashlib
import sys

import pytest

from ledger.errors import PackError
from ledger.rules.checks import CHECKS
from ledger.rules.pack import MAX_PACK_BYTES, index_packs, parse_pack
from ledger.rules.packs import read_packs

GOOD = """
[pack]
id = "own"
version = "1.2.3"
title = "Our own"
source = "These tests"
effective = "2026-01-01"
about = "What we ask for besides."

[pack.parameters.age]
value = 365
unit = "days"
remark = "Nobody has said how old it may be."

[[rule]]
id = "OWN.ONE"
requirement = "An inspection of each mine is on file."
citation = { text = "Ours", url = "https://example.org/rule" }
risk = ["human_rights"]
severity = "high"
grade = "competent_authority"
evidence = "inspections"
supplier = ["authority"]
check = "attested"
with = { kind = "inspection", each = "mines", max_age = "$age", where = { office = ["Mines agency"] } }
"""


def test_a_pack_loads_with_its_digest() -> None:
    pack = parse_pack(GOOD.encode())
    assert pack.reference() == {"id": "own", "version": "1.2.3", "digest": hashlib.sha256(GOOD.encode()).hexdigest()}
    assert [rule.id for rule in pack.rules] == ["OWN.ONE"]
    assert index_packs([pack]) == {"own": pack}


BAD: list[tuple[str, str, str]] = [
    ('id = "own"', 'id = "OWN!"', "/pack/id"),
    ('version = "1.2.3"', 'version = "1"', "/pack/version"),
    ('effective = "2026-01-01"', 'effective = "1.1.2026"', "/pack/effective"),
    ('title = "Our own"', 'title = "Our own"\nowner = "us"', "/pack/owner"),
    ('id = "OWN.ONE"', 'id = "own one"', "/rule/0/id"),
    ('risk = ["human_rights"]', 'risk = ["weather"]', "/rule/0/risk/0"),
    ('risk = ["human_rights"]', "risk = []", "/rule/0/risk"),
    ('severity = "high"', 'severity = "bad"', "/rule/0/severity"),
    ('grade = "competent_authority"', 'grade = "good"', "/rule/0/grade"),
    ('supplier = ["authority"]', 'supplier = ["somebody"]', "/rule/0/supplier/0"),
    ('check = "attested"', 'check = "magic"', "/rule/0/check"),
    ('kind = "inspection"', 'kind = "opinion"', "/rule/0/with/kind"),
    ('max_age = "$age"', 'max_age = "$years"', "/rule/0/with"),
    ('max_age = "$age"', 'max_age = "$age", colour = "red"', "/rule/0/with/colour"),
    ("value = 365", 'value = "old"', "/rule/0/with/max_age"),
    ('max_age = "$age"', "max_age = 3", "/pack/parameters/age"),
    ('check = "attested"', 'check = "attested"\nscope = { claims = ["clean"] }', "/rule/0/scope/claims"),
    ('check = "attested"', 'check = "attested"\nscope = { materials = ["gems"] }', "/rule/0/scope/materials"),
    ("[[rule]]", "[[rules]]", "/rule"),
]


@pytest.mark.parametrize(("good", "bad", "pointer"), BAD)
def test_a_pack_that_does_not_fit_names_the_member_at_fault(good: str, bad: str, pointer: str) -> None:
    assert good in GOOD
    with pytest.raises(PackError) as caught:
        parse_pack(GOOD.replace(good, bad, 1).encode())
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"= broken", b"#" * (MAX_PACK_BYTES + 1), b"n = " + b"9" * 5_000],
    ids=["not text", "not toml", "huge", "a number without end"],
)
def test_what_is_no_pack(data: bytes) -> None:
    with pytest.raises(PackError):
        parse_pack(data)


def test_lists_without_end_are_no_pack() -> None:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)  # libraries raise it for the whole process
    try:
        with pytest.raises(PackError) as caught:
            parse_pack(b"n = " + b"[" * 5_000)
    finally:
        sys.setrecursionlimit(usual)
    assert "16 deep" in caught.value.message


def test_ids_are_unique() -> None:
    rule = GOOD[GOOD.index("[[rule]]") :]
    with pytest.raises(PackError) as caught:
        parse_pack((GOOD + rule).encode())
    assert caught.value.pointer == "/rule/1/id"
    one = parse_pack(GOOD.encode())
    with pytest.raises(PackError, match="two packs"):
        index_packs([one, one])
    with pytest.raises(PackError, match=r"OWN\.ONE"):
        index_packs([one, parse_pack(GOOD.replace('id = "own"', 'id = "other"').encode())])


def test_shipped_packs_say_everything_a_reader_needs() -> None:
    rules = [rule for pack in read_packs().values() for rule in pack.rules]
    for rule in rules:
        assert rule.requirement.endswith("."), rule.id
        assert rule.citation.text, rule.id
        assert rule.evidence, rule.id
        assert rule.check in CHECKS


def test_every_check_says_what_it_does() -> None:
    for check in CHECKS.values():
        assert check.summary.endswith("."), check.name
