"""The bill of materials of responses."""

from __future__ import annotations

from functions.responses.handler import PATHS, delete_response, read_response, responses
from functions.responses.openapi import operation
from shared.catalog.news.stream import News
from shared.completion.doors.responses import Responses
from shared.completion.doors.stored import StoredResponses
from shared.function import Function
from shared.upstream.litellm import LiteLLMProxy

RESPONSES = Function(
    name="responses",
    handlers=[responses, read_response, delete_response],
    opens=[Responses, StoredResponses, LiteLLMProxy, News],
    operations={path: {"post": operation(path)} for path in PATHS},
)
