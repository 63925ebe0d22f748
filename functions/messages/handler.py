"""POST /v1/messages and /v1/messages/count_tokens: HTTP in, HTTP out.

Raw ASGI handlers, as that of chat_completions: `serve` checks the method and the size itself, and
maps its own errors.
"""

from __future__ import annotations

from typing import cast

from litestar import asgi
from litestar.types import HTTPScope, Receive, Scope, Send

from shared.completion.doors.count_tokens import TokenCounts
from shared.completion.doors.messages import wire_of
from shared.completion.serve import Completions
from shared.doors.doors import is_answered
from shared.resources import Resources

PATHS = ("/api/v1/llm/messages", "/v1/messages")
COUNT_PATHS = ("/api/v1/llm/messages/count_tokens", "/v1/messages/count_tokens")


@asgi(list(PATHS), copy_scope=False, opt={"guard": "user"})
async def messages(scope: Scope, receive: Receive, send: Send) -> None:
    if not await is_answered(scope, send, b"POST, OPTIONS"):
        completions, http = _resources(scope).get(Completions), cast(HTTPScope, scope)
        await completions.serve(wire_of(http["query_string"]), http, receive, send)


@asgi(list(COUNT_PATHS), copy_scope=False, opt={"guard": "user"})
async def count_tokens(scope: Scope, receive: Receive, send: Send) -> None:
    if not await is_answered(scope, send, b"POST, OPTIONS"):
        counts = _resources(scope).get(TokenCounts)
        await counts.serve(cast(HTTPScope, scope), receive, send)


def _resources(scope: Scope) -> Resources:
    return scope["litestar_app"].state.resources
