"""Who pays once a caller's own key has failed: a row for each policy, consent and error."""

from __future__ import annotations

import itertools

import pytest

from shared.errors import (
    ContextTooLong,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamError,
)
from shared.routing.consent import may_follow, platform_may_follow
from shared.routing.own_keys import OwnKey, PlatformFallback, UsePolicy

ORDINARY = (
    ProviderRateLimited,
    ProviderUnavailable,
    ProviderTimeout,
    ProviderRejectedKey,
    ProviderQuotaExhausted,
)
NEVER, ON_RATE_LIMIT, ALWAYS = PlatformFallback


def key(policy: UsePolicy, consent: PlatformFallback) -> OwnKey:
    return OwnKey(1, "openai", policy, consent)


@pytest.mark.parametrize(
    ("policy", "consent", "error"), list(itertools.product(UsePolicy, PlatformFallback, ORDINARY))
)
def test_the_platform_pays_only_as_the_owner_allows(
    policy: UsePolicy, consent: PlatformFallback, error: type[UpstreamError]
) -> None:
    allowed = policy is not UsePolicy.ONLY and (
        consent is ALWAYS or (consent is ON_RATE_LIMIT and error is ProviderRateLimited)
    )
    assert platform_may_follow(key(policy, consent), error) is allowed


def test_what_is_wrong_with_the_key_as_we_hold_it_is_never_paid_around() -> None:
    class DoesNotOpen(UpstreamError):
        blames = ProviderRejectedKey.blames

    assert not platform_may_follow(key(UsePolicy.PREFER, ALWAYS), DoesNotOpen)
    assert not platform_may_follow(key(UsePolicy.PREFER, ALWAYS), ContextTooLong)


def test_every_key_that_failed_must_allow_it() -> None:
    free = (key(UsePolicy.PREFER, ALWAYS), ProviderUnavailable)
    strict = (key(UsePolicy.PREFER, NEVER), ProviderUnavailable)
    assert may_follow(None, [free, free])
    assert not may_follow(None, [free, strict])


def test_a_platforms_own_failure_asks_for_no_consent() -> None:
    assert may_follow(None, [(None, ProviderUnavailable)])


def test_another_own_key_may_always_follow() -> None:
    assert may_follow(
        key(UsePolicy.PREFER, NEVER), [(key(UsePolicy.ONLY, NEVER), ProviderRejectedKey)]
    )
