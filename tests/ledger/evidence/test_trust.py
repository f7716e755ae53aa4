"""Trust policies: text form, soundness, and which checkpoints satisfy which quorum."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadSignature, CheckpointError, NoteError, PolicyError, ProofError, TooLarge, UntrustedNote
from ledger.evidence.trust import Group, TrustedLog, TrustedWitness, TrustPolicy, format_policy, parse_policy
from ledger.log.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from ledger.log.merkle import leaf_hash, tree_root
from ledger.log.note import (
    CosignatureSigner,
    Cosigner,
    Ed25519Signer,
    MLDSA44Signer,
    add_signatures,
    cosign_note,
    format_vkey,
    parse_note,
    sign_note,
)
from ledger.log.proof import format_receipt, parse_receipt

ORIGIN = "log.example/minerals"
LOG = Ed25519Signer(ORIGIN, b"l" * 32)
LOG_PQ = MLDSA44Signer(ORIGIN, b"p" * 32)
OTHER_LOG = Ed25519Signer("other.example", b"o" * 32)
ENTRIES = [b"1700000000000 a.b.c", b"1700000000001 d.e.f"]
HEAD = Checkpoint(ORIGIN, 2, tree_root([leaf_hash(entry) for entry in ENTRIES]))
NAMES = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
COSIGNERS: dict[str, Cosigner] = {
    name: CosignatureSigner(f"witness.example/{name}", name.encode() * 16) for name in NAMES[:5]
}
COSIGNERS["Y3"] = MLDSA44Signer("witness.example/Y3", b"Y3" * 16)

# The example of the specification: two of the first three and any of the others.
EXAMPLE = "\n".join(
    [
        "# whom we trust",
        f"log {format_vkey(LOG.verifier)}",
        "",
        *(f"witness {name} {format_vkey(COSIGNERS[name].verifier)}" for name in NAMES[:3]),
        "group X-witnesses 2 X1 X2 X3",
        *(
            f"\twitness\t{name}   {format_vkey(COSIGNERS[name].verifier)} https://w.example/{name} "
            for name in NAMES[3:]
        ),
        "group Y-witnesses any Y1 Y2 Y3",
        "   # both",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
        "",
    ]
)
POLICY = parse_policy(EXAMPLE)
ALONE = TrustPolicy(logs=(TrustedLog(LOG.verifier),))


def signed(*names: str, time: int = 1_700_000_000, head: Checkpoint = HEAD) -> str:
    note = sign_checkpoint(head, [LOG])
    return add_signatures(note, [cosign_note(format_checkpoint(head), COSIGNERS[name], time) for name in names])


# ---- text -----------------------------------------------------------------------------------------------------------


def test_the_example_of_the_specification() -> None:
    assert [witness.name for witness in POLICY.witnesses] == NAMES
    assert POLICY.witnesses[3].url == "https://w.example/Y1"
    assert POLICY.groups == (
        Group("X-witnesses", 2, ("X1", "X2", "X3")),
        Group("Y-witnesses", 1, ("Y1", "Y2", "Y3")),
        Group("X-and-Y", 2, ("X-witnesses", "Y-witnesses")),
    )
    assert (POLICY.quorum, POLICY.origins) == ("X-and-Y", (ORIGIN,))
    assert POLICY.verifiers(ORIGIN) == (LOG.verifier,)
    assert POLICY.verifiers("other.example") == ()
    assert parse_policy(format_policy(POLICY)) == parse_policy(EXAMPLE.encode()) == POLICY


def test_the_shortest_policies() -> None:
    assert parse_policy("quorum none\n") == TrustPolicy()
    assert parse_policy(f"log {format_vkey(LOG.verifier)}\nquorum none\n") == ALONE
    assert format_policy(ALONE) == f"log {format_vkey(LOG.verifier)}\nquorum none\n".encode()


def test_names_are_octets() -> None:
    vkey = format_vkey(COSIGNERS["X1"].verifier).encode()
    data = b"witness \xff\xfe " + vkey + b"\nquorum \xff\xfe\n"
    assert format_policy(parse_policy(data)) == data
    with pytest.raises(PolicyError) as refused:
        parse_policy(data.replace(b"quorum \xff\xfe", b"quorum \xff"))
    assert refused.value.values == {"line": 2, "name": "\ufffd"}
    # K and the Kelvin sign are two names.
    with pytest.raises(PolicyError):
        parse_policy(b"witness K " + vkey + "\nquorum \u212a\n".encode())


W = format_vkey(COSIGNERS["X1"].verifier)
V = format_vkey(COSIGNERS["X2"].verifier)
L = format_vkey(LOG.verifier)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        ("quorum none", None),
        ("# nothing\n", None),
        ("quorum none\nquorum none\n", 2),
        ("quorum none\r\n", None),
        ("quorum none\x7f\n", None),
        ("quorum none\x00\n", None),
        ("quorum\n", 1),
        ("quorum none none\n", 1),
        ("quorum W\n", 1),
        (f"quorum W\nwitness W {W}\n", 1),
        ("Quorum none\n", 1),
        ("\u00a0quorum none\n", 1),
        ("logs\nquorum none\n", 1),
        ("log\nquorum none\n", 1),
        ("log vkey\nquorum none\n", 1),
        (f"log {L} https://log.example more\nquorum none\n", 1),
        (f"log {L}\nlog {L}\nquorum none\n", 2),
        (f"log {W}\nquorum none\n", 1),
        (f"log {L[:-1]}\nquorum none\n", 1),
        ("witness W\nquorum none\n", 1),
        (f"witness W {W} https://w.example more\nquorum none\n", 1),
        (f"witness W {L}\nquorum none\n", 1),
        (f"witness none {W}\nquorum none\n", 1),
        (f"witness W {W}\nwitness W {V}\nquorum none\n", 2),
        (f"witness W {W}\nwitness V {W}\nquorum none\n", 2),
        (f"witness W {W}\ngroup W any W\nquorum none\n", 2),
        (f"witness W {W}\ngroup none any W\nquorum none\n", 2),
        (f"witness W {W}\ngroup G any\nquorum none\n", 2),
        (f"witness W {W}\ngroup G all\nquorum none\n", 2),
        (f"witness W {W}\ngroup G\nquorum none\n", 2),
        (f"witness W {W}\ngroup G 0 W\nquorum none\n", 2),
        (f"witness W {W}\ngroup G 2 W\nquorum none\n", 2),
        (f"witness W {W}\ngroup G 01 W\nquorum none\n", 2),
        (f"witness W {W}\ngroup G most W\nquorum none\n", 2),
        (f"witness W {W}\ngroup G any none\nquorum none\n", 2),
        (f"witness W {W}\ngroup G any G\nquorum none\n", 2),
        (f"witness W {W}\ngroup G any W W\nquorum none\n", 2),
        (f"witness W {W}\ngroup G any V\nwitness V {V}\nquorum G\n", 2),
        (f"witness W {W}\ngroup G any W\ngroup H any W\nquorum G\n", 3),
    ],
)
def test_a_policy_that_is_not_sound(text: str, line: int | None) -> None:
    with pytest.raises(PolicyError) as refused:
        parse_policy(text)
    assert refused.value.values.get("line") == line


def test_the_same_key_under_another_name_is_the_same_key() -> None:
    renamed = Ed25519Signer("renamed.example", LOG.seed)
    with pytest.raises(PolicyError, match="another log already"):
        TrustPolicy(logs=(TrustedLog(LOG.verifier), TrustedLog(renamed.verifier)))
    with pytest.raises(PolicyError, match="type that a witness signs with"):
        TrustPolicy(witnesses=(TrustedWitness("W", LOG.verifier),))


def test_what_has_no_line_is_not_written() -> None:
    for policy in (
        TrustPolicy(logs=(TrustedLog(LOG.verifier, "https://a b"),)),
        TrustPolicy(logs=(TrustedLog(LOG.verifier, "https://a\n"),)),
        TrustPolicy(witnesses=(TrustedWitness("a b", COSIGNERS["X1"].verifier),)),
    ):
        with pytest.raises(PolicyError):
            format_policy(policy)


def test_limits() -> None:
    witnesses = [CosignatureSigner(f"w{i}", i.to_bytes(32, "big")) for i in range(257)]
    lines = [f"witness w{i} {format_vkey(witness.verifier)}\n" for i, witness in enumerate(witnesses)]
    assert len(parse_policy("".join(lines[:256]) + "quorum w255\n").witnesses) == 256
    with pytest.raises(TooLarge):
        parse_policy("".join(lines) + "quorum none\n")
    with pytest.raises(TooLarge):
        parse_policy("#" * 1_000_000 + "\nquorum none\n")


# ---- which checkpoints are believed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(7))
def test_every_set_of_witnesses_against_the_quorum(count: int) -> None:
    for names in combinations(NAMES, count):
        enough = sum(name[0] == "X" for name in names) >= 2 and any(name[0] == "Y" for name in names)
        assert POLICY.is_quorum(names) == enough
    assert not POLICY.is_quorum(["X-and-Y"])  # a group's name is nobody's signature


@pytest.mark.parametrize(
    ("names", "enough"),
    [((), False), (("X1", "X2"), False), (("X1", "Y1"), False), (("X1", "X3", "Y2"), True), (("X2", "X3", "Y3"), True)],
)
def test_a_checkpoint_is_believed_with_its_log_and_a_quorum(names: tuple[str, ...], enough: bool) -> None:
    note = signed(*names)
    if not enough:
        with pytest.raises(UntrustedNote) as refused:
            POLICY.open_checkpoint(note)
        assert refused.value.values == {"quorum": "X-and-Y", "witnesses": list(names)}
        assert refused.value.note == parse_note(note)
        return
    trusted = POLICY.open_checkpoint(note, ORIGIN)
    assert trusted.checkpoint == HEAD
    assert trusted.logs == (format_vkey(LOG.verifier),)
    assert trusted.witnesses == dict.fromkeys(names, 1_700_000_000)
    assert POLICY.open_checkpoint(note.encode()) == trusted


def test_witnesses_beyond_the_quorum_and_their_newest_time() -> None:
    early, late = signed("X1", "X2", "X3", "Y1", time=1_700_000_000), signed("Y1", time=1_700_000_060)
    both = early + late.splitlines(keepends=True)[-1]
    assert POLICY.open_checkpoint(both).witnesses == {
        "X1": 1_700_000_000, "X2": 1_700_000_000, "X3": 1_700_000_000, "Y1": 1_700_000_060,
    }  # fmt: skip


def test_a_single_witness_as_quorum() -> None:
    policy = TrustPolicy(POLICY.logs, POLICY.witnesses, quorum="Y3")
    assert policy.open_checkpoint(signed("Y3")).witnesses == {"Y3": 1_700_000_000}
    with pytest.raises(UntrustedNote):
        policy.open_checkpoint(signed("Y2"))


def test_no_quorum_takes_the_log_alone() -> None:
    assert ALONE.open_checkpoint(signed()).witnesses == {}
    assert ALONE.open_checkpoint(signed("X1")).witnesses == {}


def test_log_that_is_not_listed_or_not_asked_for() -> None:
    foreign = sign_checkpoint(Checkpoint("other.example", 2, HEAD.root), [OTHER_LOG])
    with pytest.raises(UntrustedNote, match="does not accept this log") as refused:
        ALONE.open_checkpoint(foreign)
    assert refused.value.values == {"origin": "other.example"}
    both = TrustPolicy((*ALONE.logs, TrustedLog(OTHER_LOG.verifier)))
    assert both.open_checkpoint(foreign).checkpoint.origin == "other.example"
    assert both.origins == (ORIGIN, "other.example")
    with pytest.raises(UntrustedNote):
        both.open_checkpoint(foreign, ORIGIN)
    with pytest.raises(UntrustedNote):
        TrustPolicy().open_checkpoint(signed())


def test_a_listed_log_does_not_speak_for_another() -> None:
    both = TrustPolicy((*ALONE.logs, TrustedLog(OTHER_LOG.verifier)))
    forged = sign_note(format_checkpoint(HEAD), [OTHER_LOG])
    with pytest.raises(UntrustedNote):
        both.open_checkpoint(forged)


def test_witnesses_do_not_speak_for_the_log() -> None:
    stranger = sign_checkpoint(HEAD, [Ed25519Signer(ORIGIN, b"s" * 32)])
    cosigned = [cosign_note(format_checkpoint(HEAD), COSIGNERS[name], 1) for name in NAMES]
    with pytest.raises(UntrustedNote, match="not signed by its log"):
        POLICY.open_checkpoint(add_signatures(stranger, cosigned))


def test_one_bad_cosignature_of_a_known_witness_rejects_the_note() -> None:
    good = signed("X1", "X2", "Y1")
    other = signed("X3", head=Checkpoint(ORIGIN, 3, HEAD.root)).splitlines(keepends=True)[-1]
    assert POLICY.open_checkpoint(good)
    assert ALONE.open_checkpoint(good + other).checkpoint == HEAD
    with pytest.raises(BadSignature):
        POLICY.open_checkpoint(good + other)


def test_malformed_notes_and_checkpoints() -> None:
    with pytest.raises(NoteError):
        ALONE.open_checkpoint("not a note")
    with pytest.raises(CheckpointError):
        ALONE.open_checkpoint(sign_note("not a checkpoint\n", [LOG]))


def test_post_quantum_key_of_the_log() -> None:
    policy = TrustPolicy(logs=(TrustedLog(LOG.verifier), TrustedLog(LOG_PQ.verifier)))
    assert policy.origins == (ORIGIN,)
    note = sign_checkpoint(HEAD, [LOG], cosigners=[LOG_PQ], time=1)
    assert policy.open_checkpoint(note).logs == (format_vkey(LOG.verifier), format_vkey(LOG_PQ.verifier))
    assert ALONE.open_checkpoint(note).logs == (format_vkey(LOG.verifier),)


# ---- receipts -------------------------------------------------------------------------------------------------------


def test_receipt_under_a_policy() -> None:
    text = format_receipt(1, [leaf_hash(ENTRIES[0])], signed("X1", "X2", "Y1"))
    assert POLICY.check_receipt(ENTRIES[1], text) == POLICY.check_receipt(ENTRIES[1], parse_receipt(text), ORIGIN)
    assert POLICY.check_receipt(ENTRIES[1], text).checkpoint == HEAD
    with pytest.raises(ProofError):
        POLICY.check_receipt(ENTRIES[0], text)
    with pytest.raises(UntrustedNote):
        POLICY.check_receipt(ENTRIES[1], text, "other.example")
    with pytest.raises(UntrustedNote):
        POLICY.check_receipt(ENTRIES[1], format_receipt(1, [leaf_hash(ENTRIES[0])], signed("X1")))


# ---- properties -----------------------------------------------------------------------------------------------------


@st.composite
def policies(draw: st.DrawFn) -> TrustPolicy:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    free, groups = list(names), []
    for i in range(draw(st.integers(0, 3))):
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True)) if free else []
        if members:
            groups.append(Group(f"g{i}", draw(st.integers(1, len(members))), tuple(members)))
            free = [name for name in free if name not in members] + [f"g{i}"]
    urls = st.sampled_from(["", "https://w.example/"])
    return TrustPolicy(
        draw(
            st.sampled_from([(), (TrustedLog(LOG.verifier),), (TrustedLog(OTHER_LOG.verifier, "https://o.example"),)])
        ),
        tuple(TrustedWitness(name, COSIGNERS[name].verifier, draw(urls)) for name in names),
        tuple(groups),
        draw(st.sampled_from(["none", *names, *(group.name for group in groups)])),
    )


@given(policies())
def test_parse_is_the_inverse_of_format(policy: TrustPolicy) -> None:
    assert parse_policy(format_policy(policy)) == policy


@given(policies(), st.sets(st.sampled_from(NAMES)), st.sampled_from(NAMES))
def test_one_more_witness_never_breaks_a_quorum(policy: TrustPolicy, names: set[str], more: str) -> None:
    assert policy.is_quorum(names) <= policy.is_quorum(names | {more})
