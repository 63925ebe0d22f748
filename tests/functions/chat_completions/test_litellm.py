"""A provider without a key of the platform's is reached by the operator's LiteLLM proxy."""

from __future__ import annotations

import json
from decimal import Decimal

import httpx
import pytest

from tests.fakes.eight_upstreams import MASTER_KEY, MODELS, PROXIED, name_of, platform_key
from tests.fakes.gateway import Deployment, ask
from tests.fakes.recorder import Recorder
from tests.fakes.uvicorn_server import UvicornServer


def test_the_proxy_is_asked_with_its_own_key_for_prefix_and_model(
    eight_gateway: UvicornServer, recorder: Recorder
) -> None:
    recorder.exchanges.clear()
    answer = ask(eight_gateway.url, model=name_of(PROXIED))
    assert answer.status_code == 200, answer.text
    (sent,) = recorder.exchanges
    assert sent.path == "/litellm/v1/chat/completions"
    assert sent.headers["authorization"] == f"Bearer {MASTER_KEY}"
    assert json.loads(sent.body)["model"] == f"bedrock/{MODELS[PROXIED]}"
    metadata = answer.json()["_metadata"]
    assert (metadata["provider_used"], metadata["model_used"]) == (PROXIED, MODELS[PROXIED])
    assert [one["via"] for one in metadata["attempts"]] == ["litellm"]
    assert metadata["key_source"] == "platform"


def test_a_provider_with_a_key_is_asked_itself(
    eight_gateway: UvicornServer, recorder: Recorder
) -> None:
    recorder.exchanges.clear()
    answer = ask(eight_gateway.url, model=name_of("groq"))
    assert "via" not in answer.json()["_metadata"]["attempts"][0]
    (sent,) = recorder.exchanges
    assert sent.path == "/groq/openai/v1/chat/completions"
    assert sent.headers["authorization"] == f"Bearer {platform_key('groq')}"


def test_what_the_proxy_says_it_cost_stands_beside_our_own_price(
    eight: Deployment, eight_gateway: UvicornServer, recorder: Recorder
) -> None:
    recorder.exchanges.clear()
    answer = ask(eight_gateway.url, model=name_of(PROXIED)).json()
    head = recorder.exchanges[0].raw_answer.partition(b"\r\n\r\n")[0].decode()
    told = next(
        line.split(": ")[1]
        for line in head.splitlines()
        if line.lower().startswith("x-litellm-response-cost:")
    )
    request_id = answer["_metadata"]["request_id"]
    rows = eight.rows_when(lambda rows: any(row["request_id"] == request_id for row in rows))
    row = next(row for row in rows if row["request_id"] == request_id)
    usage = answer["usage"]
    ours = Decimal(usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 1_000_000
    assert row["cost_total_usd"] == ours
    assert row["provider_cost_usd"] == Decimal(told)
    assert row["attempts"][0]["via"] == "litellm"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("status-400", 400, "provider_refused_request"),
        # The master key is the operator's: its refusal is nobody's 401.
        ("status-401", 503, "platform_key_refused"),
        ("status-429", 429, "provider_rate_limited"),
        ("status-503", 502, "all_candidates_failed"),
    ],
)
def test_the_proxys_refusals_are_read_as_its_own(
    eight_gateway: UvicornServer, fault: str, status: int, code: str
) -> None:
    answer = ask(eight_gateway.url, model=name_of(PROXIED), user=f"simulate-{fault}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)


def test_its_liveness_is_in_readyz(eight: Deployment, eight_gateway: UvicornServer) -> None:
    ready = httpx.get(f"{eight_gateway.url}/readyz", trust_env=False).json()
    assert ready["checks"]["litellm_proxy"] == "ok"


def test_without_the_proxy_the_gateway_is_degraded_and_serves(eight: Deployment) -> None:
    gone = {**eight.environment, "LITELLM_PROXY_URL": "http://127.0.0.1:9"}
    with UvicornServer("functions.gateway.app:app", ready="/readyz", environment=gone) as web:
        ready = httpx.get(f"{web.url}/readyz", trust_env=False)
        assert ready.status_code == 200
        assert ready.json()["status"] == "degraded"
        assert "LITELLM_PROXY_URL" in ready.json()["checks"]["litellm_proxy"]
        assert ask(web.url, model=name_of("openai")).status_code == 200
        assert ask(web.url, model=name_of(PROXIED)).status_code == 502


def test_a_proxy_url_that_cannot_be_called_stops_the_start(eight: Deployment) -> None:
    wrong = {**eight.environment, "LITELLM_PROXY_URL": "http://user:secret@litellm:4000"}
    web = UvicornServer("functions.gateway.app:app", ready="/readyz", environment=wrong)
    with pytest.raises(RuntimeError, match="LITELLM_PROXY_URL"):
        web.start()
    assert "secret" not in web.output()
    web.close()
