"""The quick form and the model of a schema take the same values."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from ledger.custody.attestations import STATEMENTS
from ledger.custody.bodies import BODIES
from ledger.custody.forms import quick_check
from ledger.custody.vocabulary import Geometry, Part
from ledger.envelope import parse_record
from tests.support.world import MINER, START, World, chain_world, dispatch_body, format_time, site_body

STRANGE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "0",
    "2",
    "-1",
    "1e3",
    "ü",
    " a",
    [],
    ["x"],
    {},
    {"a": "b"},
)


def takes(model: type[Part], value: Any) -> bool:
    """What the model itself says."""
    model.model_rebuild()
    try:
        model.__pydantic_validator__.validate_python(value)
    except ValidationError:
        return False
    return True


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Bodies of every type of record in the honest world, and some with more members."""
    world: World = chain_world()
    for entry in world.log:
        record = parse_record(entry.partition(b" ")[2])
        yield record.type, record.body
    time = format_time(START)
    yield "site", site_body("site:x", "mine", MINER) | {"location": {"type": "Point", "coordinates": ["29.1", "-1.5"]}}
    transport = {"mode": "truck", "route": [{"country": "CD", "place": "Goma"}], "_sd": ["A" * 43]}
    yield "dispatch", dispatch_body(MINER, "lot:1") | {"transport": transport, "documents": [{"kind": "waybill"}]}
    yield "key", {"participant": MINER, "action": "revoke", "kid": "A" * 43, "reason": "lost"}
    yield (
        "incident",
        {
            "about": [{"subject": "lot:1", "record": "ab" * 32}],
            "category": "fraud",
            "severity": 1,
            "status": "open",
            "period": {"from": time, "to": time},
            "verified": True,
        },
    )


def variants(value: Any) -> Iterator[Any]:
    """The value with each member, at any depth, replaced by something strange, removed, or joined by another."""
    if isinstance(value, dict):
        yield value | {"unknown": 1}
        for name in value:
            yield {other: item for other, item in value.items() if other != name}
            yield from ({**value, name: changed} for changed in (*STRANGE, *variants(value[name])))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from ([*value[:position], changed, *value[position + 1 :]] for changed in (*STRANGE, *variants(item)))
    elif isinstance(value, str):
        yield from (value + "\n", value + "x", value[:-1], value.upper(), "1970-13-01T00:00:00Z", "0.000", "100.1")


def test_quick_form_and_model_agree_on_every_body_and_its_variants() -> None:
    seen, refused = set(), 0
    for event, body in bodies():
        if event in seen and event not in ("site", "dispatch"):
            continue
        seen.add(event)
        quick = quick_check(BODIES[event])
        assert quick(body), event
        for variant in variants(copy.deepcopy(body)):
            assert quick(variant) == takes(BODIES[event], variant), (event, variant)
            refused += not quick(variant)
    assert seen >= {"genesis", "participant", "site", "extract", "dispatch", "receive", "transform", "key", "incident"}
    assert refused > 1000


@pytest.mark.parametrize("model", [*BODIES.values(), *STATEMENTS.values()])
def test_every_schema_has_a_quick_form(model: type[Part]) -> None:
    for value in (*STRANGE, {"kind": "x"}, {"_sd": ["A" * 43]}):
        assert quick_check(model)(value) == takes(model, value)


def test_parts_with_a_rule_of_their_own_keep_it() -> None:
    quick = quick_check(BODIES["site"])
    place = site_body("site:x", "mine", MINER)
    assert quick(place)
    assert not quick(place | {"subdivision": "RW-01"})
    assert not quick(place | {"location": {"type": "Point", "coordinates": ["29.1"]}})
    assert quick_check(Geometry)({"type": "Point", "coordinates": ["29.1", "-1.5"]})
    assert not quick_check(Geometry)({"type": "Point", "coordinates": ["29.1", "-91"]})
