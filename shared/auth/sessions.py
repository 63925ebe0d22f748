"""Who is signed in at the console: a random cookie, and in Redis which token it was made from.

Redis keeps the digests of both, never their text. Each request finds the token's holder by its
digest where every other request finds it, so a session ends everywhere within 2 s of its token's
end or revocation, and has the token's role and tier of this moment.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from redis.exceptions import RedisError

from shared.auth.authenticator import Authenticator
from shared.auth.caller import Caller
from shared.auth.token import digest
from shared.errors import InvalidToken, NotReady, ServiceUnavailable
from shared.keyspace import CONSOLE_FAILURES, CONSOLE_SESSIONS, Redis
from shared.log import get_logger
from shared.resources import opener

LASTS_S = 12 * 3600
MOST_FAILURES = 10
FAILURES_S = 300
"""So many failed sign-ins an address may have in so many seconds."""

_COOKIE_BYTES = 32


class Session(msgspec.Struct, frozen=True):
    """`csrf` is what each form of this session has to send back."""

    caller: Caller
    csrf: str

    def __repr__(self) -> str:
        return f"Session({self.caller.user_id})"


class TooManyFailures(ServiceUnavailable):
    status = 429
    type = "rate_limit_error"
    code = "too_many_sign_ins"


class Sessions:
    def __init__(self, redis: Redis, authenticator: Authenticator) -> None:
        self._redis: Any = redis
        self._authenticator = authenticator

    async def sign_in(self, token: str, address: str, replaced: str | None) -> str:
        """The cookie of a new session; the one of `replaced` ends.

        Raises InvalidToken, TooManyFailures, and NotReady where Redis or the database is down.
        """
        failures = f"{CONSOLE_FAILURES}{address}"
        try:
            count = int(await self._redis.get(failures) or 0)
            if count >= MOST_FAILURES:
                wait_s = max(1, int(await self._redis.ttl(failures)))
                raise TooManyFailures(
                    f"Too many failed sign-ins from this address; try again in {wait_s} s.",
                    retry_after_s=wait_s,
                )
            try:
                await self._authenticator.authenticate(b"Bearer " + token.encode())
            except InvalidToken:
                await self._note_failure(failures)
                raise
            cookie = secrets.token_urlsafe(_COOKIE_BYTES)
            await self._redis.set(_key(cookie), digest(token), ex=LASTS_S)
            if replaced:
                await self._redis.delete(_key(replaced))
        except (RedisError, OSError) as error:
            raise _away(error) from error
        return cookie

    async def find(self, cookie: str) -> Session | None:
        """None where there is no such session, or its token has ended.

        Raises NotReady where Redis or the database is down.
        """
        try:
            key = await self._redis.get(_key(cookie))
        except (RedisError, OSError) as error:
            raise _away(error) from error
        if key is None:
            return None
        caller = await self._authenticator.holder_of(key)
        return None if caller is None else Session(caller, csrf_of(cookie))

    async def sign_out(self, cookie: str) -> None:
        """Raises NotReady where Redis is down."""
        try:
            await self._redis.delete(_key(cookie))
        except (RedisError, OSError) as error:
            raise _away(error) from error

    async def _note_failure(self, failures: str) -> None:
        pipeline = self._redis.pipeline()
        pipeline.incr(failures)
        # From the first on: who goes on failing does not lengthen it.
        pipeline.expire(failures, FAILURES_S, nx=True)
        await pipeline.execute()


def csrf_of(cookie: str) -> str:
    """Known to who has the cookie, and no way back to it."""
    return hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest()[:32]


def _key(cookie: str) -> str:
    return CONSOLE_SESSIONS + hashlib.sha256(cookie.encode()).hexdigest()


def _away(error: Exception) -> NotReady:
    get_logger().warning("session.not_read", error=type(error).__name__)
    return NotReady(
        "Sign-ins are kept in Redis, which does not answer; try again, and see /readyz.",
        code="redis_unavailable",
    )


@opener
async def open_sessions(redis: Redis, authenticator: Authenticator) -> AsyncGenerator[Sessions]:
    yield Sessions(redis, authenticator)
