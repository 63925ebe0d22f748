"""The bill of materials of messages."""

from __future__ import annotations

from functions.messages.handler import COUNT_PATHS, PATHS, count_tokens, messages
from functions.messages.openapi import count_operation, operation
from shared.catalog.news.stream import News
from shared.completion.doors.count_tokens import TokenCounts
from shared.completion.open import Completions
from shared.function import Function
from shared.upstream.litellm import LiteLLMProxy

MESSAGES = Function(
    name="messages",
    handlers=[messages, count_tokens],
    opens=[Completions, TokenCounts, LiteLLMProxy, News],
    operations={
        **{path: {"post": operation(path)} for path in PATHS},
        **{path: {"post": count_operation(path)} for path in COUNT_PATHS},
    },
)
