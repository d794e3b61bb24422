"""The dashboard for Grafana, one row for each question that an operator asks.

``python scripts/dashboard.py > docker/grafana/dashboards/lgsp.json`` makes it anew; a test holds it.
"""

import json
import sys
from typing import Any

SOURCE = {"type": "prometheus", "uid": "prometheus"}


def quantiles(buckets: str) -> str:
    """The median and the 99th percentile of a histogram, two queries."""
    return "|".join(f"histogram_quantile({each}, sum by (le) (rate({buckets}[5m])))" for each in (0.5, 0.99))


ROWS: list[tuple[str, list[tuple[str, str, str, str]]]] = [
    (
        "Is it well?",
        [
            ("Gateways", "stat", "none", 'max(lgsp_processes{role="gateway"})'),
            ("Workers", "stat", "none", 'max(lgsp_processes{role="worker"})'),
            ("Broker connected", "stat", "none", "min(lgsp_broker_connected)"),
            ("Circuits open", "stat", "none", "sum(max by (system) (lgsp_system_circuit_open))"),
            ("Dead in an hour", "stat", "none", 'sum(increase(lgsp_deliveries_ended_total{state="dead"}[1h]))'),
            ("Disk free", "stat", "bytes", "min(lgsp_disk_free_bytes)"),
        ],
    ),
    (
        "What comes in?",
        [
            (
                "Accepted a second, by contract",
                "timeseries",
                "none",
                "sum by (contract) (rate(lgsp_messages_accepted_total[5m]))",
            ),
            (
                "Refused a second, by code",
                "timeseries",
                "none",
                "sum by (code) (rate(lgsp_messages_refused_total[5m]))",
            ),
            (
                "Time to answer a send (median, 99 %)",
                "timeseries",
                "s",
                quantiles('lgsp_request_seconds_bucket{endpoint="send"}'),
            ),
        ],
    ),
    (
        "What goes out?",
        [
            ("Attempts a second, by result", "timeseries", "none", "sum by (result) (rate(lgsp_attempts_total[5m]))"),
            (
                "Deliveries ended a second",
                "timeseries",
                "none",
                "sum by (state) (rate(lgsp_deliveries_ended_total[5m]))",
            ),
            (
                "Time of an attempt (99 %), by system",
                "timeseries",
                "s",
                "histogram_quantile(0.99, sum by (system, le) (rate(lgsp_attempt_seconds_bucket[5m])))",
            ),
        ],
    ),
    (
        "What waits?",
        [
            ("Waiting, by system", "timeseries", "none", "max by (system) (lgsp_system_waiting)"),
            ("Of them in the broker", "timeseries", "none", "max by (system) (lgsp_system_in_broker)"),
            ("Age of the oldest, by system", "timeseries", "s", "max by (system) (lgsp_system_oldest_seconds)"),
        ],
    ),
    (
        "Does the journal keep up?",
        [
            (
                "Time of a commit (median, 99 %)",
                "timeseries",
                "s",
                quantiles("lgsp_commit_seconds_bucket"),
            ),
            (
                "Commands that share a commit",
                "timeseries",
                "none",
                "sum(rate(lgsp_commit_commands_sum[5m])) / sum(rate(lgsp_commit_commands_count[5m]))",
            ),
            ("Commands that wait", "timeseries", "none", "sum(lgsp_journal_queue)"),
        ],
    ),
]


def panels() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    top = 0
    for title, questions in ROWS:
        made.append(
            {"type": "row", "title": title, "gridPos": {"h": 1, "w": 24, "x": 0, "y": top}, "id": len(made) + 1}
        )
        width, height = 24 // len(questions), 4 if questions[0][1] == "stat" else 8
        for column, (name, kind, unit, expressions) in enumerate(questions):
            targets = [
                {"datasource": SOURCE, "expr": each, "refId": chr(65 + place)}
                for place, each in enumerate(expressions.split("|"))
            ]
            made.append(
                {
                    "type": kind,
                    "title": name,
                    "datasource": SOURCE,
                    "gridPos": {"h": height, "w": width, "x": column * width, "y": top + 1},
                    "id": len(made) + 1,
                    "targets": targets,
                    "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
                }
            )
        top += 1 + height
    return made


DASHBOARD = {
    "uid": "lgsp",
    "title": "LGSP",
    "schemaVersion": 39,
    "editable": False,
    "refresh": "30s",
    "time": {"from": "now-6h", "to": "now"},
    "timezone": "browser",
    "panels": panels(),
}

sys.stdout.write(json.dumps(DASHBOARD, indent=1) + "\n")
