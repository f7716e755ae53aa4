"""Signed notes, keys as text, and cosignatures: foreign examples, corruption and every refusal."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadSignature, CheckpointError, LedgerError, NoteError, TooLarge, UntrustedNote
from ledger.log import note, signers
from ledger.log.note import Ed25519Signer, Ed25519Verifier, Signature, open_note
from ledger.log.wire import format_base64
from tests.support.vectors import load_vector

LOG = Ed25519Signer("log.example/minerals", bytes(range(32)))
OTHER = Ed25519Signer("other.example", bytes(32))
WITNESS = note.CosignatureSigner("witness.example/w1", b"w" * 32)
PQ = note.MLDSA44Signer("witness.example/w1", b"q" * 32)
TEXT = "log.example/minerals\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n"
SIGNED = note.sign_note(TEXT, [LOG, OTHER])
ALL_SIGNERS = [LOG, WITNESS, PQ]


def line(signer: note.Signer, value: bytes) -> str:
    return note.format_signature(Signature(signer.name, signer.verifier.key_id, value))


# ---- vectors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "member"), [("ed25519_cosig", "note_body_and_line"), ("mldsa44_cosig", "note")])
def test_cosignatures_made_elsewhere(case: str, member: str) -> None:
    vector = load_vector("log", "cosignatures.json")[case]
    verifier = note.parse_vkey(vector["vkey"])
    assert note.format_vkey(verifier) == vector["vkey"]
    opened = open_note(vector[member], [verifier])
    [signature] = opened.signatures
    assert opened.unverified == ()
    assert note.cosignature_time(signature.value) == vector["timestamp"]
    assert note.format_note(opened.text, opened.signatures) == vector[member]
    for at in (0, 7, 8, 40, len(signature.value) - 1):
        value = signature.value[:at] + bytes([signature.value[at] ^ 1]) + signature.value[at + 1 :]
        with pytest.raises(BadSignature):
            verifier.verify(opened.text.encode(), value)
    with pytest.raises(BadSignature):
        open_note(vector[member].replace("\n15\n", "\n16\n").replace("\n5\n", "\n6\n"), [verifier])


def test_ml_dsa_key_and_message_made_elsewhere() -> None:
    vector = load_vector("log", "cosignatures.json")["mldsa44_cosig"]
    signer = note.MLDSA44Signer("example.com/witness", bytes.fromhex(vector["seed_hex"]))
    assert note.format_vkey(signer.verifier) == vector["vkey"]
    text = note.parse_note(vector["note"]).text.encode()
    message = signers.subtree_message(signer.name, text, vector["timestamp"])
    assert sha256(message).hexdigest() == vector["signed_message_sha256"]


def test_private_key_of_tessera() -> None:
    vector = load_vector("log", "cosignatures.json")
    signer = note.parse_skey(vector["tessera_log_skey"])
    assert note.format_vkey(signer.verifier) == vector["tessera_log_vkey"]
    assert note.format_skey(signer) == vector["tessera_log_skey"]


# ---- opening --------------------------------------------------------------------------------------------------------


def test_signatures_of_known_keys_are_verified_and_others_kept_apart() -> None:
    opened = open_note(SIGNED, [LOG.verifier])
    assert opened.text == TEXT
    assert [signature.name for signature in opened.signatures] == ["log.example/minerals"]
    assert [signature.name for signature in opened.unverified] == ["other.example"]
    assert open_note(SIGNED.encode(), iter([LOG.verifier])) == opened
    assert len(open_note(SIGNED, [LOG.verifier, OTHER.verifier, LOG.verifier]).signatures) == 2


def test_note_of_unknown_keys_comes_with_the_error() -> None:
    with pytest.raises(UntrustedNote) as refused:
        open_note(SIGNED, [])
    assert refused.value.note == note.parse_note(SIGNED)
    assert refused.value.note.signatures == ()
    assert len(refused.value.note.unverified) == 2


def test_key_of_the_same_name_or_id_only_is_unknown() -> None:
    namesake = Ed25519Signer(LOG.name, b"n" * 32).verifier
    with pytest.raises(UntrustedNote):
        open_note(SIGNED, [namesake])
    renamed = SIGNED.replace("— log.example/minerals ", "— log.example/metals ")
    with pytest.raises(UntrustedNote):
        open_note(renamed, [LOG.verifier])


def test_one_bad_signature_of_a_known_key_rejects_the_note() -> None:
    bad = line(OTHER, bytes(64))
    with pytest.raises(BadSignature) as refused:
        open_note(note.sign_note(TEXT, [LOG]) + bad, [LOG.verifier, OTHER.verifier])
    assert refused.value.values == {"name": "other.example"}
    assert len(open_note(note.sign_note(TEXT, [LOG]) + bad, [LOG.verifier]).unverified) == 1
    with pytest.raises(BadSignature):  # also behind a good one of the same key
        open_note(note.sign_note(TEXT, [OTHER]) + bad, [OTHER.verifier])


def test_another_text_does_not_verify() -> None:
    for changed in (TEXT.replace("15", "16"), TEXT + "\n", TEXT.replace("log", "lag")):
        with pytest.raises(BadSignature):
            open_note(SIGNED.replace(TEXT, changed), [LOG.verifier])


def test_two_known_keys_that_cannot_be_told_apart() -> None:
    twin = Ed25519Signer(LOG.name, b"t" * 32).verifier
    object.__setattr__(twin, "key_id", LOG.verifier.key_id)  # a collision of 32 bits, without the search for it
    with pytest.raises(NoteError, match="share one name and key id"):
        open_note(SIGNED, [LOG.verifier, twin])


def test_texts_with_empty_lines_and_other_scripts() -> None:
    text = "ed è subito sera\n\n\n— not a signature\n\n— still text\n"
    signed = note.sign_note(text, [LOG])
    assert open_note(signed, [LOG.verifier]).text == text
    with pytest.raises(BadSignature):
        open_note(signed.replace("è", "e"), [LOG.verifier])


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "\n",
        TEXT,
        TEXT + "\n",
        SIGNED[:-1],
        SIGNED + "\n",
        SIGNED + "x\n",
        SIGNED.replace("\n\n", "\n"),
        SIGNED.replace("— ", "- "),
        SIGNED.replace("— ", "—  "),
        SIGNED.replace("— ", "—\u00a0"),
        SIGNED.replace("minerals ", "minerals"),
        SIGNED.replace("minerals ", "minerals  "),
        SIGNED.replace("— log.example/minerals", "— "),
        SIGNED.replace("— log.example/minerals", "— a+b"),
        SIGNED.replace("— log.example/minerals", "— a\u2003b"),
        SIGNED.replace("— log.example/minerals", "— a\u0085b"),
        SIGNED.removesuffix("=\n") + "\n",
        SIGNED.removesuffix("\n") + " \n",
        SIGNED + "— other.example \n",
        SIGNED + "— other.example\n",
        SIGNED + "— other.example " + format_base64(b"1234") + "\n",
        SIGNED.replace("15\n", "15\r\n"),
        SIGNED.replace("15\n", "15\t\n"),
        SIGNED.replace("15\n", "15\x00\n"),
        SIGNED.replace("15", "\udc80"),
        SIGNED.encode().replace(b"15", b"\xff"),
    ],
)
def test_malformed_note(bad: str | bytes) -> None:
    with pytest.raises(NoteError):
        open_note(bad, [LOG.verifier])


def test_at_most_100_signatures_and_a_megabyte() -> None:
    [first, second] = SIGNED.removeprefix(TEXT + "\n").splitlines(keepends=True)
    assert len(open_note(TEXT + "\n" + first + second * 99, [LOG.verifier]).unverified) == 99
    with pytest.raises(TooLarge) as refused:
        open_note(TEXT + "\n" + first + second * 100, [LOG.verifier])
    assert refused.value.values == {"limit": 100, "actual": 101}
    with pytest.raises(TooLarge):
        open_note("x" * 1_000_000 + SIGNED, [LOG.verifier])


@given(st.integers(0, len(SIGNED.encode()) - 1), st.integers(0, 7))
def test_no_flipped_bit_is_accepted(at: int, bit: int) -> None:
    data = bytearray(SIGNED.encode())
    data[at] ^= 1 << bit
    try:
        opened = open_note(bytes(data), [LOG.verifier, OTHER.verifier])
    except LedgerError:
        return
    # A flip in one line's name or key id makes that key unknown, nothing else: the text and the other line stand.
    assert opened.text == TEXT
    assert (len(opened.signatures), len(opened.unverified)) == (1, 1)


# ---- making ---------------------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=60))
def test_what_is_signed_opens(text: str) -> None:
    signed = note.sign_note(text + "\n", [LOG])
    assert open_note(signed, [LOG.verifier]).text == text + "\n"
    assert signed == note.sign_note(text + "\n", [LOG])


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "\udc80\n"])
def test_what_is_no_note_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        note.sign_note(text, [LOG])


def test_a_signature_line_cannot_be_smuggled_in_as_text() -> None:
    smuggled = SIGNED[:-1]
    with pytest.raises(NoteError, match="ends in a newline"):
        note.sign_note(smuggled, [LOG])


def test_a_note_has_a_signer() -> None:
    with pytest.raises(NoteError):
        note.sign_note(TEXT)


def test_added_signatures_replace_those_of_the_same_key() -> None:
    early, late = (note.cosign_note(TEXT, WITNESS, time) for time in (1_700_000_000, 1_700_000_600))
    once = note.add_signatures(SIGNED, [early])
    assert [signature.name for signature in note.parse_note(once).unverified] == [LOG.name, OTHER.name, WITNESS.name]
    assert note.add_signatures(once, [late]) == note.add_signatures(SIGNED, [late]) != once
    assert len(open_note(once, [LOG.verifier, WITNESS.verifier]).signatures) == 2


def test_signature_lines_alone() -> None:
    lines = line(LOG, b"1") + line(OTHER, b"2")
    assert [signature.value for signature in note.parse_signatures(lines)] == [b"1", b"2"]
    for bad in ("", "\n", lines[:-1], lines + "\n", "\n" + lines):
        with pytest.raises(NoteError):
            note.parse_signatures(bad)


# ---- cosignatures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cosigner", [WITNESS, PQ])
@pytest.mark.parametrize("time", [0, 1_700_000_000, 2**63 - 1])
def test_cosignature_of_a_checkpoint(cosigner: note.Cosigner, time: int) -> None:
    signed = note.sign_note(TEXT, [LOG], cosigners=[cosigner], time=time)
    opened = open_note(signed, [LOG.verifier, cosigner.verifier])
    value = opened.signatures[1].value
    assert note.cosignature_time(value) == time
    with pytest.raises(BadSignature):  # another time
        cosigner.verifier.verify(TEXT.encode(), (time ^ 1).to_bytes(8, "big") + value[8:])
    with pytest.raises(BadSignature):  # another checkpoint
        cosigner.verifier.verify(TEXT.replace("15", "16").encode(), value)
    with pytest.raises(BadSignature):
        cosigner.verifier.verify(TEXT.encode(), value[:-1])


@pytest.mark.parametrize("cosigner", [WITNESS, PQ])
def test_a_time_that_has_no_place_in_a_cosignature(cosigner: note.Cosigner) -> None:
    for time in (-1, 2**63):
        with pytest.raises(CheckpointError):
            note.cosign_note(TEXT, cosigner, time)
    # Signed all the same by a witness that breaks the rule: MUST NOT exceed 2^63 - 1.
    time = 2**63
    message = (
        signers.cosignature_message(TEXT.encode(), time)
        if cosigner is WITNESS
        else signers.subtree_message(cosigner.name, TEXT.encode(), time)
    )
    with pytest.raises(BadSignature):
        cosigner.verifier.verify(TEXT.encode(), time.to_bytes(8, "big") + cosigner._key.sign(message))


@pytest.mark.parametrize("cosigner", [WITNESS, PQ])
@pytest.mark.parametrize("text", ["not a checkpoint\n", TEXT + "extension\n", "\udc80\n"])
def test_only_checkpoints_are_cosigned(cosigner: note.Cosigner, text: str) -> None:
    with pytest.raises(LedgerError):
        note.sign_note(text, [LOG], cosigners=[cosigner], time=1)
    with pytest.raises(CheckpointError):
        cosigner.cosign(text.encode("utf-8", "surrogateescape"), 1)


def test_ml_dsa_signature_commits_to_the_name_and_to_a_checkpoint() -> None:
    value = PQ.cosign(TEXT.encode(), 7)
    renamed = note.MLDSA44Verifier("witness.example/w2", PQ.verifier.public)
    with pytest.raises(BadSignature):
        renamed.verify(TEXT.encode(), value)
    for text in (b"not a checkpoint\n", b"\xff\n1\n"):
        with pytest.raises(BadSignature):
            PQ.verifier.verify(text, value)
    long = TEXT.replace("log.example/minerals", "x" * 256)
    with pytest.raises(CheckpointError, match="255 bytes"):
        PQ.cosign(long.encode(), 7)


def test_an_openssl_without_ml_dsa_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        @staticmethod
        def from_public_bytes(data: bytes) -> Any:
            raise UnsupportedAlgorithm("ML-DSA")

    monkeypatch.setattr(mldsa, "MLDSA44PublicKey", Missing)
    with pytest.raises(NoteError, match="no ML-DSA-44"):
        note.parse_vkey(note.format_vkey(PQ.verifier))


# ---- keys as text ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signer", ALL_SIGNERS)
def test_key_text_is_read_back(signer: note.Signer) -> None:
    assert note.parse_vkey(note.format_vkey(signer.verifier)) == signer.verifier
    again = note.parse_skey(note.format_skey(signer))
    assert again == signer
    assert type(again) is type(signer)
    assert signer.verifier != signers.VERIFIERS[signer.KIND]("another.example", signer.verifier.public)


@pytest.mark.parametrize("signer", ALL_SIGNERS)
def test_no_secret_is_shown(signer: note.Signer) -> None:
    assert signer.seed.hex() not in repr(signer)
    assert repr(signer.seed)[2:-1] not in repr(signer)


@pytest.mark.parametrize("signer", ALL_SIGNERS)
@pytest.mark.parametrize("parse", [note.parse_vkey, note.parse_skey])
def test_malformed_key_text(signer: note.Signer, parse: Any) -> None:
    right = note.format_vkey(signer.verifier) if parse is note.parse_vkey else note.format_skey(signer)
    identifier = signer.verifier.key_id.hex()
    front, encoded = right.split(f"+{identifier}+")
    assert parse(right) is not None
    for wrong in (
        "",
        "x",
        right + "\n",
        " " + right,
        right[:-4],
        f"{front}+{identifier}",
        f"{front}+{identifier}+",
        f"{front}+{identifier.upper()}0+{encoded}",
        f"{front}+00000000+{encoded}",
        f"{front}+{identifier[:-1]}+{encoded}",
        f"{front}x+{identifier}+{encoded}",
        f"{front} +{identifier}+{encoded}",
        f"{front}\ud800+{identifier}+{encoded}",
        f"{front}+{identifier}+{format_base64(bytes([2]) + bytes(32))}",
        f"{front}+{identifier}+{format_base64(bytes([signer.KIND]) + bytes(5))}",
    ):
        with pytest.raises(NoteError):
            parse(wrong)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u3000b", "x" * 256, "é" * 128, "\udcff"])
def test_a_name_that_cannot_be_one(name: str) -> None:
    with pytest.raises(NoteError):
        Ed25519Verifier(name, LOG.verifier.public)
    assert Ed25519Verifier("é" * 127, LOG.verifier.public).name == "é" * 127


@pytest.mark.parametrize("kind", [Ed25519Verifier, note.CosignatureVerifier])
@pytest.mark.parametrize(
    "public",
    [
        b"\x01" + bytes(31),
        bytes(32),
        b"\xff" * 32,
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    ],
)
def test_a_point_for_which_anybody_can_sign_is_no_key(kind: Any, public: bytes) -> None:
    with pytest.raises(NoteError, match="not a point that may be trusted"):
        kind("log.example", public)
