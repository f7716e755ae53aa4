"""Packs that mean harm: refused with the limit named, in no time, and without a crash in any check."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from ledger.errors import PackError
from ledger.rules.case import Background
from ledger.rules.checks import CHECKS
from ledger.rules.claim import parse_claim
from ledger.rules.engine import judge_rule
from ledger.rules.facts import Facts
from ledger.rules.pack import MAX_DEPTH, Scope, bind, parameters_of, parse_pack
from ledger.rules.packs import read_packs
from ledger.rules.reference.snapshot import References
from tests.ledger.rules.test_pack import GOOD
from tests.ledger.rules.test_properties import documented
from tests.support.story import MINE_A, TRADER

HOSTILE: dict[str, str] = {
    "lists in lists": "x = " + "[" * 5_000 + "]" * 5_000,
    "tables in tables": "x = " + "{a=" * 3_000 + "1" + "}" * 3_000,
    "a key of many parts": ".".join(["a"] * 200_000) + " = 1",
    "a header of many parts": "[" + ".".join(["a"] * 200_000) + "]",
    "quoted parts": "[" + ".".join(['"a.b"', "'c'"] * 50_000) + "]",
    "a key of many parts within a table": "x = {" + " . ".join(["a"] * 100_000) + " = 1}",
    "just too deep": "x = " + "[" * MAX_DEPTH + "]" * MAX_DEPTH,
    "a number without end": "x = " + "9" * 5_000,
    "a negative number without end": "x = -" + "9" * 5_000,
    "another charset": "x = '\udcff'",
}


@pytest.mark.parametrize("words", HOSTILE)
def test_a_pack_that_means_harm_is_refused(words: str) -> None:
    with pytest.raises(PackError):
        parse_pack(f"{HOSTILE[words]}\n{GOOD}".encode("utf-8", "surrogateescape"))


def test_what_is_just_deep_enough_is_read() -> None:
    deep = GOOD.replace('["Mines agency"]', "[" * (MAX_DEPTH - 5) + "]" * (MAX_DEPTH - 5))
    assert parse_pack(deep.encode()).id == "own"
    deeper = GOOD.replace('["Mines agency"]', "[" * (MAX_DEPTH - 4) + "]" * (MAX_DEPTH - 4))
    with pytest.raises(PackError, match="at most 16 deep"):
        parse_pack(deeper.encode())


def test_text_with_many_dots_is_only_text() -> None:
    text = ".".join("abcdefghijklmnopqrstuvwxyz")
    assert parse_pack(GOOD.replace("What we ask for besides.", text).encode()).head.about == text


PLAIN = GOOD.partition("[pack.parameters.age]")[0] + "[[rule]]" + GOOD.partition("[[rule]]")[2]
MEMBERS = {
    "a number for a date": 'dated = "number"',
    "a date of another kind": 'dated = "effective"',
    "true for a number": "max_age = true",
    "negative days": "max_age = -1",
    "days without end": "max_age = 99999999999",
    "not a number": "max_age = nan",
    "a name that is a parameter's": '"$age" = 365',
    "a parameter without a name": 'dated = "$"',
}


@pytest.mark.parametrize("words", MEMBERS)
def test_members_that_mean_nothing_are_refused(words: str) -> None:
    assert parse_pack(PLAIN.replace('max_age = "$age"', 'dated = "date"').encode()).id == "own"
    with pytest.raises(PackError) as caught:
        parse_pack(PLAIN.replace('max_age = "$age"', MEMBERS[words]).encode())
    assert caught.value.pointer.startswith("/rule/0/with")


VALUES: tuple[Any, ...] = (
    "", "x", "0", "a=b", "*=x", "*=0", "*=-5", "*=1e5", "*=9999999999999999999", "1000-01-01", "2999-12-31", "number",
    "100", "999999999999.999999999", "0.000000001", "Ta2O5", "CD=x", "smelt:Ta=x", "truck=1/0",
    0, 1, 9999, 36_600, True, False, {"date": 1},
)  # fmt: skip


@cache
def facts_about(subject: str) -> Facts:
    """Of a story with many papers."""
    story = documented()
    return story.facts(subject=subject, known="2026-11-22", valid="2026-11-22")


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_no_member_that_loads_makes_a_check_crash(check: str) -> None:
    """Each member of each check, bent in turn: refused when it is bound, or judged; never anything else."""
    shipped = [(pack, rule) for pack in read_packs().values() for rule in pack.rules if rule.check == check]
    for pack, rule in shipped[:1]:
        parameters = parameters_of(pack)
        for name in CHECKS[check].model.model_fields:
            for value in (*VALUES, *([one] for one in VALUES if isinstance(one, str)), []):
                bent = rule.model_copy(update={"with_": {**rule.with_, name: value}, "scope": Scope()})
                try:
                    members = bind(bent, parameters)
                except PackError:
                    continue
                for subject in ("lot:export", MINE_A, TRADER):
                    claim = parse_claim({"type": "conduct", "subject": subject})
                    back = Background(facts_about(subject), claim, References())
                    assert judge_rule(bent, pack.id, back, parameters, members).ruling.sentence
