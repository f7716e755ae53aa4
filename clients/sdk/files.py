"""Files that must be whole or not there: written beside, fsynced, renamed; secrets readable by their owner only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from clients.sdk.errors import LocalError

SECRET = 0o600
SHARED = 0o644


def make_folder(path: Path) -> None:
    """Make a folder with its parents; only the owner may enter."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LocalError(f"Cannot make the folder {path}: {error.strerror}.") from error


def write_atomic(path: Path, content: bytes, *, mode: int = SHARED, replace: bool = True, durable: bool = True) -> None:
    """Write all of `content` or nothing; with `replace=False` an existing file is refused.

    durable: file and folder entry are fsynced, so that a power cut after the return cannot undo it.
    """
    make_folder(path.parent)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                if durable:
                    os.fsync(stream.fileno())
            os.chmod(temporary, mode)
            _put(temporary, path, replace)
        except BaseException:
            os.unlink(temporary)
            raise
        if durable:
            _sync_folder(path.parent)
    except FileExistsError as error:
        raise LocalError(f"{path} exists already: choose another name or remove it first.") from error
    except OSError as error:
        raise LocalError(f"Cannot write {path}: {error.strerror}.") from error


def _put(temporary: str, path: Path, replace: bool) -> None:
    if replace:
        os.replace(temporary, path)
    else:
        os.link(temporary, path)  # fails when the name is taken, which rename does not
        os.unlink(temporary)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_limited(path: Path, limit: int) -> bytes:
    """The content of a file of at most `limit` bytes; says what is wrong when it cannot be read."""
    try:
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise LocalError(f"Cannot read {path}: {error.strerror}.") from error
    if len(content) > limit:
        raise LocalError(f"{path} is larger than {limit} bytes, the limit for this kind of file.")
    return content
