"""Which PostgreSQL and Redis a command uses: those in the settings, or else a running `up`'s."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr

from shared.cli.failures import CommandFailed
from shared.cli.running.run_file import Run, read_run_file
from shared.db.session import connect
from shared.settings import (
    PROVIDER_PREFIXES,
    DatabaseSettings,
    RedisSettings,
    SettingsGroup,
    SpoolSettings,
    default_data_dir,
    load_settings,
)


class GivenServices(SettingsGroup):
    """What the operator has set; `up` embeds whatever is None."""

    database_url: SecretStr | None = Field(None, alias="DATABASE_URL")
    redis_url: SecretStr | None = Field(None, alias="REDIS_URL")


def is_database_given() -> bool:
    """Whether DATABASE_URL is set, valid or not."""
    return load_settings(GivenServices)[GivenServices].database_url is not None


def given_database_url() -> str | None:
    """DATABASE_URL, or None. Raises SettingsInvalid, or CommandFailed if libpq cannot parse it."""
    if not is_database_given():
        return None
    url = load_settings(DatabaseSettings)[DatabaseSettings].dsn
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # libpq's own message quotes the URL, and with it the password.
        raise CommandFailed(
            "DATABASE_URL is not a valid PostgreSQL URL; use the form"
            f" {DatabaseSettings.examples['DATABASE_URL']}, with special characters as %XX"
        ) from None
    return url


def given_redis_url() -> str | None:
    """REDIS_URL, or None. Raises SettingsInvalid."""
    if load_settings(GivenServices)[GivenServices].redis_url is None:
        return None
    return load_settings(RedisSettings)[RedisSettings].url


def data_folder() -> Path:
    """SWITCHYARD_DATA_DIR, or else the default; the folder may not exist yet."""
    given = load_settings(SpoolSettings)[SpoolSettings].data_dir
    return (given or default_data_dir()).expanduser().absolute()


def running_up() -> Run | None:
    """The `switchyard up` that is running on this data folder, if any."""
    return read_run_file(data_folder())


def database_url() -> str:
    """DATABASE_URL, or else that of a running `up`. Raises SettingsInvalid, CommandFailed."""
    url = given_database_url()
    if url is None:
        run = running_up()
        if run is None:
            raise CommandFailed(
                "DATABASE_URL is not set and no `switchyard up` is running on"
                f" {data_folder()}; set it, for example"
                f" DATABASE_URL={DatabaseSettings.examples['DATABASE_URL']}"
            )
        url = run.database_url
    return url


def slugs_with_stored_key(dsn: str) -> list[str]:
    """The built-in providers of which the platform's key is in the table. Raises psycopg.Error."""
    with connect(dsn, "switchyard") as connection:
        rows = connection.execute(
            "SELECT provider_slug FROM llm_providers WHERE encrypted_system_key IS NOT NULL"
            " AND provider_slug = ANY(%s) ORDER BY id",
            [list(PROVIDER_PREFIXES)],
        ).fetchall()
    return [slug for (slug,) in rows]


def redis_url() -> str:
    """REDIS_URL, or else that of a running `up`. Raises SettingsInvalid, CommandFailed."""
    url = given_redis_url()
    if url is None:
        run = running_up()
        if run is None:
            raise CommandFailed(
                "REDIS_URL is not set and no `switchyard up` is running on"
                f" {data_folder()}; set it, for example"
                f" REDIS_URL={RedisSettings.examples['REDIS_URL']}"
            )
        url = run.redis_url
    return url
