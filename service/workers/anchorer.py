"""The anchor worker: offers each sink the newest checkpoint when the policy says so, and lets it take its next step.

It has a thread of its own and touches nothing that a request waits for: what goes wrong here is a state in the outbox,
a metric and a line in the log of operations. Tests, and `anchor run`, call `tick` themselves.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger.log.note import Verifier
from service.adapters.chain import AnchorSetupError
from service.config import AnchorSettings
from service.logs import get_logger
from service.metrics import Metrics
from service.storage.engine import Store
from service.usecases.anchor_setup import make_sink, sink_names
from service.usecases.anchoring import CONDITIONS, STATES, LogReader, Outbox, Sink, plan_anchor

log = get_logger("service.anchorer")

SETUP_SECONDS: Final = 60
"""Between two tries at settings that are wrong: a keystore takes a second of a core to open."""

Make = Callable[[Outbox], Sink]


class Anchorer:
    """store: the ledger's; verifier: of the log's key; make: from an outbox to its sink (tests bring their own)."""

    def __init__(
        self,
        store: Store,
        settings: AnchorSettings,
        *,
        origin: str,
        verifier: Verifier,
        clock: Callable[[], float],
        metrics: Metrics | None = None,
        make: Make | None = None,
    ) -> None:
        self._store, self._settings, self._clock = store, settings, clock
        self._metrics = metrics or Metrics()
        self._make = make or (lambda outbox: make_sink(outbox, settings, origin=origin, verifier=verifier))
        self._log = LogReader(store)
        self._holder = uuid.uuid4().hex
        self._sinks: dict[str, Sink] = {}
        self._tried: dict[str, int] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    # ---- one look -----------------------------------------------------------------------------

    def tick(self) -> dict[str, str]:
        """Look after every sink once; what each did. Raises AnchorSetupError for a sink that nobody knows."""
        now = int(self._clock())
        return {name: self._tick(name, now) for name in sink_names(self._settings)}

    def _tick(self, name: str, now: int) -> str:
        outbox = self._outbox(name)
        try:
            done = self._step(name, outbox, now)
        except AnchorSetupError as error:
            self._tried[name] = now
            if outbox.lease(now):
                outbox.settle("misconfigured", str(error), now)
            done = "misconfigured"
        self.show(outbox)
        return done

    def _step(self, name: str, outbox: Outbox, now: int) -> str:
        if name not in self._sinks:
            if 0 <= now - self._tried.get(name, now - SETUP_SECONDS) < SETUP_SECONDS:
                return "misconfigured"
            self._sinks[name] = self._make(outbox)
        sink, newest = self._sinks[name], self._log.newest()
        if newest is not None and plan_anchor(self._settings, newest.size, outbox.newest(), now):
            sink.submit(newest, now)
        return sink.tick(now)

    def _outbox(self, name: str) -> Outbox:
        count = self._metrics.anchor_events
        return Outbox(self._store, name, self._holder, lambda event: count.labels(name, event).inc())

    def show(self, outbox: Outbox) -> None:
        """Set the gauges of a sink from what the database says: also when another process does the work."""
        metrics, name, told = self._metrics, outbox.sink, outbox.status()
        for condition in CONDITIONS:
            metrics.anchor_condition.labels(name, condition).set(condition == told["condition"])
        for state in STATES:
            metrics.anchors.labels(name, state).set(told["anchors"].get(state, 0))
        newest = self._log.newest()
        size = newest.size if newest else 0
        metrics.anchor_behind.labels(name, "mined").set(size - max(told["anchored"], told["final"]))
        metrics.anchor_behind.labels(name, "final").set(size - told["final"])
        metrics.anchor_ticked.labels(name).set(told["ticked"])
        if told["balance"]:
            metrics.anchor_balance.labels(name).set(int(told["balance"]) // 10**9)

    # ---- the loop -----------------------------------------------------------------------------

    def start(self) -> None:
        """Tick in a thread every `tick_seconds`; with 0 only the gauges are kept up to date. Nothing without sinks."""
        if self._settings.sinks.strip() in ("", "none"):
            return
        self._thread = threading.Thread(target=self.run, name="anchorer", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Until `stop`. What nobody foresaw is logged, and the next look may go well."""
        while not self._stopping.is_set():
            try:
                if self._settings.tick_seconds:
                    self.tick()
                else:
                    for name in sink_names(self._settings):
                        self.show(self._outbox(name))
            except AnchorSetupError as error:
                log.error("no anchors", why=str(error))
                return
            except Exception:
                log.exception("an anchor tick failed")
            self._stopping.wait(self._settings.tick_seconds or 15.0)
        self.release()

    def release(self) -> None:
        """Let another process go on at once."""
        for name in self._sinks:
            self._outbox(name).release()

    def stop(self) -> None:
        """End the thread after the step that it is in."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def status(self) -> list[Mapping[str, Any]]:
        """How each sink asked for is doing, by the database alone. Raises AnchorSetupError."""
        return [self._outbox(name).status() for name in sink_names(self._settings)]
