"""Who the callers are: users, and the teams they belong to."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Text
from sqlmodel import Field, SQLModel

from shared.db.tables import naming as naming
from shared.db.tables.columns import flag, moment, words


class User(SQLModel, table=True):
    """A user who was named once. Whoever has no row is not blocked."""

    __tablename__: ClassVar[Any] = "users"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("user_id <> '' AND length(user_id) <= 200", name="user_id"),
    )

    user_id: str = words(key=True)
    is_blocked: bool = flag(default=False)
    first_seen_at: datetime = moment(now=True)


class Team(SQLModel, table=True):
    """`id` is what `team_id` of tokens and usage says. While one is off its tokens are refused."""

    __tablename__: ClassVar[Any] = "teams"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("id <> '' AND length(id) <= 200", name="id"),
        CheckConstraint("name <> ''", name="name"),
    )

    id: str = words(key=True)
    name: str = words()
    is_active: bool = flag(default=True)
    created_at: datetime = moment(now=True)


class TeamMember(SQLModel, table=True):
    """`is_admin`: may change who belongs to the team."""

    __tablename__: ClassVar[Any] = "team_members"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("user_id <> '' AND length(user_id) <= 200", name="user_id"),
        Index(None, "user_id"),
    )

    team_id: str = Field(
        default=None,
        sa_column=Column(Text, ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True),
    )
    user_id: str = words(key=True)
    is_admin: bool = flag(default=False)
    created_at: datetime = moment(now=True)
