"""Who is calling: from memory, from one query a token, and from none for what is no token."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from shared.auth.authenticator import Authenticator
from shared.auth.credential import credential_of
from shared.auth.own_keys import OwnKeys
from shared.auth.token import mint
from shared.db.connect import Database
from shared.errors import InvalidToken, MissingToken, NotReady, RequestRefused
from tests.fakes.tokens import create_token

TOKENS = 20
CALLS = 500


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def queries(database: Database) -> int:
    """How often a connection was asked for, by the pool's own count."""
    return database._pool.get_stats().get("requests_num", 0)


def make_tokens(url: str, number: int) -> list[str]:
    tokens = [mint() for _ in range(number)]
    with psycopg.connect(url, autocommit=True) as connection:
        for place, token in enumerate(tokens):
            create_token(
                connection,
                token=token,
                name="n",
                user_id=f"u{place}",
                team_id=None,
                tier="free",
                role="user",
            )
    return tokens


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 60))


def test_five_hundred_calls_after_a_flush_cost_one_query_a_token(
    migrated_database_url: str,
) -> None:
    """R16 of RELIABILITY.md, and the same for callers' own keys."""
    tokens = make_tokens(migrated_database_url, TOKENS)

    async def main() -> None:
        async with opened(migrated_database_url) as database:
            authenticator, own_keys = Authenticator(database), OwnKeys(database)

            async def call(number: int) -> str:
                token = tokens[number % TOKENS]
                caller = await authenticator.authenticate(f"Bearer {token}".encode())
                await own_keys.load(caller.user_id)
                return caller.user_id

            for _ in range(2):
                authenticator.forget()
                own_keys.forget()
                before = queries(database)
                users = await asyncio.gather(*map(call, range(CALLS)))
                assert users == [f"u{number % TOKENS}" for number in range(CALLS)]
                assert queries(database) - before <= 2 * TOKENS
            before = queries(database)
            await asyncio.gather(*map(call, range(CALLS)))
            assert queries(database) == before

    run(main())


def test_ten_thousand_made_up_headers_are_refused_without_one_statement(
    migrated_database_url: str,
) -> None:
    [good] = make_tokens(migrated_database_url, 1)
    made_up = random.Random(4)

    def header() -> bytes:
        kind = made_up.randrange(6)
        if kind == 0:
            return made_up.randbytes(made_up.randrange(1, 200))
        if kind == 1:
            return b"Bearer " + made_up.randbytes(made_up.randrange(80))
        if kind == 2:  # one character of a good one changed
            place = made_up.randrange(len(good))
            other = made_up.choice([one for one in "aZ0_'%\\" if one != good[place]])
            return f"Bearer {good[:place]}{other}{good[place + 1 :]}".encode()
        if kind == 3:
            return f"Bearer {good[: made_up.randrange(len(good))]}".encode()
        if kind == 4:
            return made_up.choice([b"Basic ", b"Token ", b"bearer\t", b""]) + good.encode()
        return made_up.choice(
            [
                b"Bearer ' OR 1=1 --",
                b"Bearer \x00",
                b"Bearer",
                b"Bearer  ",
                b"Bearer " + b"a" * 9999,
            ]
        )

    async def main() -> None:
        async with opened(migrated_database_url) as database:
            authenticator = Authenticator(database)
            before = queries(database)
            for _ in range(10_000):
                made = header()
                assert authenticator.recall(made) is None
                with pytest.raises(InvalidToken) as refused:
                    await authenticator.authenticate(made)
                assert refused.value.status == 401
            assert queries(database) == before
            await authenticator.authenticate(f"bearer  {good} ".encode())
            assert queries(database) == before + 1

    run(main())


def test_tokens_that_share_all_but_their_end_share_no_identity(migrated_database_url: str) -> None:
    """CVE-2026-35030: a cache keyed by a part of the token."""
    one, other = make_tokens(migrated_database_url, 2)

    async def main() -> None:
        async with opened(migrated_database_url) as database:
            authenticator = Authenticator(database)
            first = await authenticator.authenticate(f"Bearer {one}".encode())
            second = await authenticator.authenticate(f"Bearer {other}".encode())
            assert (first.user_id, second.user_id) == ("u0", "u1")
            for end in "ab":
                if not one.endswith(end):
                    assert authenticator.recall(f"Bearer {one[:-1]}{end}".encode()) is None

    run(main())


def test_a_database_that_is_away_is_never_a_401() -> None:
    async def main() -> None:
        async with opened("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1") as database:
            authenticator, own_keys = Authenticator(database), OwnKeys(database)
            answers = await asyncio.gather(
                authenticator.authenticate(f"Bearer {mint()}".encode()),
                own_keys.load("ada"),
                return_exceptions=True,
            )
            assert [type(one) for one in answers] == [NotReady, NotReady]

    run(main())


def test_no_credential_at_all_is_said_to_be_missing(migrated_database_url: str) -> None:
    async def main() -> None:
        async with opened(migrated_database_url) as database:
            with pytest.raises(MissingToken):
                await Authenticator(database).authenticate(credential_of([]))

    run(main())


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], b""),
        ([(b"authorization", b"Bearer a")], b"Bearer a"),
        ([(b"x-api-key", b" a ")], b"Bearer a"),
        ([(b"authorization", b"bearer a"), (b"x-api-key", b"a")], b"bearer a"),
        ([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")], b"Bearer a"),
    ],
)
def test_the_one_credential_is_taken_from_either_header(
    headers: list[tuple[bytes, bytes]], found: bytes
) -> None:
    assert credential_of(headers) == found


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer a"), (b"x-api-key", b"b")],
        [(b"authorization", b"Basic a"), (b"x-api-key", b"a")],
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
        [(b"x-api-key", b"a"), (b"x-api-key", b"b")],
    ],
)
def test_two_credentials_that_differ_are_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(RequestRefused) as refused:
        credential_of(headers)
    assert (refused.value.status, refused.value.code) == (400, "conflicting_credentials")
