"""Where an interrupted audit stood, kept in a folder: parts that are only ever added, and a head that names them.

A part holds the changes to the custody state since the one before; the head, replaced atomically and durably after the
part is on disk, holds the rest and the digest of every part and of itself. A kill -9 at any moment leaves the last
head and all that it names. The digests find damage, not malice: who can write here can also change the program.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from clients.sdk.errors import LocalError
from clients.sdk.files import make_folder, read_limited, write_atomic

MAX_HEAD: Final = 64 * 1024 * 1024
BLOCK: Final = 1 << 20


class Unusable(LocalError):
    """What was saved cannot be gone on from; the message says why, as the end of a sentence."""


class Journal:
    """The folder of one log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._head = folder / "head.json"
        self._parts: list[dict[str, str]] = []
        self._known: bytes | None = self._content()
        self._run = secrets.token_hex(4)

    def read(self) -> dict[str, Any] | None:
        """What was saved last beside the parts; None when nothing was. Raises Unusable."""
        if self._known is None:
            return None
        try:
            outer = orjson.loads(self._known)
            saved, digest = outer["saved"], outer["sha256"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise Unusable("its head is damaged") from None
        if not isinstance(saved, dict) or _digest(orjson.dumps(saved)) != digest:
            raise Unusable("its head is not what was written")
        return saved

    def take_up(self, saved: dict[str, Any]) -> None:
        """Go on writing after the parts of `read`; all of them are compared with their digests. Raises Unusable."""
        for part in saved["parts"]:
            path = self.folder / part["name"]
            if path.parent != self.folder or not path.is_file() or _digest_file(path) != part["sha256"]:
                raise Unusable(f"{part['name']} is not what was written")
        self._parts = list(saved["parts"])

    def lines(self) -> Iterator[Iterator[bytes]]:
        """The lines of every part that was taken up, part by part."""
        for part in self._parts:
            with (self.folder / part["name"]).open("rb") as stream:
                yield iter(stream)

    def save(self, lines: Iterable[bytes], more: dict[str, Any]) -> None:
        """Write a part and the head after it. Raises LocalError: no space, or another audit that writes here."""
        try:
            if self._content() != self._known:
                raise LocalError(f"Another audit of this log saves to {self.folder}.")
            make_folder(self.folder)
            self._parts.append(self._write_part(lines))
            saved = orjson.loads(orjson.dumps({**more, "parts": self._parts}))  # as it will be read
            content = orjson.dumps({"saved": saved, "sha256": _digest(orjson.dumps(saved))})
            write_atomic(self._head, content)
        except OSError as error:
            raise LocalError(f"Cannot write to {self.folder}: {error.strerror}.") from error
        self._known = content
        self._sweep({part["name"] for part in self._parts})

    def drop(self) -> None:
        """Remove everything: the audit has come to its end."""
        if self.folder.is_dir() and self._content() == self._known:
            self._head.unlink(missing_ok=True)
            self._sweep(set())
            self.folder.rmdir()

    def _content(self) -> bytes | None:
        return read_limited(self._head, MAX_HEAD) if self._head.exists() else None

    def _write_part(self, lines: Iterable[bytes]) -> dict[str, str]:
        name = f"{len(self._parts):06d}-{self._run}.part"
        digest = hashlib.sha256()
        with (self.folder / name).open("wb") as stream:
            for line in lines:
                digest.update(line)
                stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        return {"name": name, "sha256": digest.hexdigest()}

    def _sweep(self, names: set[str]) -> None:
        """Remove parts that no head names: of audits that started over, or were killed between part and head."""
        for path in self.folder.glob("*.part"):
            if path.name not in names:
                path.unlink(missing_ok=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
