"""A collector of OpenTelemetry on a socket: takes OTLP over HTTP, and keeps what it was sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """`answers` are the statuses of the next posts, 200 once they are used up."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.metrics: list[Metric] = []
        self.services: set[str] = set()
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, is_there: Callable[[], object], within_s: float = 20.0) -> None:
        until = time.monotonic() + within_s
        while not is_there():
            assert time.monotonic() < until
            time.sleep(0.02)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        self.headers.append(headers)
        if self.answers and (status := self.answers.pop(0)) != 200:
            return status
        if path == "/v1/traces":
            for one in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.services |= {kv.value.string_value for kv in one.resource.attributes}
                self.spans += [span for scope in one.scope_spans for span in scope.spans]
            return 200
        assert path == "/v1/metrics"
        for one in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            self.metrics += [metric for scope in one.scope_metrics for metric in scope.metrics]
        return 200

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(collector.take(self.path, headers, body))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        return Handler


def attributes_of(one: Any) -> dict[str, Any]:
    """Of a span or a data point, as Python's values."""
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in one.attributes
    }
