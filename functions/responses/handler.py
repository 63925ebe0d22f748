"""POST /v1/responses, and GET and DELETE of one that its provider keeps: HTTP in, HTTP out.

POST is a raw ASGI handler, as that of chat_completions: `serve` checks the method and the size
itself, and maps its own errors.
"""

from __future__ import annotations

from typing import Any, cast

from litestar import MediaType, Response, asgi, delete, get
from litestar.openapi import ResponseSpec
from litestar.params import FromPath
from litestar.types import HTTPScope, Receive, Scope, Send

from functions.responses.answers import DeletedResponse, StoredResponse
from shared.auth.guards import AnyRequest, caller_of, require_scope, resources_of
from shared.auth.scope import Scope as Allowed
from shared.completion.doors.responses import Responses
from shared.completion.doors.stored import StoredResponses
from shared.doors.doors import is_answered
from shared.errors import InvalidField
from shared.resources import Resources

PATHS = ("/api/v1/llm/responses", "/v1/responses")
_GUARDS = [require_scope(Allowed.COMPLETIONS)]
ONE = [f"{path}/{{response_id:str}}" for path in PATHS]


@asgi(list(PATHS), copy_scope=False, opt={"guard": "user"})
async def responses(scope: Scope, receive: Receive, send: Send) -> None:
    if not await is_answered(scope, send, b"POST, OPTIONS"):
        resources: Resources = scope["litestar_app"].state.resources
        await resources.get(Responses).serve(cast(HTTPScope, scope), receive, send)


@get(
    ONE,
    guards=_GUARDS,
    responses={200: ResponseSpec(StoredResponse, generate_examples=False)},
)
async def read_response(request: AnyRequest, response_id: FromPath[str]) -> Response[bytes]:
    """A response that its provider keeps, as it came, but for its ids."""
    if request.query_params.get("stream", "false") != "false":
        raise InvalidField(
            "A stored response is not streamed again: leave 'stream' out.",
            param="stream",
            code="unsupported_parameter",
        )
    return await _asked(b"GET", request, response_id)


@delete(
    ONE,
    guards=_GUARDS,
    status_code=200,
    responses={200: ResponseSpec(DeletedResponse, generate_examples=False)},
)
async def delete_response(request: AnyRequest, response_id: FromPath[str]) -> Response[bytes]:
    """Has the provider delete a response that it keeps."""
    return await _asked(b"DELETE", request, response_id)


async def _asked(method: bytes, request: AnyRequest, response_id: str) -> Response[bytes]:
    stored = resources_of(request).get(StoredResponses)
    query = cast("dict[str, Any]", request.scope)["query_string"]
    body = await stored.ask(method, response_id, caller_of(request).user_id, query)
    return Response(body, media_type=MediaType.JSON)
