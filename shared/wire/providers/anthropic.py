"""Anthropic, in its own Messages API: what that takes is in shared/wire/messages."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

import msgspec

from shared.wire.limit_headers import LimitKind, Window, headers_by_start, instant
from shared.wire.provider import ANTHROPIC, Auth, BillApi, Billed, BillPage, Provider, Seed


class _Result(msgspec.Struct, frozen=True):
    amount: Decimal


class _Bucket(msgspec.Struct, frozen=True):
    starting_at: datetime
    results: list[_Result]


class _Costs(msgspec.Struct, frozen=True):
    data: list[_Bucket]
    has_more: bool = False
    next_page: str | None = None


# platform.claude.com, api/admin/cost_report: daily buckets, at most 31; amounts are decimal texts
# in cents.
def _costs_path(start: date, end: date, page: str | None) -> str:
    asked: dict[str, str] = {
        "starting_at": f"{start}T00:00:00Z",
        "ending_at": f"{end}T00:00:00Z",
        "bucket_width": "1d",
        "limit": "31",
    }
    return "/v1/organizations/cost_report?" + urlencode(asked | ({"page": page} if page else {}))


def _read_costs(body: bytes) -> BillPage:
    costs = msgspec.json.decode(body, type=_Costs)
    lines = [
        Billed(bucket.starting_at.date(), result.amount / 100)
        for bucket in costs.data
        for result in bucket.results
    ]
    return BillPage(lines, costs.next_page if costs.has_more else None)


def _admin_headers(key: str) -> dict[str, str]:
    return {"x-api-key": key, "anthropic-version": "2023-06-01"}


PROVIDER: Final = Provider(
    slug="anthropic",
    bill=BillApi("admin key", _costs_path, _admin_headers, _read_costs),
    seed=Seed(
        id=2,
        name="Anthropic",
        base_url="https://api.anthropic.com/v1",
        litellm_prefix="anthropic",
        api_key_format="sk-ant-",
        documentation_url="https://platform.claude.com/docs",
        pricing_url="https://platform.claude.com/docs/en/about-claude/pricing",
        status_page_url="https://status.claude.com",
        dialect=ANTHROPIC,
        auth_type=Auth.X_API_KEY,
    ),
    level_defaults={
        "eco": "claude-haiku-5-5",
        "balanced": "claude-sonnet-5-5",
        "precision": "claude-opus-5-5",
    },
    # any-llm, providers/anthropic.
    key_pattern=r"sk-ant-[a-z0-9]+-[\w-]{60,}",
    # platform.claude.com, "Vision": up to 4,784 tokens at the high resolution of newer models.
    image_tokens=(("", 4_784),),
    takes_audio=False,
    takes_files=True,
    # platform.claude.com, "Embeddings": it offers no model of its own.
    embeds=False,
    # platform.claude.com, api/rate-limits: RFC 3339 times.
    limit_headers=tuple(
        headers_by_start(
            kind, Window.MINUTE, f"anthropic-ratelimit-{kind.replace('_', '-')}", instant
        )
        for kind in LimitKind
    ),
    sold_here=re.compile(r"^claude"),
)
