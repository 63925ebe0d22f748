"""Whose fault it is where providers cannot be connected to: theirs, or our own network's."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from functions.check_health import probe
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.platform_keys import PlatformKeys
from shared.upstream.provider_url import ProviderUrls
from shared.wire.providers import SEEDS
from tests.functions.check_health.health_run import NOWHERE, Health


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
