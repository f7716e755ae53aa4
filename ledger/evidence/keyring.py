"""The keys that records enrol: for checking signatures before anything else is known of them.

Which key may sign when is the custody rules' business: a key's name is the hash of the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.batch import Signed, verify_all
from ledger.envelope import Record, signed_part
from ledger.errors import KeyFormatError, LedgerError, UnknownKey
from ledger.keys import PublicKey, parse_public_jwk


def collect_keys(records: Iterable[Record]) -> dict[str, PublicKey]:
    """Every key that any of the records enrols, by kid, which is the hash of the key."""
    keys: dict[str, PublicKey] = {}
    for record in records:
        for jwk in enrolled_keys(record):
            try:
                key = parse_public_jwk(jwk)
            except KeyFormatError:
                continue  # the replay refuses the record, with a pointer
            keys[key.kid] = key
    return keys


def enrolled_keys(record: Record) -> list[dict[str, str]]:
    """The public JWKs that a record adds to the register."""
    body = record.body
    if record.type == "genesis":
        return list(body["registrar"]["keys"])
    if record.type == "participant":
        return list(body.get("keys") or ())
    return [body["key"]] if record.type == "key" and body.get("key") else []


def check_signatures(records: Sequence[Record]) -> list[LedgerError | None]:
    """All signatures together, with the keys that the records themselves enrol.

    None for each record whose signature verifies; UnknownKey where none of them enrols its key, else BadSignature.
    """
    keys = collect_keys(records)
    faults: list[LedgerError | None] = [None] * len(records)
    signed: dict[int, Signed] = {}
    for at, record in enumerate(records):
        kid = record.kid
        try:
            if kid not in keys:
                raise UnknownKey(f"No record shown enrols the key {kid}.", kid=kid)
            signed[at] = signed_part(record, keys[kid])
        except LedgerError as error:
            faults[at] = error
    for at, fault in zip(signed, verify_all([*signed.values()]), strict=True):
        faults[at] = fault
    return faults
