"""Whose manners a path asks for."""

from __future__ import annotations

from tests.fakes.scripted_provider.compatible import (
    Fireworks,
    Google,
    Groq,
    LiteLLM,
    OpenRouter,
    Together,
)
from tests.fakes.scripted_provider.manners import Anthropic, OpenAI

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


def manners_of(path: str) -> OpenAI:
    """By the first segment, OpenAI's where that names none; see the shipped `wire_of`."""
    if path.endswith("/messages"):
        return _ANTHROPIC
    manners = _BY_FIRST_SEGMENT.get(path[1:].partition("/")[0], _OPENAI)
    if manners is _ANTHROPIC and path.endswith("/chat/completions"):
        return _OPENAI
    return manners
