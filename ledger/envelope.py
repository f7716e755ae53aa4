"""The signed envelope of a custody record: a JWS (RFC 7515) that is an SD-JWT (RFC 9901).

The signed bytes are the truth and are kept as they came: a record is parsed from them, never made
again from parts. Header and payload are in RFC 8785 form, so no two parsers can read them
differently. The header is exactly `alg`, `kid`, `typ`; the payload has exactly the claims iss, aud,
iat, type, time, prev, body, and `_sd_alg` when members of the body are concealed. What the body may
hold is left to the schemas, who may sign what to the custody rules.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from ledger.batch import Signed
from ledger.disclosure import DIGEST, SD_ALG, Disclosed, conceal_members, disclosure_digest, fill_in, find_digests
from ledger.encoding import format_b64url, format_json, join_pointer, parse_b64url, parse_json, parse_time
from ledger.errors import BadSignature, EncodingError, EnvelopeError, SchemaError, TooLarge, UnknownKey
from ledger.keys import PrivateKey, PublicKey

__all__ = [
    "MAX_PRESENTATION_BYTES",
    "MAX_RECORD_BYTES",
    "RECORD_TYP",
    "Disclosed",
    "Record",
    "SignedRecord",
    "check_signature",
    "digests_of",
    "disclosure_digest",
    "open_disclosures",
    "open_record",
    "parse_presentation",
    "parse_record",
    "read_record",
    "sign_record",
    "signed_part",
]

RECORD_TYP = "custody-record+sd-jwt"
MAX_RECORD_BYTES = 60_000  # the compact JWS
MAX_PRESENTATION_BYTES = 240_000  # the compact JWS with its disclosures

_SIGNATURE = re.compile(rb"[A-Za-z0-9_-]{85}[AQgw]")  # 64 bytes in canonical base64url
_URL = bytes.maketrans(b"-_", b"+/")
_SIGNATURE_TEXT = 86
_HEADER = frozenset(("alg", "kid", "typ"))
_ALGS = {"Ed25519": "Ed25519", "EdDSA": "Ed25519", "ES256": "ES256"}  # RFC 9864, RFC 8037, RFC 7518
_CLAIMS = frozenset(("aud", "body", "iat", "iss", "prev", "time", "type"))
_CLAIMS_SD = _CLAIMS | {"_sd_alg"}
_ALL_CLAIMS = itemgetter(*sorted(_CLAIMS))
_RECORD_ID = re.compile(r"[0-9a-f]{64}")
_NO_ID = "No id holds the character U+0000."  # which databases have no text for


class Record:
    """A parsed record, not to be changed; its signature may not have been checked yet. Equal when its bytes are.

    id: lowercase hex SHA-256 of `jws`; jws: the compact JWS as it came; alg: "Ed25519" or "ES256";
    kid: thumbprint of the signer's key; payload: the claims.

    The claims one by one: iss, participant id of the signer; aud, origin of the log that the record is
    meant for; iat, when it was signed, as the signer says (seconds since the epoch); type, of the event;
    time, when that happened in the world (`YYYY-MM-DDTHH:MM:SSZ`); prev, subject id to the record id of
    its head that this record builds on; body, the event's own members, `_sd` included.
    """

    __slots__ = ("alg", "aud", "body", "iat", "id", "iss", "jws", "kid", "payload", "prev", "time", "type")

    def __init__(self, id: str, jws: bytes, alg: str, kid: str, payload: dict[str, Any]) -> None:
        self.id: Final = id
        self.jws: Final = jws
        self.alg: Final = alg
        self.kid: Final = kid
        self.payload: Final = payload
        # Kept apart: the rules read them some twenty times a record.
        self.iss: Final[str] = payload["iss"]
        self.aud: Final[str] = payload["aud"]
        self.iat: Final[int] = payload["iat"]
        self.type: Final[str] = payload["type"]
        self.time: Final[str] = payload["time"]
        self.prev: Final[dict[str, str]] = payload["prev"]
        self.body: Final[dict[str, Any]] = payload["body"]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and (self.id, self.jws) == (other.id, other.jws)

    def __hash__(self) -> int:
        return hash(self.id)


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A record as its signer holds it. disclosures: one text per concealed member, in order."""

    record: Record
    disclosures: tuple[str, ...]

    @property
    def id(self) -> str:
        """The record id."""
        return self.record.id

    @property
    def jws(self) -> str:
        """The compact JWS."""
        return self.record.jws.decode("ascii")

    @property
    def text(self) -> str:
        """What is submitted: `<jws>~<disclosure>~...~`, or the JWS alone when nothing is concealed."""
        return "~".join((self.jws, *self.disclosures, "")) if self.disclosures else self.jws


def parse_record(jws: bytes | str, *, schema_follows: bool = False) -> Record:
    """The record that a compact JWS is, by every rule of the format; the signature is not checked.

    schema_follows: `check_schema` is called next; its closed schemas know no floats, so they are not
    searched for here as well.

    Raises TooLarge, EncodingError (base64url, JSON, time), EnvelopeError (JWS, header, `_sd`) and
    SchemaError (claims), the latter with the pointer of the claim.
    """
    return read_record(jws, schema_follows=schema_follows)[0]


def read_record(jws: bytes | str, *, schema_follows: bool = False) -> tuple[Record, bytes]:
    """`parse_record`, with the JSON text of the payload."""
    data = jws if isinstance(jws, bytes) else _ascii(jws)
    if len(data) > MAX_RECORD_BYTES:
        raise TooLarge(_too_large(), limit=MAX_RECORD_BYTES, actual=len(data))
    parts = data.split(b".")
    if len(parts) != 3:
        raise EnvelopeError("A record is a compact JWS: three base64url texts with dots between them.")
    alg, kid = _parse_header(parts[0])
    text = _parse_part(parts[1], "payload")
    concealing = _may_conceal(text, closed=schema_follows)
    payload = parse_json(text, closed=schema_follows and not concealing)
    _check_payload(payload, concealing=concealing)
    if _SIGNATURE.fullmatch(parts[2]) is None:
        raise EncodingError("The signature of a record is 64 bytes in canonical base64url text.")
    return Record(hashlib.sha256(data).hexdigest(), data, alg, kid, payload), text


def check_signature(record: Record, key: PublicKey) -> None:
    """Raises BadSignature unless the record is signed by this key, with the algorithm it names."""
    key, signature, message = signed_part(record, key)
    key.verify(signature, message)


def signed_part(record: Record, key: PublicKey) -> Signed:
    """What is left to check, for `ledger.batch.verify_all`. Raises BadSignature if the record names another key."""
    if key.kid != record.kid or key.alg != record.alg:
        raise BadSignature("The record names another key or algorithm.", kid=record.kid)
    jws = record.jws
    # `parse_record` has checked spelling and length of the signature. RFC 7515 section 5.2, step 8.
    signature = binascii.a2b_base64(jws[-_SIGNATURE_TEXT:].translate(_URL) + b"==")
    return Signed(key, signature, jws[: -_SIGNATURE_TEXT - 1])


def open_record(jws: bytes | str, keys: Mapping[str, PublicKey]) -> Record:
    """Parse a record and check its signature. keys: by kid.

    Raises what `parse_record` raises, UnknownKey if the kid is not among the keys, BadSignature.
    """
    record = parse_record(jws)
    key = keys.get(record.kid)
    if key is None:
        raise UnknownKey("The record is signed with a key that is not known here.", kid=record.kid)
    check_signature(record, key)
    return record


def sign_record(
    payload: Mapping[str, Any], key: PrivateKey, *, conceal: Sequence[str] = (), salts: Iterable[bytes] = ()
) -> SignedRecord:
    """Sign a payload, concealing some members of its body.

    payload: the claims without `_sd` and `_sd_alg`; conceal: JSON Pointers such as
    "/body/transport/driver"; salts: one per pointer, at least 16 random bytes, never used twice.
    Raises what `parse_record` raises: nothing is signed that it would refuse.
    """
    concealed, disclosures = conceal_members(payload, conceal, salts=salts)
    text = format_json(concealed)
    _check_payload(concealed, concealing=True)
    message = _format_header(key.public.alg, key.public.kid) + b"." + format_b64url(text).encode("ascii")
    size = len(message) + 1 + _SIGNATURE_TEXT
    if size > MAX_RECORD_BYTES:
        raise TooLarge(_too_large(), limit=MAX_RECORD_BYTES, actual=size)
    jws = message + b"." + format_b64url(key.sign(message)).encode("ascii")
    record = Record(hashlib.sha256(jws).hexdigest(), jws, key.public.alg, key.public.kid, concealed)
    return SignedRecord(record, disclosures)


def parse_presentation(text: bytes | str) -> tuple[bytes, tuple[str, ...]]:
    """The compact JWS and the disclosures of `<jws>~<disclosure>~...~`, neither looked into.

    A JWS without any `~` is taken too. Raises TooLarge and EnvelopeError: no closing `~` (a key
    binding JWT is not part of this profile), an empty disclosure.
    """
    data = text if isinstance(text, bytes) else _ascii(text)
    if len(data) > MAX_PRESENTATION_BYTES:
        raise TooLarge(
            f"A record and its disclosures may have at most {MAX_PRESENTATION_BYTES} bytes.",
            limit=MAX_PRESENTATION_BYTES,
            actual=len(data),
        )
    if b"~" not in data:
        return data, ()
    jws, *rest = data.split(b"~")
    if rest.pop():
        raise EnvelopeError("After the last disclosure stands `~` and nothing else.")
    if not all(rest):
        raise EnvelopeError("A disclosure is empty.")
    return jws, tuple(part.decode("ascii") for part in rest)


def open_disclosures(record: Record, disclosures: Iterable[str]) -> Disclosed:
    """The record's body with its disclosed members in place; see `ledger.disclosure.fill_in`.

    Raises EncodingError or EnvelopeError for a disclosure that is malformed, not the record's or
    given twice.
    """
    return fill_in(record.body, disclosures)


def digests_of(record: Record) -> dict[str, str]:
    """Every digest that stands in the record, to the JSON Pointer of the object that holds it."""
    return find_digests(record.body)


def _ascii(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise EnvelopeError("A record is ASCII text.") from None


def _too_large() -> str:
    return f"A record may have at most {MAX_RECORD_BYTES} bytes: refer to large documents by digest."


def _parse_part(part: bytes, name: str) -> bytes:
    try:
        return parse_b64url(part)
    except EncodingError:
        raise EncodingError(f"The {name} is not canonical base64url text.") from None


@lru_cache(maxsize=4096)
def _parse_header(part: bytes) -> tuple[str, str]:
    """Algorithm and kid of a header. Cached: a ledger has few signers; refusals are not kept."""
    header = parse_json(_parse_part(part, "header"))
    if type(header) is not dict:
        raise EnvelopeError("The header of a record is a JSON object.")
    for name in sorted(header.keys() ^ _HEADER):
        fault = "may not have" if name in header else "must have"
        raise EnvelopeError(f"The header of a record {fault} `{name}`.", member=name)
    alg, kid, typ = header["alg"], header["kid"], header["typ"]
    if type(alg) is not str or alg not in _ALGS:
        raise EnvelopeError("`alg` must be Ed25519, EdDSA or ES256.", member="alg")
    if type(kid) is not str or DIGEST.fullmatch(kid) is None:
        raise EnvelopeError("`kid` must be an RFC 7638 SHA-256 thumbprint.", member="kid")
    if typ != RECORD_TYP:
        raise EnvelopeError(f"`typ` must be {RECORD_TYP}.", member="typ")
    return _ALGS[alg], kid


@lru_cache(maxsize=4096)
def _format_header(alg: str, kid: str) -> bytes:
    return format_b64url(format_json({"alg": alg, "kid": kid, "typ": RECORD_TYP})).encode("ascii")


def _check_payload(payload: Any, *, concealing: bool) -> None:
    """The claims and their types. concealing: `_may_conceal` of the text, cheaper than a search of the value."""
    if type(payload) is not dict:
        raise EnvelopeError("The payload of a record is a JSON object.")
    try:
        aud, body, iat, iss, prev, time, kind = _ALL_CLAIMS(payload)
    except KeyError:
        raise _claims_fault(payload) from None
    if not (type(iss) is type(aud) is type(kind) is type(time) is str and type(prev) is type(body) is dict):
        raise _claims_fault(payload)
    if not (iss and aud and kind and type(iat) is int and iat >= 0):
        raise _claims_fault(payload)
    if len(payload) != len(_CLAIMS) and payload.keys() != _CLAIMS_SD:
        raise _claims_fault(payload)
    if "\0" in iss or "\0" in aud:
        raise SchemaError(_NO_ID, pointer="/iss" if "\0" in iss else "/aud")
    parse_time(time, "/time")
    for subject, head in prev.items():
        if "\0" in subject:
            raise SchemaError(_NO_ID, pointer=join_pointer("/prev", subject))
        if type(head) is not str or _RECORD_ID.fullmatch(head) is None:
            raise SchemaError("A head is a record id: 64 hex digits.", pointer=join_pointer("/prev", subject))
    if concealing:
        _check_concealed(payload)


def _claims_fault(payload: dict[str, Any]) -> SchemaError:
    """The error for the first claim that is missing, unknown or of another type; there is one."""
    for name in sorted(_CLAIMS - payload.keys()):
        return SchemaError(f"The claim `{name}` is missing.", pointer=f"/{name}")
    for name in sorted(payload.keys() - _CLAIMS_SD):
        return SchemaError("A record has no such claim.", pointer=join_pointer("", name))
    for name in ("iss", "aud", "type"):
        if type(payload[name]) is not str or not payload[name]:
            return SchemaError(f"`{name}` must be a string with something in it.", pointer=f"/{name}")
    if type(payload["iat"]) is not int or payload["iat"] < 0:
        return SchemaError("`iat` must be an integer number of seconds.", pointer="/iat")
    if type(payload["time"]) is not str:
        return SchemaError("`time` must be a string.", pointer="/time")
    name = "prev" if type(payload["prev"]) is not dict else "body"
    return SchemaError(f"`{name}` must be an object.", pointer=f"/{name}")


def _may_conceal(text: bytes, *, closed: bool) -> bool:
    """Whether RFC 9901 names stand in the payload; in RFC 8785 form they have no other spelling.

    closed: a closed schema follows, which knows no `...`.
    """
    # One sign is found several times as fast as a text is, and most payloads have none.
    return (b"_" in text and b'"_sd' in text) or (not closed and b'"..."' in text)


def _check_concealed(payload: dict[str, Any]) -> None:
    """`_sd` stands where it may; `_sd_alg` is there exactly when it is needed."""
    if not payload["prev"].keys().isdisjoint(("_sd", "_sd_alg", "...")):
        raise EnvelopeError("`prev` can hold no digests.", pointer="/prev")
    digests = find_digests(payload["body"])
    if payload.get("_sd_alg") != (SD_ALG if digests else None) or ("_sd_alg" in payload) != bool(digests):
        raise EnvelopeError("`_sd_alg` is sha-256 when members are concealed, else absent.", pointer="/_sd_alg")
