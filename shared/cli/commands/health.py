"""`switchyard health`: show the providers' health, or check all of them now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import click
import msgspec
from redis.exceptions import RedisError
from rich.table import Table

from shared.cli.failures import CommandFailed, failing_in_one_line
from shared.cli.output import print_table
from shared.cli.services import database_url, redis_url
from shared.db.audit import Actor
from shared.db.connect import connect_once
from shared.health.check_call import CheckCall, CheckNotCalled
from shared.health.on_demand import request_check, wait_for_check
from shared.health.report import ProviderHealth, read_health
from shared.jobs import Dispatch
from shared.settings import CheckCallSettings, load_settings

_COLORS = {"healthy": "green", "degraded": "yellow", "down": "red", "unknown": "dim"}
_HISTORY = 20


@click.group(short_help="Show the providers' health, or check it now.")
def health() -> None:
    """The providers' health.

    Uses DATABASE_URL and REDIS_URL, or else those of a running `switchyard up`.
    """


@health.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, with recent checks.")
@failing_in_one_line()
def status(as_json: bool) -> None:
    """Show the results of the last check.

    \b
    Example: switchyard health status
    """
    _show(asyncio.run(_read(database_url())), as_json=as_json)


@health.command()
@click.option(
    "--timeout",
    type=click.IntRange(1, 600),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a worker.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, with recent checks.")
@failing_in_one_line()
def check(timeout: int, as_json: bool) -> None:  # noqa: ASYNC109  click's option
    """Check every provider now, and show the results.

    A worker does it, at endpoints that cost nothing. Exits with status 1 if an active provider is
    down.

    \b
    Example: switchyard health check --timeout 30
    """
    click.echo("Checking all providers; waiting for a worker.", err=True)
    found = asyncio.run(_check(database_url(), redis_url(), timeout))
    _show(found, as_json=as_json)
    if any(one.is_active and one.health_status == "down" for one in found):
        click.get_current_context().exit(1)


async def _check(dsn: str, queue_url: str, timeout_s: float) -> Sequence[ProviderHealth]:
    dispatch = Dispatch(queue_url)
    call = CheckCall(dispatch, load_settings(CheckCallSettings)[CheckCallSettings].function)
    connect = partial(connect_once, dsn)
    try:
        async with connect() as connection:
            run = await request_check(connection, call, Actor("switchyard health check"))
    except RedisError as error:
        raise CommandFailed(f"Redis: {error}") from error
    except CheckNotCalled as error:
        raise CommandFailed(str(error)) from error
    finally:
        dispatch.close()
    if not await wait_for_check(connect, run, timeout_s):
        raise CommandFailed(
            f"no worker finished the check within {timeout_s:g} s; make sure that one is running"
            " (`dramatiq functions.worker.main`). The check stays queued."
        )
    return await _read(dsn)


async def _read(dsn: str) -> Sequence[ProviderHealth]:
    async with connect_once(dsn) as connection:
        return await read_health(connection, history=_HISTORY)


def _show(found: Sequence[ProviderHealth], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    table = Table("provider", "health", "ms", "key", "up 24 h", "up 30 d", "checked", "reason")
    for one in found:
        color = _COLORS.get(one.health_status, "dim")
        table.add_row(
            one.provider if one.is_active else f"{one.provider} (off)",
            f"[{color}]{one.health_status}[/{color}]",
            "" if one.health_response_time_ms is None else str(one.health_response_time_ms),
            one.system_key_status,
            _percent(one.uptime_24h),
            _percent(one.uptime_30d),
            _moment(one.health_last_checked),
            one.health_reason or one.system_key_reason or "",
        )
    print_table(table)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
