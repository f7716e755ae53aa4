"""What can go wrong between the log and the chain, one test each, on a real anvil and a real log.

`site.tick` takes a record into the log before every step of the sink. `site.check` brings the sink to rest and compares
with the contract's own events: no anchor is lost, none is counted twice, none is called final that is not.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts import artifact
from ledger.evidence.anchor import log_id
from scripts.devchain import Devchain
from scripts.toolchain import Toolchain
from service.adapters.anchor_keys import KeystoreSigner
from service.adapters.chain import Fees, NodeDown
from service.config import AnchorSettings
from service.storage.engine import Store
from service.storage.schema import migrate
from service.usecases.anchoring import LogReader, SignedHead
from tests.service.anchors.site import (
    CHAIN,
    EPOCH,
    RICH,
    Anvil,
    Crash,
    Log,
    Site,
    deploy,
    once,
)
from tests.support.server import database_url
from tests.support.world import ORIGIN

pytestmark = pytest.mark.usefixtures("engine")


def newest(site: Site) -> int:
    return max(site.states())


def test_from_queued_to_final(site: Site) -> None:
    size = site.queue()
    assert site.tick() == "sent"
    assert site.states() == {size: "queued", size + 1: "sent"}, "the newest checkpoint goes along"
    assert site.tick() == "waiting"
    site.mine()
    assert site.tick() == "mined"
    assert site.states() == {size: "covered", size + 1: "mined"}
    site.mine(2 * EPOCH - 1)
    assert site.tick() == "watching"
    assert site.anchor(size + 1).state == "mined", "one block short of final"
    site.mine()
    assert site.tick() == "watching"
    assert site.anchor(size + 1).state == "final"
    site.check(size)
    assert site.transactions() == [(0, "mined")]
    assert site.events == ["condition_ok", "sent", "mined", "final"] or site.events == ["sent", "mined", "final"]


def test_a_tick_with_nothing_to_do_asks_three_questions(site: Site) -> None:
    site.check(site.queue())
    site.node.node.calls.clear()
    assert site.tick() == "idle"
    assert dict(site.node.node.calls) == {"eth_chainId": 1, "eth_call": 1, "eth_getBalance": 1}


def test_later_anchors_prove_that_they_extend_the_earlier_ones(site: Site) -> None:
    for count in (1, 3, 8):
        site.check(site.queue(count))
    assert [size for size, _ in site.anchored()] == sorted(
        size for size, state in site.states().items() if state == "final"
    )
    assert len(site.anchored()) == 3


# ---- the process dies, answers are lost --------------------------------------------------------------------------


def test_crash_before_broadcast(site: Site) -> None:
    size = site.queue()
    site.node.before = once("broadcast", Crash())
    with pytest.raises(Crash):
        site.tick()
    assert site.transactions() == [(0, "")], "the bytes were stored first"
    site.restart()
    assert site.tick() == "resent"
    site.mine()
    site.check(size)
    assert site.transactions() == [(0, "mined")]


def test_crash_after_broadcast(site: Site) -> None:
    size = site.queue()
    site.node.after = once("broadcast", Crash())
    with pytest.raises(Crash):
        site.tick()
    site.restart()
    assert site.tick() == "waiting"
    site.mine()
    site.check(size)
    assert site.transactions() == [(0, "mined")]


@pytest.mark.parametrize(
    "method", ["chain_id", "head", "is_anchorer", "fees", "estimate", "nonce", "code_hash", "block"]
)
def test_crash_at_any_question(site: Site, method: str) -> None:
    size = site.queue()
    site.node.after = once(method, Crash())
    with pytest.raises(Crash):
        site.tick()
    assert site.transactions() == []
    site.restart()
    site.check(size)
    assert site.transactions() == [(0, "mined")]


@pytest.mark.parametrize("method", ["broadcast", "knows", "nonce", "receipt", "head", "block", "prove", "balance"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_lost_answer(site: Site, method: str, when: str) -> None:
    """The same answer gets lost at every step of the way once."""
    size = site.queue()
    lost = 0
    for step in range(10):
        setattr(site.node, when, once(method, NodeDown("the answer was lost")))
        lost += site.tick() == "unreachable"
        site.node.before = site.node.after = lambda _name: None
        site.tick()
        site.mine(2 * (step % 2))
    assert lost >= 1
    site.check(size)
    assert {fate for _, fate in site.transactions()} == {"mined"}


# ---- the transaction does not get on -----------------------------------------------------------------------------


def test_stuck_and_replaced(site: Site) -> None:
    size = site.queue()
    assert site.tick() == "sent"
    first = newest(site)
    assert site.tick(179) == "waiting"
    assert site.tick(1) == "replaced"
    second = newest(site)
    assert second > first, "it carries the newest checkpoint"
    fees = [(one.max_fee, one.tip) for one in site.link.outbox.live()]
    assert all(new >= old * 5 // 4 for old, new in zip(*fees, strict=True))
    site.mine()
    assert site.tick() == "mined"
    assert (site.anchor(first).state, site.anchor(second).state) == ("covered", "mined")
    site.check(size)
    assert site.transactions() == [(0, "replaced"), (0, "mined")]


def test_stuck_and_the_first_one_wins_after_all(site: Site) -> None:
    """The replacement never reached the miner: the older transaction of the nonce is mined."""
    size = site.queue()
    assert site.tick() == "sent"
    (first,) = site.link.outbox.live()
    site.node.before = once("broadcast", NodeDown("lost"))
    assert site.tick(200) == "unreachable"
    assert len(site.link.outbox.live()) == 2
    site.mine()
    assert site.chain.rpc("eth_getTransactionReceipt", first.hash) is not None
    assert site.tick() == "mined"
    assert site.anchor(first.size).state == "mined"
    assert site.anchor(newest(site)).state == "queued", "what the replacement carried is still to be anchored"
    site.check(size)
    assert [fate for _, fate in site.transactions()] == ["mined", "replaced", "mined"]


def test_dropped(site: Site) -> None:
    size = site.queue()
    assert site.tick() == "sent"
    (sent,) = site.link.outbox.live()
    site.chain.rpc("anvil_dropTransaction", sent.hash)
    assert site.tick() == "resent"
    site.mine()
    site.check(size)
    assert site.transactions() == [(0, "mined")]
    assert site.anchored()[0][0] == sent.size


def test_underpriced(site: Site) -> None:
    """The node told a fee far below what it takes; it refuses the transaction, and the next look pays more."""
    size = site.queue()
    site.node.told["fees"] = Fees(1, 0)
    site.settings = AnchorSettings(fee_cap_gwei=500.0, tip_gwei=0.000000001, low_gwei=0.0)
    site.link.settings = site.settings
    site.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(30 * 10**9))
    site.mine()
    assert site.tick() == "sent"
    assert site.chain.rpc("txpool_status")["pending"] == "0x0", "the node did not take it"
    del site.node.told["fees"]
    assert site.tick() == "replaced"
    site.mine()
    site.check(size)
    assert site.transactions() == [(0, "replaced"), (0, "mined")]


def test_base_fee_spike(site: Site) -> None:
    size = site.queue()
    assert site.tick() == "sent"
    site.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(90 * 10**9))
    site.mine()  # the node throws the transaction out
    assert site.tick() == "replaced"
    site.mine()
    site.check(size)
    assert site.transactions() == [(0, "replaced"), (0, "mined")]


def test_base_fee_above_the_cap(site: Site) -> None:
    site.link.settings = AnchorSettings(fee_cap_gwei=20.0, low_gwei=0.0)
    site.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(90 * 10**9))
    site.mine()
    size = site.queue()
    assert site.tick() == "fee_cap"
    assert site.transactions() == []
    found = site.link.outbox.found()
    assert found is not None
    assert "LODELINE_ANCHOR_FEE_CAP_GWEI (20)" in found.detail
    while int(site.chain.rpc("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16) > 9 * 10**9:
        site.mine(4)
        site.tick()
    site.check(size)


# ---- the chain thinks again --------------------------------------------------------------------------------------


def test_reorganisation_before_it_was_mined(site: Site) -> None:
    size = site.queue()
    site.mine(6)
    assert site.tick() == "sent"
    (sent,) = site.link.outbox.live()
    site.chain.rpc("anvil_reorg", 3, [])
    assert site.tick() in ("waiting", "resent")
    site.mine()
    site.check(size)
    assert site.anchored()[0][0] == sent.size


@pytest.mark.parametrize("depth", [1, 4])
def test_reorganisation_takes_the_anchor_away(site: Site, depth: int) -> None:
    """Shallow, and deep: the blocks are empty then, and the transaction does not come back by itself."""
    size = site.queue()
    assert site.tick() == "sent"
    site.mine(depth)
    assert site.tick() == "mined"
    row = site.anchor(newest(site))
    site.chain.rpc("anvil_reorg", depth, [])
    assert site.anchored() == []
    assert site.tick() == "resent", "the stored bytes, not new ones"
    assert site.anchor(row.size).state == "sent"
    site.mine()
    assert site.tick() == "mined"
    again = site.anchor(row.size)
    assert again.block_hash != row.block_hash
    site.check(size)
    assert site.transactions() == [(0, "mined")]
    assert "reorganised" in site.events


def test_reorganisation_of_several_anchors(site: Site) -> None:
    sizes = []
    for _ in range(3):
        site.queue()
        assert site.tick() == "sent"
        site.mine()
        assert site.tick() == "mined"
        sizes.append(newest(site))
    site.chain.rpc("anvil_reorg", 3, [])
    assert site.anchored() == []
    site.check(sizes[-1])
    assert [size for size, _ in site.anchored()] == sizes
    assert site.transactions() == [(0, "mined"), (1, "mined"), (2, "mined")]


def test_reorganisation_moves_the_anchor_to_another_block(site: Site) -> None:
    size = site.queue()
    assert site.tick() == "sent"
    (sent,) = site.link.outbox.live()
    site.mine()
    assert site.tick() == "mined"
    before = site.anchor(sent.size)
    site.mine(2)
    site.chain.rpc("anvil_reorg", 3, [["0x" + sent.raw.hex(), 1]])
    assert site.tick() == "watching"
    after = site.anchor(sent.size)
    assert (after.state, after.block) == ("mined", (before.block or 0) + 1)
    assert after.evidence != before.evidence
    site.check(size)
    assert "moved" in site.events


def test_reorganisation_in_which_the_replaced_one_wins(site: Site) -> None:
    size = site.queue()
    assert site.tick() == "sent"
    (first,) = site.link.outbox.live()
    assert site.tick(200) == "replaced"
    site.mine()
    assert site.tick() == "mined"
    site.chain.rpc("anvil_reorg", 1, [["0x" + first.raw.hex(), 0]])
    assert site.tick() == "mined"
    assert site.anchor(first.size).state == "mined"
    site.check(size)
    assert [fate for _, fate in site.transactions()] == ["mined", "replaced", "mined"]


@pytest.fixture
def young(tools: Toolchain, log: Log, signer: KeystoreSigner) -> Iterator[Site]:
    """A site on a chain of its own: a node that has made hundreds of blocks may have let go of old states."""
    with Devchain(tools, "--slots-in-an-epoch", str(EPOCH)) as chain:
        yield Site(chain, log, deploy(chain, signer), signer, AnchorSettings(fee_cap_gwei=500.0, low_gwei=0.0))


def test_a_chain_that_goes_back_on_what_was_final(young: Site) -> None:
    young.check(young.queue())
    (final,) = (size for size, state in young.states().items() if state == "final")
    young.chain.rpc("anvil_reorg", young.depth(young.anchor(final).block or 0), [])
    assert young.tick() == "not_final"
    assert young.anchor(final).state == "queued"
    young.check(final)


def test_a_chain_that_goes_back_on_the_contract_itself(young: Site) -> None:
    young.check(young.queue())
    young.chain.rpc("anvil_reorg", young.depth(int(young.contract.receipt["blockNumber"], 16)), [])
    assert young.tick() == "unreachable", "nothing answers at the address"
    assert young.tick() == "wrong_code"
    assert "final" in young.states().values(), "what was found out about the chain is for a person to judge"


def test_a_chain_without_finalized_blocks(site: Site) -> None:
    """No silent fallback: mined it stays until somebody says how many confirmations are enough."""
    size = site.queue()
    site.node.told["block"] = None
    real = site.node.node.block
    site.node.node.block = lambda which: None if which == "finalized" else real(which)  # type: ignore[method-assign]
    del site.node.told["block"]
    assert site.tick() == "sent"
    site.mine(30)
    assert site.tick() == "mined"
    assert site.tick() == "no_finality"
    assert site.anchor(size + 1).state == "mined"
    site.confirmations = 3
    site.restart()
    site.check(size)


@pytest.mark.parametrize("confirmations", [0, 1, 5])
def test_final_by_a_number_of_confirmations(site: Site, confirmations: int) -> None:
    site.confirmations = confirmations
    site.start()
    size = site.queue()
    assert site.tick() == "sent"
    site.mine(max(confirmations - 1, 1))
    assert site.tick() == "mined"
    site.tick()
    assert site.anchor(size + 1).state == ("mined" if confirmations > 1 else "final")
    site.mine()
    site.tick()
    assert site.anchor(size + 1).state == "final"


# ---- the node -----------------------------------------------------------------------------------------------------


def test_node_stopped_and_continued(site: Site) -> None:
    size = site.queue()
    assert site.tick() == "sent"
    site.node.node = type(site.node.node)(site.chain.url, site.contract.address, artifact()["abi"], timeout=0.2)
    process = site.chain._process
    process.send_signal(signal.SIGSTOP)
    try:
        assert site.tick() == "unreachable"
        assert site.tick() == "unreachable"
    finally:
        process.send_signal(signal.SIGCONT)
    site.start()
    site.mine()
    site.check(size)
    assert site.transactions() == [(0, "mined")]


def test_node_killed_and_started_again(tools: Toolchain, log: Log, signer: KeystoreSigner, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Anvil(tools, port, tmp_path / "chain.json") as chain:
        site = Site(chain, log, deploy(chain, signer), signer, AnchorSettings(low_gwei=0.0))
        size = site.queue()
        assert site.tick() == "sent"
        site.mine()
        chain.stop()
        assert site.tick() == "unreachable"
        assert site.tick() == "unreachable"
        chain.start()
        assert site.tick() == "mined"
        site.check(size)
        assert site.transactions() == [(0, "mined")]


def test_wrong_chain_behind_the_url(site: Site) -> None:
    size = site.queue()
    site.chain.rpc("anvil_setChainId", 5)
    assert site.tick() == "wrong_chain"
    found = site.link.outbox.found()
    assert found is not None
    assert "chain 5" in found.detail
    assert "LODELINE_ANCHOR_RPC" in found.detail
    assert site.transactions() == []
    site.chain.rpc("anvil_setChainId", CHAIN)
    site.check(size)


def test_chain_switched_while_a_transaction_is_in_flight(site: Site) -> None:
    size = site.queue()
    assert site.tick() == "sent"
    site.chain.rpc("anvil_setChainId", 5)
    assert site.tick() == "wrong_chain"
    site.chain.rpc("anvil_setChainId", CHAIN)
    site.mine()
    site.check(size)


def test_another_chain_with_the_same_id(site: Site, tools: Toolchain, tmp_path: Path) -> None:
    site.check(site.queue())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Anvil(tools, port, tmp_path / "chain.json", "--timestamp", "1700000000") as other:
        site.start(other.url)
        site.queue()
        assert site.tick() == "wrong_chain"
        assert other.rpc("eth_blockNumber") == "0x0"
    site.start()
    site.check(site.queue())


def test_wrong_code_at_the_address(site: Site) -> None:
    site.check(site.queue())
    code = site.chain.rpc("eth_getCode", site.contract.address, "latest")
    site.chain.rpc("anvil_setCode", site.contract.address, "0x60006000fd")
    size = site.queue()
    assert site.tick() in ("wrong_code", "unreachable")
    assert site.tick() == "wrong_code"
    assert site.condition() == "wrong_code"
    site.chain.rpc("anvil_setCode", site.contract.address, code)
    site.check(size)


def test_code_that_only_pretends(site: Site) -> None:
    """Same interface, other code: nothing is sent to it."""
    code = site.chain.rpc("eth_getCode", site.contract.address, "latest")
    site.chain.rpc("anvil_setCode", site.contract.address, code + "00")
    size = site.queue()
    assert site.tick() == "wrong_code"
    assert site.transactions() == []
    site.chain.rpc("anvil_setCode", site.contract.address, code)
    site.check(size)


# ---- the contract and the key --------------------------------------------------------------------------------------


def test_role_revoked(site: Site) -> None:
    site.contract.send("setAnchorer", log_id(ORIGIN), site.signer.address, False)
    size = site.queue()
    assert site.tick() == "role_revoked"
    assert site.tick() == "role_revoked"
    assert site.transactions() == []
    site.contract.send("setAnchorer", log_id(ORIGIN), site.signer.address, True)
    site.check(size)


def test_role_revoked_while_a_transaction_is_in_flight(site: Site) -> None:
    size = site.queue()
    assert site.tick() == "sent"
    (sent,) = site.link.outbox.live()
    site.chain.rpc("anvil_dropTransaction", sent.hash)
    site.contract.send("setAnchorer", log_id(ORIGIN), site.signer.address, False)
    site.sink.tick(site.now)
    site.mine()
    assert site.tick() == "reverted"
    assert site.tick() == "role_revoked"
    site.contract.send("setAnchorer", log_id(ORIGIN), site.signer.address, True)
    site.check(size)
    assert [fate for _, fate in site.transactions()] == ["reverted", "mined"]


def test_out_of_funds(site: Site) -> None:
    site.chain.rpc("anvil_setBalance", site.signer.address, "0x0")
    size = site.queue()
    assert site.tick() == "no_funds"
    assert site.transactions() == []
    site.chain.rpc("anvil_setBalance", site.signer.address, hex(10**12))
    assert site.tick() == "no_funds"
    site.chain.rpc("anvil_setBalance", site.signer.address, hex(RICH))
    site.check(size)


def test_out_of_funds_after_signing(site: Site) -> None:
    size = site.queue()
    site.node.before = once("broadcast", NodeDown("lost"))
    assert site.tick() == "unreachable"
    site.chain.rpc("anvil_setBalance", site.signer.address, "0x0")
    assert site.tick() == "no_funds"
    site.chain.rpc("anvil_setBalance", site.signer.address, hex(RICH))
    assert site.tick() == "resent"
    site.mine()
    site.check(size)
    assert site.transactions() == [(0, "mined")]


def test_low_balance_is_a_warning(site: Site) -> None:
    site.check(site.queue())
    site.link.settings = AnchorSettings(low_gwei=1e12)
    assert site.tick() == "idle"
    found = site.link.outbox.found()
    assert found is not None
    assert (found.condition, "LODELINE_ANCHOR_LOW_GWEI" in found.detail) == ("ok", True)
    assert int(found.balance) == int(site.chain.rpc("eth_getBalance", site.signer.address, "latest"), 16)


def test_foreign_transaction_on_the_same_nonce(site: Site) -> None:
    """The key was used elsewhere, and the other transaction was mined."""
    size = site.queue()
    assert site.tick() == "sent"
    (sent,) = site.link.outbox.live()
    site.chain.rpc("anvil_dropTransaction", sent.hash)
    other: dict[str, Any] = {
        "type": 2,
        "chainId": CHAIN,
        "nonce": 0,
        "to": site.signer.address,
        "value": 1,
        "gas": 21000,
    }
    raw = site.signer.sign({**other, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 1})
    site.chain.rpc("eth_sendRawTransaction", "0x" + raw.hex())
    site.mine()
    assert site.tick() == "foreign"
    assert site.tick() == "sent"
    site.mine()
    site.check(size)
    assert site.transactions() == [(0, "foreign"), (1, "mined")]


def test_a_replaced_key_takes_over(site: Site) -> None:
    """`anchor rotate-key` in the middle of a transaction: the new key has nonces of its own."""
    size = site.queue()
    assert site.tick() == "sent"
    (sent,) = site.link.outbox.live()
    site.chain.rpc("anvil_dropTransaction", sent.hash)
    site.signer = KeystoreSigner(b"n" * 32)
    site.contract.send("setAnchorer", log_id(ORIGIN), site.signer.address, True)
    site.chain.rpc("anvil_setBalance", site.signer.address, hex(RICH))
    site.restart()
    assert site.tick() == "dropped"
    site.check(size)
    assert sorted(site.transactions()) == [(0, "dropped"), (0, "mined")]


# ---- two of them, and two histories ------------------------------------------------------------------------------


def test_two_anchorers_on_one_ledger_by_mistake(site: Site) -> None:
    """The lease lets one of them work; the other one takes over when the first is gone."""
    other = Site(site.chain, site.log, site.contract, site.signer, site.settings, holder="two")
    size = site.queue()
    assert site.tick() == "sent"
    other.now = site.now
    assert other.tick() == "leased"
    site.mine()
    assert site.tick() == "mined"
    other.now = site.now + 61
    other.check(size)
    assert other.transactions() == [(0, "mined")]


def test_two_anchorers_with_databases_of_their_own(site: Site, tmp_path: Path) -> None:
    """A copy of the service with the same key: they fight for nonces, and the contract stays right."""
    (tmp_path / "other").mkdir()
    store = Store(database_url(tmp_path / "other"))
    migrate(store)
    other = Site(site.chain, site.log, site.contract, site.signer, site.settings, holder="two", store=store)
    size = site.queue()
    other.link.outbox.submit(SignedHead(size, site.log.book.head.root, site.log.book.head.checkpoint), other.now)
    assert site.tick() == "sent"
    assert other.tick() in ("sent", "replaced")
    site.mine()
    for _ in range(10):
        site.tick()
        other.tick()
        site.mine(3)
    sizes = [one for one, _ in site.anchored()]
    assert sizes == sorted(set(sizes)), "no checkpoint is anchored twice"
    for one in (site, other):
        one.settle()
        assert max(one.link.outbox.status()["final"], 0) == sizes[-1] or one.link.outbox.status()["final"] >= size
        on_chain = dict(site.anchored())
        for row in one.link.outbox.anchors("mined", "final"):
            assert on_chain[row.size] == row.block_hash
    store.close()


def test_the_outbox_is_lost(site: Site) -> None:
    """An empty outbox finds on the chain what was anchored, and sends nothing again."""
    site.check(site.queue())
    with site.store.writing() as conn:
        for table in ("anchors", "anchor_transactions", "anchor_sinks"):
            conn.exec_driver_sql(f"DELETE FROM {table}")
    site.restart()
    sent = site.chain.rpc("eth_getTransactionCount", site.signer.address, "latest")
    assert site.tick() == "idle"
    (row,) = site.link.outbox.anchors("mined")
    assert (row.size, row.tx) == (site.anchored()[-1][0], "")
    site.settle()
    assert site.anchor(row.size).state == "final"
    site.check_evidence(site.anchor(row.size))
    assert site.chain.rpc("eth_getTransactionCount", site.signer.address, "latest") == sent
    site.check(site.queue())


def test_log_restored_from_an_old_backup(site: Site, tmp_path: Path) -> None:
    """The chain knows more of the log than the log does: nothing is signed until a person has looked."""
    old = Log(tmp_path / "old")
    old.grow(2)
    site.queue(20)
    site.check(site.log.book.head.size)
    restored = Site(site.chain, old, site.contract, site.signer, site.settings)
    restored.queue()
    before = site.anchored()
    assert restored.tick() == "chain_ahead"
    assert restored.tick() == "chain_ahead"
    found = restored.link.outbox.found()
    assert found is not None
    assert "old backup" in found.detail
    assert (restored.transactions(), site.anchored()) == ([], before)
    old.service.close()


def test_operator_that_tries_to_anchor_a_fork(site: Site, tmp_path: Path) -> None:
    """A second history, longer than the first: the sink sees it, and so would the contract."""
    site.check(site.queue())
    fork = Log(tmp_path / "fork", fork="b")
    fork.grow(30)
    forked = Site(site.chain, fork, site.contract, site.signer, site.settings)
    size = forked.queue()
    before = site.anchored()
    assert forked.tick() == "equivocation"
    assert forked.anchor(size).state == "equivocation"
    assert forked.tick() == "equivocation"
    assert (forked.transactions(), site.anchored()) == ([], before)
    site.check(site.queue())
    fork.service.close()


class Lying(LogReader):
    """An operator's own program, which says that its fork holds what the contract holds."""

    def __init__(self, log: LogReader, truth: LogReader) -> None:
        self._log, self._truth = log, truth

    def newest(self) -> SignedHead | None:
        return self._log.newest()

    def root(self, size: int) -> bytes | None:
        return self._truth.root(size) or self._log.root(size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        return self._log.consistency(old, new)


def test_the_contract_refuses_a_fork_whatever_the_operator_runs(site: Site, tmp_path: Path) -> None:
    site.check(site.queue())
    fork = Log(tmp_path / "fork", fork="b")
    fork.grow(30)
    forked = Site(site.chain, fork, site.contract, site.signer, site.settings)
    forked.link.log = Lying(forked.link.log, site.link.log)
    forked.queue()
    before = site.anchored()
    assert forked.tick() == "failed"
    failed = forked.anchor(max(forked.states()))
    assert (failed.state, failed.problem) == ("failed", "the contract refuses it: InconsistentCheckpoint")
    assert (forked.transactions(), site.anchored()) == ([], before)
    site.check(site.queue())
    fork.service.close()


def test_a_transaction_that_always_reverts_is_given_up(site: Site) -> None:
    """Three times it was mined for nothing: no more gas is burnt on this checkpoint."""
    site.queue()
    site.node.told["estimate"] = 40_000  # too little: it runs out of gas
    for _ in range(3):
        assert site.tick() == "sent"
        site.mine()
        site.tick()
        site.link.log.newest = lambda: None  # type: ignore[method-assign]  # the log stands still
    assert [fate for _, fate in site.transactions()] == ["reverted"] * 3
    assert "failed" in site.states().values()
    assert site.anchored() == []
