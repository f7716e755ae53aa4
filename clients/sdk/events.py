"""One builder per event type: a draft of what will be signed, and which subjects it builds on.

A draft holds no heads yet: `build_payload` fills `prev` from whoever knows them, the service when there is a network,
the offline queue when there is none. Bodies are checked against the schema before anything is signed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.custody.events import check_schema, concealable_pointers
from ledger.encoding import parse_pointer
from ledger.envelope import SignedRecord, sign_record
from ledger.errors import UnknownSubject
from ledger.keys import PrivateKey

Body = dict[str, Any]
FindHead = Callable[[str], "str | None"]


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: type, body, time (`YYYY-MM-DDTHH:MM:SSZ`) and the subjects whose heads go into `prev`.

    optional: subjects that are in `prev` only when the log knows them already (an enrolment or an amendment).
    """

    type: str
    body: Body
    time: str
    builds_on: tuple[str, ...] = ()
    optional: bool = False


def _members(**members: Any) -> Body:
    """Members that are given; `start` and `end` are `from` and `to`, which Python keeps for itself."""
    names = {"start": "from", "end": "to"}
    return {names.get(name, name): value for name, value in members.items() if value not in (None, [], ())}


def _listed(value: Any) -> Any:
    """A tuple as a list; what is no list (a file holds anything) is left to the schema, which says so."""
    return list(value) if isinstance(value, (list, tuple)) else value


def _named(items: Any, member: str) -> tuple[str, ...]:
    """The subjects that items of a body are about, as far as they are there; the schema names what is wrong."""
    found = (one.get(member) for one in items if isinstance(one, Mapping)) if isinstance(items, (list, tuple)) else ()
    return tuple(subject for subject in found if isinstance(subject, str))


def policy(time: str, origin: str, **policy: Any) -> Event:
    """Changes the custody policy of the log `origin` from here on; the registrar signs."""
    return Event("policy", {"policy": policy}, time, (origin,))


def participant(time: str, /, **body: Any) -> Event:
    """Enrols or amends `id`; the registrar signs."""
    return Event("participant", _members(**body), time, (body["id"],), optional=True)


def add_key(time: str, participant: str, key: Mapping[str, str], *, reason: str, start: str | None = None) -> Event:
    """Adds the public JWK `key` to a participant, from now or from `start`."""
    body = _members(participant=participant, action="add", key=dict(key), reason=reason, start=start)
    return Event("key", body, time, (participant,))


def revoke_key(time: str, participant: str, kid: str, *, reason: str) -> Event:
    """Revokes a key of a participant; takes another of its keys, or the registrar's."""
    return Event(
        "key", _members(participant=participant, action="revoke", kid=kid, reason=reason), time, (participant,)
    )


def site(time: str, /, **body: Any) -> Event:
    """Registers or amends the site `id`."""
    return Event("site", _members(**body), time, (body["id"],), optional=True)


def extract(time: str, /, **body: Any) -> Event:
    """Commissions lots at a mine site."""
    return Event("extract", _members(**body), time)


def dispatch(time: str, /, *, lots: Sequence[str], start: str, end: str, **body: Any) -> Event:
    """Hands lots over: consignee, sites from `start` to `end`, transport, expected arrival."""
    return Event("dispatch", _members(lots=list(lots), start=start, end=end, **body), time, tuple(lots))


def receive(time: str, /, *, lots: Sequence[Body], **body: Any) -> Event:
    """Accepts lots `{id, quantity}` with what was measured, or refuses lots `{id}`."""
    return Event("receive", _members(lots=_listed(lots), **body), time, _named(lots, "id"))


def settle(time: str, /, *, lots: Sequence[Body], **body: Any) -> Event:
    """Agrees on the quantity `{id, quantity}` that the consignee measured."""
    return Event("settle", _members(lots=_listed(lots), **body), time, _named(lots, "id"))


def transform(time: str, /, *, inputs: Sequence[Body], **body: Any) -> Event:
    """Turns inputs `{lot, mass}` into outputs."""
    return Event("transform", _members(inputs=_listed(inputs), **body), time, _named(inputs, "lot"))


def close(time: str, /, *, lots: Sequence[str], **body: Any) -> Event:
    """Takes lots out of the system."""
    return Event("close", _members(lots=list(lots), **body), time, tuple(lots))


def attest(time: str, /, *, start: str | None = None, until: str | None = None, **body: Any) -> Event:
    """Evidence of one kind about subjects; moves nothing."""
    return Event("attest", _members(start=start, until=until, **body), time)


def incident(time: str, /, **body: Any) -> Event:
    """A risk that showed itself; moves nothing."""
    return Event("incident", _members(**body), time)


def correct(time: str, /, *, subjects: Sequence[str], **body: Any) -> Event:
    """Replaces descriptive members of `record`, which moved `subjects` (see `moved`)."""
    return Event("correct", _members(**body), time, tuple(subjects))


def moved(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Subjects whose head a record with this payload becomes: those it builds on and those it brings into being."""
    return tuple(dict.fromkeys((*payload["prev"], *created(payload))))


def created(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Subjects that did not exist before a record with this payload."""
    kind, body = payload["type"], payload["body"]
    if kind in ("participant", "site"):
        return () if body["id"] in payload["prev"] else (body["id"],)
    if kind == "genesis":
        return body["origin"], body["registrar"]["id"]
    member = {"extract": "lots", "transform": "outputs"}.get(kind)
    return tuple(lot["id"] for lot in body[member]) if member else ()


def build_payload(event: Event, *, iss: str, aud: str, iat: int, find_head: FindHead) -> Body:
    """The claims of a record, schema checked. Raises SchemaError, or UnknownSubject when a head cannot be found."""
    prev = {}
    for subject in event.builds_on:
        head = find_head(subject)
        if head is not None:
            prev[subject] = head
        elif not event.optional:
            raise UnknownSubject(f"The head of {subject!r} is not known: is the id right?", subject=subject)
    payload = {
        "iss": iss,
        "aud": aud,
        "iat": iat,
        "type": event.type,
        "time": event.time,
        "prev": prev,
        "body": event.body,
    }
    check_schema(payload)
    return payload


def find_concealable(payload: Mapping[str, Any], reveal: Iterable[str] = ()) -> list[str]:
    """Pointers of every member present that may be concealed, except those whose last name is in `reveal`."""
    allowed = concealable_pointers(payload["type"], payload["body"].get("kind", ""))
    shown = set(reveal)
    found: list[str] = []
    for pattern in sorted(allowed):
        tokens = parse_pointer(pattern)
        if tokens[-1] not in shown:
            found += _places(payload, tokens, "")
    return found


def _places(value: Any, tokens: tuple[str, ...], at: str) -> list[str]:
    if not tokens:
        return [at]
    if tokens[0] == "*":
        found = [_places(item, tokens[1:], f"{at}/{i}") for i, item in enumerate(value if type(value) is list else [])]
        return [pointer for pointers in found for pointer in pointers]
    if not isinstance(value, Mapping) or tokens[0] not in value:
        return []
    return _places(value[tokens[0]], tokens[1:], f"{at}/{tokens[0]}")


def sign_payload(payload: Mapping[str, Any], key: PrivateKey, *, reveal: Iterable[str] = ("*",)) -> SignedRecord:
    """Sign, concealing what may be concealed except the members named in `reveal` (`*`: conceal nothing)."""
    reveal = tuple(reveal)
    conceal = [] if "*" in reveal else find_concealable(payload, reveal)
    return sign_record(payload, key, conceal=conceal, salts=(secrets.token_bytes(16) for _ in conceal))
