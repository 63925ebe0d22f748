"""Which provider a path asks for."""

from __future__ import annotations

from functions.simulated_provider.anthropic_provider import Anthropic
from functions.simulated_provider.compatible_providers import (
    Fireworks,
    Google,
    Groq,
    LiteLLM,
    OpenRouter,
    Together,
)
from functions.simulated_provider.openai_provider import OpenAI

_OPENAI = OpenAI()
_ANTHROPIC = Anthropic()
_BY_FIRST_SEGMENT: dict[str, OpenAI] = {
    "anthropic": _ANTHROPIC,
    "fireworks": Fireworks(),
    "google": Google(),
    "groq": Groq(),
    "litellm": LiteLLM(),
    "openrouter": OpenRouter(),
    "together": Together(),
}


def provider_of(path: str) -> OpenAI:
    """By the first segment, OpenAI where that names none; `…/messages` is always Anthropic's.

    Anthropic's own `…/chat/completions` is in OpenAI's shape, its errors too
    (platform.claude.com/docs/en/api/openai-sdk).
    """
    if path.endswith("/messages"):
        return _ANTHROPIC
    provider = _BY_FIRST_SEGMENT.get(path[1:].partition("/")[0], _OPENAI)
    if provider is _ANTHROPIC and path.endswith("/chat/completions"):
        return _OPENAI
    return provider
