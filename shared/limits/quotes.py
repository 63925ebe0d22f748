"""Firm quotes: what a request may cost at most, promised for 60 s and redeemed once.

A quote is kept in Redis, what it reserved of budgets in their meters (shared/limits/script.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from redis.exceptions import RedisError

from shared.errors import Conflict, MalformedBody, ServiceUnavailable, Unprocessable
from shared.keyspace import QUOTES, Redis
from shared.ledger.record import UsageFinal
from shared.limits.script import QUOTE_MS
from shared.resources import opener

_USED_S = 86_400
"""For how long it is told that a quote was used; then, that it has expired."""
_MAX_ID = 64
_PARAM = "x-quote-id"


class Quote(msgspec.Struct, frozen=True, array_like=True):
    """A promise to `user_id`: the request of that digest costs no more than `most_pico_usd`."""

    id: str
    user_id: str
    digest: bytes
    endpoint: str
    most_pico_usd: int

    def capped(self, final: UsageFinal) -> UsageFinal:
        """What the request is charged; above the ceiling it is the operator's own cost."""
        cost = final.cost_total_pico_usd
        if cost is None or cost <= self.most_pico_usd:
            return msgspec.structs.replace(final, quote_id=self.id)
        return msgspec.structs.replace(
            final,
            quote_id=self.id,
            cost_input_pico_usd=None,
            cost_output_pico_usd=None,
            cost_total_pico_usd=self.most_pico_usd,
            overrun_pico_usd=cost - self.most_pico_usd,
        )


class QuoteUsed(Conflict):
    code = "quote_used"


class QuoteExpired(Conflict):
    code = "quote_expired"


class QuoteMismatch(Unprocessable):
    code = "quote_mismatch"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Quote).decode


class Quotes:
    """All processes share them."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def keep(self, quote: Quote) -> None:
        """Raises ServiceUnavailable: then it is none."""
        try:
            await self._redis.set(QUOTES + quote.id, _encode(quote), px=QUOTE_MS)
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    async def redeem(self, quote_id: str, user_id: str, digest: bytes, endpoint: str) -> Quote:
        """The quote, which nobody can redeem again.

        Raises QuoteExpired, also for one that was never given to this user; QuoteMismatch, and then
        it is still there; QuoteUsed; ServiceUnavailable.
        """
        key = QUOTES + quote_id[:_MAX_ID]
        try:
            kept = await self._redis.get(key)
            if kept is None:
                is_used = await self._redis.exists(f"{key}:used")
                raise _used() if is_used else _expired()
            quote = _decode(kept)
            if quote.user_id != user_id:
                raise _expired()
            if (quote.digest, quote.endpoint) != (digest, endpoint):
                raise QuoteMismatch(
                    "The quote is for another request; send the very body that it was asked for.",
                    param=_PARAM,
                )
            if not await self._redis.set(f"{key}:used", b"1", ex=_USED_S, nx=True):
                raise _used()
        except (RedisError, OSError) as error:
            raise _unavailable() from error
        return quote


def digest_of(body: bytes) -> bytes:
    """Of what a JSON body says, however it is written. Raises MalformedBody for another."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise MalformedBody("The body must be a JSON object.") from error
    return hashlib.sha256(msgspec.json.encode(fields, order="deterministic")).digest()


def _used() -> QuoteUsed:
    return QuoteUsed("The quote was redeemed already; ask for another.", param=_PARAM)


def _expired() -> QuoteExpired:
    return QuoteExpired(
        "There is no such quote; one holds for 60 s. Ask for another.", param=_PARAM
    )


def _unavailable() -> ServiceUnavailable:
    return ServiceUnavailable("Quotes cannot be read right now; try again in a moment.")


@opener
async def open_quotes(redis: Redis) -> AsyncGenerator[Quotes]:
    yield Quotes(redis)
