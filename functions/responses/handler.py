"""POST /v1/responses: HTTP in, HTTP out.

A raw ASGI handler, as that of chat_completions: `serve` checks the method and the size itself, and
maps its own errors.
"""

from __future__ import annotations

from typing import cast

from litestar import asgi
from litestar.types import HTTPScope, Receive, Scope, Send

from shared.completion.doors.responses import RESPONSES
from shared.completion.serve import Completions
from shared.doors.doors import is_answered
from shared.resources import Resources

PATHS = ("/api/v1/llm/responses", "/v1/responses")


@asgi(list(PATHS), copy_scope=False, opt={"guard": "user"})
async def responses(scope: Scope, receive: Receive, send: Send) -> None:
    if not await is_answered(scope, send, b"POST, OPTIONS"):
        resources: Resources = scope["litestar_app"].state.resources
        completions = resources.get(Completions)
        await completions.serve(RESPONSES, cast(HTTPScope, scope), receive, send)
