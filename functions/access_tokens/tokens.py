"""What admins do with tokens. No token is ever given more than the one that makes it has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from functions.access_tokens.answers import (
    NewTokenCard,
    TokenCard,
    TokenList,
    card,
    with_token,
)
from functions.access_tokens.requests import ChangeToken, CreateToken, RotateToken
from shared.auth.authenticator import Authenticator
from shared.auth.caller import Caller
from shared.auth.token import mint
from shared.db import token_admin
from shared.db.access_tokens import TokenRow
from shared.db.audit import Actor, append_audit
from shared.db.connect import Database
from shared.db.token_admin import NewToken
from shared.errors import InvalidField, NotAllowed, NotFound
from shared.resources import opener
from shared.wire.page import cut


class Tokens:
    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self._database = database
        self._authenticator = authenticator

    async def create(self, caller: Caller, asked: CreateToken, actor: Actor) -> NewTokenCard:
        scopes = sorted(caller.scopes if asked.scopes is None else set(asked.scopes))
        _check_scopes(caller, scopes)
        _check_end(asked.expires_at)
        token, new = mint(), _new(asked, scopes, actor)
        async with self._database.connection() as connection, connection.transaction():
            token_id = await token_admin.insert_token(connection, token, new)
            details = {"user": new.user_id, "role": new.role, "tier": new.tier, "scopes": scopes}
            await _audit(connection, actor, "token.created", token_id, details)
            made = await _find(connection, token_id)
        return with_token(card(made, datetime.now(UTC)), token)

    async def page(self, after: int, limit: int, user_id: str | None) -> TokenList:
        async with self._database.connection() as connection:
            rows = await token_admin.page_of_tokens(
                connection, after=after, limit=limit + 1, user_id=user_id
            )
        shown, next_cursor = cut(rows, limit)
        now = datetime.now(UTC)
        return TokenList([card(row, now) for row in shown], next_cursor)

    async def one(self, token_id: int) -> TokenCard:
        async with self._database.connection() as connection:
            return card(await _find(connection, token_id), datetime.now(UTC))

    async def change(
        self, caller: Caller, token_id: int, asked: ChangeToken, actor: Actor
    ) -> TokenCard:
        changes = asked.changes()
        _check_end(changes.get("expires_at"))
        async with self._database.connection() as connection, connection.transaction():
            before = await _find(connection, token_id)
            if changes.keys() & {"scopes", "role"}:
                _check_scopes(caller, changes.get("scopes", before.scopes))
            if not await token_admin.change_token(connection, token_id, changes):
                raise _ended(token_id)
            details = {name: _plain(value) for name, value in changes.items()}
            await _audit(connection, actor, "token.changed", token_id, details)
            changed = await _find(connection, token_id)
        self._authenticator.forget()
        return card(changed, datetime.now(UTC))

    async def revoke(self, token_id: int, actor: Actor) -> TokenCard:
        async with self._database.connection() as connection, connection.transaction():
            row = await _find(connection, token_id)
            if await token_admin.end_token(connection, token_id):
                await _audit(connection, actor, "token.revoked", token_id, {"user": row.user_id})
                row = await _find(connection, token_id)
        self._authenticator.forget()
        return card(row, datetime.now(UTC))

    async def rotate(
        self, caller: Caller, token_id: int, asked: RotateToken, actor: Actor
    ) -> NewTokenCard:
        token, overlap = mint(), timedelta(hours=asked.overlap_hours)
        async with self._database.connection() as connection, connection.transaction():
            before = await _find(connection, token_id)
            # Or a limited admin would be handed the text of a token that may do more.
            _check_scopes(caller, before.scopes)
            new_id = await token_admin.replace_token(connection, token_id, token, overlap)
            if new_id is None:
                raise _ended(token_id)
            details = {"to": new_id, "overlap_hours": asked.overlap_hours}
            await _audit(connection, actor, "token.rotated", token_id, details)
            made = await _find(connection, new_id)
        self._authenticator.forget()
        return with_token(card(made, datetime.now(UTC)), token)


def _new(asked: CreateToken, scopes: list[str], actor: Actor) -> NewToken:
    return NewToken(
        name=asked.name or asked.user_id,
        user_id=asked.user_id,
        team_id=asked.team_id,
        tier=asked.tier,
        role=asked.role,
        scopes=scopes,
        allowed_models=asked.allowed_models,
        expires_at=asked.expires_at,
        created_by=actor.name,
    )


def _check_scopes(caller: Caller, scopes: Collection[str]) -> None:
    """Raises NotAllowed where `scopes` (none: all) are more than the caller's own."""
    if caller.scopes and (not scopes or not caller.scopes.issuperset(scopes)):
        own = ", ".join(sorted(caller.scopes))
        raise NotAllowed(
            f"A token may have no scope that yours lacks; yours has: {own}.",
            param="scopes",
            code="scope_not_allowed",
        )


def _check_end(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise InvalidField(
            "expires_at lies in the past; DELETE ends a token now.", param="expires_at"
        )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


async def _find(connection: psycopg.AsyncConnection[Any], token_id: int) -> TokenRow:
    row = await token_admin.find_token(connection, token_id)
    if row is None:
        raise NotFound(f"There is no token {token_id}.", param="token_id", code="token_not_found")
    return row


def _ended(token_id: int) -> InvalidField:
    return InvalidField(
        f"Token {token_id} is revoked or was rotated before.",
        param="token_id",
        code="token_ended",
    )


async def _audit(
    connection: psycopg.AsyncConnection[Any],
    actor: Actor,
    action: str,
    token_id: int,
    details: dict[str, Any],
) -> None:
    await append_audit(connection, actor, action, "access_token", token_id, details=details)


@opener
async def open_tokens(database: Database, authenticator: Authenticator) -> AsyncGenerator[Tokens]:
    yield Tokens(database, authenticator)
