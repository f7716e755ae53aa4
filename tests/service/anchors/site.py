"""A real log, a real anvil and the sink between them, driven by ticks; and what must hold after whatever happened."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from contracts import artifact
from ledger.evidence.anchor import check_anchor, log_id, parse_anchor
from ledger.log.merkle import check_consistency
from scripts.devchain import Contract, Devchain
from scripts.toolchain import Toolchain
from service.adapters.anchor_keys import KeystoreSigner
from service.adapters.ethereum import EthereumNode
from service.bootstrap import Service
from service.config import AnchorSettings
from service.storage.anchors import AnchorFound
from service.usecases.anchor_chain import EthereumSink
from service.usecases.anchor_link import Link, Place
from service.usecases.anchor_setup import checksum
from service.usecases.anchoring import STATES, LogReader, Outbox
from service.usecases.submit import Submission
from tests.support.server import candidate, new_service
from tests.support.world import ORIGIN, World, honest_world, new_lot

SINK = "ethereum"
EPOCH = 4
"""Slots in an epoch: a block is final with 2 x 4 blocks on top."""

CHAIN = 31337
KEY = hashlib.sha256(b"anchorer").digest()
RICH = 10**20
CODE = bytes.fromhex(artifact()["runtime_keccak256"][2:])


class Crash(BaseException):
    """The process dies here."""


class Between:
    """A node with a seam before and after each call: `before` and `after` are asked with the name of the method."""

    def __init__(self, node: EthereumNode) -> None:
        self.node = node
        self.before: Callable[[str], None] = lambda _name: None
        self.after: Callable[[str], None] = lambda _name: None
        self.told: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.node, name)
        if not callable(real) or name.startswith("encode"):
            return real

        def call(*values: Any, **named: Any) -> Any:
            self.before(name)
            answer = self.told[name] if name in self.told else real(*values, **named)
            self.after(name)
            return answer

        return call


def once(name: str, fault: BaseException) -> Callable[[str], None]:
    """Raise at the first call of this method, and never again."""
    left = [fault]

    def seam(called: str) -> None:
        if called == name and left:
            raise left.pop()

    return seam


@dataclass
class Log:
    """A log in a database of its own. fork: names its lots, so that two logs differ from the first one on."""

    folder: Path
    fork: str = "a"
    world: World = field(default_factory=honest_world)
    service: Service = field(init=False)
    made: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.service = new_service(self.folder, self.world)
        self.book = self.service.open_log()
        self._take(self.world.log[1:])

    def grow(self, count: int = 1) -> int:
        """Take so many more records; the size after that."""
        first = len(self.world.log)
        for _ in range(count):
            self.made += 1
            self.world.extract(new_lot(f"lot:{self.fork}-{self.made}"))
        return self._take(self.world.log[first:])

    def _take(self, entries: list[bytes]) -> int:
        items = [candidate(entry, self.service) for entry in entries]
        (done,) = self.book.submit([Submission(items)], self.world.now * 1000)
        assert [one.status for one in done.outcomes] == ["created"] * len(items)
        return self.book.head.size


@dataclass
class Site:
    """One log anchored on one chain. `tick` takes a record into the log, and then a step of the sink."""

    chain: Devchain
    log: Log
    contract: Contract
    signer: KeystoreSigner
    settings: AnchorSettings
    confirmations: int | None = None
    now: int = 1_800_000_000
    holder: str = "one"
    store: Any = None
    events: list[str] = field(default_factory=list)
    node: Between = field(init=False)
    sink: EthereumSink = field(init=False)

    def __post_init__(self) -> None:
        self.store = self.store or self.log.service.store
        self.start()

    @property
    def place(self) -> Place:
        return Place(CHAIN, "", checksum(self.contract.address), CODE, self.confirmations)

    def start(self, url: str = "") -> None:
        """A process begins, with nothing but the database."""
        self.node = Between(EthereumNode(url or self.chain.url, self.contract.address, artifact()["abi"], timeout=5))
        outbox = Outbox(self.store, SINK, self.holder, self.events.append)
        reader = LogReader(self.log.service.store)
        self.link = Link(outbox, reader, self.node, self.signer, self.place, self.settings, ORIGIN)
        self.sink = EthereumSink(self.link)

    def restart(self) -> None:
        """The process is gone, and another one begins when the lease of the first is over."""
        self.holder += "+"
        self.now += 61
        self.start()

    def queue(self, count: int = 1) -> int:
        """Take records and give the checkpoint to the sink; its size."""
        size = self.log.grow(count)
        newest = self.link.log.newest()
        assert newest is not None
        assert newest.size == size
        self.sink.submit(newest, self.now)
        return size

    def tick(self, seconds: int = 12) -> str:
        """The ledger takes a record, whatever the sink's far end does; then the sink takes a step."""
        before = self.log.book.head.size
        assert self.log.grow() == before + 1
        self.now += seconds
        return self.sink.tick(self.now)

    def mine(self, blocks: int = 1) -> None:
        self.chain.rpc("anvil_mine", hex(blocks))

    def settle(self, rounds: int = 12) -> None:
        """Ticks and blocks until nothing is left to do."""
        for _ in range(rounds):
            done = self.tick()
            self.mine(EPOCH)
            if done == "idle":
                return
        raise AssertionError(f"the sink does not come to rest: {self.states()}")

    # ---- looking ------------------------------------------------------------------------------

    def anchor(self, size: int) -> AnchorFound:
        found = self.link.outbox.anchor(size)
        assert found is not None
        return found

    def states(self) -> dict[int, str]:
        return {one.size: one.state for one in self.link.outbox.anchors(*STATES)}

    def condition(self) -> str:
        found = self.link.outbox.found()
        assert found is not None
        return found.condition

    def transactions(self) -> list[tuple[int, str]]:
        """(nonce, fate) of everything that was ever signed, in order."""
        with self.store.reading() as conn:
            statement = "SELECT nonce, fate FROM anchor_transactions ORDER BY nonce, created, max_fee"
            return [(nonce, fate) for nonce, fate in conn.exec_driver_sql(statement)]

    def anchored(self) -> list[tuple[int, str]]:
        """(size, block hash) of every `Anchored` event of this log on the canonical chain."""
        (event,) = (topic for name, topic in artifact()["events"].items() if name.startswith("Anchored("))
        topics = [event, "0x" + log_id(ORIGIN).hex()]
        asked = {"address": self.contract.address, "fromBlock": "0x0", "topics": topics}
        return [(int(one["topics"][2], 16), one["blockHash"]) for one in self.chain.rpc("eth_getLogs", asked)]

    def depth(self, number: int) -> int:
        """How many blocks go when this one goes."""
        return int(self.chain.rpc("eth_blockNumber"), 16) - number + 1

    def finalized(self) -> int:
        return int(self.chain.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)

    # ---- what must hold -----------------------------------------------------------------------

    def check(self, newest: int) -> None:
        """Bring it to rest, then: nothing is lost, counted twice, or called final that is not."""
        self.settle()
        assert self.condition() == "ok"
        events = self.anchored()
        found = self.link.outbox.anchors("mined", "final")
        assert [(one.size, one.block_hash) for one in found] == events, "every anchor once, where it is"
        head = self.contract.call("head", log_id(ORIGIN))
        assert head[3] == len(events)
        assert found[-1].size >= newest, "what was queued is anchored, or covered by a larger one"
        assert set(self.states().values()) <= {"final", "covered"}
        for one in found:
            assert one.state == "final"
            assert (one.block or 0) <= self.finalized()
            self.check_evidence(one)

    def check_evidence(self, row: AnchorFound) -> None:
        anchor = parse_anchor(row.evidence.encode())
        check_anchor(anchor, ORIGIN, chains=[CHAIN], contracts=[bytes.fromhex(self.contract.address[2:])])
        assert anchor.finality.state == "final"
        assert row.evidence_final
        number = hex(row.evidence_block or 0)
        assert self.chain.rpc("eth_getBlockByNumber", number, False)["hash"] == "0x" + anchor.block.hex()
        reader = LogReader(self.log.service.store)
        size = self.log.book.head.size
        proof = reader.consistency(anchor.head.size, size)
        check_consistency(anchor.head.size, size, proof, anchor.head.root, self.log.book.head.root)


def deploy(chain: Devchain, signer: KeystoreSigner, *, origin: str = ORIGIN) -> Contract:
    """LogAnchor with the log registered and the anchorer funded."""
    contract = chain.deploy(artifact(), ("address", chain.accounts[0]))
    contract.send("registerLog", origin, signer.address)
    chain.rpc("anvil_setBalance", signer.address, hex(RICH))
    return contract


class Anvil(Devchain):
    """An anvil that can be ended and started again on the same port, with the same chain."""

    def __init__(self, tools: Toolchain, port: int, state: Path, *options: str) -> None:
        words = ["--host", "127.0.0.1", "--port", str(port), "--slots-in-an-epoch", str(EPOCH), "--no-mining"]
        self._words = [str(tools.binary("anvil")), *words, "--hardfork", "cancun", "--state", str(state), *options]
        self._environment = tools.environment
        self._open = build_opener(ProxyHandler({})).open
        self.url = f"http://127.0.0.1:{port}"
        self.start()
        self.rpc("anvil_setBlockTimestampInterval", 12)
        self.accounts = self.rpc("eth_accounts")

    def start(self) -> None:
        """Returns when it listens."""
        self._process = subprocess.Popen(self._words, stdout=subprocess.PIPE, text=True, env=self._environment)
        self._port()
        threading.Thread(target=self._process.communicate, daemon=True).start()

    def stop(self) -> None:
        """It writes its chain to the file before it ends."""
        self._process.terminate()
        self._process.wait()
