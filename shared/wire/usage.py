"""Token usage, whichever wire reported it: what a provider said, and what of it is billed.

In both the prompt includes cached tokens, and the completion reasoning.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import msgspec

MAX_TOKENS = 2**31 - 1
_PICO_DIGITS = 12
PICO_USD_PER_USD = 10**_PICO_DIGITS

_NUMBER = re.compile(r"\s*\+?\d{1,10}(?:\.\d{0,20})?\s*", re.ASCII)
_MAX_COST_USD = 10**6
_MAX_COST_LENGTH = 40


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one answer. `is_estimated`: some were counted by us, not reported.

    Each part is within its whole: cached, cache-write and prompt audio tokens within the prompt,
    reasoning and completion audio tokens within the completion; those written to the cache for an
    hour (`cache_write_1h_tokens`) within the cache-write tokens. `provider_cost_pico_usd` is what
    the provider says it charged.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    is_estimated: bool = False
    prompt_audio_tokens: int | None = None
    completion_audio_tokens: int | None = None
    provider_cost_pico_usd: int | None = None
    cache_write_1h_tokens: int | None = None

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Counts(msgspec.Struct, frozen=True):
    """What a provider said, with the names of Usage. None: not said, or it cannot be true.

    `is_doubtful`: a number was left out because it cannot be true.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    prompt_audio_tokens: int | None = None
    completion_audio_tokens: int | None = None
    provider_cost_pico_usd: int | None = None
    cache_write_1h_tokens: int | None = None
    total_tokens: int | None = None
    is_doubtful: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether both wholes were said, so that they can be shown."""
        return self.prompt_tokens is not None and self.completion_tokens is not None


Number = int | float | str | None
"""A count as it may be written: OpenRouter's have fractions (BerriAI/litellm issue 28023)."""

Estimate = Callable[[], int]


def read_count(value: Number) -> int | None:
    """The count, a fraction rounded up; None where it is none, negative or absurd."""
    if value is None:
        return None
    if isinstance(value, str):
        if _NUMBER.fullmatch(value) is None:
            return None
        value = float(value)
    if not 0 <= value <= MAX_TOKENS:
        return None
    return value if isinstance(value, int) else math.ceil(value)


def merge(earlier: Counts | None, later: Counts | None) -> Counts | None:
    """What is known after both: of each count the last value that is neither null nor a zero after
    a number.

    A server of Anthropic's wire may repeat the prompt's count as 0 at the end
    (envoyproxy/ai-gateway issue 1631), others send null.
    """
    if earlier is None or later is None:
        return later or earlier
    return Counts(
        *(
            before if after is None or (not after and before) else after
            for before, after in zip(
                msgspec.structs.astuple(earlier), msgspec.structs.astuple(later), strict=True
            )
        )
    )


def add_up(counts: Counts) -> Counts:
    """The counts with each part within its whole; what cannot be true is left out.

    A whole that was not said is what the total leaves for it.
    """
    prompt, completion, total = counts.prompt_tokens, counts.completion_tokens, counts.total_tokens
    if total and prompt is None and completion is not None and total >= completion:
        prompt = total - completion
    elif total and completion is None and prompt is not None and total >= prompt:
        completion = total - prompt
    known = counts
    if prompt is not counts.prompt_tokens or completion is not counts.completion_tokens:
        known = msgspec.structs.replace(counts, prompt_tokens=prompt, completion_tokens=completion)
    lost: list[str] = []
    cached, written = known.cached_tokens or 0, known.cache_write_tokens or 0
    if prompt is not None and cached + written > prompt:
        lost += ["cached_tokens", "cache_write_tokens", "cache_write_1h_tokens"]
    if (known.cache_write_1h_tokens or 0) > written:
        lost.append("cache_write_1h_tokens")
    if prompt is not None and (known.prompt_audio_tokens or 0) > prompt:
        lost.append("prompt_audio_tokens")
    if completion is not None and (known.reasoning_tokens or 0) > completion:
        lost.append("reasoning_tokens")
    if completion is not None and (known.completion_audio_tokens or 0) > completion:
        lost.append("completion_audio_tokens")
    return _without(known, lost) if lost else known


LARGEST_WINDOW = 10_000_000
"""Of the models whose window is not known here: Llama 4 Scout's, the largest on sale
(llama.com/models/llama-4)."""


def believed(
    counts: Counts, *, window: int, most_answer_tokens: int | None, choices: int = 1
) -> Counts:
    """The counts without those that are above what was possible.

    `window`: the tokens that the model's context holds, with each of its `choices` apart.
    `most_answer_tokens`: what the request allowed for all choices together; some providers count
    thoughts beside it.
    """
    prompt, completion = counts.prompt_tokens or 0, counts.completion_tokens or 0
    spoken = completion - (counts.reasoning_tokens or 0)
    lost: list[str] = []
    if prompt > window:
        lost += _OF_PROMPT
    if completion > window * choices or (
        most_answer_tokens is not None and spoken > most_answer_tokens
    ):
        lost += _OF_COMPLETION
    return _without(counts, lost) if lost else counts


_OF_PROMPT = (
    *("prompt_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
    "prompt_audio_tokens",
)
_OF_COMPLETION = ("completion_tokens", "reasoning_tokens", "completion_audio_tokens")


def _without(counts: Counts, lost: list[str]) -> Counts:
    return msgspec.structs.replace(counts, **dict.fromkeys(lost), is_doubtful=True)


def settle(counts: Counts | None, prompt: Estimate, completion: Estimate) -> Usage:
    """What is billed: what was said, a zero too, and for a whole that was not, the estimate of it.

    A zero that was read as unknown was over-billed (BerriAI/litellm issue 37992).
    """
    counts = counts or Counts()
    prompt_tokens, completion_tokens = counts.prompt_tokens, counts.completion_tokens
    if prompt_tokens is None:
        counts = msgspec.structs.replace(counts, **dict.fromkeys(_OF_PROMPT))
    if completion_tokens is None:
        counts = msgspec.structs.replace(counts, **dict.fromkeys(_OF_COMPLETION))
    usage = Usage(
        prompt() if prompt_tokens is None else prompt_tokens,
        completion() if completion_tokens is None else completion_tokens,
        cached_tokens=counts.cached_tokens,
        cache_write_tokens=counts.cache_write_tokens,
        reasoning_tokens=counts.reasoning_tokens,
        is_estimated=counts.is_doubtful,
        prompt_audio_tokens=counts.prompt_audio_tokens,
        completion_audio_tokens=counts.completion_audio_tokens,
        provider_cost_pico_usd=counts.provider_cost_pico_usd,
        cache_write_1h_tokens=counts.cache_write_1h_tokens,
    )
    if prompt_tokens is not None and completion_tokens is not None:
        return usage
    return msgspec.structs.replace(usage, is_estimated=True)


def read_cost(text: bytes) -> int | None:
    """A number of USD as whole pico-USD, from its text: no float is made of it.

    None where it is not a number, negative or absurd. What is finer than a pico-USD is rounded half
    to even.
    """
    if not text or len(text) > _MAX_COST_LENGTH:
        return None
    try:
        usd = Decimal(text.decode())
    except (InvalidOperation, UnicodeDecodeError):
        return None
    if not usd.is_finite() or not 0 <= usd <= _MAX_COST_USD:
        return None
    return int(usd.scaleb(_PICO_DIGITS).to_integral_value())
