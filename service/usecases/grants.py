"""Grants: a custodian lets somebody read one lot, with everything upstream, until a time or until it is taken back.

A grant is a compact JWS signed by the custodian: header exactly `alg`, `kid`, `typ: access-grant+jwt`;
claims exactly `iss` (custodian), `sub` (grantee), `aud` (origin of the log), `lot`, `iat`, `exp`, `jti`,
`disclosures` (whether concealed members are shown too). It authenticates itself, is kept as signed,
and lives beside the log, never in it. Header and claims are in RFC 8785 form, like records.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import orjson

from ledger.encoding import format_time, parse_b64url, parse_json
from ledger.errors import EncodingError, EnvelopeError, KeyRevoked, SchemaError, TimeAhead, UnknownKey, WrongAudience
from ledger.keys import parse_public_jwk
from service.errors import Conflict, Forbidden, NotFound
from service.storage.engine import Connection
from service.storage.read_access import (
    GrantFound,
    add_grant,
    find_grant,
    find_key,
    list_grants,
    revoke_grant,
)
from service.storage.read_subjects import find_subject
from service.usecases import policy
from service.usecases.access import open_view
from service.usecases.context import Context
from service.usecases.paging import cut_page, parse_text
from service.usecases.policy import Reader

GRANT_TYP = "access-grant+jwt"
MAX_GRANT_BYTES = 4096
MAX_LIFETIME = 400 * 86_400
CLOCK_SKEW = 300
_ALGS = {"Ed25519": "Ed25519", "EdDSA": "Ed25519", "ES256": "ES256"}
_TEXTS = ("iss", "sub", "aud", "lot", "jti")
_CLAIMS = frozenset({*_TEXTS, "iat", "exp", "disclosures"})


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant whose form is in order; nothing about it is authenticated yet. issued, expires: seconds."""

    jti: str
    lot: str
    issuer: str
    grantee: str
    disclosures: bool
    issued: int
    expires: int
    jws: str


def give(context: Context, body: bytes) -> tuple[dict[str, Any], bool]:
    """Take a grant; (as shown, whether it is new). The same grant again changes nothing.

    Raises TooLarge, EnvelopeError, EncodingError, SchemaError, WrongAudience, UnknownKey, KeyRevoked,
    BadSignature, TimeAhead; NotFound when the issuer is not the lot's custodian (which does not tell
    whether there is such a lot) or the grantee no active participant; Conflict for a used `jti`.
    """
    grant, head, signed, signature = parse_grant(body)
    with context.store.reading() as conn:  # who proves nothing does not stand in the writers' line
        _check_signer(conn, context, grant, head, signed, signature)
    with context.store.writing() as conn:
        _check_signer(conn, context, grant, head, signed, signature)
        known = find_grant(conn, grant.jti)
        if known is not None:
            if known.jws != grant.jws:
                raise Conflict("Another grant has this `jti`: sign one with a fresh random `jti`.", pointer="/jti")
            return present(known, context.now()), False
        _check_parties(conn, grant)
        add_grant(conn, asdict(grant))
        stored = find_grant(conn, grant.jti)
    if stored is None:
        raise AssertionError("a grant that was just stored is there")
    return present(stored, context.now()), True


def list_mine(
    context: Context, reader: Reader, *, lot: str | None = None, cursor: str | None = None, limit: int
) -> dict[str, Any]:
    """A page of the grants that the reader gave or got; an auditor, authority or registrar sees all."""
    after = parse_text(cursor)
    with context.store.reading() as conn:
        view = open_view(conn, context, reader)
        party = None if view.reader.sees_all_records else reader.participant
        rows = list_grants(conn, party=party, lot=lot, after=after, limit=limit + 1)
    page, following = cut_page(rows, limit, lambda row: row.jti)
    return {"items": [present(row, context.now()) for row in page], "next": following}


def revoke(context: Context, reader: Reader, jti: str) -> dict[str, Any]:
    """End a grant now. Raises NotFound, also for a grant that is not the reader's; Forbidden for its grantee."""
    with context.store.writing() as conn:
        grant = find_grant(conn, jti)
        if grant is None or not (policy.may_revoke(reader, grant.issuer) or reader.participant == grant.grantee):
            raise NotFound("There is no such grant of yours.")
        if not policy.may_revoke(reader, grant.issuer):
            raise Forbidden("Only who gave a grant, or a registrar, may revoke it.")
        revoke_grant(conn, jti, now=context.now())
        ended = grant if grant.revoked is not None else grant._replace(revoked=context.now())
    return present(ended, context.now())


def present(grant: GrantFound, now: int) -> dict[str, Any]:
    """A grant as the API shows it."""
    status = "revoked" if grant.revoked is not None else "expired" if grant.expires <= now else "active"
    return {
        "jti": grant.jti,
        "lot": grant.lot,
        "issuer": grant.issuer,
        "grantee": grant.grantee,
        "disclosures": grant.disclosures,
        "issued": grant.issued,
        "expires": grant.expires,
        "revoked": grant.revoked,
        "status": status,
        "grant": grant.jws,
    }


def parse_grant(body: bytes) -> tuple[Grant, dict[str, str], bytes, bytes]:
    """(grant, header, signed bytes, signature) of a compact JWS. Raises EnvelopeError, EncodingError, SchemaError."""
    data = body.strip()
    parts = data.split(b".")
    if len(data) > MAX_GRANT_BYTES or len(parts) != 3:
        raise EnvelopeError(f"A grant is a compact JWS of at most {MAX_GRANT_BYTES} bytes.")
    head, claims = (parse_json(parse_b64url(part)) for part in parts[:2])
    signature = parse_b64url(parts[2])
    if not isinstance(head, dict) or head.keys() != {"alg", "kid", "typ"} or head["typ"] != GRANT_TYP:
        raise EnvelopeError(f"The header of a grant holds exactly alg, kid and typ `{GRANT_TYP}`.")
    if not _is_text(head["kid"]) or head["alg"] not in ("Ed25519", "EdDSA", "ES256"):
        raise EnvelopeError("Sign the grant with an Ed25519 or ES256 key and name it by its thumbprint.")
    if not isinstance(claims, dict):
        raise EnvelopeError("The claims of a grant are a JSON object.")
    _check_claims(claims)
    grant = Grant(
        jti=claims["jti"],
        lot=claims["lot"],
        issuer=claims["iss"],
        grantee=claims["sub"],
        disclosures=claims["disclosures"],
        issued=claims["iat"],
        expires=claims["exp"],
        jws=data.decode("ascii"),
    )
    return grant, {**head, "aud": claims["aud"]}, parts[0] + b"." + parts[1], signature


def _check_claims(claims: dict[str, Any]) -> None:
    for name in sorted(claims.keys() ^ _CLAIMS):
        fault = "is unknown in" if name in claims else "is missing from"
        raise SchemaError(f"The claim `{name}` {fault} the grant.", pointer=f"/{name}")
    for name in _TEXTS:
        if not _is_text(claims[name]):
            raise SchemaError(f"`{name}` must be 1 to 200 ASCII characters.", pointer=f"/{name}")
    if len(claims["jti"]) < 16:
        raise SchemaError("`jti` must be at least 16 random characters.", pointer="/jti")
    for name in ("iat", "exp"):
        if type(claims[name]) is not int or claims[name] < 0:
            raise SchemaError(f"`{name}` must be whole seconds.", pointer=f"/{name}")
    if not 0 < claims["exp"] - claims["iat"] <= MAX_LIFETIME:
        raise SchemaError("A grant ends after it begins, at most 400 days later.", pointer="/exp")
    if type(claims["disclosures"]) is not bool:
        raise SchemaError("`disclosures` must be true or false.", pointer="/disclosures")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isascii() and value.isprintable()


def _check_signer(
    conn: Connection, context: Context, grant: Grant, head: dict[str, str], signed: bytes, signature: bytes
) -> None:
    now = context.now()
    if head["aud"] != context.origin:
        raise WrongAudience(
            f"This grant is for the log '{head['aud']}', this log is '{context.origin}'.", pointer="/aud"
        )
    key = find_key(conn, head["kid"])
    if key is None or key.participant != grant.issuer or key.valid_from > format_time(now):
        raise UnknownKey("The key of this grant is not an active key of its issuer.", kid=head["kid"])
    if key.revoked:
        raise KeyRevoked("The key of this grant is revoked: sign with an active key.", kid=head["kid"])
    public = parse_public_jwk(orjson.loads(key.jwk))
    if _ALGS[head["alg"]] != public.alg:
        raise EncodingError("The algorithm of this grant is not that of its key.")
    public.verify(signature, signed)
    if key.status != "active":
        raise Forbidden(f"This participant is {key.status}: ask the registrar.")
    if grant.issued > now + CLOCK_SKEW:
        raise TimeAhead("The grant is signed in the future: set the clock of the signing device.", pointer="/iat")
    if grant.expires <= now:
        raise SchemaError("The grant has expired already.", pointer="/exp")


def _check_parties(conn: Connection, grant: Grant) -> None:
    lot = find_subject(conn, grant.lot)
    if lot is None or lot.kind != "lot" or orjson.loads(lot.data)["custodian"] != grant.issuer:
        raise NotFound("You are not the custodian of such a lot.", pointer="/lot")
    grantee = find_subject(conn, grant.grantee)
    if grantee is None or grantee.kind != "participant" or grantee.status != "active":
        raise NotFound("The grantee is not an active participant of this log.", pointer="/sub")
