"""A run asks the providers themselves and writes what it found; the database keeps the verdicts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from pydantic import SecretStr
from structlog.testing import capture_logs

from functions.check_health import job, probe
from functions.check_health.run import Checker, check_health
from shared.db.connect import connect_once
from shared.health.checks import forget_stale, trim_history
from shared.health.hysteresis import Traffic
from shared.settings import PROVIDER_PREFIXES, HealthSettings, load_settings
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.platform_keys import PlatformKeys
from shared.upstream.provider_url import ProviderUrls
from shared.upstream.transport import Transport
from shared.vault.keyring import generate_key, parse_key_ring
from shared.vault.sealing import Vault
from shared.wire.providers import SEEDS
from tests.fakes.simulated import SimulatedProvider

PATHS = {slug: urlsplit(seed.base_url).path for slug, seed in SEEDS.items()}
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def provider() -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as running:
        yield running


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PAUSES_S", (0.0, 0.0))


class Health:
    """Runs the job over a database; `away` are slugs that nobody answers for."""

    def __init__(self, database_url: str, simulated_url: str) -> None:
        self.database_url = database_url
        self.simulated_url = simulated_url
        self.away: set[str] = set()
        self.vault: Vault | None = None
        self.keys = dict.fromkeys(PROVIDER_PREFIXES, "a-good-key")
        self.traffic: Mapping[str, Traffic] | None = {}
        self.now = datetime.now(UTC)

    def check(self, run: str | None = None) -> int:
        self.now += timedelta(seconds=300)
        return asyncio.run(self._check(run or str(uuid4())))

    async def _check(self, run: str) -> int:
        transport = Transport()
        urls = {
            slug: f"{NOWHERE if slug in self.away else self.simulated_url}/{slug}{path}"
            for slug, path in PATHS.items()
        }
        access = PlatformAccess(
            keys=PlatformKeys(
                {slug: SecretStr(key) for slug, key in self.keys.items()}, vault=self.vault
            ),
            urls=ProviderUrls(base_urls=urls, simulated_url=None),
            has_litellm=False,
        )

        async def traffic() -> Mapping[str, Traffic] | None:
            return self.traffic

        try:
            async with connect_once(self.database_url) as connection:
                checker = Checker(
                    connection=connection,
                    transport=transport,
                    access=access,
                    read_traffic=traffic,
                    interval_s=300,
                    now=lambda: self.now,
                )
                return await check_health(checker, run)
        finally:
            await transport.aclose()

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, row_factory=dict_row, autocommit=True) as one:
            return one.execute(statement.encode()).fetchall()

    def of(self, slug: str) -> dict[str, Any]:
        (row,) = self.rows(f"SELECT * FROM llm_providers WHERE provider_slug = '{slug}'")
        return row

    def statuses(self) -> set[str]:
        return {
            row["health_status"] for row in self.rows("SELECT health_status FROM llm_providers")
        }


@pytest.fixture
def health(migrated_database_url: str, provider: SimulatedProvider) -> Health:
    provider.clear()
    return Health(migrated_database_url, provider.url)


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


def test_a_refused_key_marks_the_key_and_not_the_provider(health: Health) -> None:
    health.keys["openai"] = "an-invalid-key"
    for _ in range(3):
        health.check()
    row = health.of("openai")
    assert (row["health_status"], row["system_key_status"]) == ("healthy", "invalid")
    assert row["system_key_reason"] == "the provider refused it (HTTP 401)"
    assert "an-invalid-key" not in str(health.rows("SELECT * FROM provider_health_checks"))
    health.keys["openai"] = "a-good-key"
    health.check()
    row = health.of("openai")
    assert (row["system_key_status"], row["system_key_reason"]) == ("ok", None)


def test_a_refusal_without_a_key_says_nothing_of_a_key(health: Health) -> None:
    del health.keys["openai"]
    health.check()
    row = health.of("openai")
    assert (row["health_status"], row["system_key_status"]) == ("healthy", "unverified")
    assert row["system_key_checked_at"] is None


def test_what_was_known_of_a_key_that_is_gone_is_forgotten(health: Health) -> None:
    health.keys["openai"] = "an-invalid-key"
    health.check()
    assert health.of("openai")["system_key_status"] == "invalid"
    del health.keys["openai"]
    health.check()
    row = health.of("openai")
    assert (row["system_key_status"], row["system_key_reason"]) == ("unverified", None)
    assert row["system_key_checked_at"] is None


def test_a_key_that_no_header_can_carry_is_blamed_and_not_shown(health: Health) -> None:
    health.keys["openai"] = "sk-\nsecret"
    for _ in range(3):
        health.check()
    row = health.of("openai")
    assert (row["health_status"], row["system_key_status"]) == ("healthy", "invalid")
    assert row["system_key_reason"] == "it has characters that a header cannot carry"


@pytest.mark.parametrize(("has_vault", "status"), [(True, "invalid"), (False, "unverified")])
def test_a_stored_key_that_does_not_open_is_blamed_and_holds_no_other_up(
    health: Health, has_vault: bool, status: str
) -> None:
    health.vault = Vault(parse_key_ring(generate_key())) if has_vault else None
    health.rows(
        "UPDATE llm_providers SET encrypted_system_key = 'of another ring'"
        " WHERE provider_slug = 'openai' RETURNING 1"
    )
    for _ in range(3):
        assert health.check() == len(SEEDS)
    row = health.of("openai")
    assert (row["health_status"], row["system_key_status"]) == ("healthy", status)
    assert health.of("groq")["system_key_status"] == "ok"


def test_where_nobody_can_be_connected_to_it_is_recorded_and_nobody_is_marked(
    health: Health,
) -> None:
    health.check()
    before = {row["id"]: row["health_last_checked"] for row in health.rows("TABLE llm_providers")}
    health.away = set(SEEDS)
    for _ in range(3):
        with capture_logs() as logs:
            assert health.check() == 0
        (fault,) = [line for line in logs if line["event"] == "health.local_network_fault"]
        assert set(fault["unconnected"]) == health.away
        assert logs[-1]["event"] == f"Health check complete: 0/{len(SEEDS)} updated"
    assert health.statuses() == {"healthy"}
    assert health.of("groq")["health_last_checked"] == before[health.of("groq")["id"]]
    unjudged = health.rows("SELECT reason FROM provider_health_checks WHERE outcome='not_judged'")
    assert len(unjudged) == 3 * len(SEEDS)
    assert "three or more providers" in unjudged[0]["reason"]
    # Then its old checks say nothing any more: it is tried, not condemned.
    health.check()
    assert health.of("groq")["health_status"] == "unknown"


def test_three_without_a_connection_are_down_where_the_others_answer(health: Health) -> None:
    health.away = {"groq", "openai", "google"}
    for _ in range(3):
        assert health.check() == len(SEEDS)
    assert {slug for slug in SEEDS if health.of(slug)["health_status"] == "down"} == health.away


def test_one_that_answers_with_an_error_shows_that_the_network_is_there(health: Health) -> None:
    health.away = set(SEEDS) - {"groq"}
    health.keys["groq"] = "an-invalid-key"
    for _ in range(3):
        assert health.check() == len(SEEDS)
    assert health.of("openai")["health_status"] == "down"


def test_a_server_of_our_own_says_nothing_of_the_way_out_and_is_judged_by_itself(
    health: Health,
) -> None:
    health.rows("UPDATE llm_providers SET is_local = true WHERE provider_slug = 'groq' RETURNING 1")
    health.away = set(SEEDS) - {"groq"}
    assert health.check() == 1, "it answers, and the others are not judged by that"
    health.away = set(SEEDS)
    for _ in range(3):
        assert health.check() == 1
    assert health.of("groq")["health_status"] == "down"
    assert health.of("openai")["health_status"] != "down"


def test_those_that_are_switched_off_say_nothing_of_our_network(health: Health) -> None:
    health.rows(
        "UPDATE llm_providers SET is_active = false WHERE provider_slug NOT IN"
        " ('openai', 'anthropic') RETURNING id"
    )
    health.away = set(SEEDS)
    for _ in range(3):
        assert health.check() == len(SEEDS)
    assert health.of("openai")["health_status"] == "down"


def test_while_nobody_knows_how_live_calls_go_nothing_is_taken_down(health: Health) -> None:
    health.traffic = None
    health.away = {"groq"}
    for _ in range(4):
        health.check()
    assert health.of("groq")["health_status"] == "degraded"


def test_one_moment_without_a_network_is_looked_at_again(
    health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    really = probe._probe

    async def fails_at_first(transport: Any, access: Any, one: Any, timeout_s: float) -> Any:
        looks.append(one.slug)
        if looks.count(one.slug) == 1:
            away = ProviderUrls(base_urls={one.slug: NOWHERE}, simulated_url=None)
            access = PlatformAccess(keys=PlatformKeys({}, vault=None), urls=away, has_litellm=False)
        return await really(transport, access, one, timeout_s)

    monkeypatch.setattr(probe, "_probe", fails_at_first)
    assert health.check() == len(SEEDS)
    assert health.statuses() == {"healthy"}


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
