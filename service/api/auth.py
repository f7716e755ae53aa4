"""Bearer tokens: a JWT (RFC 7519, profile of RFC 7523) signed by a participant's own active key.

Header exactly `alg`, `kid`, `typ: "JWT"`; claims exactly `iss`, `sub` (the same participant id),
`aud` (the origin of this log), `iat`, `exp` (at most 300 seconds later) and `jti` (used once).
The other `typ` values of the system make a record or a grant worthless as a token and the reverse.
This module reads the bytes and the clock claims; whose key it is, whether it is active and whether
the token was used before is decided by `service.usecases.access`.
"""

from __future__ import annotations

import json
from typing import Any

from ledger.encoding import parse_b64url
from ledger.errors import EncodingError
from service.errors import NotAuthenticated
from service.usecases.access import Token

MAX_TOKEN_BYTES = 4096
MAX_LIFETIME = 300
CLOCK_SKEW = 30
MAX_ID_CHARS = 200
MIN_JTI_CHARS, MAX_JTI_CHARS = 16, 128


def parse_bearer(header: str, *, origin: str, now: int) -> Token:
    """Read an `Authorization` header. Raises NotAuthenticated (one sentence, no token content)."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise NotAuthenticated("Send `Authorization: Bearer <token>` with a token signed by your own key.")
    if len(text) > MAX_TOKEN_BYTES:
        raise NotAuthenticated(f"The token is longer than {MAX_TOKEN_BYTES} bytes.")
    segments = text.strip().split(".")
    if len(segments) != 3:
        raise NotAuthenticated("The token is not a JWT in compact form: three parts joined by dots.")
    head = _parse_object(segments[0], "header")
    claims = _parse_object(segments[1], "claims")
    _check_header(head)
    _check_claims(claims, origin=origin, now=now)
    return Token(
        kid=head["kid"],
        alg=head["alg"],
        participant=claims["iss"],
        jti=claims["jti"],
        expires=claims["exp"],
        signed=f"{segments[0]}.{segments[1]}".encode("ascii"),
        signature=_parse_segment(segments[2], "signature"),
    )


def _parse_segment(segment: str, part: str) -> bytes:
    try:
        return parse_b64url(segment)
    except EncodingError:
        raise NotAuthenticated(f"The {part} of the token is not base64url without padding.") from None


def _parse_object(segment: str, part: str) -> dict[str, Any]:
    try:
        value = json.loads(_parse_segment(segment, part), object_pairs_hook=_refuse_duplicates)
    except (ValueError, RecursionError):
        raise NotAuthenticated(f"The {part} of the token is not a JSON object with unique names.") from None
    if not isinstance(value, dict):
        raise NotAuthenticated(f"The {part} of the token is not a JSON object with unique names.")
    return value


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("duplicate names")
    return names


def _check_header(head: dict[str, Any]) -> None:
    if set(head) != {"alg", "kid", "typ"} or head["typ"] != "JWT":
        raise NotAuthenticated('The header of the token must hold exactly `alg`, `kid` and `typ: "JWT"`.')
    if head["alg"] not in ("Ed25519", "EdDSA", "ES256"):
        raise NotAuthenticated("Sign the token with Ed25519 or ES256.")
    if not _is_text(head["kid"], 1, MAX_ID_CHARS):
        raise NotAuthenticated("`kid` of the token must be the thumbprint of your key.")


def _check_claims(claims: dict[str, Any], *, origin: str, now: int) -> None:
    if set(claims) != {"iss", "sub", "aud", "iat", "exp", "jti"}:
        raise NotAuthenticated("The token must hold exactly the claims iss, sub, aud, iat, exp and jti.")
    if not _is_text(claims["iss"], 1, MAX_ID_CHARS) or claims["iss"] != claims["sub"]:
        raise NotAuthenticated("`iss` and `sub` of the token must both be your participant id.")
    if claims["aud"] != origin:
        raise NotAuthenticated("`aud` of the token must be the origin of this log.", expected=origin)
    if not _is_text(claims["jti"], MIN_JTI_CHARS, MAX_JTI_CHARS):
        raise NotAuthenticated(f"`jti` of the token must be {MIN_JTI_CHARS} to {MAX_JTI_CHARS} random characters.")
    _check_times(claims["iat"], claims["exp"], now)


def _check_times(issued: Any, expires: Any, now: int) -> None:
    if type(issued) is not int or type(expires) is not int:
        raise NotAuthenticated("`iat` and `exp` of the token must be whole seconds.")
    if not 0 < expires - issued <= MAX_LIFETIME:
        raise NotAuthenticated(f"The token must expire at most {MAX_LIFETIME} seconds after it is signed.")
    if issued > now + CLOCK_SKEW:
        raise NotAuthenticated("The token is signed in the future: set your clock.")
    if expires <= now:
        raise NotAuthenticated("The token has expired: sign a new one.")


def _is_text(value: Any, shortest: int, longest: int) -> bool:
    return isinstance(value, str) and shortest <= len(value) <= longest and value.isascii() and value.isprintable()
