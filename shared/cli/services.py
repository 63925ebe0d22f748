"""Which PostgreSQL and Redis a command works on: the given ones, else those of a running `up`."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr

from shared.cli.failures import CommandFailed
from shared.cli.running.run_file import Run, read_run_file
from shared.settings import (
    DatabaseSettings,
    RedisSettings,
    SettingsGroup,
    SpoolSettings,
    default_data_dir,
    load_settings,
)


class GivenServices(SettingsGroup):
    """What the operator named; `up` embeds what is None."""

    database_url: SecretStr | None = Field(None, alias="DATABASE_URL")
    redis_url: SecretStr | None = Field(None, alias="REDIS_URL")


def is_database_given() -> bool:
    """Whether DATABASE_URL is set, to whatever."""
    return load_settings(GivenServices)[GivenServices].database_url is not None


def given_database_url() -> str | None:
    """DATABASE_URL, checked. Raises SettingsInvalid, CommandFailed where libpq cannot read it."""
    if not is_database_given():
        return None
    url = load_settings(DatabaseSettings)[DatabaseSettings].dsn
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # libpq's own words quote the URL, and with it the password.
        raise CommandFailed(
            "DATABASE_URL cannot be read; it looks like"
            f" {DatabaseSettings.examples['DATABASE_URL']}, special characters as %XX"
        ) from None
    return url


def given_redis_url() -> str | None:
    """REDIS_URL, if it is set."""
    if load_settings(GivenServices)[GivenServices].redis_url is None:
        return None
    return load_settings(RedisSettings)[RedisSettings].url


def data_folder() -> Path:
    """SWITCHYARD_DATA_DIR, else the default; it need not be there."""
    given = load_settings(SpoolSettings)[SpoolSettings].data_dir
    return (given or default_data_dir()).expanduser().absolute()


def running_up() -> Run | None:
    """The `switchyard up` that runs on this data folder, if one does."""
    return read_run_file(data_folder())


def database_url() -> str:
    """DATABASE_URL, else that of a running `up`. Raises SettingsInvalid, CommandFailed."""
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


def redis_url() -> str:
    """REDIS_URL, else that of a running `up`. Raises SettingsInvalid, CommandFailed."""
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
