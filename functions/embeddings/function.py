"""The bill of materials of embeddings."""

from __future__ import annotations

from functions.embeddings.handler import PATHS, embeddings
from functions.embeddings.openapi import operation
from shared.catalog.news.stream import News
from shared.completion.open import Completions
from shared.function import Function
from shared.upstream.litellm import LiteLLMProxy

EMBEDDINGS = Function(
    name="embeddings",
    handlers=[embeddings],
    opens=[Completions, LiteLLMProxy, News],
    operations={path: {"post": operation(path)} for path in PATHS},
)
