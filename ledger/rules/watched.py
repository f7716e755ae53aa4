"""The evidence of siblings with one lot in the place of any of them, and a note of what a rule asks of it.

A rule is judged once for all siblings if its ruling can't tell them apart. What tells them apart:

- the id: here a text of its own (`ID`) that can be compared, looked up and put into sentences, where it
  is replaced by the lot's id afterwards; to look into it (its order, its letters) raises `Peeked`
- mineral, quantities, tags, packages, state: `Watch.read` notes each one that is looked at, with its value
- which of the ids in the records that they share is its own: such a text (`_Named`) can be handed on, as it
  is the same for all; to compare it with `ID` is noted with the answer, to look into it raises `Peeked`

A ruling therefore holds for every sibling whose values are those that were noted; where `Peeked`
was raised it holds for none, and the rule is judged on each lot's own evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

from ledger.rules.case import Background
from ledger.rules.facts import Amount, LotFacts

_T = TypeVar("_T")


class Peeked(Exception):
    """A rule looked at what tells siblings apart."""


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise Peeked


_PLUMBING: Final = frozenset(
    ("__new__", "__init__", "__class__", "__getattribute__", "__setattr__", "__delattr__", "__init_subclass__")
)
_OPEN: Final = _PLUMBING | {"__hash__", "__str__"}


class _Id(str):
    """The id of whichever sibling is looked at."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return str(self) if not spec else _refuse()

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return other.is_own() if isinstance(other, _Named) else str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        return True

    def isascii(self) -> bool:
        """All ids are."""
        return True

    def __add__(self, other: str) -> str:
        return str(self) + other

    def __radd__(self, other: str) -> str:
        return other + str(self)


class _Named(str):
    """A text of a shared record that names siblings; as a text it is a mark, `said` is what it stands for."""

    said: str
    watch: Watch

    def is_own(self) -> bool:
        """Whether it is the id of the lot that is looked at."""
        return bool(self.watch.read(f"{_IS}{self.said}"))

    def __hash__(self) -> int:
        return hash(ID)  # so that whoever looks for the lot among such texts has to compare them

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Id):
            return self.is_own()
        return self.said == (other.said if isinstance(other, _Named) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        return True

    def __format__(self, spec: str) -> str:
        return str(self) if not spec else _refuse()


def _close(kind: type[str], kept: frozenset[str]) -> None:
    for name in dir(str):
        if name not in kept and name not in vars(kind) and callable(getattr(str, name)):
            setattr(kind, name, _refuse)


_close(_Id, _OPEN)
_close(_Named, _OPEN)

ID: Final = _Id("\x00lot\x00")
MARK: Final = str(ID)
"""How `ID` shows in a text. What a record itself says in such characters is a mark too, as if it named a sibling."""
MOST_KEPT: Final = 32
"""Results of one name, or findings of one rule, that are kept for lots with the same values."""
_IS: Final = "is "
_SIGN: Final = "\x01"
_SAID: Final = re.compile("\x01([0-9]+)\x01")


class _Noted(NamedTuple):
    reads: dict[str, Any]
    value: Any


class _Values(dict[str, Any]):
    """What is its own of the lot that is looked at, with what follows from it."""

    def __init__(self, watch: Watch, lot: str, own: Mapping[str, Any]) -> None:
        super().__init__(own)
        self._watch, self._lot = watch, lot

    def __missing__(self, name: str) -> Any:
        if name.startswith(_IS):
            return self._lot == name.removeprefix(_IS)
        self[name] = value = self._watch.follow(name)
        return value


@dataclass
class Watch:
    """values: what is its own of the lot that is looked at; kept: results by name, each with what was read for it.

    notes: what was read of the lot, one for each result in the making; said: what the marks of shared texts stand for;
    derived: how small values follow from those of the lot.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    kept: dict[str, list[_Noted]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    derived: dict[str, Callable[[], Any]] = field(default_factory=dict)

    def look_at(self, lot: str, own: Mapping[str, Any]) -> None:
        """Be asked about this lot from now on. own: as `siblings.own_values`."""
        self.values = _Values(self, lot, own)

    def derive(self, name: str, build: Callable[[], _T]) -> _T:
        """A value of which it is noted what it is, not what it follows from."""
        self.derived.setdefault(name, build)
        found: _T = self.read(name)
        return found

    def follow(self, name: str) -> Any:
        """A derived value of this lot, without a note."""
        self.notes.append({})
        try:
            return self.recall(name, self.derived[name])
        finally:
            self.notes.pop()

    def read(self, name: str) -> Any:
        """One of the lot's own values."""
        value = self.notes[-1][name] = self.values[name]
        return value

    def hide(self, text: str) -> str:
        """A mark for a text that names siblings."""
        named = _Named(f"\x01{len(self.said)}\x01")
        named.said, named.watch = text, self
        self.said.append(text)
        return named

    def unveil(self, text: str) -> str:
        """A text with what its marks stand for, but for `MARK`. Raises Peeked when that is not ASCII, as marks are."""
        return _SAID.sub(lambda mark: self._ascii(int(mark[1])), text) if _SIGN in text else text

    def _ascii(self, number: int) -> str:
        return self.said[number] if self.said[number].isascii() else _refuse()

    def recall(self, name: str, build: Callable[[], _T]) -> _T:
        """A result that was made for this lot, or for one with the same values; else it is made.

        What `build` was given besides the evidence has to stand in `name`; where it does not, what was read before
        the result was asked for counts as read for it.
        """
        kept = self.kept.setdefault(name, [])
        for reads, value in kept:
            if all(self.values[one] == read for one, read in reads.items()):
                self.notes[-1].update(reads)
                found: _T = value
                return found
        self.notes.append({})
        try:
            made = build()
        finally:
            reads = self.notes.pop()
            self.notes[-1].update(reads)
        if not _is_named(build, name):
            reads = {key: value for note in self.notes for key, value in note.items()}
        if len(kept) < MOST_KEPT:
            kept.append(_Noted(reads, made))
        return made


def _is_named(build: Callable[[], Any], name: str) -> bool:
    """Whether the name holds every text and number that the function carries with it."""
    given = getattr(build, "args", ()) or [cell.cell_contents for cell in getattr(build, "__closure__", None) or ()]
    return all(str(one) in name for one in given if one is None or isinstance(one, (str, int, Fraction)))


class _OwnAmount(Amount):
    """A quantity of the lot that is looked at."""

    _watch: Watch
    _name: str

    @property
    def mass(self) -> str:
        return str(self._watch.read(f"{self._name}.mass"))

    @property
    def moisture(self) -> str:
        return str(self._watch.read(f"{self._name}.moisture"))

    @property
    def assay(self) -> dict[str, str]:
        assay: dict[str, str] = self._watch.read(f"{self._name}.assay")
        return assay

    def _all(self) -> Amount:
        return Amount(self.mass, self.moisture, self.assay)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return self._all() == (other._all() if isinstance(other, _OwnAmount) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]  # as what is to be looked up, it would be looked at


for _name in dir(tuple):
    if _name not in (*_PLUMBING, *vars(_OwnAmount)) and callable(getattr(tuple, _name)):
        setattr(_OwnAmount, _name, _refuse)
_OwnAmount._replace = _OwnAmount._asdict = _refuse  # type: ignore[method-assign]


def own_amount(watch: Watch, name: str) -> _OwnAmount:
    """The amount `name` of the lot itself: each part that a rule reads is noted by the watch."""
    made = tuple.__new__(_OwnAmount, (None, None, None))
    made._watch, made._name = watch, name
    return made


class OwnLot(LotFacts):
    """The lot that is looked at. Members are those of `LotFacts`, answered by `_member`."""

    def __init__(self, watch: Watch, shared: dict[str, Any]) -> None:
        self._watch = watch
        self._shared = shared

    def _member(self, name: str) -> Any:
        shared = self._shared
        return shared[name] if name in shared else self._watch.read(name)


def _answered(name: str) -> property:
    return property(lambda lot: lot._member(name))


for _field in fields(LotFacts):
    setattr(OwnLot, _field.name, _answered(_field.name))


@dataclass(frozen=True)
class WatchedBackground(Background):
    """Where results are kept for all siblings with the same values."""

    watch: Watch = field(default_factory=Watch)

    def once(self, name: str, build: Callable[[], _T]) -> _T:
        """A result that several rules need."""
        return self.watch.recall(name, build)

    def derive(self, name: str, build: Callable[[], _T]) -> _T:
        """A small value that follows from a larger one."""
        return self.watch.derive(name, build)
