"""Each event reaches billing once by its id, whatever its receiver or the worker does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from functions.deliver_billing import job
from functions.deliver_billing.backoff import MAX_ATTEMPTS, wait_after
from functions.deliver_billing.job import deliver
from shared.ledger.outbox import outbox_state, replay
from shared.ledger.rows import write_batch
from shared.settings import BillingSettings, SettingsInvalid, load_settings
from tests.fakes.billing_server import LAGO_KEY, WEBHOOK_SECRET, BillingServer
from tests.fakes.usage_records import final, intent

Database = psycopg.Connection[Any]


@pytest.fixture
def database(migrated_database_url: str) -> Iterator[Database]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def server() -> Iterator[BillingServer]:
    with BillingServer() as server:
        yield server


def webhook(server: BillingServer, secret: str = WEBHOOK_SECRET) -> BillingSettings:
    return BillingSettings(USAGE_WEBHOOK_URL=f"{server.url}/hook", USAGE_WEBHOOK_SECRET=secret)


def lago(server: BillingServer) -> BillingSettings:
    return BillingSettings(LAGO_API_URL=f"{server.url}/", LAGO_API_KEY=LAGO_KEY)


Settings = Callable[[BillingServer], BillingSettings]
both = pytest.mark.parametrize("settings", [webhook, lago])


def make_due(database: Database) -> None:
    database.execute("UPDATE usage_outbox SET next_attempt_at = now()")


def billed(database: Database) -> int:
    row = database.execute(
        "SELECT count(*) FROM llm_usage_logs WHERE billed_at IS NOT NULL"
    ).fetchone()
    assert row is not None
    return int(row[0])


@both
def test_every_billed_row_is_told_once_and_marked(
    database: Database, server: BillingServer, settings: Settings
) -> None:
    records = [final(cost_total_pico_usd=number) for number in range(1, 251)]
    others = [final(billed_to="user"), final(is_simulated=True), final(cost_total_pico_usd=None)]
    write_batch(database, [*records, *others], [intent()])
    assert deliver(database, settings(server)) == 250
    assert server.events.keys() == {record.request_id for record in records}
    assert len(server.deliveries) == 250
    assert server.total_usd() == Decimal(250 * 251 // 2).scaleb(-12)
    assert billed(database) == 250
    assert deliver(database, settings(server)) == 0
    assert len(server.deliveries) == 250


def test_lagos_own_id_is_kept_on_the_row(database: Database, server: BillingServer) -> None:
    record = final()
    write_batch(database, [record], [])
    deliver(database, lago(server))
    row = database.execute("SELECT lago_event_id FROM llm_usage_logs").fetchone()
    assert row == (f"lago-{record.request_id}",)


@both
def test_an_event_whose_answer_was_lost_is_sent_again_and_counts_once(
    database: Database, server: BillingServer, settings: Settings
) -> None:
    write_batch(database, [final() for _ in range(10)], [])
    server.loses_answer = lambda number: number < 5
    assert deliver(database, settings(server)) == 5
    assert billed(database) == 5
    make_due(database)
    assert deliver(database, settings(server)) == 5
    assert len(server.deliveries) == 15
    assert len(server.events) == 10
    assert billed(database) == 10


@both
def test_a_worker_that_dies_before_it_notes_what_was_taken_sends_it_again(
    database: Database,
    server: BillingServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_batch(database, [final() for _ in range(7)], [])

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(job, "settle", die)
        with pytest.raises(KeyboardInterrupt):
            deliver(database, settings(server))
    assert deliver(database, settings(server)) == 0, "they are leased"
    make_due(database)
    assert deliver(database, settings(server)) == 7
    assert len(server.events) == 7
    assert server.total_usd() == Decimal("0.0175")


@pytest.mark.parametrize("status", [301, 400, 401, 408, 429, 500, 503])
def test_an_event_that_is_not_taken_waits_longer_each_time(
    database: Database, server: BillingServer, status: int
) -> None:
    write_batch(database, [final()], [])
    server.answer = lambda _: status
    for attempt in range(1, 4):
        make_due(database)
        assert deliver(database, webhook(server)) == 0
        row = database.execute(
            "SELECT send_attempts, last_error, next_attempt_at - now() FROM usage_outbox"
        ).fetchone()
        assert row is not None
        assert row[:2] == (attempt, f"webhook: status {status}")
        assert timedelta(seconds=2.5 * 2 ** (attempt - 1) - 2) < row[2]
    assert len(server.deliveries) == 3
    assert server.events == {}


def test_a_receiver_that_is_away_is_left_alone_after_one_batch(database: Database) -> None:
    write_batch(database, [final() for _ in range(150)], [])
    with BillingServer() as gone:
        settings = webhook(gone)
    assert deliver(database, settings) == 0
    tried = database.execute("SELECT sum(send_attempts), max(last_error) FROM usage_outbox")
    assert tried.fetchone() == (100, "webhook: ConnectError")


def test_a_dead_letter_is_said_kept_and_replayed(database: Database, server: BillingServer) -> None:
    write_batch(database, [final()], [])
    database.execute("UPDATE usage_outbox SET send_attempts = %s", (MAX_ATTEMPTS - 1,))
    server.answer = lambda number: 500 if number == 0 else None
    with capture_logs() as logs:
        deliver(database, webhook(server))
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("error", "billing.dead_letters")
    ]
    assert outbox_state(database) == (0, 1)
    assert deliver(database, webhook(server)) == 0
    assert replay(database, None) == 1
    assert deliver(database, webhook(server)) == 1
    assert outbox_state(database) == (0, 0)


def test_a_sent_event_may_be_replayed_by_its_request(
    database: Database, server: BillingServer
) -> None:
    record, other = final(), final()
    write_batch(database, [record, other], [])
    deliver(database, webhook(server))
    assert replay(database, [record.request_id]) == 1
    assert deliver(database, webhook(server)) == 1
    assert server.deliveries.count(record.request_id) == 2
    assert len(server.events) == 2


def test_both_receivers_are_told_or_the_event_waits(
    database: Database, server: BillingServer
) -> None:
    write_batch(database, [final()], [])
    with BillingServer() as other:
        settings = BillingSettings(
            LAGO_API_URL=other.url,
            LAGO_API_KEY=LAGO_KEY,
            USAGE_WEBHOOK_URL=server.url,
            USAGE_WEBHOOK_SECRET=WEBHOOK_SECRET,
        )
        server.answer = lambda number: 503 if number == 0 else None
        assert deliver(database, settings) == 0
        make_due(database)
        assert deliver(database, settings) == 1
        assert (len(other.deliveries), len(other.events)) == (2, 1)
        assert (len(server.deliveries), len(server.events)) == (2, 1)


def test_a_wrong_secret_is_not_believed_by_the_receiver(
    database: Database, server: BillingServer
) -> None:
    write_batch(database, [final()], [])
    assert deliver(database, webhook(server, "another secret")) == 0
    assert server.refused == ["wrong signature"]


def test_a_row_that_is_gone_is_a_dead_letter_that_says_so(
    database: Database, server: BillingServer
) -> None:
    write_batch(database, [final()], [])
    database.execute("DELETE FROM llm_usage_logs")
    assert deliver(database, webhook(server)) == 0
    assert database.execute("SELECT last_error FROM usage_outbox").fetchone() == (
        "the row is no longer in the log",
    )
    assert outbox_state(database) == (0, 1)


def test_without_a_receiver_events_wait_untouched(database: Database) -> None:
    write_batch(database, [final()], [])
    assert deliver(database, BillingSettings()) == 0
    assert database.execute("SELECT send_attempts FROM usage_outbox").fetchone() == (0,)


def test_no_secret_is_in_a_log_or_in_the_table(database: Database, server: BillingServer) -> None:
    write_batch(database, [final()], [])
    server.answer = lambda _: 500
    with capture_logs() as logs:
        deliver(database, webhook(server))
    held = database.execute("SELECT last_error FROM usage_outbox").fetchall()
    said = json.dumps([logs, held], default=str)
    assert WEBHOOK_SECRET not in said
    assert WEBHOOK_SECRET.removeprefix("whsec_") not in said


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"USAGE_WEBHOOK_URL": "https://billing.example"}, "USAGE_WEBHOOK_SECRET"),
        ({"LAGO_API_KEY": "key"}, "LAGO_API_KEY"),
        (
            {"USAGE_WEBHOOK_URL": "ftp://billing.example", "USAGE_WEBHOOK_SECRET": "s"},
            "USAGE_WEBHOOK_URL",
        ),
    ],
)
def test_half_a_receiver_stops_the_start_and_is_named(values: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsInvalid, match=named):
        load_settings(BillingSettings, **values)


@given(st.integers(1, MAX_ATTEMPTS + 3), st.floats(0, 1, exclude_max=True))
def test_waits_grow_up_to_six_hours_and_end(attempts: int, chance: float) -> None:
    wait = wait_after(attempts, chance)
    if attempts >= MAX_ATTEMPTS:
        assert wait is None
    else:
        assert wait is not None
        assert timedelta(seconds=2.5) <= wait <= timedelta(hours=6)
        later = wait_after(attempts + 2, chance)
        assert later is None or later >= wait
