"""A chain of our own: anvil on loopback, started and stopped here, and contracts on it by their artefacts.

For tests, benchmarks and `deployments/local.json`, which `python -m scripts.devchain` writes: the chain starts the same
every time, and so the first contract of its first account is always the same one. Transactions are those of the node's
own unlocked accounts; a ledger anchors with `service`, which signs for itself.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.request import ProxyHandler, Request, build_opener

from eth_abi.abi import decode, encode

from contracts import artifact, deployment_record
from scripts.contracts import selectors, signature
from scripts.toolchain import CONTRACTS, Toolchain, install

Call = tuple[str, Sequence[Any]]
START = "1767225600"  # 2026-01-01: the same genesis block every time
LARGEST_BATCH = 500  # the node takes 2 MB at once
LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")


class RpcError(Exception):
    """The node answered with an error; `data` holds what a contract reverted with, or nothing."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.data = bytes.fromhex((error.get("data") or "0x")[2:])


class Reverted(Exception):
    """A contract refused, with the name and values of its custom error."""

    def __init__(self, name: str, values: tuple[Any, ...]) -> None:
        super().__init__(name, *values)
        self.name, self.values = name, values


class Devchain:
    """An anvil; use it as a context. Blocks are made by `send` alone, one for each transaction, 12 seconds apart."""

    def __init__(self, tools: Toolchain, *options: str) -> None:
        words = [
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--hardfork",
            "cancun",
            "--timestamp",
            START,
            "--no-mining",
            *options,
        ]
        self._process = subprocess.Popen(  # noqa: S603  our own words
            [str(tools.binary("anvil")), *words], stdout=subprocess.PIPE, text=True, env=tools.environment
        )
        self._open = build_opener(ProxyHandler({})).open
        self.url = f"http://127.0.0.1:{self._port()}"
        threading.Thread(
            target=self._process.communicate, daemon=True
        ).start()  # reads what it says, so that it goes on
        self.rpc("anvil_setBlockTimestampInterval", 12)
        self.accounts: list[str] = self.rpc("eth_accounts")

    def _port(self) -> int:
        said = []
        for line in self._process.stdout or ():
            said.append(line)
            if found := LISTENING.search(line):
                return int(found[1])
        raise RuntimeError("anvil did not start:\n" + "".join(said))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Results in order; an `RpcError` stands where the node answered with one."""
        if len(calls) > LARGEST_BATCH:
            return [
                one for n in range(0, len(calls), LARGEST_BATCH) for one in self.batch(calls[n : n + LARGEST_BATCH])
            ]
        asked = [
            {"jsonrpc": "2.0", "id": n, "method": name, "params": list(args)} for n, (name, args) in enumerate(calls)
        ]
        request = Request(self.url, json.dumps(asked).encode(), {"Content-Type": "application/json"})  # noqa: S310  loopback
        with self._open(request, timeout=60) as answer:
            found = {one["id"]: one for one in json.load(answer)}
        ordered = [found[n] for n in range(len(calls))]
        return [RpcError(one["error"]) if "error" in one else one["result"] for one in ordered]

    def rpc(self, method: str, *params: Any) -> Any:
        """One result. Raises RpcError."""
        (result,) = self.batch([(method, params)])
        if isinstance(result, RpcError):
            raise result
        return result

    def send(self, **transaction: Any) -> dict[str, Any]:
        """Receipt of a transaction from one of the accounts. Raises RpcError, and sends nothing, if it would fail."""
        self.rpc("eth_call", transaction, "latest")
        hashed = self.rpc("eth_sendTransaction", transaction)
        self.rpc("evm_mine")  # the node's own mining answers before the block is there
        return dict(self.rpc("eth_getTransactionReceipt", hashed))

    def deploy(self, artifact: dict[str, Any], *arguments: tuple[str, Any], sender: str | None = None) -> Contract:
        """A contract made by `sender` (the first account) with the constructor's (type, value) arguments."""
        code = artifact["creation_code"] + encode([kind for kind, _ in arguments], [one for _, one in arguments]).hex()
        receipt = self.send(**{"from": sender or self.accounts[0], "data": code})
        return Contract(self, receipt["contractAddress"], Interface.of(artifact["abi"]), receipt)


class Interface(NamedTuple):
    """Functions by name, errors and events by selector."""

    functions: dict[str, tuple[bytes, list[str], list[str]]]
    errors: dict[bytes, tuple[str, list[str]]]

    @classmethod
    def of(cls, abi: list[dict[str, Any]]) -> Interface:
        """From the ABI of an artefact."""
        by_signature = {signature(item): item for item in abi if item["type"] in ("function", "error")}
        functions = {
            by_signature[text]["name"]: (
                bytes.fromhex(hashed[2:]), _types(by_signature[text]["inputs"]), _types(by_signature[text]["outputs"]),
            )
            for text, hashed in selectors(abi, "function", 4).items()
        }  # fmt: skip
        errors = {
            bytes.fromhex(hashed[2:]): (by_signature[text]["name"], _types(by_signature[text]["inputs"]))
            for text, hashed in selectors(abi, "error", 4).items()
        }
        return cls(functions, errors)


def _types(arguments: list[dict[str, Any]]) -> list[str]:
    return [
        signature({"name": "", "inputs": one["components"]}) if "components" in one else one["type"]
        for one in arguments
    ]


class Contract(NamedTuple):
    """A deployed contract: `call` asks, `send` changes."""

    chain: Devchain
    address: str
    interface: Interface
    receipt: dict[str, Any]

    def data(self, name: str, *values: Any) -> str:
        """Call data of a function, as hex."""
        selector, inputs, _ = self.interface.functions[name]
        return f"0x{(selector + encode(inputs, values)).hex()}"

    def result(self, name: str, answer: Any) -> Any:
        """The value that a function answered. Raises Reverted, or RpcError for what is no custom error."""
        if isinstance(answer, RpcError):
            if answer.data[:4] in self.interface.errors:
                error, kinds = self.interface.errors[answer.data[:4]]
                raise Reverted(error, tuple(decode(kinds, answer.data[4:]))) from answer
            raise answer
        values = decode(self.interface.functions[name][2], bytes.fromhex(answer[2:]))
        return values[0] if len(values) == 1 else values

    def call(self, name: str, *values: Any, sender: str | None = None) -> Any:
        """What a function answers to `sender`, without a transaction. Raises Reverted."""
        asked = {"from": sender or self.chain.accounts[0], "to": self.address, "data": self.data(name, *values)}
        (answer,) = self.chain.batch([("eth_call", [asked, "latest"])])
        return self.result(name, answer)

    def send(self, name: str, *values: Any, sender: str | None = None) -> dict[str, Any]:
        """Receipt of a transaction that calls a function. Raises Reverted when it would revert."""
        transaction = {"from": sender or self.chain.accounts[0], "to": self.address, "data": self.data(name, *values)}
        try:
            return self.chain.send(**transaction)
        except RpcError as error:
            self.result(name, error)
            raise AssertionError("an error is always raised") from error


def deploy_local(tools: Toolchain) -> dict[str, Any]:
    """`deployments/local.json`: the first contract of the first account of a chain that has just started."""
    with Devchain(tools) as chain:
        owner = chain.accounts[0]
        receipt = chain.deploy(artifact(), ("address", owner)).receipt
        genesis = chain.rpc("eth_getBlockByNumber", "0x0", False)["hash"]
        return deployment_record(receipt, chain="local", chain_id=31337, genesis_hash=genesis, owner=owner)


def main() -> None:
    """Write deployments/local.json."""
    text = json.dumps(deploy_local(install()), indent=2) + "\n"
    (CONTRACTS / "deployments" / "local.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
