"""The bill of materials of chat_completions."""

from __future__ import annotations

from functions.chat_completions.handler import PATHS, chat_completions
from functions.chat_completions.openapi import operation
from shared.catalog.news.stream import News
from shared.completion.open import Completions
from shared.function import Function
from shared.upstream.litellm import LiteLLMProxy

CHAT_COMPLETIONS = Function(
    name="chat_completions",
    handlers=[chat_completions],
    opens=[Completions, LiteLLMProxy, News],
    operations={path: {"post": operation(path)} for path in PATHS},
)
