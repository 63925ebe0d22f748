"""What is tried after what has failed, a row each."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import (
    ContentFiltered,
    ContextTooLong,
    PlatformKeyRefused,
    ProviderDeniedModel,
    ProviderLacksFeature,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRefusedRequest,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
    UnknownUpstreamModel,
    UpstreamError,
)
from shared.routing.attempts import (
    MAX_ATTEMPTS,
    Failed,
    Next,
    RetryBudget,
    next_attempt,
    pause_s,
)
from shared.routing.choice import Candidate, Reason
from shared.routing.own_keys import OwnKey, PlatformFallback
from tests.shared.routing.catalog import FLASH, OPUS, OSS, TERRA

NEVER, ON_RATE_LIMIT, ALWAYS = PlatformFallback
MINI = msgspec.structs.replace(TERRA, id=9, model_id="mini")


def at(model: object, consent: PlatformFallback | None = None, key: int = 7) -> Candidate:
    own = None
    if consent is not None:
        own = OwnKey(key, model.provider.slug, platform_fallback=consent)  # type: ignore[attr-defined]
    return Candidate(model, Reason.RULE, own)  # type: ignore[arg-type]


PLATFORM = (at(TERRA), at(FLASH), at(OSS), at(OPUS))
ONE = (at(TERRA),)
LARGE = msgspec.structs.replace(FLASH, id=10, context_window=1_000_000)
WINDOWS = (at(TERRA), at(OSS), at(LARGE), at(OPUS))
SAME_PROVIDER = (at(TERRA), at(MINI))
MIXED = (at(TERRA), at(MINI), at(FLASH))
OWN_NEVER = (at(TERRA, NEVER), at(TERRA), at(FLASH))
OWN_RATE = (at(TERRA, ON_RATE_LIMIT), at(TERRA), at(FLASH))
OWN_ALWAYS = (at(TERRA, ALWAYS), at(TERRA), at(FLASH))
TWO_OWN = (at(TERRA, NEVER), at(FLASH, NEVER, 8), at(OSS))
SAME_OWN = (at(TERRA, NEVER), at(MINI, NEVER), at(FLASH, NEVER, 8))


@dataclass
class Row:
    """After `candidates[place]` failed with `kind`, for each of `failures`: the next one."""

    candidates: tuple[Candidate, ...]
    failures: list[tuple[int, type[UpstreamError]]]
    next: int | None
    is_repeat: bool = False


DOWN, LATE, LIMITED = ProviderUnavailable, ProviderTimeout, ProviderRateLimited
LACKS, DENIED = ProviderLacksFeature, ProviderDeniedModel
ROWS: dict[str, Row] = {
    "first the first": Row(PLATFORM, [], 0),
    "no candidate, no attempt": Row((), [], None),
    "503: another provider at once": Row(PLATFORM, [(0, DOWN)], 1),
    "a timeout: another provider at once": Row(PLATFORM, [(0, LATE)], 1),
    "429: another provider at once": Row(PLATFORM, [(0, LIMITED)], 1),
    "three attempts at most": Row(PLATFORM, [(0, DOWN), (1, DOWN), (2, DOWN)], None),
    "a refused request is not tried elsewhere": Row(PLATFORM, [(0, ProviderRefusedRequest)], None),
    "a context too long: not where it is too long, too": Row(
        PLATFORM, [(0, ContextTooLong)], None
    ),
    "a context too long: the next with a larger window": Row(WINDOWS, [(0, ContextTooLong)], 2),
    "and the next after that": Row(WINDOWS, [(0, ContextTooLong), (2, ContextTooLong)], None),
    "what was filtered is not tried elsewhere": Row(PLATFORM, [(0, ContentFiltered)], None),
    "what this provider lacks: another provider at once": Row(MIXED, [(0, LACKS)], 2),
    "what two providers lack, none is asked for": Row(PLATFORM, [(0, LACKS), (1, LACKS)], None),
    "what it lacks, and no other provider: its next model": Row(SAME_PROVIDER, [(0, LACKS)], 1),
    "what it lacks, and no other model: nothing": Row(ONE, [(0, LACKS)], None),
    "what it lacks, then refused: nothing": Row(
        PLATFORM, [(0, LACKS), (1, ProviderRefusedRequest)], None
    ),
    "what it lacks, then a provider down: the third": Row(PLATFORM, [(0, LACKS), (1, DOWN)], 2),
    "a provider down, then what the next lacks: the third": Row(
        PLATFORM, [(0, DOWN), (1, LACKS)], 2
    ),
    "what it lacks, under an own key, never: nothing": Row(OWN_NEVER, [(0, LACKS)], None),
    "what it lacks, under an own key, always: elsewhere": Row(OWN_ALWAYS, [(0, LACKS)], 2),
    "a model denied to the key: the next, even there": Row(SAME_PROVIDER, [(0, DENIED)], 1),
    "a model denied to the key is not asked for again": Row(ONE, [(0, DENIED)], None),
    "a model denied to an own key, always: the platform's": Row(OWN_ALWAYS, [(0, DENIED)], 1),
    "a model denied to an own key, never: nothing": Row(OWN_NEVER, [(0, DENIED)], None),
    "an unknown model: the next, even there": Row(SAME_PROVIDER, [(0, UnknownUpstreamModel)], 1),
    "an unknown model is not asked for again": Row(ONE, [(0, UnknownUpstreamModel)], None),
    "the last provider is asked again, once": Row(ONE, [(0, DOWN)], 0, is_repeat=True),
    "and not twice": Row(ONE, [(0, DOWN), (0, DOWN)], None),
    "429 of the last provider: asked again": Row(ONE, [(0, LIMITED)], 0, is_repeat=True),
    "another provider before another model of the same": Row(MIXED, [(0, DOWN)], 2),
    "another model of the same provider is a repeat": Row(
        SAME_PROVIDER, [(0, DOWN)], 1, is_repeat=True
    ),
    "when all providers failed, an untried model first": Row(
        MIXED, [(0, DOWN), (2, DOWN)], 1, is_repeat=True
    ),
    "a refused platform key: not that provider again": Row(MIXED, [(0, PlatformKeyRefused)], 2),
    "a refused platform key, one provider": Row(SAME_PROVIDER, [(0, PlatformKeyRefused)], None),
    "an own key fails, never: it again": Row(OWN_NEVER, [(0, DOWN)], 0, is_repeat=True),
    "an own key fails twice, never: nothing": Row(OWN_NEVER, [(0, DOWN), (0, DOWN)], None),
    "an own key refused, never: nothing": Row(OWN_NEVER, [(0, ProviderRejectedKey)], None),
    "an own key spent, never: nothing": Row(OWN_NEVER, [(0, ProviderQuotaExhausted)], None),
    "an own key at its limit, never: it again": Row(OWN_NEVER, [(0, LIMITED)], 0, is_repeat=True),
    "an own key at its limit, on_rate_limit: the platform's": Row(OWN_RATE, [(0, LIMITED)], 1),
    "an own key refused, on_rate_limit: nothing": Row(OWN_RATE, [(0, ProviderRejectedKey)], None),
    "an own key fails, on_rate_limit: it again": Row(OWN_RATE, [(0, DOWN)], 0, is_repeat=True),
    "an own key refused, always: the platform": Row(OWN_ALWAYS, [(0, ProviderRejectedKey)], 1),
    "an own key spent, always: the platform": Row(OWN_ALWAYS, [(0, ProviderQuotaExhausted)], 1),
    "a provider down under an own key, always: elsewhere": Row(OWN_ALWAYS, [(0, DOWN)], 2),
    "another own key follows without consent": Row(TWO_OWN, [(0, ProviderRejectedKey)], 1),
    "and after it nothing of the platform": Row(
        TWO_OWN, [(0, ProviderRejectedKey), (1, ProviderRejectedKey)], None
    ),
    "a refused own key is not tried at another model": Row(SAME_OWN, [(0, ProviderRejectedKey)], 2),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_what_is_tried_next(name: str) -> None:
    row = ROWS[name]
    failed = [Failed(row.candidates[place], kind("p", "")) for place, kind in row.failures]
    step = next_attempt(row.candidates, failed)
    if row.next is None:
        assert step is None
        return
    assert step is not None
    assert row.candidates.index(step.candidate) == row.next
    assert step.is_repeat is row.is_repeat


def test_what_was_not_sent_is_no_attempt_and_is_not_asked_again() -> None:
    unsent = Failed(TWO_OWN[0], ProviderRejectedKey("openai", ""), was_sent=False)
    sent = [Failed(TWO_OWN[1], ProviderUnavailable("google", "")) for _ in range(1)]
    step = next_attempt(TWO_OWN, [unsent, *sent])
    assert step == Next(TWO_OWN[1], is_repeat=True)


def test_retry_after_is_the_least_wait_at_that_provider_alone() -> None:
    limited = Failed(ONE[0], ProviderRateLimited("openai", "", retry_after_s=3.0))
    step = next_attempt(ONE, [limited])
    assert step is not None
    assert step.least_wait_s == 3.0
    elsewhere = next_attempt(PLATFORM, [limited])
    assert elsewhere is not None
    assert elsewhere.least_wait_s == 0.0


@given(
    st.lists(st.sampled_from([DOWN, LATE, LIMITED, ProviderRejectedKey, UnknownUpstreamModel])),
    st.permutations(PLATFORM + OWN_NEVER[:1] + OWN_ALWAYS[:1]),
)
def test_a_request_ends_after_three_sent_attempts_and_never_pays_without_consent(
    kinds: list[type[UpstreamError]], candidates: list[Candidate]
) -> None:
    failed: list[Failed] = []
    for kind in kinds:
        step = next_attempt(candidates, failed)
        if step is None:
            break
        if step.candidate.key is None:
            assert not any(
                one.candidate.key is not None and one.candidate.key.platform_fallback is NEVER
                for one in failed
            )
        failed.append(Failed(step.candidate, kind("p", "")))
    assert len(failed) <= MAX_ATTEMPTS


@given(st.integers(0, 50), st.floats(0, 0.999))
def test_a_pause_is_within_full_jitter(repeats: int, chance: float) -> None:
    assert 0 <= pause_s(repeats, chance) <= min(8.0, 0.25 * 2**repeats)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 2)), max_size=400))
def test_repeats_stay_within_a_fifth_of_the_requests_and_ten_a_second(
    steps: list[tuple[bool, float]],
) -> None:
    now = 0.0
    budget = RetryBudget(now)
    requests = repeats = 0
    for is_request, later in steps:
        now += later
        if is_request:
            requests += 1
            budget.deposit()
        else:
            repeats += budget.take(now)
    assert repeats <= 0.2 * requests + 10 * now + 10
