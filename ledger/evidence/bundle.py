"""An evidence bundle: one file that proves where a lot comes from, offline and years later.

The format is docs/formats/bundle.md (`lodeline-bundle/1`): a signed checkpoint, log entries in log
order with an inclusion proof each, the disclosures that the holder may see, the log's signed
statement of which records there are, and verdicts given on the evidence. Canonical JSON with
a digest over everything else, so that one content has exactly one spelling and a damaged file is
never mistaken for a whole one. This module knows the structure only: whether the evidence is
genuine is the business of `verify`, which entries belong in a bundle that of `closure`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.custody.topics import is_topic
from ledger.encoding import MAX_INT, format_b64url, format_json, join_pointer, parse_b64url, parse_json
from ledger.errors import BundleError, EncodingError

FORMAT = "lodeline-bundle/1"
MAX_BUNDLE_BYTES = 256 * 1024 * 1024
MAX_ENTRIES = 100_000
MAX_ENTRY_BYTES = 65_535  # an entry bundle of the log counts entry bytes in 16 bits (C2SP tlog-tiles)
MAX_PROOF = 63  # a tree has at most 2^63 leaves
MAX_DISCLOSURES = 4_096
MAX_DISCLOSURE_BYTES = 65_536
MAX_CHECKPOINT_BYTES = 1_000_000
MAX_STATEMENT_BYTES = 32_000_000
MAX_VERDICTS = 50
MAX_VERDICT_BYTES = 16_000_000
MAX_ANCHORS = 10
MAX_ANCHOR_BYTES = 100_000
MAX_TEXT = 1_000

_MEMBERS = (
    "checkpoint", "completeness", "digest", "entries", "format", "hashes", "log_key", "origin", "subject", "verdicts",
)  # fmt: skip
_OPTIONAL = frozenset({"anchors"})
_FULL = frozenset({"disclosures", "entry", "index", "proof"})
_WITHHELD = frozenset({"index", "leaf", "proof", "record"})
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FullEntry:
    """A log entry shown in full: its exact bytes `<ms> <jws>`, the proof, and what may be disclosed."""

    index: int
    entry: bytes
    proof: tuple[bytes, ...]
    disclosures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HashOnlyEntry:
    """A log entry whose content stays with its owner: leaf hash, proof, and the record id it is said to be.

    The id is a claim of whoever made the bundle: a leaf hash does not contain it.
    """

    index: int
    leaf: bytes
    proof: tuple[bytes, ...]
    record: str


BundleEntry = FullEntry | HashOnlyEntry


@dataclass(frozen=True, slots=True)
class Completeness:
    """The signed statement of completeness, and the lists that it commits to: topic -> record ids in log order."""

    note: str
    topics: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class BundleAnchor:
    """Anchor evidence (docs/formats/anchor.md) as it came, and the consistency proof between its tree and the bundle's
    checkpoint, from the smaller to the larger one."""

    evidence: dict[str, Any]
    consistency: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle says. `log_key` is a claim too: the reader's trust policy decides.

    origin: the log's name; log_key: its vkey; checkpoint: the signed note with every signature line;
    subject: id of a lot, site or participant; entries: ascending by index; verdicts: JSON objects, as they came;
    anchors: in the order of their sizes.
    """

    origin: str
    log_key: str
    checkpoint: str
    subject: str
    entries: tuple[BundleEntry, ...]
    completeness: Completeness
    verdicts: tuple[dict[str, Any], ...] = ()
    anchors: tuple[BundleAnchor, ...] = ()


def format_bundle(bundle: Bundle) -> bytes:
    """The bundle as bytes. BundleError when it breaks a limit or an order that `parse_bundle` checks."""
    table: dict[bytes, int] = {}
    value: dict[str, Any] = {
        "checkpoint": bundle.checkpoint,
        "completeness": {
            "note": bundle.completeness.note,
            "topics": {topic: list(ids) for topic, ids in bundle.completeness.topics.items()},
        },
        "entries": [_format_entry(entry, table) for entry in bundle.entries],
        "format": FORMAT,
        "log_key": bundle.log_key,
        "origin": bundle.origin,
        "subject": bundle.subject,
        "verdicts": list(bundle.verdicts),
    }
    if bundle.anchors:
        value["anchors"] = [
            {"consistency": [format_b64url(node) for node in one.consistency], "evidence": one.evidence}
            for one in bundle.anchors
        ]
    value["hashes"] = [format_b64url(one) for one in table]
    value["digest"] = _digest(value)
    data = format_json(value)
    parse_bundle(data)  # nobody is handed a bundle that its reader will refuse
    return data


def parse_bundle(data: bytes) -> Bundle:
    """The bundle that `data` spells, every structural rule checked, nothing authenticated.

    Raises BundleError with a JSON Pointer to the member at fault.
    """
    value = _parse_members(data)
    digest = value.pop("digest")
    if digest != _digest(value):
        raise BundleError("the bundle is damaged: its digest does not match its content", pointer="/digest")
    table = _parse_hashes(value["hashes"])
    entries = tuple(_parse_entries(value["entries"], table))
    return Bundle(
        origin=_text(value["origin"], "/origin"),
        log_key=_text(value["log_key"], "/log_key"),
        checkpoint=_text(value["checkpoint"], "/checkpoint", MAX_CHECKPOINT_BYTES),
        subject=_text(value["subject"], "/subject"),
        entries=entries,
        completeness=_parse_completeness(value["completeness"]),
        verdicts=tuple(_parse_verdicts(value["verdicts"])),
        anchors=tuple(_parse_anchors(value["anchors"])) if "anchors" in value else (),
    )


def _digest(value: dict[str, Any]) -> str:
    """Lowercase hex SHA-256 of the canonical JSON of the bundle without its `digest` member."""
    return hashlib.sha256(format_json(value)).hexdigest()


def _format_entry(entry: BundleEntry, table: dict[bytes, int]) -> dict[str, Any]:
    proof = [table.setdefault(one, len(table)) for one in entry.proof]
    if isinstance(entry, HashOnlyEntry):
        return {"index": entry.index, "leaf": format_b64url(entry.leaf), "proof": proof, "record": entry.record}
    try:
        text = entry.entry.decode("ascii")
    except UnicodeDecodeError:
        raise BundleError("an entry is not ASCII", pointer="/entries", index=entry.index) from None
    return {"disclosures": list(entry.disclosures), "entry": text, "index": entry.index, "proof": proof}


def _parse_members(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BUNDLE_BYTES:
        raise BundleError("the bundle is larger than a bundle may be", limit=MAX_BUNDLE_BYTES, actual=len(data))
    try:
        value = parse_json(data)
    except EncodingError as error:
        raise BundleError(f"not a bundle: {error.message}", pointer=error.pointer) from error
    if not isinstance(value, dict) or "format" not in value:
        raise BundleError("not a bundle: a JSON object with a member `format` is expected")
    if value["format"] != FORMAT:
        raise BundleError(f"this reader knows {FORMAT}: use the version that wrote the bundle", pointer="/format")
    for name in sorted((value.keys() - _OPTIONAL) ^ set(_MEMBERS)):
        state = "unknown" if name in value else "missing"
        raise BundleError(f"the member `{name}` is {state}", pointer=join_pointer("", name))
    return value


def _parse_hashes(value: Any) -> list[bytes]:
    if not isinstance(value, list) or len(value) > MAX_ENTRIES * MAX_PROOF:
        raise BundleError("`hashes` is a list of base64url hashes", pointer="/hashes")
    table = [_hash(one, f"/hashes/{position}") for position, one in enumerate(value)]
    if len(set(table)) != len(table):
        raise BundleError("a hash stands twice in the table", pointer="/hashes")
    return table


def _parse_entries(value: Any, table: Sequence[bytes]) -> Iterator[BundleEntry]:
    """Ascending by index; the table holds exactly the hashes of the proofs, in the order of first use."""
    if not isinstance(value, list) or not 0 < len(value) <= MAX_ENTRIES:
        raise BundleError(f"`entries` is a list of 1 to {MAX_ENTRIES} entries", pointer="/entries")
    last, used = -1, 0
    for position, one in enumerate(value):
        pointer = f"/entries/{position}"
        if not isinstance(one, dict) or one.keys() not in (_FULL, _WITHHELD):
            raise BundleError("an entry has `entry` and `disclosures`, or `leaf` and `record`", pointer=pointer)
        index = _integer(one["index"], f"{pointer}/index")
        if index <= last:
            raise BundleError("entries are in log order, each once", pointer=f"{pointer}/index")
        last = index
        used = _check_references(one["proof"], used, len(table), f"{pointer}/proof")
        proof = tuple(table[reference] for reference in one["proof"])
        yield _parse_hash_only(one, index, proof, pointer) if "leaf" in one else _parse_full(one, index, proof, pointer)
    if used != len(table):
        raise BundleError("the table holds a hash that no proof uses", pointer=f"/hashes/{used}")


def _parse_full(one: dict[str, Any], index: int, proof: tuple[bytes, ...], pointer: str) -> FullEntry:
    text = _text(one["entry"], f"{pointer}/entry", MAX_ENTRY_BYTES)
    if not text.isascii():
        raise BundleError("an entry is ASCII", pointer=f"{pointer}/entry")
    disclosures = one["disclosures"]
    if not isinstance(disclosures, list) or len(disclosures) > MAX_DISCLOSURES:
        raise BundleError("`disclosures` is a list of texts", pointer=f"{pointer}/disclosures")
    texts = (_text(t, f"{pointer}/disclosures/{n}", MAX_DISCLOSURE_BYTES) for n, t in enumerate(disclosures))
    return FullEntry(index, text.encode("ascii"), proof, tuple(texts))


def _parse_hash_only(one: dict[str, Any], index: int, proof: tuple[bytes, ...], pointer: str) -> HashOnlyEntry:
    record = one["record"]
    if not isinstance(record, str) or not _HEX.fullmatch(record):
        raise BundleError("a record id is 64 lowercase hexadecimal digits", pointer=f"{pointer}/record")
    return HashOnlyEntry(index, _hash(one["leaf"], f"{pointer}/leaf"), proof, record)


def _check_references(value: Any, used: int, size: int, pointer: str) -> int:
    """How many hashes of the table are used up after this proof: each new one is the next of the table."""
    if not isinstance(value, list) or len(value) > MAX_PROOF:
        raise BundleError(f"a proof is a list of at most {MAX_PROOF} positions in `hashes`", pointer=pointer)
    for position, one in enumerate(value):
        if _integer(one, f"{pointer}/{position}") > min(used, size - 1):
            raise BundleError("a proof names a hash that is not the next of the table", pointer=f"{pointer}/{position}")
        used += one == used
    return used


def _parse_completeness(value: Any) -> Completeness:
    if not isinstance(value, dict) or value.keys() != {"note", "topics"} or not isinstance(value["topics"], dict):
        raise BundleError("`completeness` has `note` and the lists of `topics`", pointer="/completeness")
    note = _text(value["note"], "/completeness/note", MAX_STATEMENT_BYTES)
    return Completeness(note, {topic: _parse_list(topic, ids) for topic, ids in value["topics"].items()})


def _parse_list(topic: str, ids: Any) -> tuple[str, ...]:
    pointer = join_pointer("/completeness/topics", topic)
    if not is_topic(topic):
        raise BundleError("this is not a topic", pointer=pointer)
    if not isinstance(ids, list) or not all(isinstance(one, str) and _HEX.fullmatch(one) for one in ids):
        raise BundleError("a topic is a list of record ids, 64 lowercase hexadecimal digits each", pointer=pointer)
    if len(set(ids)) != len(ids):
        raise BundleError("a record stands twice in the list of a topic", pointer=pointer)
    return tuple(ids)


def _parse_verdicts(value: Any) -> Iterator[dict[str, Any]]:
    """Objects that name their format; what they say is checked by whoever knows that format."""
    if not isinstance(value, list) or len(value) > MAX_VERDICTS:
        raise BundleError(f"`verdicts` is a list of at most {MAX_VERDICTS} verdicts", pointer="/verdicts")
    for position, one in enumerate(value):
        pointer = f"/verdicts/{position}"
        if not isinstance(one, dict) or "format" not in one:
            raise BundleError("a verdict is an object with a member `format`", pointer=pointer)
        _text(one["format"], f"{pointer}/format")
        if (size := len(format_json(one))) > MAX_VERDICT_BYTES:
            raise BundleError("a verdict is too large", pointer=pointer, limit=MAX_VERDICT_BYTES, actual=size)
        yield one


def _parse_anchors(value: Any) -> Iterator[BundleAnchor]:
    """Left out when there are none, so that one content has one spelling."""
    if not isinstance(value, list) or not 0 < len(value) <= MAX_ANCHORS:
        raise BundleError(f"`anchors` is a list of 1 to {MAX_ANCHORS} anchors", pointer="/anchors")
    for position, one in enumerate(value):
        pointer = f"/anchors/{position}"
        if not isinstance(one, dict) or one.keys() != {"consistency", "evidence"}:
            raise BundleError("an anchor has `evidence` and `consistency`", pointer=pointer)
        evidence, proof = one["evidence"], one["consistency"]
        if not isinstance(evidence, dict) or "format" not in evidence or len(format_json(evidence)) > MAX_ANCHOR_BYTES:
            raise BundleError(
                f"anchor evidence is an object with a member `format`, of at most {MAX_ANCHOR_BYTES} bytes",
                pointer=f"{pointer}/evidence",
            )
        if not isinstance(proof, list) or len(proof) > 2 * MAX_PROOF:
            raise BundleError("`consistency` is a list of hashes", pointer=f"{pointer}/consistency")
        nodes = (_hash(node, f"{pointer}/consistency/{at}") for at, node in enumerate(proof))
        yield BundleAnchor(evidence, tuple(nodes))


def _integer(value: Any, pointer: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INT:
        raise BundleError("a whole number from 0 is expected", pointer=pointer)
    return value


def _text(value: Any, pointer: str, limit: int = MAX_TEXT) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise BundleError(f"a text of 1 to {limit} characters is expected", pointer=pointer)
    return value


def _hash(value: Any, pointer: str) -> bytes:
    if not isinstance(value, str) or len(value) != 43:
        raise BundleError("a hash is 43 characters of base64url", pointer=pointer)
    try:
        return parse_b64url(value, pointer)
    except EncodingError as error:
        raise BundleError(error.message, pointer=pointer) from error
