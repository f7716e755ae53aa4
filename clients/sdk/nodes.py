"""Asking Ethereum nodes which block is canonical: what an anchor's evidence leaves open. Plain JSON-RPC, nothing else.

Nodes of several operators are worth more than several of one. What they say is judged by `ledger.evidence.anchored`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import httpx

from clients.sdk.errors import LocalError
from ledger.errors import LedgerError
from ledger.evidence.anchor import read_anchor
from ledger.evidence.anchored import NodeAnswer, Places
from ledger.evidence.patricia import parse_header

TIMEOUT = 10.0


def ask_nodes(
    urls: Sequence[str], anchors: Iterable[Any], *, transport: httpx.BaseTransport | None = None
) -> list[NodeAnswer]:
    """What each node says of the block of each anchor (JSON values). A node that fails is an answer too."""
    numbers = sorted({number for one in anchors if (number := _number(one)) is not None})
    return [answer for url in urls for answer in _ask(url, numbers, transport)] if numbers else []


def parse_places(texts: Sequence[str]) -> Places:
    """`CHAIN:ADDRESS` of each contract that is trusted. Raises LocalError."""
    pairs = []
    for text in texts:
        chain, _, address = text.partition(":")
        digits = address.lower().removeprefix("0x")
        if not chain.isdecimal() or len(digits) != 40 or set(digits) - set("0123456789abcdef"):
            raise LocalError(f"--contract is a chain id and an address, such as 1:0x{'5f' * 20}, not {text!r}.")
        pairs.append((int(chain), bytes.fromhex(digits)))
    return Places(tuple(pairs))


def _number(value: Any) -> int | None:
    """The number of an anchor's block; None for evidence that is refused anyway, or cannot be read here."""
    try:
        return parse_header(read_anchor(value).header).number
    except (LedgerError, ImportError):
        return None


def _ask(url: str, numbers: Collection[int], transport: httpx.BaseTransport | None) -> list[NodeAnswer]:
    try:
        with httpx.Client(timeout=TIMEOUT, transport=transport) as http:
            chain = int(_rpc(http, url, "eth_chainId"), 16)
            final = _final(http, url)
            found = {}
            for number in numbers:
                block = _rpc(http, url, "eth_getBlockByNumber", hex(number), False)
                found[number] = bytes.fromhex(block["hash"].removeprefix("0x")) if block else b""
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError) as error:
        return [NodeAnswer(url, 0, number, b"", False, f"{type(error).__name__}") for number in numbers]
    return [NodeAnswer(url, chain, number, found[number], number <= final) for number in numbers]


def _final(http: httpx.Client, url: str) -> int:
    """Number of the newest final block, -1 where the chain has none."""
    try:
        block = _rpc(http, url, "eth_getBlockByNumber", "finalized", False)
    except KeyError:
        return -1
    return int(block["number"], 16) if block else -1


def _rpc(http: httpx.Client, url: str, method: str, *params: Any) -> Any:
    """One answer. KeyError for an error of the node."""
    told = http.post(url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).json()
    return told["result"]
