"""The half of an audit that needs one bundle of log entries and nothing else.

Form, schema, signature and leaf hashes of up to 256 entries: it can run in any process and in any
order. Several bundles at once share one check of all their signatures, which is cheaper.
`ledger.evidence.audit` takes the results in log order and does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ledger.batch import Signed, verify_all
from ledger.custody.events import check_schema
from ledger.entry import parse_entry
from ledger.envelope import read_record, signed_part
from ledger.errors import LedgerError, ProofError
from ledger.keys import PublicKey, parse_public_jwk
from ledger.log.merkle import HASH_SIZE, leaf_hash, tree_root
from ledger.log.tiles import TILE_BYTES, parse_bundle

Fault = tuple[str, int, LedgerError]
"""Check, position in the chunk, what is wrong."""


class Chunk(NamedTuple):
    """Bundle number `n`: the file of its entries and hash tile (0, n), None where a file is not to be had."""

    n: int
    width: int
    entries: bytes | None
    tile: bytes | None


class Checked(NamedTuple):
    """What `check_chunk` found; plain values, cheap to send from process to process.

    leaves: concatenated leaf hashes, of a full bundle only their root; "" if there are none. times,
    ids, algs, kids, payloads (JSON texts): one per entry, "" where the entry is no record. Texts,
    because one is parsed again faster than objects are sent. late: positions and JWS of records
    whose key the checker did not know. Whose keys they are and whether they were enrolled in time is
    the fold's to say: here a signature is held against the key that its kid is the thumbprint of.
    """

    n: int
    width: int
    leaves: bytes
    times: list[int]
    ids: list[str]
    algs: list[str]
    kids: list[str]
    payloads: list[bytes]
    faults: list[Fault]
    late: list[tuple[int, bytes]]


def check_chunk(chunk: Chunk, keys: Mapping[str, PublicKey]) -> Checked:
    """Everything about a bundle of entries that needs no other one. keys: those known so far, by kid."""
    return check_chunks([chunk], keys)[0]


def check_chunks(chunks: Sequence[Chunk], keys: Mapping[str, PublicKey]) -> list[Checked]:
    """The same for several bundles, with all their signatures checked together.

    Keys that records of these bundles enrol are learnt on the way, so that few signatures are left over.
    """
    known = dict(keys)
    results: list[Checked] = []
    places: list[tuple[Checked, int]] = []
    signed: list[Signed] = []
    for chunk in chunks:
        faults: list[Fault] = []
        entries = _split(chunk, faults)
        leaves = _check_leaves(chunk, entries, faults)
        out = Checked(chunk.n, chunk.width, leaves, [], [], [], [], [], faults, [])
        for position, entry in enumerate(entries):
            part = _check_entry(entry, position, known, out)
            if part is not None:
                places.append((out, position))
                signed.append(part)
        results.append(out)
    for (out, position), error in zip(places, verify_all(signed), strict=True):
        if error is not None:
            out.faults.append(("signatures", position, error))
    for out in results:
        out.faults.sort(key=lambda fault: (fault[0] not in ("files", "hashes"), fault[1]))
    return results


def _split(chunk: Chunk, faults: list[Fault]) -> list[bytes]:
    if chunk.entries is None:
        return []  # whoever could not read it has said so
    try:
        return parse_bundle(chunk.entries, chunk.width)
    except LedgerError as error:
        faults.append(("files", 0, error))
        return []


def _check_leaves(chunk: Chunk, entries: list[bytes], faults: list[Fault]) -> bytes:
    """Leaf hashes from the entries, or from the tile when these are missing; both must agree."""
    tile = chunk.tile
    if tile is not None and len(tile) != chunk.width * HASH_SIZE:
        faults.append(("files", 0, ProofError(f"Tile 0/{chunk.n} has a broken length.", tile=[0, chunk.n])))
        tile = None
    hashes = list(map(leaf_hash, entries))
    leaves = b"".join(hashes)
    if entries and tile is not None and leaves != tile:
        at = next(i for i, one in enumerate(hashes) if one != tile[i * HASH_SIZE : (i + 1) * HASH_SIZE])
        faults.append(("hashes", at, ProofError("The hash tile does not hold this entry.", tile=[0, chunk.n])))
    elif not entries and tile is not None:
        leaves = tile
        hashes = [tile[at : at + HASH_SIZE] for at in range(0, len(tile), HASH_SIZE)]
    return tree_root(hashes) if len(leaves) == TILE_BYTES else leaves


def _check_entry(entry: bytes, position: int, keys: dict[str, PublicKey], out: Checked) -> Signed | None:
    """The part with the signature, when there is one to check now; the rest of the record is done with."""
    logged = -1
    try:
        logged, jws = parse_entry(entry)
        record, payload = read_record(jws, schema_follows=True)
        check_schema(record.payload)
    except LedgerError as error:
        out.faults.append(("records", position, error))
        _write_down(out, logged, "", "", "", b"")
        return None
    kid = record.kid
    _write_down(out, logged, record.id, record.alg, kid, payload)
    if record.type in _ENROLLING:
        _learn_keys(record.type, record.body, keys)
    key = keys.get(kid)
    if key is None:
        out.late.append((position, jws))
        return None
    try:
        return signed_part(record, key)
    except LedgerError as error:
        out.faults.append(("signatures", position, error))
        return None


def _learn_keys(kind: str, body: Mapping[str, Any], keys: dict[str, PublicKey]) -> None:
    """The keys that a record would enrol, whether or not the rules accept it: a kid stands for one key."""
    for jwk in _ENROLLING[kind](body):
        try:
            key = parse_public_jwk(jwk)
        except LedgerError:
            continue  # the rules refuse the record for it
        keys.setdefault(key.kid, key)


_ENROLLING: Final[Mapping[str, Callable[[Mapping[str, Any]], Sequence[Any]]]] = {
    "genesis": lambda body: body["registrar"]["keys"],
    "participant": lambda body: body.get("keys") or (),
    "key": lambda body: (body["key"],) if body.get("key") else (),
}


def _write_down(out: Checked, logged: int, record_id: str, alg: str, kid: str, payload: bytes) -> None:
    out.times.append(logged)
    out.ids.append(record_id)
    out.algs.append(alg)
    out.kids.append(kid)
    out.payloads.append(payload)
