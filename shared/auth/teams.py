"""Teams: who belongs to one, and who may change that. Tokens, usage and limits name them by id."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Annotated, LiteralString

import msgspec
import psycopg
from msgspec import Meta
from psycopg.rows import class_row

from shared.auth.authenticator import Authenticator
from shared.auth.caller import Caller, Role
from shared.auth.guards import check_scope
from shared.auth.scope import Scope
from shared.auth.users import is_label, note_user
from shared.catalog.news.change import TOKENS, News, changing
from shared.catalog.watch import SnapshotKeeper
from shared.db.audit import Action, Actor, append_audit
from shared.db.connect import Connection, Database
from shared.db.connections import Connects
from shared.errors import Conflict, InvalidField, NotAllowed, NotFound
from shared.resources import opener

Name = Annotated[str, Meta(min_length=1, max_length=200)]
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,199}")
_UNFIT = re.compile(r"[^a-z0-9]+")


class NewTeam(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`id` is what tokens, usage and limits say; absent, it is made of the name."""

    name: Name
    id: Name | None = None


class ChangeTeam(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Absent leaves a field as it is. The tokens of a team that is off are refused within 2 s."""

    name: Name | None = None
    is_active: bool | None = None


class Membership(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`is_admin`: may change who belongs to the team."""

    is_admin: bool = False


class MemberRow(msgspec.Struct, frozen=True):
    user_id: str
    is_admin: bool


class TeamRow(msgspec.Struct, frozen=True):
    """`tokens` are those that are valid now."""

    id: str
    name: str
    is_active: bool
    created_at: datetime
    tokens: int
    members: list[MemberRow]


class _Found(msgspec.Struct, frozen=True):
    id: str
    name: str
    is_active: bool
    created_at: datetime
    tokens: int
    users: list[str]
    admins: list[bool]


_TEAMS: LiteralString = """
    SELECT id, name, is_active, created_at,
        (SELECT count(*) FROM access_tokens AS token WHERE token.team_id = team.id
            AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()))::int AS tokens,
        coalesce(joined.users, '{}') AS users, coalesce(joined.admins, '{}') AS admins
    FROM teams AS team
    LEFT JOIN LATERAL (
        SELECT array_agg(user_id ORDER BY user_id) AS users,
            array_agg(is_admin ORDER BY user_id) AS admins
        FROM team_members WHERE team_id = team.id
    ) AS joined ON true
"""


class Teams:
    """The tables `teams` and `team_members`. `on_change`: what is remembered may be wrong."""

    def __init__(
        self,
        database: Connects,
        news: News | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._news = news
        self._on_change = on_change

    async def list(self) -> list[TeamRow]:
        async with self._database.connection() as connection:
            return await _rows(connection, _TEAMS + " ORDER BY id")

    async def find(self, team_id: str) -> TeamRow:
        """Raises NotFound."""
        async with self._database.connection() as connection:
            return await _found(connection, team_id)

    async def create(self, new: NewTeam, actor: Actor) -> TeamRow:
        """Raises InvalidField, Conflict where the id is taken."""
        team_id = new.id or _UNFIT.sub("-", new.name.lower()).strip("-")
        if _ID.fullmatch(team_id) is None:
            raise InvalidField(
                "A team's id has 1 to 200 of letters, digits and _ . @ -; send one as 'id'.",
                param="id",
            )
        try:
            async with self._changing() as connection:
                await connection.execute(
                    "INSERT INTO teams (id, name) VALUES (%s, %s)", (team_id, new.name)
                )
                await _audit(connection, actor, Action.TEAM_CREATED, team_id, {"name": new.name})
                return await _found(connection, team_id)
        except psycopg.errors.UniqueViolation as error:
            raise Conflict(f"There is a team '{team_id}'.", param="id", code="taken") from error

    async def change(self, team_id: str, change: ChangeTeam, actor: Actor) -> TeamRow:
        """Raises NotFound."""
        async with self._changing() as connection:
            await _found(connection, team_id)
            await connection.execute(
                "UPDATE teams SET name = coalesce(%s, name), is_active = coalesce(%s, is_active)"
                " WHERE id = %s",
                (change.name, change.is_active, team_id),
            )
            await _audit(connection, actor, Action.TEAM_CHANGED, team_id, change)
            changed = await _found(connection, team_id)
        self._on_change()
        return changed

    async def delete(self, team_id: str, actor: Actor) -> TeamRow:
        """Raises NotFound; Conflict while a valid token spends in its name. Its usage stays."""
        async with self._changing() as connection:
            row = await _found(connection, team_id)
            if row.tokens:
                raise Conflict(
                    f"{row.tokens} valid tokens belong to the team '{team_id}'; revoke them first,"
                    " or switch the team off.",
                    param="team_id",
                    code="team_in_use",
                )
            await connection.execute("DELETE FROM teams WHERE id = %s", (team_id,))
            await _audit(connection, actor, Action.TEAM_DELETED, team_id)
        self._on_change()
        return row

    async def put_member(
        self, team_id: str, user_id: str, membership: Membership, actor: Actor
    ) -> TeamRow:
        """Raises NotFound, InvalidField."""
        if not is_label(user_id):
            raise InvalidField("A user id has 1 to 200 printable characters.", param="user_id")
        async with self._changing() as connection:
            await _found(connection, team_id)
            await note_user(connection, user_id)
            await connection.execute(
                "INSERT INTO team_members (team_id, user_id, is_admin) VALUES (%s, %s, %s)"
                " ON CONFLICT (team_id, user_id) DO UPDATE SET is_admin = EXCLUDED.is_admin",
                (team_id, user_id, membership.is_admin),
            )
            details = {"user": user_id, "is_admin": membership.is_admin}
            await _audit(connection, actor, Action.TEAM_MEMBER_CHANGED, team_id, details)
            return await _found(connection, team_id)

    async def remove_member(self, team_id: str, user_id: str, actor: Actor) -> TeamRow:
        """Their tokens of the team end with it. Raises NotFound."""
        async with self._changing() as connection:
            await _found(connection, team_id)
            left = await connection.execute(
                "DELETE FROM team_members WHERE team_id = %s AND user_id = %s", (team_id, user_id)
            )
            if not left.rowcount:
                raise NotFound(
                    f"'{user_id[:100]}' is not in the team '{team_id}'.", param="user_id"
                )
            await connection.execute(
                "UPDATE access_tokens SET revoked_at = now() WHERE team_id = %s AND user_id = %s"
                " AND revoked_at IS NULL",
                (team_id, user_id),
            )
            details = {"user": user_id}
            await _audit(connection, actor, Action.TEAM_MEMBER_REMOVED, team_id, details)
            changed = await _found(connection, team_id)
        self._on_change()
        return changed

    async def check_may_change(self, team_id: str, caller: Caller) -> None:
        """Raises NotAllowed for whoever is neither an admin nor the team's own.

        Whether there is such a team, others are not told.
        """
        check_scope(caller, Scope.ADMIN)
        if caller.role is Role.ADMIN:
            return
        async with self._database.connection() as connection:
            found = await connection.execute(
                "SELECT FROM team_members WHERE team_id = %s AND user_id = %s AND is_admin",
                (team_id, caller.user_id),
            )
            if found.rowcount:
                return
        raise NotAllowed(
            "Only an admin, or an admin of this team, may do that.", code="admin_required"
        )

    def _changing(self) -> AbstractAsyncContextManager[Connection]:
        return changing(self._database, self._news, TOKENS, None)


async def is_member(connection: Connection, team_id: str, user_id: str) -> bool:
    """Whether a user belongs to a team that is on."""
    found = await connection.execute(
        "SELECT FROM team_members JOIN teams ON teams.id = team_members.team_id"
        " WHERE team_id = %s AND user_id = %s AND is_active",
        (team_id, user_id),
    )
    return bool(found.rowcount)


async def _rows(
    connection: Connection, query: LiteralString, values: tuple[str, ...] = ()
) -> list[TeamRow]:
    async with connection.cursor(row_factory=class_row(_Found)) as cursor:
        await cursor.execute(query, values)
        found = await cursor.fetchall()
    return [
        TeamRow(
            *(one.id, one.name, one.is_active, one.created_at, one.tokens),
            [MemberRow(*pair) for pair in zip(one.users, one.admins, strict=True)],
        )
        for one in found
    ]


async def _found(connection: Connection, team_id: str) -> TeamRow:
    rows = await _rows(connection, _TEAMS + " WHERE id = %s", (team_id,))
    if not rows:
        raise NotFound(
            f"There is no team '{team_id[:100]}'.", param="team_id", code="team_not_found"
        )
    return rows[0]


async def _audit(
    connection: Connection, actor: Actor, action: Action, team_id: str, details: object = None
) -> None:
    await append_audit(
        connection, actor, action, "team", team_id, details=msgspec.to_builtins(details)
    )


@opener
async def open_teams(
    database: Database, keeper: SnapshotKeeper, authenticator: Authenticator
) -> AsyncGenerator[Teams]:
    yield Teams(database, keeper.news, authenticator.forget)
