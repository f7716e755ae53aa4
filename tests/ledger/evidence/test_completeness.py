"""Statements of completeness: one spelling, signed by the log itself, and lists that only ever grow."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import (
    BadSignature,
    CheckpointError,
    CompletenessError,
    FalseStatement,
    LedgerError,
    LeftOut,
    TooLarge,
    UntrustedNote,
)
from ledger.evidence.completeness import (
    FORMAT,
    MAX_STATEMENT_BYTES,
    START,
    Statement,
    TopicList,
    chain_ids,
    check_extends,
    check_list,
    format_completeness,
    open_completeness,
    parse_completeness,
    sign_completeness,
    state_lists,
)
from ledger.log.checkpoint import Checkpoint, open_checkpoint
from ledger.log.note import Ed25519Signer, parse_note, sign_note
from tests.support.evidence import LOG_SIGNER, WITNESS

ORIGIN = LOG_SIGNER.name
HEAD = Checkpoint(ORIGIN, 9, hashlib.sha256(b"root").digest())
IDS = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(8)]
LISTS = {"subject lot:1": IDS[:3], "status CD-NK": [], "production site:mine 2026-08": IDS[2:5]}
STATED = state_lists(HEAD, "lot:1", LISTS)

topics = st.one_of(
    st.from_regex(r"subject [a-z][a-z:/-]{0,9}", fullmatch=True),
    st.from_regex(r"status [A-Z]{2}-[A-Z]{2}", fullmatch=True),
    st.from_regex(r"(production|made|held) [a-z:]{1,9}x 20[0-9]{2}-0[1-9]", fullmatch=True).filter(
        lambda topic: topic.split(" ")[1][0].isalpha()
    ),
)
id_lists = st.lists(st.sampled_from(IDS), unique=True, max_size=6)
statements = st.builds(
    state_lists,
    st.builds(Checkpoint, st.just(ORIGIN), st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32)),
    st.sampled_from(["lot:1", "did:web:a.example", "site:x"]),
    st.dictionaries(topics, id_lists, max_size=5),
)


def test_the_chain_is_what_the_format_says() -> None:
    first = hashlib.sha256(bytes(32) + bytes.fromhex(IDS[0])).digest()
    assert chain_ids([]) == START == bytes(32)
    assert chain_ids(IDS[:1]) == first
    assert chain_ids(IDS[:2]) == hashlib.sha256(first + bytes.fromhex(IDS[1])).digest()
    assert chain_ids(IDS[:2]) != chain_ids(IDS[1::-1])


def test_the_text_is_what_the_format_says() -> None:
    lines = format_completeness(STATED).split("\n")
    assert lines[:5] == [FORMAT, ORIGIN, "9", base64.b64encode(HEAD.root).decode(), "lot:1"]
    assert [line.rsplit(" ", 1)[0] for line in lines[5:-1]] == [
        "production site:mine 2026-08 3",
        "status CD-NK 0",
        "subject lot:1 3",
    ]
    assert lines[6].endswith(" AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    assert lines[-1] == ""
    assert STATED.topics == tuple(sorted(LISTS))


@given(statements)
def test_what_is_signed_is_opened_again(statement: Statement) -> None:
    note = sign_completeness(statement, [LOG_SIGNER])
    assert open_completeness(note, [LOG_SIGNER.verifier]) == statement
    assert parse_completeness(format_completeness(statement)) == statement


@given(st.data())
def test_no_changed_character_is_believed(data: st.DataObject) -> None:
    note = sign_completeness(STATED, [LOG_SIGNER])
    at = data.draw(st.integers(0, len(note) - 1))
    changed = note[:at] + data.draw(st.characters(codec="ascii").filter(lambda one: one != note[at])) + note[at + 1 :]
    with pytest.raises(LedgerError):
        open_completeness(changed, [LOG_SIGNER.verifier])


def test_it_is_never_read_as_a_checkpoint_nor_a_checkpoint_as_one() -> None:
    with pytest.raises(CheckpointError):
        open_checkpoint(sign_completeness(STATED, [LOG_SIGNER]), ORIGIN, [LOG_SIGNER.verifier])
    with pytest.raises(CompletenessError):
        open_completeness(sign_note(f"{ORIGIN}\n9\n{'A' * 43}=\n", [LOG_SIGNER]), [LOG_SIGNER.verifier])


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [],
        lambda lines: lines[:4],
        lambda lines: lines[:5],
        lambda lines: [*lines[:-1], "more"],
        lambda lines: ["lodeline-completeness/2", *lines[1:]],
        lambda lines: [lines[0], "", *lines[2:]],
        lambda lines: [*lines[:2], "09", *lines[3:]],
        lambda lines: [*lines[:3], "AAAA", *lines[4:]],
        lambda lines: [*lines[:5], *lines[6:4:-1], *lines[7:]],
        lambda lines: [*lines[:6], lines[5], *lines[6:]],
        lambda lines: [*lines[:5], "subject lot:1", ""],
        lambda lines: [*lines[:5], f"subjects lot:1 1 {'A' * 43}=", ""],
        lambda lines: [*lines[:5], f"subject lot:1 01 {'A' * 43}=", ""],
        lambda lines: [*lines[:5], f"subject lot:1 1 {'A' * 43}=", ""],
        lambda lines: [*lines[:5], f"subject lot:1 0 {'B' * 42}A=", ""],
        lambda lines: [*lines[:5], f"subject lot:1 1 {'A' * 42}B=", ""],
        lambda lines: [*lines[:5], "subject lot:1 1 AAAA", ""],
    ],
)
def test_every_line_is_checked(change: Callable[[list[str]], list[str]]) -> None:
    lines = format_completeness(STATED).split("\n")
    assert parse_completeness("\n".join(lines)) == STATED
    with pytest.raises(CompletenessError):
        parse_completeness("\n".join(change(lines)))


def test_nobody_can_write_what_nobody_may_read() -> None:
    for lists in (
        STATED.lists[::-1],
        STATED.lists * 2,
        (TopicList("lot:1", 1, bytes(32)),),
        (STATED.lists[0]._replace(size=-1),),
    ):
        with pytest.raises(CompletenessError):
            format_completeness(replace(STATED, lists=lists))
    with pytest.raises(CompletenessError):
        format_completeness(replace(STATED, subject="lot:1\nlot:2"))
    with pytest.raises(CompletenessError):  # a subject that would be read as one and a list
        format_completeness(replace(STATED, subject=f"lot:1\nheld x 2026-01 0 {'A' * 43}="))
    with pytest.raises(CheckpointError):
        format_completeness(replace(STATED, head=replace(HEAD, root=b"short")))


def test_only_the_log_itself_states_what_is_complete() -> None:
    other = Ed25519Signer("other.example", bytes(32))
    same_name = Ed25519Signer(ORIGIN, bytes(32))
    for signers in ([], [other], [LOG_SIGNER, other]):
        with pytest.raises(CompletenessError):
            sign_completeness(STATED, signers)
    by_other = sign_note(format_completeness(STATED), [other])
    with pytest.raises(UntrustedNote) as refused:
        open_completeness(by_other, [LOG_SIGNER.verifier, other.verifier])
    assert refused.value.note is not None
    with pytest.raises(UntrustedNote):
        open_completeness(sign_completeness(STATED, [same_name]), [LOG_SIGNER.verifier])
    forged = sign_completeness(STATED, [LOG_SIGNER]).replace("lot:1 3", "lot:1 2")
    with pytest.raises(BadSignature):
        open_completeness(forged, [LOG_SIGNER.verifier])
    both = sign_completeness(STATED, [LOG_SIGNER, same_name])
    assert open_completeness(both, [LOG_SIGNER.verifier, WITNESS.verifier]) == STATED


def test_a_statement_may_be_larger_than_a_checkpoint_but_not_boundless() -> None:
    wide = state_lists(HEAD, "lot:1", {f"subject lot:{n:06}": [] for n in range(20_000)})
    note = sign_completeness(wide, [LOG_SIGNER])
    assert len(note) > 1_000_000
    assert open_completeness(note, [LOG_SIGNER.verifier]) == wide
    with pytest.raises(TooLarge):
        parse_note(note)
    with pytest.raises(TooLarge) as refused:
        open_completeness("x" * (MAX_STATEMENT_BYTES + 1), [LOG_SIGNER.verifier])
    assert refused.value.values["limit"] == MAX_STATEMENT_BYTES


# ---- what it holds against ------------------------------------------------------------------------------------------


def test_only_the_list_that_was_signed() -> None:
    for signed in STATED.lists:
        ids = LISTS[signed.topic]
        check_list(signed, ids)
        for bent in (ids[1:] or [IDS[7]], [*ids, IDS[7]], ids[::-1] if len(ids) > 1 else [IDS[7]]):
            with pytest.raises(LeftOut) as refused:
                check_list(signed, bent)
            assert refused.value.values == {"topic": signed.topic, "listed": len(bent), "signed": len(ids)}


@given(st.lists(st.sampled_from(IDS), unique=True), st.data())
def test_a_later_list_extends_an_earlier_one(ids: list[str], data: st.DataObject) -> None:
    before = data.draw(st.integers(0, len(ids)))
    old = state_lists(HEAD, "lot:1", {"subject lot:1": ids[:before], "status CD-NK": IDS[:1]})
    new = state_lists(replace(HEAD, size=10), "lot:2", {"subject lot:1": ids, "subject lot:2": IDS[:1]})
    lists = {"subject lot:1": ids, "subject lot:2": IDS[:1]}
    check_extends(old, new, lists)
    check_extends(new, new, lists)
    if before:
        lost = ids[1:before] + ids[before:]
        later = state_lists(replace(HEAD, size=10), "lot:1", {"subject lot:1": lost})
        with pytest.raises(FalseStatement) as refused:
            check_extends(old, later, {"subject lot:1": lost})
        assert refused.value.values == {"topic": "subject lot:1"}


def test_statements_that_cannot_be_compared() -> None:
    newer = replace(STATED, head=replace(HEAD, size=10))
    check_extends(STATED, newer, LISTS)
    with pytest.raises(CompletenessError):
        check_extends(newer, STATED, LISTS)
    with pytest.raises(CompletenessError):
        check_extends(replace(STATED, head=replace(HEAD, origin="other.example")), newer, LISTS)
    with pytest.raises(LeftOut):
        check_extends(STATED, newer, LISTS | {"subject lot:1": IDS[:2]})
    with pytest.raises(LeftOut):
        check_extends(STATED, newer, {})
