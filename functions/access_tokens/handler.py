"""The admin routes of access tokens, under /api/v1/admin/llm/access-tokens."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from functions.access_tokens.answers import NewTokenCard, TokenCard, TokenList
from functions.access_tokens.requests import ChangeToken, CreateToken, RotateToken
from functions.access_tokens.tokens import Tokens
from shared.auth.guards import AnyRequest, actor_of, caller_of, require_admin, resources_of
from shared.wire.page import read_cursor, read_limit

PATH = "/api/v1/admin/llm/access-tokens"
ONE = PATH + "/{token_id:int}"


def tokens_of(request: AnyRequest) -> Tokens:
    return resources_of(request).get(Tokens)


@post(PATH, guards=[require_admin])
async def create_token(request: AnyRequest, data: JSONBody[CreateToken]) -> NewTokenCard:
    """Make a token; its text is in this answer and never shown again."""
    return await tokens_of(request).create(caller_of(request), data, actor_of(request))


@get(PATH, guards=[require_admin])
async def list_tokens(
    request: AnyRequest,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 100,
    user_id: FromQuery[str | None] = None,
) -> TokenList:
    """Every token that was ever made, revoked ones too, oldest first."""
    return await tokens_of(request).page(read_cursor(cursor) or 0, read_limit(limit), user_id)


@get(ONE, guards=[require_admin])
async def get_token(request: AnyRequest, token_id: FromPath[int]) -> TokenCard:
    return await tokens_of(request).one(token_id)


@patch(ONE, guards=[require_admin])
async def change_token(
    request: AnyRequest, token_id: FromPath[int], data: JSONBody[ChangeToken]
) -> TokenCard:
    """Change what a token may do; in force in every process within 2 s."""
    return await tokens_of(request).change(caller_of(request), token_id, data, actor_of(request))


@delete(ONE, guards=[require_admin], status_code=200)
async def revoke_token(request: AnyRequest, token_id: FromPath[int]) -> TokenCard:
    """End a token now; every process knows within 2 s."""
    return await tokens_of(request).revoke(token_id, actor_of(request))


@post(ONE + "/rotate", guards=[require_admin])
async def rotate_token(
    request: AnyRequest, token_id: FromPath[int], data: JSONBody[RotateToken]
) -> NewTokenCard:
    """Make a token in another's place; the old one goes on for `overlap_hours`, 24 by default."""
    return await tokens_of(request).rotate(caller_of(request), token_id, data, actor_of(request))
