"""No page grows with the database: 50 KB with its style and script, whatever is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from functions.console.admin.subjects import SUBJECTS
from functions.console.function import CONSOLE
from functions.console.pages import FILES
from shared.ledger.partitions import ensure_month
from tests.functions.console.conftest import Place

MOST_BYTES = 50_000
ANN = "ann.of.the.department.of.far.too.long.names@an-organization.example"

# Twelve providers that fail now and then, a month of 600 requests, and much of everything else.
PLENTY = f"""
INSERT INTO llm_providers (provider_name, provider_slug, display_name, base_url)
SELECT name, slug, 'A provider of some name, region ' || n, 'https://' || slug || '.example/v1'
FROM (SELECT n, 'made-provider-' || n AS slug, 'Made ' || n AS name FROM generate_series(1, 5) AS n)
    AS made;
UPDATE llm_providers SET health_status = 'degraded', health_last_checked = now(),
    health_reason = repeat('It answered 503 to every check. ', 12), health_response_time_ms = 1234;
INSERT INTO provider_health_checks (provider_id, checked_at, status, outcome, reason)
SELECT id, at, CASE WHEN ill THEN 'down' ELSE 'healthy' END,
    CASE WHEN ill THEN 'failed' ELSE 'answered' END,
    CASE WHEN ill THEN repeat('It answered 503 to every check. ', 12) END
FROM (SELECT id, at, (extract(epoch FROM at)::bigint / 1800 + id) % 5 = 0 AS ill
    FROM llm_providers, generate_series(now() - interval '30 days', now(), interval '30 minutes')
        AS at) AS checked;
INSERT INTO llm_models (provider_id, model_name, model_id, power_level, context_window,
    cost_per_1m_input_tokens, cost_per_1m_output_tokens)
SELECT 1, 'made ' || n, 'a-model-of-a-long-name-2026-11-28-preview-' || n, 'balanced', 128000, 1, 2
FROM generate_series(1, 400) AS n;
INSERT INTO llm_routing_rules (model_id, power_level, task_type)
SELECT id, 'balanced', 'a-task-of-a-long-name-' || id FROM llm_models LIMIT 300;
INSERT INTO power_levels (name, rank, price_ceiling_usd_per_mtok, ttft_target_ms)
SELECT 'a-level-of-a-long-name-' || n, 100 + n, 1000, 1000 FROM generate_series(1, 60) AS n;
INSERT INTO model_aliases (name, targets)
SELECT 'an-alias-of-a-long-name-' || n, '[{{"target": "balanced", "weight": 1}}]'
FROM generate_series(1, 300) AS n;
INSERT INTO limits (scope, subject, requests_per_minute, tokens_per_minute, concurrent_requests,
    budget_day_usd, budget_month_usd)
SELECT 'user', 'user-of-a-long-name-' || n, 600, 1000000, 100, 1000, 10000
FROM generate_series(1, 300) AS n;
INSERT INTO limits (scope, subject, requests_per_minute, tokens_per_minute, concurrent_requests,
    budget_day_usd, budget_month_usd) VALUES
    ('user', '{ANN}', 600, 1000000, 100, 1000, 10000), ('all', '*', 6, 1000000, 100, 1000, 10000),
    ('tier', 'enterprise', 6, 1000000, 100, 1000, 10000), ('user', '*', 6, 100, 100, 1000, 10000);
INSERT INTO access_tokens (token_digest, token_prefix, token_suffix, name, user_id, team_id, tier,
    role, scopes)
SELECT sha256(n::text::bytea), 'sy_abcd', 'wxyz', 'A token of a long name ' || n,
    CASE WHEN n % 2 = 0 THEN '{ANN}' ELSE 'user-' || n || '@an-organization.example' END,
    'a-team-of-a-long-name', 'enterprise', 'user', '{{}}' FROM generate_series(1, 600) AS n;
INSERT INTO teams (id, name)
SELECT 'a-team-of-a-long-name-' || n, 'The team of number ' || n FROM generate_series(1, 200) AS n;
INSERT INTO team_members (team_id, user_id)
SELECT 'a-team-of-a-long-name-1', 'user-' || n || '@an-organization.example'
FROM generate_series(1, 300) AS n;
INSERT INTO users (user_id)
SELECT 'user-' || n || '@an-organization.example' FROM generate_series(1, 900) AS n;
INSERT INTO audit_events (actor, action, target_type, target_id, details)
SELECT 'the.admin@an-organization.example', 'provider.changed', 'provider', 'made-provider-1',
    '{{"base_url": "https://a-host-of-a-long-name.example/v1", "is_active": true, "opens": "any"}}'
FROM generate_series(1, 400);
INSERT INTO llm_usage_logs (request_id, user_id, team_id, provider_id, model_id, model_requested,
    model_served, power_level, end_user, tags, prompt_tokens, completion_tokens, total_tokens,
    cost_total_usd, billed_to, latency_ms, status_code, error_message, was_fallback,
    fallback_reason, used_byok, created_at)
SELECT 'request-' || n, '{ANN}', 'a-team-of-a-long-name', 1, 1 + n % 20, 'gpt-6.1-terra-2026-11-28',
    'gpt-6.1-terra-2026-11-28', 'balanced', 'end-user-' || n, jsonb_build_array('tag-' || n % 90),
    100000, 20000, 120000, 1.2345, 'platform', 2500, CASE WHEN n % 4 = 0 THEN 503 ELSE 200 END,
    CASE WHEN n % 4 = 0 THEN repeat('The provider is overloaded. ', 9) END, n % 3 = 0,
    CASE WHEN n % 3 = 0 THEN 'provider_unavailable' END, false, now() - n * interval '70 minutes'
FROM generate_series(1, 600) AS n;
INSERT INTO usage_daily (day, user_id, team_id, provider_id, model_id, power_level, billed_to,
    requests, prompt_tokens, completion_tokens, total_tokens, cost_total_usd)
SELECT current_date - back, '{ANN}', 'a-team-of-a-long-name', 1, model, 'balanced', 'platform',
    12345, 123456789, 123456789, 246913578, 1234.5678
FROM generate_series(0, 89) AS back, generate_series(1, 40) AS model;
"""

QUERIES: Mapping[str, tuple[str, ...]] = {
    "/usage": (
        "?days=90",
        "?days=90&by=hour",
        "?days=90&by=tag",
        "?days=90&by=end_user",
        "?of=everybody&days=90&by=user",
    ),
}
"""The fullest views of a page, beside the plain one."""
HOLES = {
    "{subject:str}": tuple(SUBJECTS),
    "{token_id:int}": ("1",),
    "{team_id:str}": ("a-team-of-a-long-name-1",),
}
NO_PAGES = {"/console/{name:str}", "/favicon.ico", "/status.json", "/usage/export.csv"}


def paths() -> Iterator[str]:
    """Every page of the console, and every view of those that have several."""
    for handler in CONSOLE.handlers:
        for path in handler.paths:
            if path in NO_PAGES or "GET" not in handler.http_methods:
                continue
            hole = next((one for one in HOLES if one in path), None)
            filled = [path.replace(hole, one) for one in HOLES[hole]] if hole else [path]
            for one in filled:
                yield from (one + query for query in ("", *QUERIES.get(path, ())))


@pytest.fixture(scope="module")
def cookie(place: Place) -> str:
    """The session of an admin who used much, where there is plenty of everything."""
    today = datetime.now(UTC).date()
    months = {(today - timedelta(days=back)).replace(day=1) for back in range(31)}
    with psycopg.connect(place.deployment.database_url, autocommit=True) as connection:
        for month in months:
            ensure_month(connection, month)
    place.execute(PLENTY)
    return place.sign_in(place.token(ANN, role="admin"))


@pytest.mark.parametrize("path", sorted(set(paths())))
def test_a_page_is_under_fifty_kilobytes(place: Place, cookie: str, path: str) -> None:
    answer = place.get(path, "" if path == "/sign-in" else cookie)
    assert answer.status_code == 200, answer.text[:2000]
    files = set(re.findall(r'(?:src|href)="/console/([\w.]+)\?', answer.text))
    assert "console.css" in files or path == "/status/board"
    whole = len(answer.content) + sum(len(FILES[name]) for name in files)
    assert whole < MOST_BYTES, f"{whole} bytes, {len(answer.content)} of them the page"
