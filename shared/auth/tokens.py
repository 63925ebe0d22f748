"""What is done with access tokens: by the admin routes and by `switchyard token`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from shared.auth.authenticator import Authenticator
from shared.auth.caller import Role
from shared.auth.scope import Scope
from shared.auth.token import mint
from shared.catalog.allowed_models import check_allowed
from shared.catalog.news.change import TOKENS, News, changing
from shared.catalog.watch import SnapshotKeeper
from shared.db import access_tokens as rows
from shared.db.access_tokens import NewToken, TokenRow
from shared.db.audit import Action, Actor, append_audit
from shared.db.connect import Connection, Database
from shared.db.connections import Connects
from shared.errors import InvalidField, NotAllowed, NotFound
from shared.resources import opener
from shared.routing.snapshot import Tier

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
MAX_OVERLAP_HOURS = 30 * 24


class CreateToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`scopes` absent: those of whoever asks, which for most is all that `role` allows.

    `allowed_models` are names that a request may have as `model` (ids, `provider/id`, aliases,
    power levels), and patterns with one `*`; null allows every model. `expires_at` null: for ever.
    `name` is the user's id unless it is given.
    """

    user_id: Word
    tier: Tier
    role: Role = Role.USER
    name: Word | None = None
    team_id: Word | None = None
    scopes: list[Scope] | None = None
    allowed_models: list[Word] | None = None
    expires_at: Moment | None = None


class ChangeToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only what is there is changed; null takes a team, a list of models or an end away."""

    name: Word | UnsetType = UNSET
    tier: Tier | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    team_id: Word | UnsetType | None = UNSET
    scopes: list[Scope] | UnsetType = UNSET
    allowed_models: list[Word] | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET

    def changes(self) -> dict[str, Any]:
        """By column. Raises InvalidField where there is nothing to change."""
        found = {
            name: value
            for name, value in msgspec.structs.asdict(self).items()
            if value is not UNSET
        }
        if not found:
            raise InvalidField(
                "Say what to change: name, tier, role, team_id, scopes, allowed_models or"
                " expires_at.",
                code="nothing_to_change",
            )
        return found


class RotateToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`overlap_hours` 0 ends the old token at once: it has leaked."""

    overlap_hours: Annotated[float, msgspec.Meta(ge=0, le=MAX_OVERLAP_HOURS)] = 24


class Minted(NamedTuple):
    """A token that was just made; its text is shown this once."""

    row: TokenRow
    token: str

    def __repr__(self) -> str:
        return f"Minted({self.row.id})"


class Tokens:
    """No token is ever given more than `own_scopes`, those of whoever asks; none: no bound."""

    def __init__(
        self,
        database: Connects,
        news: News | None = None,
        on_change: Callable[[str | None], None] = lambda token_id: None,
    ) -> None:
        self._database = database
        self._news = news
        self._on_change = on_change

    async def create(
        self,
        asked: CreateToken,
        actor: Actor,
        own_scopes: frozenset[str] = frozenset(),
        *,
        made_with: int | None = None,
    ) -> Minted:
        """`made_with`: the token that the new one ends with. Raises NotAllowed, InvalidField."""
        scopes = sorted(own_scopes if asked.scopes is None else set(asked.scopes))
        _check_scopes(own_scopes, scopes)
        _check_end(asked.expires_at)
        await check_allowed(self._database, asked.allowed_models)
        token, new = mint(), _new(asked, scopes, actor, made_with)
        async with self._changing() as connection:
            token_id = await rows.insert_token(connection, token, new)
            details = {"user": new.user_id, "role": new.role, "tier": new.tier, "scopes": scopes}
            await _audit(connection, actor, Action.TOKEN_CREATED, token_id, details)
            return Minted(await _find(connection, token_id), token)

    async def page(self, after: int, limit: int | None, user_id: str | None) -> list[TokenRow]:
        """Oldest first, revoked ones too; `limit` None: all."""
        async with self._database.connection() as connection:
            return await rows.page_of_tokens(connection, after=after, limit=limit, user_id=user_id)

    async def newest(self, limit: int, user_id: str | None) -> list[TokenRow]:
        """Newest first, revoked ones too."""
        async with self._database.connection() as connection:
            return await rows.newest_tokens(connection, limit=limit, user_id=user_id)

    async def find(self, token_id: int) -> TokenRow:
        """Raises NotFound."""
        async with self._database.connection() as connection:
            return await _find(connection, token_id)

    async def change(
        self,
        token_id: int,
        asked: ChangeToken,
        actor: Actor,
        own_scopes: frozenset[str] = frozenset(),
    ) -> TokenRow:
        """Raises NotFound, NotAllowed, InvalidField for one that has ended."""
        changes = asked.changes()
        _check_end(changes.get("expires_at"))
        await check_allowed(self._database, changes.get("allowed_models"))
        async with self._changing(token_id) as connection:
            before = await _find(connection, token_id)
            if changes.keys() & {"scopes", "role"}:
                _check_scopes(own_scopes, changes.get("scopes", before.scopes))
            if not await rows.change_token(connection, token_id, changes):
                raise _ended(token_id)
            details = {name: _plain(value) for name, value in changes.items()}
            await _audit(connection, actor, Action.TOKEN_CHANGED, token_id, details)
            changed = await _find(connection, token_id)
        self._on_change(str(token_id))
        return changed

    async def revoke(self, token_id: int, actor: Actor) -> TokenRow:
        """End a token now, and those made with it. One that has ended stays. Raises NotFound."""
        async with self._changing(token_id) as connection:
            row = await _find(connection, token_id)
            if await rows.end_token(connection, token_id):
                await _audit(
                    connection, actor, Action.TOKEN_REVOKED, token_id, {"user": row.user_id}
                )
                row = await _find(connection, token_id)
            has_others = await rows.has_made_others(connection, token_id)
        self._on_change(str(token_id))
        if has_others:
            await self._end_made_with(token_id)
        return row

    async def _end_made_with(self, token_id: int) -> None:
        """Nobody is told which they are: each process forgets every caller, and asks again."""
        async with changing(self._database, self._news, TOKENS, None) as connection:
            ended = await rows.end_made_with(connection, token_id)
        if ended:
            self._on_change(None)

    async def rotate(
        self,
        token_id: int,
        asked: RotateToken,
        actor: Actor,
        own_scopes: frozenset[str] = frozenset(),
        *,
        latest: datetime | None = None,
    ) -> Minted:
        """One that lasts until `latest` at most. Raises NotFound, NotAllowed, InvalidField for one
        that has ended or was rotated."""
        token, overlap = mint(), timedelta(hours=asked.overlap_hours)
        async with self._changing(token_id) as connection:
            before = await _find(connection, token_id)
            # Or a limited admin would be handed the text of a token that may do more.
            _check_scopes(own_scopes, before.scopes)
            new_id = await rows.replace_token(connection, token_id, token, overlap, latest)
            if new_id is None:
                raise _ended(token_id)
            details = {"to": new_id, "overlap_hours": asked.overlap_hours}
            await _audit(connection, actor, Action.TOKEN_ROTATED, token_id, details)
            made = await _find(connection, new_id)
            has_others = await rows.has_made_others(connection, token_id)
        self._on_change(str(token_id))
        if has_others and not asked.overlap_hours:
            await self._end_made_with(token_id)
        return Minted(made, token)

    def _changing(self, token_id: int | None = None) -> AbstractAsyncContextManager[Connection]:
        """None: a new one, which nobody can have remembered."""
        return changing(self._database, self._news, TOKENS, str(token_id))


def _new(asked: CreateToken, scopes: list[str], actor: Actor, made_with: int | None) -> NewToken:
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
        made_with=made_with,
    )


def _check_scopes(own_scopes: frozenset[str], scopes: Collection[str]) -> None:
    """Raises NotAllowed where `scopes` (none: all) are more than those of whoever asks."""
    if own_scopes and (not scopes or not own_scopes.issuperset(scopes)):
        own = ", ".join(sorted(own_scopes))
        raise NotAllowed(
            f"A token may have no scope that yours lacks; yours has: {own}.",
            param="scopes",
            code="scope_not_allowed",
        )


def _check_end(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise InvalidField(
            "expires_at is in the past; to end a token now, use DELETE.", param="expires_at"
        )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


async def _find(connection: Connection, token_id: int) -> TokenRow:
    row = await rows.find_token(connection, token_id)
    if row is None:
        raise NotFound(f"There is no token {token_id}.", param="token_id", code="token_not_found")
    return row


def _ended(token_id: int) -> InvalidField:
    return InvalidField(
        f"Token {token_id} has been revoked, or has been rotated already.",
        param="token_id",
        code="token_ended",
    )


async def _audit(
    connection: Connection,
    actor: Actor,
    action: Action,
    token_id: int,
    details: dict[str, Any],
) -> None:
    await append_audit(connection, actor, action, "access_token", token_id, details=details)


def forgetting(authenticator: Authenticator) -> Callable[[str | None], None]:
    """Drops what is remembered of one token, by its id; of None, of all."""

    def forget(token_id: str | None) -> None:
        if token_id is None:
            authenticator.forget()
        else:
            authenticator.forget_token(token_id)

    return forget


@opener
async def open_tokens(
    database: Database, keeper: SnapshotKeeper, authenticator: Authenticator
) -> AsyncGenerator[Tokens]:
    yield Tokens(database, keeper.news, forgetting(authenticator))
