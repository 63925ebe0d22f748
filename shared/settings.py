"""Every setting that Switchyard reads, in groups; a function takes only the groups it needs.

They are read once, from the environment, then `.env`, then `.env.auth`, and nowhere else. A missing
or malformed one prevents startup and names the variable.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsInvalid(ValueError):
    """A setting is missing or malformed; the message names the variable and gives an example."""


class SettingsGroup(BaseSettings):
    """A frozen group of settings. `examples` maps each required variable to a valid value."""

    model_config = SettingsConfigDict(
        env_file=(".env.auth", ".env"),
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )
    examples: ClassVar[Mapping[str, str]] = {}


class WebSettings(SettingsGroup):
    host: str = Field("0.0.0.0", alias="HOST")  # noqa: S104  a container listens on all addresses
    port: int = Field(8084, alias="PORT", ge=1, le=65535)
    web_concurrency: int = Field(1, alias="WEB_CONCURRENCY", ge=1)


class NetworkSettings(SettingsGroup):
    """What callers' connections may do; `shared/doors` reads the two lists."""

    max_head_bytes: int = Field(65536, alias="MAX_HEAD_BYTES", ge=4096, le=1 << 20)
    max_open_requests: int = Field(2000, alias="MAX_OPEN_REQUESTS", ge=1)
    cors_origins: str = Field("", alias="CORS_ORIGINS")
    trusted_proxies: str = Field("", alias="TRUSTED_PROXIES")
    public_url: str | None = Field(None, alias="PUBLIC_URL", pattern=r"^https?://[^/\s]+/?$")
    public_status: bool = Field(False, alias="PUBLIC_STATUS")


class DrainSettings(SettingsGroup):
    drain_s: float = Field(2.0, alias="DRAIN_S", ge=0, le=60)


class DatabaseSettings(SettingsGroup):
    examples: ClassVar[Mapping[str, str]] = {
        "DATABASE_URL": "postgresql://user:password@localhost:5432/switchyard"
    }
    database_url: SecretStr = Field(alias="DATABASE_URL")

    @field_validator("database_url")
    @classmethod
    def _postgresql_scheme(cls, value: SecretStr) -> SecretStr:
        """Normalize `postgres://`, as Procfile platforms write it: SQLAlchemy refuses it."""
        url = re.sub("^postgres://", "postgresql://", value.get_secret_value())
        if not url.startswith("postgresql://"):
            raise ValueError("must start with postgresql:// or postgres://")
        return SecretStr(url)

    @property
    def dsn(self) -> str:
        return self.database_url.get_secret_value()


class RedisSettings(SettingsGroup):
    examples: ClassVar[Mapping[str, str]] = {"REDIS_URL": "redis://localhost:6379/0"}
    redis_url: SecretStr = Field(alias="REDIS_URL")
    tls_verify: bool = Field(True, alias="REDIS_TLS_VERIFY")

    @property
    def url(self) -> str:
        """For redis-py. A platform sets the URL itself: nobody could add `ssl_cert_reqs` to it."""
        url = self.redis_url.get_secret_value()
        is_whole = self.tls_verify or not url.startswith("rediss://") or "ssl_cert_reqs=" in url
        return url if is_whole else f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=none"


class VaultSettings(SettingsGroup):
    """A missing key is refused by the vault, with the same error as a malformed one."""

    byok_encryption_key: SecretStr | None = Field(None, alias="BYOK_ENCRYPTION_KEY")
    key_source: str = Field(
        "env", alias="BYOK_KEY_SOURCE", pattern=r"^(env|aws-secretsmanager:\S+|aws-kms:\S+)$"
    )


class SpoolSettings(SettingsGroup):
    data_dir: Path | None = Field(None, alias="SWITCHYARD_DATA_DIR")
    fsync: Literal["always", "interval", "never"] = Field("interval", alias="SPOOL_FSYNC")
    ephemeral: bool = Field(False, alias="SPOOL_EPHEMERAL")
    max_mb: int = Field(4096, alias="SPOOL_MAX_MB", ge=64)

    @property
    def folder(self) -> Path:
        return (self.data_dir or default_data_dir()) / "spool"


class AuthSettings(SettingsGroup):
    stale_auth_s: float = Field(600.0, alias="STALE_AUTH_S", ge=2)


class UsageQueueSettings(SettingsGroup):
    queue_url: str | None = Field(None, alias="USAGE_QUEUE_URL", pattern="^https?://")


class CompletionSettings(SettingsGroup):
    request_deadline_s: float = Field(600.0, alias="REQUEST_DEADLINE", gt=0)
    end_user_headers: str = Field("", alias="END_USER_HEADERS", pattern="^[A-Za-z0-9, -]*$")


class PriceSettings(SettingsGroup):
    unpriced_policy: Literal["serve", "refuse"] = Field("serve", alias="UNPRICED_POLICY")


class HealthSettings(SettingsGroup):
    interval_s: int = Field(300, alias="LLM_HEALTH_CHECK_INTERVAL", ge=1, le=86_400)


class CheckCallSettings(SettingsGroup):
    function: str | None = Field(None, alias="HEALTH_CHECK_LAMBDA")


class CatalogSettings(SettingsGroup):
    is_synced: bool = Field(False, alias="CATALOG_SYNC")


class ReceiverSettings(SettingsGroup):
    """Who is told of usage. Where nobody is, no event is written for anybody."""

    usage_webhook_url: str | None = Field(None, alias="USAGE_WEBHOOK_URL", pattern="^https?://")
    lago_api_url: str | None = Field(None, alias="LAGO_API_URL", pattern="^https?://")


class BillingSettings(ReceiverSettings):
    """Where `deliver_billing` sends usage; each address comes with its secret."""

    usage_webhook_secret: SecretStr | None = Field(
        None, alias="USAGE_WEBHOOK_SECRET", validate_default=True
    )
    lago_api_key: SecretStr | None = Field(None, alias="LAGO_API_KEY", validate_default=True)

    @field_validator("usage_webhook_secret", "lago_api_key")
    @classmethod
    def _goes_with_its_address(
        cls, value: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        address = {"usage_webhook_secret": "usage_webhook_url", "lago_api_key": "lago_api_url"}
        name = address[info.field_name or ""]
        # An invalid address is missing from `data`, and has its own error.
        if name in info.data and (value is None) != (info.data[name] is None):
            raise ValueError(f"must be set together with {name.upper()}")
        return value


class LogSettings(SettingsGroup):
    level: Literal["debug", "info", "warning", "error"] = Field("info", alias="LOG_LEVEL")
    format: Literal["console", "json"] | None = Field(None, alias="LOG_FORMAT")

    @field_validator("level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


class MetricsSettings(SettingsGroup):
    multiproc_dir: Path | None = Field(None, alias="PROMETHEUS_MULTIPROC_DIR")


class FunctionSettings(SettingsGroup):
    """Which function a worker or a Lambda runs. Lambda sets `lambda_name` itself."""

    name: str | None = Field(None, alias="SWITCHYARD_FUNCTION", pattern="^[a-z][a-z0-9_]*$")
    lambda_name: str | None = Field(None, alias="AWS_LAMBDA_FUNCTION_NAME")


class TryOutSettings(SettingsGroup):
    """Set only by `switchyard up`, for the processes it starts on loopback."""

    tokens: bool = Field(False, alias="SWITCHYARD_TRYOUT_TOKENS")
    simulated_provider_url: str | None = Field(None, alias="SWITCHYARD_SIMULATED_PROVIDER_URL")


class ProviderSettings(SettingsGroup):
    """Platform keys and base URLs of the built-in providers, by slug; a stored key wins."""

    openai_api_key: SecretStr | None = Field(None, alias="OPENAI_API_KEY")
    anthropic_api_key: SecretStr | None = Field(None, alias="ANTHROPIC_API_KEY")
    google_api_key: SecretStr | None = Field(None, alias="GOOGLE_API_KEY")
    gemini_api_key: SecretStr | None = Field(None, alias="GEMINI_API_KEY")
    groq_api_key: SecretStr | None = Field(None, alias="GROQ_API_KEY")
    fireworks_api_key: SecretStr | None = Field(None, alias="FIREWORKS_API_KEY")
    together_api_key: SecretStr | None = Field(None, alias="TOGETHER_API_KEY")
    openrouter_api_key: SecretStr | None = Field(None, alias="OPENROUTER_API_KEY")
    openai_base_url: str | None = Field(None, alias="OPENAI_BASE_URL")
    anthropic_base_url: str | None = Field(None, alias="ANTHROPIC_BASE_URL")
    google_base_url: str | None = Field(None, alias="GOOGLE_BASE_URL")
    groq_base_url: str | None = Field(None, alias="GROQ_BASE_URL")
    fireworks_base_url: str | None = Field(None, alias="FIREWORKS_BASE_URL")
    together_base_url: str | None = Field(None, alias="TOGETHER_BASE_URL")
    openrouter_base_url: str | None = Field(None, alias="OPENROUTER_BASE_URL")

    def api_keys(self) -> dict[str, SecretStr]:
        """Platform keys by provider slug; only those that are set."""
        keys = {slug: getattr(self, f"{slug}_api_key") for slug in PROVIDER_PREFIXES}
        keys["google"] = keys["google"] or self.gemini_api_key
        return {slug: key for slug, key in keys.items() if key is not None}

    def base_urls(self) -> dict[str, str]:
        """Base URLs by provider slug; only those that are set."""
        urls = {slug: getattr(self, f"{slug}_base_url") for slug in PROVIDER_PREFIXES}
        return {slug: url.rstrip("/") for slug, url in urls.items() if url is not None}


_BASE_URL = "_base_url"
PROVIDER_PREFIXES: Mapping[str, str] = {
    name.removesuffix(_BASE_URL): name.removesuffix(_BASE_URL).upper()
    for name in ProviderSettings.model_fields
    if name.endswith(_BASE_URL)
}
"""By slug, the prefix of a built-in provider's settings."""


class UpstreamSettings(SettingsGroup):
    proxy_url: SecretStr | None = Field(None, alias="UPSTREAM_PROXY_URL")
    ca_file: Path | None = Field(None, alias="UPSTREAM_CA_FILE")


class LiteLLMSettings(SettingsGroup):
    """A LiteLLM proxy, which serves the providers that have no platform key of their own."""

    proxy_url: str | None = Field(None, alias="LITELLM_PROXY_URL")
    master_key: SecretStr | None = Field(None, alias="LITELLM_MASTER_KEY")


Group = TypeVar("Group", bound=SettingsGroup)


class Settings:
    """The groups a process was started with: `settings[DatabaseSettings].dsn`."""

    def __init__(self, groups: Mapping[type[SettingsGroup], SettingsGroup]) -> None:
        self._groups = dict(groups)

    def __getitem__(self, group: type[Group]) -> Group:
        return cast(Group, self._groups[group])


def load_settings(*groups: type[SettingsGroup], **values: Any) -> Settings:
    """Read the groups; `values`, by variable name, take precedence over the environment. Raises
    SettingsInvalid, which names every missing or malformed variable and gives an example.
    """
    loaded: dict[type[SettingsGroup], SettingsGroup] = {}
    complaints: list[str] = []
    for group in dict.fromkeys(groups):
        try:
            loaded[group] = group(**values)
        except ValidationError as error:
            complaints.extend(_complaints(group, error))
    if complaints:
        raise SettingsInvalid("; ".join(complaints))
    return Settings(loaded)


def _complaints(group: type[SettingsGroup], error: ValidationError) -> list[str]:
    lines: list[str] = []
    for item in error.errors(include_input=False, include_url=False):
        variable = str(item["loc"][0])
        if variable in group.model_fields:  # for a default, pydantic gives the field's own name
            variable = group.model_fields[variable].alias or variable
        hint = f", for example {variable}={it}" if (it := group.examples.get(variable)) else ""
        what = "is not set" if item["type"] == "missing" else f"is invalid: {item['msg']}"
        lines.append(f"{variable} {what}{hint}")
    return lines


def inherited_environment() -> dict[str, str]:
    """A copy of this process's environment, to pass on to the processes it starts."""
    return dict(os.environ)


def default_data_dir() -> Path:
    """Where data lives if SWITCHYARD_DATA_DIR is not set. For root, not in its private home."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/switchyard")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "switchyard"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "switchyard"
