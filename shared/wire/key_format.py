"""Whether a key looks like one of its provider's: prefix and length alone, for a warning. Pure.

Formats change, so nothing is refused by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from shared.wire.quirks import QUIRKS

PATTERNS: Final[Mapping[str, str]] = {
    # Anthropic speaks its own dialect and has no row of quirks (any-llm, providers/anthropic).
    "anthropic": r"sk-ant-[a-z0-9]+-[\w-]{60,}",
    **{slug: one.key_pattern for slug, one in QUIRKS.items() if one.key_pattern is not None},
}


def looks_like_key_of(slug: str, key: str) -> bool:
    """True for a provider whose format is not known, too."""
    pattern = PATTERNS.get(slug)
    return pattern is None or re.fullmatch(pattern, key) is not None


def other_provider_of(slug: str, key: str) -> str | None:
    """The one other provider whose keys look like this; None where none or several do."""
    found = [
        other
        for other, pattern in PATTERNS.items()
        if other != slug and re.fullmatch(pattern, key) is not None
    ]
    return found[0] if len(found) == 1 else None
