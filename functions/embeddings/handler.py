"""POST /v1/embeddings: HTTP in, HTTP out.

A raw ASGI handler, as that of chat_completions: `serve` checks the method and the size itself, and
maps its own errors.
"""

from __future__ import annotations

from litestar import asgi
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from shared.completion.doors.embeddings import EMBEDDINGS
from shared.completion.serve import Completions
from shared.doors.doors import answer_options
from shared.resources import Resources

PATHS = ("/api/v1/llm/embeddings", "/v1/embeddings")


@asgi(list(PATHS), copy_scope=False, opt={"guard": "user"})
async def embeddings(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == ScopeType.WEBSOCKET:
        await send({"type": "websocket.close", "code": 1003, "reason": "not a WebSocket route"})
        return
    if scope["method"] == "OPTIONS":
        await answer_options(send, b"POST, OPTIONS")
        return
    resources: Resources = scope["litestar_app"].state.resources
    await resources.get(Completions).serve(EMBEDDINGS, scope, receive, send)
