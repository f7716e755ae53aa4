"""The witness protocol: every status of add-checkpoint, and what is stored with it."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.errors import BadSignature, CheckpointError, FormatError, NoteError, TooLarge, UntrustedNote, WitnessError
from ledger.log import witness
from ledger.log.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from ledger.log.merkle import EMPTY_ROOT, prove_consistency
from ledger.log.note import (
    CosignatureSigner,
    Ed25519Signer,
    MLDSA44Signer,
    add_signatures,
    cosignature_time,
    format_signature,
    open_note,
    parse_note,
    parse_signatures,
)
from ledger.log.witness import SIZE_TYPE, TEXT_TYPE, Answer, format_request, parse_request, plan_answer
from tests.ledger.log.trees import bent_proofs, leaf, read, root

ORIGIN = "log.example/minerals"
LOG = Ed25519Signer(ORIGIN, b"l" * 32)
STRANGER = Ed25519Signer(ORIGIN, b"s" * 32)
W1 = CosignatureSigner("witness.example/w1", b"w" * 32)
W1_PQ = MLDSA44Signer("witness.example/w1", b"q" * 32)
NOW = 1_700_000_000


def head(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root(size))


def signed(size: int) -> str:
    return sign_checkpoint(head(size), [LOG])


def proof(old: int, new: int) -> list[bytes]:
    return prove_consistency(old, new, read) if old else []


def ask(stored: Checkpoint | None, body: bytes, *, verifiers: Any = (LOG.verifier,), time: int = NOW) -> Answer:
    return plan_answer(stored, parse_request(body), verifiers=verifiers, cosigners=[W1], time=time)


# ---- the form of a request ------------------------------------------------------------------------------------------


def test_the_form_of_a_request() -> None:
    body = format_request(11, proof(11, 39), signed(39))
    lines = body.decode().split("\n")
    count = len(proof(11, 39))
    assert lines[0] == "old 11"
    assert lines[count + 1 : count + 4] == ["", ORIGIN, "39"]
    request = parse_request(body)
    assert (request.old, list(request.proof), request.note) == (11, proof(11, 39), signed(39))
    assert (request.origin, request.checkpoint) == (ORIGIN, head(39))
    assert format_request(0, [], signed(39)).startswith(b"old 0\n\n" + ORIGIN.encode())


RIGHT = format_request(11, proof(11, 39), signed(39))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", WitnessError),
        (b"\xff" + RIGHT, WitnessError),
        (RIGHT.replace(b"old 11", b"old"), WitnessError),
        (RIGHT.replace(b"old 11", b"old 011"), WitnessError),
        (RIGHT.replace(b"old 11", b"old -1"), WitnessError),
        (RIGHT.replace(b"old 11", b"old  11"), WitnessError),
        (RIGHT.replace(b"old 11", b"old 11\r"), WitnessError),
        (RIGHT.replace(b"old 11", b"old 11\nAAAA"), WitnessError),
        (RIGHT.replace(b"old 11\n", b""), WitnessError),
        (RIGHT.replace(b"old 11\n", b"old 11\n" + (b"A" * 43 + b"=\n") * 60), TooLarge),
        (b"x" * (witness.MAX_REQUEST_BYTES + 1), TooLarge),
        (RIGHT[:-1], NoteError),
        (b"old 0\n", WitnessError),
        (b"old 0\n\n", NoteError),
        (b"old 0\n\n" + ORIGIN.encode(), NoteError),
        (RIGHT.replace(b"\n39\n", b"\n039\n"), CheckpointError),
    ],
)
def test_400_for_a_malformed_request(body: bytes, error: type[FormatError]) -> None:
    with pytest.raises(error) as refused:
        parse_request(body)
    answer = witness.refuse(refused.value)
    assert answer == Answer(400, refused.value.message + "\n", TEXT_TYPE, None)


def test_no_request_is_made_that_cannot_be_read() -> None:
    for old, hashes, note in ((-1, [], signed(1)), (1, [b"x"], signed(1)), (1, [], "no note")):
        with pytest.raises(FormatError):
            format_request(old, hashes, note)


# ---- the decision ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [0, 1, 5, 8, 39])
@pytest.mark.parametrize("new", [39, 40, 64])
def test_200_for_what_extends_the_stored_checkpoint(old: int, new: int) -> None:
    stored = head(old) if old else None
    answer = ask(stored, format_request(old, proof(old, new), signed(new)))
    assert (answer.status, answer.content_type) == (200, TEXT_TYPE)
    assert answer.stored == (None if old == new else head(new))
    [signature] = witness.open_answer(answer.body, signed(new), [W1.verifier])
    assert cosignature_time(signature.value) == NOW
    assert len(open_note(add_signatures(signed(new), [signature]), [LOG.verifier, W1.verifier]).signatures) == 2
    for bent in bent_proofs(proof(old, new)):
        refused = ask(stored, format_request(old, bent, signed(new)))
        assert (refused.status, refused.stored) == (422, None)


def test_first_checkpoint_of_a_log_may_be_empty() -> None:
    answer = ask(None, format_request(0, [], sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), [LOG])))
    assert (answer.status, answer.stored) == (200, Checkpoint(ORIGIN, 0, EMPTY_ROOT))


def test_the_same_checkpoint_again_is_cosigned_at_the_new_time_and_stored_no_more() -> None:
    answer = ask(head(39), format_request(39, [], signed(39)), time=NOW + 60)
    assert (answer.status, answer.stored) == (200, None)
    assert cosignature_time(parse_signatures(answer.body)[0].value) == NOW + 60


def test_404_for_a_log_that_is_not_witnessed() -> None:
    answer = ask(None, format_request(0, [], signed(39)), verifiers=None)
    assert (answer.status, answer.stored) == (404, None)


def test_403_without_a_signature_that_is_trusted_and_good() -> None:
    body = format_request(0, [], signed(39))
    for verifiers in ([], [STRANGER.verifier], [W1.verifier]):
        assert ask(None, body, verifiers=verifiers).status == 403
    forged = body.replace(b"\n39\n", b"\n40\n")
    assert ask(None, forged).status == 403
    both = format_request(0, [], sign_checkpoint(head(39), [LOG, STRANGER]))
    assert ask(None, both).status == 200
    stranger_line = format_signature(parse_note(sign_checkpoint(head(40), [STRANGER])).unverified[0]).encode()
    assert ask(None, body + stranger_line).status == 200  # unknown: ignored
    answer = ask(None, body + stranger_line, verifiers=[LOG.verifier, STRANGER.verifier])
    assert (answer.status, answer.stored) == (403, None)  # known and bad


def test_400_for_an_old_size_above_the_checkpoint() -> None:
    answer = ask(head(40), format_request(40, [], signed(39)))
    assert (answer.status, answer.stored) == (400, None)
    assert ask(head(40), format_request(40, [], sign_checkpoint(head(39), [STRANGER]))).status == 403  # signature first


@pytest.mark.parametrize(("stored", "old"), [(None, 5), (11, 0), (11, 10), (11, 12), (39, 11)])
def test_409_says_the_stored_size(stored: int | None, old: int) -> None:
    answer = ask(head(stored) if stored else None, format_request(old, proof(old, 39), signed(39)))
    assert (answer.status, answer.body, answer.content_type) == (409, f"{stored or 0}\n", SIZE_TYPE)
    assert answer.stored is None
    assert witness.parse_conflict(answer.body) == (stored or 0)


def test_422_for_another_root_at_the_same_size() -> None:
    fork = sign_checkpoint(Checkpoint(ORIGIN, 39, root(38)), [LOG])
    answer = ask(head(39), format_request(39, [], fork))
    assert (answer.status, answer.stored) == (422, None)
    assert "two different roots" in answer.body


def test_422_for_a_fork_of_the_log() -> None:
    other = Checkpoint(ORIGIN, 11, leaf(0))
    answer = ask(other, format_request(11, proof(11, 39), signed(39)))
    assert (answer.status, answer.stored) == (422, None)


def test_every_key_of_the_witness_cosigns() -> None:
    request = parse_request(format_request(0, [], signed(39)))
    answer = plan_answer(None, request, verifiers=[LOG.verifier], cosigners=[W1, W1_PQ], time=NOW)
    signatures = witness.open_answer(answer.body, signed(39), [W1_PQ.verifier, W1.verifier])
    assert [signature.key_id for signature in signatures] == [W1.verifier.key_id, W1_PQ.verifier.key_id]


# ---- the log's side -------------------------------------------------------------------------------------------------


def test_the_log_takes_good_cosignatures_of_known_witnesses_only() -> None:
    answer = ask(None, format_request(0, [], signed(39)))
    assert len(witness.open_answer(answer.body.encode(), signed(39), [W1.verifier])) == 1
    with pytest.raises(UntrustedNote):
        witness.open_answer(answer.body, signed(39), [W1_PQ.verifier])
    with pytest.raises(BadSignature):
        witness.open_answer(answer.body, signed(40), [W1.verifier])
    for bad in ("", "\n", answer.body + "\n", answer.body[:-1], format_checkpoint(head(39)) + "\n" + answer.body):
        with pytest.raises(NoteError):
            witness.open_answer(bad, signed(39), [W1.verifier])
    with pytest.raises(WitnessError):
        witness.open_answer(b"\xff", signed(39), [W1.verifier])
    with pytest.raises(TooLarge):
        witness.open_answer("x" * 1_000_001, signed(39), [W1.verifier])


@pytest.mark.parametrize("body", ["", "\n", "39", "039\n", "-1\n", "39\n\n", "39 \n", b"\xff\n"])
def test_a_conflict_without_a_size(body: str | bytes) -> None:
    with pytest.raises(WitnessError):
        witness.parse_conflict(body)
