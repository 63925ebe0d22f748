"""The rules of each provider, by the name that the gateway knows it by."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.fakes.strict import (
    anthropic,
    deepseek_like,
    fireworks,
    google,
    groq,
    openai,
    openrouter,
    together,
)
from tests.fakes.strict.rule import Rule

SIGNATURES: Final = {
    "anthropic": ("EqQBCgIYAhIM", "EmwKAhgB"),
    "anthropic-like": ("c2lnbmVkIGJ5IGds", "cmVkYWN0ZWQ"),
}
"""Of a thinking block there, and the data of a redacted one."""


class Strict(NamedTuple):
    """`model` is one that is sold there; `dialect` is the wire that the provider speaks."""

    rules: tuple[Rule, ...]
    model: str
    dialect: str = "openai"


STRICT: Final = {
    "openai": Strict(openai.RULES, "gpt-6-luna"),
    "anthropic": Strict(
        (*anthropic.RULES, anthropic.signatures_of(SIGNATURES["anthropic"])),
        "claude-haiku-5-5",
        "anthropic",
    ),
    "google": Strict(google.RULES, "gemini-3.8-flash"),
    "groq": Strict(groq.RULES, "openai/gpt-oss-20b"),
    "fireworks": Strict(fireworks.RULES, "accounts/fireworks/models/kimi-k3"),
    "together": Strict(together.RULES, "moonshotai/Kimi-K3"),
    "openrouter": Strict(openrouter.RULES, "deepseek/deepseek-v4.1-flash"),
    "deepseek-like": Strict(deepseek_like.RULES, "deepseek-v4.1-flash"),
    "anthropic-like": Strict(
        (*anthropic.RULES, anthropic.signatures_of(SIGNATURES["anthropic-like"])),
        "glm-5.3",
        "anthropic",
    ),
}
