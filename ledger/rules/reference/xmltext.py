"""Reading foreign XML record by record, without anything that can hurt: expat, no DTD, no entities, bounded.

A record is a small tree of `Node`s with local names (namespaces are dropped: publishers change them).
A document type declaration is refused before any entity can be declared or fetched, so neither the
billion laughs nor an external entity gets that far; depth, elements and text have limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn
from xml.parsers import expat

from ledger.errors import SnapshotError
from ledger.rules.reference.limits import MAX_DEPTH, MAX_ELEMENTS, MAX_TEXT, check_file, check_limit


class Node:
    """An element: local name, attributes by local name, its own text, and the elements in it."""

    __slots__ = ("attributes", "children", "name", "pieces")

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name = name
        self.attributes: Final = attributes
        self.pieces: list[str] = []
        self.children: list[Node] = []

    @property
    def text(self) -> str:
        """Its own text, with white space collapsed."""
        return " ".join("".join(self.pieces).split())

    def all(self, *path: str) -> Iterator[Node]:
        """The elements at a path of names below this one."""
        level = [self]
        for name in path:
            level = [child for node in level for child in node.children if child.name == name]
        return iter(level)

    def first(self, *path: str) -> str:
        """Text of the first element at a path that has some; "" when there is none."""
        return next((node.text for node in self.all(*path) if node.text), "")

    def texts(self, *path: str) -> tuple[str, ...]:
        """Texts of the elements at a path, without empty ones."""
        return tuple(node.text for node in self.all(*path) if node.text)


class _Reader:
    """Callbacks of expat. Only records are kept as trees, and only until they have been taken."""

    def __init__(self, root: str, records: frozenset[str], take: Callable[[Node], None]) -> None:
        self.root, self.records, self.take = root, records, take
        self.path: list[Node] = []
        self.depth = self.elements = self.length = 0
        self.head: Mapping[str, str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins. Raises SnapshotError for another root, TooLarge."""
        name = _local(tag)
        self.depth += 1
        self.elements += 1
        check_limit("elements inside one another", self.depth, MAX_DEPTH)
        check_limit("elements", self.elements, MAX_ELEMENTS)
        if self.head is None:
            if name != self.root:
                raise SnapshotError(f"The file begins with <{name[:60]}>, expected is <{self.root}>.")
            self.head = _local_names(attributes)
        elif self.path or name in self.records:
            node = Node(name, _local_names(attributes))
            if self.path:
                self.path[-1].children.append(node)
            self.path.append(node)
            self.length = 0

    def text(self, data: str) -> None:
        """A piece of the text of a record's element. Raises TooLarge."""
        if self.path:
            self.length += len(data)
            check_limit("characters of one value", self.length, MAX_TEXT)
            self.path[-1].pieces.append(data)

    def end(self, _tag: str) -> None:
        """An element ends; a record that is whole is taken. Raises what `take` raises."""
        self.depth -= 1
        if self.path:
            node = self.path.pop()
            if not self.path:
                self.take(node)


def read_xml(raw: bytes, root: str, records: frozenset[str], take: Callable[[Node], None]) -> Mapping[str, str]:
    """Call `take` with every element that a name of `records` has, in order; returns the root's attributes.

    Raises SnapshotError (not XML, another root, a DTD), TooLarge, and what `take` raises.
    """
    check_file(raw)
    reader = _Reader(root, records, take)
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.CharacterDataHandler = reader.text
    parser.EndElementHandler = reader.end
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise SnapshotError(f"This is not whole XML: {reason} (line {error.lineno}).", line=error.lineno) from None
    except (LookupError, ValueError):  # an encoding that no codec or no single-byte table knows
        raise SnapshotError("The file declares an encoding that is not known: store it as UTF-8.") from None
    return reader.head or {}


def _refuse_doctype(*_declared: Any) -> NoReturn:
    raise SnapshotError("The file declares a document type, which could declare entities: such files are not read.")


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _local_names(attributes: Mapping[str, str]) -> Mapping[str, str]:
    for value in attributes.values():
        check_limit("characters of one value", len(value), MAX_TEXT)
    return {_local(name): value for name, value in attributes.items()}
