"""Tokens that users make for themselves: never of more scope, models or lifetime than their own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from datetime import UTC, datetime
from typing import Final

import msgspec

from shared.auth.caller import Caller, Role
from shared.auth.scope import Scope
from shared.auth.teams import is_member
from shared.auth.tokens import CreateToken, Minted, Moment, RotateToken, Tokens, Word
from shared.db import access_tokens as rows
from shared.db.access_tokens import TokenRow
from shared.db.audit import Actor
from shared.db.connect import Connection, Database
from shared.db.connections import Connects
from shared.errors import Conflict, NotAllowed, NotFound
from shared.resources import opener
from shared.routing.aliases import STAR, Alias
from shared.routing.deployment import Tier
from shared.wire.providers import KNOWN

MOST_TOKENS: Final = 100
"""Valid ones of a user who makes them: each has a limit of its own where tokens have."""


class CreateOwnToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is absent is as in the caller's own token; its role is always `user`."""

    name: Word | None = None
    team_id: Word | None = None
    scopes: list[Scope] | None = None
    allowed_models: list[Word] | None = None
    expires_at: Moment | None = None


class OwnTokens:
    """A new one ends with the token that it was made with, at the latest."""

    def __init__(self, database: Connects, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens

    async def create(self, asked: CreateOwnToken, caller: Caller, actor: Actor) -> Minted:
        """Raises NotAllowed for more than the caller's own; InvalidField; Conflict for too many."""
        new = CreateToken(
            user_id=caller.user_id,
            tier=caller.tier,
            role=Role.USER,
            name=asked.name,
            team_id=caller.team_id if asked.team_id is None else asked.team_id,
            scopes=asked.scopes,
            allowed_models=_models_within(asked.allowed_models, caller),
            expires_at=_end_within(asked, caller),
        )
        async with self._database.connection() as connection:
            if new.team_id != caller.team_id and not await is_member(
                connection, new.team_id or "", caller.user_id
            ):
                raise NotAllowed(
                    f"You do not belong to a team '{new.team_id}'.",
                    param="team_id",
                    code="team_not_allowed",
                )
            if await rows.count_valid(connection, caller.user_id) >= MOST_TOKENS:
                raise Conflict(
                    f"You have {MOST_TOKENS} valid tokens; revoke one first.",
                    code="too_many_tokens",
                )
            await _check_unlimited(connection, caller.token_id)
        return await self._tokens.create(new, actor, caller.scopes, made_with=caller.token_id)

    async def page(self, caller: Caller, after: int, limit: int | None) -> list[TokenRow]:
        """The caller's, revoked ones too, oldest first."""
        return await self._tokens.page(after, limit, caller.user_id)

    async def revoke(self, token_id: int, caller: Caller, actor: Actor) -> TokenRow:
        """Raises NotFound, for another's too."""
        await self._find(token_id, caller)
        return await self._tokens.revoke(token_id, actor)

    async def rotate(
        self, token_id: int, asked: RotateToken, caller: Caller, actor: Actor
    ) -> Minted:
        """A token in the place of one that may no more than the caller's own, and no longer.

        Raises NotFound, for another's too; NotAllowed; InvalidField for one that has ended.
        """
        row = await self._find(token_id, caller)
        if row.id != caller.token_id and not await self._is_within(row, caller):
            raise NotAllowed(
                "That token may do more than the one you use, or lasts longer; rotate it with"
                " itself, or ask an admin.",
                param="token_id",
                code="token_not_allowed",
            )
        async with self._database.connection() as connection:
            # A limit counts for the token it names: the new one would begin at nothing.
            for one in (caller.token_id, row.id):
                await _check_unlimited(connection, one)
        return await self._tokens.rotate(
            token_id, asked, actor, caller.scopes, latest=row.expires_at
        )

    async def _find(self, token_id: int, caller: Caller) -> TokenRow:
        row = await self._tokens.find(token_id)
        if row.user_id != caller.user_id:
            raise NotFound(
                f"There is no token {token_id}.", param="token_id", code="token_not_found"
            )
        return row

    async def _is_within(self, row: TokenRow, caller: Caller) -> bool:
        """Whether `row` opens nothing that the caller's own token does not; scopes aside."""
        own_end = caller.expires_at_s
        if own_end is not None and (row.expires_at is None or row.expires_at.timestamp() > own_end):
            return False
        if caller.role is not Role.ADMIN and row.role != Role.USER:
            return False
        own = caller.allowed_models
        if own is not None and not all(
            _is_allowed(name, own) for name in row.allowed_models or "*"
        ):
            return False
        if not caller.tier.meets(Tier(row.tier)):
            return False
        async with self._database.connection() as connection:
            return row.team_id == caller.team_id or await is_member(
                connection, row.team_id or "", caller.user_id
            )


async def _check_unlimited(connection: Connection, token_id: int | None) -> None:
    if token_id is not None and await rows.has_limit(connection, token_id):
        raise NotAllowed(
            "Your token has limits of its own, which one made with it would not have;"
            " ask an admin for another.",
            code="token_limited",
        )


def _models_within(asked: list[str] | None, caller: Caller) -> list[str] | None:
    own = caller.allowed_models
    if asked is None or own is None:
        return asked if own is None else sorted(own)
    for name in asked:
        if not _is_allowed(name, own):
            raise NotAllowed(
                f"Your own token does not allow '{name}'; it allows: {', '.join(sorted(own))}.",
                param="allowed_models",
                code="model_not_allowed",
            )
    return asked


def _is_allowed(name: str, own: Collection[str]) -> bool:
    return name in own or any(_covers(one, name) for one in own)


def _covers(own: str, name: str) -> bool:
    """Whether a pattern allows all that `name` would.

    What it matches as a text, it matches whatever the other's `*` stands for. `openai/*` means
    OpenAI's models alone, but a name `openai/gpt-4o` also OpenRouter's model of that id.
    """
    is_of_provider = "/" in own and own.partition("/")[0] in KNOWN
    return Alias(own, ()).matched(name) is not None and (STAR in name or not is_of_provider)


def _end_within(asked: CreateOwnToken, caller: Caller) -> datetime | None:
    if caller.expires_at_s is None:
        return asked.expires_at
    end = datetime.fromtimestamp(caller.expires_at_s, UTC)
    if asked.expires_at is not None and asked.expires_at > end:
        raise NotAllowed(
            f"Your own token expires at {end:%Y-%m-%dT%H:%M:%SZ}; a token made with it may not live"
            " longer.",
            param="expires_at",
            code="lifetime_not_allowed",
        )
    return asked.expires_at or end


@opener
async def open_own_tokens(database: Database, tokens: Tokens) -> AsyncGenerator[OwnTokens]:
    yield OwnTokens(database, tokens)
