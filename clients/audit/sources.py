"""Where an audit reads a log from: an exported folder, or any server that speaks C2SP tlog-tiles.

Both hold the same files: `checkpoint`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`. Nothing read here is
trusted; a file that is absent, too large or out of reach is a `ClientError` that the audit reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import httpx

from clients.sdk.errors import LocalError, NotFound
from clients.sdk.files import read_limited
from clients.sdk.transport import Retries, Transport
from ledger.log.merkle import HASH_SIZE
from ledger.log.tiles import ENTRIES, MAX_ENTRY_BYTES, WIDTH, format_bundle, parse_bundle, tile_path

MAX_CHECKPOINT = 1_000_000
MAX_TILE = WIDTH * HASH_SIZE
MAX_ENTRIES_FILE = WIDTH * (2 + MAX_ENTRY_BYTES)


class Source(Protocol):
    """A log's files. `parallel`: how many files are worth fetching at the same time."""

    name: str
    parallel: int

    def read(self, path: str, limit: int) -> bytes:
        """The file at `path`, at most `limit` bytes; raises ClientError, `NotFound` when there is none."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class FolderSource:
    """A static copy of a log, as `lodeline-server export` writes it."""

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
    ) -> None:
        self.name = url
        self._transport = Transport(url, http=http, retries=retries)
        self._headers = headers
        self._prefix = ""

    def read(self, path: str, limit: int) -> bytes:
        """The file below the address; a service has its log under `/log`."""
        if path != "checkpoint":
            return self._get(f"{self._prefix}/{path}", limit)
        try:
            content = self._get("/log/checkpoint", limit)
            self._prefix = "/log"
        except NotFound:
            content = self._get("/checkpoint", limit)
            self._prefix = ""
        return content

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
