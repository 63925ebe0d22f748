"""Whether the platform may pay after a caller's own key has failed. Pure.

A caller's own key never gives way silently: after any of theirs failed, or was passed over, what
the platform pays for follows only as that key's owner has allowed. Their other keys always may.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.errors import (
    ProviderLacksFeature,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRejectedKey,
    UpstreamError,
)
from shared.routing.own_keys import OwnKey, PlatformFallback, UsePolicy

Failure = tuple[OwnKey | None, type[UpstreamError]]
"""The key an attempt was made with (None: the platform's), and how it failed."""


def platform_may_follow(key: OwnKey, error: type[UpstreamError]) -> bool:
    """Whether `key`'s owner lets the platform pay after `error`.

    Not after an error that says something is wrong with the key as we hold it, whatever they
    allowed: that is to be looked into, not paid around.
    """
    if key.policy is UsePolicy.ONLY:
        return False
    if key.platform_fallback is PlatformFallback.ON_RATE_LIMIT:
        return issubclass(error, ProviderRateLimited)
    is_ordinary = error.retryable or issubclass(
        error, ProviderRejectedKey | ProviderQuotaExhausted | ProviderLacksFeature
    )
    return key.platform_fallback is PlatformFallback.ALWAYS and is_ordinary


def may_follow(key: OwnKey | None, failures: Iterable[Failure]) -> bool:
    """Whether a candidate that `key` pays for (None: the platform) may be tried after these."""
    return key is not None or all(
        failed is None or platform_may_follow(failed, error) for failed, error in failures
    )
