"""Heads, their storage, the chain over all checkpoints; forks, retries and smaller trees are refused for the reason."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import encode
from eth_hash.auto import keccak

from ledger.log.merkle import check_consistency
from scripts.devchain import Contract, Devchain
from scripts.toolchain import Toolchain
from tests.contracts.test_roles import logged, refused
from tests.contracts.world import (
    ENTRIES,
    FORKED,
    HONEST,
    LOG_ID,
    ORIGIN,
    anchor,
    artifact_under_test,
    flipped,
    register,
)

GENESIS = bytes(32)


def next_chain(chain: bytes, size: int, root: bytes, time: int) -> bytes:
    """keccak256(abi.encode(chain, logId, treeSize, root, time))."""
    return bytes(keccak(chain + LOG_ID + size.to_bytes(32, "big") + root + time.to_bytes(32, "big")))


def test_heads_follow_the_log(anchors: Contract) -> None:
    node = anchors.chain
    register(anchors, node.accounts[1])
    assert anchors.call("head", bytes(32))[4] == 0
    chain, since = GENESIS, 0
    for count, size in enumerate((1, 2, 3, 7, 8, 9, 40, 64), 1):
        receipt = anchor(anchors, size, sender=node.accounts[1], since=since)
        block = node.rpc("eth_getBlockByNumber", receipt["blockNumber"], False)
        time, number = int(block["timestamp"], 16), int(block["number"], 16)
        chain = next_chain(chain, size, HONEST.root(size), time)
        assert anchors.call("head", LOG_ID) == (size, time, number, count, 1, HONEST.root(size), chain)
        assert logged(anchors, receipt) == ["Anchored"]
        (event,) = receipt["logs"]
        assert event["topics"][1:] == ["0x" + LOG_ID.hex(), f"0x{size:064x}"]
        assert event["data"] == "0x" + HONEST.root(size).hex()
        since = size


def test_the_head_lies_where_evidence_looks_for_it(anchors: Contract) -> None:
    """Three slots from keccak256(logId . slot of `_heads`); the packed one from its lowest bits up."""
    node, layout = anchors.chain, artifact_under_test("LogAnchor")["storage_layout"]
    register(anchors, node.accounts[1])
    anchor(anchors, 5, sender=node.accounts[1])
    variables = {one["name"]: one["slot"] for one in layout["variables"]}
    assert variables == {"_heads": 0, "_anchorers": 1, "_owner": 2, "_successor": 3}
    places = {one["name"]: (one["slot"], 8 * one["offset"]) for one in layout["structs"]["ILogAnchor.Head"]}
    assert places == {
        "treeSize": (0, 0), "time": (0, 64), "blockNumber": (0, 128), "count": (0, 192), "mode": (0, 224),
        "root": (1, 0), "chain": (2, 0),
    }  # fmt: skip
    base = int.from_bytes(keccak(LOG_ID + variables["_heads"].to_bytes(32, "big")), "big")
    words = [int(node.rpc("eth_getStorageAt", anchors.address, hex(base + n), "latest"), 16) for n in range(4)]
    size, time, number, count, mode, root, chain = anchors.call("head", LOG_ID)
    assert words[0] == size | time << 64 | number << 128 | count << 192 | mode << 224
    assert words[1:] == [int.from_bytes(root, "big"), int.from_bytes(chain, "big"), 0]


def test_an_anchor_writes_three_slots_and_none_of_them_is_new(tools: Toolchain) -> None:
    with Devchain(tools, "--steps-tracing") as node:
        anchors = node.deploy(artifact_under_test("LogAnchor"), ("address", node.accounts[0]))
        register(anchors, node.accounts[1])
        anchor(anchors, 5, sender=node.accounts[1])
        receipt = anchor(anchors, 9, sender=node.accounts[1], since=5)
        before = hex(int(receipt["blockNumber"], 16) - 1)
        trace = node.rpc("debug_traceTransaction", receipt["transactionHash"], {"disableStorage": True})["structLogs"]
        written = [step["stack"][-1] for step in trace if step["op"] == "SSTORE"]
        assert len(written) == len(set(written)) == 3
        assert all(int(node.rpc("eth_getStorageAt", anchors.address, slot, before), 16) for slot in written)


def test_the_same_checkpoint_again_changes_nothing(anchors: Contract) -> None:
    """An anchorer that lost the answer asks again."""
    node = anchors.chain
    register(anchors, node.accounts[1])
    anchor(anchors, 5, sender=node.accounts[1])
    head = anchors.call("head", LOG_ID)
    for proof in ([], [HONEST.root(1)]):
        again = (LOG_ID, 5, HONEST.root(5), proof)
        assert anchors.call("anchor", *again, sender=node.accounts[1]) is False
        assert logged(anchors, anchors.send("anchor", *again, sender=node.accounts[1])) == []
    assert anchors.call("head", LOG_ID) == head


def test_a_fork_of_the_log_is_refused(anchors: Contract) -> None:
    anchorer = anchors.chain.accounts[1]
    register(anchors, anchorer)
    anchor(anchors, 5, sender=anchorer)
    head = anchors.call("head", LOG_ID)
    for size in (6, 8, 13, 64):
        for proof in (FORKED.consistency(5, size), HONEST.consistency(5, size), [], [HONEST.root(5)]):
            fork = (LOG_ID, size, FORKED.root(size), proof)
            assert refused(anchors, "anchor", *fork, sender=anchorer) == ("InconsistentCheckpoint", (5, size))
    assert anchors.call("head", LOG_ID) == head
    assert anchors.call("anchor", LOG_ID, 64, HONEST.root(64), HONEST.consistency(5, 64), sender=anchorer) is True


def test_another_root_for_the_same_size_is_refused(anchors: Contract) -> None:
    anchorer = anchors.chain.accounts[1]
    register(anchors, anchorer)
    anchor(anchors, 5, sender=anchorer)
    fork: tuple[Any, ...] = (LOG_ID, 5, FORKED.root(5), [])
    assert refused(anchors, "anchor", *fork, sender=anchorer) == ("Equivocation", (5, HONEST.root(5), FORKED.root(5)))


def test_a_smaller_tree_is_refused(anchors: Contract) -> None:
    """A log that was restored from an old backup."""
    anchorer = anchors.chain.accounts[1]
    register(anchors, anchorer)
    anchor(anchors, 8, sender=anchorer)
    for size in (1, 7):
        old = (LOG_ID, size, HONEST.root(size), HONEST.consistency(size, 8))
        assert refused(anchors, "anchor", *old, sender=anchorer) == ("SizeNotIncreasing", (8, size))


def test_a_size_that_the_proof_is_too_short_for_is_refused(anchors: Contract) -> None:
    """An honest root and proof, with a size that leaves room for entries nobody has seen."""
    anchorer = anchors.chain.accounts[1]
    register(anchors, anchorer)
    anchor(anchors, 5, sender=anchorer)
    for size in (6, 8, 17, 32, 40, 2**63, 2**64 - 1):
        inflated = (LOG_ID, size, HONEST.root(9), HONEST.consistency(5, 9))
        assert refused(anchors, "anchor", *inflated, sender=anchorer) == ("InconsistentCheckpoint", (5, size))


def test_a_wrong_size_of_the_same_depth_ends_the_log(anchors: Contract) -> None:
    """No RFC 9162 proof tells sizes of one depth apart; whoever anchors a wrong one can never anchor the true log."""
    anchorer = anchors.chain.accounts[1]
    register(anchors, anchorer)
    anchor(anchors, 5, sender=anchorer)
    proof = HONEST.consistency(5, 9)
    check_consistency(5, 12, proof, HONEST.root(5), HONEST.root(9))  # the ledger's own check says so too
    anchors.send("anchor", LOG_ID, 12, HONEST.root(9), proof, sender=anchorer)
    for size in range(13, 65):
        for old in (9, 12):
            true = (LOG_ID, size, HONEST.root(size), HONEST.consistency(old, size))
            assert refused(anchors, "anchor", *true, sender=anchorer) == ("InconsistentCheckpoint", (12, size))


def test_an_empty_checkpoint_is_refused(anchors: Contract) -> None:
    anchorer = anchors.chain.accounts[1]
    register(anchors, anchorer)
    for size, root in ((0, HONEST.root(0)), (0, bytes(32)), (3, bytes(32))):
        assert refused(anchors, "anchor", LOG_ID, size, root, [], sender=anchorer) == ("EmptyCheckpoint", ())


def test_the_first_checkpoint_is_trusted_whatever_its_proof(anchors: Contract) -> None:
    anchorer = anchors.chain.accounts[1]
    register(anchors, anchorer)
    for proof in ([], [HONEST.root(3)]):
        assert anchors.call("anchor", LOG_ID, 5, FORKED.root(5), proof, sender=anchorer) is True


def test_a_loose_log_has_only_to_grow(anchors: Contract) -> None:
    anchorer = anchors.chain.accounts[1]
    anchors.send("registerLooseLog", ORIGIN, anchorer)
    anchor(anchors, 5, sender=anchorer)
    anchor(anchors, 8, FORKED, sender=anchorer)
    assert anchors.call("head", LOG_ID)[3:6] == (2, 2, FORKED.root(8))
    smaller: tuple[Any, ...] = (LOG_ID, 7, FORKED.root(7), [])
    assert refused(anchors, "anchor", *smaller, sender=anchorer) == ("SizeNotIncreasing", (8, 7))
    other: tuple[Any, ...] = (LOG_ID, 8, HONEST.root(8), [])
    assert refused(anchors, "anchor", *other, sender=anchorer) == ("Equivocation", (8, FORKED.root(8), HONEST.root(8)))


def test_another_contract_asks_whether_an_entry_is_logged(anchors: Contract, verifier: Contract) -> None:
    register(anchors, anchors.chain.accounts[1])
    place = (anchors.address, LOG_ID, ENTRIES[3], 3)
    assert verifier.call("isLogged", *place, HONEST.inclusion(3, 6)) is False  # nothing is anchored yet
    anchor(anchors, 6, sender=anchors.chain.accounts[1])
    proof = HONEST.inclusion(3, 6)
    assert verifier.call("isLogged", *place, proof) is True
    assert verifier.call("isLogged", anchors.address, LOG_ID, ENTRIES[4], 3, proof) is False
    assert verifier.call("isLogged", anchors.address, LOG_ID, ENTRIES[3], 2, proof) is False
    assert verifier.call("isLogged", anchors.address, bytes(32), ENTRIES[3], 3, proof) is False
    assert verifier.call("isLogged", *place, [flipped(proof[0]), *proof[1:]]) is False
    assert verifier.call("isLogged", *place, HONEST.inclusion(3, 7)) is False
    # Two hashes that make an inner node are no entry, whatever a caller says.
    inner = b"\x01" + HONEST.leaves[0] + HONEST.leaves[1]
    assert verifier.call("isLogged", anchors.address, LOG_ID, inner[1:], 0, proof[1:]) is False


def test_call_data_is_taken_as_the_abi_says_and_no_other_way(anchors: Contract) -> None:
    """A size of more than 64 bits, and a proof that is cut short, are refused before anything is read."""
    node = anchors.chain
    register(anchors, node.accounts[1])
    selector = anchors.interface.functions["anchor"][0]
    wide = encode(["bytes32", "uint256", "bytes32", "bytes32[]"], [LOG_ID, 2**64 + 5, HONEST.root(5), []])
    whole = encode(["bytes32", "uint64", "bytes32", "bytes32[]"], [LOG_ID, 5, HONEST.root(5), [HONEST.root(1)]])
    asked = [
        (
            "eth_call",
            [{"from": node.accounts[1], "to": anchors.address, "data": f"0x{(selector + data).hex()}"}, "latest"],
        )
        for data in (wide, whole[:-1], whole)
    ]
    answers = node.batch(asked)
    assert [getattr(one, "data", one) for one in answers] == [b"", b"", f"0x{1:064x}"]
