"""A run asks the providers themselves and writes what it found; the database keeps the verdicts."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from structlog.testing import capture_logs

from functions.check_health import job
from shared.health.checks import forget_stale, trim_history
from shared.health.hysteresis import Traffic
from shared.settings import HealthSettings, load_settings
from shared.wire.providers import SEEDS
from tests.fakes.simulated import SimulatedProvider
from tests.functions.check_health.health_run import Health


def test_a_first_run_makes_all_healthy_and_says_so(
    health: Health, provider: SimulatedProvider
) -> None:
    with capture_logs() as logs:
        assert health.check() == len(SEEDS)
    assert [line["event"] for line in logs if line["event"] != "health.changed"] == [
        f"Running health checks for {len(SEEDS)} providers",
        f"Health check complete: {len(SEEDS)}/{len(SEEDS)} updated",
    ]
    rows = health.rows("SELECT * FROM llm_providers")
    assert {row["health_status"] for row in rows} == {"healthy"}
    assert {row["system_key_status"] for row in rows} == {"ok"}
    assert {row["health_last_checked"] for row in rows} == {health.now}
    assert all(row["health_response_time_ms"] >= 0 for row in rows)
    history = health.rows("SELECT outcome, status_code, status FROM provider_health_checks")
    answered = {"outcome": "answered", "status_code": 200, "status": "healthy"}
    assert history == [answered] * len(SEEDS)
    assert {call["method"] for call in provider.calls()} == {"GET"}


def test_one_that_fails_is_degraded_then_down_and_healed_within_two(health: Health) -> None:
    health.check()
    health.away = {"groq"}
    seen: list[str] = []
    for _ in range(4):
        assert health.check() == len(SEEDS)
        seen.append(health.of("groq")["health_status"])
    assert seen == ["healthy", "degraded", "down", "down"]
    assert health.of("groq")["health_reason"] == "the last 3 checks failed: no connection"
    assert health.of("groq")["health_response_time_ms"] is None
    assert health.of("openai")["health_status"] == "healthy"
    health.away = set()
    health.check()
    assert health.of("groq")["health_status"] == "down"
    health.check()
    assert health.of("groq")["health_status"] == "healthy"
    assert health.of("groq")["health_reason"] is None


def test_live_calls_that_succeed_keep_it_from_down(health: Health) -> None:
    health.check()
    health.away = {"groq"}
    health.traffic = {"groq": Traffic(successes=20, failures=1)}
    for _ in range(4):
        health.check()
    assert health.of("groq")["health_status"] == "degraded"
    health.traffic = {"groq": Traffic(successes=1, failures=20)}
    health.check()
    assert health.of("groq")["health_status"] == "down"


def test_while_nobody_knows_how_live_calls_go_nothing_is_taken_down(health: Health) -> None:
    health.traffic = None
    health.away = {"groq"}
    for _ in range(4):
        health.check()
    assert health.of("groq")["health_status"] == "degraded"


def test_an_admins_switch_is_never_touched(health: Health) -> None:
    health.rows("UPDATE llm_providers SET is_active = false WHERE id % 2 = 0 RETURNING id")
    before = health.rows("SELECT id, is_active FROM llm_providers ORDER BY id")
    health.away = {"groq"}
    for _ in range(4):
        health.check()
    assert health.rows("SELECT id, is_active FROM llm_providers ORDER BY id") == before


def test_a_run_delivered_twice_is_written_once(health: Health) -> None:
    run = str(uuid4())
    assert [health.check(run), health.check(run)] == [len(SEEDS), 0]
    assert len(health.rows("SELECT 1 FROM provider_health_checks")) == len(SEEDS)


def test_a_run_that_two_workers_have_at_once_is_written_once(health: Health) -> None:
    async def both() -> list[int]:
        return await asyncio.gather(health._check("a-tick"), health._check("a-tick"))

    assert sorted(asyncio.run(both())) == [0, len(SEEDS)]
    assert len(health.rows("SELECT 1 FROM provider_health_checks")) == len(SEEDS)


def test_a_platform_whose_timer_names_no_run_has_one_a_slot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    async def note(_: Any, run: str) -> int:
        seen.append(run)
        return 0

    monkeypatch.setattr(job, "_run", note)
    monkeypatch.setattr(job, "_settings", lambda: load_settings(HealthSettings))
    job.run_check()
    job.run_check("a-tick")
    assert re.fullmatch(r"timer:20\d\d-\d\d-\d\dT\d\d:\d[05]:00Z", seen[0])
    assert seen[1] == "a-tick"


def test_a_provider_that_cannot_be_asked_fails_alone(health: Health) -> None:
    health.rows(
        "UPDATE llm_providers SET dialect = 'klingon' WHERE provider_slug = 'groq' RETURNING 1"
    )
    for _ in range(2):
        health.check()
    assert health.of("groq")["health_status"] == "degraded"
    assert "cannot be asked" in health.of("groq")["health_reason"]
    assert health.of("openai")["health_status"] == "healthy"


def test_what_nobody_checks_any_more_becomes_unknown(health: Health) -> None:
    health.now -= timedelta(hours=1)
    health.check()
    with psycopg.connect(health.database_url, autocommit=True) as connection:
        assert forget_stale(connection, 24 * 3600) == 0
        assert forget_stale(connection, 900) == len(SEEDS)
        assert forget_stale(connection, 900) == 0
    assert health.statuses() == {"unknown"}
    assert health.of("groq")["health_reason"] == "no check for 15 minutes"


def test_history_is_kept_for_ninety_days(health: Health) -> None:
    health.now -= timedelta(days=91)
    health.check()
    health.now = datetime.now(UTC) - timedelta(days=89)
    health.check()
    with psycopg.connect(health.database_url, autocommit=True) as connection:
        assert trim_history(connection) == len(SEEDS)
    assert len(health.rows("SELECT 1 FROM provider_health_checks")) == len(SEEDS)
