"""Where an audit reads a log from: an exported folder, or any server that speaks C2SP tlog-tiles.

Both hold the same files: `checkpoint`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`. Anchors that a log publishes
are listed beside them in `anchors/index.json`, or by a service under `/v1/anchors`. Nothing read here is trusted; a
file that is absent, too large or out of reach is a `ClientError` that the audit reports.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote

import httpx

from clients.sdk.errors import LocalError, Misbehaviour, NotAuthorised, NotFound
from clients.sdk.files import read_limited
from clients.sdk.transport import Retries, Transport
from ledger.log.merkle import HASH_SIZE
from ledger.log.tiles import ENTRIES, MAX_ENTRY_BYTES, WIDTH, format_bundle, parse_bundle, tile_path

MAX_CHECKPOINT = 1_000_000
MAX_TILE = WIDTH * HASH_SIZE
MAX_ENTRIES_FILE = WIDTH * (2 + MAX_ENTRY_BYTES)
MAX_ANCHOR = 1_000_000
MAX_INDEX = 20_000_000
MOST_ANCHORS = 100_000  # one an hour for eleven years
INDEX: Final = "anchors/index.json"
SUFFIXES: Final = {"ethereum": "anchor.json", "file": "checkpoint"}


class Listed(NamedTuple):
    """An anchor that a log publishes: sink, and entries of the anchored checkpoint."""

    sink: str
    size: int

    @property
    def path(self) -> str:
        """Where files have it, below the log."""
        return f"anchors/{self.sink}/{self.size}.{SUFFIXES[self.sink]}"


class Place(NamedTuple):
    """Where another process finds the same files. name: folder or address; prefix: of a log's paths below the address;
    headers: pairs to be let in with, for some minutes."""

    name: str
    prefix: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Source(Protocol):
    """A log's files. `parallel`: how many files are worth fetching at the same time."""

    name: str
    parallel: int

    def read(self, path: str, limit: int) -> bytes:
        """The file at `path`, at most `limit` bytes; raises ClientError, `NotFound` when there is none."""
        ...

    def list_anchors(self) -> list[Listed]:
        """Anchors whose evidence the log publishes, asked after `checkpoint`. Raises ClientError, never NotFound."""
        ...

    def read_anchor(self, listed: Listed) -> bytes:
        """The evidence of one of them. Raises ClientError."""
        ...

    def place(self) -> Place:
        """Where it is, for other processes; asked after `checkpoint` was read."""
        ...

    def admit(self, headers: Mapping[str, str]) -> None:
        """Show these headers from now on."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class FolderSource:
    """A static copy of a log, as a service publishes it and `lodeline-server export` writes it."""

    parallel = 1

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        nested = folder / "log"
        self._folder = nested if not (folder / "checkpoint").exists() and (nested / "checkpoint").exists() else folder
        if not self._folder.is_dir():
            raise LocalError(f"{folder} is not a folder: give the folder that the export was written to.")

    def read(self, path: str, limit: int) -> bytes:
        """The file below the folder."""
        file = self._folder / path
        if not file.is_file():
            raise NotFound(f"{self.name} has no file {path}.", path=path)
        return read_limited(file, limit)

    def list_anchors(self) -> list[Listed]:
        """Those of the folder's index."""
        try:
            return parse_index(self.read(INDEX, MAX_INDEX))
        except NotFound:
            return []

    def read_anchor(self, listed: Listed) -> bytes:
        """The file beside the index."""
        return self.read(listed.path, MAX_ANCHOR)

    def place(self) -> Place:
        """The folder, which other machines must see under the same name."""
        return Place(str(self._folder.resolve()))

    def admit(self, headers: Mapping[str, str]) -> None:
        """A folder asks for none."""

    def close(self) -> None:
        """Nothing is held open."""


class UrlSource:
    """A log served over HTTP; `url` is the service's address, or the prefix that its `checkpoint` is below.

    headers: called for each request, for logs whose entries are for members only.
    """

    parallel = 8

    def __init__(
        self,
        url: str,
        *,
        headers: Callable[[], Mapping[str, str]] = dict,
        http: httpx.Client | None = None,
        retries: Retries | None = None,
        prefix: str = "",
    ) -> None:
        self.name = url
        self._transport = Transport(url, http=http, retries=retries)
        self._headers = headers
        self._prefix = prefix
        self._serves_anchors = False

    def read(self, path: str, limit: int) -> bytes:
        """The file below the address; a service has its log under `/log`."""
        if path != "checkpoint":
            return self._get(f"{self._prefix}/{path}", limit)
        try:
            content = self._get("/log/checkpoint", limit)
            self._prefix = "/log"
        except (NotFound, NotAuthorised):  # a bucket may hide what it has not
            content = self._get("/checkpoint", limit)
            self._prefix = ""
        return content

    def list_anchors(self) -> list[Listed]:
        """Those of the index beside the log, else as a service lists them; a store may hide what it has not (403).

        The index first: files beside a service may be a little behind it, and its list then ahead of their checkpoint.
        """
        try:
            return parse_index(self._get(f"{self._prefix}/{INDEX}", MAX_INDEX))
        except (NotFound, NotAuthorised):
            if not self._prefix:
                return []
        try:
            found = self._list_served()
        except (NotFound, NotAuthorised):  # a server of files
            return []
        self._serves_anchors = True
        return found

    def read_anchor(self, listed: Listed) -> bytes:
        """From where it was listed."""
        if self._serves_anchors:
            return self._get(f"/v1/anchors/{listed.sink}/{listed.size}", MAX_ANCHOR)
        return self.read(listed.path, MAX_ANCHOR)

    def _list_served(self) -> list[Listed]:
        found: list[Listed] = []
        cursor: Any = None
        while len(found) <= MOST_ANCHORS:
            where = f"&cursor={quote(str(cursor))}" if cursor else ""
            page = _parse(self._get(f"/v1/anchors?limit=100{where}", MAX_INDEX))
            items = page.get("items")
            if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
                raise Misbehaviour("The service's list of anchors has another form.")
            found += _listed([one for one in items if one.get("evidence") is True])
            cursor = page.get("next")
            if not cursor or not items:
                return found
        raise Misbehaviour(f"The service lists more than {MOST_ANCHORS} anchors.", limit=MOST_ANCHORS)

    def place(self) -> Place:
        """The address, with what lets in at this moment."""
        return Place(self.name, self._prefix, tuple(self._headers().items()))

    def admit(self, headers: Mapping[str, str]) -> None:
        """In place of what it showed before."""
        self._headers = lambda: headers

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _get(self, path: str, limit: int) -> bytes:
        return self._transport.send("GET", path, headers=self._headers, limit=limit).content


def open_source(place: str, *, headers: Callable[[], Mapping[str, str]] = dict) -> Source:
    """The source that an address or a folder name stands for."""
    if place.startswith(("http://", "https://")):
        return UrlSource(place, headers=headers)
    return FolderSource(Path(place))


def open_place(place: Place) -> Source:
    """The source at a place that another process told."""
    if not place.name.startswith(("http://", "https://")):
        return FolderSource(Path(place.name))
    return UrlSource(place.name, headers=lambda: dict(place.headers), prefix=place.prefix)


def parse_index(content: bytes) -> list[Listed]:
    """The anchors of an index: `{"anchors": [{"sink": .., "size": ..}, ..]}`. Raises Misbehaviour."""
    return _listed(_parse(content).get("anchors"))


def _parse(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Misbehaviour("The log's list of anchors is no JSON object.")
    return value


def _listed(items: Any) -> list[Listed]:
    """Sinks and sizes of a list; those of sinks that this version does not know are left out. Raises Misbehaviour."""
    if not isinstance(items, list) or len(items) > MOST_ANCHORS:
        raise Misbehaviour("The log's list of anchors has another form.")
    found = []
    for one in items:
        sink, size = (one.get("sink"), one.get("size")) if isinstance(one, dict) else (None, None)
        if not isinstance(sink, str) or not isinstance(size, int) or not 0 < size < 2**63:
            raise Misbehaviour("The log's list of anchors has another form.")
        if sink in SUFFIXES:
            found.append(Listed(sink, size))
    return found


def read_tile(source: Source, level: int, n: int, width: int) -> bytes:
    """Hash tile or bundle of entries with the first `width` of its content.

    A log drops partial tiles once the full one exists (C2SP tlog-tiles): then the full one is read and cut.
    Raises ClientError, or TileError for a full bundle that is not one.
    """
    limit = MAX_ENTRIES_FILE if level == ENTRIES else MAX_TILE
    try:
        return source.read(tile_path(level, n, width), limit)
    except NotFound:
        if width == WIDTH:
            raise
    full = source.read(tile_path(level, n), limit)
    if level == ENTRIES:
        return format_bundle(parse_bundle(full, WIDTH)[:width])
    return full[: width * HASH_SIZE]
