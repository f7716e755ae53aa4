"""Checks of a submission that need no state: they run in parallel, before the queue.

Format, schema, disclosures, and the signature when the key is known by then. A key that is enrolled
by a record still on its way is not: such a signature is checked by the sequencer, in its place.
Whether a key may sign at all (revoked, not yet valid, another participant's) is judged there too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import orjson

from ledger.batch import Signed, verify_all
from ledger.custody.events import check_disclosed, check_schema
from ledger.custody.state import Names, Needs, gather_names, needs
from ledger.envelope import (
    Record,
    check_signature,
    disclosure_digest,
    open_disclosures,
    parse_presentation,
    read_record,
    signed_part,
)
from ledger.errors import LedgerError
from ledger.keys import PublicKey, parse_public_jwk

_Disclosures = tuple[tuple[str, str], ...]


class Candidate(NamedTuple):
    """A record that passed the stateless checks: small, and cheap to send to another process.

    jws: the compact JWS; payload: its JSON text; disclosures: (digest, text) of each that came
    beside it; verified: whether the signature was checked already; headless: it names no head and makes no lot;
    needs: what the rules will look up for it and for those that were checked with it, the same object in all of them.
    """

    jws: bytes
    id: str
    alg: str
    kid: str
    payload: bytes
    disclosures: _Disclosures
    verified: bool
    headless: bool
    needs: Needs

    @property
    def record(self) -> Record:
        """The record, read anew at every call: whoever reads it in its turn and drops it at once finds it in the
        processor's caches, which hold no thousand records."""
        return Record(self.id, self.jws, self.alg, self.kid, orjson.loads(self.payload))


def needs_of(candidates: Iterable[Candidate]) -> Needs:
    """What the rules will look up for these records, and for those that were checked with them."""
    apart = {id(one.needs): one.needs for one in candidates}.values()
    return Needs(*[set().union(*names) for names in zip(*apart, strict=True)]) if apart else needs()


class KeyRing:
    """Public keys by kid. Never forgets: a revoked key still verifies, the rules refuse what it signs.

    Written by the sequencer, read by everybody; a kid has one key for all time, so there is nothing
    to tear.
    """

    def __init__(self) -> None:
        self._jwks: dict[str, dict[str, str]] = {}
        self._keys: dict[str, PublicKey] = {}

    def add(self, kid: str, jwk: dict[str, str]) -> None:
        """Remember a key; it is parsed when it is first asked for."""
        self._jwks[kid] = jwk

    def get(self, kid: str) -> PublicKey | None:
        """The key, None when it is not known (yet)."""
        key = self._keys.get(kid)
        if key is None and (jwk := self._jwks.get(kid)) is not None:
            key = self._keys[kid] = parse_public_jwk(jwk)
        return key


def check_presentation(text: bytes | str, key_of: Callable[[str], PublicKey | None]) -> Candidate:
    """Everything about `<jws>~<disclosure>~...~` that needs no state.

    key_of: the public key of a kid, None when it is not known. Raises FormatError and its leaves,
    BadSignature.
    """
    record, payload, disclosures = _read(text)
    key = key_of(record.kid)
    if key is not None:
        check_signature(record, key)
    return _passed(record, payload, disclosures, verified=key is not None, wanted=needs(record))


def check_presentations(
    texts: Iterable[bytes | str], key_of: Callable[[str], PublicKey | None]
) -> list[Candidate | LedgerError]:
    """`check_presentation` for many, with all their signatures checked together; a refusal stands in its place."""
    results: list[Candidate | LedgerError] = []
    signed: list[Signed] = []
    places: list[int] = []
    names = Names([], [], [], [])
    wanted = needs()  # filled when it is known which of them pass
    for place, text in enumerate(texts):
        try:
            record, payload, disclosures = _read(text)
            key = key_of(record.kid)
            if key is not None:
                signed.append(signed_part(record, key))
                places.append(place)
            gather_names(names, record)
            results.append(_passed(record, payload, disclosures, verified=key is not None, wanted=wanted))
        except LedgerError as error:
            results.append(error)
    forged = [(place, fault) for place, fault in zip(places, verify_all(signed), strict=True) if fault is not None]
    for place, fault in forged:
        results[place] = fault
    if forged:  # nothing is looked up for them
        names = Names(*map(list, needs(*[one.record for one in results if isinstance(one, Candidate)])))
    for held, more in zip(wanted, names, strict=True):
        held.update(more)
    return results


def _passed(record: Record, payload: bytes, disclosures: _Disclosures, *, verified: bool, wanted: Needs) -> Candidate:
    headless = not record.prev and record.type != "extract"
    return Candidate(record.jws, record.id, record.alg, record.kid, payload, disclosures, verified, headless, wanted)


def _read(text: bytes | str) -> tuple[Record, bytes, _Disclosures]:
    """A presentation's record, payload text and disclosures, by every rule of the format and the schemas."""
    jws, disclosures = parse_presentation(text)
    record, payload = read_record(jws, schema_follows=True)
    check_schema(record.payload)
    if not disclosures:
        return record, payload, ()
    disclosed = open_disclosures(record, disclosures)
    check_disclosed(record.payload, disclosed.body, disclosed.pointers)
    return record, payload, tuple((disclosure_digest(one), one) for one in disclosures)
