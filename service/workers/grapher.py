"""Keeps the graph file up with the log, in a thread of its own that nobody waits for."""

from __future__ import annotations

import threading
import time
from typing import Final

from service.logs import get_logger
from service.metrics import Metrics
from service.storage.engine import DatabaseError, Store
from service.storage.graph_file import GraphFile
from service.usecases.graph_following import follow_graph

log = get_logger("service.grapher")


REST: Final = 4
"""It rests so many times as long as it works, every few milliseconds: a fifth of a core at most."""


class Grapher:
    """seconds: between two looks, 0 for none."""

    def __init__(self, store: Store, file: GraphFile | None, *, seconds: float, metrics: Metrics | None = None) -> None:
        self._store, self._file, self._seconds = store, file, seconds
        self._behind = (metrics or Metrics()).graph_behind
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def tick(self, file: GraphFile) -> float:
        """One stretch. Returns the seconds until the next."""
        began = time.perf_counter()

        def rest() -> None:
            nonlocal began
            self._stopping.wait(REST * (time.perf_counter() - began))
            began = time.perf_counter()

        left = follow_graph(self._store, file, rest=rest)
        if left is not None:
            self._behind.set(left)
        return REST * (time.perf_counter() - began) if left else self._seconds

    def start(self) -> None:
        """Follow in a thread, unless nothing is to be kept."""
        if self._file is not None and self._seconds:
            self._thread = threading.Thread(target=self.run, args=(self._file,), name="grapher", daemon=True)
            self._thread.start()

    def run(self, file: GraphFile) -> None:
        """Until `stop`. Without the arrays queries read the rows: trouble is logged, and tried again."""
        pause = 0.0
        while not self._stopping.wait(pause):
            try:
                pause = self.tick(file)
            except (DatabaseError, OSError, ImportError) as error:
                log.warning("the lot graph was not brought up to date", why=str(error))
                pause = max(10.0, self._seconds)

    def stop(self) -> None:
        """End the thread after the stretch that it is at."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
