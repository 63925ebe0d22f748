"""The checks of `switchyard doctor`. Each returns findings; none changes anything."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import cast

import msgspec
import psycopg
from psycopg.rows import dict_row
from redis.exceptions import RedisError

from shared import keyspace
from shared.cli.failures import CommandFailed, one_line
from shared.cli.running.data_folder import read_key_file
from shared.cli.running.providers_seen import providers_seen
from shared.cli.running.run_file import Run
from shared.cli.services import slugs_with_stored_key
from shared.db.session import connect
from shared.limits.limit import SELECT_LIMITS, read_limits
from shared.migrate.steps import is_current, missing_tables, unfit
from shared.settings import (
    PROVIDER_PREFIXES,
    CompletionSettings,
    DatabaseSettings,
    LiteLLMSettings,
    LogSettings,
    MetricsSettings,
    ProviderSettings,
    RedisSettings,
    SettingsInvalid,
    SpoolSettings,
    TryOutSettings,
    UpstreamSettings,
    VaultSettings,
    WebSettings,
    load_settings,
)
from shared.upstream.litellm import LiteLLMProxy
from shared.upstream.platform_access import Way
from shared.upstream.transport import Transport
from shared.vault.keyring import parse_key_ring
from shared.vault.sources import read_key_ring

_PLAIN_GROUPS = (
    WebSettings,
    SpoolSettings,
    CompletionSettings,
    LogSettings,
    MetricsSettings,
)
_TIMEOUT_S = 5
_LITELLM = "LiteLLM proxy"
_LITELLM_TIMEOUT_S = 5.0


class State(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing to fix."""
    WRONG = "wrong"


class Finding(msgspec.Struct, frozen=True):
    """`fix` says what to do; empty if there is nothing to do."""

    name: str
    state: State
    detail: str
    fix: str = ""


def check_settings() -> list[Finding]:
    """The settings that have a default, so that they can only be malformed."""
    findings: list[Finding] = []
    for group in _PLAIN_GROUPS:
        try:
            load_settings(group)
        except SettingsInvalid as error:
            findings.append(Finding("settings", State.WRONG, one_line(error), "correct its value"))
    return findings or [Finding("settings", State.OK, "valid")]


def check_postgres(run: Run | None) -> list[Finding]:
    """Reachable, of a supported version, and with the tables of this release."""
    try:
        url = load_settings(DatabaseSettings)[DatabaseSettings].dsn
        source = "from DATABASE_URL"
    except SettingsInvalid as error:
        if run is None or "is not set" not in str(error):
            return [Finding("PostgreSQL", State.WRONG, one_line(error), _SET_OR_UP)]
        url, source = run.database_url, "from the running `switchyard up`"
    try:
        with connect(url, "switchyard doctor", within_s=_TIMEOUT_S) as connection:
            version = connection.info.parameter_status("server_version")
            fault = unfit(connection)
        if fault is not None:
            return [Finding("PostgreSQL", State.WRONG, fault.detail, fault.fix)]
        tables = _check_tables(url)
        limits = _check_limits(url) if tables.state is State.OK else []
        return [Finding("PostgreSQL", State.OK, f"{version}, {source}"), tables, *limits]
    except psycopg.ProgrammingError:
        # libpq's own message quotes the URL, and with it the password.
        detail = "DATABASE_URL is not a valid PostgreSQL URL"
        fix = "percent-encode special characters (%XX)"
        return [Finding("PostgreSQL", State.WRONG, detail, fix)]
    except psycopg.Error as error:
        fix = "start it, or correct DATABASE_URL"
        return [Finding("PostgreSQL", State.WRONG, one_line(error), fix)]


_SET_OR_UP = "set it, or run `switchyard up`, which starts one for you"


def _check_tables(url: str) -> Finding:
    if missing := missing_tables(url):
        some = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        detail = f"{len(missing)} missing: {some}"
        return Finding("tables", State.WRONG, detail, "run `switchyard migrate`")
    if not is_current(url):
        detail = "from an earlier release"
        return Finding("tables", State.WRONG, detail, "run `switchyard migrate`")
    return Finding("tables", State.OK, "up to date")


def _check_limits(url: str) -> list[Finding]:
    """Rows that SQL wrote and that cannot be held."""
    with (
        connect(url, "switchyard doctor", within_s=_TIMEOUT_S) as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        _, bad = read_limits(cursor.execute(SELECT_LIMITS).fetchall())
    fix = "correct the row, or remove it with `switchyard limit remove`"
    return [
        Finding("limits", State.WRONG, f"row {row_id} is left out: {one_line(error)}", fix)
        for row_id, error in bad
    ]


def check_redis(run: Run | None) -> list[Finding]:
    """Reachable, and its version."""
    try:
        url = load_settings(RedisSettings)[RedisSettings].url
        source = "from REDIS_URL"
    except SettingsInvalid as error:
        if run is None:
            return [Finding("Redis", State.WRONG, one_line(error), _SET_OR_UP)]
        url, source = run.redis_url, "from the running `switchyard up`"
    try:
        with keyspace.connect(url, _TIMEOUT_S) as client:
            facts = cast(
                Mapping[str, str],
                client.info("server"),  # pyright: ignore[reportUnknownMemberType]
            )
    except (RedisError, ValueError) as error:
        fix = "start it, or correct REDIS_URL"
        return [Finding("Redis", State.WRONG, one_line(error), fix)]
    valkey = facts.get("valkey_version")
    version = f"Valkey {valkey}" if valkey else f"Redis {facts.get('redis_version', '?')}"
    return [Finding("Redis", State.OK, f"{version}, {source}")]


def check_data_folder(folder: Path) -> list[Finding]:
    """Whether the usage spool can be written there."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        note = "" if existing == folder else ", created on first use"
        return [Finding("data folder", State.OK, f"{folder}{note}")]
    fix = "set SWITCHYARD_DATA_DIR to a writable folder"
    return [Finding("data folder", State.WRONG, f"{existing} is not writable", fix)]


def check_encryption_key(folder: Path) -> list[Finding]:
    """BYOK_ENCRYPTION_KEY, or else the key file of `switchyard up`."""
    try:
        settings = load_settings(VaultSettings)[VaultSettings]
    except SettingsInvalid as error:
        return [Finding("encryption key", State.WRONG, one_line(error), "correct its value")]
    if settings.key_source != "env":
        return [_check_key_source(settings)]
    given = settings.byok_encryption_key
    source = "BYOK_ENCRYPTION_KEY"
    key = given.get_secret_value() if given else None
    fix = "set BYOK_ENCRYPTION_KEY; `switchyard key generate` creates one"
    if key is None:
        source = "the data folder's key file"
        try:
            key = read_key_file(folder)
        except PermissionError:
            detail = f"{source} belongs to another user"
            return [Finding("encryption key", State.WRONG, detail, fix)]
    if key is None:
        return [Finding("encryption key", State.WRONG, "BYOK_ENCRYPTION_KEY is not set", fix)]
    try:
        parse_key_ring(key)
    except ValueError as error:
        return [Finding("encryption key", State.WRONG, f"{source}: {error}", fix)]
    return [Finding("encryption key", State.OK, f"valid, from {source}")]


def _check_key_source(settings: VaultSettings) -> Finding:
    try:
        read_key_ring(settings)
    except ValueError as error:
        fix = "correct BYOK_KEY_SOURCE, or what it names"
        return Finding("encryption key", State.WRONG, one_line(error), fix)
    return Finding("encryption key", State.OK, f"valid, from {settings.key_source}")


def check_providers(run: Run | None) -> list[Finding]:
    """Which providers can be called with the platform's own keys: as the running `up` says, which
    may have been started with other settings than these, else by the settings and the table."""
    if run is not None:
        return _providers_of_up(run)
    keys = {*load_settings(ProviderSettings)[ProviderSettings].api_keys(), *_stored_keys()}
    has_proxy = load_settings(LiteLLMSettings)[LiteLLMSettings].proxy_url is not None
    findings = [
        _provider(slug, has_key=slug in keys, has_proxy=has_proxy) for slug in PROVIDER_PREFIXES
    ]
    if not keys and not has_proxy:
        detail = "neither a platform key nor LITELLM_PROXY_URL is set"
        fix = "set one, such as OPENAI_API_KEY, or try it out with `switchyard up`"
        findings.append(Finding("providers", State.WRONG, detail, fix))
    return findings


def _providers_of_up(run: Run) -> list[Finding]:
    try:
        seen = providers_seen(run.url)
    except CommandFailed as error:
        fix = "look at the log of `switchyard up`"
        return [Finding("providers", State.WRONG, error.message, fix)]
    said = {
        Way.REAL: (State.OK, "real"),
        Way.SIMULATED: (State.NOTE, "simulated; answers are made up until there is a real key"),
        Way.OFF: (State.NOTE, "off: no platform key, or switched off"),
    }
    return [Finding(f"provider {one.provider}", *said[one.way]) for one in seen]


def _stored_keys() -> list[str]:
    """None where the database cannot be asked; another check says so."""
    try:
        return slugs_with_stored_key(load_settings(DatabaseSettings)[DatabaseSettings].dsn)
    except (SettingsInvalid, psycopg.Error):
        return []


def _provider(slug: str, *, has_key: bool, has_proxy: bool) -> Finding:
    variable = f"{PROVIDER_PREFIXES[slug]}_API_KEY"
    if has_key:
        return Finding(f"provider {slug}", State.OK, "real: platform key set")
    if has_proxy:
        return Finding(
            f"provider {slug}", State.OK, f"through the LiteLLM proxy ({variable} not set)"
        )
    return Finding(f"provider {slug}", State.NOTE, f"off: no platform key ({variable} not set)")


def check_litellm() -> list[Finding]:
    """Well formed and reachable; no finding if LITELLM_PROXY_URL is not set."""
    try:
        settings = load_settings(LiteLLMSettings)[LiteLLMSettings]
        proxy = LiteLLMProxy.from_settings(settings, TryOutSettings.model_construct())
    except SettingsInvalid as error:
        return [Finding(_LITELLM, State.WRONG, one_line(error), "correct its value")]
    if proxy is None:
        return []
    complaint = asyncio.run(_complaint(proxy))
    if complaint is not None:
        return [Finding(_LITELLM, State.WRONG, complaint, "start it, or correct LITELLM_PROXY_URL")]
    if not proxy.has_key:
        detail = "reachable; LITELLM_MASTER_KEY is not set"
        return [Finding(_LITELLM, State.NOTE, detail, "set it, unless the proxy needs no key")]
    return [Finding(_LITELLM, State.OK, "reachable, key set")]


async def _complaint(proxy: LiteLLMProxy) -> str | None:
    transport = Transport.from_settings(load_settings(UpstreamSettings)[UpstreamSettings])
    try:
        return await proxy.complaint(transport, timeout_s=_LITELLM_TIMEOUT_S)
    finally:
        await transport.aclose()
