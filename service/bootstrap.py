"""Wiring: from settings to a service that can take and answer records. Tests pass their own clock and seams here."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ledger.errors import PackError
from ledger.log.note import Ed25519Signer, format_vkey
from ledger.rules.pack import Pack, index_packs, parse_pack
from ledger.rules.packs import read_packs
from ledger.rules.signed import certify_key
from service.adapters.keystore import load_log_key, load_or_make_jwk
from service.config import Settings, SettingsError
from service.metrics import Metrics
from service.storage.appending import Appending
from service.storage.checkpoints import CheckpointFile, FollowedFile
from service.storage.engine import Session, Store
from service.storage.graph_file import GraphFile
from service.usecases.check import KeyRing
from service.usecases.context import Context, Verifier
from service.usecases.open_log import open_log
from service.usecases.submit import Book


@dataclass
class Service:
    """The parts of a running service. `keys` is filled by the book; `context` is what reads are given."""

    settings: Settings
    context: Context
    signer: Ed25519Signer
    file: CheckpointFile
    keys: KeyRing = field(default_factory=KeyRing)
    metrics: Metrics = field(default_factory=Metrics)
    appending: Callable[..., Appending] = Appending

    @property
    def store(self) -> Store:
        """The database."""
        return self.context.store

    @property
    def replicated(self) -> bool:
        """Whether other processes may write to this log as well: then one is elected."""
        return not self.store.sqlite or self.settings.processes > 1

    def check_log(self) -> None:
        """Every check of opening the log, without writing anything but the newest checkpoint. Raises RefuseToOpen."""
        file = FollowedFile(self.file.path)
        try:
            open_log(self.store, file, self.signer, self.keys)
        finally:
            file.close()

    def open_log(self) -> Book:
        """The log, opened with every check; also after a failure. Raises RefuseToOpen."""
        return open_log(self.store, self.file, self.signer, self.keys, appending=self.appending)

    def close(self) -> None:
        """Let go of the database and of the file of checkpoints."""
        self.file.close()
        self.store.close()


def wire(
    settings: Settings,
    *,
    clock: Callable[[], float] = time.time,
    appending: Callable[..., Appending] = Appending,
    file: Callable[..., CheckpointFile] = CheckpointFile,
) -> Service:
    """A service on these settings; nothing is opened yet but the keys.

    Raises KeyFileError, PackError and SettingsError.
    """
    signer = load_log_key(settings.key_file)
    vkey = format_vkey(signer.verifier)
    verifier = load_verifier(settings, signer)
    limits = settings.limits
    session = Session(limits.database_connections, limits.statement_seconds, limits.lock_seconds)
    store, graph = (
        Store(settings.database_url, session),
        GraphFile(settings.graph_folder) if settings.graph_seconds else None,
    )
    context = Context(store, signer.name, vkey, limits, clock, signer, verifier, graph)
    return Service(settings, context, signer, file(settings.checkpoint_file), appending=appending)


def load_verifier(settings: Settings, signer: Ed25519Signer) -> Verifier:
    """The verification service: its key (made when there is none), certified by the log, and shipped and own packs.

    Raises KeyFileError; PackError for a pack of the operator's that does not load; SettingsError without its folder.
    """
    key = load_or_make_jwk(settings.verifier_key_file)
    own = _read_own_packs(settings.packs) if settings.packs else []
    packs = index_packs([*read_packs().values(), *own])
    return Verifier(key, certify_key(signer.name, key.public, signer), packs)


def _read_own_packs(folder: Path) -> list[Pack]:
    """The packs of a folder, by file name. Raises SettingsError without the folder, PackError that names the file."""
    if not folder.is_dir():
        raise SettingsError(f"LODELINE_PACKS must be a folder, but there is none at {folder}.")
    packs = []
    for path in sorted(folder.glob("*.toml")):
        try:
            packs.append(parse_pack(path.read_bytes()))
        except PackError as error:
            raise PackError(f"{path}: {error.message}", pointer=error.pointer, **error.values) from error
    return packs


def tune_collector() -> None:
    """Let the garbage collector look less often, and never again at what exists now.

    Records are trees without cycles, freed by their counts; with the default thresholds the
    collector walks every remembered subject several times per batch, half the cost of ingest.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
