"""Sends spans and metrics of settled requests, from a thread of its own, as OTLP over HTTP.

Telemetry is told what was billed and never the other way round: what cannot be sent is dropped, and
the log says how much. Protocol: OTLP 1.9, "OTLP/HTTP", binary protobuf, not compressed.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Mapping, Sequence

import httpx
from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics, ScopeMetrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from shared.ledger.record import UsageFinal
from shared.log import get_logger
from shared.telemetry.histograms import metrics_of
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.spans import attributes, spans_of

MOST_WAITING = 20_000
"""Requests that wait to be sent; those that come beyond are dropped."""

_AT_ONCE = 500
_GATHERED_S = 1.0
_TIMEOUT_S = 3.0
_TRIES = 3
_AGAIN = frozenset((429, 502, 503, 504))
"""Statuses that the protocol says to try again."""
_BETWEEN_S = 0.5


class NotSent(Exception):
    """The collector did not take it; the message is its status or a class of error."""


class Sender:
    """`note` what was settled; it is sent within 5 s, where the collector answers."""

    def __init__(self, settings: TelemetrySettings) -> None:
        """Raises SettingsInvalid for headers that are none. Nothing is sent before `note`."""
        self._endpoint = (settings.endpoint or "").rstrip("/")
        self._resource = Resource(attributes=attributes({"service.name": settings.service_name}))
        self._scope = InstrumentationScope(name="switchyard")
        self._client = httpx.Client(
            timeout=_TIMEOUT_S,
            trust_env=False,
            headers={**settings.header_lines(), "content-type": "application/x-protobuf"},
        )
        self._waiting: queue.Queue[UsageFinal | None] = queue.Queue(MOST_WAITING)
        self._metrics_until = time.time_ns()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, finals: Iterable[UsageFinal]) -> None:
        """Never waits, and raises nothing: what finds no place is dropped."""
        dropped = 0
        for final in finals:
            try:
                self._waiting.put_nowait(final)
            except queue.Full:
                dropped += 1
        if dropped:
            get_logger().warning("telemetry.dropped", requests=dropped, because="queue_full")
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
                self._thread.start()

    def close(self, within_s: float = 5.0) -> None:
        """Send what waits, as far as that is possible within `within_s`."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            try:
                self._waiting.put(None, timeout=within_s)
            except queue.Full:
                return
            thread.join(within_s)
        self._client.close()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            finals, is_last = self._gathered()
            if finals:
                self.send(finals)

    def _gathered(self) -> tuple[list[UsageFinal], bool]:
        """What comes within a second of the first; whether it was the last."""
        finals: list[UsageFinal] = []
        until: float | None = None
        while len(finals) < _AT_ONCE:
            try:
                left = None if until is None else until - time.monotonic()
                one = self._waiting.get(timeout=left if left is None else max(0.0, left))
            except queue.Empty:
                break
            if one is None:
                return finals, True
            until = until or time.monotonic() + _GATHERED_S
            finals.append(one)
        return finals, False

    def send(self, finals: Sequence[UsageFinal]) -> None:
        """Now, in this thread. Raises nothing: what is not taken is dropped, and said."""
        start, end = self._metrics_until, time.time_ns()
        self._metrics_until = end
        for path, message in self._messages(finals, start, end).items():
            try:
                self._post(path, message)
            except NotSent as error:
                get_logger().warning(
                    "telemetry.dropped", requests=len(finals), path=path, because=str(error)
                )

    def _messages(
        self, finals: Sequence[UsageFinal], start_ns: int, end_ns: int
    ) -> Mapping[str, Message]:
        spans = [span for final in finals for span in spans_of(final)]
        scope_spans = ScopeSpans(scope=self._scope, spans=spans)
        metrics = ScopeMetrics(scope=self._scope, metrics=metrics_of(finals, start_ns, end_ns))
        found: dict[str, Message] = {
            "/v1/metrics": ExportMetricsServiceRequest(
                resource_metrics=[ResourceMetrics(resource=self._resource, scope_metrics=[metrics])]
            )
        }
        if spans:
            found["/v1/traces"] = ExportTraceServiceRequest(
                resource_spans=[ResourceSpans(resource=self._resource, scope_spans=[scope_spans])]
            )
        return found

    def _post(self, path: str, message: Message) -> None:
        body = message.SerializeToString()
        because = ""
        for number in range(_TRIES):
            if number:
                time.sleep(_BETWEEN_S)
            try:
                answer = self._client.post(self._endpoint + path, content=body)
            except httpx.HTTPError as error:
                because = type(error).__name__
                continue
            if answer.is_success:
                return
            because = f"status {answer.status_code}"
            if answer.status_code not in _AGAIN:
                break
        raise NotSent(because)
