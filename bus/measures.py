"""What a process tells of itself in numbers, for Prometheus: each metric with its labels and its meaning.

Most are counted out of committed audit events, so that numbers, log and journal tell the same facts. Labels are names
out of documents and codes of the bus, never anything that came from outside.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Fact: TypeAlias = Mapping[str, Any]
"""The content of an audit event."""

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it is documented and exported; `across` says how a gauge of several processes becomes one (the
    multi-process modes of prometheus-client)."""

    name: str
    kind: type[Counter] | type[Gauge] | type[Histogram]
    labels: tuple[str, ...]
    meaning: str
    across: str = ""
    buckets: tuple[float, ...] = ()

    @property
    def exported(self) -> str:
        """The name under which Prometheus knows it."""
        return f"{self.name}_total" if self.kind is Counter else self.name


METRICS: Final = (
    Metric("lgsp_messages_accepted", Counter, ("contract",), "Messages accepted: written durably."),
    Metric("lgsp_messages_refused", Counter, ("code",), "Messages refused to a sender who is known, by error code."),
    Metric("lgsp_callers_refused", Counter, ("code",), "Calls refused before the sender was known, by error code."),
    Metric(
        "lgsp_requests_in_flight",
        Gauge,
        (),
        "Calls that are being answered, as it was within the last second.",
        "livesum",
    ),
    Metric(
        "lgsp_request_seconds",
        Histogram,
        ("endpoint", "status"),
        "Time to answer a call; `send` includes the time that a caller waits for a reply, `inbox` for a message.",
        buckets=SECONDS,
    ),
    Metric("lgsp_attempts", Counter, ("system", "result"), "Attempts to deliver, by what came of them."),
    Metric("lgsp_attempt_seconds", Histogram, ("system",), "Time of an attempt, with its transform.", buckets=SECONDS),
    Metric(
        "lgsp_deliveries_ended",
        Counter,
        ("system", "state", "reason"),
        "Deliveries that ended: delivered, dead (somebody must look), expired.",
    ),
    Metric("lgsp_deliveries_replayed", Counter, ("system",), "Deliveries that a person had tried again."),
    Metric("lgsp_circuits_opened", Counter, ("system",), "How often a system was found silent."),
    Metric("lgsp_system_waiting", Gauge, ("system",), "Open deliveries of a system.", "mostrecent"),
    Metric("lgsp_system_in_broker", Gauge, ("system",), "Of them, those in the broker.", "mostrecent"),
    Metric("lgsp_system_oldest_seconds", Gauge, ("system",), "Age of a system's oldest open delivery.", "mostrecent"),
    Metric("lgsp_system_paused", Gauge, ("system",), "1: paused by a person.", "mostrecent"),
    Metric("lgsp_system_circuit_open", Gauge, ("system",), "1: silent, called only to try.", "mostrecent"),
    Metric("lgsp_commit_seconds", Histogram, (), "Time of one transaction of the journal.", buckets=SECONDS),
    Metric("lgsp_commit_commands", Histogram, (), "Commands that shared one transaction.", buckets=SIZES),
    Metric("lgsp_journal_queue", Gauge, (), "Commands that wait for their transaction.", "livesum"),
    Metric("lgsp_journal_failures", Counter, ("code",), "Transactions that failed, by error code."),
    Metric("lgsp_rings_refused", Counter, (), "Deliveries that the broker would not take; they are rung again."),
    Metric("lgsp_broker_connected", Gauge, (), "1: this process can publish; over several, the worst.", "livemin"),
    Metric("lgsp_snapshot_age_seconds", Gauge, (), "Since documents were last looked at; the oldest.", "livemax"),
    Metric("lgsp_processes", Gauge, ("role",), "Processes of the bus that live, by role.", "mostrecent"),
    Metric("lgsp_disk_free_bytes", Gauge, (), "Room where the data folder lies.", "mostrecent"),
)


class Measures:
    """The metrics of one process, in a registry of its own. `calls`: how many are being answered."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.calls = 0
        self._made = {metric.name: _make(metric, self.registry) for metric in METRICS}
        self._found: dict[tuple[str, tuple[str, ...]], Any] = {}

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        self._of(name, labels).inc(by)

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Put a value into a histogram."""
        self._of(name, labels).observe(value)

    def show(self, name: str, value: float, *labels: str) -> None:
        """Set a gauge."""
        self._of(name, labels).set(value)

    def tell(self, facts: Sequence[Fact]) -> None:
        """Count what the journal has committed: audit events."""
        for fields in facts:
            for name, labels, by in _counted(fields):
                self.count(name, *labels, by=by)
            if fields["event"] == "attempt.ended":
                self.observe("lgsp_attempt_seconds", fields["durationMs"] / 1000, fields["system"])

    def _of(self, name: str, labels: tuple[str, ...]) -> Any:
        """Remembered: to look up labels costs more than to count."""
        key = (name, labels)
        found = self._found.get(key)
        if found is None:
            metric = self._made[name]
            found = self._found[key] = metric.labels(*labels) if labels else metric
        return found


def _make(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    name, meaning, labels = metric.name, metric.meaning, metric.labels
    if metric.kind is Gauge:
        return Gauge(name, meaning, labels, registry=registry, multiprocess_mode=metric.across)  # type: ignore[arg-type]
    if metric.kind is Histogram:
        return Histogram(name, meaning, labels, registry=registry, buckets=metric.buckets)
    return Counter(name, meaning, labels, registry=registry)


def _counted(fields: Fact) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """What an event adds to which counter."""
    system = str(fields.get("system", ""))
    match fields["event"]:
        case "message.accepted":
            yield "lgsp_messages_accepted", (fields["contract"],), 1
        case "message.refused":
            yield "lgsp_messages_refused", (fields["code"],), 1
        case "caller.refused":
            yield "lgsp_callers_refused", (fields["code"],), fields["count"]
        case "attempt.ended":
            yield "lgsp_attempts", (system, fields["result"]), 1
            if fields["state"] in {"delivered", "dead", "expired"}:
                yield "lgsp_deliveries_ended", (system, fields["state"], fields.get("reason", "")), 1
        case "delivery.expired":
            yield "lgsp_deliveries_ended", (system, "expired", fields.get("reason", "")), 1
        case "delivery.replayed":
            yield "lgsp_deliveries_replayed", (system,), 1
        case "circuit.opened":
            yield "lgsp_circuits_opened", (system,), 1
