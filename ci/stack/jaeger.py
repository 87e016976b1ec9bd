"""Jaeger as a process, which `ci/cluster/build jaeger` makes: an OpenTelemetry collector that answers what it got."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.stack.control_plane import binary
from ci.stack.http import client
from ci.stack.processes import Process

OTLP_PORT = 4318
QUERY_PORT = 16686
HEALTH_PORT = 13133


@dataclass(frozen=True)
class Span:
    """`parent` and `links`: ids of spans; those of other traces as trace/span. `service`: who sent it."""

    id: str
    name: str
    service: str
    parent: str | None
    links: tuple[str, ...]
    attributes: Mapping[str, Any]
    started_us: int
    duration_us: int


class Jaeger(Process):
    """Takes OTLP over HTTP at `endpoint`, and keeps the last 100,000 traces in memory."""

    def __init__(self, folder: Path, address: str) -> None:
        self.endpoint = f"http://{address}:{OTLP_PORT}"
        self._query, self._health = f"http://{address}:{QUERY_PORT}", f"http://{address}:{HEALTH_PORT}/status"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "jaeger.yaml"
        file.write_text(json.dumps(configuration(address)))  # JSON is YAML
        super().__init__("jaeger", [str(binary("jaeger")), f"--config={file}"], {}, folder / "jaeger.log")

    def start(self) -> None:
        """Returns when it is ready."""
        super().start()
        self.wait_until_ready(self._health, 60)

    def stop(self, timeout_seconds: float = 0) -> None:
        """Nothing of it is kept. At an orderly end it tries for 10 s to send spans of its own."""
        super().stop(timeout_seconds)

    def spans(self, trace_id: str) -> list[Span]:
        """Those of one trace, in the order of their start; none where it does not know the trace."""
        answer = client.get(f"{self._query}/api/traces/{trace_id}", timeout=10)
        found = [] if answer.status_code == 404 else answer.raise_for_status().json()["data"]
        return sorted((span for trace in found for span in _spans(trace)), key=lambda span: span.started_us)

    def traces(self, service: str, operation: str, limit: int = 1000) -> list[str]:
        """The ids of traces in which this service has a span of this name."""
        asked: dict[str, str | int] = {"service": service, "operation": operation, "limit": limit, "lookback": "1h"}
        answer = client.get(f"{self._query}/api/traces", params=asked, timeout=30).raise_for_status()
        return [trace["traceID"] for trace in answer.json()["data"]]


def _spans(trace: Mapping[str, Any]) -> list[Span]:
    services = {key: process["serviceName"] for key, process in trace["processes"].items()}
    return [_span(span, services[span["processID"]]) for span in trace["spans"]]


def _span(span: Mapping[str, Any], service: str) -> Span:
    references = span.get("references") or []
    parents = [
        one["spanID"] for one in references if one["refType"] == "CHILD_OF" and one["traceID"] == span["traceID"]
    ]
    links = [f"{one['traceID']}/{one['spanID']}" for one in references if one["traceID"] != span["traceID"]]
    return Span(
        id=span["spanID"],
        name=span["operationName"],
        service=service,
        parent=parents[0] if parents else None,
        links=tuple(links),
        attributes={tag["key"]: tag["value"] for tag in span["tags"]},
        started_us=span["startTime"],
        duration_us=span["duration"],
    )


def configuration(address: str) -> dict[str, Any]:
    """Of a Jaeger that listens there for OTLP over HTTP, for queries, and for whether it is ready."""
    return {
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"]}},
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
        },
        "extensions": {
            "healthcheckv2": {"use_v2": True, "http": {"endpoint": f"{address}:{HEALTH_PORT}"}},
            "jaeger_query": {
                "storage": {"traces": "memory"},
                "http": {"endpoint": f"{address}:{QUERY_PORT}"},
                "grpc": {"endpoint": f"{address}:{QUERY_PORT - 1}"},
            },
            "jaeger_storage": {"backends": {"memory": {"memory": {"max_traces": 100_000}}}},
        },
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"{address}:{OTLP_PORT}"}}}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "memory"}},
    }


def triton_arguments(endpoint: str) -> list[str]:
    """What a tritonserver needs to send its spans there: of requests with a `traceparent`, and of no others."""
    options = {
        "mode": "opentelemetry",
        "rate": "0",
        "level": "TIMESTAMPS",
        "opentelemetry,url": f"{endpoint}/v1/traces",
        "opentelemetry,resource": "service.name=triton",
        "opentelemetry,bsp_schedule_delay": "200",
    }
    return [f"--trace-config={name}={value}" for name, value in options.items()]
