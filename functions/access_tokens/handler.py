"""The admin routes of access tokens, under /api/v1/admin/llm/access-tokens."""

from __future__ import annotations

from datetime import UTC, datetime

from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from functions.access_tokens.answers import NewTokenCard, TokenCard, card, new_card
from shared.auth.guards import AnyRequest, actor_of, caller_of, require_admin, resources_of
from shared.auth.tokens import ChangeToken, CreateToken, RotateToken, Tokens
from shared.wire.page import Listed, cut, read_cursor, read_limit

PATH = "/api/v1/admin/llm/access-tokens"
ONE = PATH + "/{token_id:int}"


@post(PATH, guards=[require_admin])
async def create_token(request: AnyRequest, data: JSONBody[CreateToken]) -> NewTokenCard:
    """Make a token; its text is in this answer and never shown again."""
    scopes = caller_of(request).scopes
    return new_card(await _tokens(request).create(data, actor_of(request), scopes), _now())


@get(PATH, guards=[require_admin])
async def list_tokens(
    request: AnyRequest,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 100,
    user_id: FromQuery[str | None] = None,
) -> Listed[TokenCard]:
    """Every token that was ever made, revoked ones too, oldest first."""
    after, size, now = read_cursor(cursor) or 0, read_limit(limit), _now()
    rows, next_cursor = cut(await _tokens(request).page(after, size + 1, user_id), size)
    return Listed([card(row, now) for row in rows], next_cursor=next_cursor)


@get(ONE, guards=[require_admin])
async def get_token(request: AnyRequest, token_id: FromPath[int]) -> TokenCard:
    """One token, without its secret."""
    return card(await _tokens(request).find(token_id), _now())


@patch(ONE, guards=[require_admin])
async def change_token(
    request: AnyRequest, token_id: FromPath[int], data: JSONBody[ChangeToken]
) -> TokenCard:
    """Change what a token may do; in force in every process within 2 s."""
    scopes = caller_of(request).scopes
    return card(await _tokens(request).change(token_id, data, actor_of(request), scopes), _now())


@delete(ONE, guards=[require_admin], status_code=200)
async def revoke_token(request: AnyRequest, token_id: FromPath[int]) -> TokenCard:
    """End a token now; every process knows within 2 s."""
    return card(await _tokens(request).revoke(token_id, actor_of(request)), _now())


@post(ONE + "/rotate", guards=[require_admin])
async def rotate_token(
    request: AnyRequest, token_id: FromPath[int], data: JSONBody[RotateToken]
) -> NewTokenCard:
    """Make a token in another's place; the old one goes on for `overlap_hours`, 24 by default."""
    scopes = caller_of(request).scopes
    made = await _tokens(request).rotate(token_id, data, actor_of(request), scopes)
    return new_card(made, _now())


def _tokens(request: AnyRequest) -> Tokens:
    return resources_of(request).get(Tokens)


def _now() -> datetime:
    return datetime.now(UTC)
