"""`_metadata`: what Switchyard says of a completion, beside the provider's own answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from shared.wire.usage import PICO_USD_PER_USD


class AttemptNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attempt: `error` is a code of shared/errors.py, null where it answered.

    `via` is there where a proxy stood between us and the provider: `litellm`.
    """

    provider: str
    model: str
    status: int | None
    error: str | None
    latency_ms: int
    via: str | None = None


class Metadata(msgspec.Struct, frozen=True):
    """`cost_incurred` is USD, exact; null when it is not known (`cost_quality` says why).

    Times are ms; `overhead_ms` is the part of `latency_ms` that was not spent on the provider.
    `dropped_params` names the fields of the request that the provider was not sent.
    `ignores_health`: no candidate was well, and they were tried all the same, as in /route.
    `alias` is the one that the model's name was found to be. `stepped_down_from` is the level
    that a budget could not pay for, `quote_id` the quote that was redeemed.
    """

    request_id: str
    provider_used: str
    model_used: str
    power_level: str | None
    cost_incurred: msgspec.Raw
    cost_quality: str
    key_source: str
    billed_to: str
    was_fallback: bool
    attempts: Sequence[AttemptNote]
    latency_ms: int
    ttft_ms: int | None
    overhead_ms: float
    dropped_params: tuple[str, ...]
    simulated: bool
    ignores_health: bool
    alias: str | None
    stepped_down_from: str | None = None
    quote_id: str | None = None


_encode = msgspec.json.Encoder().encode


def encode_metadata(metadata: Metadata) -> bytes:
    return _encode(metadata)


@lru_cache(maxsize=64)
def usd(pico_usd: int | None) -> str:
    """USD as an exact decimal numeral, or `null`; 42_500_000 pico-USD is 0.0000425.

    An answer asks twice, for its body and for a header.
    """
    if pico_usd is None:
        return "null"
    whole, rest = divmod(pico_usd, PICO_USD_PER_USD)
    return f"{whole}.{rest:012d}".rstrip("0").removesuffix(".") if rest else str(whole)


def raw_usd(pico_usd: int | None) -> msgspec.Raw:
    """The same numeral as raw JSON: a number that no float has touched."""
    return msgspec.Raw(usd(pico_usd).encode())
