"""`switchyard usage reconcile --bill`, against servers that answer as the documents say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from shared.cli.main import switchyard
from shared.ledger.checks.bills import Ours, compare_days
from shared.ledger.rows import write_batch
from shared.wire.provider import Billed
from shared.wire.providers import SEEDS
from tests.fakes.raw_server import RawServer, answers
from tests.fakes.usage_records import final, request_id_at

pytestmark = pytest.mark.usefixtures("data_dir")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS = ("--start", "2026-03-01", "--end", "2026-03-03")
KEY = "sk-admin-0123456789"

# platform.openai.com/docs/api-reference/usage/costs; "2026-03-01" is 1772323200.
OPENAI = [
    b'{"object":"page","data":[{"object":"bucket","start_time":1772323200,"end_time":1772409600,'
    b'"results":[{"object":"organization.costs.result","amount":{"value":0.002,"currency":"usd"},'
    b'"line_item":null,"project_id":null}]}],"has_more":true,"next_page":"page_2"}',
    b'{"object":"page","data":[{"object":"bucket","start_time":1772323200,"end_time":1772409600,'
    b'"results":[{"object":"organization.costs.result","amount":{"value":0.0005,"currency":"usd"},'
    b'"line_item":null,"project_id":null}]},{"object":"bucket","start_time":1772409600,'
    b'"end_time":1772496000,"results":[]}],"has_more":false,"next_page":null}',
]
# platform.claude.com, api/admin/cost_report: cents, as text.
ANTHROPIC = [
    b'{"data":[{"starting_at":"2026-03-01T00:00:00Z","ending_at":"2026-03-02T00:00:00Z","results":'
    b'[{"currency":"USD","amount":"0.25","workspace_id":null,"description":null,"cost_type":null,'
    b'"model":null,"token_type":null}]}],"has_more":false,"next_page":null}'
]
# openrouter.ai/docs, "Get user activity".
OPENROUTER = [
    b'{"data":[{"date":"2026-03-01","model":"openai/gpt-4.1","model_permaslug":"openai/gpt-4.1",'
    b'"endpoint_id":"e","provider_name":"OpenAI","usage":0.0025,"byok_usage_inference":0.012,'
    b'"requests":5,"prompt_tokens":50,"completion_tokens":125,"reasoning_tokens":25},'
    b'{"date":"2026-02-01","model":"a/b","usage":7,"byok_usage_inference":0,"requests":1}]}'
]


@pytest.fixture
def database(
    data_dir: Path, migrated_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection[Any]]:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


def spend(connection: psycopg.Connection[Any], provider: str, **changes: Any) -> None:
    """0.0025 USD at the provider, on the first day."""
    number = SEEDS[provider].id
    write_batch(
        connection,
        [final(request_id=request_id_at(NOON), provider_id=number, model_id=None, **changes)],
        [],
    )


def run(provider: str, pages: list[bytes], *words: str) -> tuple[Result, list[bytes]]:
    payloads = [
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(page), page)
        for page in pages
    ]
    with RawServer(*(answers(one) for one in payloads)) as server:
        command = ["usage", "reconcile", "--provider", provider, "--bill", "-", *DAYS]
        command += ["--bill-url", server.url, *words]
        return CliRunner().invoke(switchyard, command, input=KEY + "\n"), server.requests


@pytest.mark.parametrize(
    ("provider", "pages", "header"),
    [
        ("openai", OPENAI, b"authorization: Bearer " + KEY.encode()),
        ("anthropic", ANTHROPIC, b"x-api-key: " + KEY.encode()),
        ("openrouter", OPENROUTER, b"authorization: Bearer " + KEY.encode()),
    ],
)
def test_a_bill_that_agrees_names_no_cause(
    database: Any, provider: str, pages: list[bytes], header: bytes
) -> None:
    spend(database, provider)
    spend(database, provider, billed_to="user", used_byok=True)
    done, requests = run(provider, pages, "--json")
    assert done.exit_code == 0, done.output
    [day] = json.loads(done.stdout)["days"]
    assert day == {
        "day": "2026-03-01",
        "requests": 1,
        "ours_usd": 0.0025,
        "billed_usd": 0.0025,
        "difference_usd": 0,
        "cause": None,
    }
    assert len(requests) == len(pages)
    assert all(header in request for request in requests)


@pytest.mark.usefixtures("database")
def test_pages_are_asked_for_one_after_the_other() -> None:
    _, (first, second) = run("openai", OPENAI)
    assert first.startswith(b"GET /v1/organization/costs?start_time=1772323200&end_time=1772496000")
    assert b"&page=page_2 " in second


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (b"401 Unauthorized", b"{}", "refuses the key: it takes the admin key"),
        (b"500 Internal Server Error", b"", "answered 500"),
        (b"200 OK", b"<html>", "cannot be read"),
    ],
)
def test_a_bill_that_cannot_be_had_is_one_line_without_the_key(
    status: bytes, body: bytes, said: str
) -> None:
    payload = b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b"
    with RawServer(answers(payload % (status, len(body), body))) as server:
        words = ["--provider", "openai", "--bill", "-", "--bill-url", server.url, *DAYS]
        done = CliRunner().invoke(switchyard, ["usage", "reconcile", *words], input=KEY)
    assert done.exit_code == 1
    assert said in done.stderr
    assert KEY not in done.output


def test_a_provider_without_a_cost_api_is_refused_by_name() -> None:
    done, _ = run("groq", [])
    assert done.exit_code == 1
    assert "these do: anthropic, openai, openrouter" in done.stderr


DAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("ours", "billed", "today", "cause"),
    [
        (Ours(DAY, 1, Decimal("1.001")), "1", date(2026, 4, 1), None),
        (Ours(DAY, 1, Decimal(1)), "2", date(2026, 3, 2), "not settled yet"),
        (Ours(DAY, 3, Decimal(1), unpriced=2), "2", date(2026, 4, 1), "2 requests have no price"),
        (Ours(DAY, 3, Decimal(1), indeterminate=1), "2", date(2026, 4, 1), "end of 1 requests"),
        (
            Ours(DAY, 3, Decimal(2), estimated_usd=Decimal("0.50")),
            "1.6",
            date(2026, 4, 1),
            "0.5 USD are estimates",
        ),
        (Ours(DAY), "2", date(2026, 4, 1), "other users"),
        (Ours(DAY, 1, Decimal(1)), "2", date(2026, 4, 1), "more than its list price"),
        (Ours(DAY, 1, Decimal(1)), "0", date(2026, 4, 1), "nothing was billed"),
        (Ours(DAY, 1, Decimal(2)), "1", date(2026, 4, 1), "less than its list price"),
    ],
)
def test_a_difference_has_a_cause(ours: Ours, billed: str, today: date, cause: str | None) -> None:
    lines = [Billed(DAY, Decimal(billed)), Billed(date(2026, 2, 1), Decimal(9))]
    known = {DAY: ours} if ours.requests else {}
    [day] = compare_days(
        known, lines, start=DAY, end=date(2026, 3, 3), today=today, share=Decimal("0.01")
    )
    assert day.difference_usd == Decimal(billed) - ours.cost_usd
    assert day.cause is None if cause is None else cause in (day.cause or "")
