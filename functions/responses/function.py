"""The bill of materials of responses."""

from __future__ import annotations

from functions.responses.handler import PATHS, responses
from functions.responses.openapi import operation
from shared.catalog.news.stream import News
from shared.completion.open import Completions
from shared.function import Function
from shared.upstream.litellm import LiteLLMProxy

RESPONSES = Function(
    name="responses",
    handlers=[responses],
    opens=[Completions, LiteLLMProxy, News],
    operations={path: {"post": operation(path)} for path in PATHS},
)
