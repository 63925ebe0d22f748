"""POST /api/v1/llm/chat/completions: HTTP in, HTTP out.

A raw ASGI handler, for its 60 to 90 us a request (infra/decisions/transport.md): `serve` checks the
method and the size itself, and maps its own errors.
"""

from __future__ import annotations

from typing import Final

from litestar import asgi
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from shared.completion.serve import Completions
from shared.completion.wire import CHAT
from shared.doors.doors import answer_options
from shared.resources import Resources

_WEBSOCKET: Final = ScopeType.WEBSOCKET  # Python 3.11 looks a member up by a call
PATHS = ("/api/v1/llm/chat/completions", "/v1/chat/completions")


@asgi(list(PATHS), copy_scope=False, opt={"guard": "user"})
async def chat_completions(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == _WEBSOCKET:
        await send({"type": "websocket.close", "code": 1003, "reason": "not a WebSocket route"})
        return
    if scope["method"] == "OPTIONS":
        await answer_options(send, b"POST, OPTIONS")
        return
    resources: Resources = scope["litestar_app"].state.resources
    await resources.get(Completions).serve(CHAT, scope, receive, send)
