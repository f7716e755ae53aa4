"""A chain in Python on 127.0.0.1, for machines without Node: EthereumTester (eth-tester and py-evm) behind JSON-RPC.

It runs contracts as Ethereum does. It has no final blocks and gives no proofs of its state (`eth_getProof`), so anchors
are made there and nobody gets evidence of them. `python -m demo.tester_node` prints where it listens.
"""

from __future__ import annotations

import ast
import json
import time
import warnings
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

CHAIN = 31337
BLOCK_SECONDS = 1.0
GWEI = 10**9
Ask = Callable[[str, list[Any]], dict[str, Any]]


def open_chain() -> tuple[Ask, Callable[[], object]]:
    """A fresh chain: what answers requests (error or result), and what makes a block."""
    warnings.simplefilter("ignore")  # of these libraries, about each other
    from eth_tester import EthereumTester, PyEVMBackend
    from eth_tester.exceptions import TransactionFailed
    from web3 import EthereumTesterProvider, Web3
    from web3.middleware import combine_middleware
    from web3.providers.eth_tester.middleware import default_transaction_fields_middleware, ethereum_tester_middleware

    backend = PyEVMBackend()
    type(backend.chain).chain_id = CHAIN
    tester = EthereumTester(backend)
    provider = EthereumTesterProvider(tester)
    layers = (default_transaction_fields_middleware, ethereum_tester_middleware)  # from and to the values of JSON-RPC
    request = combine_middleware(middleware=layers, w3=Web3(provider), provider_request_fn=provider.make_request)
    tester.mine_blocks(3)  # a history of fees begins after the first blocks

    def ask(method: str, params: list[Any]) -> dict[str, Any]:
        try:
            if method == "eth_chainId":
                return {"result": hex(CHAIN)}
            if method == "anvil_setBalance":  # here somebody rich pays it
                paid = {"from": tester.get_accounts()[0], "to": params[0], "value": int(params[1], 16), "gas": 21_000}
                return {"result": tester.send_transaction(paid)}
            return {name: as_json(value) for name, value in request(method, params).items()}
        except Exception as error:  # whatever a request may be, the chain goes on
            failed = find_cause(error, TransactionFailed)
            if failed is None:
                return {"error": {"code": -32000, "message": f"{type(error).__name__}: {error}"}}
            data = "0x" + reverted_with(str(failed)).hex()
            return {"error": {"code": 3, "message": "execution reverted", "data": data}}

    return ask, tester.mine_block


def as_json(value: Any) -> Any:
    """A value as JSON-RPC writes it: numbers and bytes in hexadecimal."""
    if isinstance(value, dict):
        return {str(name): as_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    if isinstance(value, bool | None):
        return value
    if isinstance(value, int):
        return hex(value)
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def find_cause(error: BaseException | None, kind: type[Exception]) -> BaseException | None:
    """The first error of this kind that led to `error`: web3 fails in its turn over the data of some reverts."""
    while error is not None and not isinstance(error, kind):
        error = error.__context__
    return error


def reverted_with(message: str) -> bytes:
    """The data of a revert, which EthereumTester tells in words: `b'...'`, or with what web3 puts in front."""
    told = message.removeprefix("execution reverted: ").removeprefix("Revert(").removesuffix(")")
    try:
        value = ast.literal_eval(told)
    except (ValueError, SyntaxError):
        value = b""
    return value if isinstance(value, bytes) else b""


def serve() -> None:
    """Answer one request after the other, and make a block every second, until the process is ended."""
    ask, mine = open_chain()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
            answer = {"jsonrpc": "2.0", "id": asked.get("id"), **ask(asked["method"], asked.get("params") or [])}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: Any) -> None:
            """Nothing: every request is the demo's own."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        print(f"Listening on 127.0.0.1:{server.server_port}", flush=True)
        due = time.monotonic() + BLOCK_SECONDS
        while True:
            server.timeout = max(0.0, due - time.monotonic())
            server.handle_request()
            if time.monotonic() >= due:
                mine()
                due += BLOCK_SECONDS


if __name__ == "__main__":
    serve()
