"""The monitor over a running stack: a provider fails, is avoided, heals; an admin sees why."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from shared.cli.main import switchyard
from shared.settings import PROVIDER_PREFIXES
from shared.wire.providers import SEEDS
from tests.fakes.gateway import ADMIN, USER, Deployment, JobProcess, ask
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

HEALTH = "/api/v1/admin/llm/health"
PATHS = {slug: urlsplit(seed.base_url).path for slug, seed in SEEDS.items()}


class Stack:
    """Web and worker over the seven providers; OpenAI's is a server of its own."""

    def __init__(
        self,
        deployment: Deployment,
        web: UvicornServer,
        worker: JobProcess,
        openai: SimulatedProvider,
        others: SimulatedProvider,
    ) -> None:
        self.deployment = deployment
        self.web = web
        self.worker = worker
        self.openai = openai
        self.others = others

    def check(self) -> dict[str, dict[str, Any]]:
        """By provider, as a check that was waited for answers it."""
        url = f"{self.web.url}{HEALTH}/check"
        answer = httpx.post(url, params={"wait": True}, headers=ADMIN, timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text
        return {one["provider"]: one for one in answer.json()["data"]}

    def get(self, path: str, headers: dict[str, str] = ADMIN) -> httpx.Response:
        return httpx.get(self.web.url + path, headers=headers, timeout=20, trust_env=False)

    def wait_until_web_sees(self, slug: str, status: str) -> None:
        for _ in range(100):
            listed = self.get("/api/v1/llm/providers").json()["data"]
            if any(o["provider"] == slug and o["health_status"] == status for o in listed):
                return
            time.sleep(0.05)
        raise AssertionError(f"the gateway did not see {slug} {status}")


@pytest.fixture(scope="module")
def stack(
    new_place: NewPlace,
) -> Iterator[Stack]:
    with SimulatedProvider() as openai, SimulatedProvider() as others:
        more = {f"{prefix}_API_KEY": "a-good-key" for prefix in PROVIDER_PREFIXES.values()}
        for slug, path in PATHS.items():
            server = openai if slug == "openai" else others
            more[f"{PROVIDER_PREFIXES[slug]}_BASE_URL"] = f"{server.url}/{slug}{path}"
        more["TOGETHER_API_KEY"] = "an-invalid-key"
        deployment = Deployment(
            **new_place("health")._asdict(),
            simulated_url=None,
            more=more,
        )
        with deployment.worker() as worker, deployment.web() as web:
            yield Stack(deployment, web, worker, openai, others)


def test_one_provider_fails_is_avoided_and_is_used_again_once_healed(stack: Stack) -> None:
    found = stack.check()
    assert {one["health_status"] for one in found.values()} == {"healthy"}
    assert ask(stack.web.url).json()["_metadata"]["provider_used"] == "openai"

    stack.openai.kill()
    # One more than the answer above: live calls agree with the checks.
    for _ in range(2):
        assert ask(stack.web.url).json()["_metadata"]["provider_used"] != "openai"
    seen = [stack.check()["openai"] for _ in range(3)]
    assert [one["health_status"] for one in seen] == ["healthy", "degraded", "down"]
    assert seen[-1]["health_reason"] == "the last 3 checks failed: no connection"
    stack.wait_until_web_sees("openai", "down")
    answered = ask(stack.web.url).json()["_metadata"]
    assert answered["provider_used"] != "openai"
    assert "openai" not in [attempt["provider"] for attempt in answered["attempts"]]

    stack.openai.start()
    healed = [stack.check()["openai"]["health_status"] for _ in range(2)]
    assert healed == ["down", "healthy"]
    stack.wait_until_web_sees("openai", "healthy")
    assert ask(stack.web.url).json()["_metadata"]["provider_used"] == "openai"
    with psycopg.connect(stack.deployment.database_url) as connection:
        assert connection.execute("SELECT bool_and(is_active) FROM llm_providers").fetchone() == (
            True,
        )


def test_a_bad_platform_key_is_shown_with_its_reason_and_the_provider_is_healthy(
    stack: Stack,
) -> None:
    together = stack.check()["together"]
    assert together["health_status"] == "healthy"
    assert together["system_key_status"] == "invalid"
    assert together["system_key_reason"] == "the provider refused it (HTTP 401)"


def test_no_probe_posts_a_completion(stack: Stack) -> None:
    stack.openai.clear()
    stack.others.clear()
    stack.check()
    calls = stack.openai.calls() + stack.others.calls()
    assert len(calls) == len(SEEDS)
    assert {call["method"] for call in calls} == {"GET"}
    assert {call["path"].rpartition("/")[2] for call in calls} == {"models", "key"}


def test_an_admin_sees_history_and_uptime(stack: Stack) -> None:
    stack.check()
    answer = stack.get(f"{HEALTH}?history=2").json()
    assert (answer["object"], answer["next_cursor"]) == ("list", None)
    assert [one["provider"] for one in answer["data"]] == list(PROVIDER_PREFIXES)
    google = next(one for one in answer["data"] if one["provider"] == "google")
    assert google["uptime_24h"] == google["uptime_30d"] == 1.0
    assert {past["outcome"] for past in google["history"]} == {"answered"}
    assert len(google["history"]) <= 2
    assert google["history"][0]["checked_at"] == google["health_last_checked"]


def test_the_gauges_say_which_status_each_provider_has(stack: Stack) -> None:
    stack.check()
    stack.wait_until_web_sees("google", "healthy")
    text = stack.get("/metrics").text
    assert 'switchyard_provider_health{provider="google",status="healthy"} 1.0' in text
    assert 'switchyard_provider_health{provider="google",status="down"} 0.0' in text
    assert text.count("switchyard_provider_health{") == len(SEEDS) * 4
    assert 'switchyard_provider_check_seconds{provider="google"}' in text


def test_a_check_that_nobody_waits_for_is_queued(stack: Stack) -> None:
    answer = httpx.post(f"{stack.web.url}{HEALTH}/check", headers=ADMIN, trust_env=False)
    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"
    with psycopg.connect(stack.deployment.database_url) as connection:
        ticks = connection.execute("SELECT tick FROM job_runs WHERE name = 'health.check'")
        assert (answer.json()["run"],) in ticks.fetchall()
        audited = connection.execute(
            "SELECT actor FROM audit_events WHERE action='health_check.requested'"
        )
        assert audited.fetchone() is not None


@pytest.mark.parametrize(("method", "path"), [("GET", HEALTH), ("POST", HEALTH + "/check")])
def test_only_an_admin_may(stack: Stack, method: str, path: str) -> None:
    refused = httpx.request(method, stack.web.url + path, headers=USER, trust_env=False)
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "admin_required"
    assert httpx.request(method, stack.web.url + path, trust_env=False).status_code == 401


def test_a_history_that_is_no_number_is_refused_by_name(stack: Stack) -> None:
    answer = stack.get(HEALTH + "?history=many")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "history")


def test_the_log_has_the_sentences_of_the_guide(stack: Stack) -> None:
    stack.check()
    said = stack.worker.output()
    assert f"Running health checks for {len(SEEDS)} providers" in said
    assert f"Health check complete: {len(SEEDS)}/{len(SEEDS)} updated" in said
    assert "a-good-key" not in said
    assert "an-invalid-key" not in said


@pytest.fixture
def at_a_terminal(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "SWITCHYARD_DATA_DIR"):
        monkeypatch.setenv(name, stack.deployment.environment[name])


@pytest.mark.usefixtures("at_a_terminal")
def test_the_commands_check_and_show_the_same() -> None:
    checked = CliRunner().invoke(switchyard, ["health", "check", "--json"])
    assert checked.exit_code == 0, checked.output
    found = {one["provider"]: one for one in json.loads(checked.stdout)}
    assert found["google"]["health_status"] == "healthy"
    shown = CliRunner().invoke(switchyard, ["health", "status", "--json"])
    assert [one["provider"] for one in json.loads(shown.stdout)] == list(found)
    table = CliRunner().invoke(switchyard, ["health", "status"], env={"COLUMNS": "200"})
    assert "together" in table.stdout
    assert "invalid" in table.stdout


@pytest.mark.usefixtures("at_a_terminal")
def test_a_check_without_a_worker_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    done = CliRunner().invoke(switchyard, ["health", "check", "--timeout", "1"])
    assert done.exit_code == 1
    assert "no worker finished the check within 1 s" in done.stderr


def test_redis_away_is_503_and_nothing_is_noted(stack: Stack, tmp_path: Path) -> None:
    away = Deployment(
        database_url=stack.deployment.database_url,
        redis_url="redis://127.0.0.1:9/0",
        data_dir=tmp_path,
        simulated_url=None,
    )
    with psycopg.connect(stack.deployment.database_url, autocommit=True) as connection:
        count = "SELECT count(*) FROM job_runs"
        before = connection.execute(count).fetchone()
        with away.web("functions.health.app:app") as web:
            refused = httpx.post(f"{web.url}{HEALTH}/check", headers=ADMIN, trust_env=False)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "service_unavailable"
        assert connection.execute(count).fetchone() == before
