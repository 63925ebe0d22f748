"""What is said beyond the shipped answers: faults and rate limits."""

from __future__ import annotations

import httpx
import openai
import pytest

from tests.fakes.simulated import SimulatedProvider


def test_a_name_that_asks_for_an_unknown_fault_is_refused(client: httpx.Client) -> None:
    answer = client.get("/models/simulate-nonsense")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_fault")


def test_a_completion_names_its_rate_limits(client: httpx.Client) -> None:
    for stream in (False, True):
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": stream}
        answer = client.post("/chat/completions", json=body)
        assert int(answer.headers["x-ratelimit-remaining-requests"]) > 0
        assert int(answer.headers["x-ratelimit-remaining-tokens"]) > 0


def test_the_official_client_raises_its_own_errors_and_waits_as_told(
    provider: SimulatedProvider,
) -> None:
    base = f"{provider.url}/openai/v1"
    with (
        openai.OpenAI(base_url=base, api_key="sk-test", max_retries=1, timeout=5) as official,
        pytest.raises(openai.RateLimitError) as limited,
    ):
        official.chat.completions.create(
            model="simulate-status-429-retry-1", messages=[{"role": "user", "content": "hello"}]
        )
    assert limited.value.code == "rate_limit_exceeded"
    first, second = provider.calls()
    assert second["started_at"] - first["ended_at"] == pytest.approx(1, abs=0.5)
