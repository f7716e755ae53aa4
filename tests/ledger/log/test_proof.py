"""Receipts (C2SP tlog-proof): text form, offline check, and everything that is not one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import (
    BadSignature,
    FormatError,
    LedgerError,
    NoteError,
    ProofError,
    ReceiptError,
    TooLarge,
    UntrustedNote,
)
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import prove_inclusion
from ledger.log.note import Ed25519Signer
from ledger.log.proof import Receipt, check_receipt, format_receipt, parse_receipt
from tests.ledger.log.trees import bent_proofs, entry, leaf, read, root

ORIGIN = "log.example/minerals"
LOG = Ed25519Signer(ORIGIN, b"l" * 32)
HEAD = Checkpoint(ORIGIN, 39, root(39))
SIGNED = sign_checkpoint(HEAD, [LOG])
PROOF = prove_inclusion(5, 39, read)
TEXT = format_receipt(5, PROOF, SIGNED)
HASH = "NulgdGHR19ZUl8nM3R4nyHQY4UXWEt4umRvN7ZYKz4Y="


def test_the_form_of_a_receipt() -> None:
    lines = TEXT.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 5"]
    assert len(PROOF) == 6
    assert lines[8:11] == ["", ORIGIN, "39"]
    assert TEXT.endswith(SIGNED)
    assert parse_receipt(TEXT) == parse_receipt(TEXT.encode()) == Receipt(5, tuple(PROOF), SIGNED)


@pytest.mark.parametrize("size", range(1, 20))
def test_receipt_of_every_entry_of_small_logs(size: int) -> None:
    head = Checkpoint(ORIGIN, size, root(size))
    signed = sign_checkpoint(head, [LOG])
    for index in range(size):
        proof = prove_inclusion(index, size, read)
        text = format_receipt(index, proof, signed)
        assert check_receipt(entry(index), text, ORIGIN, [LOG.verifier]) == head
        assert check_receipt(entry(index), parse_receipt(text), ORIGIN, [LOG.verifier]) == head
        with pytest.raises(ProofError):
            check_receipt(entry(index + 1), text, ORIGIN, [LOG.verifier])
        for bent in bent_proofs(proof):
            with pytest.raises(ProofError):
                check_receipt(entry(index), format_receipt(index, bent, signed), ORIGIN, [LOG.verifier])
        with pytest.raises(ProofError):
            check_receipt(entry(index), format_receipt(index + 1, proof, signed), ORIGIN, [LOG.verifier])


def test_receipt_under_other_keys() -> None:
    with pytest.raises(UntrustedNote):
        check_receipt(entry(5), TEXT, ORIGIN, [Ed25519Signer(ORIGIN, b"x" * 32).verifier])
    with pytest.raises(BadSignature):
        check_receipt(entry(5), TEXT.replace("\n39\n", "\n40\n"), ORIGIN, [LOG.verifier])


def test_extra_data_is_carried_and_not_authenticated() -> None:
    text = format_receipt(5, PROOF, SIGNED, extra=b"age")
    assert text.split("\n")[1:3] == ["extra YWdl", "index 5"]
    assert parse_receipt(text).extra == b"age"
    assert parse_receipt(format_receipt(5, PROOF, SIGNED, extra=b"")).extra == b""
    assert check_receipt(entry(5), text.replace("YWdl", "YWdm"), ORIGIN, [LOG.verifier]) == HEAD


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", ReceiptError),
        ("c2sp.org/tlog-proof@v1\n\n" + SIGNED, ReceiptError),
        ("c2sp.org/tlog-proof@v1\nextra YWdl\n\n" + SIGNED, ReceiptError),
        (TEXT.replace("@v1", "@v2"), ReceiptError),
        (TEXT.replace("index 5", "index 05"), ReceiptError),
        (TEXT.replace("index 5", "index -5"), ReceiptError),
        (TEXT.replace("index 5", "index  5"), ReceiptError),
        (TEXT.replace("index 5", "Index 5"), ReceiptError),
        (TEXT.replace("index 5\n", "index 5\nindex 5\n"), ReceiptError),
        (TEXT.replace("index 5\n", "index 5\nAAAA\n"), ReceiptError),
        (TEXT.replace("index 5\n", "index 5\nextra YWdl\n"), ReceiptError),
        (TEXT.replace("index 5\n", "extra YWd\nindex 5\n"), ReceiptError),
        (TEXT.replace("index 5\n", "extra YWdl\nextra YWdl\nindex 5\n"), ReceiptError),
        (TEXT.replace("index 5\n", "index 5\r\n"), ReceiptError),
        (TEXT.encode() + b"\xff", ReceiptError),
        (TEXT.removesuffix(SIGNED), NoteError),
        (TEXT[:-1], NoteError),
        (TEXT.replace("index 5\n", "index 5\n" + (HASH + "\n") * 58), TooLarge),
        ("x" * 2_000_001, TooLarge),
    ],
)
def test_malformed_receipt(text: str | bytes, error: type[FormatError]) -> None:
    with pytest.raises(error):
        parse_receipt(text)


def test_no_receipt_is_made_that_cannot_be_read() -> None:
    for index, proof, note in (
        (-1, PROOF, SIGNED),
        (2**63, PROOF, SIGNED),
        (5, [b"x"], SIGNED),
        (5, PROOF, "no note"),
        (5, [leaf(0)] * 64, SIGNED),
    ):
        with pytest.raises(LedgerError):
            format_receipt(index, proof, note)


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.none() | st.binary())
def test_parse_is_the_inverse_of_format(index: int, proof: list[bytes], extra: bytes | None) -> None:
    text = format_receipt(index, proof, SIGNED, extra=extra)
    assert parse_receipt(text) == Receipt(index, tuple(proof), SIGNED, extra)


@given(st.integers(0, len(TEXT.encode()) - 1), st.integers(0, 7))
def test_no_flipped_bit_is_accepted(at: int, bit: int) -> None:
    data = bytearray(TEXT.encode())
    data[at] ^= 1 << bit
    with pytest.raises(LedgerError):
        check_receipt(entry(5), bytes(data), ORIGIN, [LOG.verifier])
