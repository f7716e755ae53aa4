"""Rules for evidence and corrections: attest, incident, correct. Evidence moves no head."""

from __future__ import annotations

from ledger.custody.draft import Draft
from ledger.errors import SchemaError, SignerNotAllowed, UnknownRecord, UnknownSubject


def apply_attest(draft: Draft) -> None:
    """Evidence about subjects, each named together with a record of its chain."""
    draft.check_heads(())
    _check_about(draft)


def apply_incident(draft: Draft) -> None:
    """A risk that showed itself; a follow-up names the incident that it follows."""
    apply_attest(draft)
    follows = draft.record.body.get("follows")
    if follows is not None and draft.state.scope is None:
        facts = draft.earlier_record(follows, "/body/follows")
        if facts.type != "incident":
            raise UnknownRecord(f"Record {follows} is not an incident.", pointer="/body/follows", record=follows)


def _check_about(draft: Draft) -> None:
    state = draft.state
    for i, about in enumerate(draft.record.body["about"]):
        subject, at = about["subject"], f"/body/about/{i}"
        draft.about.append(subject)
        if subject not in state.subjects:
            if state.scope is None or subject in state.scope:
                raise UnknownSubject(
                    f"'{subject}' is not known to this log: check its id.", pointer=f"{at}/subject", subject=subject
                )
            continue  # a bundle does not follow this subject
        if subject not in draft.earlier_record(about["record"], f"{at}/record").subjects:
            raise UnknownRecord(
                f"Record {about['record']} is not in the chain of '{subject}': name one that is.",
                pointer=f"{at}/record",
                record=about["record"],
            )


def apply_correct(draft: Draft) -> None:
    """Descriptive members replaced by the issuer of the record; its subjects move on."""
    record, body = draft.record, draft.record.body
    facts = draft.earlier_record(body["record"], "/body/record")
    if facts.issuer != record.iss:
        raise SignerNotAllowed("Only the issuer of a record may correct it.", pointer="/body/record")
    if facts.type != body["type"]:
        raise SchemaError(f"Record {body['record']} is of type {facts.type}.", pointer="/body/type")
    for subject in draft.check_heads(facts.subjects):
        draft.subjects[subject.id] = subject._replace(head=record.id, time=record.time)
