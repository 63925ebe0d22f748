"""OpenRouter.

Its HTTP-Referer and X-Title are optional and would list the operator publicly, so none is sent.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from shared.wire.history.rules import OPENAIS_FIELDS, IdRule, MessageRules
from shared.wire.limit_headers import LimitKind, headers_by_start, unix_ms
from shared.wire.provider import BillApi, Billed, BillPage, CostReport, Provider, Seed, bearer
from shared.wire.quirks import OPENAIS_OWN, Quirks
from shared.wire.refusal_rows import FILTER, RATE, Refused


class _Item(msgspec.Struct, frozen=True):
    date: str
    usage: Decimal


class _Activity(msgspec.Struct, frozen=True):
    data: list[_Item]


# openrouter.ai/docs, "Get user activity": the last 30 complete UTC days; `usage` is what was
# charged in USD, beside `byok_usage_inference`, which the providers charge.
def _activity_path(start: date, end: date, page: str | None) -> str:
    return "/api/v1/activity"


def _read_activity(body: bytes) -> BillPage:
    items = msgspec.json.decode(body, type=_Activity).data
    return BillPage([Billed(date.fromisoformat(one.date[:10]), one.usage) for one in items])


PROVIDER: Final = Provider(
    slug="openrouter",
    bill=BillApi("management key", _activity_path, bearer, _read_activity),
    seed=Seed(
        id=7,
        name="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        litellm_prefix="openrouter",
        api_key_format="sk-or-",
        documentation_url="https://openrouter.ai/docs",
        pricing_url="https://openrouter.ai/models",
        status_page_url="https://status.openrouter.ai",
    ),
    level_defaults={
        "eco": "openai/gpt-6-luna",
        "balanced": "deepseek/deepseek-v4.1-flash",
        "precision": "anthropic/claude-opus-5.5",
    },
    key_pattern=r"sk-or-v1-[\w-]{32,}",
    # /models answers without a key, so it proves nothing; /key tells limit and usage
    # (openrouter.ai/docs/api_reference/limits).
    check_path="/key",
    # openrouter.ai/docs/features/web-search: the suffix is the web plugin.
    priced_beside_tokens=re.compile(r":online$|search|sonar|deep-research"),
    # openrouter.ai/docs/use-cases/usage-accounting: "the amount charged to your account".
    cost_report=CostReport.INVOICE,
    quirks=Quirks(
        dropped=OPENAIS_OWN,
        messages=MessageRules(
            # openrouter.ai/docs/api-reference/overview and /use-cases/reasoning-tokens. Qwen's
            # hosts know no developer (earendil-works/pi issue 5117), OpenAI's behind it no id
            # above 40 characters (openclaw/openclaw pull request 875).
            assistant=OPENAIS_FIELDS - {"refusal"}
            | {"images", "annotations", "reasoning", "reasoning_content", "reasoning_details"},
            call_ids=IdRule(most=40),
            takes_cache_control=True,
        ),
    ),
    refusals=(
        # openrouter.ai/docs/api_reference/errors-and-debugging: 403 is moderation where metadata
        # has reasons; 402 from this source passes by itself.
        Refused((403,), "moderation", FILTER),
        Refused((402,), "openrouter_in_flight_budget", RATE),
    ),
    # Each id begins with its author; genai-prices has older names without.
    sold_here=re.compile(r"^~?[\w.-]+/"),
    # openrouter.ai/docs/api_reference/limits: Unix milliseconds, on refusals only.
    limit_headers=(headers_by_start(LimitKind.REQUESTS, None, "x-ratelimit", unix_ms),),
)
