"""Who is asking, and how they stand to the lots they ask for: the facts that `policy` decides on.

`authenticate` turns a token into a Reader; `open_view` gathers, on one snapshot, what is needed to
put the policy's questions. A lot that a reader may not see and one that does not exist are the
same NotFound.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import orjson

from ledger.encoding import format_time, parse_b64url
from ledger.errors import BadSignature
from ledger.keys import parse_public_jwk
from service.errors import Forbidden, NotAuthenticated, NotFound
from service.storage.engine import Connection
from service.storage.read_access import GrantFound, find_key, grants_to, revoked_among, use_nonce
from service.storage.read_graph import is_linked, reached_from
from service.storage.read_subjects import SubjectFound, find_subject, find_subjects
from service.usecases import policy
from service.usecases.context import Context
from service.usecases.policy import Reader, Relation


@dataclass(frozen=True, slots=True)
class Token:
    """A login token whose form and times are in order; signed: the bytes that `signature` is over."""

    kid: str
    alg: str
    participant: str
    jti: str
    expires: int
    signed: bytes
    signature: bytes


def authenticate(context: Context, token: Token) -> Reader:
    """The participant who signed the token with an active key of its own; the token is then used up.

    Raises NotAuthenticated: unknown, not yet valid or revoked key, another's key, bad signature,
    a participant that is not active, a token that was used before.
    """
    now = context.now()
    with context.store.reading() as conn:
        key = find_key(conn, token.kid)
    if key is None or key.participant != token.participant:
        raise NotAuthenticated("The key of this token is not enrolled for the participant that it names.")
    if key.revoked:
        raise NotAuthenticated("The key of this token is revoked: sign with an active key.")
    if key.valid_from > format_time(now):
        raise NotAuthenticated("The key of this token is not valid yet.")
    public = parse_public_jwk(orjson.loads(key.jwk))
    if token.alg not in (("Ed25519", "EdDSA") if public.alg == "Ed25519" else ("ES256",)):
        raise NotAuthenticated("The algorithm of this token is not that of its key.")
    try:
        public.verify(token.signature, token.signed)
    except BadSignature:
        raise NotAuthenticated("The signature of this token does not verify.") from None
    if key.status != "active":
        raise NotAuthenticated(f"This participant is {key.status}: ask the registrar.")
    with context.store.writing() as conn:
        if not use_nonce(conn, token.participant, token.jti, expires=token.expires, now=now):
            raise NotAuthenticated("This token was used before: sign a new one for every request.")
    return Reader(token.participant, frozenset(orjson.loads(key.data)["roles"]))


@dataclass(frozen=True, slots=True)
class View:
    """The log as one reader may see it, on one snapshot.

    public: entries are public by the log's policy; number: of the reader's participant, -1 for
    anybody; grants: in force, to the reader.
    """

    conn: Connection
    reader: Reader
    public: bool
    number: int
    grants: tuple[GrantFound, ...] = field(repr=False)

    @property
    def sees_all_lots(self) -> bool:
        """No lot needs to be looked at one by one."""
        return policy.may_read_entries(self.reader, public=self.public)

    def relation(self, lots: Collection[int]) -> Relation:
        """How the reader stands to any of these lots (by number)."""
        if not self.reader.is_member or not lots:
            return policy.STRANGER
        granted = reached_from(self.conn, lots, {grant.number for grant in self.grants}) if self.grants else set()
        return Relation(
            linked=is_linked(self.conn, lots, self.number),
            granted=bool(granted),
            granted_disclosures=any(grant.disclosures for grant in self.grants if grant.number in granted),
        )

    def may_read_lot(self, lot: int) -> bool:
        """Whether this lot is there for the reader."""
        return self.sees_all_lots or policy.may_read_lot(self.reader, self.relation((lot,)), public=self.public)

    def require_somebody(self) -> None:
        """Raises NotAuthenticated when there is nothing for anybody: sooner than a list that is always empty."""
        if not (self.public or self.reader.is_member):
            raise NotAuthenticated("Log in: send a token signed by your own key.")

    def require_lot(self, lot: str) -> SubjectFound:
        """The lot, or the NotFound that does not tell whether there is one. Raises NotAuthenticated before that."""
        self.require_somebody()
        found = find_subject(self.conn, lot)
        if found is None or found.kind != "lot" or not self.may_read_lot(found.num):
            raise NotFound("There is no such lot, or you may not see it: ask its custodian for a grant.")
        return found

    def require_owned(self, subject: str, kind: str) -> SubjectFound:
        """A site or participant whose bundle the reader may have. Raises NotAuthenticated, NotFound, Forbidden."""
        self.require_somebody()
        found = find_subject(self.conn, subject)
        if found is None or found.kind != kind:
            raise NotFound(f"There is no such {kind}: check the id.")
        owner = subject if kind == "participant" else str(orjson.loads(found.data)["operator"])
        if not policy.may_read_bundle_of(self.reader, owner, public=self.public):
            raise Forbidden("Only the participant itself, auditors and authorities may fetch this bundle.")
        return found


def open_view(conn: Connection, context: Context, reader: Reader) -> View:
    """Read what the policy asks about this reader."""
    known = find_subjects(conn, [one for one in (context.origin, reader.participant) if one])
    log = known.get(context.origin)
    public = log is not None and _is_public(log)
    grants = _in_force(conn, grants_to(conn, reader.participant, now=context.now())) if reader.is_member else ()
    number = known[reader.participant].num if reader.is_member else -1
    return View(conn, reader, public, number, grants)


def entries_are_public(conn: Connection, origin: str) -> bool:
    """Whether the log's policy lets anybody read its entries."""
    log = find_subjects(conn, [origin]).get(origin)
    return log is not None and _is_public(log)


def _is_public(log: SubjectFound) -> bool:
    return bool(orjson.loads(log.data)["policy"]["entries"] == "public")


def _in_force(conn: Connection, grants: Collection[GrantFound]) -> tuple[GrantFound, ...]:
    """Grants whose signing key was not revoked since: a thief's grants end with the stolen key."""
    kids = {grant.jti: orjson.loads(parse_b64url(grant.jws.partition(".")[0]))["kid"] for grant in grants}
    revoked = revoked_among(conn, set(kids.values()))
    return tuple(grant for grant in grants if kids[grant.jti] not in revoked)
