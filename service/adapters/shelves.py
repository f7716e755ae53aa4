"""Where a log is published as files: a folder of this machine, or an S3-compatible bucket.

Both replace a file whole: whoever reads meanwhile has the old one or the new one. A bucket keeps the type and the
`Cache-Control` of each file and answers with them; for a folder the web server in front sets them. The bucket's
credentials are found the way boto3 finds them: AWS_ACCESS_KEY_ID and so on, a profile, or the machine's role.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from service.config import Settings, SettingsError

SECONDS = 30


class ShelfError(Exception):
    """The folder or bucket could not be read or written; the message says which and why."""


class Shelf(Protocol):
    """Files by path. name: for messages; parallel: how many files are worth writing at the same time."""

    name: str
    parallel: int

    def read(self, path: str) -> bytes | None:
        """The file, None without one. Raises ShelfError."""
        ...

    def write(self, path: str, data: bytes, *, media: str, cache: str) -> None:
        """Put a file there, durably. media, cache: its Content-Type and Cache-Control. Raises ShelfError."""
        ...


class FolderShelf:
    """A folder, made when something is first written."""

    parallel = 1

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def read(self, path: str) -> bytes | None:
        """The file below the folder."""
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ShelfError(f"{self.name} cannot be read: {error}.") from error

    def write(self, path: str, data: bytes, *, media: str, cache: str) -> None:
        """Beside its place, under a name of this process, and renamed into it once it is on the disk."""
        file = self._folder / path
        fresh = file.with_name(f".{file.name}.{os.getpid()}.new")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            fresh.replace(file)
        except OSError as error:
            raise ShelfError(f"{self.name} cannot be written: {error}.") from error


class BucketShelf:
    """Objects of a bucket below a prefix. endpoint: of a server that is not Amazon's, "" for theirs."""

    parallel = 8  # a put is mostly waiting

    def __init__(self, bucket: str, prefix: str = "", *, endpoint: str = "") -> None:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as error:
            raise SettingsError("Publishing to a bucket needs boto3: install `lodeline[s3]`.") from error
        self.name = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/".lstrip("/")
        self._failures = (BotoCoreError, ClientError)
        patience = Config(
            connect_timeout=SECONDS,
            read_timeout=SECONDS,
            retries={"mode": "standard"},
            max_pool_connections=self.parallel,
        )
        self._client: Any = boto3.client("s3", endpoint_url=endpoint or None, config=patience)

    def read(self, path: str) -> bytes | None:
        """The object."""
        try:
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=self._prefix + path)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        except self._failures as error:
            raise ShelfError(f"{self.name} cannot be read: {error}.") from error
        return content

    def write(self, path: str, data: bytes, *, media: str, cache: str) -> None:
        """The object with its type and how long it may be cached."""
        key = self._prefix + path
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=media, CacheControl=cache)
        except self._failures as error:
            raise ShelfError(f"{self.name} cannot be written: {error}.") from error


def make_shelf(settings: Settings) -> Shelf | None:
    """The one that `LODELINE_PUBLISH` names, None without one. Raises SettingsError."""
    place = settings.publish.strip()
    if not place:
        return None
    if "://" not in place:
        return FolderShelf(Path(place))
    parts = urlsplit(place)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise SettingsError(f"LODELINE_PUBLISH must be a folder or s3://bucket/prefix, but is {place}.")
    return BucketShelf(parts.netloc, parts.path.strip("/"), endpoint=settings.publish_endpoint)
