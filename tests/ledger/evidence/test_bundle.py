"""The structure of a bundle: one spelling per content, and nothing that the format does not name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import format_json
from ledger.errors import BundleError
from ledger.evidence import bundle as bundles
from ledger.evidence.bundle import Bundle, Completeness, FullEntry, HashOnlyEntry, format_bundle, parse_bundle

A, B, C = (hashlib.sha256(bytes([n])).digest() for n in range(3))
SAMPLE = Bundle(
    origin="log.example/test",
    log_key="log.example/test+00000000+AAAA",
    checkpoint="log.example/test\n9\nAAAA\n\n— log.example/test AAAA\n",
    subject="lot:1",
    entries=(
        FullEntry(0, b"1700000000000 a.b.c", (A, B), ("WyJhIl0",)),
        HashOnlyEntry(3, C, (B, A), "ab" * 32),
        FullEntry(8, b"1700000000001 a.b.d", ()),
    ),
    completeness=Completeness(
        "lodeline-completeness/1\n…\n\n— log.example/test AAAA\n",
        {"status CD-NK": (), "subject lot:1": ("ab" * 32, "cd" * 32)},
    ),
    verdicts=({"format": "lodeline-verdict/1", "outcome": "review", "rules": [{"id": "a/b"}]},),
)

hashes = st.binary(min_size=32, max_size=32)
proofs = st.lists(hashes, max_size=5).map(tuple)
texts = st.text(alphabet="abc:/+—\n", min_size=1, max_size=20)
full = st.builds(
    FullEntry,
    index=st.integers(0, 2**53 - 1),
    entry=st.text(alphabet="01. ab", min_size=1, max_size=20).map(str.encode),
    proof=proofs,
    disclosures=st.lists(texts, max_size=2).map(tuple),
)
withheld = st.builds(
    HashOnlyEntry, index=st.integers(0, 2**53 - 1), leaf=hashes, proof=proofs, record=hashes.map(bytes.hex)
)
entry_lists = st.lists(full | withheld, min_size=1, max_size=6, unique_by=lambda one: one.index).map(
    lambda them: tuple(sorted(them, key=lambda one: one.index))
)
topics = st.sampled_from(
    ["subject a:1", "status CD-NK", "production site:a 2026-01", "made s 2026-12", "held did:a 2026-09"]
)
lists = st.dictionaries(topics, st.lists(hashes.map(bytes.hex), max_size=3, unique=True).map(tuple), max_size=5)
objects = st.dictionaries(
    st.text("abc", min_size=1), texts | st.integers(0, 9) | st.lists(texts, max_size=2), max_size=3
)
bundle_values = st.builds(
    Bundle,
    origin=texts,
    log_key=texts,
    checkpoint=texts,
    subject=texts,
    entries=entry_lists,
    completeness=st.builds(Completeness, note=texts, topics=lists),
    verdicts=st.lists(objects.map(lambda value: {**value, "format": "f/1"}), max_size=3).map(tuple),
)


def reseal(value: dict[str, Any]) -> bytes:
    """The bundle with a fresh digest: what somebody who changes it on purpose would do."""
    rest = {name: member for name, member in value.items() if name != "digest"}
    return format_json(rest | {"digest": hashlib.sha256(format_json(rest)).hexdigest()})


@given(bundle_values)
def test_what_is_written_is_read_again(value: Bundle) -> None:
    data = format_bundle(value)
    assert parse_bundle(data) == value
    assert reseal(json.loads(data)) == data


@given(bundle_values, st.data())
def test_no_flipped_bit_is_taken(value: Bundle, data: st.DataObject) -> None:
    whole = bytearray(format_bundle(value))
    position = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[position // 8] ^= 1 << position % 8
    with pytest.raises(BundleError):
        parse_bundle(bytes(whole))


def test_hashes_are_shared_between_proofs() -> None:
    value = json.loads(format_bundle(SAMPLE))
    assert [one["proof"] for one in value["entries"]] == [[0, 1], [1, 0], []]
    assert len(value["hashes"]) == 2


@pytest.mark.parametrize(
    ("pointer", "change"),
    [
        ("/format", lambda v: v.update(format="lodeline-bundle/2")),
        ("/verdict", lambda v: v.update(verdict={})),
        ("/a~1b", lambda v: v.update({"a/b": 1})),
        ("/origin", lambda v: v.pop("origin")),
        ("/origin", lambda v: v.update(origin=1)),
        ("/origin", lambda v: v.update(origin="")),
        ("/subject", lambda v: v.update(subject="x" * 1001)),
        ("/checkpoint", lambda v: v.update(checkpoint=None)),
        ("/hashes", lambda v: v.update(hashes={})),
        ("/hashes/0", lambda v: v.update(hashes=["short"])),
        ("/hashes/0", lambda v: v["hashes"].__setitem__(0, "_" * 43)),
        ("/hashes/1", lambda v: v["hashes"].__setitem__(1, 7)),
        ("/hashes", lambda v: v["hashes"].__setitem__(1, v["hashes"][0])),
        ("/hashes/2", lambda v: v["hashes"].append("A" * 43)),
        ("/entries", lambda v: v.update(entries=[])),
        ("/entries", lambda v: v.update(entries={})),
        ("/entries/0", lambda v: v["entries"].__setitem__(0, [])),
        ("/entries/0", lambda v: v["entries"][0].update(more=1)),
        ("/entries/0", lambda v: v["entries"][0].pop("disclosures")),
        ("/entries/0/index", lambda v: v["entries"][0].update(index=True)),
        ("/entries/0/index", lambda v: v["entries"][0].update(index="0")),
        ("/entries/0/index", lambda v: v["entries"][0].update(index=-1)),
        ("/entries/1/index", lambda v: v["entries"][1].update(index=0)),
        ("/entries/0/entry", lambda v: v["entries"][0].update(entry="1 é")),
        ("/entries/0/entry", lambda v: v["entries"][0].update(entry="1" * 65_536)),
        ("/entries/0/disclosures", lambda v: v["entries"][0].update(disclosures="x")),
        ("/entries/0/disclosures/0", lambda v: v["entries"][0].update(disclosures=[1])),
        ("/entries/0/proof", lambda v: v["entries"][0].update(proof="x")),
        ("/entries/0/proof", lambda v: v["entries"][0].update(proof=[0] * 64)),
        ("/entries/0/proof/0", lambda v: v["entries"][0].update(proof=[1, 0])),
        ("/entries/1/proof/1", lambda v: v["entries"][1].update(proof=[1, 2])),
        ("/entries/1/leaf", lambda v: v["entries"][1].update(leaf=1)),
        ("/entries/1/record", lambda v: v["entries"][1].update(record="AB" * 32)),
        ("/entries/1/record", lambda v: v["entries"][1].update(record=None)),
        ("/completeness", lambda v: v.pop("completeness")),
        ("/completeness", lambda v: v.update(completeness=None)),
        ("/completeness", lambda v: v["completeness"].update(more=1)),
        ("/completeness", lambda v: v["completeness"].update(topics=[])),
        ("/completeness/note", lambda v: v["completeness"].update(note="")),
        ("/completeness/topics/subject a b", lambda v: v["completeness"]["topics"].update({"subject a b": []})),
        ("/completeness/topics/status CD-NK", lambda v: v["completeness"]["topics"].update({"status CD-NK": None})),
        ("/completeness/topics/status CD-NK", lambda v: v["completeness"]["topics"].update({"status CD-NK": [1]})),
        (
            "/completeness/topics/subject lot:1",
            lambda v: v["completeness"]["topics"]["subject lot:1"].append("AB" * 32),
        ),
        (
            "/completeness/topics/subject lot:1",
            lambda v: v["completeness"]["topics"]["subject lot:1"].append("ab" * 32),
        ),
        ("/verdicts", lambda v: v.update(verdicts=None)),
        ("/verdicts", lambda v: v.update(verdicts=v["verdicts"] * 51)),
        ("/verdicts/0", lambda v: v.update(verdicts=[[]])),
        ("/verdicts/0", lambda v: v["verdicts"][0].pop("format")),
        ("/verdicts/0/format", lambda v: v["verdicts"][0].update(format=1)),
    ],
)
def test_every_member_is_checked(pointer: str, change: Callable[[dict[str, Any]], Any]) -> None:
    value = json.loads(format_bundle(SAMPLE))
    change(value)
    with pytest.raises(BundleError) as refused:
        parse_bundle(reseal(value))
    assert refused.value.pointer == pointer


def test_a_changed_content_with_the_old_digest() -> None:
    value = json.loads(format_bundle(SAMPLE))
    value["subject"] = "lot:2"
    with pytest.raises(BundleError) as refused:
        parse_bundle(format_json(value))
    assert refused.value.pointer == "/digest"
    assert parse_bundle(reseal(value)).subject == "lot:2"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format":1.5}', b'{"a":1} ', b"\xff", b'{"format":[]}'])
def test_other_files_are_no_bundles(data: bytes) -> None:
    with pytest.raises(BundleError):
        parse_bundle(data)


def test_a_file_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = format_bundle(SAMPLE)
    monkeypatch.setattr(bundles, "MAX_BUNDLE_BYTES", len(data))
    assert parse_bundle(data) == SAMPLE
    monkeypatch.setattr(bundles, "MAX_BUNDLE_BYTES", len(data) - 1)
    with pytest.raises(BundleError) as refused:
        parse_bundle(data)
    assert refused.value.values == {"limit": len(data) - 1, "actual": len(data)}


def test_a_verdict_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(format_json(SAMPLE.verdicts[0]))
    monkeypatch.setattr(bundles, "MAX_VERDICT_BYTES", size)
    assert parse_bundle(format_bundle(SAMPLE)).verdicts == SAMPLE.verdicts
    monkeypatch.setattr(bundles, "MAX_VERDICT_BYTES", size - 1)
    with pytest.raises(BundleError) as refused:
        format_bundle(SAMPLE)
    assert (refused.value.pointer, refused.value.values) == ("/verdicts/0", {"limit": size - 1, "actual": size})


@pytest.mark.parametrize(
    "broken",
    [
        replace(SAMPLE, entries=()),
        replace(SAMPLE, entries=SAMPLE.entries[::-1]),
        replace(SAMPLE, entries=(FullEntry(0, "1 é".encode(), ()),)),
        replace(SAMPLE, subject=""),
        replace(SAMPLE, completeness=Completeness("note", {"subjects": ()})),
        replace(SAMPLE, verdicts=({"outcome": "supported"},)),
    ],
)
def test_nobody_can_write_what_nobody_may_read(broken: Bundle) -> None:
    with pytest.raises(BundleError):
        format_bundle(broken)
