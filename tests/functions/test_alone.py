"""Each HTTP function deploys alone, with no more than it needs; the gateway is their sum."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from functions.access_tokens.app import app as access_tokens
from functions.audit.app import app as audit
from functions.byok_keys.app import app as byok_keys
from functions.chat_completions.app import app as chat_completions
from functions.console.app import app as console
from functions.embeddings.app import app as embeddings
from functions.gateway.app import app as gateway_app
from functions.health.app import app as health
from functions.limits.app import app as limits
from functions.messages.app import app as messages
from functions.models.app import app as models
from functions.providers.app import app as providers
from functions.responses.app import app as responses
from functions.routing_rules.app import app as routing_rules
from functions.system_keys.app import app as system_keys
from functions.usage.app import app as usage
from shared.settings import SettingsInvalid
from shared.wire.providers import SEEDS
from tests.fakes.gateway import PATH, USER, Deployment, ask
from tests.fakes.uvicorn_server import UvicornServer


def get(url: str) -> httpx.Response:
    return httpx.get(url, headers=USER, trust_env=False)


def paths(app: Any) -> dict[str, Any]:
    return app.openapi_schema.to_schema()["paths"]


def test_chat_completions_alone_answers_and_knows_no_other_route(deployment: Deployment) -> None:
    with deployment.web("functions.chat_completions.app:app") as web:
        assert ask(web.url).json()["_metadata"]["power_level"] == "balanced"
        assert get(web.url + "/v1/models").status_code == 404


def test_models_needs_neither_redis_nor_an_encryption_key(deployment: Deployment) -> None:
    environment = {
        "DATABASE_URL": deployment.database_url,
        "SWITCHYARD_TRYOUT_TOKENS": "true",
        "REDIS_URL": "",
        "BYOK_ENCRYPTION_KEY": "",
    }
    with UvicornServer("functions.models.app:app", ready="/readyz", environment=environment) as web:
        assert get(web.url + "/v1/models").json()["data"] == []
        answer = get(web.url + "/v1/models?all=true")
        assert answer.status_code == 200
        assert sum(one["source"] == "listed" for one in answer.json()["data"]) == 4
        assert get(web.url + "/api/v1/llm/providers").status_code == 404
        assert httpx.post(web.url + PATH, json={}, headers=USER).status_code == 404


def test_providers_alone_lists_each_of_them(deployment: Deployment) -> None:
    with deployment.web("functions.providers.app:app") as web:
        listed = get(web.url + "/api/v1/llm/providers").json()["data"]
        assert len(listed) == len(SEEDS)
        assert {one["health_status"] for one in listed} == {"unknown"}


def test_health_alone_has_the_probes(deployment: Deployment) -> None:
    with deployment.web("functions.health.app:app") as web:
        assert httpx.get(web.url + "/healthz").json() == {"status": "ok"}
        assert httpx.get(web.url + "/readyz").json()["status"] == "ready"
        assert httpx.get(web.url + "/metrics").status_code == 401
        assert get(web.url + "/metrics").status_code == 403


def test_the_gateway_is_the_sum_of_its_functions() -> None:
    apps = (
        chat_completions,
        messages,
        responses,
        embeddings,
        console,
        byok_keys,
        system_keys,
        access_tokens,
        audit,
        limits,
        models,
        providers,
        routing_rules,
        usage,
        health,
    )
    parts = [paths(app) for app in apps]
    assert sum(len(part) for part in parts) == len(paths(gateway_app))
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part
    assert merged == paths(gateway_app)


def test_a_missing_setting_stops_the_start_and_is_named(deployment: Deployment) -> None:
    web = UvicornServer(
        "functions.models.app:app",
        ready="/readyz",
        environment={"DATABASE_URL": ""},
    )
    with pytest.raises(RuntimeError, match="DATABASE_URL is not set, for example"):
        web.start()
    assert SettingsInvalid.__name__ in web.output()
    web.close()
