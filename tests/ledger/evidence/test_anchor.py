"""Anchor evidence: what it shows, and every way in which it can show something else."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, replace
from typing import Any

import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import format_json
from ledger.errors import AnchorError, FalseAnchor
from ledger.evidence import anchor as anchors
from ledger.evidence.anchor import (
    Anchor,
    check_anchor,
    check_same_log,
    format_anchor,
    head_slots,
    log_id,
    parse_anchor,
    remaining_trust,
)
from ledger.evidence.patricia import collect_nodes, keccak, open_account, parse_header
from ledger.log.checkpoint import Checkpoint
from ledger.log.merkle import leaf_hash, prove_consistency, tree_root
from tests.architecture.source import ROOT
from tests.support.anchors import CHAIN, CONTRACT, NUMBER, TIME, Chain, anchor_of, head_of, pack

ORIGIN = "ledger.example/log"
LEAVES = [leaf_hash(bytes([n])) for n in range(12)]
ROOTS = [tree_root(LEAVES[:n]) for n in range(13)]
HONEST = anchor_of(head_of(9, ROOTS[9]), ORIGIN)


def consistency(old: int, new: int) -> list[bytes]:
    return prove_consistency(old, new, lambda nodes: [tree_root(LEAVES[n << k : (n + 1) << k]) for k, n in nodes])


def refused(anchor: Anchor, origin: str = ORIGIN, **asked: Any) -> str:
    with pytest.raises(FalseAnchor) as caught:
        check_anchor(anchor, origin, **asked)
    return str(caught.value.values["reason"])


def test_honest_evidence_holds() -> None:
    check_anchor(HONEST, ORIGIN)
    check_anchor(HONEST, ORIGIN, chains=[1, CHAIN], contracts=[CONTRACT])
    assert parse_header(HONEST.header) == parse_header(HONEST.header)
    assert (parse_header(HONEST.header).number, parse_header(HONEST.header).time) == (NUMBER, TIME)


def test_evidence_is_small_and_quick_to_check() -> None:
    assert len(format_anchor(HONEST)) <= 5_000
    check_anchor(HONEST, ORIGIN)
    best = min(timed() for _ in range(20))
    assert best < 0.002


def timed() -> float:
    started = time.perf_counter()
    check_anchor(parse_anchor(format_anchor(HONEST)), ORIGIN)
    return time.perf_counter() - started


def test_the_slots_and_the_code_are_those_of_the_contract_as_built() -> None:
    built = json.loads((ROOT / "contracts/artifacts/LogAnchor.json").read_text())
    layout = built["storage_layout"]
    heads = next(one for one in layout["variables"] if one["name"] == "_heads")
    assert heads["slot"] == anchors.HEADS_SLOT
    members = {one["name"]: (one["slot"], one["offset"]) for one in layout["structs"]["ILogAnchor.Head"]}
    assert members == {
        "treeSize": (0, 0),
        "time": (0, 8),
        "blockNumber": (0, 16),
        "count": (0, 24),
        "mode": (0, 28),
        "root": (1, 0),
        "chain": (2, 0),
    }
    assert built["runtime_keccak256"].removeprefix("0x") in anchors.KNOWN_CODE


# ---- every lie, and the reason given ---------------------------------------------------------------------------------

OTHER = hashlib.sha256(b"other").digest()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"origin": "other.example/log"}, "log"),
        ({"block": OTHER}, "block"),
        ({"contract": OTHER[:20]}, "account"),
        ({"header": HONEST.header + b"\0"}, "header"),
        ({"header": HONEST.header[:-1]}, "header"),
        ({"header": b"\xc0"}, "header"),
        ({"header": b""}, "header"),
        ({"header": b"\x80"}, "header"),
        ({"header": b"\xf8\xff"}, "header"),
        ({"nodes": HONEST.nodes[1:]}, "account"),
        ({"nodes": HONEST.nodes[:-1]}, "storage"),
        ({"nodes": (*HONEST.nodes, HONEST.nodes[0])}, "storage"),
        ({"nodes": (*HONEST.nodes, b"\xc0")}, "storage"),
        ({"nodes": (*HONEST.nodes[1:], HONEST.nodes[0])}, "storage"),
        ({"head": replace(HONEST.head, size=10)}, "size"),
        ({"head": replace(HONEST.head, size=8)}, "size"),
        ({"head": replace(HONEST.head, root=OTHER)}, "root"),
        ({"head": replace(HONEST.head, time=1)}, "head"),
        ({"head": replace(HONEST.head, block=1)}, "head"),
        ({"head": replace(HONEST.head, count=4)}, "head"),
        ({"head": replace(HONEST.head, mode="loose")}, "head"),
        ({"head": replace(HONEST.head, chain=OTHER)}, "head"),
    ],
)
def test_a_changed_member_is_refused(change: dict[str, Any], reason: str) -> None:
    assert refused(replace(HONEST, **change)) == reason


def test_another_log_chain_or_contract_than_asked_for_is_refused() -> None:
    assert refused(HONEST, "other.example/log") == "log"
    assert refused(HONEST, chains=[1]) == "chain"
    assert refused(HONEST, contracts=[OTHER[:20]]) == "contract"


def test_evidence_of_another_log_in_the_same_contract_is_refused() -> None:
    """Renamed, the evidence points at slots that its nodes do not show."""
    foreign = anchor_of(head_of(9, ROOTS[9]), "other.example/log")
    check_anchor(foreign, "other.example/log")
    assert refused(replace(foreign, origin=ORIGIN)) in ("storage", "head")


def test_a_slot_never_written_is_no_head() -> None:
    chain = Chain({2: 7, 5: 8, 6: 1})
    nodes = chain.nodes(head_slots(log_id(ORIGIN)))
    assert refused(anchor_of(HONEST.head, ORIGIN, chain, nodes=nodes)) == "head"


def test_a_contract_that_only_looks_the_same_is_refused() -> None:
    slots = dict(zip(head_slots(log_id(ORIGIN)), pack(HONEST.head), strict=True))
    assert refused(anchor_of(HONEST.head, ORIGIN, Chain(slots, code=OTHER))) == "code"


@pytest.mark.parametrize("later", [{"time": TIME + 1}, {"block": NUMBER + 1}])
def test_a_head_from_after_its_block_is_refused(later: dict[str, int]) -> None:
    head = head_of(9, ROOTS[9], **later)
    slots = dict(zip(head_slots(log_id(ORIGIN)), pack(head), strict=True))
    assert refused(anchor_of(head, ORIGIN, Chain(slots))) == "head"


def test_numbers_that_no_contract_of_ours_writes_are_refused() -> None:
    slots = head_slots(log_id(ORIGIN))
    numbers, root, chain = pack(HONEST.head)
    for packed in (numbers | 3 << 224, numbers & ~(2**64 - 1), numbers | 2**63):
        made = Chain(dict(zip(slots, (packed, root, chain), strict=True)))
        with pytest.raises(FalseAnchor) as caught:
            check_anchor(anchor_of(HONEST.head, ORIGIN, made), ORIGIN)
        format_json(caught.value.to_json())


def test_a_value_that_is_no_account_and_a_slot_that_is_no_number() -> None:
    class Odd(Chain):
        def account(self, storage: bytes) -> bytes:
            return self.odd

    key, slot = CONTRACT, (5).to_bytes(32, "big")
    for odd in (rlp.encode([b"", b"", b"", b""]), rlp.encode(b"abc"), rlp.encode([[], [], [], []]), b"\xf8"):
        Odd.odd = odd  # type: ignore[attr-defined]
        chain = Odd({5: 1})
        with pytest.raises(FalseAnchor) as caught:
            open_account(chain.state.root_hash, key, [5], chain.nodes([5]))
        assert caught.value.values["reason"] == "account"
    for value in (rlp.encode([b"a"]), rlp.encode(b"\x00\x01"), rlp.encode(bytes([1]) * 33), b"\xf8"):
        honest = Chain({5: 1})
        honest.storage[keccak(slot)] = value
        honest.state[keccak(key)] = honest.account(honest.storage.root_hash)
        with pytest.raises(FalseAnchor) as caught:
            open_account(honest.state.root_hash, key, [5], honest.nodes([5]))
        assert caught.value.values["reason"] == "storage"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda fields: fields[:14],
        lambda fields: [*fields, *[b""] * 40],
        lambda fields: [*fields[:3], b"short", *fields[4:]],
        lambda fields: [*fields[:8], b"\x00\x05", *fields[9:]],
        lambda fields: [*fields[:11], b"\x01" * 33, *fields[12:]],
        lambda fields: [*fields[:15], [b""]],
        lambda fields: b"not a list",
    ],
)
def test_a_header_of_another_shape_is_refused(spoil: Any) -> None:
    header = rlp.encode(spoil(rlp.decode(HONEST.header)))
    assert refused(replace(HONEST, header=header, block=keccak(header))) == "header"


def test_a_header_with_the_fields_of_a_later_fork_is_read() -> None:
    slots = dict(zip(head_slots(log_id(ORIGIN)), pack(HONEST.head), strict=True))
    chain = Chain(slots)
    header = chain.header(extra=[b"\x07", OTHER, b"", b"", OTHER, OTHER, OTHER, b"\x09"])
    check_anchor(anchor_of(HONEST.head, ORIGIN, chain, header=header, block=keccak(header)), ORIGIN)


def test_a_header_nested_without_end_is_refused() -> None:
    deep = b"\xc0"
    for _ in range(1_200):
        deep = rlp.codec.length_prefix(len(deep), 0xC0) + deep
    assert refused(replace(HONEST, header=deep, block=keccak(deep))) == "header"


# ---- the same log ----------------------------------------------------------------------------------------------------


def test_the_anchored_tree_and_the_checkpoint_are_of_one_log() -> None:
    for size in range(1, 13):
        checkpoint = Checkpoint(ORIGIN, size, ROOTS[size])
        proof = consistency(*sorted((size, 9)))
        check_same_log(HONEST, checkpoint, proof)
        for wrong in ([*proof, OTHER], [OTHER, *proof[1:]] if proof else [OTHER]):
            with pytest.raises(FalseAnchor) as caught:
                check_same_log(HONEST, checkpoint, wrong)
            assert caught.value.values["reason"] == "consistency"
        with pytest.raises(FalseAnchor) as caught:
            check_same_log(HONEST, replace(checkpoint, root=OTHER), proof)
        assert caught.value.values["reason"] == ("root" if size == 9 else "consistency")
    with pytest.raises(FalseAnchor):
        check_same_log(HONEST, Checkpoint("other.example/log", 9, ROOTS[9]), [])


def test_what_remains_to_be_trusted_is_said() -> None:
    text = remaining_trust(HONEST)
    assert text.startswith(f"What is left to trust: that block {NUMBER} (0x{HONEST.block.hex()}) is canonical on chain")
    assert "not Ethereum's main network" in text
    assert "main network" not in remaining_trust(replace(HONEST, chain=1))
    assert "loose" not in text
    assert "does not refuse forks" in remaining_trust(replace(HONEST, head=replace(HONEST.head, mode="loose")))


# ---- the text --------------------------------------------------------------------------------------------------------


def test_one_content_has_one_spelling() -> None:
    data = format_anchor(HONEST)
    assert parse_anchor(data) == HONEST
    assert format_anchor(parse_anchor(data)) == data
    bare = replace(HONEST, transaction=b"")
    assert parse_anchor(format_anchor(bare)) == bare


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/format", "lodeline-anchor/2"),
        ("/chain", -1),
        ("/chain", True),
        ("/chain", "1"),
        ("/contract", "0x12"),
        ("/contract", "0x" + "AB" * 20),
        ("/contract", 7),
        ("/origin", ""),
        ("/block", "0x"),
        ("/header", ""),
        ("/header", "A"),
        ("/header", 5),
        ("/nodes", []),
        ("/nodes", "AAAA"),
        ("/nodes/0", "="),
        ("/transaction", "0x00"),
        ("/head", {}),
        ("/head", []),
        ("/head/size", None),
        ("/head/mode", "unregistered"),
        ("/head/root", "AAAA"),
        ("/finality", {}),
        ("/finality/state", "sure"),
        ("/finality/rule", "hope"),
        ("/finality/seen", -1),
    ],
)
def test_a_member_of_another_form_is_refused(pointer: str, value: Any) -> None:
    told = json.loads(format_anchor(HONEST))
    place, *rest = pointer.split("/")[1:]
    target = told
    if rest:
        target, place = told[place], rest[0]
    target[int(place) if isinstance(target, list) else place] = value
    with pytest.raises(AnchorError) as caught:
        parse_anchor(format_json(told))
    assert pointer.startswith(caught.value.pointer)


def test_members_that_are_unknown_or_missing_are_named() -> None:
    told = json.loads(format_anchor(HONEST))
    for changed, name in (({**told, "more": 1}, "/more"), ({n: v for n, v in told.items() if n != "nodes"}, "/nodes")):
        with pytest.raises(AnchorError) as caught:
            parse_anchor(format_json(changed))
        assert caught.value.pointer == name


def test_what_is_no_evidence_at_all() -> None:
    for data in (b"", b"[]", b"{}", b'"a"', b"{ }"):
        with pytest.raises(AnchorError):
            parse_anchor(data)
    with pytest.raises(AnchorError, match="100 kB"):
        parse_anchor(b"0" * (anchors.MAX_ANCHOR_BYTES + 1))


DATA = format_anchor(HONEST)


@given(st.integers(0, len(DATA) * 8 - 1))
def test_no_flipped_bit_is_accepted(bit: int) -> None:
    """A bit of what the operator says of itself (transaction, finality, chain id) may flip; no other."""
    changed = bytearray(DATA)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        read = parse_anchor(bytes(changed))
        check_anchor(read, ORIGIN, chains=[CHAIN])
    except (AnchorError, FalseAnchor):
        return
    free = {"transaction": HONEST.transaction, "finality": HONEST.finality}
    assert asdict(replace(read, **free)) == asdict(HONEST)


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=6), st.integers(0, 5))
def test_nodes_made_of_anything_are_refused(nodes: list[bytes], at: int) -> None:
    """The attacker chooses the root, so that its nodes hash as they should."""
    with pytest.raises(FalseAnchor):
        open_account(keccak(nodes[at % len(nodes)]), CONTRACT, [1], collect_nodes([nodes]))


@given(st.recursive(st.binary(max_size=40), lambda inner: st.lists(inner, max_size=17), max_leaves=40))
def test_nodes_that_are_rlp_of_anything_are_refused(value: Any) -> None:
    node = rlp.encode(value)
    with pytest.raises(FalseAnchor):
        open_account(keccak(node), CONTRACT, [1], [node])
