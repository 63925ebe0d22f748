"""Telemetry is sent by the worker, once the rows are there, and holds nothing up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from shared.settings import SettingsInvalid, load_settings
from shared.telemetry import sender as module
from shared.telemetry.open import sender_of
from shared.telemetry.sender import Sender
from shared.telemetry.settings import TelemetrySettings
from tests.fakes.collector import Collector, attributes_of
from tests.fakes.usage_records import final


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


def settings(**values: str) -> TelemetrySettings:
    return load_settings(TelemetrySettings, **values)[TelemetrySettings]


def sender_to(collector: Collector) -> Sender:
    sender = sender_of(
        settings(
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url + "/",
            OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20s3cret,x-tenant=a",
            OTEL_SERVICE_NAME="gateway-eu",
        )
    )
    assert sender is not None
    return sender


def test_without_a_collector_there_is_no_sender() -> None:
    assert sender_of(settings()) is None


def test_what_is_noted_is_sent_with_the_headers_of_the_settings(collector: Collector) -> None:
    sender = sender_to(collector)
    records = [final() for _ in range(30)]
    sender.note(records)
    collector.wait(lambda: len(collector.spans) == 60 and collector.metrics)
    sender.close()
    ids = {attributes_of(span).get("switchyard.request_id") for span in collector.spans} - {None}
    assert ids == {record.request_id for record in records}
    assert collector.services == {"gateway-eu"}
    assert {headers["authorization"] for headers in collector.headers} == {"Bearer s3cret"}
    assert {headers["content-type"] for headers in collector.headers} == {"application/x-protobuf"}


def test_what_waits_is_sent_at_the_end(collector: Collector) -> None:
    sender = sender_to(collector)
    sender.note([final()])
    sender.close()
    assert len(collector.spans) == 2


def test_a_collector_that_is_busy_is_asked_again_and_one_that_refuses_is_not(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BETWEEN_S", 0.01)
    sender = sender_to(collector)
    collector.answers = [503, 200, 429, 200]
    with capture_logs() as logs:
        sender.send([final()])
    assert logs == []
    assert (len(collector.spans), len(collector.headers)) == (2, 4)
    collector.answers = [400, 413]
    with capture_logs() as logs:
        sender.send([final()])
    assert [(one["event"], one["because"]) for one in logs] == [
        ("telemetry.dropped", "status 400"),
        ("telemetry.dropped", "status 413"),
    ]
    assert len(collector.headers) == 6
    sender.close()


def test_nothing_waits_for_a_collector_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BETWEEN_S", 0.01)
    with Collector() as gone:
        url = gone.url
    sender = Sender(settings(OTEL_EXPORTER_OTLP_ENDPOINT=url))
    with capture_logs() as logs:
        sender.send([final()])
    assert {one["because"] for one in logs} == {"ConnectError"}
    sender.close()


def test_what_finds_no_place_is_dropped_and_said(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    sender = sender_to(collector)
    monkeypatch.setattr(sender, "_run", lambda: None)
    with capture_logs() as logs:
        sender.note([final() for _ in range(5)])
    assert [(one["requests"], one["because"]) for one in logs] == [(3, "queue_full")]


def test_headers_that_are_none_are_refused_by_name_and_not_repeated() -> None:
    with pytest.raises(SettingsInvalid, match="OTEL_EXPORTER_OTLP_HEADERS") as refused:
        settings(OTEL_EXPORTER_OTLP_HEADERS="Bearer s3cret")
    assert "s3cret" not in str(refused.value)
