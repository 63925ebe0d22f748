"""Anthropic, in its own Messages API: what that takes is in shared/wire/messages."""

from __future__ import annotations

import re
from typing import Final

from shared.wire.limit_headers import LimitKind, Window, headers_by_start, instant
from shared.wire.provider import ANTHROPIC, Auth, Provider, Seed

PROVIDER: Final = Provider(
    slug="anthropic",
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
