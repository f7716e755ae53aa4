"""Rules for the records that keep the register: genesis, policy, participants, keys, sites."""

from __future__ import annotations

from ledger.custody.draft import Draft
from ledger.custody.subjects import KeyState, LogHead, Participant, Site
from ledger.errors import KeyFormatError, KeyInUse, KeyRevoked, SchemaError, SignerNotAllowed, UnknownKey
from ledger.keys import parse_public_jwk


def apply_genesis(draft: Draft) -> None:
    """The log and its registrar come into being; plan_step has checked that the log is empty."""
    record, body = draft.record, draft.record.body
    registrar = body["registrar"]
    draft.check_heads(())
    draft.subjects[body["origin"]] = LogHead(body["origin"], record.id, record.time, body["policy"])
    draft.new_subject(registrar["id"], "/body/registrar/id")
    kids = _enrol_keys(draft, registrar["id"], registrar["keys"], "/body/registrar/keys")
    draft.subjects[registrar["id"]] = Participant(
        registrar["id"], record.id, record.time, registrar["country"], ("registrar",), "active", kids, {}
    )
    draft.moved += draft.subjects
    if record.kid not in kids or record.iss != registrar["id"]:
        raise SignerNotAllowed(
            "A genesis is signed by the registrar that it names, with one of its keys.", pointer="/iss"
        )


def apply_policy(draft: Draft) -> None:
    """A new custody policy, from the next record on."""
    draft.check_role("registrar")
    (log,) = draft.check_heads((draft.state.origin,))
    draft.subjects[log.id] = LogHead(log.id, draft.record.id, draft.record.time, draft.record.body["policy"])


def apply_participant(draft: Draft) -> None:
    """Enrolment of a new participant with its first keys, or amendment of an enrolled one."""
    record, body = draft.record, draft.record.body
    draft.check_role("registrar")
    current = draft.state.subjects.get(body["id"])
    if isinstance(current, Participant):
        draft.check_heads((body["id"],))
        if body.get("keys"):
            raise SchemaError("An enrolled participant's keys change by 'key' records only.", pointer="/body/keys")
        kids = current.keys
    else:
        draft.new_subject(body["id"], "/body/id")
        draft.check_heads(())
        if not body.get("keys"):
            raise SchemaError("A new participant needs its first keys: add 'keys'.", pointer="/body/keys")
        kids = _enrol_keys(draft, body["id"], body["keys"], "/body/keys")
        draft.moved.append(body["id"])
    draft.subjects[body["id"]] = Participant(
        body["id"], record.id, record.time, body["country"], tuple(body["roles"]), body["status"], kids,
        body.get("identifiers", {}),
    )  # fmt: skip


def apply_key(draft: Draft) -> None:
    """A key added or revoked, by the participant with another of its keys, or by the registrar."""
    record, body = draft.record, draft.record.body
    (owner,) = draft.check_heads((body["participant"],))
    if not isinstance(owner, Participant):
        raise SchemaError(f"'{owner.id}' is not a participant.", pointer="/body/participant")
    if record.iss != owner.id:
        draft.check_role("registrar")
    if body["action"] == "add":
        kids = owner.keys + _enrol_keys(draft, owner.id, [body["key"]], "/body", body.get("from") or "")
    else:
        kids = tuple(kid for kid in owner.keys if kid != body["kid"])
        _revoke(draft, owner, body["kid"])
    draft.subjects[owner.id] = owner._replace(head=record.id, time=record.time, keys=kids)


def _revoke(draft: Draft, owner: Participant, kid: str) -> None:
    key = draft.state.keys.get(kid)
    if key is None or key.participant != owner.id:
        raise UnknownKey(f"{kid} is not a key of '{owner.id}'.", pointer="/body/kid", kid=kid)
    if key.revoked:
        raise KeyRevoked(f"The key {kid} is revoked already.", pointer="/body/kid", kid=kid)
    if kid == draft.record.kid:
        raise SignerNotAllowed(
            "A key can't revoke itself: sign with another key, or ask the registrar.", pointer="/body/kid"
        )
    draft.keys[kid] = key._replace(revoked=True)


def _enrol_keys(
    draft: Draft, owner: str, jwks: list[dict[str, str]], pointer: str, valid_from: str = ""
) -> tuple[str, ...]:
    kids = []
    for i, jwk in enumerate(jwks):
        at = f"{pointer}/{i}" if pointer.endswith("keys") else f"{pointer}/key"
        try:
            key = parse_public_jwk(jwk)
        except KeyFormatError as error:
            raise KeyFormatError(error.message, pointer=at) from error
        if key.kid in draft.state.keys or key.kid in draft.keys:
            raise KeyInUse(f"The key {key.kid} was enrolled before: make a new one.", pointer=at, kid=key.kid)
        draft.keys[key.kid] = KeyState(key.kid, owner, key.jwk(), valid_from, False)
        kids.append(key.kid)
    return tuple(kids)


def apply_site(draft: Draft) -> None:
    """A site registered or amended by the registrar, an authority or its operator."""
    record, body = draft.record, draft.record.body
    current = draft.state.subjects.get(body["id"])
    if isinstance(current, Site):
        draft.check_heads((body["id"],))
        operator = current.operator
    else:
        draft.new_subject(body["id"], "/body/id")
        draft.check_heads(())
        operator = body["operator"]
        draft.moved.append(body["id"])
    if record.iss != operator:
        draft.check_role("registrar", "authority")
    draft.participant(body["operator"], "/body/operator")
    draft.subjects[body["id"]] = Site(
        body["id"], record.id, record.time, body["kind"], body["operator"], body["country"], body["subdivision"],
        body["status"], tuple(body["minerals"]),
    )  # fmt: skip
