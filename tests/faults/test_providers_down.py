"""Providers that fail, through the running gateway: who serves instead, who is back."""

from __future__ import annotations

import concurrent.futures
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from shared.embedded import EmbeddedValkey
from tests.fakes.gateway import PATH, USER, Deployment, ask
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

OPEN_S = 2.0
APP = "tests.fakes.quick_circuits:app"


@pytest.fixture(scope="module")
def openai() -> Iterator[SimulatedProvider]:
    """A server for OpenAI alone, which a test may take away."""
    with SimulatedProvider() as provider:
        yield provider


@pytest.fixture(scope="module")
def others() -> Iterator[SimulatedProvider]:
    with SimulatedProvider() as provider:
        yield provider


@pytest.fixture
def deployment(
    migrated_database_url: str,
    redis_url: str,
    shared_valkey: EmbeddedValkey,
    tmp_path: Path,
    openai: SimulatedProvider,
    others: SimulatedProvider,
) -> Deployment:
    openai.clear()
    others.clear()
    made = Deployment(
        database_url=migrated_database_url,
        redis_url=redis_url,
        data_dir=tmp_path,
        simulated_url="",
    )
    urls = {
        "OPENAI_BASE_URL": f"{openai.url}/openai/v1",
        "GOOGLE_BASE_URL": f"{others.url}/google/v1beta/openai",
        "GROQ_BASE_URL": f"{others.url}/groq/openai/v1",
        "ANTHROPIC_BASE_URL": f"{others.url}/anthropic/v1",
    }
    keys = {name.replace("BASE_URL", "API_KEY"): "platform-key-of-ours" for name in urls}
    made.environment = {**made.environment, **urls, **keys}
    return made


@pytest.fixture
def web(deployment: Deployment) -> Iterator[UvicornServer]:
    with deployment.web(APP) as server:
        yield server


def balanced(web: UvicornServer, **body: Any) -> dict[str, Any]:
    answer = ask(web.url, power_level="balanced", **body)
    assert answer.status_code == 200, answer.text
    return answer.json()["_metadata"]


def test_openai_down_is_served_elsewhere_and_once_back_up_gets_its_traffic_again(
    web: UvicornServer, openai: SimulatedProvider
) -> None:
    first = balanced(web)
    assert (first["provider_used"], first["was_fallback"]) == ("openai", False)
    openai.stop()
    try:
        told = [balanced(web) for _ in range(12)]
    finally:
        openai.start()
    assert {one["provider_used"] for one in told} == {"google"}
    assert all(one["was_fallback"] for one in told)
    attempts = [one["attempts"][0]["provider"] for one in told]
    assert attempts[:5] == ["openai"] * 5, "five failures in a row"
    assert set(attempts[6:]) == {"google"}, "then it is not even tried"
    # Open for 2 s and up to a tenth more; back within twice that time.
    ends = time.monotonic() + 2 * OPEN_S
    while balanced(web)["provider_used"] != "openai" and time.monotonic() < ends:
        time.sleep(0.1)
    back = [balanced(web) for _ in range(5)]
    assert {one["provider_used"] for one in back} == {"openai"}
    assert not any(one["was_fallback"] for one in back)


def test_one_failure_in_a_hundred_opens_nothing(
    web: UvicornServer, openai: SimulatedProvider
) -> None:
    for number in range(100):
        simulate = "status-503" if number % 50 == 25 else None
        answer = ask(web.url, model="gpt-6.1-terra", simulate=simulate or "delay-0")
        assert answer.status_code in ((502,) if simulate else (200,))
    assert balanced(web)["provider_used"] == "openai"


def test_all_down_is_a_502_with_every_attempt(web: UvicornServer) -> None:
    answer = ask(web.url, power_level="balanced", simulate="status-503")
    assert answer.status_code == 502
    error = answer.json()["error"]
    assert error["code"] == "all_candidates_failed"
    assert [(one["provider"], one["status"], one["error"]) for one in error["attempts"]] == [
        ("openai", 503, "provider_unavailable"),
        ("google", 503, "provider_unavailable"),
        ("groq", 503, "provider_unavailable"),
    ]


def test_the_last_provider_of_a_named_model_is_never_closed(web: UvicornServer) -> None:
    for _ in range(6):
        assert ask(web.url, model="gpt-6.1-terra", simulate="status-503").status_code == 502
    assert ask(web.url, model="gpt-6.1-terra").status_code == 200


def test_repeats_stay_within_a_fifth_and_ten_a_second(
    web: UvicornServer, openai: SimulatedProvider
) -> None:
    openai.clear()
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda _: ask(web.url, model="gpt-6.1-terra", simulate="status-503").status_code,
                range(200),
            )
        )
    took_s = time.monotonic() - started
    assert set(answers) == {502}
    calls = len(openai.calls())
    assert 200 <= calls <= 1.2 * 200 + 10 * (took_s + 1)


def test_retry_after_is_waited_for_where_there_is_no_other_provider(
    web: UvicornServer, openai: SimulatedProvider
) -> None:
    openai.clear()
    answer = ask(web.url, model="gpt-6.1-terra", simulate="status-429-retry-1")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    first, second = openai.calls()
    assert second["started_at"] - first["ended_at"] >= 1.0


def test_a_provider_that_asks_for_a_long_wait_is_passed_on_to_the_client(
    web: UvicornServer, openai: SimulatedProvider
) -> None:
    openai.clear()
    answer = ask(web.url, model="gpt-6.1-terra", simulate="status-429-retry-60")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert len(openai.calls()) == 1


def test_a_limit_that_was_learned_is_passed_over_until_it_resets(web: UvicornServer) -> None:
    limited = balanced(web, simulate="delay-0")
    assert limited["provider_used"] == "openai"
    assert ask(web.url, model="gpt-6.1-terra", simulate="status-429-retry-60").status_code == 429
    told = balanced(web)
    assert (told["provider_used"], told["was_fallback"]) == ("google", True)
    assert [one["provider"] for one in told["attempts"]] == ["google"], "no 429 was fetched"


def test_a_stream_cut_after_its_first_byte_is_not_tried_again(
    web: UvicornServer, openai: SimulatedProvider, others: SimulatedProvider
) -> None:
    openai.clear()
    others.clear()
    answer = ask(web.url, power_level="balanced", stream=True, simulate="events-20+cut-6")
    events = [line for line in answer.text.split("\n\n") if line]
    assert json.loads(events[-1].removeprefix("data: "))["error"]["code"] == "stream_cut"
    assert "[DONE]" not in answer.text
    assert (len(openai.calls()), len(others.calls())) == (1, 0)


def test_a_stream_cut_before_its_first_content_falls_over(
    web: UvicornServer, openai: SimulatedProvider
) -> None:
    """`cut-1` ends it behind the event with the role, which says nothing yet."""
    body = {
        "messages": [{"role": "user", "content": "Hello"}],
        "power_level": "balanced",
        "stream": True,
        "simulate": "cut-1",
    }
    answer = httpx.post(web.url + PATH, json=body, headers=USER, timeout=20, trust_env=False)
    assert answer.status_code == 502
    assert len(answer.json()["error"]["attempts"]) == 3
    assert Counter(one["error"] for one in answer.json()["error"]["attempts"]) == {
        "provider_unavailable": 3
    }


def test_an_open_circuit_is_known_to_another_process_within_2_s(deployment: Deployment) -> None:
    message = {"messages": [{"role": "user", "content": "Hi"}], "power_level": "balanced"}
    with deployment.web() as here, deployment.web("functions.routing_rules.app:app") as there:

        def first() -> dict[str, Any]:
            answer = httpx.post(
                there.url + "/api/v1/llm/route", json=message, headers=USER, trust_env=False
            )
            return answer.json()["candidates"][0]

        assert first()["provider"] == "openai"
        for _ in range(5):
            ask(here.url, model="gpt-6.1-terra", simulate="status-503")
        # Told within a second and read within another; a third for a machine that is busy.
        ends = time.monotonic() + 3
        while first()["provider"] == "openai" and time.monotonic() < ends:
            time.sleep(0.05)
        assert first()["provider"] == "google"


def test_a_users_refused_key_is_theirs_and_nothing_else_pays(
    web: UvicornServer, deployment: Deployment, openai: SimulatedProvider
) -> None:
    url = web.url + "/api/v1/llm/byok/keys"
    stored = httpx.post(
        url,
        json={"provider": "openai", "api_key": "sk-good-for-now-0123456789"},
        headers=USER,
        timeout=20,
        trust_env=False,
    )
    assert stored.status_code == 200, stored.text
    metadata = balanced(web)
    assert (metadata["key_source"], metadata["provider_used"]) == ("byok", "openai")
    openai.clear()
    told = [ask(web.url, power_level="balanced", simulate="status-401") for _ in range(4)]
    assert {one.status_code for one in told} == {401}
    for one in told:
        error = one.json()["error"]
        assert error["code"] == "provider_key_rejected"
        assert "OpenAI" in error["message"] or "openai" in error["message"]
        assert "PATCH /api/v1/llm/byok/keys/openai" in error["message"]
        assert one.headers["x-should-retry"] == "false"
    posts = [call for call in openai.calls() if call["method"] == "POST"]
    assert len(posts) == 4, "its own check says that the key is good: it stays in use"
    with psycopg.connect(deployment.database_url) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM llm_usage_logs WHERE status_code = 401 AND NOT used_byok"
        ).fetchone()
    assert rows == (0,)
    # Another caller is served by the same provider with the platform's key.
    other = ask(web.url, headers={"authorization": "Bearer admin-token"}, power_level="balanced")
    assert other.json()["_metadata"]["provider_used"] == "openai"
    assert other.json()["_metadata"]["key_source"] == "platform"


def test_with_consent_the_platform_pays_and_says_so(
    web: UvicornServer, openai: SimulatedProvider
) -> None:
    url = web.url + "/api/v1/llm/byok/keys"
    for method, path, body in (
        ("POST", url, {"provider": "openai", "api_key": "sk-good-for-now-0123456789"}),
        ("PATCH", url + "/openai", {"platform_fallback": "always"}),
    ):
        answer = httpx.request(method, path, json=body, headers=USER, timeout=20, trust_env=False)
        assert answer.status_code == 200, answer.text
    assert balanced(web)["key_source"] == "byok"
    openai.stop()
    try:
        told = balanced(web)
    finally:
        openai.start()
    assert (told["key_source"], told["billed_to"]) == ("platform", "platform")
    assert told["was_fallback"]


def streamed(web: UvicornServer, simulate: str) -> tuple[int, list[tuple[float, str]]]:
    """The status, and each piece of the stream with the seconds after which it came."""
    body = {
        "messages": [{"role": "user", "content": "Hello"}],
        "power_level": "balanced",
        "stream": True,
        "simulate": simulate,
    }
    started = time.monotonic()
    with httpx.stream(
        "POST", web.url + PATH, json=body, headers=USER, timeout=20, trust_env=False
    ) as answer:
        return answer.status_code, [
            (time.monotonic() - started, text) for text in answer.iter_text()
        ]


def test_a_head_is_held_back_so_long_and_then_goes_out_with_comments(web: UvicornServer) -> None:
    status, pieces = streamed(web, "delay-1500")
    assert status == 200
    first_s, first = pieces[0]
    assert 0.4 < first_s < 1.4
    assert first.startswith(": ")
    whole = "".join(text for _, text in pieces)
    assert whole.count(": waiting for the model") >= 3
    assert whole.endswith("data: [DONE]\n\n")


def test_once_its_head_is_out_a_stream_that_fails_ends_with_an_error_event(
    web: UvicornServer, openai: SimulatedProvider, others: SimulatedProvider
) -> None:
    openai.clear()
    others.clear()
    status, pieces = streamed(web, "delay-1500+status-503")
    assert status == 200
    last = "".join(text for _, text in pieces).split("\n\n")[-2]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "all_candidates_failed"
    assert "[DONE]" not in last
    assert (len(openai.calls()), len(others.calls())) == (1, 0)
