"""Tokens in the table: found by digest, revoked and rotated whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from shared.auth.token import digest, mint
from shared.db.access_tokens import (
    AccessToken,
    TokenRow,
    find_access_token,
    newest_tokens,
    page_of_tokens,
    replace_token,
)
from tests.fakes.tokens import create_token, revoke_token

DAY = timedelta(days=1)


@pytest.fixture
def connection(migrated_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


async def twin_of(connection: psycopg.Connection[Any]) -> psycopg.AsyncConnection[Any]:
    """Another connection to the same database; `dsn` leaves the password out."""
    info = connection.info
    return await psycopg.AsyncConnection.connect(info.dsn, password=info.password)


def make(connection: psycopg.Connection[Any], token: str, **changes: Any) -> int:
    values: dict[str, Any] = {
        "name": "laptop",
        "user_id": "ada",
        "team_id": "engines",
        "tier": "professional",
        "role": "user",
    }
    return create_token(connection, token=token, **{**values, **changes})


def list_tokens(connection: psycopg.Connection[Any]) -> list[TokenRow]:
    async def ask() -> list[TokenRow]:
        async with await twin_of(connection) as other:
            return await page_of_tokens(other, after=0, limit=None, user_id=None)

    return asyncio.run(ask())


def rotate_token(
    connection: psycopg.Connection[Any], token_id: int, *, token: str, overlap: timedelta
) -> int | None:
    async def rotate() -> int | None:
        async with await twin_of(connection) as other:
            return await replace_token(other, token_id, token, overlap, None)

    return asyncio.run(rotate())


def find(connection: psycopg.Connection[Any], token: str) -> AccessToken | None:
    async def ask() -> AccessToken | None:
        async with await twin_of(connection) as other:
            return await find_access_token(other, digest(token))

    return asyncio.run(ask())


def test_a_token_is_found_by_its_digest_with_all_it_stands_for(
    connection: psycopg.Connection[Any],
) -> None:
    token = mint()
    until = datetime(2031, 5, 1, tzinfo=UTC)
    token_id = make(
        connection, token, scopes=["chat"], allowed_models=["gpt-6.1-terra"], expires_at=until
    )
    assert find(connection, token) == AccessToken(
        id=token_id,
        user_id="ada",
        team_id="engines",
        tier="professional",
        role="user",
        scopes=["chat"],
        allowed_models=["gpt-6.1-terra"],
        expires_at=until,
    )
    assert find(connection, mint()) is None


def test_an_expired_token_is_found_because_the_caller_tells_it_from_an_unknown_one(
    connection: psycopg.Connection[Any],
) -> None:
    token = mint()
    make(connection, token, expires_at=datetime.now(UTC) - DAY)
    assert find(connection, token) is not None


def test_the_table_holds_no_token(connection: psycopg.Connection[Any]) -> None:
    token = mint()
    make(connection, token)
    [[row]] = connection.execute("SELECT access_tokens::text FROM access_tokens").fetchall()
    assert token[7:-4] not in row


def test_an_allowed_list_that_is_empty_allows_nothing_and_is_not_every_model(
    connection: psycopg.Connection[Any],
) -> None:
    none_allowed, all_allowed = mint(), mint()
    make(connection, none_allowed, allowed_models=[])
    make(connection, all_allowed)
    found = [find(connection, none_allowed), find(connection, all_allowed)]
    assert [one and one.allowed_models for one in found] == [[], None]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"tier": "gold"}, id="a tier that does not exist"),
        pytest.param({"role": "root"}, id="a role that does not exist"),
    ],
)
def test_a_token_nobody_could_use_is_refused(
    connection: psycopg.Connection[Any], changes: dict[str, str]
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        make(connection, mint(), **changes)


def test_a_listed_token_shows_its_ends_alone(connection: psycopg.Connection[Any]) -> None:
    token = mint()
    token_id = make(connection, token)
    [row] = list_tokens(connection)
    assert (row.id, row.name, row.prefix, row.suffix) == (token_id, "laptop", token[:7], token[-4:])
    assert row.revoked_at is None
    assert row.created_at.tzinfo is not None


def test_a_revoked_token_is_found_no_more_and_revoked_only_once(
    connection: psycopg.Connection[Any],
) -> None:
    token = mint()
    token_id = make(connection, token)
    assert revoke_token(connection, token_id)
    assert find(connection, token) is None
    revoked_at = list_tokens(connection)[0].revoked_at
    assert not revoke_token(connection, token_id)
    assert list_tokens(connection)[0].revoked_at == revoked_at
    assert not revoke_token(connection, token_id + 1)


def test_both_tokens_work_during_the_overlap_of_a_rotation(
    connection: psycopg.Connection[Any],
) -> None:
    old, new = mint(), mint()
    old_id = make(connection, old, scopes=["chat"], allowed_models=["m"])
    before = datetime.now(UTC)
    new_id = rotate_token(connection, old_id, token=new, overlap=DAY)
    older, newer = find(connection, old), find(connection, new)
    assert older is not None
    assert older.expires_at is not None
    assert abs(older.expires_at - before - DAY) < timedelta(minutes=1)
    assert newer == AccessToken(
        id=new_id or 0,
        user_id="ada",
        team_id="engines",
        tier="professional",
        role="user",
        scopes=["chat"],
        allowed_models=["m"],
        expires_at=None,
    )


def test_a_rotation_never_makes_the_old_token_live_longer(
    connection: psycopg.Connection[Any],
) -> None:
    old, new = mint(), mint()
    soon = datetime.now(UTC) + timedelta(hours=1)
    old_id = make(connection, old, expires_at=soon)
    rotate_token(connection, old_id, token=new, overlap=DAY)
    older, newer = find(connection, old), find(connection, new)
    assert older is not None
    assert older.expires_at == soon
    assert newer is not None
    assert newer.expires_at is not None
    assert timedelta(0) <= newer.expires_at - soon < timedelta(minutes=1)


def test_a_rotated_token_keeps_its_limits(connection: psycopg.Connection[Any]) -> None:
    old_id = make(connection, mint())
    connection.execute(
        "INSERT INTO limits (scope, subject, requests_per_minute, tokens_per_minute,"
        " concurrent_requests, budget_day_usd, budget_month_usd, is_soft, on_budget, counts_byok,"
        " time_zone, is_active)"
        " VALUES ('token', %s, 1, 2, 3, 4, 5, true, 'step_down', true, 'Asia/Tokyo', false)",
        (str(old_id),),
    )
    new_id = rotate_token(connection, old_id, token=mint(), overlap=DAY)
    own = {"id", "subject", "created_at", "updated_at"}
    old, new = (
        {
            name: value
            for name, value in connection.cursor(row_factory=dict_row)
            .execute("SELECT * FROM limits WHERE subject = %s", (str(token_id),))
            .fetchall()[0]
            .items()
            if name not in own
        }
        for token_id in (old_id, new_id)
    )
    assert new == old


def test_only_a_live_token_is_rotated_and_only_once(connection: psycopg.Connection[Any]) -> None:
    rotated, revoked = make(connection, mint()), make(connection, mint())
    revoke_token(connection, revoked)
    assert rotate_token(connection, rotated, token=mint(), overlap=DAY) is not None
    held = len(list_tokens(connection))
    for token_id in (rotated, revoked, 999):
        assert rotate_token(connection, token_id, token=mint(), overlap=DAY) is None
    assert len(list_tokens(connection)) == held


def test_a_rotation_that_fails_half_way_changes_nothing(
    connection: psycopg.Connection[Any],
) -> None:
    taken = mint()
    make(connection, taken)
    old = mint()
    old_id = make(connection, old)
    with pytest.raises(psycopg.errors.UniqueViolation):
        rotate_token(connection, old_id, token=taken, overlap=DAY)
    older = find(connection, old)
    assert older is not None
    assert older.expires_at is None


def test_the_newest_tokens_come_first_and_no_more_than_are_shown(
    migrated_database_url: str, connection: psycopg.Connection[Any]
) -> None:
    made = [make(connection, mint()) for _ in range(4)]

    async def newest() -> list[TokenRow]:
        async with await psycopg.AsyncConnection.connect(migrated_database_url) as held:
            return await newest_tokens(held, limit=3, user_id=None)

    assert [row.id for row in asyncio.run(newest())] == made[:0:-1]
