"""Which models a token may use: names, and patterns with one `*`. Pure."""

from __future__ import annotations

from functools import lru_cache

from shared.routing.aliases import STAR, Alias
from shared.wire.providers import KNOWN

_MOST_LISTS = 1024


def allows(allowed: frozenset[str], slug: str, model_id: str) -> bool:
    """Whether a list of allowed models has `model_id` of the provider `slug`.

    A name is a model's id, or `provider/id`. A pattern that begins with a provider's slug means
    models of that provider alone: `openai/*` is not OpenRouter's `openai/gpt-4o`.
    """
    name = f"{slug}/{model_id}"
    if model_id in allowed or name in allowed:
        return True
    of_id, of_name = _patterns(allowed)
    return any(one.matched(model_id) is not None for one in of_id) or any(
        one.matched(name) is not None for one in of_name
    )


def may_ask(allowed: frozenset[str], name: str) -> bool:
    """Whether a list has the name that a caller asks by, whatever that stands for."""
    if name in allowed:
        return True
    of_id, of_name = _patterns(allowed)
    return any(one.matched(name) is not None for one in (*of_id, *of_name))


@lru_cache(_MOST_LISTS)
def _patterns(allowed: frozenset[str]) -> tuple[tuple[Alias, ...], tuple[Alias, ...]]:
    """The patterns for a model's id, and those for `provider/id`."""
    patterns = [Alias(one, ()) for one in sorted(allowed) if STAR in one]
    of_provider = [
        one for one in patterns if one.name.partition("/")[0] in KNOWN and "/" in one.name
    ]
    return tuple(one for one in patterns if one not in of_provider), tuple(patterns)
