"""From settings to sinks. A setting that is wrong is an AnchorSetupError that names it; no node is asked anything.

web3 is imported here, inside the one function that makes the sink `ethereum`, and nowhere when that is not asked for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from contracts import artifact, chains, deployment
from ledger.log.note import Verifier
from service.adapters.anchor_folder import CheckpointFolder
from service.adapters.chain import AnchorSetupError, Signer
from service.config import AnchorSettings
from service.usecases.anchor_chain import EthereumSink
from service.usecases.anchor_files import FileSink
from service.usecases.anchor_link import Link, Place
from service.usecases.anchoring import LogReader, Outbox, Sink

SINKS: Final = ("file", "ethereum")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_NEEDS = "Install `lodeline[ethereum]` to anchor on a chain, or leave `ethereum` out of LODELINE_ANCHOR_SINKS."


def sink_names(settings: AnchorSettings) -> list[str]:
    """The sinks asked for; none by default. Raises AnchorSetupError."""
    names = [name for one in settings.sinks.split(",") if (name := one.strip()) and name != "none"]
    if unknown := sorted(set(names) - set(SINKS)):
        raise AnchorSetupError(
            f"LODELINE_ANCHOR_SINKS names {', '.join(unknown)}: the sinks are none, {' and '.join(SINKS)}."
        )
    return list(dict.fromkeys(names))


def make_sink(outbox: Outbox, settings: AnchorSettings, *, origin: str, verifier: Verifier) -> Sink:
    """The sink whose outbox this is. Raises AnchorSetupError."""
    log = LogReader(outbox.store)
    if outbox.sink == "file":
        return FileSink(outbox, log, CheckpointFolder(_folder(settings.folder)), origin=origin, verifier=verifier)
    place = find_place(settings)
    node = connect(settings, place.contract)
    return EthereumSink(Link(outbox, log, node, make_signer(settings), place, settings, origin))


def _folder(path: Path | None) -> Path:
    if path is None:
        raise AnchorSetupError("Set LODELINE_ANCHOR_FOLDER to the folder that the sink `file` writes to.")
    return path


def find_chain(settings: AnchorSettings) -> dict[str, Any]:
    """The entry of the chain in contracts/chains.toml. Raises AnchorSetupError."""
    known = chains()
    if settings.chain not in known:
        raise AnchorSetupError(f"Set LODELINE_ANCHOR_CHAIN to one of {', '.join(known)}, not {settings.chain!r}.")
    if known[settings.chain]["retired"]:
        raise AnchorSetupError(f"LODELINE_ANCHOR_CHAIN names {settings.chain}, which is retired: choose another chain.")
    return known[settings.chain]


def find_place(settings: AnchorSettings) -> Place:
    """Chain, contract, code and rule of finality. Raises AnchorSetupError."""
    chain = find_chain(settings)
    deployed = deployment(settings.chain) or {}
    contract = settings.contract or deployed.get("address", "")
    if not _ADDRESS.fullmatch(contract):
        raise AnchorSetupError(
            f"Set LODELINE_ANCHOR_CONTRACT to the address of LogAnchor on {settings.chain} "
            f"(`lodeline-server anchor deploy` makes one), not {contract!r}."
        )
    code = bytes.fromhex(artifact()["runtime_keccak256"][2:])
    return Place(chain["id"], chain["genesis_hash"], checksum(contract), code, _confirmations(settings, chain))


def _confirmations(settings: AnchorSettings, chain: dict[str, Any]) -> int | None:
    told = settings.finality or ("finalized" if chain["finality"] == "finalized" else str(chain["confirmations"]))
    if told == "finalized":
        return None
    if not re.fullmatch(r"[0-9]{1,6}", told):
        raise AnchorSetupError(
            f"Set LODELINE_ANCHOR_FINALITY to `finalized` or to a number of confirmations, not {told!r}."
        )
    return int(told)


def connect(settings: AnchorSettings, contract: str) -> Any:
    """A node with LogAnchor at this address; it is not asked anything yet. Raises AnchorSetupError."""
    url = urlsplit(settings.rpc)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise AnchorSetupError(f"Set LODELINE_ANCHOR_RPC to the http(s) URL of a node, not {settings.rpc!r}.")
    try:
        from service.adapters.ethereum import EthereumNode
    except ImportError:
        raise AnchorSetupError(_NEEDS) from None
    return EthereumNode(settings.rpc, contract, artifact()["abi"], timeout=settings.timeout_seconds)


def make_signer(settings: AnchorSettings) -> Signer:
    """The anchorer's key, or who keeps it. Raises AnchorSetupError."""
    from service.adapters.anchor_keys import RemoteSigner, load_keystore

    try:
        if not settings.signer:
            return load_keystore(settings.keystore, settings.password)
        if not _ADDRESS.fullmatch(settings.address):
            raise AnchorSetupError(
                f"Set LODELINE_ANCHOR_ADDRESS to the address that the remote signer signs for, "
                f"not {settings.address!r}."
            )
        return RemoteSigner(settings.signer, checksum(settings.address), timeout=settings.timeout_seconds)
    except ImportError:
        raise AnchorSetupError(_NEEDS) from None


def checksum(address: str) -> str:
    """An address as its checksum spells it (EIP-55). Raises AnchorSetupError without the extra."""
    try:
        from eth_utils.address import to_checksum_address
    except ImportError:
        raise AnchorSetupError(_NEEDS) from None
    return str(to_checksum_address(address))
