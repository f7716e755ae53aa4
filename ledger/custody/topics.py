"""Topics: the lists of records that an operator signs as complete (rules.md, Completeness).

    subject <id>                    every record that moved the subject or is evidence about it
    production <site> <YYYY-MM>     every extract at the site whose period begins in that month
    status <ISO 3166-2>             every site_status attestation about a mine that was registered in the
                                    subdivision when the attestation was logged
    made <site> <YYYY-MM>           every transform that happened at the site in that month
    held <participant> <YYYY-MM>    every record of that month by which a lot first came to the participant:
                                    it made the lot, or the lot was dispatched to it

A correction belongs to the lists `subject`, `production` and `status` of the record that it corrects; one that moves
the period of an extract, to the month that it names as well. Membership follows from the records themselves, in log
order, so that whoever has them can recompute every list: the service, the verifier of a bundle, the audit of the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ledger.custody.vocabulary import ID_PATTERN
from ledger.envelope import Record

_ID: Final = ID_PATTERN.removeprefix("^").removesuffix("$")
_MONTH: Final = r"[0-9]{4}-(?:0[1-9]|1[0-2])"
_TOPIC: Final = re.compile(
    rf"subject {_ID}|status [A-Z]{{2}}-[A-Z0-9]{{1,3}}|(?:production|made|held) {_ID} {_MONTH}", re.ASCII
)
MINE: Final = "mine"


def is_topic(text: str) -> bool:
    """Whether the text is spelt as one of the five kinds of topic."""
    return _TOPIC.fullmatch(text) is not None


def subject_topic(subject: str) -> str:
    """`subject <id>`."""
    return f"subject {subject}"


def production_topic(site: str, month: str) -> str:
    """`production <site> <YYYY-MM>`."""
    return f"production {site} {month}"


def status_topic(subdivision: str) -> str:
    """`status <ISO 3166-2>`."""
    return f"status {subdivision}"


def made_topic(site: str, month: str) -> str:
    """`made <site> <YYYY-MM>`."""
    return f"made {site} {month}"


def held_topic(participant: str, month: str) -> str:
    """`held <participant> <YYYY-MM>`."""
    return f"held {participant} {month}"


def month_of(time: str) -> str:
    """`YYYY-MM` of an RFC 3339 time."""
    return time[:7]


def number_of_month(month: str) -> int:
    """Months since the year 0, for storing and counting."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def format_month(number: int) -> str:
    """The inverse of `number_of_month`."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def production_month(record: Record) -> str:
    """Of an extract: the month in which its period begins."""
    period: dict[str, str] = record.body["period"]
    return month_of(period["from"])


def moved_month(record: Record) -> str:
    """Of a correction that gives an extract another period: the month in which that begins; "" for any other."""
    body = record.body
    period = body["replace"].get("period") if record.type == "correct" and body["type"] == "extract" else None
    return month_of(period["from"]) if period else ""


def is_site_status(record: Record) -> bool:
    """Whether it is an attestation of the status of sites."""
    return record.type == "attest" and record.body["kind"] == "site_status"


def moved_by(record: Record) -> set[str]:
    """The subjects that the record makes or moves."""
    new = _NEW.get(record.type)
    return {*record.prev, *new(record.body)} if new else set(record.prev)


def lots_made(record: Record) -> list[str]:
    """The lots that an extract or a transform brings into being; none for other records."""
    member = _MAKES.get(record.type)
    return [one["id"] for one in record.body[member]] if member else []


_MAKES: Final = {"extract": "lots", "transform": "outputs"}
_NEW: Final[dict[str, Callable[[dict[str, Any]], list[str]]]] = {
    "genesis": lambda body: [body["origin"], body["registrar"]["id"]],
    "participant": lambda body: [body["id"]],
    "site": lambda body: [body["id"]],
    "extract": lambda body: [one["id"] for one in body["lots"]],
    "transform": lambda body: [one["id"] for one in body["outputs"]],
}


def about_of(record: Record) -> list[str]:
    """The subjects that an attestation or incident is about; none for other records."""
    return [one["subject"] for one in record.body["about"]] if record.type in ("attest", "incident") else []


@dataclass(slots=True)
class Topics:
    """The lists of some topics, filled by taking records in log order; costs memory for these topics only.

    lists: topic -> record ids so far. lots: the lots whose every record is taken, None for all: a topic
    `held` counts only these, because which record is the first of a lot cannot be told from a part of them.
    """

    lists: dict[str, list[str]]
    lots: Collection[str] | None = None
    _mines: dict[str, str] = field(default_factory=dict)  # mine -> subdivision, as registered by now
    _sites: set[str] = field(default_factory=set)  # with a topic `production`
    _held: dict[str, set[str]] = field(default_factory=dict)  # participant with a topic `held` -> lots it knows
    _filed: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what a correction of the record belongs to
    _extracted: dict[str, str] = field(default_factory=dict)  # extract at one of `_sites` -> site

    @classmethod
    def of(cls, topics: Iterable[str], lots: Collection[str] | None = None) -> Topics:
        """Empty lists of these topics."""
        found = cls({topic: [] for topic in sorted(topics)}, lots)
        for topic in found.lists:
            kind, name = topic.split(" ")[:2]
            if kind == "production":
                found._sites.add(name)
            elif kind == "held":
                found._held[name] = set()
        return found

    def to_json(self) -> dict[str, Any]:
        """Everything that was taken so far, as JSON."""
        held = {name: sorted(lots) for name, lots in self._held.items()}
        return {
            "lists": self.lists, "mines": self._mines, "held": held, "filed": self._filed, "extracted": self._extracted
        }  # fmt: skip

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `to_json` gave for the same topics."""
        self.lists = saved["lists"]
        self._mines = saved["mines"]
        self._held = {name: set(lots) for name, lots in saved["held"].items()}
        self._filed = {record: tuple(names) for record, names in saved["filed"].items()}
        self._extracted = saved["extracted"]

    def take(self, record: Record) -> list[str]:
        """Put the next record on its lists, which are returned; its body has passed its schema."""
        names = {subject_topic(one) for one in moved_by(record)}
        more = _FILING.get(record.type)
        if more:
            names |= more(self, record)
        found = sorted(names & self.lists.keys())
        for topic in found:
            self.lists[topic].append(record.id)
        return found

    def _file_site(self, record: Record) -> set[str]:
        body = record.body
        if body["kind"] == MINE:
            self._mines[body["id"]] = body["subdivision"]
        else:
            self._mines.pop(body["id"], None)
        return set()

    def _file_extract(self, record: Record) -> set[str]:
        site = record.body["site"]
        if site in self._sites:
            self._extracted[record.id] = site
        produced = self._inherited(record, {production_topic(site, production_month(record))})
        return produced | self._file_held(record, record.iss, lots_made(record))

    def _file_transform(self, record: Record) -> set[str]:
        made = made_topic(record.body["site"], month_of(record.time))
        return {made} | self._file_held(record, record.iss, lots_made(record))

    def _file_dispatch(self, record: Record) -> set[str]:
        lots = record.body["lots"]
        judged = lots if self.lots is None else [one for one in lots if one in self.lots]
        return self._file_held(record, record.body["consignee"], judged)

    def _file_held(self, record: Record, participant: str, lots: list[str]) -> set[str]:
        known = self._held.get(participant)
        if known is None or known.issuperset(lots):
            return set()
        known.update(lots)
        return {held_topic(participant, month_of(record.time))}

    def _file_statement(self, record: Record) -> set[str]:
        about = about_of(record)
        names = {subject_topic(one) for one in about}
        if is_site_status(record):
            names |= {status_topic(self._mines[one]) for one in about if one in self._mines}
        return self._inherited(record, names)

    def _file_correction(self, record: Record) -> set[str]:
        corrected = record.body["record"]
        names = set(self._filed.get(corrected, ()))
        month = moved_month(record)
        if month and corrected in self._extracted:
            names.add(production_topic(self._extracted[corrected], month))
        return names

    def _inherited(self, record: Record, names: set[str]) -> set[str]:
        """The names, remembered for corrections of the record as far as they are asked for."""
        kept = tuple(names & self.lists.keys())
        if kept:
            self._filed[record.id] = kept
        return names


_FILING: Final[dict[str, Callable[[Topics, Record], set[str]]]] = {
    "site": Topics._file_site,
    "extract": Topics._file_extract,
    "transform": Topics._file_transform,
    "dispatch": Topics._file_dispatch,
    "attest": Topics._file_statement,
    "incident": Topics._file_statement,
    "correct": Topics._file_correction,
}
