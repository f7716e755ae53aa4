"""Every setting of the service in one place, each from one environment variable.

`Settings.from_environment()` reads `LODELINE_*`; nothing else in the service looks at the
environment. Limits stand here and refuse early. Secrets are never settings: the log's key is a
file, named here and read once by `service.bootstrap`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

PREFIX: Final = "LODELINE_"
_PATHS: Final = frozenset({"state", "key", "verifier_key", "packs", "witnesses"})


class SettingsError(Exception):
    """A setting is malformed; the message names the variable and says what it should look like."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request, batch, queue or answer may hold."""

    batch_records: int = 10_000
    batch_bytes: int = 64 * 1024 * 1024
    queue_records: int = 20_480
    commit_records: int = 1_024
    page_items: int = 200
    graph_depth: int = 50
    graph_nodes: int = 20_000
    origin_lots: int = 100_000
    bundle_records: int = 5_000
    request_seconds: float = 30.0
    token_seconds: int = 300


@dataclass(frozen=True, slots=True)
class Settings:
    """database: SQLAlchemy URL ("" = SQLite in `state`); state: folder for what lives outside the
    database; key: the log's signing key; verifier_key: that of verdicts; packs: folder with the
    operator's own rule packs; workers: processes that check batches (0 = inline)."""

    state: Path = Path(".lodeline")
    database: str = ""
    key: Path | None = None
    verifier_key: Path | None = None
    packs: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    witnesses: Path | None = None
    log_level: str = "info"
    witness_seconds: float = 10.0
    cors_origins: str = ""
    limits: Limits = Limits()

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL: as given, or the SQLite file in the state folder."""
        return self.database or f"sqlite:///{self.state / 'lodeline.db'}"

    @property
    def key_file(self) -> Path:
        """File with the log's private key, readable by the service only."""
        return self.key or self.state / "log.key"

    @property
    def verifier_key_file(self) -> Path:
        """File with the private key that signs verdicts: made at the first start, certified by the log's key."""
        return self.verifier_key or self.state / "verifier.key"

    @property
    def checkpoint_file(self) -> Path:
        """File of signed checkpoints: outside the database, so that a restored backup is noticed."""
        return self.state / "signed-checkpoints"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from LODELINE_* variables; others of that prefix belong to the clients.

        Raises SettingsError.
        """
        given = {k: v for k, v in (os.environ if environ is None else environ).items() if k.startswith(PREFIX)}
        names = {f.name for f in fields(cls)} - {"limits"}
        limit_names = {f"limit_{f.name}": f.name for f in fields(Limits)}
        plain: dict[str, object] = {}
        limits: dict[str, object] = {}
        for variable, text in given.items():
            name = variable.removeprefix(PREFIX).lower()
            if name in names:
                plain[name] = _value(variable, text, getattr(cls(), name), path=name in _PATHS)
            elif name in limit_names:
                limits[limit_names[name]] = _value(variable, text, getattr(Limits(), limit_names[name]), path=False)
        return cls(**plain, limits=replace(Limits(), **limits))  # type: ignore[arg-type]  # converted by _value


def _value(variable: str, text: str, default: object, *, path: bool) -> object:
    """`text` as the type of `default`; numbers must be positive (a port or a count may be 0)."""
    if path:
        return Path(text)
    if not isinstance(default, int | float):
        return text
    try:
        number = type(default)(text)
    except ValueError:
        raise SettingsError(f"{variable} must be a number, not {text!r}.") from None
    if not 0 <= number < 2**53:
        raise SettingsError(f"{variable} must not be negative or huge, but is {text}.")
    return number
