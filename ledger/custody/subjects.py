"""What the custody rules know of each subject: the values that records move from head to head.

Subjects share one namespace of ids: participants, sites, lots, and the log itself under its
origin. All values are immutable and JSON-compatible; masses stay the decimal strings that were
signed. Nothing here decides anything.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias


class LogHead(NamedTuple):
    """The log as a subject: moved by `genesis` and `policy`."""

    id: str
    head: str
    time: str
    policy: dict[str, Any]


class Participant(NamedTuple):
    """An enrolled participant; `keys` are the thumbprints of its active keys."""

    id: str
    head: str
    time: str
    country: str
    roles: tuple[str, ...]
    status: str
    keys: tuple[str, ...]
    identifiers: dict[str, str]


class Site(NamedTuple):
    """A registered place."""

    id: str
    head: str
    time: str
    kind: str
    operator: str
    country: str
    subdivision: str
    status: str
    minerals: tuple[str, ...]


class Dispatched(NamedTuple):
    """The quantity of a lot as its consignor handed it over."""

    mass: str
    moisture: str
    assay: dict[str, str]


class Lot(NamedTuple):
    """A lot: who holds it, what it weighs, how much of it is left.

    status: `held`, `in_transit` (custodian is still the consignor), `disputed` (custodian is the
    consignee, `consignor` must settle), `closed`. mass, left: wet, in kg; moisture in %; assay in %
    of dry mass. sent: what was dispatched, while the lot is disputed. generation: 0 for an
    extracted lot, one more than the highest of its inputs for a transformed one.
    """

    id: str
    head: str
    time: str
    mineral: str
    status: str
    custodian: str
    site: str
    mass: str
    moisture: str
    assay: dict[str, str]
    left: str
    tags: tuple[str, ...]
    model: str
    generation: int
    consignor: str = ""
    consignee: str = ""
    destination: str = ""
    sent: Dispatched | None = None


class KeyState(NamedTuple):
    """A key that was ever enrolled; `valid_from` is a time or "" for at once."""

    kid: str
    participant: str
    jwk: dict[str, str]
    valid_from: str
    revoked: bool


class RecordFacts(NamedTuple):
    """What later records may ask of an earlier one; `subjects` are those it moved or made."""

    type: str
    issuer: str
    subjects: tuple[str, ...]


class Edge(NamedTuple):
    """Material that a transform took from `parent` for `child`: wet kg, with the parent's quality then."""

    parent: str
    child: str
    mass: str
    moisture: str
    assay: dict[str, str]


Subject: TypeAlias = LogHead | Participant | Site | Lot
_KINDS: Final[dict[str, type[Subject]]] = {"log": LogHead, "participant": Participant, "site": Site, "lot": Lot}
_NAMES: Final = {cls: kind for kind, cls in _KINDS.items()}


def kind_of(subject: Subject) -> str:
    """`log`, `participant`, `site` or `lot`."""
    return _NAMES[type(subject)]


def format_subject(subject: Subject) -> dict[str, Any]:
    """A subject as a JSON object; `subject` says of which kind it is."""
    return {"subject": _NAMES[type(subject)], **{k: _plain(v) for k, v in subject._asdict().items()}}


def parse_subject(value: dict[str, Any]) -> Subject:
    """The inverse of `format_subject`, for values that this program stored itself."""
    members: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in value.items() if k != "subject"}
    if members.get("sent"):
        members["sent"] = Dispatched(**members["sent"])
    return _KINDS[value["subject"]](**members)


def _plain(value: Any) -> Any:
    if isinstance(value, Dispatched):
        return value._asdict()
    return list(value) if isinstance(value, tuple) else value
