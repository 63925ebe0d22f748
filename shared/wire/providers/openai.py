"""OpenAI: the wire that the others are measured by."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from shared.wire.provider import Provider, Seed
from shared.wire.quirks import Quirks

PROVIDER: Final = Provider(
    slug="openai",
    seed=Seed(
        id=1,
        name="OpenAI",
        base_url="https://api.openai.com/v1",
        litellm_prefix="openai",
        api_key_format="sk-",
        documentation_url="https://platform.openai.com/docs",
        pricing_url="https://openai.com/api/pricing",
        status_page_url="https://status.openai.com",
    ),
    key_pattern=r"sk-(?!ant-|or-)[\w-]{20,}",
    quirks=Quirks(
        # "max_tokens is deprecated in favor of max_completion_tokens, and is not compatible with
        # o-series models" (openai-python, types/chat/completion_create_params.py).
        renamed=MappingProxyType({"max_tokens": "max_completion_tokens"}),
    ),
)
