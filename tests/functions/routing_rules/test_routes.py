"""Rules, levels and tiers as an admin changes them, and where a request would go after that."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from tests.fakes.gateway import ADMIN, USER, Deployment, ask
from tests.fakes.uvicorn_server import UvicornServer

RULES = "/api/v1/admin/llm/routing-rules"
LEVELS = "/api/v1/admin/llm/power-levels"
ROUTE = "/api/v1/llm/route"
FLASH = "google/gemini-3.8-flash"
IN_FORCE_S = 2.0


def call(
    web: UvicornServer, method: str, path: str, body: object = None, headers: Any = None
) -> httpx.Response:
    return httpx.request(
        method,
        web.url + path,
        json=body,
        headers=ADMIN if headers is None else headers,
        timeout=20,
        trust_env=False,
    )


def explain(
    web: UvicornServer, headers: Any = None, query: str = "", **body: Any
) -> dict[str, Any]:
    message = {"role": "user", "content": "Hello"}
    answer = call(web, "POST", ROUTE + query, {"messages": [message], **body}, headers or USER)
    assert answer.status_code == 200, answer.text
    return answer.json()


def order_of(explanation: dict[str, Any]) -> list[str]:
    return [f"{one['provider']}/{one['model']}" for one in explanation["candidates"]]


def within_2_s(is_so: Callable[[], bool]) -> bool:
    # One more poll's length for a machine that is busy; the poll itself is one second.
    ends = time.monotonic() + IN_FORCE_S + 1
    while time.monotonic() < ends:
        if is_so():
            return True
        time.sleep(0.05)
    return is_so()


@pytest.fixture
def rule(web: UvicornServer) -> Any:
    """Makes rules, and takes them back."""
    made: list[int] = []

    def make(**fields: Any) -> dict[str, Any]:
        answer = call(web, "POST", RULES, fields)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
        return answer.json()

    yield make
    for rule_id in made:
        call(web, "DELETE", f"{RULES}/{rule_id}")


def test_a_rule_made_by_the_api_is_in_force_in_every_process_within_2_s(
    web: UvicornServer, other_web: UvicornServer, rule: Any
) -> None:
    assert order_of(explain(web))[0] == "openai/gpt-6.1-terra"
    rule(model=FLASH, power_level="balanced", user_tier="professional", priority=500)
    for server in (web, other_web):
        assert within_2_s(lambda server=server: order_of(explain(server))[0] == FLASH)
    assert ask(web.url).json()["_metadata"]["provider_used"] == "google"


def test_a_rule_changed_by_psql_is_in_force_in_every_process_within_2_s(
    web: UvicornServer, other_web: UvicornServer, own_deployment: Deployment, rule: Any
) -> None:
    made = rule(model=FLASH, power_level="balanced", priority=-5)
    with psycopg.connect(own_deployment.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE llm_routing_rules SET priority = 900 WHERE id = %s", [made["id"]]
        )
    for server in (web, other_web):
        assert within_2_s(lambda server=server: order_of(explain(server))[0] == FLASH)


def test_a_change_is_partial_and_audited_and_a_deletion_is_final(
    web: UvicornServer, own_deployment: Deployment, rule: Any
) -> None:
    made = rule(model=FLASH, power_level="eco", min_tokens=10, task_type="code")
    path = f"{RULES}/{made['id']}"
    changed = call(web, "PATCH", path, {"weight": 7, "min_tokens": None}).json()
    assert changed["weight"] == 7
    assert changed["min_tokens"] is None
    assert changed["task_type"] == "code"
    assert call(web, "GET", path).json() == changed
    assert made["id"] in [one["id"] for one in call(web, "GET", RULES).json()["data"]]
    assert call(web, "DELETE", path).json() == {"id": made["id"], "deleted": True}
    assert call(web, "GET", path).status_code == 404
    assert call(web, "DELETE", path).json()["error"]["code"] == "not_found"
    with psycopg.connect(own_deployment.database_url) as connection:
        events = connection.execute(
            "SELECT action, actor FROM audit_events WHERE target_type = 'routing_rule'"
            " AND target_id = %s ORDER BY id",
            [str(made["id"])],
        ).fetchall()
    assert events == [
        ("routing_rule.created", "admin"),
        ("routing_rule.changed", "admin"),
        ("routing_rule.deleted", "admin"),
    ]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown model": ({"model": "gpt-1"}, "model", "model_not_found"),
    "an unknown level": ({"power_level": "turbo"}, "power_level", "invalid_value"),
    "an unknown tier": ({"user_tier": "gold"}, "user_tier", "invalid_value"),
    "a task that no header can name": ({"task_type": "Big Task"}, "task_type", "invalid_value"),
    "a negative weight": ({"weight": -1}, "weight", "invalid_value"),
    "an order of no fallback": ({"fallback_order": 1}, "fallback_order", "invalid_value"),
    "bounds that cross": (
        {"min_tokens": 10, "max_tokens": 9}, "min_tokens", "rule_never_matches",
    ),
    "a bound beyond the window": ({"min_tokens": 10**9}, "min_tokens", "rule_never_matches"),
    "what another rule says": (
        {"model": "openai/gpt-6.1-terra", "user_tier": "professional"}, "model", "rule_exists",
    ),
    "a field nobody knows": ({"prio": 1}, "data", "invalid_value"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_rule_that_makes_no_sense_is_refused_by_the_field(web: UvicornServer, case: str) -> None:
    fields, param, code = REFUSED[case]
    answer = call(web, "POST", RULES, {"model": FLASH, "power_level": "balanced", **fields})
    assert answer.status_code == (409 if code == "rule_exists" else 400), answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    if case != "a field nobody knows":
        assert error["param"] == param


def test_a_rule_for_a_model_that_is_off_can_never_match(
    web: UvicornServer, own_deployment: Deployment
) -> None:
    with psycopg.connect(own_deployment.database_url, autocommit=True) as connection:
        connection.execute("UPDATE llm_models SET is_active = false WHERE id = 3")
        try:
            fields = {"model": FLASH, "power_level": "balanced"}
            answer = call(web, "POST", RULES, fields)
            assert answer.json()["error"]["code"] == "rule_never_matches"
            asleep = call(web, "POST", RULES, {**fields, "is_active": False})
            assert asleep.status_code == 201
            path = f"{RULES}/{asleep.json()['id']}"
            assert call(web, "PATCH", path, {"is_active": True}).status_code == 400
            call(web, "DELETE", path)
        finally:
            connection.execute("UPDATE llm_models SET is_active = true WHERE id = 3")


def test_a_level_is_made_used_changed_and_deleted(web: UvicornServer, rule: Any) -> None:
    level = {"name": "turbo", "rank": 9, "price_ceiling_usd_per_mtok": "12.5"}
    made = call(web, "POST", LEVELS, level)
    assert made.status_code == 201, made.text
    used = rule(model=FLASH, power_level="turbo")
    path = f"{LEVELS}/turbo"
    try:
        assert within_2_s(lambda: ask(web.url, model="turbo").status_code == 200)
        assert ask(web.url, model="turbo").json()["_metadata"]["power_level"] == "turbo"
        in_use = call(web, "DELETE", path)
        assert in_use.json()["error"]["code"] == "power_level_in_use"
        assert made.json()["fallback"] == "level"
        changed = call(web, "PATCH", path, {"default_temperature": 0.5, "fallback": "any"})
        assert changed.json()["default_temperature"] == 0.5
        assert changed.json()["fallback"] == "any"
        assert changed.json()["price_ceiling_usd_per_mtok"] == 12.5
    finally:
        call(web, "DELETE", f"{RULES}/{used['id']}")
        assert call(web, "DELETE", path).json() == {"id": "turbo", "deleted": True}
    assert call(web, "GET", path).status_code == 404


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"name": "auto"}, "name", "invalid_value"),
        ({"name": "eco"}, "name", "power_level_exists"),
        ({"name": "Turbo!"}, "name", "invalid_value"),
        ({"name": "gpt-6.1-terra"}, "name", "invalid_value"),
        ({"rank": 1}, "rank", "invalid_value"),
        (
            {"price_ceiling_usd_per_mtok": "0.01"},
            "price_ceiling_usd_per_mtok",
            "ceiling_under_every_price",
        ),
        ({"default_temperature": 3}, "default_temperature", "invalid_value"),
        ({"fallback": "everything"}, "fallback", "invalid_value"),
        ({"ttft_target_ms": 0}, "ttft_target_ms", "setting_not_used"),
        ({"ttft_target_ms": 900}, "ttft_target_ms", "setting_not_used"),
    ],
)
def test_a_level_that_makes_no_sense_is_refused_by_the_field(
    web: UvicornServer, fields: dict[str, Any], param: str, code: str
) -> None:
    level = {"name": "turbo", "rank": 9, "price_ceiling_usd_per_mtok": "5", **fields}
    error = call(web, "POST", LEVELS, level).json()["error"]
    assert (error["param"], error["code"]) == (param, code)


def test_a_ceiling_under_every_price_is_refused_on_change_too(web: UvicornServer) -> None:
    answer = call(web, "PATCH", f"{LEVELS}/eco", {"price_ceiling_usd_per_mtok": "0.000001"})
    assert answer.json()["error"]["code"] == "ceiling_under_every_price"
    assert "groq/openai/gpt-oss-20b" in answer.json()["error"]["message"]


def test_a_level_can_be_sent_back_as_it_was_answered(web: UvicornServer) -> None:
    eco = call(web, "GET", f"{LEVELS}/eco").json()
    fields = {name: eco[name] for name in eco.keys() - {"name", "updated_at"}}
    same = call(web, "PATCH", f"{LEVELS}/eco", fields)
    assert same.status_code == 200, same.text
    assert {**same.json(), "updated_at": eco["updated_at"]} == eco
    target = eco["ttft_target_ms"] + 1
    refused = call(web, "PATCH", f"{LEVELS}/eco", {"ttft_target_ms": target}).json()["error"]
    assert (refused["param"], refused["code"]) == ("ttft_target_ms", "setting_not_used")
    assert call(web, "GET", f"{LEVELS}/eco").json()["ttft_target_ms"] == eco["ttft_target_ms"]


def test_tiers_say_what_they_open(web: UvicornServer) -> None:
    tiers = {one["tier"]: one for one in call(web, "GET", "/api/v1/admin/llm/tiers").json()["data"]}
    assert list(tiers) == ["free", "starter", "professional", "enterprise"]
    assert {"eco", "balanced", "precision"} & set(tiers["free"]["power_levels"]) == {"eco"}
    assert set(tiers["professional"]["power_levels"]) >= {"eco", "balanced", "precision"}


@pytest.mark.parametrize(("method", "path"), [("GET", RULES), ("GET", LEVELS), ("POST", RULES)])
def test_only_an_admin_may(web: UvicornServer, method: str, path: str) -> None:
    assert call(web, method, path, {}, USER).status_code == 403
    assert call(web, method, path, {}, {}).status_code == 401


def test_a_route_is_explained_with_costs_and_with_why_others_dropped(web: UvicornServer) -> None:
    told = explain(web, max_tokens=1000)
    first = told["candidates"][0]
    assert told["power_level"] == "balanced"
    assert first["key_source"] == "platform"
    assert first["reason"] == "rule"
    assert first["circuit"] == "closed"
    assert 0 < first["expected_cost_usd"] < first["worst_cost_usd"]
    dropped = {f"{one['provider']}/{one['model']}": one["reason"] for one in told["dropped"]}
    assert dropped["anthropic/claude-opus-5-5"] == "over_price_ceiling"


def test_what_is_explained_is_what_is_done(web: UvicornServer) -> None:
    for body in ({}, {"power_level": "eco"}, {"model": "precision"}, {"models": [FLASH]}):
        told = explain(web, **body)
        done = ask(web.url, **body).json()["_metadata"]
        assert order_of(told)[0] == f"{done['provider_used']}/{done['model_used']}"


def test_a_session_goes_where_its_route_says_and_without_one_the_answer_names_one(
    web: UvicornServer, rule: Any
) -> None:
    """For a task of their own, so that the rules of no other test are touched."""

    def attempted(session: str) -> str:
        answer = ask(web.url, headers={"x-session-id": session}, task_type="draw").json()
        first = answer["_metadata"]["attempts"][0]
        return f"{first['provider']}/{first['model']}"

    for model in ("openai/gpt-6.1-terra", FLASH):
        equal = {"power_level": "balanced", "user_tier": "professional", "priority": 700}
        rule(model=model, task_type="draw", weight=50, **equal)

    def shares() -> list[float]:
        return [one["share"] for one in explain(web, task_type="draw")["candidates"][:2]]

    assert within_2_s(lambda: shares() == [0.5, 0.5])
    for number in range(8):
        session = f"{number}-" + "x" * 250
        told = explain(web, {**USER, "x-session-id": session}, task_type="draw")
        assert order_of(told)[0] == attempted(session)
        drawn = explain(web, task_type="draw")
        assert order_of(drawn)[0] == attempted(drawn["session"])


def test_a_prompt_that_fits_its_window_is_served(web: UvicornServer) -> None:
    """And not only where its estimate, rounded up to a power of two, fits."""
    message = {"role": "user", "content": "word " * 80_000}
    told = explain(web, model="openai/gpt-oss-20b", max_tokens=1000, messages=[message])
    assert 2**17 > told["prompt_tokens"] + 1000 > 2**16
    done = ask(web.url, message["content"], model="openai/gpt-oss-20b", max_tokens=1000)
    assert done.status_code == 200, done.text


def test_a_bound_on_the_cost_shortens_the_answer_or_is_refused(web: UvicornServer) -> None:
    told = explain(web, model="gpt-6.1-terra", max_cost_usd=0.0006, max_tokens=100_000)
    first = told["candidates"][0]
    assert first["max_tokens"] < 100_000
    assert first["worst_cost_usd"] <= 0.0006
    answer = ask(web.url, "word " * 40, model="gpt-6.1-terra", max_cost_usd=0.0006)
    assert answer.status_code == 200
    assert answer.json()["_metadata"]["cost_incurred"] <= 0.0006
    refused = ask(web.url, model="gpt-6.1-terra", max_cost_usd=1e-9)
    assert refused.json()["error"]["param"] == "max_cost_usd"
    negative = ask(web.url, max_cost_usd=-1)
    assert (negative.status_code, negative.json()["error"]["param"]) == (400, "max_cost_usd")


def test_an_admin_may_ask_with_any_tier_and_a_user_may_not(
    web: UvicornServer, free: dict[str, str]
) -> None:
    assert explain(web, ADMIN, "?tier=free")["power_level"] == "eco"
    assert explain(web, free)["power_level"] == "eco"
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    assert call(web, "POST", ROUTE + "?tier=enterprise", body, free).status_code == 403
    unknown = call(web, "POST", ROUTE + "?tier=gold", body)
    assert unknown.json()["error"]["param"] == "tier"


def test_what_a_completion_would_be_refused_with_a_route_is_too(
    web: UvicornServer, free: dict[str, str]
) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "model": "precision"}
    answer = call(web, "POST", ROUTE, body, free)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "tier_not_allowed"
