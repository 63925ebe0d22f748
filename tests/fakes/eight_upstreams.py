"""A deployment that simulates nothing: the built-in ones with keys, one more by LiteLLM.

All of them are the simulated provider's process, each under its own path and in its own manners.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg.types.json import Jsonb

from shared.settings import PROVIDER_PREFIXES
from tests.fakes.gateway import Deployment

PROXIED = "bedrock"
UPSTREAMS = (*PROVIDER_PREFIXES, PROXIED)
# Anthropic's newest models take no temperature (shared/wire/messages/versions.py).
MODELS: Mapping[str, str] = {
    **dict.fromkeys(UPSTREAMS, "contract/model-1"),
    "anthropic": "claude-sonnet-4-5",
}
MASTER_KEY = "sk-litellm-master-0123456789"


def platform_key(slug: str) -> str:
    return f"key-of-{slug}-0123456789abcdef"


def name_of(slug: str) -> str:
    return f"{slug}/{MODELS[slug]}"


def eight_upstreams(
    *, database_url: str, redis_url: str, data_dir: Path, providers_url: str
) -> Deployment:
    """Adds to the database's catalog a model for each, which can do everything."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        places = _add_catalog(connection)
    urls = {
        f"{PROVIDER_PREFIXES[slug]}_BASE_URL": f"{providers_url}/{slug}{path}"
        for slug, path in places.items()
    }
    keys = {f"{prefix}_API_KEY": platform_key(slug) for slug, prefix in PROVIDER_PREFIXES.items()}
    proxy = {"LITELLM_PROXY_URL": f"{providers_url}/litellm/", "LITELLM_MASTER_KEY": MASTER_KEY}
    return Deployment(
        database_url=database_url,
        redis_url=redis_url,
        data_dir=data_dir,
        simulated_url=None,
        more={**urls, **keys, **proxy},
    )


def _add_catalog(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, str]:
    """The path of each base URL, by slug."""
    connection.execute(
        "INSERT INTO llm_providers (provider_name, provider_slug, base_url, litellm_prefix)"
        " VALUES ('Bedrock', %s, 'https://bedrock.example.com/v1', 'bedrock')",
        [PROXIED],
    )
    for slug in UPSTREAMS:
        row = connection.execute(
            "INSERT INTO llm_models (provider_id, model_name, model_id, context_window,"
            " supports_function_calling, supports_vision, supports_json_mode)"
            " SELECT id, %s, %s, 200000, true, true, true FROM llm_providers"
            " WHERE provider_slug = %s RETURNING id",
            [MODELS[slug], MODELS[slug], slug],
        ).fetchone()
        assert row is not None
        tier = {"start_tokens": 0, "input": "1", "output": "2", "cached": None, "cache_write": None}
        connection.execute(
            "INSERT INTO model_prices (model_id, version, valid_from, source, checked_at, prices)"
            " VALUES (%s, 1, now(), 'test', now(), %s)",
            [row[0], Jsonb({"tiers": [tier]})],
        )
    rows = connection.execute("SELECT provider_slug, base_url FROM llm_providers").fetchall()
    return {str(slug): urlsplit(str(url)).path for slug, url in rows if slug != PROXIED}
