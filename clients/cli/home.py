"""The home folder ($LODELINE_HOME or ~/.lodeline): who one is, which service, keys, queue, evidence.

config.toml     url of the service, participant id, kid of the key that signs
log.toml        the pinned log            keys/        private keys (0600)
checkpoint      last one verified         evidence/    entry, receipt and disclosures of own records
queue.db        the offline queue
"""

from __future__ import annotations

import getpass
import json
import os
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients.sdk.errors import LocalError
from clients.sdk.files import read_limited, write_atomic

if TYPE_CHECKING:
    from clients.sdk.client import LodelineClient
    from clients.sdk.keystore import KeyStore
    from clients.sdk.queue import OfflineQueue
    from clients.sdk.transport import Retries
    from ledger.keys import PrivateKey


@dataclass(frozen=True, slots=True)
class Config:
    """What config.toml holds; "" for what is not set yet."""

    url: str = ""
    participant: str = ""
    key: str = ""


def home_folder() -> Path:
    """$LODELINE_HOME, or ~/.lodeline."""
    return Path(os.environ.get("LODELINE_HOME") or Path.home() / ".lodeline")


def ask_passphrase(kid: str) -> str:
    """The passphrase of a key: $LODELINE_PASSPHRASE, else asked for at the terminal."""
    given = os.environ.get("LODELINE_PASSPHRASE")
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise LocalError(f"The key {kid} has a passphrase: set LODELINE_PASSPHRASE, or run this at a terminal.")
    return getpass.getpass(f"Passphrase of key {kid[:12]}: ")


def read_retries() -> Retries:
    """How often to try: $LODELINE_TRIES times (6 if it is not set) before the network counts as down."""
    from clients.sdk.transport import Retries

    text = os.environ.get("LODELINE_TRIES", "6")
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise LocalError(f"LODELINE_TRIES must be a number from 1 to 100, not {text!r}.")
    return Retries(attempts=int(text))


class Home:
    """One home folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or home_folder()

    @property
    def config_path(self) -> Path:
        """Where the configuration is."""
        return self.folder / "config.toml"

    def config(self) -> Config:
        """The configuration; LocalError when there is none yet or it is damaged."""
        if not self.config_path.exists():
            raise LocalError(f"{self.folder} is not set up: run `lodeline init URL --participant ID` first.")
        try:
            members: dict[str, Any] = tomllib.loads(read_limited(self.config_path, 10_000).decode())
            return Config(**{name: str(value) for name, value in members.items()})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError) as error:
            raise LocalError(f"{self.config_path} is damaged ({error}): correct it or run `lodeline init`.") from error

    def save(self, config: Config) -> None:
        """Write the configuration; JSON strings are TOML strings too."""
        lines = [f"{name} = {json.dumps(getattr(config, name))}\n" for name in ("url", "participant", "key")]
        write_atomic(self.config_path, "".join(lines).encode())

    def use_key(self, kid: str) -> None:
        """Sign with this key from now on."""
        self.save(replace(self.config(), key=kid))

    @property
    def keys(self) -> KeyStore:
        """The key files."""
        from clients.sdk.keystore import KeyStore

        return KeyStore(self.folder / "keys")

    def private_key(self) -> PrivateKey:
        """The key that signs; LocalError when there is none yet."""
        kid = self.config().key
        if not kid:
            raise LocalError("There is no key to sign with: run `lodeline key new`.")
        return self.keys.load(kid, ask_passphrase)

    @contextmanager
    def client(self, *, signing: bool = True) -> Iterator[LodelineClient]:
        """A client of the configured service. signing: load the key (otherwise only what is public can be read)."""
        from clients.sdk.client import LodelineClient

        config = self.config()
        key = self.private_key() if signing else None
        settings: dict[str, Any] = {"key": key, "participant": config.participant, "store": self.folder}
        with LodelineClient(config.url, retries=read_retries(), **settings) as client:
            yield client

    @contextmanager
    def queue(self) -> Iterator[OfflineQueue]:
        """The offline queue."""
        from clients.sdk.queue import OfflineQueue

        queue = OfflineQueue(self.folder / "queue.db")
        try:
            yield queue
        finally:
            queue.close()
