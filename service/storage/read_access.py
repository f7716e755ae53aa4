"""Reads and small writes for access: keys of participants, used tokens, grants."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, bindparam, text


class KeyFound(NamedTuple):
    """An enrolled key with its participant: jwk and data are canonical JSON, valid_from a time or ""."""

    participant: str
    status: str
    data: str
    jwk: str
    valid_from: str
    revoked: bool


_KEY: Final = text(
    "SELECT s.id, s.status, s.data, k.jwk, k.valid_from, k.revoked FROM keys k "
    "JOIN subjects s ON s.num = k.participant WHERE k.kid = :kid"
)


def find_key(conn: Connection, kid: str) -> KeyFound | None:
    """The key with this thumbprint, if it was ever enrolled."""
    row = conn.execute(_KEY, {"kid": kid}).first()
    return KeyFound(row.id, row.status, row.data, row.jwk, row.valid_from, bool(row.revoked)) if row else None


_KEYS_OF: Final = text(
    "SELECT k.kid, k.jwk, k.valid_from, k.revoked FROM keys k WHERE k.participant = :num ORDER BY k.kid"
)


def keys_of(conn: Connection, num: int) -> list[dict[str, Any]]:
    """Every key that participant number `num` ever had: kid, jwk (canonical JSON), valid_from, revoked."""
    return [dict(row._mapping) for row in conn.execute(_KEYS_OF, {"num": num})]


_JWKS: Final = text("SELECT kid, jwk FROM keys WHERE kid IN :kids").bindparams(bindparam("kids", expanding=True))


def find_jwks(conn: Connection, kids: Collection[str]) -> list[tuple[str, str]]:
    """(kid, canonical JSON of the public key) of those of these keys that were ever enrolled."""
    return [(row.kid, row.jwk) for row in conn.execute(_JWKS, {"kids": list(kids)})]


_REVOKED: Final = text("SELECT kid FROM keys WHERE kid IN :kids AND revoked = :yes").bindparams(
    bindparam("kids", expanding=True)
)


def revoked_among(conn: Connection, kids: Collection[str]) -> set[str]:
    """Those of the keys that were revoked."""
    return set(conn.execute(_REVOKED, {"kids": list(kids), "yes": True}).scalars()) if kids else set()


_USE: Final = text(
    "INSERT INTO nonces (issuer, jti, expires) VALUES (:issuer, :jti, :expires) ON CONFLICT (issuer, jti) DO NOTHING"
)
_FORGET: Final = text("DELETE FROM nonces WHERE expires <= :now")
KEPT_SECONDS: Final = 300
"""For which a used token is remembered beyond its time: the clock of another process may be behind this one's."""


def use_nonce(conn: Connection, issuer: str, jti: str, *, expires: int, now: int) -> bool:
    """Note that a token was used, forgetting those that have expired for long; False if it was used before."""
    conn.execute(_FORGET, {"now": now - KEPT_SECONDS})
    return conn.execute(_USE, {"issuer": issuer, "jti": jti, "expires": expires}).rowcount == 1


class GrantFound(NamedTuple):
    """A grant as stored; number: of the lot."""

    jti: str
    lot: str
    issuer: str
    grantee: str
    disclosures: bool
    issued: int
    expires: int
    revoked: int | None
    jws: str
    number: int


_GRANT: Final = (
    "SELECT g.jti, g.lot, g.issuer, g.grantee, g.disclosures, g.issued, g.expires, g.revoked, g.jws, l.num AS number "
    "FROM grants g JOIN subjects l ON l.id = g.lot "
)
_GRANT_BY_JTI: Final = text(_GRANT + "WHERE g.jti = :jti")
_IN_FORCE: Final = text(
    _GRANT + "JOIN subjects i ON i.id = g.issuer AND i.status = 'active' "
    "WHERE g.grantee = :grantee AND g.revoked IS NULL AND g.expires > :now"
)


def find_grant(conn: Connection, jti: str) -> GrantFound | None:
    """The grant with this id."""
    row = conn.execute(_GRANT_BY_JTI, {"jti": jti}).first()
    return _grant(row) if row else None


def grants_to(conn: Connection, grantee: str, *, now: int) -> list[GrantFound]:
    """Grants that are neither revoked nor expired, of issuers that are active; keys are not looked at."""
    return [_grant(row) for row in conn.execute(_IN_FORCE, {"grantee": grantee, "now": now})]


def list_grants(conn: Connection, *, party: str | None, lot: str | None, after: str, limit: int) -> list[GrantFound]:
    """A page of the grants by or to `party` (None: of everybody), by id."""
    where, values = "", {"after": after, "limit": limit}
    if party is not None:  # by both indexes; an OR would walk through the grants of everybody
        given = "SELECT jti FROM grants WHERE {role} = :party AND jti > :after"
        either = f"{given.format(role='issuer')} UNION {given.format(role='grantee')}"
        where, values = f" AND g.jti IN ({either})", values | {"party": party}
    if lot is not None:
        where, values = where + " AND g.lot = :lot", values | {"lot": lot}
    statement = text(f"{_GRANT}WHERE g.jti > :after{where} ORDER BY g.jti LIMIT :limit")
    return [_grant(row) for row in conn.execute(statement, values)]


_ADD: Final = text(
    "INSERT INTO grants (jti, lot, issuer, grantee, disclosures, issued, expires, revoked, jws) "
    "VALUES (:jti, :lot, :issuer, :grantee, :disclosures, :issued, :expires, NULL, :jws)"
)
_REVOKE: Final = text("UPDATE grants SET revoked = :now WHERE jti = :jti AND revoked IS NULL")


def add_grant(conn: Connection, grant: dict[str, Any]) -> None:
    """Store a grant that is not there yet: jti, lot, issuer, grantee, disclosures, issued, expires, jws."""
    conn.execute(_ADD, grant)


def revoke_grant(conn: Connection, jti: str, *, now: int) -> None:
    """End a grant at `now` (seconds); one that has ended keeps its time."""
    conn.execute(_REVOKE, {"jti": jti, "now": now})


def _grant(row: Row[Any]) -> GrantFound:
    found = GrantFound(**row._mapping)
    return found._replace(disclosures=bool(found.disclosures))
