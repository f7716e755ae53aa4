"""Schemas: one honest body per type, then each kind of fault, with the pointer to the member."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.custody.attestations import STATEMENTS
from ledger.custody.bodies import BODIES, CORRECTABLE
from ledger.custody.events import (
    ATTESTATION_KINDS,
    EVENT_TYPES,
    check_disclosed,
    check_schema,
    concealable_pointers,
)
from ledger.errors import EnvelopeError, SchemaError, TooLarge
from tests.support.world import (
    MINE,
    MINER,
    TRADER,
    dispatch_body,
    extract_body,
    genesis_body,
    key_of,
    new_lot,
    quantity,
    receive_body,
    site_body,
    transform_body,
)

JWK = key_of("x").public.jwk()
RECORD = "0" * 64
ABOUT = [{"subject": "lot:1", "record": RECORD}]
POINT = {"type": "Point", "coordinates": ["29.1234", "-1.5"]}
SQUARE = {"type": "Polygon", "coordinates": [[["29", "-1"], ["29.1", "-1"], ["29.1", "-1.1"], ["29", "-1"]]]}

HONEST: dict[str, dict[str, Any]] = {
    "genesis": genesis_body(key_of("registrar")),
    "policy": {"policy": genesis_body(key_of("registrar"))["policy"]},
    "participant": {"id": TRADER, "country": "CD", "roles": ["trader"], "status": "active", "keys": [JWK]},
    "key": {"participant": TRADER, "action": "add", "key": JWK, "reason": "rotation"},
    "site": site_body(MINE, "mine", MINER) | {"location": POINT},
    "extract": extract_body(new_lot("lot:1", tags=("T1",)), new_lot("lot:2")),
    "dispatch": dispatch_body(TRADER, "lot:1", "lot:2"),
    "receive": receive_body(MINE, {"lot:1": quantity("40"), "lot:2": quantity("41")}),
    "settle": {"lots": [{"id": "lot:1", "quantity": quantity("40")}]},
    "transform": transform_body({"lot:1": "40"}, new_lot("lot:3"), additions=[{"material": "water", "mass": "1"}]),
    "close": {"lots": ["lot:1"], "reason": "sold_out_of_scope"},
    "attest": {"kind": "footprint", "about": ABOUT, "statement": {
        "kg_co2e_per_kg": "12.5", "method": "ISO 14067", "boundary": "cradle to gate"}},
    "incident": {"about": ABOUT, "category": "A2.1.iii", "severity": 3, "status": "open"},
    "correct": {"record": RECORD, "type": "dispatch", "reason": "seal",
                "replace": {"expected": "2026-10-01T00:00:00Z"}},
}  # fmt: skip

STATEMENT_EXAMPLES: dict[str, dict[str, Any]] = {
    "weighing": {"gross": "41", "tare": "1", "net": "40", "scale": "W-1"},
    "assay": {"sample": "S", "protocol": "P", "laboratory": "lab", "method": "XRF",
              "grades": {"Sn": {"value": "63"}}, "impurities": {"U": {"value": "0.01", "uncertainty": "0.001"}}},
    "site_status": {"status": "green", "effective": "2026-01-01", "act": "A 1", "authority": "a"},
    "inspection": {"number": "1", "date": "2026-01-01", "office": "O", "children": {"under_15": 0, "aged_15_to_18": 0}},
    "licence": {"kind": "claim", "number": "1", "holder": "h", "granted": "2026-01-01", "class": "SSM", "area": SQUARE},
    "tag_allocation": {"scheme": "itsci", "first": "1", "last": "9", "count": 9, "site": "s"},
    "tag_state": {"tag": {"scheme": "itsci", "number": "1"}, "state": "void"},
    "payment": {"kind": "tax", "purpose": "export", "payer": "p", "payee_class": "government", "amount": "12.5",
                "currency": "USD", "date": "2026-01-01", "method": "bank"},
    "nil_declaration": {"kinds": ["official"], "from": "2026-01-01", "to": "2026-02-01"},
    "certificate": {"scheme": "icglr", "country": "CD", "number": "1", "exporter": "e", "mass": "5000",
                    "grade": {"Ta2O5": "30"}, "origins": ["CD", "0"], "authority": "a", "verified": "2026-01-01",
                    "issued": "2026-01-02", "expires": "2026-03-01"},
    "export": {"declaration": "1", "code_system": "HS", "code": "261590", "net": "1", "exporter": "e",
               "destination": "CN"},
    "import": {"declaration": "1", "code_system": "CN", "code": "26159000", "net": "1", "importer": "i",
               "country_of_origin": "CD", "country_of_dispatch": "TZ"},
    "ownership": {"seller": "s", "buyer": "b", "incoterm": "FOB"},
    "checkpoint": {"place": "Border", "at": "2026-01-01T10:00:00Z"},
    "stocktake": {"site": "s", "material": "Sn", "opening": "0", "closing": "5", "method": "scale"},
    "audit": {"facility": "f", "scheme": "RMAP", "standard": "2017", "metals": ["Sn"], "body": "B"},
    "policy": {"title": "Policy", "covers": ["A2.1"]},
    "contract": {"title": "Contract", "parties": ["a", "b"]},
    "grievance_channel": {"contact": "desk", "days_to_answer": 14},
    "annual_report": {"year": 2025, "url": "https://example.org/r.pdf", "digest": RECORD},
    "risk_assessment": {"scope": "all", "date": "2026-01-01"},
    "mitigation_plan": {"risk": "A2.5", "decision": "continue", "measures": ["m"], "start": "2026-01-01",
                        "review_by": "2026-06-01"},
    "edd_report": {"red_flags": ["LOC1"], "method": "joint_team", "visit": "2026-01-01", "conclusion": "discharged"},
    "security_arrangement": {"kind": "public", "screened": True},
    "environment": {"category": "water", "value": "-0.5", "unit": "m", "method": "probe"},
    "observation": {"product": "S2", "tile": "35MQU", "date": "2026-01-01", "index": "NDVI", "value": "0.2"},
    "fingerprint": {"sample": "S", "method": "LA-ICP-MS", "stage": "before_homogenising", "ratios": {"Ta/Nb": "0.8"}},
    "footprint": {"kg_co2e_per_kg": "1", "method": "m", "boundary": "b"},
}  # fmt: skip


def payload(event: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"type": event, "body": body}


def refused(event: str, body: dict[str, Any], pointer: str, error: type = SchemaError) -> None:
    with pytest.raises(error) as caught:
        check_schema(payload(event, body))
    assert caught.value.pointer == pointer


def test_every_type_and_kind_has_an_example_here() -> None:
    assert set(HONEST) == set(EVENT_TYPES) == set(BODIES)
    assert set(STATEMENT_EXAMPLES) == set(ATTESTATION_KINDS) == set(STATEMENTS)


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_honest_bodies_pass_and_every_bent_one_fails(event: str) -> None:
    body = HONEST[event]
    before = copy.deepcopy(body)
    check_schema(payload(event, body))
    assert body == before
    refused(event, body | {"surplus": 1}, "/body/surplus")
    model = BODIES[event]
    for name, field in model.model_fields.items():
        member = field.alias or name
        if member in body:
            with pytest.raises(SchemaError) as caught:
                check_schema(payload(event, body | {member: 1.5}))
            assert caught.value.pointer.startswith(f"/body/{member}")
        if field.is_required():
            refused(event, {k: v for k, v in body.items() if k != member}, f"/body/{member}")


@pytest.mark.parametrize("kind", ATTESTATION_KINDS)
def test_statements_pass_and_every_bent_one_fails(kind: str) -> None:
    statement = STATEMENT_EXAMPLES[kind]
    body = {"kind": kind, "about": ABOUT, "statement": statement}
    check_schema(payload("attest", body))
    refused("attest", body | {"statement": statement | {"surplus": 1}}, "/body/statement/surplus")
    for name, field in STATEMENTS[kind].model_fields.items():
        member = field.alias or name
        if field.is_required():
            bent = {k: v for k, v in statement.items() if k != member}
            refused("attest", body | {"statement": bent}, f"/body/statement/{member}")


def test_unknown_type_and_kind() -> None:
    refused("transfer", {}, "/type")
    refused("attest", HONEST["attest"] | {"kind": "rumour"}, "/body/kind")


def test_several_faults_are_all_named() -> None:
    with pytest.raises(SchemaError) as caught:
        check_schema(payload("close", {"lots": [], "reason": "x", "a/b": 1}))
    assert [fault["pointer"] for fault in caught.value.values["faults"]] == [
        "/body/lots", "/body/reason", "/body/a~1b",
    ]  # fmt: skip


def lot_with(**more: Any) -> dict[str, Any]:
    return extract_body(new_lot("lot:1") | more)


@pytest.mark.parametrize(
    ("bent", "pointer"),
    [
        (quantity("0"), "mass"),
        (quantity("0.000000"), "mass"),
        (quantity("01"), "mass"),
        (quantity("+1"), "mass"),
        (quantity("1e3"), "mass"),
        (quantity("1,5"), "mass"),
        (quantity("1.0000001"), "mass"),
        (quantity("1000000000000"), "mass"),
        (quantity("1", "100"), "moisture"),
        (quantity("1", "-1"), "moisture"),
        (quantity("1", "2.00001"), "moisture"),
        (quantity("1", "2", {"Sn": "100.000001"}), "assay/Sn"),
        (quantity("1", "2", {"Sn": "101"}), "assay/Sn"),
        (quantity("1", "2", {"Sn": "60", "SnO2": "20"}), "assay/SnO2"),
        (quantity("1", "2", {"Sn": "60", "Ta": "50"}), "assay"),
        (quantity("1", "2", {"tin": "60"}), "assay/tin"),
        ({"mass": "1", "moisture": "0"}, "assay"),
    ],
)
def test_quantities(bent: dict[str, Any], pointer: str) -> None:
    refused("extract", lot_with(quantity=bent), f"/body/lots/0/quantity/{pointer}")


def test_hundred_per_cent_is_fine() -> None:
    for share in ("100", "100.0", "100.000000", "99.999999"):
        check_schema(payload("extract", lot_with(quantity=quantity("1", "0", {"Au": share}))))


@pytest.mark.parametrize("time", ["2026-02-29T00:00:00Z", "2026-10-01T24:00:00Z", "2026-10-01T00:00:00+00:00",
                                  "2026-10-01T00:00:00.5Z", "01/10/2026", "2026-13-01T00:00:00Z"])  # fmt: skip
def test_times(time: str) -> None:
    refused("dispatch", HONEST["dispatch"] | {"expected": time}, "/body/expected")
    check_schema(payload("dispatch", HONEST["dispatch"] | {"expected": "2028-02-29T23:59:59Z"}))


@given(st.integers(1000, 2999), st.integers(0, 13), st.integers(0, 32))
@example(2000, 2, 29)
@example(1900, 2, 29)
@example(2026, 11, 31)
def test_the_calendar_is_the_calendar(year: int, month: int, day: int) -> None:
    text = f"{year}-{month:02d}-{day:02d}"
    statement = STATEMENT_EXAMPLES["site_status"] | {"effective": text}
    body = {"kind": "site_status", "about": ABOUT, "statement": statement}
    try:
        date.fromisoformat(text)
    except ValueError:
        refused("attest", body, "/body/statement/effective")
    else:
        check_schema(payload("attest", body))


def test_digits_are_ascii_digits() -> None:
    arabic = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
    refused("dispatch", HONEST["dispatch"] | {"expected": "2026-10-01T00:00:00Z".translate(arabic)}, "/body/expected")
    refused("extract", lot_with(quantity=quantity("12".translate(arabic))), "/body/lots/0/quantity/mass")


@given(st.data())
def test_no_float_passes_anywhere(data: st.DataObject) -> None:
    """What lets `envelope.parse_record` leave the search for floats to the schemas."""
    event = data.draw(st.sampled_from(EVENT_TYPES))
    body = copy.deepcopy(HONEST[event])
    if event == "attest":
        kind = data.draw(st.sampled_from(ATTESTATION_KINDS))
        body = copy.deepcopy({"kind": kind, "about": ABOUT, "statement": STATEMENT_EXAMPLES[kind]})
    places = list(_places(body))
    container, name = data.draw(st.sampled_from(places))
    container[name] = data.draw(st.sampled_from([1.0, 0.5, 1e300, [2.0], {"x": 3.0}]))
    with pytest.raises(SchemaError):
        check_schema(payload(event, body))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member and element of a JSON value, as container and name."""
    for name in value if isinstance(value, dict) else range(len(value)):
        yield value, name
        if isinstance(value[name], dict | list):
            yield from _places(value[name])


def test_dates() -> None:
    statement = STATEMENT_EXAMPLES["site_status"] | {"effective": "2026-02-30"}
    refused("attest", {"kind": "site_status", "about": ABOUT, "statement": statement}, "/body/statement/effective")


@pytest.mark.parametrize(
    "coordinates",
    [
        ["29.1"], ["29.1", "1.5", "3"], [29.1, 1.5], ["29,1", "1.5"], ["180.0001", "1"], ["29", "90.5"], ["29.", "1"],
        ["29.12345678", "1"], ["--29", "1"], ["1000", "1"], ["29.1x", "1"], "29.1,1.5", ["", "1"],
        ["29.\u00b2", "1"], ["29.\u0661", "1"],
    ],
)  # fmt: skip
def test_positions(coordinates: Any) -> None:
    with pytest.raises(SchemaError) as caught:
        check_schema(payload("site", HONEST["site"] | {"location": {"type": "Point", "coordinates": coordinates}}))
    assert caught.value.pointer.startswith("/body/location")


def test_rings() -> None:
    check_schema(payload("site", HONEST["site"] | {"location": SQUARE}))
    ring = SQUARE["coordinates"][0]
    for bent in ([], [ring[:3]], [[*ring[:3], ["1", "1"]]], ["ring"], [[["29", "-1"], 1, 2, ["29", "-1"]]]):
        refused("site", HONEST["site"] | {"location": {"type": "Polygon", "coordinates": bent}}, "/body/location")


def test_an_attestation_whose_times_are_null() -> None:
    body = {"kind": "site_status", "about": ABOUT, "statement": STATEMENT_EXAMPLES["site_status"]}
    for times in ({"from": None, "until": "2026-01-01T00:00:00Z"}, {"from": None, "until": None}):
        check_schema(payload("attest", {**body, **times}))
    late = {"from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    refused("attest", {**body, **late}, "/body/until")


def test_subdivision_of_another_country() -> None:
    refused("site", HONEST["site"] | {"subdivision": "RW-01"}, "/body")


@pytest.mark.parametrize(
    "bent",
    [
        {"action": "revoke"},
        {"kid": "A" * 43},
        {"action": "revoke", "kid": "A" * 43},
        {"action": "revoke", "key": None, "kid": "A" * 43, "from": "2026-10-01T00:00:00Z"},
    ],
)
def test_keys_are_added_or_revoked(bent: dict[str, Any]) -> None:
    refused("key", {k: v for k, v in (HONEST["key"] | bent).items() if v is not None}, "/body")


def test_nothing_is_named_twice() -> None:
    refused("participant", HONEST["participant"] | {"roles": ["trader", "trader"]}, "/body/roles")
    refused("extract", extract_body(new_lot("lot:1"), new_lot("lot:1")), "/body/lots")
    refused("extract", extract_body(new_lot("lot:1", tags=("T",)), new_lot("lot:2", tags=("T",))), "/body/lots")
    refused("dispatch", dispatch_body(TRADER, "lot:1", "lot:1"), "/body/lots")
    refused("close", HONEST["close"] | {"lots": ["a", "a"]}, "/body/lots")
    for event in ("receive", "settle"):
        body = HONEST[event]
        refused(event, body | {"lots": [body["lots"][0]] * 2}, "/body/lots")
    body = HONEST["transform"]
    refused("transform", body | {"inputs": body["inputs"] * 2}, "/body/inputs")


def test_periods_have_an_order() -> None:
    backwards = {"from": "2026-10-02T00:00:00Z", "to": "2026-10-01T00:00:00Z"}
    refused("extract", HONEST["extract"] | {"period": backwards}, "/body/period")
    refused("incident", HONEST["incident"] | {"period": backwards}, "/body/period")


def test_accepted_lots_are_measured_and_refused_ones_are_not() -> None:
    refused("receive", receive_body(MINE, {"lot:1": None}), "/body/lots/0/quantity")
    refused("receive", receive_body(MINE, {"lot:1": quantity("40")}, "refused"), "/body/lots/0/quantity")
    check_schema(payload("receive", receive_body(MINE, {"lot:1": None}, "refused")))
    bad = receive_body(MINE, {"lot:1": {"mass": "1", "assay": {"Xx": "1"}}})
    refused("receive", bad, "/body/lots/0/quantity/assay/Xx")


def test_processes_have_their_shapes() -> None:
    one, two = {"lot:1": "1"}, {"lot:1": "1", "lot:2": "1"}
    a, b = new_lot("a"), new_lot("b")
    for process, inputs, outputs, fits in (
        ("split", one, (a, b), True), ("split", two, (a,), False),
        ("retag", one, (a,), True), ("retag", one, (a, b), False), ("retag", two, (a,), False),
        ("merge", two, (a,), True), ("merge", one, (a,), False), ("merge", two, (a, b), False),
        ("blend", two, (a, b), True), ("blend", one, (a,), False),
        ("smelt", one, (a,), True), ("refine", two, (a, b), True),
    ):  # fmt: skip
        body = transform_body(inputs, *outputs, process=process)
        if fits:
            check_schema(payload("transform", body))
        else:
            refused("transform", body, "/body/process")


def test_a_transform_with_too_many_edges() -> None:
    inputs = {f"in:{i}": "1" for i in range(101)}
    outputs = [new_lot(f"out:{i}") for i in range(100)]
    refused("transform", transform_body(inputs, *outputs), "/body/outputs", TooLarge)
    check_schema(payload("transform", transform_body(dict(list(inputs.items())[:100]), *outputs)))


# concealed members --------------------------------------------------------------------------------


def test_concealable_members_are_found_through_lists_and_objects() -> None:
    assert concealable_pointers("dispatch") == {
        "/body/price", "/body/transport/carrier", "/body/transport/vehicle", "/body/transport/driver",
        "/body/documents/*/number", "/body/documents/*/digest",
    }  # fmt: skip
    assert "/body/statement/amount" in concealable_pointers("attest", "payment")
    assert concealable_pointers("attest", "weighing") == {"/body/documents/*/number", "/body/documents/*/digest"}
    assert concealable_pointers("close", "payment") == {"/body/note"}


def test_disclosed_members_must_fit_and_be_concealable() -> None:
    body = HONEST["dispatch"]
    hidden = payload("dispatch", body | {"transport": {**body["transport"], "_sd": ["A" * 43]}})
    shown = body | {"transport": {**body["transport"], "driver": "A driver"}}
    check_schema(hidden)
    check_disclosed(hidden, shown, ["/body/transport/driver"])
    with pytest.raises(EnvelopeError) as caught:
        check_disclosed(hidden, shown, ["/body/transport/seals"])
    assert caught.value.pointer == "/body/transport/seals"
    wrong = body | {"transport": {**body["transport"], "driver": 7}}
    with pytest.raises(SchemaError) as fault:
        check_disclosed(hidden, wrong, ["/body/transport/driver"])
    assert fault.value.pointer == "/body/transport/driver"
    papers = body | {"documents": [{"kind": "waybill", "number": "7"}]}
    check_disclosed(payload("dispatch", papers), papers, ["/body/documents/0/number"])


def test_every_correctable_member_exists() -> None:
    for event, members in CORRECTABLE.items():
        names = {field.alias or name for name, field in BODIES[event].model_fields.items()}
        assert set(members) <= names
