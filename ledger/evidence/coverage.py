"""Whether a bundle holds every record that its log says there is: the check `completeness` of `verify`.

1. the statement is signed by the log, for this checkpoint and this subject; 2. each list of the bundle is the one that
it commits to; 3. it has every list that the records shown demand (`closure.demand_topics`); 4. every record listed is
in the bundle, in full or by its hash; 5. so is the registration of every site whose status is listed; 6. every record
shown stands on each list that it belongs to. A record that is there by its hash only is taken for the one that it is
said to be: rules treat what is withheld as unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ledger.custody.replay import parents_of, upstream_of
from ledger.custody.topics import Topics, is_site_status, subject_topic
from ledger.envelope import Record
from ledger.errors import CompletenessError, FalseStatement, LedgerError, LeftOut
from ledger.evidence.bundle import Bundle
from ledger.evidence.closure import begun_lots, demand_topics
from ledger.evidence.completeness import Statement, check_list, open_completeness
from ledger.log.checkpoint import Checkpoint
from ledger.log.note import Verifier

Found = tuple[LedgerError, str]
"""What is wrong, and the id of the record that it is about ("" for none)."""


def kind_of_subject(subject: str, records: Iterable[Record]) -> str:
    """`site` or `participant` when a record registers the subject as one, else `lot`."""
    for record in records:
        if record.type in ("site", "participant") and record.body["id"] == subject:
            return record.type
        if record.type == "genesis" and record.body["registrar"]["id"] == subject:
            return "participant"
    return "lot"


def lots_of(bundle: Bundle, records: Sequence[Record]) -> frozenset[str]:
    """The lots that the bundle is about, and all upstream of them; records: those shown, in log order."""
    roots = {bundle.subject}
    if kind_of_subject(bundle.subject, records) != "lot":
        roots = begun_lots(bundle.subject, bundle.completeness.topics, {record.id: record for record in records})
    return upstream_of(roots, parents_of(records))


def find_gaps(
    bundle: Bundle,
    head: Checkpoint,
    verifiers: Iterable[Verifier],
    *,
    lots: Collection[str],
    records: Sequence[Record],
    hidden: Collection[str],
) -> Iterator[Found]:
    """Everything that keeps the bundle from being complete.

    head: of the bundle's checkpoint; verifiers: of its log; lots: as `lots_of` says; records: those shown, in log
    order; hidden: ids of those shown by hash only.
    """
    lists = bundle.completeness.topics
    try:
        statement = open_completeness(bundle.completeness.note, verifiers)
        _check_about(statement, head, bundle.subject)
    except LedgerError as error:
        yield error, ""
        return
    sound = set()
    for one in statement.lists:
        try:
            check_list(one, lists.get(one.topic, ()))
        except LedgerError as error:
            yield error, ""
        else:
            sound.add(one.topic)
    for topic in sorted((lists.keys() | demand_topics(bundle.subject, lots, records)) - set(statement.topics)):
        yield LeftOut(f"The log's statement does not cover '{topic}'.", topic=topic), ""
    known = {record.id for record in records}.union(hidden)
    yield from _find_left_out(lists, known)
    yield from _find_unregistered(records, known.union(*lists.values()))
    yield from _find_unlisted(lists, sound, lots, records)


def _check_about(statement: Statement, head: Checkpoint, subject: str) -> None:
    if statement.head != head:
        raise CompletenessError(
            "The statement of completeness is for another checkpoint.", size=statement.head.size, expected=head.size
        )
    if statement.subject != subject:
        raise CompletenessError(f"The statement of completeness is about '{statement.subject}'.", expected=subject)


def _find_left_out(lists: Mapping[str, Sequence[str]], known: Collection[str]) -> Iterator[Found]:
    named: set[str] = set()
    for topic in sorted(lists):
        for record in lists[topic]:
            if record not in known and record not in named:
                named.add(record)
                message = f"Record {record} of '{topic}' is left out, though the log says that it is there."
                yield LeftOut(message, topic=topic, record=record), record


def _find_unregistered(records: Sequence[Record], known: Collection[str]) -> Iterator[Found]:
    """What a site status says is of use only with the record that registers the site: where it is, and whose."""
    for record in records:
        for about in record.body["about"] if is_site_status(record) else ():
            if about["record"] not in known:
                message = f"Record {about['record']} of '{about['subject']}', whose status is shown, is left out."
                yield LeftOut(message, topic=subject_topic(about["subject"]), record=about["record"]), about["record"]


def _find_unlisted(
    lists: Mapping[str, Sequence[str]], sound: Collection[str], lots: Collection[str], records: Sequence[Record]
) -> Iterator[Found]:
    """Records that belong on a list which the log signed without them."""
    topics = Topics.of(sound, lots)
    for record in records:
        topics.take(record)
    for topic, ids in topics.lists.items():
        for record_id in sorted(set(ids).difference(lists.get(topic, ()))):
            message = (
                f"The log signed the list '{topic}' without record {record_id}, which belongs on it by what is shown: "
                "audit the log with this bundle, whose statement is then signed proof against the operator."
            )
            yield FalseStatement(message, topic=topic, record=record_id), record_id
