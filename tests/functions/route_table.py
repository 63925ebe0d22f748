"""Every route of the gateway: who may, what to send, and what stands in its path.

A row says who may: `anyone`, `user(…)` or `admin(…)`, with the scope that the route asks for, the
body to send and what stands in the path. Owned objects (a caller's own) say `other=404`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler

from functions.gateway.app import app as gateway_app
from shared.auth.scope import Scope

BYOK = "/api/v1/llm/byok/keys"
TOKENS = "/api/v1/admin/llm/access-tokens"
OWN_TOKENS = "/api/v1/llm/tokens"
USERS = "/api/v1/admin/llm/users"
TEAMS = "/api/v1/admin/llm/teams"
SYSTEM_KEYS = "/api/v1/admin/llm/system-keys"
PROVIDERS = "/api/v1/admin/llm/providers"
MODELS = "/api/v1/admin/llm/models"
OWN_LIMITS = "/api/v1/llm/limits"
LIMITS = "/api/v1/admin/llm/limits"
ALIASES = "/api/v1/admin/llm/aliases"
RULES = "/api/v1/admin/llm/routing-rules"
LEVELS = "/api/v1/admin/llm/power-levels"
USAGE = "/api/v1/llm/usage"
ADMIN_USAGE = "/api/v1/admin/llm/usage"
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
TEXTS = {"model": "text-embedding-3-small", "input": ["Hello"]}
KEY = {"provider": "openai", "api_key": "sk-test-1234567890abcdefghijklmnop"}


class New(msgspec.Struct, frozen=True):
    """What an admin makes at `where`; its `field` fills `parameter`.

    `%` stands for a number that no other has; alone it is sent as one.
    """

    where: str
    body: Mapping[str, Any]
    parameter: str
    field: str

    def numbered(self, number: int) -> dict[str, Any]:
        def filled(value: Any) -> Any:
            if value == "%":
                return number
            return value.replace("%", str(number)) if isinstance(value, str) else value

        return {name: filled(value) for name, value in self.body.items()}


class Row(msgspec.Struct, frozen=True):
    """`path` fills the parameters. `other`: what another user is answered; None: as the first.
    `missing`: what everybody is answered who is let in, as there is nothing of that name.

    `new` is made afresh for each caller; without a parameter in the path it is the body itself.
    """

    who: str
    scope: Scope | None = None
    path: Mapping[str, str] = {}
    body: Any = None
    other: int | None = None
    new: New | None = None
    missing: int | None = None


def user(scope: Scope | None = None, **more: Any) -> Row:
    return Row("user", scope, **more)


def admin(**more: Any) -> Row:
    return Row("admin", Scope.ADMIN, **more)


anyone = Row("anyone")
# Not OPENAI, which makes a key first.
CONSOLE_KEY = {"provider": "openai"}
session = Row("session")
"""A page of the console: a cookie opens it, and no token does."""
form = Row("form")
"""Sent from a page of ours, or refused whoever sends it."""
OPENAI = {"provider": "openai"}
TOKEN = {"token_id": "1"}
OWN_TOKEN = {"token_id": "ann's"}
PROVIDER = New(
    PROVIDERS, {"provider": "made-%", "base_url": "https://a.example/v1"}, "provider", "provider"
)
MODEL = New(MODELS, {"provider": "openai", "model_id": "made-%"}, "model_id", "id")
LIMIT = New(
    LIMITS,
    {"scope": "user", "subject": "user-%", "requests_per_minute": 5},
    "limit_id",
    "id",
)
TEAM = New(TEAMS, {"id": "made-%", "name": "Made"}, "team_id", "id")
MEMBER = {"user_id": "ann"}
ALIAS = New(ALIASES, {"name": "made-%", "target": "eco"}, "name", "name")
RULE = New(
    RULES,
    {"model": "gpt-6.1-terra", "power_level": "balanced", "task_type": "made-%"},
    "rule_id",
    "id",
)
LEVEL = New(
    LEVELS, {"name": "made-%", "rank": "%", "price_ceiling_usd_per_mtok": 50}, "name", "name"
)

ROUTES: Mapping[tuple[str, str], Row] = {
    ("GET", "/"): anyone,
    ("GET", "/docs"): anyone,
    ("GET", "/console/{name:str}"): Row("anyone", path={"name": "console.css"}),
    ("GET", "/favicon.ico"): anyone,
    ("GET", "/sign-in"): anyone,
    ("POST", "/sign-in"): form,
    ("POST", "/sign-out"): session,
    ("GET", "/status"): user(),
    ("GET", "/status/board"): user(),
    ("GET", "/status.json"): user(),
    ("GET", "/usage"): session,
    ("GET", "/usage/export.csv"): session,
    ("GET", "/keys"): session,
    ("POST", "/keys"): session,
    ("POST", "/keys/{provider:str}/test"): Row("session", path=CONSOLE_KEY),
    ("POST", "/keys/{provider:str}/change"): Row("session", path=CONSOLE_KEY),
    ("POST", "/keys/{provider:str}/remove"): Row("session", path=CONSOLE_KEY),
    ("POST", "/keys/tokens"): session,
    ("POST", "/keys/tokens/{token_id:int}/rotate"): Row("session", path={"token_id": "1"}),
    ("POST", "/keys/tokens/{token_id:int}/revoke"): Row("session", path={"token_id": "1"}),
    ("GET", "/playground"): session,
    ("POST", "/playground/token"): session,
    ("GET", "/connect"): session,
    ("GET", "/admin"): session,
    ("GET", "/admin/{subject:str}"): Row("session", path={"subject": "rules"}),
    ("POST", "/admin/{subject:str}"): Row("session", path={"subject": "rules"}),
    ("POST", "/admin/{subject:str}/change"): Row("session", path={"subject": "rules"}),
    ("POST", "/admin/{subject:str}/try"): Row("session", path={"subject": "rules"}),
    ("POST", "/admin/{subject:str}/remove"): Row("session", path={"subject": "rules"}),
    ("GET", "/admin/tokens"): session,
    ("POST", "/admin/tokens"): session,
    ("POST", "/admin/tokens/{token_id:int}/revoke"): Row("session", path={"token_id": "1"}),
    ("GET", "/admin/system-keys"): session,
    ("POST", "/admin/system-keys"): session,
    ("POST", "/admin/system-keys/{provider:str}/test"): Row("session", path=CONSOLE_KEY),
    ("POST", "/admin/system-keys/{provider:str}/remove"): Row("session", path=CONSOLE_KEY),
    ("GET", "/admin/audit"): session,
    ("GET", "/admin/tokens/{token_id:int}"): Row("session", path={"token_id": "1"}),
    ("POST", "/admin/tokens/{token_id:int}"): Row("session", path={"token_id": "1"}),
    ("POST", "/admin/tokens/{token_id:int}/rotate"): Row("session", path={"token_id": "1"}),
    ("GET", "/admin/users"): session,
    ("POST", "/admin/users/block"): session,
    ("POST", "/admin/users/unblock"): session,
    ("GET", "/admin/team/{team_id:str}"): Row("session", path={"team_id": "none"}),
    ("POST", "/admin/team/{team_id:str}/members"): Row("session", path={"team_id": "none"}),
    ("POST", "/admin/team/{team_id:str}/remove-member"): Row("session", path={"team_id": "none"}),
    ("GET", "/admin/health"): session,
    ("POST", "/admin/health/check"): session,
    ("POST", "/admin/health/{provider:str}/test"): Row("session", path=CONSOLE_KEY),
    ("GET", "/admin/tiers"): session,
    ("GET", "/healthz"): anyone,
    ("GET", "/readyz"): anyone,
    ("GET", "/metrics"): admin(),
    ("POST", "/api/v1/llm/chat/completions"): user(Scope.COMPLETIONS, body=HELLO),
    ("POST", "/v1/chat/completions"): user(Scope.COMPLETIONS, body=HELLO),
    ("POST", "/api/v1/llm/messages"): user(Scope.COMPLETIONS, body=HELLO),
    ("POST", "/v1/messages"): user(Scope.COMPLETIONS, body=HELLO),
    ("POST", "/api/v1/llm/responses"): user(Scope.COMPLETIONS, body={"input": "Hello"}),
    ("POST", "/v1/responses"): user(Scope.COMPLETIONS, body={"input": "Hello"}),
    **{
        (method, f"{path}/{{response_id:str}}"): user(
            Scope.COMPLETIONS, path={"response_id": "resp_1"}, missing=404
        )
        for method in ("GET", "DELETE")
        for path in ("/api/v1/llm/responses", "/v1/responses")
    },
    ("POST", "/api/v1/llm/embeddings"): user(Scope.COMPLETIONS, body=TEXTS),
    ("POST", "/v1/embeddings"): user(Scope.COMPLETIONS, body=TEXTS),
    ("POST", "/api/v1/llm/messages/count_tokens"): user(Scope.COMPLETIONS, body=HELLO),
    ("POST", "/v1/messages/count_tokens"): user(Scope.COMPLETIONS, body=HELLO),
    ("GET", "/api/v1/llm/models"): user(),
    ("GET", "/v1/models"): user(),
    ("GET", "/api/v1/llm/models/{model_id:path}"): user(path={"model_id": "/gpt-6.1-terra"}),
    ("GET", "/v1/models/{model_id:path}"): user(path={"model_id": "/gpt-6.1-terra"}),
    ("GET", "/api/v1/llm/providers"): user(),
    ("POST", BYOK): user(Scope.KEYS, body=KEY),
    ("GET", BYOK): user(Scope.KEYS),
    ("PATCH", BYOK + "/{provider:str}"): user(
        Scope.KEYS, path=OPENAI, body={"enabled": True}, other=404
    ),
    ("POST", BYOK + "/{provider:str}/test"): user(Scope.KEYS, path=OPENAI, other=404),
    ("DELETE", BYOK + "/{provider:str}"): user(Scope.KEYS, path=OPENAI, other=404),
    ("POST", SYSTEM_KEYS): admin(body=KEY),
    ("GET", SYSTEM_KEYS): admin(),
    ("POST", SYSTEM_KEYS + "/{provider:str}/test"): admin(path=OPENAI),
    ("DELETE", SYSTEM_KEYS + "/{provider:str}"): admin(path=OPENAI),
    ("POST", TOKENS): admin(body={"user_id": "new", "tier": "free"}),
    ("GET", TOKENS): admin(),
    ("GET", TOKENS + "/{token_id:int}"): admin(path=TOKEN),
    ("PATCH", TOKENS + "/{token_id:int}"): admin(path=TOKEN, body={"name": "renamed"}),
    ("POST", TOKENS + "/{token_id:int}/rotate"): admin(path=TOKEN, body={}),
    ("DELETE", TOKENS + "/{token_id:int}"): admin(path=TOKEN),
    ("POST", OWN_TOKENS): user(Scope.KEYS, body={"name": "mine"}),
    ("GET", OWN_TOKENS): user(Scope.KEYS),
    ("DELETE", OWN_TOKENS + "/{token_id:int}"): user(Scope.KEYS, path=OWN_TOKEN, other=404),
    ("POST", OWN_TOKENS + "/{token_id:int}/rotate"): user(
        Scope.KEYS, path=OWN_TOKEN, body={}, other=404
    ),
    ("GET", USERS): admin(),
    ("GET", USERS + "/{user_id:path}"): admin(path=MEMBER),
    ("PATCH", USERS + "/{user_id:path}"): admin(path=MEMBER, body={"is_blocked": False}),
    ("GET", TEAMS): admin(),
    ("POST", TEAMS): admin(new=TEAM),
    ("GET", TEAMS + "/{team_id:str}"): admin(new=TEAM),
    ("PATCH", TEAMS + "/{team_id:str}"): admin(new=TEAM, body={"name": "Ours"}),
    ("DELETE", TEAMS + "/{team_id:str}"): admin(new=TEAM),
    ("PUT", TEAMS + "/{team_id:str}/members/{user_id:path}"): admin(
        new=TEAM, path=MEMBER, body={"is_admin": False}
    ),
    ("DELETE", TEAMS + "/{team_id:str}/members/{user_id:path}"): admin(new=TEAM, path=MEMBER),
    ("GET", "/api/v1/admin/llm/audit"): admin(),
    ("POST", "/api/v1/llm/route"): user(Scope.COMPLETIONS, body=HELLO),
    ("GET", PROVIDERS): admin(),
    ("POST", PROVIDERS): admin(new=PROVIDER),
    ("GET", PROVIDERS + "/{provider:str}"): admin(new=PROVIDER),
    ("PATCH", PROVIDERS + "/{provider:str}"): admin(new=PROVIDER, body={"display_name": "Ours"}),
    ("DELETE", PROVIDERS + "/{provider:str}"): admin(new=PROVIDER),
    ("POST", PROVIDERS + "/{provider:str}/test"): admin(path={"provider": "openai"}),
    ("GET", MODELS): admin(),
    ("POST", MODELS): admin(new=MODEL),
    ("GET", MODELS + "/{model_id:int}"): admin(new=MODEL),
    ("PATCH", MODELS + "/{model_id:int}"): admin(new=MODEL, body={"display_name": "Ours"}),
    ("DELETE", MODELS + "/{model_id:int}"): admin(new=MODEL),
    ("GET", OWN_LIMITS): user(),
    ("POST", "/api/v1/llm/quote"): user(Scope.COMPLETIONS, body=HELLO),
    ("GET", LIMITS): admin(),
    ("POST", LIMITS): admin(new=LIMIT),
    ("GET", LIMITS + "/{limit_id:int}"): admin(new=LIMIT),
    ("PATCH", LIMITS + "/{limit_id:int}"): admin(new=LIMIT, body={"is_active": False}),
    ("DELETE", LIMITS + "/{limit_id:int}"): admin(new=LIMIT),
    ("GET", ALIASES): admin(),
    ("POST", ALIASES): admin(new=ALIAS),
    ("GET", ALIASES + "/{name:path}"): admin(new=ALIAS),
    ("PATCH", ALIASES + "/{name:path}"): admin(new=ALIAS, body={"target": "balanced"}),
    ("DELETE", ALIASES + "/{name:path}"): admin(new=ALIAS),
    ("POST", "/api/v1/admin/llm/dry-run"): admin(
        body={
            "change": {"rule": {"model": "gpt-6.1-terra", "power_level": "eco"}},
            "request": HELLO,
        }
    ),
    ("GET", RULES): admin(),
    ("POST", RULES): admin(new=RULE),
    ("GET", RULES + "/{rule_id:int}"): admin(new=RULE),
    ("PATCH", RULES + "/{rule_id:int}"): admin(new=RULE, body={"weight": 50}),
    ("DELETE", RULES + "/{rule_id:int}"): admin(new=RULE),
    ("GET", LEVELS): admin(),
    ("POST", LEVELS): admin(new=LEVEL),
    ("GET", LEVELS + "/{name:str}"): admin(new=LEVEL),
    ("PATCH", LEVELS + "/{name:str}"): admin(new=LEVEL, body={"default_max_tokens": 900}),
    ("DELETE", LEVELS + "/{name:str}"): admin(new=LEVEL),
    ("GET", "/api/v1/admin/llm/tiers"): admin(),
    ("GET", USAGE): user(Scope.USAGE),
    ("GET", USAGE + "/summary"): user(Scope.USAGE),
    ("GET", USAGE + "/export"): user(Scope.USAGE),
    ("GET", ADMIN_USAGE): admin(),
    ("GET", ADMIN_USAGE + "/summary"): admin(),
    ("GET", ADMIN_USAGE + "/export"): admin(),
    ("GET", "/api/v1/admin/llm/health"): admin(),
    ("POST", "/api/v1/admin/llm/health/check"): admin(),
}

# What litestar adds by itself.
_FRAMEWORK = ("/openapi",)


def routes() -> Iterator[tuple[str, str, HTTPRouteHandler | ASGIRouteHandler]]:
    """Method, path and handler of every route of the gateway."""
    for route in gateway_app.routes:
        if route.path.startswith(_FRAMEWORK):
            continue
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            methods = getattr(handler, "http_methods", {"POST"})
            for method in sorted(methods - {"HEAD", "OPTIONS"}):
                yield method, route.path, handler


ALL = {(method, path): handler for method, path, handler in routes()}
