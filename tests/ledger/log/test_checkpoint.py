"""Checkpoints: three lines, signed by a key of the log's name; and one extending another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadSignature, CheckpointError, Equivocation, LedgerError, ProofError, UntrustedNote
from ledger.log.checkpoint import (
    Checkpoint,
    check_extends,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from ledger.log.merkle import EMPTY_ROOT, prove_consistency
from ledger.log.note import CosignatureSigner, Ed25519Signer, MLDSA44Signer, add_signatures, cosign_note, sign_note
from tests.ledger.log.trees import bent_proofs, leaf, read, root

ORIGIN = "log.example/minerals"
LOG = Ed25519Signer(ORIGIN, b"l" * 32)
NEXT = Ed25519Signer(ORIGIN, b"n" * 32)
OTHER = Ed25519Signer("other.example", b"o" * 32)
HEAD = Checkpoint(ORIGIN, 39, root(39))
TEXT = format_checkpoint(HEAD)


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
    st.integers(1, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
)
def test_parse_is_the_inverse_of_format(origin: str, size: int, root_: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root_)
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint


def test_the_empty_log() -> None:
    text = "log.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert parse_checkpoint(text) == Checkpoint("log.example", 0, EMPTY_ROOT)
    with pytest.raises(CheckpointError, match="empty tree"):
        format_checkpoint(Checkpoint("log.example", 0, leaf(0)))


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "\n\n\n", TEXT[:-1], TEXT + "\n", TEXT + "extension\n", "\n" + TEXT, TEXT.replace(ORIGIN, ""),
        TEXT.replace("39", "039"), TEXT.replace("39", "-1"), TEXT.replace("39", "39 "), TEXT.replace("39", ""),
        TEXT.replace("39", str(2**63)), TEXT.replace("\n39", ""), TEXT.replace("=\n", "\n"),
        TEXT.replace("=\n", "A=\n"),
        TEXT.replace("39\n", "39\nAAAA"), TEXT.replace("\n", "\r\n"), TEXT.replace(ORIGIN, "a\x01b"), "\udc80" + TEXT,
    ],
)  # fmt: skip
def test_malformed_checkpoint(text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 1, leaf(0)),
        Checkpoint("a\nb", 1, leaf(0)),
        Checkpoint("a", -1, leaf(0)),
        Checkpoint("a", 2**63, leaf(0)),
        Checkpoint("a", 1, b"short"),
        Checkpoint("a", "1", leaf(0)),  # type: ignore[arg-type]
    ],
)
def test_values_that_have_no_text(checkpoint: Checkpoint) -> None:
    with pytest.raises(CheckpointError):
        format_checkpoint(checkpoint)


def test_signed_checkpoint_opens_under_a_key_of_the_log() -> None:
    signed = sign_checkpoint(HEAD, [LOG])
    assert open_checkpoint(signed, ORIGIN, [LOG.verifier]) == HEAD
    assert open_checkpoint(signed.encode(), ORIGIN, [NEXT.verifier, LOG.verifier]) == HEAD
    assert open_checkpoint(sign_checkpoint(HEAD, [NEXT, LOG]), ORIGIN, [LOG.verifier]) == HEAD
    with pytest.raises(UntrustedNote):
        open_checkpoint(signed, ORIGIN, [NEXT.verifier])
    with pytest.raises(CheckpointError, match="another log"):
        open_checkpoint(signed, "other.example", [LOG.verifier])
    with pytest.raises(BadSignature):
        open_checkpoint(signed.replace("\n39\n", "\n40\n"), ORIGIN, [LOG.verifier])
    with pytest.raises(CheckpointError):
        open_checkpoint(sign_note("not a checkpoint\n", [LOG]), ORIGIN, [LOG.verifier])


def test_post_quantum_signature_by_the_log_itself() -> None:
    second = MLDSA44Signer(ORIGIN, b"q" * 32)
    signed = sign_checkpoint(HEAD, [LOG], cosigners=[second], time=1_700_000_000)
    assert open_checkpoint(signed, ORIGIN, [LOG.verifier]) == HEAD
    assert open_checkpoint(signed, ORIGIN, [second.verifier]) == HEAD


def test_witnesses_do_not_speak_for_the_log() -> None:
    witness = CosignatureSigner("witness.example", b"w" * 32)
    forged = sign_note(TEXT, [OTHER])
    with pytest.raises(UntrustedNote, match="not signed by the log itself"):
        open_checkpoint(
            add_signatures(forged, [cosign_note(TEXT, witness, 1)]), ORIGIN, [LOG.verifier, witness.verifier]
        )


@pytest.mark.parametrize("signers", [[], [OTHER], [LOG, OTHER]])
def test_a_log_signs_with_keys_of_its_own_name(signers: list[Ed25519Signer]) -> None:
    with pytest.raises(CheckpointError):
        sign_checkpoint(HEAD, signers)
    with pytest.raises(CheckpointError):
        sign_checkpoint(HEAD, [LOG], cosigners=[MLDSA44Signer("other.example", b"q" * 32)])


def test_a_checkpoint_extends_an_earlier_one() -> None:
    old = Checkpoint(ORIGIN, 11, root(11))
    proof = prove_consistency(11, 39, read)
    check_extends(old, HEAD, proof)
    check_extends(HEAD, HEAD, [])
    check_extends(Checkpoint(ORIGIN, 0, EMPTY_ROOT), HEAD, [])
    for bent in bent_proofs(proof):
        with pytest.raises(ProofError):
            check_extends(old, HEAD, bent)
    refused: list[tuple[Checkpoint, Checkpoint, list[bytes], type[LedgerError]]] = [
        (old, Checkpoint("other.example", 39, root(39)), proof, CheckpointError),
        (HEAD, Checkpoint(ORIGIN, 39, root(38)), [], Equivocation),
        (HEAD, old, proof, ProofError),
        (Checkpoint(ORIGIN, 0, EMPTY_ROOT), HEAD, proof, ProofError),
        (Checkpoint(ORIGIN, 11, root(12)), HEAD, proof, ProofError),
    ]
    for first, second, hashes, error in refused:
        with pytest.raises(error) as caught:
            check_extends(first, second, hashes)
        assert type(caught.value) is error


def test_equivocation_names_the_log_and_the_size() -> None:
    with pytest.raises(Equivocation) as refused:
        check_extends(HEAD, Checkpoint(ORIGIN, 39, root(40)), [])
    expected: dict[str, Any] = {"origin": ORIGIN, "size": 39}
    assert refused.value.values == expected
