"""The custody rules: which record may follow which (records.md sections 3 and 5).

One state machine with three readers: the service runs it on rows, the verifier of a bundle on its
entries, the auditor on the whole log. `needs` names what a record will look up, so that a caller
reads it in one go; `plan_step` decides, and either raises one typed error or returns the `Step`
that `State.apply` performs. The caller has checked format (`envelope.parse_record`), schema
(`events.check_schema`) and the bytes of the signature; which keys may sign is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ledger.custody import lots, registry, statements
from ledger.custody.draft import Draft, State, Step, tag_key
from ledger.custody.subjects import LogHead, Participant
from ledger.encoding import format_time
from ledger.envelope import Record
from ledger.errors import (
    IdTaken,
    KeyFormatError,
    KeyNotYetValid,
    KeyRevoked,
    SignerNotAllowed,
    TimeAhead,
    UnknownKey,
    UnknownSubject,
    WrongAudience,
)
from ledger.keys import thumbprint

__all__ = ["Names", "Needs", "State", "Step", "gather_names", "needs", "plan_step"]

_RULES: Final[dict[str, Callable[[Draft], None]]] = {
    "policy": registry.apply_policy,
    "participant": registry.apply_participant,
    "key": registry.apply_key,
    "site": registry.apply_site,
    "extract": lots.apply_extract,
    "dispatch": lots.apply_dispatch,
    "receive": lots.apply_receive,
    "settle": lots.apply_settle,
    "transform": lots.apply_transform,
    "close": lots.apply_close,
    "attest": statements.apply_attest,
    "incident": statements.apply_incident,
    "correct": statements.apply_correct,
}
_TRANSITIONS: Final = {kind: (kind, rules) for kind, rules in _RULES.items()}


def plan_step(state: State, record: Record, logged: int) -> Step:
    """What `record` changes when the log takes it at `logged` (ms since the epoch).

    Pure: nothing is changed. Raises one leaf of CustodyError or AuthenticityError (SchemaError and
    KeyFormatError for what only the state can tell), each with a pointer to the member at fault.
    """
    kind, issuer = record.type, record.iss
    if kind == "genesis":
        return _plan_genesis(state, record, logged)
    log = state.subjects.get(state.origin)
    if record.aud != state.origin or not isinstance(log, LogHead):
        raise WrongAudience(f"This record is for the log '{record.aud}', this log is '{state.origin}'.", pointer="/aud")
    _check_key(state, record, issuer)
    _check_clock(record, logged, log.policy["skew"])
    signer = state.subjects.get(issuer)
    if not isinstance(signer, Participant):
        raise UnknownSubject(f"'{issuer}' is not an enrolled participant.", pointer="/iss", subject=issuer)
    if signer.status != "active":
        raise SignerNotAllowed(f"'{signer.id}' is {signer.status}: ask the registrar.", pointer="/iss")
    draft = Draft(state, record, signer, log.policy)
    kind, rules = _TRANSITIONS[kind]  # the state keeps this spelling of the type, not one per record
    rules(draft)
    return draft.finish(kind)


def _plan_genesis(state: State, record: Record, logged: int) -> Step:
    body = record.body
    if state.origin:
        raise IdTaken("This log has its genesis already.", pointer="/type")
    if record.aud != body["origin"]:
        raise WrongAudience("The genesis of a log is addressed to its own origin.", pointer="/aud")
    _check_clock(record, logged, body["policy"]["skew"])
    registrar = Participant(record.iss, "", "", "", ("registrar",), "active", (), {})
    draft = Draft(state, record, registrar, body["policy"])
    registry.apply_genesis(draft)
    return draft.finish("genesis")


def _check_key(state: State, record: Record, issuer: str) -> None:
    key = state.keys.get(record.kid)
    if key is None or key.participant != issuer:
        raise UnknownKey(
            f"The key {record.kid} is not enrolled for '{issuer}': have the registrar add it.", kid=record.kid
        )
    if key.revoked:
        raise KeyRevoked(f"The key {record.kid} is revoked: sign with an active key.", kid=record.kid)
    if key.valid_from and format_time(record.iat) < key.valid_from:
        raise KeyNotYetValid(f"The key {record.kid} is valid from {key.valid_from}.", pointer="/iat", kid=record.kid)


@lru_cache(maxsize=64)
def _latest(seconds: int) -> str:
    return format_time(seconds)


def _check_clock(record: Record, logged: int, skew: int) -> None:
    latest = logged // 1000 + skew
    if record.iat > latest:
        raise TimeAhead("'iat' is ahead of the log's clock: set the clock of the signing device.", pointer="/iat")
    if record.time > _latest(latest):
        raise TimeAhead("'time' is ahead of the log's clock: record what has happened.", pointer="/time")


class Needs(NamedTuple):
    """What `plan_step` looks up: subject ids, key ids, tags (`scheme:number`), record ids."""

    subjects: set[str]
    keys: set[str]
    tags: set[str]
    records: set[str]


class Names(NamedTuple):
    """The same while it is gathered, as members of records name it: a name may stand there many times."""

    subjects: list[str]
    keys: list[str]
    tags: list[str]
    records: list[str]


def needs(*records: Record) -> Needs:
    """Everything in the state that the rules for these records read; they have passed their schema.

    For `correct`, the subjects to be moved are those that `prev` names: any other is an error.
    """
    found = Names([], [], [], [])
    for record in records:
        gather_names(found, record)
    return Needs(*map(set, found))


def gather_names(found: Names, record: Record) -> None:
    """Add what one record needs; `needs` is the same for many at once."""
    found.subjects.extend((record.aud, record.iss, *record.prev))
    found.keys.append(record.kid)
    more = _NEEDS.get(record.type)
    if more is not None:
        more(found, record.body)


def _genesis_needs(found: Names, body: dict[str, Any]) -> None:
    found.subjects.extend((body["origin"], body["registrar"]["id"]))
    found.keys.extend(map(_kid, body["registrar"]["keys"]))


def _participant_needs(found: Names, body: dict[str, Any]) -> None:
    found.subjects.append(body["id"])
    found.keys.extend(map(_kid, body.get("keys") or ()))


def _key_needs(found: Names, body: dict[str, Any]) -> None:
    found.subjects.append(body["participant"])
    found.keys.append(_kid(body["key"]) if body.get("key") else body["kid"])


def _site_needs(found: Names, body: dict[str, Any]) -> None:
    found.subjects.extend((body["id"], body["operator"]))


def _extract_needs(found: Names, body: dict[str, Any]) -> None:
    found.subjects.append(body["site"])
    _new_lots_need(found, body["lots"])


def _dispatch_needs(found: Names, body: dict[str, Any]) -> None:
    found.subjects.extend((*body["lots"], body["consignee"], body["from"], body["to"]))


def _receive_needs(found: Names, body: dict[str, Any]) -> None:
    found.subjects.extend([body["site"], *[lot["id"] for lot in body["lots"]]])


def _settle_needs(found: Names, body: dict[str, Any]) -> None:
    found.subjects.extend([lot["id"] for lot in body["lots"]])


def _transform_needs(found: Names, body: dict[str, Any]) -> None:
    found.subjects.extend([body["site"], *[one["lot"] for one in body["inputs"]]])
    _new_lots_need(found, body["outputs"])


def _close_needs(found: Names, body: dict[str, Any]) -> None:
    found.subjects.extend(body["lots"])


def _about_needs(found: Names, body: dict[str, Any]) -> None:
    for about in body["about"]:
        found.subjects.append(about["subject"])
        found.records.append(about["record"])
    if body.get("follows"):
        found.records.append(body["follows"])


def _correct_needs(found: Names, body: dict[str, Any]) -> None:
    found.records.append(body["record"])


def _new_lots_need(found: Names, new_lots: list[dict[str, Any]]) -> None:
    for lot in new_lots:
        found.subjects.append(lot["id"])
        if lot.get("tags"):
            found.tags.extend(map(tag_key, lot["tags"]))


def _kid(jwk: dict[str, str]) -> str:
    try:
        return thumbprint(jwk)
    except KeyFormatError:
        return ""  # plan_step refuses it, with a pointer


_NEEDS: Final[dict[str, Callable[[Names, dict[str, Any]], None]]] = {
    "genesis": _genesis_needs,
    "participant": _participant_needs,
    "key": _key_needs,
    "site": _site_needs,
    "extract": _extract_needs,
    "dispatch": _dispatch_needs,
    "receive": _receive_needs,
    "settle": _settle_needs,
    "transform": _transform_needs,
    "close": _close_needs,
    "attest": _about_needs,
    "incident": _about_needs,
    "correct": _correct_needs,
}
