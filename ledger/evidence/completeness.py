r"""Statements of completeness: how an operator commits to having shown every record about something.

`lodeline-completeness/1` is a signed note (`ledger.log.note`) by the log's own key, in lines:

    lodeline-completeness/1
    <origin>
    <size>                      of the checkpoint as of which the lists are complete
    <base64 root>               of that checkpoint
    <subject>                   what the bundle is about that the topics were chosen for
    <topic> <count> <base64>    one line per topic, sorted; the digest chains the ids of the list

The digest of a list is d_n = SHA-256(d_(n-1) || id_n) over the 32 bytes of each record id in log order, d_0 = 32 zero
bytes, so that a later list must extend an earlier one. The first line keeps a statement from ever being read as a
checkpoint. Which record belongs to which topic is said in `ledger.custody.topics`; this module knows lists of ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ledger.custody.topics import is_topic
from ledger.errors import CheckpointError, CompletenessError, FalseStatement, LeftOut, UntrustedNote
from ledger.log.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from ledger.log.merkle import HASH_SIZE
from ledger.log.note import Ed25519Signer, Verifier, open_note, sign_note
from ledger.log.wire import format_base64, parse_base64, parse_decimal

FORMAT: Final = "lodeline-completeness/1"
MAX_STATEMENT_BYTES: Final = 32_000_000
"""Enough for a list for each record of the largest bundle; checkpoints and other notes stay far smaller."""
START: Final = bytes(HASH_SIZE)
"""The digest of an empty list."""
_HEAD_LINES: Final = 5


class TopicList(NamedTuple):
    """A list that the log commits to. size: how many records it has; digest: 32 bytes."""

    topic: str
    size: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """What the log says to be complete. head: as of which checkpoint; subject: of the bundle; lists: by topic."""

    head: Checkpoint
    subject: str
    lists: tuple[TopicList, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics, sorted."""
        return tuple(one.topic for one in self.lists)


def chain_ids(ids: Iterable[str]) -> bytes:
    """The digest of a list of record ids (64 hex digits each)."""
    digest = START
    for record_id in ids:
        digest = hashlib.sha256(digest + bytes.fromhex(record_id)).digest()  # d_n = SHA-256(d_(n-1) || id_n)
    return digest


def state_lists(head: Checkpoint, subject: str, ids: Mapping[str, Sequence[str]]) -> Statement:
    """The statement that these are all records of each topic as of `head`; ids: topic -> record ids in log order."""
    lists = (TopicList(topic, len(ids[topic]), chain_ids(ids[topic])) for topic in sorted(ids))
    return Statement(head, subject, tuple(lists))


# ---- the text -------------------------------------------------------------------------------------------------------


def format_completeness(statement: Statement) -> str:
    """The text of the statement; raises CompletenessError, CheckpointError for values that have no such form."""
    lists = "".join(f"{one.topic} {one.size} {format_base64(one.digest)}\n" for one in statement.lists)
    text = f"{FORMAT}\n{format_checkpoint(statement.head)}{statement.subject}\n{lists}"
    if parse_completeness(text) != statement:
        raise CompletenessError("A statement of completeness has one line per topic.")
    return text


def parse_completeness(text: str) -> Statement:
    """The statement of a note's text, not yet trusted. Raises CompletenessError."""
    lines = text.split("\n")
    if lines[0] != FORMAT or len(lines) < _HEAD_LINES + 1 or lines[-1]:
        raise CompletenessError(
            f"A statement of completeness begins with the line {FORMAT} and has five lines or more."
        )
    try:
        head = parse_checkpoint("\n".join((*lines[1:4], "")))
    except CheckpointError as error:
        raise CompletenessError(error.message) from error
    lists = tuple(map(_parse_list, lines[_HEAD_LINES:-1]))
    topics = [one.topic for one in lists]
    if topics != sorted(set(topics)):
        raise CompletenessError("The topics of a statement are sorted, each once.")
    return Statement(head, lines[4], lists)


def _parse_list(line: str) -> TopicList:
    parts = line.rsplit(" ", 2)
    if len(parts) != 3 or not is_topic(parts[0]):
        raise CompletenessError("A line of a statement is a topic, a number of records and a digest.", line=line[:300])
    count = parse_decimal(parts[1], CompletenessError, "number of records")
    digest = parse_base64(parts[2], CompletenessError, "digest", HASH_SIZE)
    if (count == 0) != (digest == START):
        raise CompletenessError("An empty list has the digest of nothing, and no other list has.", topic=parts[0])
    return TopicList(parts[0], count, digest)


def sign_completeness(statement: Statement, signers: Iterable[Ed25519Signer]) -> str:
    """The statement as a signed note. The log's key is named like its origin; raises CompletenessError."""
    signers = tuple(signers)
    if not signers or any(signer.name != statement.head.origin for signer in signers):
        raise CompletenessError("A statement is signed by a key that is named like the log's origin.")
    return sign_note(format_completeness(statement), signers, limit=MAX_STATEMENT_BYTES)


def open_completeness(note_text: str | bytes, verifiers: Iterable[Verifier]) -> Statement:
    """The statement, signed by the log that it speaks for.

    verifiers: of the log. Raises as `ledger.log.note.open_note` does, CompletenessError for another form, UntrustedNote
    when only others have signed.
    """
    note = open_note(note_text, verifiers, limit=MAX_STATEMENT_BYTES)
    statement = parse_completeness(note.text)
    if all(signature.name != statement.head.origin for signature in note.signatures):
        raise UntrustedNote("The statement is not signed by the log itself.", note=note)
    return statement


# ---- what it holds against ------------------------------------------------------------------------------------------


def check_list(signed: TopicList, ids: Sequence[str]) -> None:
    """Check one list against what the log signed. Raises LeftOut."""
    if len(ids) != signed.size or chain_ids(ids) != signed.digest:
        raise LeftOut(
            f"The list '{signed.topic}' is not the one that the log signed: a record was left out or put in.",
            topic=signed.topic,
            listed=len(ids),
            signed=signed.size,
        )


def check_extends(old: Statement, new: Statement, ids: Mapping[str, Sequence[str]]) -> None:
    """Check that each list of `old` is the beginning of that of `new`, as far as both have one.

    ids: the lists of `new`. Raises LeftOut when these are not what `new` signed, CompletenessError when the statements
    cannot be compared, FalseStatement when the log has taken a record off a list that it had signed.
    """
    if old.head.origin != new.head.origin or old.head.size > new.head.size:
        raise CompletenessError("Statements are compared from an older to a newer one of the same log.")
    before = {one.topic: one for one in old.lists}
    for one in new.lists:
        check_list(one, ids.get(one.topic, ()))
        earlier = before.get(one.topic)
        if earlier and chain_ids(ids[one.topic][: earlier.size]) != earlier.digest:
            raise FalseStatement(
                f"The list '{one.topic}' does not extend the one that the log signed before: keep both statements, "
                "they are signed proof against the operator.",
                topic=one.topic,
            )
