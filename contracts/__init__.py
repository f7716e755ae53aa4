"""The compiled contracts and the chains they may stand on, as package data: no compiler and no network at run time.

`contracts/src` is what was compiled, `make contracts` compiles it again. Formats: docs/formats/anchor.md. Signing,
sending and checking evidence is left to the service and to `ledger`.
"""

from __future__ import annotations

import json
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def artifact(name: str = "LogAnchor") -> dict[str, Any]:
    """ABI, codes with their hashes, selectors and storage layout of a contract: `LogAnchor` or `Rfc6962Verifier`."""
    return dict(json.loads(_read(f"artifacts/{name}.json")))


@cache
def chains() -> dict[str, dict[str, Any]]:
    """Chains by their short name, with id, genesis hash, explorer and rule of finality."""
    return tomllib.loads(_read("chains.toml"))


def deployment(chain: str) -> dict[str, Any] | None:
    """Where `LogAnchor` stands on a chain; None where we have not deployed it."""
    known = files(__package__).joinpath("deployments", f"{chain}.json")
    return dict(json.loads(known.read_text(encoding="utf-8"))) if known.is_file() else None


def deployment_record(
    receipt: dict[str, Any], *, chain: str, chain_id: int, genesis_hash: str, owner: str
) -> dict[str, Any]:
    """What `deployments/<chain>.json` holds of a receipt, as JSON-RPC gives it, of the creation of `LogAnchor`."""
    return {
        "chain": chain,
        "chain_id": chain_id,
        "genesis_hash": genesis_hash,
        "contract": "LogAnchor",
        "address": receipt["contractAddress"],
        "owner": owner,
        "transaction_hash": receipt["transactionHash"],
        "block_number": int(receipt["blockNumber"], 16),
        "block_hash": receipt["blockHash"],
        "runtime_keccak256": artifact()["runtime_keccak256"],
    }


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
