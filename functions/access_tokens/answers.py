"""How tokens (by their two ends), users and teams are shown. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.auth.teams import TeamRow
from shared.auth.tokens import Minted
from shared.auth.users import UserRow
from shared.db.access_tokens import TokenRow


class TokenCard(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is valid, expired or revoked. Empty `scopes`: all that the role allows."""

    id: int
    name: str
    user_id: str
    team_id: str | None
    tier: str
    role: str
    scopes: list[str]
    allowed_models: list[str] | None
    masked_token: str
    state: str
    expires_at: datetime | None
    revoked_at: datetime | None
    rotated_to: int | None
    created_by: str | None
    created_at: datetime


class NewTokenCard(TokenCard, frozen=True, kw_only=True):
    """`token` is shown this once."""

    token: str

    def __repr__(self) -> str:
        return f"NewTokenCard({self.id})"


class UserCard(msgspec.Struct, frozen=True, kw_only=True):
    """`tokens` are those that are valid; `requests` and `cost_usd` of the days asked for."""

    user_id: str
    is_blocked: bool
    first_seen_at: datetime | None
    tiers: list[str]
    tokens: int
    own_keys: list[str]
    requests: int
    cost_usd: float
    last_day: datetime | None


class MemberCard(msgspec.Struct, frozen=True, kw_only=True):
    user_id: str
    is_admin: bool


class TeamCard(msgspec.Struct, frozen=True, kw_only=True):
    """`tokens` are those that are valid."""

    id: str
    name: str
    is_active: bool
    tokens: int
    members: list[MemberCard]
    created_at: datetime


def user_card(row: UserRow) -> UserCard:
    return UserCard(
        user_id=row.user_id,
        is_blocked=row.is_blocked,
        first_seen_at=row.first_seen_at,
        tiers=row.tiers,
        tokens=row.tokens,
        own_keys=row.own_keys,
        requests=row.requests,
        cost_usd=float(row.cost_usd),
        last_day=row.last_day,
    )


def team_card(row: TeamRow) -> TeamCard:
    members = [MemberCard(user_id=one.user_id, is_admin=one.is_admin) for one in row.members]
    return TeamCard(
        id=row.id,
        name=row.name,
        is_active=row.is_active,
        tokens=row.tokens,
        members=members,
        created_at=row.created_at,
    )


def card(row: TokenRow, now: datetime) -> TokenCard:
    return TokenCard(
        id=row.id,
        name=row.name,
        user_id=row.user_id,
        team_id=row.team_id,
        tier=row.tier,
        role=row.role,
        scopes=row.scopes,
        allowed_models=row.allowed_models,
        masked_token=f"{row.prefix}...{row.suffix}",
        state=_state(row, now),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        rotated_to=row.rotated_to,
        created_by=row.created_by,
        created_at=row.created_at,
    )


def new_card(minted: Minted, now: datetime) -> NewTokenCard:
    return NewTokenCard(**msgspec.structs.asdict(card(minted.row, now)), token=minted.token)


def _state(row: TokenRow, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None and row.expires_at <= now:
        return "expired"
    return "valid"
