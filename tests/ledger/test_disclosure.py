"""Selective disclosure: what is concealed comes back whole, and nothing else comes in."""

from __future__ import annotations

import unicodedata
from copy import deepcopy
from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.disclosure import conceal_members, disclosure_digest, fill_in, find_digests
from ledger.encoding import MAX_DEPTH, format_b64url, format_json, join_pointer, parse_b64url, parse_json
from ledger.errors import EncodingError, EnvelopeError, FormatError

SALTS = tuple(n.to_bytes(16, "big") for n in range(1, 300))
BODY: dict[str, Any] = {
    "documents": [{"kind": "invoice", "number": "77"}, {"kind": "cmr", "number": "78"}],
    "price": {"amount": "1200.00", "currency": "USD"},
    "transport": {"driver": {"licence": "D 5", "name": "é"}, "mode": "road"},
}
POINTERS = (
    "/body/documents/0/number",
    "/body/documents/1/number",
    "/body/price",
    "/body/transport/driver",
    "/body/transport/driver/name",
)


def conceal(body: Any, *pointers: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    payload, disclosures = conceal_members({"body": body}, pointers, salts=SALTS)
    return payload["body"], disclosures


def disclose(*parts: Any) -> str:
    """A disclosure of any parts."""
    return format_b64url(format_json(parts))


def holding(*disclosures: str) -> dict[str, Any]:
    return {"_sd": [disclosure_digest(text) for text in disclosures], "kept": 1}


def refuse(body: Any, *disclosures: str, error: type[FormatError] = EnvelopeError, match: str | None = None) -> str:
    with pytest.raises(error, match=match) as caught:
        fill_in(body, disclosures)
    return caught.value.pointer


SALT = format_b64url(SALTS[0])


def test_every_choice_of_members_comes_back() -> None:
    for chosen in chain.from_iterable(combinations(POINTERS, size) for size in range(len(POINTERS) + 1)):
        for order in (chosen, chosen[::-1]):
            body, disclosures = conceal(BODY, *order)
            filled = fill_in(body, disclosures)
            assert filled.body == BODY
            assert filled.erased == 0
            assert filled.pointers == dict(zip(order, map(disclosure_digest, disclosures), strict=True))


def test_concealed_members_leave_no_trace_but_digests() -> None:
    body, disclosures = conceal(BODY, *POINTERS)
    digests = [disclosure_digest(text) for text in disclosures]
    assert body == {
        "_sd": [digests[2]],
        "documents": [{"_sd": [digests[0]], "kind": "invoice"}, {"_sd": [digests[1]], "kind": "cmr"}],
        "transport": {"_sd": [digests[3]], "mode": "road"},
    }
    assert find_digests(body) == {
        digests[0]: "/body/documents/0",
        digests[1]: "/body/documents/1",
        digests[2]: "/body",
        digests[3]: "/body/transport",
    }
    salt, name, value = parse_json(parse_b64url(disclosures[3]))
    assert (salt, name, value) == (format_b64url(SALTS[3]), "driver", {"_sd": [digests[4]], "licence": "D 5"})


def test_digests_are_sorted_whatever_the_order_of_members() -> None:
    body, _ = conceal({"a": 1, "b": 2, "c": 3, "d": 4}, "/body/c", "/body/a", "/body/d", "/body/b")
    assert list(body) == ["_sd"]
    assert body["_sd"] == sorted(body["_sd"])
    assert len(body["_sd"]) == 4


def test_undisclosed_members_are_counted() -> None:
    body, disclosures = conceal(BODY, *POINTERS)
    filled = fill_in(body, [])
    assert (filled.pointers, filled.erased) == ({}, 4)  # the fifth is inside another
    assert filled.body == {
        "documents": [{"kind": "invoice"}, {"kind": "cmr"}],
        "transport": {"mode": "road"},
    }
    filled = fill_in(body, disclosures[3:4])
    assert filled.body["transport"] == {"driver": {"licence": "D 5"}, "mode": "road"}
    assert (list(filled.pointers), filled.erased) == (["/body/transport/driver"], 4)
    assert body == conceal(BODY, *POINTERS)[0]


def test_order_of_disclosures_does_not_matter() -> None:
    body, disclosures = conceal(BODY, *POINTERS)
    assert fill_in(body, disclosures[::-1]).body == BODY


names = st.text(st.characters(max_codepoint=127), max_size=4).filter(lambda name: name not in ("_sd", "_sd_alg", "..."))
texts = st.text(max_size=5).map(lambda text: unicodedata.normalize("NFC", text))
bodies = st.dictionaries(
    names,
    st.recursive(
        texts | st.integers(0, 9),
        lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below),
        max_leaves=12,
    ),
)


def members(value: Any, pointer: str) -> list[str]:
    """The pointers of all object members below a value."""
    if isinstance(value, dict):
        places = [(join_pointer(pointer, name), below) for name, below in value.items()]
        return [place for place, _ in places] + [x for place, below in places for x in members(below, place)]
    if isinstance(value, list):
        return [x for index, below in enumerate(value) for x in members(below, f"{pointer}/{index}")]
    return []


@given(bodies, st.data())
def test_any_members_of_any_body_come_back(body: dict[str, Any], data: st.DataObject) -> None:
    places = members(body, "/body")
    chosen = data.draw(st.lists(st.sampled_from(places), unique=True) if places else st.just([]))
    concealed, disclosures = conceal(body, *chosen)
    filled = fill_in(parse_json(format_json(concealed)), disclosures)
    assert filled.body == body
    assert set(filled.pointers) == set(chosen)
    if disclosures:
        erased = data.draw(st.sampled_from(disclosures))
        left = [text for text in disclosures if text != erased]
        try:
            assert fill_in(concealed, left).erased == 1
        except EnvelopeError:  # it held another one, which now belongs to nothing
            assert any(place.startswith(chosen[disclosures.index(erased)] + "/") for place in chosen)


# concealing


@pytest.mark.parametrize(
    "pointer",
    [
        "",
        "/",
        "/body",
        "/iss",
        "/prev/lot:1",
        "/body/nothing",
        "/body/price/nothing",
        "/body/price/amount/x",
        "/body/documents/0",
        "/body/documents/2/kind",
        "/body/documents/00/kind",
        "/body/documents/-1/kind",
        "/body/documents/-/kind",
        "/body/documents/kind",
        "/BODY/price",
    ],
)
def test_pointers_that_name_no_member_of_the_body(pointer: str) -> None:
    payload = {"body": BODY, "iss": "x", "prev": {"lot:1": "ab"}}
    with pytest.raises(EnvelopeError) as caught:
        conceal_members(payload, [pointer], salts=SALTS)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize("pointer", ["body/price", "price", "/body/~2"])
def test_text_that_is_no_pointer(pointer: str) -> None:
    with pytest.raises(EncodingError):
        conceal(BODY, pointer)


def test_member_concealed_twice() -> None:
    with pytest.raises(EnvelopeError, match="once"):
        conceal(BODY, "/body/price", "/body/price")


@pytest.mark.parametrize(
    "salts",
    [(), SALTS[:1], (SALTS[0], SALTS[0]), (SALTS[0], b"x" * 15), (SALTS[0], b"")],
    ids=["none", "too few", "used twice", "short", "empty"],
)
def test_salts_that_hide_too_little(salts: tuple[bytes, ...]) -> None:
    with pytest.raises(EnvelopeError, match="salt of its own"):
        conceal_members({"body": BODY}, POINTERS[:2], salts=salts)


def test_payload_that_holds_reserved_names() -> None:
    for body in ({"_sd": [disclosure_digest("x")]}, {"a": [{"...": "x"}]}, {"a": {"_sd_alg": "sha-256"}}, {"_sd": 1}):
        with pytest.raises(EnvelopeError):
            conceal(body)
    with pytest.raises(EnvelopeError, match="plain payload"):
        conceal_members({"_sd_alg": "sha-256", "body": {}}, (), salts=())


# opening


def test_disclosure_that_is_not_in_the_record() -> None:
    text = disclose(SALT, "price", "1")
    assert fill_in(holding(text), [text]).body == {"kept": 1, "price": "1"}
    refuse(holding(text), text, disclose(SALT, "price", "2"), match="no digest of this record")
    refuse({"kept": 1}, text, match="no digest of this record")


def test_disclosure_of_a_member_whose_holder_is_not_disclosed() -> None:
    body, disclosures = conceal(BODY, *POINTERS)
    refuse(body, disclosures[4], match="no digest of this record")


def test_disclosure_given_twice() -> None:
    text = disclose(SALT, "price", "1")
    refuse(holding(text), text, text, match="given twice")


def test_digest_that_stands_twice() -> None:
    text = disclose(SALT, "price", "1")
    body = {"a": holding(text), "b": holding(text)}
    assert refuse(body, text, match="twice") == "/body/b/_sd"
    outer = disclose(SALT, "outer", holding(text))
    assert refuse({"_sd": [disclosure_digest(text), disclosure_digest(outer)]}, text, outer, match="twice")


def test_disclosed_member_that_is_there_already() -> None:
    text = disclose(SALT, "kept", "2")
    assert refuse(holding(text), text, match="there already") == "/body/kept"
    other = disclose(format_b64url(SALTS[1]), "kept2", "3")
    same = disclose(SALT, "kept2", "2")
    assert refuse(holding(same, other), same, other, match="there already") == "/body/kept2"


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg", "é", 1, None, ["price"]])
def test_disclosed_names_that_are_refused(name: Any) -> None:
    text = disclose(SALT, name, [disclosure_digest("x")])
    refuse(holding(text), text, match="ASCII name")


@pytest.mark.parametrize("salt", ["", "x" * 21, None, 1, ["x" * 22]])
def test_salts_that_are_too_short(salt: Any) -> None:
    text = disclose(salt, "price", "1")
    refuse(holding(text), text, match="salt")


@pytest.mark.parametrize("parts", [[], [SALT], [SALT, "element"], [SALT, "a", 1, 2], {"salt": SALT}, "x", 1, None])
def test_disclosures_of_other_shapes(parts: Any) -> None:
    text = format_b64url(format_json(parts))
    refuse(holding(text), text, match="array of salt")


@pytest.mark.parametrize(
    "json",
    [
        b"",
        b"\xff",
        b'["%b", "price","1"]' % SALT.encode(),
        b'["%b","price",1.5]' % SALT.encode(),
        b'["%b","price",9007199254740992]' % SALT.encode(),
        b'["%b","price","\\ud800"]' % SALT.encode(),
        b'["%b","price","e\xcc\x81"]' % SALT.encode(),
        b'["%b","price",{"a":1,"a":1}]' % SALT.encode(),
        b'["%b","price",{"b":1,"a":1}]' % SALT.encode(),
    ],
)
def test_disclosures_that_are_not_canonical_json(json: bytes) -> None:
    text = format_b64url(json)
    refuse(holding(text), text, error=EncodingError)


@pytest.mark.parametrize("end", ["=", "==", " ", "\n", "+", "A", "."])
def test_disclosures_that_are_not_canonical_base64url(end: str) -> None:
    text = disclose(SALT, "price", "12") + end
    refuse(holding(text), text, error=EncodingError)


def test_disclosure_that_is_not_ascii() -> None:
    with pytest.raises(EnvelopeError, match="base64url"):
        disclosure_digest("é")
    refuse({"kept": 1}, "é")


@pytest.mark.parametrize("value", [[], None, ["x"], [1], "x", {}])
def test_disclosed_value_with_broken_digests(value: Any) -> None:
    text = disclose(SALT, "outer", [{"_sd": value}])
    assert refuse(holding(text), text) == "/body/outer/0/_sd"


@pytest.mark.parametrize("name", ["...", "_sd_alg"])
def test_disclosed_value_with_reserved_names(name: str) -> None:
    text = disclose(SALT, "outer", {"a": [{name: disclosure_digest("x")}]})
    assert refuse(holding(text), text, match="member names") == "/body/outer/a/0"


def nested(levels: int) -> tuple[dict[str, Any], list[str]]:
    """A body whose disclosures sit inside one another, each one level deeper."""
    texts: list[str] = []
    value: Any = {}
    for _ in range(levels):
        texts.append(disclose(SALT, "a", value))
        value = {"_sd": [disclosure_digest(texts[-1])]}
    return value, texts


def test_disclosures_inside_one_another() -> None:
    body, texts = nested(MAX_DEPTH - 2)
    filled = fill_in(body, texts)
    assert len(filled.pointers) == MAX_DEPTH - 2
    assert parse_json(format_json({"body": filled.body})) == {"body": filled.body}
    for levels in (MAX_DEPTH - 1, 2000):
        refuse(*_flat(nested(levels)), match="levels deep")


def _flat(pair: tuple[dict[str, Any], list[str]]) -> tuple[Any, ...]:
    return pair[0], *pair[1]


def test_any_changed_character_of_a_disclosure_is_refused() -> None:
    body, (text,) = conceal(BODY, "/body/price")
    before = deepcopy(body)
    for at in range(len(text)):
        other = "A" if text[at] != "A" else "B"
        refuse(body, text[:at] + other + text[at + 1 :], error=FormatError)
    assert body == before
    assert fill_in(body, [text]).body == BODY
