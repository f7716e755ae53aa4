"""A node of an Ethereum chain, over JSON-RPC. The only module that imports web3 (extra `ethereum`).

web3 encodes calls, decodes answers and speaks HTTP; its own retries are switched off, because the outbox
knows better what to do again. Everything that goes wrong leaves here as NodeDown or NodeRefused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import rlp
from eth_abi.exceptions import DecodingError
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception

from ledger.errors import LedgerError
from ledger.evidence.anchor import MODES, Head
from ledger.evidence.patricia import collect_nodes, keccak, parse_header
from service.adapters.chain import Block, Fees, NodeDown, NodeRefused, Proof, Receipt

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_HEADER: Final = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot",
    "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash", "blockAccessListHash", "slotNumber",
)  # fmt: skip
_QUANTITIES: Final = frozenset(
    {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas",
     "slotNumber"}
)  # fmt: skip
FEE_BLOCKS: Final = 10


class EthereumNode:
    """`contract`: address of LogAnchor; abi: its interface; timeout: seconds for one answer; calls: made so far."""

    def __init__(self, url: str, contract: str, abi: Sequence[Mapping[str, Any]], *, timeout: float) -> None:
        session = requests.Session()
        session.trust_env = urlsplit(url).hostname not in _LOOPBACK  # a proxy has no business between us and ourselves
        provider = HTTPProvider(
            url, request_kwargs={"timeout": timeout}, session=session, exception_retry_configuration=None
        )
        self._request = provider.make_request
        self._web3 = Web3(provider)
        self.address = contract
        self._contract = self._web3.eth.contract(abi=list(abi))
        self._errors = {_selector(item): item["name"] for item in abi if item["type"] == "error"}
        self.calls: Counter[str] = Counter()

    # ---- asking -------------------------------------------------------------------------------

    def _ask(self, method: str, *params: Any) -> Any:
        self.calls[method] += 1
        try:
            answer: Any = self._request(method, list(params))
        except (requests.RequestException, OSError, ValueError, Web3Exception) as error:
            raise NodeDown(f"{type(error).__name__} at {method}") from error
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise NodeDown(f"not an answer of a node at {method}")
        if (told := answer.get("error")) is not None:
            raise self._refusal(told)
        return answer["result"]

    def _refusal(self, error: Any) -> NodeRefused:
        told = error if isinstance(error, dict) else {"message": str(error)}
        data = told.get("data")
        data = data.get("data") if isinstance(data, dict) else data
        raw = _bytes(data) if isinstance(data, str) and data.startswith("0x") else b""
        return NodeRefused(str(told.get("message", "no message"))[:300], data=raw, error=self._errors.get(raw[:4], ""))

    def _number(self, method: str, *params: Any) -> int:
        return _int(self._ask(method, *params))

    def _call(self, name: str, *values: Any, at: int | str = "latest") -> tuple[Any, ...]:
        data = self._contract.encode_abi(name, args=list(values))
        answer = self._ask("eth_call", {"to": self.address, "data": data}, _place(at))
        kinds = [_kind(one) for one in self._contract.get_function_by_name(name).abi["outputs"]]
        try:
            return tuple(self._web3.codec.decode(kinds, _bytes(answer)))
        except (ValueError, Web3Exception, DecodingError) as error:
            raise NodeRefused(f"{name} answered something else than its interface says") from error

    # ---- the chain ----------------------------------------------------------------------------

    def chain_id(self) -> int:
        """Which chain it follows."""
        return self._number("eth_chainId")

    def block(self, which: int | str) -> Block | None:
        """A canonical block by number or tag; None where there is none."""
        told = self._ask("eth_getBlockByNumber", _place(which), False)
        if told is None:
            return None
        with _shaped("block"):
            return Block(_int(told["number"]), str(told["hash"]), _int(told["timestamp"]), told)

    def code_hash(self) -> bytes:
        """Keccak-256 of the code at the contract's address."""
        return keccak(_bytes(self._ask("eth_getCode", self.address, "latest")))

    def head(self, log: bytes, at: int | str = "latest") -> Head | None:
        """The head of a log as of a block; None while nothing is anchored."""
        ((size, time, block, count, mode, root, chain),) = self._call("head", log, at=at)
        with _shaped("contract"):
            return Head(size, time, block, count, MODES[mode], bytes(root), bytes(chain)) if size else None

    def is_anchorer(self, log: bytes, address: str) -> bool:
        """Whether an address may anchor."""
        return bool(self._call("isAnchorer", log, address)[0])

    def owner(self) -> str:
        """Who registers logs and sets their anchorers."""
        return checksum(self._call("owner")[0])

    def mode(self, log: bytes) -> str:
        """How a log is registered: `unregistered`, `strict` or `loose`."""
        ((_, _, _, _, mode, _, _),) = self._call("head", log)
        with _shaped("contract"):
            return MODES[mode]

    # ---- transactions -------------------------------------------------------------------------

    def nonce(self, address: str) -> int:
        """How many transactions of an address are mined."""
        return self._number("eth_getTransactionCount", address, "latest")

    def balance(self, address: str) -> int:
        """What an address has, in wei."""
        return self._number("eth_getBalance", address, "latest")

    def receipt(self, tx: str) -> Receipt | None:
        """Where a transaction was mined; None while it is not."""
        told = self.full_receipt(tx)
        if told is None:
            return None
        with _shaped("receipt"):
            return Receipt(_int(told["blockNumber"]), str(told["blockHash"]), _int(told["status"]) == 1)

    def full_receipt(self, tx: str) -> dict[str, Any] | None:
        """The same as JSON-RPC gives it."""
        told: dict[str, Any] | None = self._ask("eth_getTransactionReceipt", tx)
        return told

    def knows(self, tx: str) -> bool:
        """Whether the node has a transaction, mined or waiting."""
        return self._ask("eth_getTransactionByHash", tx) is not None

    def fees(self) -> Fees:
        """What gas costs now: the base fee of the next block, and the median tip of the last blocks."""
        told = self._ask("eth_feeHistory", hex(FEE_BLOCKS), "latest", [50])
        with _shaped("history of fees"):
            rewards = sorted(_int(one[0]) for one in told.get("reward") or () if one)
            return Fees(_int(told["baseFeePerGas"][-1]), rewards[len(rewards) // 2] if rewards else 0)

    def estimate(self, sender: str, data: bytes, *, to: str | None = "") -> int:
        """Gas that a call of the contract needs (to None: that a creation needs); NodeRefused when it would revert.

        As of the newest block: some nodes count what waits in their pool otherwise, our own transaction included.
        """
        call = {"from": sender, "data": "0x" + data.hex()}
        return self._number("eth_estimateGas", call if to is None else {**call, "to": to or self.address}, "latest")

    def broadcast(self, raw: bytes) -> None:
        """Give a signed transaction to the network."""
        self._ask("eth_sendRawTransaction", "0x" + raw.hex())

    def encode_anchor(self, log: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bytes:
        """Call data of `anchor`; asks nobody."""
        return self.encode("anchor", log, size, root, list(proof))

    def encode(self, name: str, *values: Any) -> bytes:
        """Call data of any function; asks nobody."""
        return _bytes(self._contract.encode_abi(name, args=list(values)))

    def encode_creation(self, code: bytes, owner: str) -> bytes:
        """What creates the contract; asks nobody."""
        return code + self._web3.codec.encode(["address"], [owner])

    # ---- evidence -----------------------------------------------------------------------------

    def prove(self, slots: Collection[int], at: int | str) -> Proof:
        """Header and trie nodes for storage slots; NodeRefused where the node gives none, or a header that is new."""
        block = self.block(at)
        if block is None:
            raise NodeRefused("the node does not have this block any more")
        keys = [f"0x{slot:064x}" for slot in slots]
        told = self._ask("eth_getProof", self.address, keys, hex(block.number))
        with _shaped("proof"):
            header = encode_header(block.told)
            if "0x" + parse_header(header).hash.hex() != block.hash:
                raise NodeRefused("the block has header fields that this program does not know")
            proofs = [told["accountProof"], *(one["proof"] for one in told["storageProof"])]
            return Proof(block, header, collect_nodes([[_bytes(node) for node in proof] for proof in proofs]))


def encode_header(told: Mapping[str, Any]) -> bytes:
    """RLP of a block's header from its JSON; a field that a chain does not have yet is left out."""
    fields = [(name, _bytes(told[name])) for name in _HEADER if told.get(name) is not None]
    return bytes(rlp.encode([value.lstrip(b"\0") if name in _QUANTITIES else value for name, value in fields]))


def checksum(address: str) -> str:
    """An address as its checksum spells it (EIP-55); ValueError for what is none."""
    return str(Web3.to_checksum_address(address))


@contextmanager
def _shaped(what: str) -> Iterator[None]:
    """What is read here has the members that the specification says, or the node refused."""
    try:
        yield
    except (LedgerError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise NodeRefused(f"the node's {what} is not one") from error


def _selector(item: Mapping[str, Any]) -> bytes:
    return keccak(f"{item['name']}({','.join(one['type'] for one in item['inputs'])})".encode())[:4]


def _kind(output: Mapping[str, Any]) -> str:
    if output["type"] != "tuple":
        return str(output["type"])
    return f"({','.join(_kind(one) for one in output['components'])})"


def _place(which: int | str) -> str:
    return hex(which) if isinstance(which, int) else which


def _int(value: Any) -> int:
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        raise NodeRefused("the node answered something else than a number") from None


def _bytes(value: Any) -> bytes:
    try:
        digits = value.removeprefix("0x")
        return bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))
    except (AttributeError, ValueError):
        raise NodeRefused("the node answered something else than hexadecimal digits") from None
