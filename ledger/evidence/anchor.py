"""Anchor evidence: that a contract on an Ethereum chain held a checkpoint of the log in a certain block.

The format is docs/formats/anchor.md (`lodeline-anchor/1`): the header of a block and the trie nodes from
its state root down to the three storage slots in which `LogAnchor` keeps the head of a log. The steps:

1. log         the evidence speaks of the log asked for: the slots are those of SHA-256(origin)
2. place       it is the chain and the contract asked for, where the reader names any
3. header      the header is canonical, and hashes to the block named
4. account     the block's state holds the contract, and the contract runs the code of `LogAnchor`
5. head        its storage holds exactly the head named, which is not younger than the block
6. consistency that head and the reader's checkpoint are of one log (RFC 9162 section 2.1.4)

No node is asked. What is left to trust stands in `remaining_trust`: that the block is canonical. Which
anchors a bundle needs, and asking nodes, are left to others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from ledger.encoding import MAX_INT, format_b64url, format_json, join_pointer, parse_b64url, parse_json
from ledger.errors import AnchorError, EncodingError, FalseAnchor, LedgerError
from ledger.evidence.patricia import MAX_HEADER_BYTES, MAX_NODE_BYTES, MAX_NODES, keccak, open_account, parse_header
from ledger.log.checkpoint import Checkpoint, check_extends

FORMAT: Final = "lodeline-anchor/1"
MAX_ANCHOR_BYTES: Final = 100_000
MAINNET: Final = 1

KNOWN_CODE: Final = frozenset({"428cd8d9cb947a7c231039f996cc2e6749d04d85ddf34cd900ede8dcc86decd8"})
"""Keccak-256 of the runtime code of every published build of `LogAnchor`: contracts/artifacts/LogAnchor.json."""

HEADS_SLOT: Final = 0
"""Storage slot of the mapping from log id to head; the head of a log begins at keccak256(log id . slot)."""

MODES: Final = ("unregistered", "strict", "loose")
STATES: Final = ("mined", "final")
RULES: Final = ("finalized", "confirmations")

_MEMBERS = frozenset(
    {"block", "chain", "contract", "finality", "format", "head", "header", "nodes", "origin", "transaction"}
)
_HEX = {20: re.compile(r"0x[0-9a-f]{40}"), 32: re.compile(r"0x[0-9a-f]{64}")}
_U64 = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Head:
    """What the contract keeps of a log. time: of the block that took the checkpoint, in seconds; block: its number;
    count: checkpoints so far; mode: `strict` when a fork cannot be anchored; chain: hash chain over all of them."""

    size: int
    time: int
    block: int
    count: int
    mode: str
    root: bytes
    chain: bytes


@dataclass(frozen=True, slots=True)
class Finality:
    """What was known when the evidence was taken, on the word of who took it. state: `mined` or `final`, by `rule`;
    confirmations: blocks on top of the anchor, its own included; seen: seconds since 1970."""

    state: str
    rule: str
    confirmations: int
    seen: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """Evidence of one anchor. contract: 20 bytes; block: hash of `header`; transaction: hash, b"" when unknown."""

    chain: int
    contract: bytes
    origin: str
    head: Head
    block: bytes
    header: bytes
    nodes: tuple[bytes, ...]
    transaction: bytes
    finality: Finality


def log_id(origin: str) -> bytes:
    """What the contract calls a log: SHA-256 of its origin in UTF-8."""
    return hashlib.sha256(origin.encode("utf-8")).digest()


def head_slots(log: bytes) -> tuple[int, int, int]:
    """The storage slots of the head of a log: packed numbers, root, hash chain."""
    first = int.from_bytes(keccak(log + HEADS_SLOT.to_bytes(32, "big")), "big")
    return first, (first + 1) % 2**256, (first + 2) % 2**256


# ---- checking -------------------------------------------------------------------------------------------------------


def check_anchor(
    anchor: Anchor, origin: str, *, chains: Collection[int] = (), contracts: Collection[bytes] = ()
) -> None:
    """Steps 1 to 5: the block named holds the head named, of the log `origin`.

    chains, contracts: ids and addresses (20 bytes) that the reader accepts; empty for any. Raises FalseAnchor.
    """
    if anchor.origin != origin:
        raise FalseAnchor("This is an anchor of another log.", reason="log", origin=anchor.origin, expected=origin)
    if chains and anchor.chain not in chains:
        raise FalseAnchor("This anchor is on another chain.", reason="chain", chain=anchor.chain)
    if contracts and anchor.contract not in contracts:
        told = "0x" + anchor.contract.hex()
        raise FalseAnchor("This anchor is in another contract.", reason="contract", contract=told)
    header = parse_header(anchor.header)
    if header.hash != anchor.block:
        raise FalseAnchor("The header is not that of the block named.", reason="block")
    account = open_account(header.state_root, anchor.contract, head_slots(log_id(origin)), anchor.nodes)
    if account.code.hex() not in KNOWN_CODE:
        raise FalseAnchor(
            "The contract at this address runs other code than LogAnchor.", reason="code", code=account.code.hex()
        )
    _check_head(anchor.head, read_head(account.slots))
    if anchor.head.block > header.number or anchor.head.time > header.time:
        raise FalseAnchor("The head claims to be younger than the block that holds it.", reason="head")


def read_head(slots: Sequence[int]) -> Head:
    """The head that three storage slots hold. Raises FalseAnchor when nothing is anchored there."""
    packed, root, chain = slots
    size, time, block = (packed >> shift & _U64 for shift in (0, 64, 128))
    count, mode = packed >> 192 & 2**32 - 1, packed >> 224
    if not size or mode >= len(MODES):
        raise FalseAnchor("The contract holds no checkpoint of this log in this block.", reason="head")
    return Head(size, time, block, count, MODES[mode], root.to_bytes(32, "big"), chain.to_bytes(32, "big"))


def _check_head(told: Head, held: Head) -> None:
    for name, value in asdict(held).items():
        if value != getattr(told, name):
            message = f"The contract's storage holds another {name} than the evidence says."
            reason = name if name in ("size", "root") else "head"
            raise FalseAnchor(message, reason=reason, told=_show(getattr(told, name)), held=_show(value))


def check_same_log(anchor: Anchor, checkpoint: Checkpoint, proof: Sequence[bytes]) -> None:
    """Step 6: of the anchored tree and the checkpoint's the larger one begins with the smaller one.

    proof: the consistency proof between the two sizes. Raises FalseAnchor (`root`, `consistency`).
    """
    anchored = Checkpoint(anchor.origin, anchor.head.size, anchor.head.root)
    old, new = sorted((anchored, checkpoint), key=lambda one: one.size)
    try:
        check_extends(old, new, proof)
    except LedgerError as error:
        reason = "root" if old.size == new.size and not proof else "consistency"
        raise FalseAnchor(
            f"The anchored checkpoint and this one are not of one log: {error.message}",
            reason=reason,
            anchored=anchored.size,
            size=checkpoint.size,
        ) from error


def remaining_trust(anchor: Anchor) -> str:
    """What the evidence does not show by itself, in one paragraph."""
    number = parse_header(anchor.header).number
    text = (
        f"What is left to trust: that block {number} (0x{anchor.block.hex()}) is canonical on chain {anchor.chain}. "
        "Ask nodes of your choice with --rpc."
    )
    if anchor.chain != MAINNET:
        text += " This is not Ethereum's main network: an anchor there lasts no longer than that chain."
    if anchor.head.mode != "strict":
        text += " The log is registered as loose: the contract does not refuse forks of it."
    return text


# ---- the text -------------------------------------------------------------------------------------------------------


def format_anchor(anchor: Anchor) -> bytes:
    """The evidence as canonical JSON. Raises AnchorError for values that `parse_anchor` refuses."""
    value = {
        "format": FORMAT,
        "chain": anchor.chain,
        "contract": "0x" + anchor.contract.hex(),
        "origin": anchor.origin,
        "head": {name: _show(member) for name, member in asdict(anchor.head).items()},
        "block": "0x" + anchor.block.hex(),
        "header": format_b64url(anchor.header),
        "nodes": [format_b64url(one) for one in anchor.nodes],
        "transaction": "0x" + anchor.transaction.hex() if anchor.transaction else "",
        "finality": asdict(anchor.finality),
    }
    data = format_json(value)
    parse_anchor(data)
    return data


def parse_anchor(data: bytes) -> Anchor:
    """The evidence that canonical JSON spells, nothing checked but its form. Raises AnchorError."""
    if len(data) > MAX_ANCHOR_BYTES:
        raise AnchorError("Anchor evidence is at most 100 kB.", limit=MAX_ANCHOR_BYTES, actual=len(data))
    try:
        return read_anchor(parse_json(data))
    except EncodingError as error:
        raise AnchorError(f"This is not anchor evidence: {error.message}", pointer=error.pointer) from error


def read_anchor(value: Any) -> Anchor:
    """The same from a JSON value that was parsed already."""
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise AnchorError(f"This reader knows {FORMAT}: use the version that wrote the evidence.", pointer="/format")
    for name in sorted(value.keys() ^ _MEMBERS):
        state = "unknown" if name in value else "missing"
        raise AnchorError(f"The member `{name}` is {state}.", pointer=join_pointer("", name))
    transaction = value["transaction"]
    return Anchor(
        chain=_integer(value["chain"], "/chain"),
        contract=_hex(value["contract"], "/contract", 20),
        origin=_text(value["origin"], "/origin"),
        head=_read_head(value["head"]),
        block=_hex(value["block"], "/block", 32),
        header=_bytes(value["header"], "/header", MAX_HEADER_BYTES),
        nodes=_read_nodes(value["nodes"]),
        transaction=b"" if transaction == "" else _hex(transaction, "/transaction", 32),
        finality=_read_finality(value["finality"]),
    )


def _read_head(value: Any) -> Head:
    _require(value, {"size", "time", "block", "count", "mode", "root", "chain"}, "/head")
    numbers = {name: _integer(value[name], f"/head/{name}") for name in ("size", "time", "block", "count")}
    if value["mode"] not in MODES[1:]:
        raise AnchorError("The mode of a head is strict or loose.", pointer="/head/mode")
    root, chain = (_bytes(value[name], f"/head/{name}", 32) for name in ("root", "chain"))
    if len(root) != 32 or len(chain) != 32:
        raise AnchorError("A hash is 32 bytes.", pointer="/head")
    return Head(**numbers, mode=value["mode"], root=root, chain=chain)


def _read_finality(value: Any) -> Finality:
    _require(value, {"state", "rule", "confirmations", "seen"}, "/finality")
    if value["state"] not in STATES or value["rule"] not in RULES:
        raise AnchorError(
            "Finality is mined or final, by the finalized block or by confirmations.", pointer="/finality"
        )
    numbers = [_integer(value[name], f"/finality/{name}") for name in ("confirmations", "seen")]
    return Finality(value["state"], value["rule"], *numbers)


def _read_nodes(value: Any) -> tuple[bytes, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_NODES:
        raise AnchorError(f"`nodes` is a list of 1 to {MAX_NODES} trie nodes.", pointer="/nodes")
    return tuple(_bytes(one, f"/nodes/{at}", MAX_NODE_BYTES) for at, one in enumerate(value))


def _require(value: Any, names: set[str], pointer: str) -> None:
    if not isinstance(value, Mapping) or value.keys() != names:
        raise AnchorError(f"Exactly these members are expected: {', '.join(sorted(names))}.", pointer=pointer)


def _integer(value: Any, pointer: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INT:
        raise AnchorError("A whole number from 0 is expected.", pointer=pointer)
    return value


def _text(value: Any, pointer: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 1_000:
        raise AnchorError("A text of 1 to 1000 characters is expected.", pointer=pointer)
    return value


def _hex(value: Any, pointer: str, length: int) -> bytes:
    if not isinstance(value, str) or not _HEX[length].fullmatch(value):
        raise AnchorError(f"0x and {2 * length} lowercase hexadecimal digits are expected.", pointer=pointer)
    return bytes.fromhex(value[2:])


def _bytes(value: Any, pointer: str, limit: int) -> bytes:
    if not isinstance(value, str) or not 0 < len(value) <= limit * 4 // 3 + 2:
        raise AnchorError(f"Base64url of 1 to {limit} bytes is expected.", pointer=pointer)
    try:
        return parse_b64url(value, pointer)
    except EncodingError as error:
        raise AnchorError(error.message, pointer=pointer) from error


def _show(value: Any) -> Any:
    """A value as JSON spells it; a number that JSON cannot spell as decimal text."""
    if isinstance(value, bytes):
        return format_b64url(value)
    return str(value) if isinstance(value, int) and value > MAX_INT else value
