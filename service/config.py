"""Every setting of the service in one place, each from one environment variable.

`Settings.from_environment()` reads `LODELINE_*`; nothing else in the service looks at the
environment. Limits stand here and refuse early. Secrets are never settings: the log's key is a
file, named here and read once by `service.bootstrap`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Final

PREFIX: Final = "LODELINE_"
_LARGEST_PORT: Final = 65_535
_PATHS: Final = frozenset({"state", "key", "verifier_key", "packs", "witnesses", "folder", "keystore", "password"})


class SettingsError(Exception):
    """A setting is malformed; the message names the variable and says what it should look like."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request, batch, queue or answer may hold."""

    batch_records: int = 10_000
    batch_bytes: int = 64 * 1024 * 1024
    queue_records: int = 20_480
    commit_records: int = 2_048
    page_items: int = 200
    graph_depth: int = 50
    graph_nodes: int = 20_000
    origin_lots: int = 100_000
    bundle_records: int = 5_000
    request_seconds: float = 30.0
    database_connections: int = 40
    statement_seconds: float = 120.0
    lock_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class AnchorSettings:
    """Where checkpoints are anchored, and when. Variables LODELINE_ANCHOR_*.

    sinks: any of `file` and `ethereum`, with commas; "" for none. folder: of the sink `file`. The rest is for
    `ethereum`: chain: its name in contracts/chains.toml; rpc: URL of a node; contract: address of LogAnchor ("": the
    one deployed for the chain); keystore, password: files of the anchorer's key (v3) and of its password; or signer,
    address: URL of a remote signer, and the address that it signs for; finality: `finalized` or a number of
    confirmations ("": as the chain's entry says). Both sinks: an anchor at the earliest after least_seconds and
    least_entries new ones, at the latest after most_seconds if there is any. fee_cap_gwei, tip_gwei: most a
    gas may cost in all, least for the block's maker; stuck_seconds: until a transaction is replaced; low_gwei: balance
    under which is warned; tick_seconds: between two looks from the service, 0 when `anchor run` does it elsewhere.
    """

    sinks: str = ""
    folder: Path | None = None
    chain: str = ""
    rpc: str = field(default="", repr=False)  # URLs hold passwords and keys of accounts
    contract: str = ""
    keystore: Path | None = None
    password: Path | None = None
    signer: str = field(default="", repr=False)
    address: str = ""
    finality: str = ""
    least_seconds: float = 3_600.0
    most_seconds: float = 86_400.0
    least_entries: int = 1
    fee_cap_gwei: float = 200.0
    tip_gwei: float = 0.1
    stuck_seconds: float = 180.0
    low_gwei: float = 50_000_000.0
    timeout_seconds: float = 10.0
    tick_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class Settings:
    """database: SQLAlchemy URL ("" = SQLite in `state`); state: folder for what lives outside the
    database; key: the log's signing key; verifier_key: that of verdicts; packs: folder with the
    operator's own rule packs; workers: processes that check batches (0 = inline); processes: that serve on this host;
    peer_host, peer_port: where other processes of this log reach this one, at the first free port from it (0: any)."""

    state: Path = Path(".lodeline")
    database: str = field(default="", repr=False)
    key: Path | None = None
    verifier_key: Path | None = None
    packs: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    processes: int = 1
    peer_host: str = "127.0.0.1"
    peer_port: int = 0
    witnesses: Path | None = None
    log_level: str = "info"
    witness_seconds: float = 10.0
    graph_seconds: float = 2.0
    publish: str = ""
    publish_endpoint: str = ""
    publish_seconds: float = 10.0
    cors_origins: str = ""
    limits: Limits = Limits()
    anchor: AnchorSettings = AnchorSettings()

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
    def graph_folder(self) -> Path:
        """Folder of the lot graph as arrays: made from the database, and made anew when it is gone."""
        return self.state / "lot-graph"

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
        groups = {"": cls, "limit_": Limits, "anchor_": AnchorSettings}
        values: dict[str, dict[str, object]] = {prefix: {} for prefix in groups}
        for variable, text in given.items():
            told = variable.removeprefix(PREFIX).lower()
            for prefix, kind in groups.items():
                name = told.removeprefix(prefix)
                if told.startswith(prefix) and name in {f.name for f in fields(kind)} - {"limits", "anchor"}:
                    values[prefix][name] = _value(variable, text, getattr(kind(), name), path=name in _PATHS)
        limits, anchor = (replace(groups[prefix](), **values[prefix]) for prefix in ("limit_", "anchor_"))
        return cls(**values[""], limits=limits, anchor=anchor)  # type: ignore[arg-type]  # converted by _value


def _value(variable: str, text: str, default: object, *, path: bool) -> object:
    """`text` as the type of `default`; numbers must be positive (what is no limit may be 0), ports those of TCP."""
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
    if variable.endswith("_PORT") and number > _LARGEST_PORT:
        raise SettingsError(f"{variable} must be a port, at most {_LARGEST_PORT}, but is {text}.")
    if variable.startswith(f"{PREFIX}LIMIT_") and not number:
        raise SettingsError(f"{variable} must be more than 0: nothing would ever be done.")
    return number
