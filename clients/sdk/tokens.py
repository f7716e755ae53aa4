"""What a participant signs besides records: login tokens (JWT, RFC 7523 style) and grants to read a lot."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from ledger.encoding import format_b64url, format_json
from ledger.keys import PrivateKey

JWT_TYP = "JWT"
GRANT_TYP = "access-grant+jwt"
TOKEN_SECONDS = 120  # the service allows 300; less leaves room for clocks that differ


def sign_jwt(claims: Mapping[str, Any], key: PrivateKey, *, typ: str) -> str:
    """Compact JWS over the claims, header and claims in RFC 8785 form."""
    header = {"alg": key.public.alg, "kid": key.public.kid, "typ": typ}
    signed = ".".join(format_b64url(format_json(part)) for part in (header, dict(claims)))
    return f"{signed}.{format_b64url(key.sign(signed.encode('ascii')))}"


def sign_token(key: PrivateKey, participant: str, audience: str, *, now: int) -> str:
    """A login token, good once and for two minutes."""
    claims = {"iss": participant, "sub": participant, "aud": audience, "iat": now, "exp": now + TOKEN_SECONDS}
    return sign_jwt({**claims, "jti": secrets.token_hex(16)}, key, typ=JWT_TYP)


def sign_grant(
    key: PrivateKey,
    participant: str,
    audience: str,
    *,
    grantee: str,
    lot: str,
    now: int,
    expires: int,
    disclosures: bool = False,
) -> str:
    """The right of `grantee` to read `lot` and everything upstream of it until `expires` (Unix seconds)."""
    claims = {"iss": participant, "sub": grantee, "aud": audience, "lot": lot, "iat": now, "exp": expires}
    return sign_jwt({**claims, "disclosures": disclosures, "jti": secrets.token_hex(16)}, key, typ=GRANT_TYP)
