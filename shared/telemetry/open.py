"""The process's sender of telemetry, where there is a collector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.telemetry.settings import TelemetrySettings

if TYPE_CHECKING:
    from shared.telemetry.sender import Sender


def sender_of(settings: TelemetrySettings) -> Sender | None:
    """None where OTEL_EXPORTER_OTLP_ENDPOINT is not set: then nothing of it is imported either."""
    if settings.endpoint is None:
        return None
    from shared.telemetry.sender import Sender

    return Sender(settings)
