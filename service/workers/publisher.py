"""Publishes the log as files, in a thread of its own that nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ledger.log.note import Verifier
from service.adapters.shelves import Shelf, ShelfError
from service.logs import get_logger
from service.metrics import Metrics
from service.storage.engine import DatabaseError, Store
from service.storage.head import read_head
from service.usecases.publish import PublishRefused, publish

log = get_logger("service.publisher")


class Publisher:
    """seconds: between two looks; leads: whether this process is the one to do it."""

    def __init__(
        self,
        store: Store,
        shelf: Shelf | None,
        verifier: Verifier,
        *,
        seconds: float,
        metrics: Metrics | None = None,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store, self._shelf, self._verifier, self._seconds = store, shelf, verifier, seconds
        self._leads = leads
        self._metrics = metrics or Metrics()
        self._published = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def tick(self, shelf: Shelf) -> bool:
        """One look. Returns whether the place is up to date, or somebody else's to keep so."""
        if not self._leads():
            return True
        try:
            done = publish(self._store, self._verifier, shelf)
        except PublishRefused as error:
            log.error("the log is not published", why=str(error))
        except (DatabaseError, ShelfError) as error:
            log.warning("the log could not be published", place=shelf.name, why=str(error))
        else:
            self._published = done.size
            self._show()
            return True
        self._metrics.publish_failures.inc()
        self._show()
        return False

    def _show(self) -> None:
        try:
            with self._store.reading() as conn:
                head = read_head(conn)
        except DatabaseError:
            return
        self._metrics.publish_behind.set(max(0, (head.size if head else 0) - self._published))

    def start(self) -> None:
        """Publish in a thread, unless nothing is to be published."""
        if self._shelf is not None:
            self._thread = threading.Thread(target=self.run, args=(self._shelf,), name="publisher", daemon=True)
            self._thread.start()

    def run(self, shelf: Shelf) -> None:
        """Until `stop`; after trouble it waits longer."""
        while True:
            fine = self.tick(shelf)
            if self._stopping.wait(self._seconds if fine else max(self._seconds, 10.0)):
                return

    def stop(self) -> None:
        """End the thread after the look that it is at."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
