"""A rule is tried against a request before it is there, by the API and by `switchyard rule try`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from shared.cli.main import switchyard
from tests.fakes.gateway import ADMIN, USER, Deployment
from tests.fakes.uvicorn_server import UvicornServer

DRY_RUN = "/api/v1/admin/llm/dry-run"
ROUTE = "/api/v1/llm/route"
HELLO = [{"role": "user", "content": "Hello"}]
LUNA = {"model": "openai/gpt-6.1-terra", "power_level": "eco", "priority": 1000}


def post(
    web: UvicornServer, path: str, body: object, headers: Mapping[str, str] = ADMIN
) -> httpx.Response:
    return httpx.post(web.url + path, json=body, headers=dict(headers), timeout=20, trust_env=False)


def tried(web: UvicornServer, rule: Mapping[str, Any], query: str = "", **request: Any) -> Any:
    asked = {"messages": HELLO, "power_level": rule["power_level"], **request}
    answer = post(web, DRY_RUN + query, {"change": {"rule": rule}, "request": asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def rules_of(deployment: Deployment) -> list[Any]:
    with psycopg.connect(deployment.database_url) as connection:
        every = "SELECT r.id, r.updated_at FROM llm_routing_rules r ORDER BY r.id"
        audited = "SELECT count(*) FROM audit_events"
        return [*connection.execute(every), *connection.execute(audited)]


def test_both_are_told_and_nothing_is_written(
    web: UvicornServer, other_web: UvicornServer, own_deployment: Deployment
) -> None:
    before = rules_of(own_deployment)
    for server in (web, other_web):
        told = tried(server, LUNA)
        was, would_be = told["was"]["candidates"][0], told["would_be"]["candidates"][0]
        assert (was["provider"], was["reason"]) == ("groq", "rule")
        assert (would_be["provider"], would_be["rule_id"]) == ("openai", 0)
        asked = {"messages": HELLO, "power_level": "eco"}
        now = post(server, ROUTE, asked).json()
        assert now["candidates"] == told["was"]["candidates"]
    assert rules_of(own_deployment) == before


@pytest.mark.parametrize(
    ("more", "request_fields", "is_met"),
    [
        ({"min_tokens": 5000}, {}, False),
        ({"max_tokens": 5000}, {}, True),
        ({"task_type": "legal"}, {}, False),
        ({"task_type": "legal"}, {"task_type": "legal"}, True),
        ({"user_tier": "enterprise"}, {}, True),
        ({"priority": -1}, {}, False),
        ({"is_active": False}, {}, False),
        ({"is_fallback": True, "fallback_order": 0, "priority": 0}, {}, False),
        ({"requires_byok": True}, {}, False),
    ],
)
def test_the_rule_is_met_as_one_that_is_there_would_be(
    web: UvicornServer, more: dict[str, Any], request_fields: dict[str, Any], is_met: bool
) -> None:
    told = tried(web, LUNA | more, **request_fields)["would_be"]
    assert (told["candidates"][0]["rule_id"] == 0) is is_met


def test_a_rule_may_open_a_level_that_nothing_serves_now(web: UvicornServer) -> None:
    oss = "openai/gpt-oss-20b"
    opens = {"model": f"groq/{oss}", "power_level": "precision", "user_tier": "free"}
    told = tried(web, opens, "?tier=free")
    assert told["was"] is None
    assert told["would_be"]["candidates"][0]["model"] == oss


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"change": {"rule": LUNA | {"model": "nobody/nothing"}}}, 400, "model_not_found"),
        ({"change": {"rule": LUNA | {"power_level": "nowhere"}}}, 400, "invalid_value"),
        (
            {"change": {"rule": LUNA | {"min_tokens": 9, "max_tokens": 8}}},
            400,
            "rule_never_matches",
        ),
        (
            {
                "change": {
                    "rule": {
                        "model": "groq/openai/gpt-oss-20b",
                        "power_level": "eco",
                        "user_tier": "free",
                    }
                }
            },
            409,
            "rule_exists",
        ),
        ({"change": {"limit": {}}}, 400, None),
        ({"change": {"rule": LUNA}, "last": 1000}, 400, None),
        ({"change": {"rule": LUNA}, "request": {"messages": []}}, 400, None),
        ({"change": {"rule": LUNA}, "request": 7}, 400, None),
    ],
)
def test_what_adding_it_would_refuse_is_refused(
    web: UvicornServer, body: dict[str, Any], status: int, code: str | None
) -> None:
    answer = post(web, DRY_RUN, {"request": {"messages": HELLO}, **body})
    assert answer.status_code == status, answer.text
    assert code in (None, answer.json()["error"]["code"])


def test_it_is_an_admins(web: UvicornServer) -> None:
    body = {"change": {"rule": LUNA}, "request": {"messages": HELLO}}
    assert post(web, DRY_RUN, body, USER).status_code == 403


def run(web: UvicornServer, *words: str) -> Any:
    at = ("--url", web.url, "--token", "admin-token")
    return CliRunner().invoke(switchyard, ["rule", "try", *words, *at])


def test_the_command_says_both_and_shows_the_new_order(web: UvicornServer) -> None:
    done = run(web, "eco", "openai/gpt-6.1-terra", "--priority", "1000")
    assert done.exit_code == 0, done.output
    assert "Now: groq/openai/gpt-oss-20b. With the rule: openai/gpt-6.1-terra." in done.stdout
    assert re.search(r"gpt-6\.1-terra +the rule tried", done.stdout)
    told = json.loads(
        run(web, "eco", "openai/gpt-6.1-terra", "--priority", "1000", "--json").stdout
    )
    assert told["would_be"]["candidates"][0]["rule_id"] == 0


def test_a_weight_of_0_is_a_weight(web: UvicornServer) -> None:
    """It is last of its equals; left out, it would be 100."""
    told = run(web, "eco", "openai/gpt-6.1-terra", "--tier", "free", "--weight", "0", "--json")
    first, second, *_ = json.loads(told.stdout)["would_be"]["candidates"]
    assert (first["rule_id"], second["rule_id"], second["weight"]) == (1, 0, 0)


def test_a_refusal_is_one_line(web: UvicornServer) -> None:
    done = run(web, "nowhere", "openai/gpt-6.1-terra")
    assert done.exit_code == 1
    assert "There is no such level" in done.output
