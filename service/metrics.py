"""The Prometheus instruments of one server, on a registry of their own.

A registry per server object and not the global one: two servers in one process (tests, an embedded
demo) do not share counters. Labels have few values by construction: a route is a template such as
`/v1/lots/{id}`, never a path.
"""

from __future__ import annotations

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NEWEST: Final = "livemostrecent"  # of several processes of one host, the one that said it last
_BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)


class Metrics:
    """Everything that is counted; the sequencer and the HTTP edge write, `/metrics` reads. shared: the folder where
    several processes count together, "" for one that is alone."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.shared = ""
        self.requests = Counter(
            "lodeline_requests",
            "Requests answered, by route template, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "lodeline_request_seconds",
            "Time from the first byte of the request to the last of the answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.refusals = Counter("lodeline_refusals", "Refusals, by problem code.", ("code",), registry=self.registry)
        self.batch_records = Histogram(
            "lodeline_sequencer_batch_records", "Records per commit.", buckets=_BATCH, registry=self.registry
        )
        self.commit_seconds = Histogram(
            "lodeline_sequencer_commit_seconds",
            "Time of one sequencer commit, checks of the custody rules included.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.queue_depth = Gauge(
            "lodeline_sequencer_queue_depth",
            "Records waiting for the sequencer.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.log_size = Gauge(
            "lodeline_log_size", "Entries in the log.", registry=self.registry, multiprocess_mode=_NEWEST
        )
        self.cosignatures = Counter(
            "lodeline_cosignatures",
            "Answers of witnesses, by witness and outcome.",
            ("witness", "outcome"),
            registry=self.registry,
        )
        self._add_replicas()
        self._add_anchors()
        self._add_reads()

    def _add_replicas(self) -> None:
        def gauge(name: str, about: str, mode: Literal["livesum", "livemostrecent"] = _NEWEST) -> Gauge:
            return Gauge(f"lodeline_{name}", about, registry=self.registry, multiprocess_mode=mode)

        self.leads = gauge("leads", "1 in the process that sequences, 0 in one that follows.", "livesum")
        self.epoch = gauge("lease_epoch", "Epoch of the lease: rises with every take-over.")
        self.silent = gauge(
            "lease_silent_seconds",
            "At the last take-over: time since the lease had been renewed before; 0: handed over.",
        )
        self.parked = gauge("parked_records", "Records waiting for the process that sequences.", "livesum")
        self.take_overs = Counter("lodeline_take_overs", "Times this process took the lease.", registry=self.registry)
        self.forwarded = Counter(
            "lodeline_forwarded_records",
            "Records handed to the process that sequences: answered, or sent again because it was lost.",
            ("outcome",),
            registry=self.registry,
        )

    def _add_anchors(self) -> None:
        def gauge(name: str, about: str, *labels: str) -> Gauge:
            names = ("sink", *labels)
            return Gauge(f"lodeline_{name}", about, names, registry=self.registry, multiprocess_mode=_NEWEST)

        self.anchors = gauge("anchors", "Checkpoints given to a sink, by state.", "state")
        self.anchor_condition = gauge("anchor_condition", "1 for the condition that a sink is in.", "condition")
        self.anchor_behind = gauge("anchor_behind_entries", "Entries that no anchor in this state covers.", "state")
        self.anchor_ticked = gauge("anchor_ticked_seconds", "When a sink was last looked after, since the epoch.")
        self.anchor_balance = gauge("anchor_balance_gwei", "What the anchorer has left for gas.")
        self.anchor_events = Counter(
            "lodeline_anchor_events", "Steps of sinks.", ("sink", "event"), registry=self.registry
        )

    def _add_reads(self) -> None:
        self.graph_behind = Gauge(
            "lodeline_graph_behind_subjects",
            "Subjects of the log that the lot graph's arrays do not hold yet.",
            registry=self.registry,
            multiprocess_mode=_NEWEST,
        )
        self.publish_behind = Gauge(
            "lodeline_publish_behind_entries",
            "Entries that the published checkpoint lacks, where the log is published as files.",
            registry=self.registry,
            multiprocess_mode=_NEWEST,
        )
        self.publish_failures = Counter(
            "lodeline_publish_failures", "Times that publishing the log as files went wrong.", registry=self.registry
        )

    def render(self) -> bytes:
        """All metrics in the Prometheus text format, of all processes of this host where they share them."""
        if not self.shared:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, self.shared)  # type: ignore[no-untyped-call]
        return generate_latest(together)
