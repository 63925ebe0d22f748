"""The seven providers of a fresh installation, in the order of their ids."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProviderSeed:
    slug: str
    name: str
    base_url: str
    litellm_prefix: str
    api_key_format: str
    documentation_url: str
    pricing_url: str
    status_page_url: str
    supports_vision: bool = True
    dialect: str = "openai"
    auth_type: str = "bearer"


PROVIDERS = (
    ProviderSeed(
        slug="openai",
        name="OpenAI",
        base_url="https://api.openai.com/v1",
        litellm_prefix="openai",
        api_key_format="sk-",
        documentation_url="https://platform.openai.com/docs",
        pricing_url="https://openai.com/api/pricing",
        status_page_url="https://status.openai.com",
    ),
    ProviderSeed(
        slug="anthropic",
        name="Anthropic",
        base_url="https://api.anthropic.com/v1",
        litellm_prefix="anthropic",
        api_key_format="sk-ant-",
        documentation_url="https://platform.claude.com/docs",
        pricing_url="https://platform.claude.com/docs/en/about-claude/pricing",
        status_page_url="https://status.claude.com",
        dialect="anthropic",
        auth_type="x-api-key",
    ),
    ProviderSeed(
        slug="google",
        name="Google",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        litellm_prefix="gemini",
        api_key_format="AIza",
        documentation_url="https://ai.google.dev/gemini-api/docs",
        pricing_url="https://ai.google.dev/gemini-api/docs/pricing",
        status_page_url="https://status.cloud.google.com",
    ),
    ProviderSeed(
        slug="groq",
        name="Groq",
        base_url="https://api.groq.com/openai/v1",
        litellm_prefix="groq",
        api_key_format="gsk_",
        documentation_url="https://console.groq.com/docs",
        pricing_url="https://groq.com/pricing",
        status_page_url="https://groqstatus.com",
        supports_vision=False,
    ),
    ProviderSeed(
        slug="fireworks",
        name="Fireworks",
        base_url="https://api.fireworks.ai/inference/v1",
        litellm_prefix="fireworks_ai",
        api_key_format="fw_",
        documentation_url="https://docs.fireworks.ai",
        pricing_url="https://fireworks.ai/pricing",
        status_page_url="https://status.fireworks.ai",
    ),
    ProviderSeed(
        slug="together",
        name="Together",
        base_url="https://api.together.ai/v1",
        litellm_prefix="together_ai",
        api_key_format="",
        documentation_url="https://docs.together.ai",
        pricing_url="https://www.together.ai/pricing",
        status_page_url="https://status.together.ai",
    ),
    ProviderSeed(
        slug="openrouter",
        name="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        litellm_prefix="openrouter",
        api_key_format="sk-or-",
        documentation_url="https://openrouter.ai/docs",
        pricing_url="https://openrouter.ai/models",
        status_page_url="https://status.openrouter.ai",
    ),
)
