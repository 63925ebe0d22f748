"""The settings of telemetry, by OpenTelemetry's own names for them."""

from __future__ import annotations

from urllib.parse import unquote

from pydantic import Field, SecretStr, field_validator

from shared.settings import SettingsGroup


class TraceSettings(SettingsGroup):
    """Whether traces are kept: where they go, callers' `traceparent` is read and told on."""

    endpoint: str | None = Field(None, alias="OTEL_EXPORTER_OTLP_ENDPOINT", pattern="^https?://")


class TelemetrySettings(TraceSettings):
    """Where the worker sends traces and metrics."""

    headers: SecretStr | None = Field(None, alias="OTEL_EXPORTER_OTLP_HEADERS")
    service_name: str = Field("switchyard", alias="OTEL_SERVICE_NAME", min_length=1)

    @field_validator("headers")
    @classmethod
    def _are_lines(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all(
            name.strip() for name, _, _ in map(_parted, value.get_secret_value().split(","))
        ):
            raise ValueError("must be `name=value` pairs, parted by commas")
        return value

    def header_lines(self) -> dict[str, str]:
        """Of each request: `name=value,name=value`, the values percent-encoded."""
        if self.headers is None:
            return {}
        pairs = map(_parted, self.headers.get_secret_value().split(","))
        return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}


def _parted(pair: str) -> tuple[str, str, str]:
    name, equals, value = pair.partition("=")
    return name if equals else "", equals, value
