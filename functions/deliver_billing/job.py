"""Tells billing what waits in the outbox: each event until it was taken, or given up.

Sending is at least once; the event's id makes it once at the receiver. What was taken is noted
behind the call, so a death between the two sends an event again, and never loses one.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import psycopg

from functions.deliver_billing.backoff import wait_after
from functions.deliver_billing.receivers import NotTaken, Receiver, open_client, receivers
from shared.db.thread_connection import ThreadConnections
from shared.ledger.outbox import Claimed, Sent, Unsent, claim, queue_budgets, settle
from shared.log import get_logger
from shared.settings import BillingSettings, DatabaseSettings, Settings, load_settings

SETTINGS = (BillingSettings, DatabaseSettings)
LONGEST_S = 60.0
_EVENTS_AT_ONCE = 100
_CALLS_AT_ONCE = 16


def run_delivery() -> int:
    """deliver, on this thread's connection. Raises psycopg.Error, SettingsInvalid."""
    return deliver(_connections().get(), _settings()[BillingSettings])


@cache
def _settings() -> Settings:
    return load_settings(*SETTINGS)


@cache
def _connections() -> ThreadConnections:
    return ThreadConnections(_settings()[DatabaseSettings].dsn)


def deliver(
    connection: psycopg.Connection[Any],
    settings: BillingSettings,
    *,
    longest_s: float = LONGEST_S,
) -> int:
    """Send what is due, for `longest_s`; how many events were taken.

    Nothing is claimed where no receiver is set. Ends early where a receiver took none of a batch:
    it is down, and what waits keeps its attempts. Raises psycopg.Error, SettingsInvalid.
    """
    return asyncio.run(_deliver(connection, settings, longest_s))


async def _deliver(
    connection: psycopg.Connection[Any], settings: BillingSettings, longest_s: float
) -> int:
    until = time.monotonic() + longest_s
    taken = 0
    async with open_client() as client:
        told = receivers(client, settings)
        if told:
            queue_budgets(connection)
        while told and time.monotonic() < until:
            # Nothing else runs on this loop meanwhile: the calls of the batch before are over.
            events = claim(connection, _EVENTS_AT_ONCE)
            sent, unsent = await _send(told, events)
            settle(connection, sent, unsent)
            _report(sent, unsent)
            taken += len(sent)
            if not sent:
                break
    return taken


async def _send(
    told: Sequence[Receiver], events: Sequence[Claimed]
) -> tuple[list[Sent], list[Unsent]]:
    slots = asyncio.Semaphore(_CALLS_AT_ONCE)

    async def one(event: Claimed) -> Sent | Unsent:
        async with slots:
            return await _tell_all(told, event)

    outcomes = await asyncio.gather(*(one(event) for event in events))
    return (
        [outcome for outcome in outcomes if isinstance(outcome, Sent)],
        [outcome for outcome in outcomes if isinstance(outcome, Unsent)],
    )


async def _tell_all(told: Sequence[Receiver], event: Claimed) -> Sent | Unsent:
    """Every receiver, or the event is told again: to those that have it already, too."""
    if event.is_gone:
        return Unsent(event.outbox_id, "the row is no longer in the log", None)
    event_id: str | None = None
    for receiver in told:
        try:
            event_id = await receiver.tell(event) or event_id
        except NotTaken as error:
            reason = f"{type(receiver).__name__.lower()}: {error}"
            wait = wait_after(event.send_attempts, random.random())  # noqa: S311  jitter
            return Unsent(event.outbox_id, reason, wait)
    return Sent(event.outbox_id, event_id)


def _report(sent: Sequence[Sent], unsent: Sequence[Unsent]) -> None:
    dead = [one for one in unsent if one.wait is None]
    if sent:
        get_logger().info("billing.delivered", events=len(sent))
    if len(unsent) > len(dead):
        get_logger().warning("billing.not_taken", events=len(unsent), error=unsent[0].error)
    if dead:
        get_logger().error("billing.dead_letters", events=len(dead), error=dead[0].error)
