"""Bodies from files that hold anything: the schema or a sentence says what is wrong, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clients.cli.words import nested, read_body
from clients.sdk import events
from clients.sdk.errors import LocalError
from clients.sdk.events import build_payload
from ledger.errors import SchemaError

WHEN = "2026-10-31T12:00:00Z"


@pytest.mark.parametrize(
    ("event", "pointer"),
    [
        (events.receive(WHEN, lots=5, outcome="accepted", site="site:a"), "/body/lots"),  # type: ignore[arg-type]
        (events.receive(WHEN, lots=[{"mass": "1"}], outcome="accepted", site="site:a"), "/body/lots/0/id"),
        (events.settle(WHEN, lots=["A"]), "/body/lots/0"),  # type: ignore[list-item]
        (events.settle(WHEN, lots=[{"id": 5, "quantity": {}}]), "/body/lots/0/id"),
        (events.transform(WHEN, inputs=7, process="split", site="site:a"), "/body/inputs"),  # type: ignore[arg-type]
        (events.transform(WHEN, inputs=[{}], process="split", site="site:a"), "/body/inputs/0/lot"),
        (events.extract(WHEN, **{"time": WHEN, "site": "site:a"}), "/body/time"),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused_by_its_schema(event: events.Event, pointer: str) -> None:
    with pytest.raises(SchemaError) as caught:
        build_payload(event, iss="did:web:a.example", aud="log.example/a", iat=1, find_head=lambda _subject: "0" * 64)
    faults = caught.value.values.get("faults", [])
    assert pointer in [caught.value.pointer, *(fault["pointer"] for fault in faults)]


def test_what_a_body_builds_on_is_read_from_its_items() -> None:
    assert events.receive(WHEN, lots=[{"id": "A"}, {"id": "B"}]).builds_on == ("A", "B")
    assert events.transform(WHEN, inputs=({"lot": "A", "mass": "1"},)).builds_on == ("A",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([1], "one JSON object"),
        ({"start": "site:a"}, "'start', which is no member"),
        ({"end": "site:a"}, "'end', which is no member"),
        ({"mass": 1.5}, 'decimals are written as strings: "1.5"'),
    ],
)
def test_files_that_hold_no_body(tmp_path: Path, content: Any, told: str) -> None:
    path = tmp_path / "body.json"
    path.write_text(json.dumps(content))
    with pytest.raises(LocalError, match=told):
        read_body(path)
    path.write_text('{"from": "site:a"}')
    assert read_body(path) == {"from": "site:a"}


def test_a_member_that_is_no_object() -> None:
    assert nested({"statement": {"a": "b"}}, "statement") == {"a": "b"}
    assert nested({}, "statement") == {}
    with pytest.raises(LocalError, match="'statement' must be an object, not \"b\""):
        nested({"statement": "b"}, "statement")
